"""What became of everything that stood for a choice over a period, and who got nothing: read person by person."""

from __future__ import annotations

from collections.abc import Iterator

from marketofone.decide.funnel import Funnel, FunnelCounts, funnel_of
from marketofone.decide.money_left import MoneyActions, money_actions, money_left
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision, MoneyLeft
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord
from marketofone.services.decisions.visible import refusal_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import people, together
from marketofone.services.runtime.uses import asked_moment
from marketofone.store.ports import Reader

MOST_DAYS = 730
_PEOPLE = 64  # read in one snapshot of the store


def count_funnel(context: AppContext, *, days: int, now: Instant, as_of: Instant | None = None) -> Funnel:
    """Count what became of every pair of person and action in some days until ``as_of``, or now.

    Orders of an app's parts offer nothing, and are no part of it. Who came after ``as_of`` is neither counted nor
    named.
    What may be shown is judged ``now``: a decision that rests on what may not be used any more is left out and counted.

    Raises
    ------
    MalformedRequest
        When the days are none, or too many; when ``as_of`` lies ahead.
    """
    if not 1 <= days <= MOST_DAYS:
        raise MalformedRequest(field="days", shape="out of range", fix=f"give 1 to {MOST_DAYS} days")
    until = asked_moment(as_of, now=now)
    since = Instant(until - days * DAY)
    counts = FunnelCounts()
    names = sorted(one.name for one in context.keys.customers())
    for some in together(names, size=_PEOPLE):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            actions = money_actions(snapshot.config.actions.actions)
            for person in people(snapshot, some):
                if as_of is not None and not _had_come(reader, person, by=until):
                    continue
                found = _made(reader, person, since=since, until=until)
                made = sorted(
                    (one for one in found if not _puts_in_order(one, snapshot.config)), key=lambda one: one.decision.at
                )
                shown = [one.decision for one in made if not refusal_of(one, person, config=snapshot.config, now=now)]
                counts.add(person.name, shown, money=_money_left(shown, actions=actions), hidden=len(made) - len(shown))
    return funnel_of(counts, since=text_of(since), until=text_of(until))


def _had_come(reader: Reader, person: Person, *, by: Instant) -> bool:
    """Say whether a person's journal, or that of one of their ids, had begun."""
    first = (entry for member in person.members for entry in reader.entries(member.subject, upto=1))
    return any(entry.recorded <= by for entry in first)


def _made(reader: Reader, person: Person, *, since: Instant, until: Instant) -> Iterator[DecisionRecord]:
    for member in person.members:
        for entry in reader.entries(member.subject, kinds=("decision",), newest_first=True):
            if max(entry.at, entry.recorded) < since:  # what is recorded never steps back
                break
            if since < entry.at <= until:
                yield codec.read(entry, box=member.box)


def _puts_in_order(made: DecisionRecord, config: BankConfig) -> bool:
    """Say whether a decision only puts the parts of an app in order: nothing is offered, so no one is served."""
    placement = config.actions.placements.get(made.decision.placement or "")
    if placement is not None:
        return placement.orders
    return made.kind is None and made.decision.action != NOTHING


def _money_left(decisions: list[Decision], *, actions: MoneyActions) -> MoneyLeft:
    each = (money_left(decision, actions=actions) for decision in decisions)
    return next((known for known in each if known != "not known"), "not known")

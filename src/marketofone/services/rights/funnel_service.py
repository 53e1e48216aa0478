"""What became of everything that stood for a choice over a period, and who got nothing: read person by person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.decide.funnel import Funnel, FunnelCounts, Unserved, funnel_of
from marketofone.decide.money_left import MoneyActions, money_actions, money_left
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision, MoneyLeft
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.visible import refusal_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import people, together
from marketofone.services.runtime.uses import append_unmoved, asked_moment, use_of
from marketofone.store.ports import Draft, Reader

MOST_DAYS = 730
_PEOPLE = 64  # read in one snapshot of the store


class _Period(NamedTuple):
    since: Instant
    until: Instant


def count_funnel(
    context: AppContext, *, days: int, now: Instant, as_of: Instant | None = None, lists_people: bool = True
) -> Funnel:
    """Count what became of every pair of person and action in some days until ``as_of``, or now.

    Orders of an app's parts offer nothing, and are no part of it. Who came after ``as_of`` is neither counted nor
    named.
    What may be shown is judged ``now``: a decision that rests on what may not be used any more is left out and counted.
    To count people names none; what the decisions of those who are listed rest on is read, and is a use. Where it
    ``lists_people`` not, none is.

    Raises
    ------
    MalformedRequest
        When the days are none, or too many; when ``as_of`` lies ahead.
    """
    if not 1 <= days <= MOST_DAYS:
        raise MalformedRequest(field="days", shape="out of range", fix=f"give 1 to {MOST_DAYS} days")
    until = asked_moment(as_of, now=now)
    since = Instant(until - days * DAY)
    period = _Period(since, until)
    counts = FunnelCounts()
    names = sorted(one.name for one in context.keys.customers())
    for some in together(names, size=_PEOPLE):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            actions = money_actions(snapshot.config.actions.actions)
            for person in people(snapshot, some):
                if as_of is not None and not _had_come(reader, person, by=until):
                    continue
                shown, hidden = _shown(reader, snapshot, person, period, now=now)
                counts.add(person.name, shown, money=_money_left(shown, actions=actions), hidden=hidden)
    found = funnel_of(counts, since=text_of(since), until=text_of(until))
    return replace(found, listed=_told(context, found.listed, period, now=now) if lists_people else ())


def _told(context: AppContext, listed: Sequence[Unserved], period: _Period, *, now: Instant) -> tuple[Unserved, ...]:
    """Record what is read of each person who is listed; who moved meanwhile is not named, until the next look."""
    read: list[tuple[Person, Draft | None]] = []
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        for one in listed:
            with suppress(UnknownCustomer):
                person = snapshot.person(one.customer)
                shown, _ = _shown(reader, snapshot, person, period, now=now)
                if len(shown) == one.decisions:
                    uses = {scope for decision in shown for scope in decision.uses}
                    at = person.judged(now)
                    read.append((person, use_of(person, "funnel", uses, actor=context.actor, at=at)))
    used = [of for of in read if of[1] is not None]
    at = max((person.judged(now) for person, _ in used), default=now)
    recorded = append_unmoved(context, used, entry=lambda of: of, now=at)
    told = {person.asked.name for person, draft in read if draft is None} | {of.asked.name for of, _ in recorded}
    return tuple(one for one in listed if one.customer in told)


def _shown(
    reader: Reader, snapshot: Snapshot, person: Person, period: _Period, *, now: Instant
) -> tuple[list[Decision], int]:
    """Give the decisions of a period that may be shown, in order, and how many may not."""
    found = _made(reader, person, since=period.since, until=period.until)
    made = sorted((one for one in found if not _puts_in_order(one, snapshot.config)), key=lambda one: one.decision.at)
    shown = [one.decision for one in made if not refusal_of(one, person, config=snapshot.config, now=now)]
    return shown, len(made) - len(shown)


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

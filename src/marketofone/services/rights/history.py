"""What was decided before and what followed, read again for the people who ask: only what may still be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.decide.decision_input import FORECAST
from marketofone.domain.decision import Decision, Otherwise
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.feedback import outcomes_between
from marketofone.services.decisions.looked_up import look_up
from marketofone.services.decisions.mattering import Mattered, Without, what_mattered
from marketofone.services.decisions.otherwise import MadeAgain, changed, made_again, told
from marketofone.services.decisions.recorded import find_decision
from marketofone.services.decisions.visible import HIDDEN_ACTION, refusal_of, shown
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.uses import append_unmoved, record_use, use_of
from marketofone.store.ports import BANK, Draft, Entry, Reader


@repeated
def recent_decisions(
    context: AppContext, *, customer: str | None, limit: int, now: Instant, until: Instant | None = None
) -> list[Decision]:
    """Give the newest decisions for a person, or for everybody, newest first, as they may be shown now.

    Of a person, those recorded after ``until`` are left out.

    What they rest on is read again, so a use is recorded for each person before it is shown.

    Raises
    ------
    UnknownCustomer
        When no entry names this customer.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        if customer is None:
            found = _of_all(context, reader, snapshot, limit=limit, now=now)
        else:
            person = snapshot.person(customer)
            newest = (entry for entry in _newest(reader, person) if until is None or entry.recorded <= until)
            found = [_shown(snapshot, person, entry, now=now) for entry in islice(newest, limit)]
    if customer is None:
        return _told(context, found, now=now)
    record_use(context, person, "decisions", {scope for one in found for scope in one.uses}, now=now)
    return [one.decision for one in found]


def shown_decision(context: AppContext, decision_id: str, *, now: Instant, customer: str | None = None) -> Decision:
    """Give a decision as it may be shown now: whole, or only that it was made. Raises as :func:`.look_up`."""
    return explained(context, decision_id, now=now, customer=customer, changes=False).decision


class Explained(NamedTuple):
    """A decision as it may be shown, and what would have changed it; None where that is not told.

    ``refused`` says why nothing of it is shown; it is empty where the decision is. ``mattered`` is what mattered to the
    place that was asked about, and ``version`` is the entry of what was learned that it used. ``hard_pressed`` says
    whether the person was in trouble then, or might come into it, as far as that may be known.
    """

    decision: Decision
    otherwise: Otherwise | None
    refused: str = ""
    mattered: Mattered | None = None
    version: int = 0
    hard_pressed: bool = False


def explained(
    context: AppContext,
    decision_id: str,
    *,
    now: Instant,
    changes: bool,
    customer: str | None = None,
    slot: int | None = None,
) -> Explained:
    """Give a decision as it may be shown now, and where ``changes`` are asked for, what would have changed it.

    For a ``slot`` it also says what mattered to that place.

    Raises as :func:`.look_up`.
    """

    def look(
        reader: Reader, snapshot: Snapshot, record: DecisionRecord, person: Person
    ) -> tuple[Explained, tuple[Scope, ...]]:
        refused = refusal_of(record, person, config=snapshot.config, now=now)
        if refused:
            return Explained(shown(record.decision, refused=refused), None, refused), ()
        decision, version = record.decision, record.rests_on.version
        if slot is None:
            otherwise = told(context, reader, snapshot, record, person, now=now)[0] if changes else None
            return Explained(decision, otherwise, version=version), decision.uses
        decision.place(slot)
        again = made_again(context, reader, record, customer=person.asked)
        known = record.counterfactual
        otherwise = Otherwise(counterfactual=known) if known is not None else changed(again) if changes else None
        mattering = what_mattered(again, slot=slot)
        mattered, uses = _tellable(mattering, record, person, config=snapshot.config, now=now)
        pressed, read = _hard_pressed(again, person, config=snapshot.config, now=now)
        found = Explained(decision, otherwise, mattered=mattered, version=version, hard_pressed=pressed)
        return found, (*decision.uses, *uses, *read)

    return look_up(context, decision_id, customer=customer, now=now, look=look)


def _hard_pressed(
    again: MadeAgain | str, person: Person, *, config: BankConfig, now: Instant
) -> tuple[bool, tuple[Scope, ...]]:
    """Say whether somebody was in trouble then, where what says so may be read now, and what was read for that."""
    if isinstance(again, str):
        return False, ()
    if again.overdrawn:
        return True, ()
    foreseen = frozenset[str]() if again.input.forecast is None else again.input.forecast.sources
    permit = person.permit(config.policy.serving(FORECAST), policy=config.policy, now=person.judged(now))
    if not foreseen <= permit.sources:
        return False, ()
    return again.hard_pressed, tuple((permit.purpose, source) for source in sorted(foreseen))


def _tellable(
    found: Mattered, record: DecisionRecord, person: Person, *, config: BankConfig, now: Instant
) -> tuple[Mattered, tuple[Scope, ...]]:
    """Leave the action away where what would have been chosen reads something that may not be used now."""
    uses: list[Scope] = []

    def told(one: Without) -> Without:
        if refusal_of(replace(record, decision=one.decision), person, config=config, now=now):
            return replace(one, action=HIDDEN_ACTION)
        uses.extend(one.decision.uses)
        return one

    together = None if found.together is None else told(found.together)
    return replace(found, each=tuple(map(told, found.each)), together=together), tuple(uses)


def outcomes_of(context: AppContext, decision: Decision) -> list[Outcome]:
    """Give what followed a decision, in the order in which it was heard."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        _, person = find_decision(context, reader, snapshot, decision.id, customer=decision.customer)
        return outcomes_between(reader, person.asked, decision, before=person.own.n + 1)


def answers(context: AppContext) -> int:
    """Give the last entry of the bank's journal: cheap proof that the store answers."""
    with context.store.read() as reader:
        return reader.head(BANK).n


def _newest(reader: Reader, person: Person) -> Iterator[Entry]:
    each = (
        reader.entries(one.subject, kinds=("decision",), newest_first=True, upto=person.states[one.subject].n)
        for one in person.members
    )
    return merge(*each, key=lambda entry: -entry.stamp)


class _Shown(NamedTuple):
    """A decision as it may be shown, and what is read for that."""

    person: Person
    decision: Decision
    uses: tuple[Scope, ...]


def _of_all(context: AppContext, reader: Reader, snapshot: Snapshot, *, limit: int, now: Instant) -> list[_Shown]:
    shown = []
    for entry in reader.recent(kinds=("decision",), limit=limit):
        owner = context.keys.customer(entry.subject)
        if owner is not None:
            shown.append(_shown(snapshot, snapshot.person_of(owner), entry, now=now))
    return shown


def _shown(snapshot: Snapshot, person: Person, entry: Entry, *, now: Instant) -> _Shown:
    owner = next(one for one in person.members if one.subject == entry.subject)
    record: DecisionRecord = codec.read(entry, box=owner.box)
    refused = refusal_of(record, person, config=snapshot.config, now=now)
    return _Shown(person, shown(record.decision, refused=refused), () if refused else record.decision.uses)


def _told(context: AppContext, found: Sequence[_Shown], *, now: Instant) -> list[Decision]:
    """Record what is read of each person; of those whom others move meanwhile nothing is told, until the next look."""
    read: dict[frozenset[int], tuple[Person, set[Scope]]] = {}
    for one in found:
        if one.uses:
            read.setdefault(frozenset(one.person.states), (one.person, set()))[1].update(one.uses)

    def entry(of: tuple[Person, set[Scope]]) -> tuple[Person, Draft | None]:
        person, uses = of
        return person, use_of(person, "decisions", uses, actor=context.actor, at=person.judged(now))

    at = max((person.judged(now) for person, _ in read.values()), default=now)
    recorded = append_unmoved(context, list(read.values()), entry=entry, now=at) if read else []
    told = {subject for person, _ in recorded for subject in person.states}
    return [one.decision for one in found if not one.uses or not told.isdisjoint(one.person.states)]

"""Reads are uses: what somebody reads behind a permit is in the journal before the first byte leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from marketofone.domain.errors import MalformedRequest, Moved
from marketofone.domain.moment import Instant, check_instant
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import Scope, UseRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.ports import Draft, Expectation, Unit

T = TypeVar("T")
Look = Callable[[Snapshot, Person, Instant, Instant], tuple[T, Iterable[Scope]]]
"""Reads a person, judged at a moment and asked about another, and says which scopes it read."""


def asked_moment(as_of: Instant | None, *, now: Instant) -> Instant:
    """Give the moment a question is about: now, or an earlier one.

    Raises
    ------
    MalformedRequest
        When the moment lies ahead, or is none.
    """
    if as_of is None:
        return now
    if check_instant(as_of, field="as_of") > now:
        raise MalformedRequest(field="as_of", shape="a moment in the future", fix="ask about now or earlier")
    return as_of


def use_of(person: Person, what: str, uses: Iterable[Scope], *, actor: str, at: Instant) -> Draft | None:
    """Give the entry of a reading; None when nothing was read behind a permit."""
    record = UseRecord(actor, what, tuple(sorted(set(uses))))
    return draft_of(person, record, at=at) if record.uses else None


def draft_of(person: Person, record: UseRecord, *, at: Instant) -> Draft:
    """Give the entry of a reading as it is appended to the journal of the id that was asked for."""
    return codec.draft("use", record, subject=person.asked.subject, box=person.asked.box, at=at)


@repeated
def read_person(
    context: AppContext, customer: str, *, what: str, now: Instant, look: Look[T], as_of: Instant | None = None
) -> T:
    """Read a person behind the gate, and record the use before anything of it is given away.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    UnknownCustomer
        When no journal names this customer.
    """
    asked_moment(as_of, now=now)
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        judged = person.judged(now)
        result, uses = look(snapshot, person, judged, judged if as_of is None else as_of)
    record_use(context, person, what, uses, now=now)
    return result


def record_use(context: AppContext, person: Person, what: str, uses: Iterable[Scope], *, now: Instant) -> None:
    """Append what was read behind a permit, if anything was.

    Raises
    ------
    Moved
        When others moved what was read: it must be read again.
    """
    judged = person.judged(now)
    draft = use_of(person, what, uses, actor=context.actor, at=judged)
    if draft is not None:
        context.store.commit(unit_about([(person, draft)], now=judged))


def unit_about(entries: Iterable[tuple[Person, Draft | None]], *, now: Instant) -> Unit:
    """Give the unit of work that appends entries about people who all differ, under the guards of all their ids."""
    expects: dict[int, Expectation] = {}
    together: dict[int, tuple[int, ...]] = {}
    drafts: list[Draft] = []
    for person, draft in entries:
        drafts += [] if draft is None else [draft]
        expects.update(person.expects(strict=False))
        together.update(person.together)
    return Unit(now=now, expects=expects, drafts=drafts, together=together)


def append_unmoved(
    context: AppContext, some: Sequence[T], *, entry: Callable[[T], tuple[Person, Draft | None]], now: Instant
) -> list[T]:
    """Append an entry about each of some people in one unit of work, but for those whom others moved meanwhile.

    Gives those of whom it was appended.
    """
    still = list(some)
    while still:
        entries = [entry(one) for one in still]
        try:
            context.store.commit(unit_about(entries, now=now))
        except Moved as error:
            moved = error.subjects
            still = [one for one, (person, _) in zip(still, entries, strict=True) if moved.isdisjoint(person.states)]
        else:
            break
    return still

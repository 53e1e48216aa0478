"""The log of uses: what was read of a person, when, and for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from marketofone.domain.moment import Instant, date_of, text_of
from marketofone.projection import codec
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, Scope
from marketofone.services.intake.identity import ever_members
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import Entry, EntryKind, Reader

_TELLING: tuple[EntryKind, ...] = (*HOLDS_EVENTS, "decision", "forecast", "outcome", "signs", "use")


class Use(Struct, frozen=True, kw_only=True):
    """One line of the log: on this day, for this purpose, this source was read so often."""

    day: str
    purpose: str
    source: str
    count: int
    last: str


def uses(context: AppContext, customer: str, *, days: int) -> list[Use]:
    """Give the log of uses of a person, newest day first, by purpose and source.

    Raises
    ------
    UnknownCustomer
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], Instant] = {}
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        for at, scopes in _reads(context, reader, snapshot.person(customer)):
            day = date_of(snapshot.config.calendar.day_of(at)).isoformat()
            for purpose, source in scopes:
                key = (day, purpose, source)
                counts[key] += 1
                last[key] = max(last.get(key, at), at)
    lines = [
        Use(day=day, purpose=purpose, source=source, count=count, last=text_of(last[day, purpose, source]))
        for (day, purpose, source), count in sorted(counts.items(), reverse=True)
    ]
    shown = sorted({line.day for line in lines}, reverse=True)[:days]
    return [line for line in lines if line.day in shown]


def _reads(context: AppContext, reader: Reader, person: Person) -> Iterator[tuple[Instant, tuple[Scope, ...]]]:
    for one in person.members:
        upto = person.states[one.subject].n
        yield from (_read(entry, one) for entry in reader.entries(one.subject, kinds=_TELLING, upto=upto))
    for subject in _former(reader, person):
        owner = context.keys.customer(subject)
        if owner is not None:
            yield from _while_together(reader, owner, person)


def _read(entry: Entry, owner: Customer) -> tuple[Instant, tuple[Scope, ...]]:
    record = codec.read(entry, box=owner.box)
    return entry.recorded, record.decision.uses if isinstance(record, DecisionRecord) else record.uses


def _former(reader: Reader, person: Person) -> set[int]:
    """Give the ids that were one person with these, and are no more."""
    each = (ever_members(reader, one, upto=person.states[one.subject].n) for one in person.members)
    return set[int]().union(*each) - person.states.keys()


def _while_together(reader: Reader, owner: Customer, person: Person) -> Iterator[tuple[Instant, tuple[Scope, ...]]]:
    """Give what was read by another id while it was one person with these: it was read of all of them."""
    members: tuple[int, ...] = ()
    for entry in reader.entries(owner.subject, kinds=(*_TELLING, "identity")):
        if entry.kind == "identity":
            members = codec.read(entry, box=owner.box).members
        elif not person.states.keys().isdisjoint(members):
            yield _read(entry, owner)

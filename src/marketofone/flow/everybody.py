"""Everybody's money at once, as far as one purpose may know it: for the nightly run, and for training.

Live state is read as it stands. Where it holds anything later than the moment asked about, or was folded under other
declarations, it is folded again from the journal: for all people together, in one walk over the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from marketofone.consent.gate import Permit, permit
from marketofone.domain.moment import Instant
from marketofone.features.state import is_current
from marketofone.flow.equipment import Equipment
from marketofone.flow.stored import StoredView, admit_stored
from marketofone.profile.ledger import NO_LEDGER, Account, Ledger, accounts, fold_ledger
from marketofone.profile.registers import Registers, fold_registers
from marketofone.store.ports import Reader, StoredEvent

T = TypeVar("T")

_PEOPLE = 512  # whose decoded state is held at once
_EVENTS = 20_000  # folded at once


class Told(NamedTuple):
    """What one source told of a person."""

    ledger: Ledger
    registers: Registers


class Known(NamedTuple):
    """One person as far as a permit allows: the sources it opens of those asked for, and what they told."""

    person: str
    leave: Permit
    open: frozenset[str]
    told: Mapping[str, Told]

    def accounts(self) -> list[Account]:
        """Read the person's accounts, sorted by name."""
        return accounts(told.ledger for told in self.told.values())


class Question(NamedTuple):
    """For which purpose, through which channel, from which sources, and as of when."""

    purpose: str
    channel: str
    sources: frozenset[str]
    now: Instant


def know(view: StoredView, person: str, asked: Question) -> Known:
    """Know one person."""
    leave = _leave(view, person, asked)
    wanted = leave.sources & asked.sources
    states = view.states(person, now=asked.now, sources=wanted) if wanted else {}
    told = {source: Told(state.ledger, state.registers) for source, state in states.items()}
    return Known(person, leave, wanted, told)


def everybody(kit: Equipment, reader: Reader, asked: Question) -> Iterator[Known]:
    """Know everybody whom an event or a consent names, sorted; also those who allow nothing."""
    people = sorted({reader.person(customer) for customer in reader.customers()})
    features = kit.book.features
    behind = [
        person
        for person in people
        if any(
            source in asked.sources and not is_current(blob, catalogue=features, now=asked.now)
            for source, blob in reader.states(person).items()
        )
    ]
    past = _from_journal(kit, reader, behind, asked) if behind else {}
    for some in together(people, size=_PEOPLE):
        view = StoredView(reader, kit, committed=True)  # one for all would keep everybody's state
        for person in some:
            if person in past:
                leave = _leave(view, person, asked)
                yield Known(person, leave, leave.sources & asked.sources, past[person])
            elif view.consents(person).epoch or _somebody(reader, person):
                yield know(view, person, asked)


def together(items: Iterable[T], *, size: int) -> Iterator[list[T]]:
    """Cut a walk into lists of a size; the last may be shorter."""
    walk = iter(items)
    while some := list(islice(walk, size)):
        yield some


def _somebody(reader: Reader, name: str) -> bool:
    """Tell people from what only public statistics are about."""
    return any(stored.source != "reference" for stored in islice(reader.events(customers=(name,)), 1))


def _leave(view: StoredView, person: str, asked: Question) -> Permit:
    consents, policy = view.consents(person), view.book.policy
    return permit(asked.purpose, consents, customer=person, channel=asked.channel, policy=policy, now=asked.now)


def _from_journal(kit: Equipment, reader: Reader, people: Sequence[str], asked: Question) -> dict[str, dict[str, Told]]:
    view = StoredView(reader, kit, committed=True)
    wanted = {person: _leave(view, person, asked).sources & asked.sources for person in people}
    owners = {member: person for person in people if wanted[person] for member in reader.members(person)}
    past: dict[str, dict[str, Told]] = {person: {} for person in people}
    for some in together(reader.events(), size=_EVENTS):
        by_place: dict[tuple[str, str], list[StoredEvent]] = {}
        for stored in some:
            person = owners.get(stored.customer)
            if person is not None and stored.at <= asked.now and stored.source in wanted[person]:
                by_place.setdefault((person, stored.source), []).append(stored)
        for (person, source), events in by_place.items():
            before = past[person].get(source, Told(NO_LEDGER, {}))
            past[person][source] = _fold(view, person, before, events, now=asked.now)
    return past


def _fold(view: StoredView, person: str, before: Told, events: Iterable[StoredEvent], *, now: Instant) -> Told:
    book = view.book
    admitted = [item for _, item in admit_stored(events, consents=view.consents(person), book=book, now=now)]
    days = [book.calendar.day_of(item.event.at) for item in admitted]
    return Told(fold_ledger(before.ledger, admitted, days=days), fold_registers(before.registers, admitted))

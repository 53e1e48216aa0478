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
from marketofone.profile.ledger import NO_LEDGER, Account, Ledger, accounts, fold_ledger
from marketofone.profile.registers import Registers, fold_registers
from marketofone.services.app_context import AppContext
from marketofone.services.live_snapshot import LiveSnapshot, admit_stored
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
    permit: Permit
    open: frozenset[str]
    told: Mapping[str, Told]

    def accounts(self) -> list[Account]:
        """Read the person's accounts, sorted by name."""
        return accounts(told.ledger for told in self.told.values())


class DataScope(NamedTuple):
    """For which purpose, through which channel, from which sources, and as of when."""

    purpose: str
    channel: str
    sources: frozenset[str]
    now: Instant


def load_person(snapshot: LiveSnapshot, person: str, scope: DataScope) -> Known:
    """Know one person."""
    permit = _permit(snapshot, person, scope)
    wanted = permit.sources & scope.sources
    states = snapshot.states(person, now=scope.now, sources=wanted) if wanted else {}
    told = {source: Told(state.ledger, state.registers) for source, state in states.items()}
    return Known(person, permit, wanted, told)


def population(context: AppContext, reader: Reader, scope: DataScope) -> Iterator[Known]:
    """Know everybody whom an event or a consent names, sorted; also those who allow nothing."""
    people = sorted({reader.person(customer) for customer in reader.customers()})
    features = context.config.features
    behind = [
        person
        for person in people
        if any(
            source in scope.sources and not is_current(blob, catalogue=features, now=scope.now)
            for source, blob in reader.states(person).items()
        )
    ]
    past = _from_journal(context, reader, behind, scope) if behind else {}
    for some in together(people, size=_PEOPLE):
        snapshot = LiveSnapshot(reader, context, committed=True)  # one for all would keep everybody's state
        for person in some:
            if person in past:
                permit = _permit(snapshot, person, scope)
                yield Known(person, permit, permit.sources & scope.sources, past[person])
            elif snapshot.consents(person).epoch or _somebody(reader, person):
                yield load_person(snapshot, person, scope)


def together(items: Iterable[T], *, size: int) -> Iterator[list[T]]:
    """Cut a walk into lists of a size; the last may be shorter."""
    walk = iter(items)
    while some := list(islice(walk, size)):
        yield some


def _somebody(reader: Reader, name: str) -> bool:
    """Tell people from what only public statistics are about."""
    return any(stored.source != "reference" for stored in islice(reader.events(customers=(name,)), 1))


def _permit(snapshot: LiveSnapshot, person: str, scope: DataScope) -> Permit:
    consents, policy = snapshot.consents(person), snapshot.config.policy
    return permit(scope.purpose, consents, customer=person, channel=scope.channel, policy=policy, now=scope.now)


def _from_journal(
    context: AppContext, reader: Reader, people: Sequence[str], scope: DataScope
) -> dict[str, dict[str, Told]]:
    snapshot = LiveSnapshot(reader, context, committed=True)
    wanted = {person: _permit(snapshot, person, scope).sources & scope.sources for person in people}
    owners = {member: person for person in people if wanted[person] for member in reader.members(person)}
    past: dict[str, dict[str, Told]] = {person: {} for person in people}
    for some in together(reader.events(), size=_EVENTS):
        by_place: dict[tuple[str, str], list[StoredEvent]] = {}
        for stored in some:
            person = owners.get(stored.customer)
            if person is not None and stored.at <= scope.now and stored.source in wanted[person]:
                by_place.setdefault((person, stored.source), []).append(stored)
        for (person, source), events in by_place.items():
            before = past[person].get(source, Told(NO_LEDGER, {}))
            past[person][source] = _fold(snapshot, person, before, events, now=scope.now)
    return past


def _fold(snapshot: LiveSnapshot, person: str, before: Told, events: Iterable[StoredEvent], *, now: Instant) -> Told:
    config = snapshot.config
    admitted = [item for _, item in admit_stored(events, consents=snapshot.consents(person), config=config, now=now)]
    days = [config.calendar.day_of(item.event.at) for item in admitted]
    return Told(fold_ledger(before.ledger, admitted, days=days), fold_registers(before.registers, admitted))

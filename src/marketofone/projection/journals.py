"""Journals as they are read: entries, and the events that a person's journals keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Protocol

from marketofone.domain.event import Event
from marketofone.projection import codec
from marketofone.projection.folding import kept_events
from marketofone.projection.person import Person
from marketofone.projection.records import KeptEvent
from marketofone.store.ports import Entry, EntryKind, Head, Kept

HOLDS_EVENTS: tuple[EntryKind, ...] = ("ingest", "signal", "amendment")


class JournalReader(Protocol):
    """What a projection asks of a store: whole journals, or prefixes of them."""

    def head(self, subject: int) -> Head:
        """Give where a journal ends."""
        ...

    def heads(self, subjects: Sequence[int]) -> dict[int, Head]:
        """Give where several journals end."""
        ...

    def entries(
        self, subject: int, *, after: int = 0, upto: int | None = None, kinds: Sequence[EntryKind] | None = None
    ) -> Iterable[Entry]:
        """Walk through one journal in order."""
        ...

    def snapshots(self, subject: int, *, names: Sequence[str] | None = None) -> dict[str, Kept]:
        """Give the snapshots of a journal by name."""
        ...


def kept_of(reader: JournalReader, person: Person, sources: frozenset[str]) -> Iterator[tuple[KeptEvent, Event]]:
    """Read the kept events of some sources of all ids of a person in their one order, but for those taken back."""
    boxes = {member.subject: member.box for member in person.members}
    journals = (reader.entries(subject, upto=person.states[subject].n, kinds=HOLDS_EVENTS) for subject in sorted(boxes))
    in_order = merge(*journals, key=lambda entry: (entry.stamp, entry.subject, entry.n))
    records = ((entry.n, codec.read(entry, box=boxes[entry.subject])) for entry in in_order)
    removed = frozenset[bytes]().union(*(state.removed_keys for state in person.states.values()))
    return kept_events(records, after=dict.fromkeys(sources, 0), removed=removed)

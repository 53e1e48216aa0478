"""Journals as they are read: entries, and the events that a person's journals keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from typing import Protocol

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import CORRECTED, Event
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.folding import kept_events
from marketofone.projection.person import Person, last_words
from marketofone.projection.records import KeptEvent
from marketofone.projection.reducer import Correction, with_corrections
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


def kept_of(
    reader: JournalReader,
    person: Person,
    sources: Collection[str],
    *,
    after: Mapping[int, Mapping[str, int]] | None = None,
) -> Iterator[tuple[KeptEvent, Event]]:
    """Read the kept events of some sources of all ids of a person in their one order, but for those taken back.

    ``after`` says for each journal from which entry on each source is read; without it all of them are.
    """
    boxes = {member.subject: member.box for member in person.members}
    since = after or dict.fromkeys(boxes, dict.fromkeys(sources, 0))
    journals = (
        reader.entries(
            subject, after=min(since[subject].values(), default=0), upto=person.states[subject].n, kinds=HOLDS_EVENTS
        )
        for subject in sorted(boxes)
    )
    removed = person.removed_keys
    for entry in merge(*journals, key=lambda entry: (entry.stamp, entry.subject, entry.n)):
        record = codec.read(entry, box=boxes[entry.subject])
        yield from kept_events([(entry.n, record)], after=since[entry.subject], removed=removed)


def corrections_until(reader: JournalReader, person: Person, moment: Instant) -> Mapping[str, Correction]:
    """Give what a person had said of inferences up to a moment, by any of their ids."""
    if all(said.recorded <= moment for said in person.corrections.values()):
        return person.corrections
    each: list[dict[str, Correction]] = []
    for member in person.members:
        said: dict[str, Correction] = {}
        for entry in reader.entries(member.subject, upto=person.states[member.subject].n, kinds=("amendment",)):
            if entry.recorded <= moment:
                kept = codec.read(entry, box=member.box).events
                bodies = [(one.kind, one.body) for one in kept if one.kind == CORRECTED and one.body is not None]
                events = [read_kept(body, kind=kind) for kind, body in bodies]
                said = with_corrections(said, events, recorded=entry.recorded)
        each.append(said)
    return last_words(each)

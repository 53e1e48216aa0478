"""What is in the file that a customer may take along, counted and not read out: a page shows it before it is asked for.

It agrees with ``export.py`` part by part; what that has to compute is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.person import Person
from marketofone.projection.records import IdentityRecord, IngestRecord, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.rights.export import RIGHT, is_correction, is_own
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import read_person
from marketofone.store.ports import EntryKind


class Counted(Struct, frozen=True):
    """How many of something, and when the first and the last of it were; None where there is none."""

    many: int
    first: Instant | None
    last: Instant | None


class Contents(Struct, frozen=True, kw_only=True):
    """What is in the file: events by source, other parts by name, and events of which nothing was kept.

    ``several`` says that the id is or was one person with others, of whom nothing is in it.
    """

    events: dict[str, Counted]
    parts: dict[str, Counted]
    refused: int
    several: bool


_PARTS: dict[str, tuple[EntryKind, ...]] = {
    "consents": ("consent",),
    "decisions": ("decision",),
    "outcomes": ("outcome", "signs"),
    "cases": ("case",),
}
"""Parts of which each entry is one line."""


def contents(context: AppContext, customer: str, *, now: Instant) -> Contents:
    """Count what is held about a customer id and is theirs; that is a use, too.

    Raises
    ------
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[Contents, tuple[Scope, ...]]:
        del judged, moment
        return _contents(snapshot, person), tuple((RIGHT, source) for source in sorted(person.own.sources))

    return read_person(context, customer, what="contents", now=now, look=look)


def _contents(snapshot: Snapshot, person: Person) -> Contents:
    owner, upto = person.asked, person.own.n
    events: dict[str, list[Instant]] = {}
    corrected: list[Instant] = []
    linked: list[Instant] = []
    refused, several = 0, False
    for entry in snapshot.reader.entries(owner.subject, upto=upto, kinds=(*HOLDS_EVENTS, "identity")):
        record: IngestRecord | IdentityRecord = codec.read(entry, box=owner.box)
        if isinstance(record, IdentityRecord):
            several = several or len(record.members) > 1
            linked += [entry.recorded] if record.own and record.event is not None else []
            continue
        for kept in filter(is_own, record.events):
            if kept.body is None:
                refused += 1
            else:
                events.setdefault(kept.source, []).append(kept.at)
                corrected += [kept.at] if is_correction(kept) else []
    parts = {
        part: _counted(entry.recorded for entry in snapshot.reader.entries(owner.subject, upto=upto, kinds=kinds))
        for part, kinds in _PARTS.items()
    }
    more = {"identity": linked, "corrections": corrected, "shown": [said.at for said in person.own.contacts]}
    return Contents(
        events={source: _counted(moments) for source, moments in events.items()},
        parts=parts | {part: _counted(moments) for part, moments in more.items()},
        refused=refused,
        several=several,
    )


def _counted(each: Iterable[Instant]) -> Counted:
    moments = list(each)
    return Counted(len(moments), min(moments, default=None), max(moments, default=None))

"""Live state per source: what is known as of an entry and the entries after it, folded when somebody looks.

The gate judges whether a source may be looked at. What its state says depends on the journal alone.
So the state of a source is the fold of every kept event of it up to an entry, in whatever steps it was folded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import Consents
from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant
from marketofone.domain.reading import Reading
from marketofone.features.state import AdmittedEvent, LiveState, fold_all
from marketofone.projection.amendments import is_taken_back
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.records import IngestRecord, KeptEvent

_READING = msgspec.json.Decoder(Reading)


class Folded(NamedTuple):
    """The state of a source as of an entry; None while no event of it is kept."""

    n: int
    state: LiveState | None


def kept_events(
    records: Iterable[tuple[int, IngestRecord]], *, after: Mapping[str, int], removed: Collection[bytes]
) -> Iterator[tuple[KeptEvent, Event]]:
    """Read the kept events of some sources, each source from the entry on that ``after`` names for it.

    ``removed`` are the keys of events that were taken back.
    """
    for n, record in records:
        for event in record.events:
            if event.body is not None and n > after.get(event.source, n):
                read = read_kept(event.body, kind=event.kind)
                if not is_taken_back(read, removed):
                    yield event, read


def admitted(
    events: Iterable[tuple[KeptEvent, Event]], *, consents: Consents, config: BankConfig, now: Instant
) -> dict[str, list[AdmittedEvent]]:
    """Bring kept events through the gate once more; gives those it admits by source, each event once."""
    once = {event.key: (kept, event) for kept, event in events}
    judged = admit([event for _, event in once.values()], consents, policy=config.policy, now=now)
    by_source: dict[str, list[AdmittedEvent]] = {}
    for (kept, _), verdict in zip(once.values(), judged, strict=True):
        if isinstance(verdict, Admitted):
            reading = None if kept.reading is None else _READING.decode(kept.reading)
            by_source.setdefault(kept.source, []).append((verdict, reading))
    return by_source


def fold_more(
    before: Mapping[str, LiveState | None], events: Mapping[str, list[AdmittedEvent]], *, config: BankConfig
) -> dict[str, LiveState | None]:
    """Fold events of each source into the state that stands before them."""
    batches = [(before.get(source), some) for source, some in events.items()]
    folded = fold_all(batches, catalogue=config.features, calendar=config.calendar) if batches else []
    return {**before, **dict(zip(events, folded, strict=True))}

"""Live state per source: what is known as of an entry and the entries after it, folded when somebody looks.

The gate judges whether a source may be looked at. What its state says depends on the journal alone.
So the state of a source is the fold of every kept event of it up to an entry, in whatever steps it was folded; but for
the source whose data come with licences, of which each institution goes out of the fold when its licence ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import Consents
from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import MOVEMENTS, Event, key_of
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import Movement, MovementUnderstood
from marketofone.domain.reading import MovementReading, Reading
from marketofone.features.state import AdmittedEvent, LiveState, fold_all
from marketofone.projection.amendments import is_taken_back
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.records import IngestRecord, KeptEvent

_READING = msgspec.json.Decoder(Reading)
_MOVEMENT = msgspec.json.Decoder(MovementReading)


class Folded(NamedTuple):
    """The state of a source as of an entry; None while no event of it is kept.

    ``without`` names the institutions whose licences had ended: their events are left out.
    """

    n: int
    state: LiveState | None
    without: frozenset[str] = frozenset()


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
    events = list(events)
    later = turned_out(event for _, event in events)
    once = {event.key: (kept, _understood(kept, event, later.get(event.key))) for kept, event in events}
    judged = admit([event for _, event in once.values()], consents, policy=config.policy, now=now)
    by_source: dict[str, list[AdmittedEvent]] = {}
    for (kept, _), verdict in zip(once.values(), judged, strict=True):
        if isinstance(verdict, Admitted):
            reading = None if kept.reading is None or kept.kind in MOVEMENTS else _READING.decode(kept.reading)
            by_source.setdefault(kept.source, []).append((verdict, reading))
    return by_source


def turned_out(events: Iterable[Event]) -> dict[bytes, MovementUnderstood]:
    """Give what movements turned out to be, by their keys: what a person says, else what was found last."""
    found: dict[bytes, MovementUnderstood] = {}
    for event in events:
        data = event.data
        if not isinstance(data, MovementUnderstood):
            continue
        key = key_of(data.producer or event.producer, data.id)
        before = found.get(key)
        if before is None or before.by != "person" or data.by == "person":
            found[key] = data
    return found


def movement_reading(kept: KeptEvent) -> MovementReading:
    """Give what a movement was read as before it was kept."""
    return MovementReading() if kept.reading is None else _MOVEMENT.decode(kept.reading)


def _understood(kept: KeptEvent, event: Event, later: MovementUnderstood | None) -> Event:
    """Give a movement as what it turned out to be, else what its producer says it is, else what it was read as."""
    data = event.data
    if not isinstance(data, Movement) or (kept.reading is None and later is None):
        return event
    read = movement_reading(kept)
    told = later or MovementUnderstood(id=event.id)
    understood = replace(
        data,
        nature=told.nature or data.nature or read.nature,
        category=told.category or read.category or data.category,
        merchant=told.merchant or read.merchant or data.merchant,
    )
    return replace(event, data=understood)


def fold_more(
    before: Mapping[str, LiveState | None], events: Mapping[str, list[AdmittedEvent]], *, config: BankConfig
) -> dict[str, LiveState | None]:
    """Fold events of each source into the state that stands before them."""
    batches = [(before.get(source), some) for source, some in events.items()]
    if not batches:
        return dict(before)
    currency = config.settings.currency
    folded = fold_all(batches, catalogue=config.features, calendar=config.calendar, currency=currency)
    return {**before, **dict(zip(events, folded, strict=True))}

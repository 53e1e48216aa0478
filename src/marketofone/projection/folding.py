"""Live state per source: what is known as of an entry and the entries after it, folded when somebody looks.

The gate judges whether a source may be looked at. What its state says depends on the journal alone.
So the state of a source is the fold of every kept event of it up to an entry, in whatever steps it was folded; but for
the source whose data come with licences, of which each institution goes out of the fold when its licence ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import Consents
from marketofone.domain.cloudevents import read_kept
from marketofone.domain.decoding import json_decoder
from marketofone.domain.event import ACCOUNT_OPENED, MOVEMENTS, UNDERSTANDING, Event, key_of
from marketofone.domain.fields import Nature
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import Movement, MovementUnderstood, merchant_key
from marketofone.domain.reading import MovementReading, Reading
from marketofone.features.state import AdmittedEvent, LiveState, fold_all
from marketofone.profile.inferences import Corrected, as_said, stands
from marketofone.profile.registers import MerchantCorrection, merchants
from marketofone.projection.amendments import Removals, is_taken_back
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.lineage import NOTHING_WITHHELD, Withheld, counts
from marketofone.projection.records import IngestRecord, KeptEvent

_NO_TEXTS = MOVEMENTS | {ACCOUNT_OPENED}
_READING = json_decoder(Reading)
_MOVEMENT = json_decoder(MovementReading)


BOUGHT = frozenset({"spending", "refund", "reversal", "returned_debit"})
"""Natures of movements that have a category of spending."""
_NOTHING_FOUND = MovementUnderstood(id="-")
NO_STATES: Mapping[str, LiveState | None] = MappingProxyType({})


class Folded(NamedTuple):
    """The state of a source as of an entry; None while no event of it is kept.

    ``ended`` names the institutions whose licences had ended, whose events are left out; ``withheld`` is that on which
    nothing in it rests and otherwise something would.
    """

    n: int
    state: LiveState | None
    ended: frozenset[str] = frozenset()
    withheld: Withheld = NOTHING_WITHHELD


def kept_events(
    records: Iterable[tuple[int, IngestRecord]], *, after: Mapping[str, int], removed: Removals
) -> Iterator[tuple[KeptEvent, Event]]:
    """Read the kept events of some sources, each source from the entry on that ``after`` names for it.

    ``removed`` are the keys of events that were taken back, by source.
    """
    for n, record in records:
        for event in record.events:
            if event.body is not None and n > after.get(event.source, n):
                read = read_kept(event.body, kind=event.kind)
                if not is_taken_back(read, removed):
                    yield event, read


def admitted(
    events: Iterable[tuple[KeptEvent, Event]],
    *,
    consents: Consents,
    config: BankConfig,
    now: Instant,
    corrected: Corrected,
    before: Mapping[str, LiveState | None] = NO_STATES,
    withheld: Withheld = NOTHING_WITHHELD,
) -> dict[str, list[AdmittedEvent]]:
    """Bring kept events through the gate once more; gives those it admits by source, each event once.

    ``before`` are the states they are to be folded into: what they say of merchants holds for the events. What rests
    on something ``withheld`` is left out. What the person ``corrected`` counts as they say: whatever reads a person
    reads what is folded of this.
    """
    events = [pair for pair in events if counts(pair[1], withheld)]
    later = turned_out(event for _, event in events)
    of_merchants = _corrected(before, [event for _, event in events if event.kind in UNDERSTANDING])
    once = {
        event.key: (kept, _understood(kept, event, later.get(event.key), of_merchants.get(kept.source, {})))
        for kept, event in events
    }
    judged = admit([event for _, event in once.values()], consents, policy=config.policy, now=now)
    by_source: dict[str, list[AdmittedEvent]] = {}
    for (kept, _), verdict in zip(once.values(), judged, strict=True):
        if isinstance(verdict, Admitted):
            reading = None if kept.reading is None or kept.kind in _NO_TEXTS else _READING.decode(kept.reading)
            if stands(verdict.event, corrected):
                by_source.setdefault(kept.source, []).append((verdict, as_said(reading, corrected)))
    return by_source


def turned_out(events: Iterable[Event]) -> dict[bytes, MovementUnderstood]:
    """Give what movements turned out to be, by their keys: what a person says, else what was found last."""
    found: dict[bytes, MovementUnderstood] = {}
    for event in events:
        data = event.data
        if not isinstance(data, MovementUnderstood) or data.scope != "movement":
            continue
        key = key_of(data.producer or event.producer, data.id)
        before = found.get(key)
        if before is None or before.by != "person" or data.by == "person":
            found[key] = data
    return found


def movement_reading(kept: KeptEvent) -> MovementReading:
    """Give what a movement was read as before it was kept."""
    return MovementReading() if kept.reading is None else _MOVEMENT.decode(kept.reading)


def merchant_of(data: Movement, *, read: MovementReading, later: MovementUnderstood | None) -> str | None:
    """Give the merchant of a movement, as all is read and found that no person says."""
    found = later.merchant if later is not None and later.by == "history" else None
    return found or read.merchant or data.merchant or data.counterparty


def _corrected(
    before: Mapping[str, LiveState | None], events: Sequence[Event]
) -> dict[str, dict[str, MerchantCorrection]]:
    """Give what a person says of merchants, by source and key of the merchant."""
    said: dict[str, dict[str, MerchantCorrection]] = {}
    for source in {event.source for event in events} | before.keys():
        state = before.get(source)
        registers = {} if state is None else state.registers
        said[source] = merchants(registers, [event for event in events if event.source == source])
    return said


def as_found(data: Movement, *, read: MovementReading, later: MovementUnderstood | None) -> Movement:
    """Give a movement as what it turned out to be, else what its producer says it is, else what it was read as."""
    told = later or _NOTHING_FOUND
    return replace(
        data,
        nature=told.nature or data.nature or read.nature,
        category=told.category or read.category or data.category,
        merchant=told.merchant or read.merchant or data.merchant,
    )


def _understood(
    kept: KeptEvent,
    event: Event,
    later: MovementUnderstood | None,
    corrected: Mapping[str, MerchantCorrection],
) -> Event:
    """Give a movement as all that was read, found and said of it."""
    data = event.data
    if not isinstance(data, Movement) or (kept.reading is None and later is None and not corrected):
        return event
    read = movement_reading(kept)
    understood = as_found(data, read=read, later=later)
    merchant = merchant_of(data, read=read, later=later) if corrected else None
    said = None if merchant is None else corrected.get(merchant_key(merchant))
    return replace(event, data=understood if said is None else as_corrected(understood, said, own=later))


def as_corrected(data: Movement, said: MerchantCorrection, *, own: MovementUnderstood | None) -> Movement:
    """Give a movement as a person says of its merchant, but for what they say of the movement itself (``own``)."""
    itself = own if own is not None and own.by == "person" else _NOTHING_FOUND
    name = None if itself.merchant else said.name or None
    if name is not None:
        data = replace(data, merchant=name, counterparty=None if data.counterparty is None else name)
    category = None if itself.category else said.category or None
    if category is None:
        return data
    nature = itself.nature or _bought(data)
    return replace(data, nature=nature, category=category if nature in BOUGHT else data.category)


def _bought(data: Movement) -> Nature | None:
    """Give the nature of a movement of whose merchant a person says what is bought there; an income stays one."""
    if data.nature in BOUGHT or data.amount_minor == 0:
        return data.nature
    return "spending" if data.amount_minor < 0 else data.nature or "refund"


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

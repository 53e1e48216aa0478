"""How a decision is written: exactly what it says, in few bytes.

A decision tells how a hundred actions fared, and most of that is the same few words. So it is written in columns:

1. Candidates, which are columns in memory already: their actions, one byte each for the stage (a number of a fixed
   table) and for the words why (a place in a table of this decision).
2. Scores, of candidates that have any: whole numbers of hundredths where that is exact, else doubles. The engine rounds
   scores to hundredths of a minor unit before anybody sees them, so live and replay round alike.
3. The context vector: single precision where that is exact, else doubles. The engine rounds it so, for the same reason.
4. Places of a slate below the first, in the same columns each. A decision of one place, shown anywhere, is written as
   before there were any.
5. All of it is compressed, with the bytes of numbers side by side by their rank.
6. What actions are called is the same in every decision, and encoded once; the numbers of many are laid out together.

Reading gives back the same values to the bit, whatever they are; only the number of bytes depends on the rounding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypedDict

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import asdict
from numpy.typing import NDArray

from marketofone.domain.action import Kind
from marketofone.domain.decision import (
    STAGE_CODES,
    Assignment,
    Candidates,
    Counterfactual,
    Decision,
    Notification,
    NotUsed,
    Reason,
    Slot,
)
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.moment import Instant
from marketofone.projection.action_names import names_encoded, names_of
from marketofone.projection.compressed import compress, decompress
from marketofone.projection.contacts import Place, Said
from marketofone.projection.number_columns import (
    Numbers,
    alike,
    doubles,
    hundredths,
    numbers_of,
    places_bytes,
    read_places,
    singles,
)
from marketofone.projection.records import DecisionRecord, RestsOn, Scope

_STAGES = bytes(STAGE_CODES.values())
_SCORES = 4  # of each candidate
_PLAIN = (None, 1, (), (), ())  # placement, slots, closed, charged and asks of most decisions
ReasonRow = tuple[str, str | None, str | None, float]
NotificationRow = tuple[str, str, int | None, float]


class _Fared(TypedDict):
    """The columns of candidates."""

    stages: bytes
    whys: tuple[str, ...]
    why: bytes
    scored: bytes
    means: bytes
    spreads: bytes
    draws: bytes
    propensities: bytes


class _Packed(Struct, frozen=True, array_like=True):
    """The columns of one record. Positions are the format: they stay."""

    actor: str
    id: str
    customer: str
    occasion: str
    channel: str
    at: Instant
    action: str
    propensity: float
    assignment: Assignment
    reasons: tuple[ReasonRow, ...]
    not_used: tuple[tuple[str, str], ...]
    counterfactual: tuple[str, str] | None
    guardrails: tuple[str, ...]
    epoch: int
    position: int
    documents: str
    notification: NotificationRow | None
    kind: Kind | None
    bank: int
    version: int
    journals: tuple[tuple[int, int], ...]
    actions: msgspec.Raw
    stages: bytes
    whys: tuple[str, ...]
    why: bytes
    scored: bytes
    means: bytes
    spreads: bytes
    draws: bytes
    propensities: bytes
    context: bytes
    used: tuple[str, ...]
    uses: bytes


class _PackedSlot(Struct, frozen=True, array_like=True):
    """The columns of a place below the first. Its candidates are those of the first."""

    action: str
    kind: Kind | None
    propensity: float
    reasons: tuple[ReasonRow, ...]
    guardrails: tuple[str, ...]
    notification: NotificationRow | None
    stages: bytes
    whys: tuple[str, ...]
    why: bytes
    scored: bytes
    means: bytes
    spreads: bytes
    draws: bytes
    propensities: bytes
    context: bytes


class _PackedSlate(_Packed, frozen=True, array_like=True):
    """The columns of a record that names a placement, has several places, or was decided beside budgets."""

    placement: str | None = None
    slots: int = 1
    below: tuple[_PackedSlot, ...] = ()
    closed: tuple[str, ...] = ()
    charged: tuple[str, ...] = ()


class _PackedAsk(_PackedSlate, frozen=True, array_like=True):
    """The columns of a record that asks for a permission."""

    asks: tuple[Scope, ...] = ()


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgpack_decoder(_PackedAsk).decode


def pack(record: DecisionRecord) -> bytes:
    """Write a record. Raises as :func:`pack_all` does."""
    return pack_all([record])[0]


def pack_all(records: Sequence[DecisionRecord]) -> list[bytes]:
    """Write records.

    Raises
    ------
    msgspec.ValidationError, TypeError, UnicodeEncodeError
        When a field of one holds what its type does not allow.
    """
    fared = iter(_fared_all([place.candidates for record in records for place in _places(record)]))
    try:
        return [_written(record, fared) for record in records]
    except struct.error as error:
        raise TypeError("a number that is none") from error


def _places(record: DecisionRecord) -> tuple[Decision | Slot, ...]:
    return record.decision, *record.decision.below


def _written(record: DecisionRecord, fared: Iterator[_Fared]) -> bytes:
    body = _ENCODE(_columns(record, names_encoded(record.decision.candidates.actions), fared))
    _DECODE(body)  # nothing is written that could not be read again
    return compress(body)


def unpack(blob: bytes | memoryview) -> DecisionRecord:
    """Read what :func:`pack` wrote."""
    read = _DECODE(decompress(blob))
    actions = names_of(bytes(read.actions))
    decision = Decision(
        id=read.id,
        customer=read.customer,
        occasion=read.occasion,
        channel=read.channel,
        at=read.at,
        action=read.action,
        propensity=read.propensity,
        assignment=read.assignment,
        reasons=_reasons(read.reasons),
        not_used=tuple([NotUsed(source=source, why=why) for source, why in read.not_used]),
        candidates=_candidates(read, actions),
        uses=_pairs(read.used, read.uses),
        context=tuple(numbers_of(read.context).tolist()),
        guardrails=read.guardrails,
        epoch=read.epoch,
        position=read.position,
        documents=read.documents,
        notification=_notification(read.notification),
        placement=read.placement,
        slots=read.slots,
        below=tuple([_slot(slot, actions) for slot in read.below]),
        closed=read.closed,
        charged=read.charged,
        asks=read.asks,
    )
    rests_on = RestsOn(read.bank, read.version, read.journals)
    told = read.counterfactual
    instead = None if told is None else Counterfactual(change=told[0], action=told[1])
    return DecisionRecord(read.actor, decision, rests_on, read.kind, instead)


def unpack_said(blob: bytes | memoryview) -> Said:
    """Read that much of what :func:`pack` wrote that is remembered of a decision, in a third of the time."""
    read = _DECODE(decompress(blob))
    below = [Place(slot.action, slot.kind, _notification(slot.notification)) for slot in read.below]
    first = Place(read.action, read.kind, _notification(read.notification))
    return Said(read.id, read.channel, read.at, read.assignment, read.placement, (first, *below), read.asks)


class DecisionUses(NamedTuple):
    """What the log of uses tells of a decision: who asked, what was read, and how many things it showed."""

    actor: str
    uses: tuple[Scope, ...]
    shown: int


def unpack_uses(blob: bytes | memoryview) -> DecisionUses:
    """Read that much of what :func:`pack` wrote, in a third of the time."""
    read = _DECODE(decompress(blob))
    kinds = (read.kind, *(slot.kind for slot in read.below))
    return DecisionUses(read.actor, _pairs(read.used, read.uses), sum(kind is not None for kind in kinds))


def _slot(read: _PackedSlot, actions: tuple[str, ...]) -> Slot:
    return Slot(
        action=read.action,
        kind=read.kind,
        propensity=read.propensity,
        reasons=_reasons(read.reasons),
        candidates=_candidates(read, actions),
        context=tuple(numbers_of(read.context).tolist()),
        guardrails=read.guardrails,
        notification=_notification(read.notification),
    )


def _reasons(rows: Iterable[ReasonRow]) -> tuple[Reason, ...]:
    return tuple([Reason(text=text, feature=of, source=by, term=term) for text, of, by, term in rows])


def _notification(row: NotificationRow | None) -> Notification | None:
    if row is None:
        return None
    event, cause, day, probability = row
    return Notification(event=event, cause=cause, day=day, probability=probability)


def _columns(record: DecisionRecord, names: bytes, fared: Iterator[_Fared]) -> _Packed:
    made = record.decision
    plain = _of_first(record, names, next(fared))
    if not made.below and (made.placement, made.slots, made.closed, made.charged, made.asks) == _PLAIN:
        return plain
    slate = _PackedSlate(
        **asdict(plain),
        placement=made.placement,
        slots=made.slots,
        below=tuple([_of_slot(slot, made.candidates.actions, next(fared)) for slot in made.below]),
        closed=made.closed,
        charged=made.charged,
    )
    return _PackedAsk(**asdict(slate), asks=made.asks) if made.asks else slate


def _of_slot(slot: Slot, actions: tuple[str, ...], fared: _Fared) -> _PackedSlot:
    if slot.candidates.actions != actions:
        raise TypeError("other candidates than those of the first place")
    return _PackedSlot(
        action=slot.action,
        kind=slot.kind,
        propensity=slot.propensity,
        reasons=_reason_rows(slot.reasons),
        guardrails=slot.guardrails,
        notification=_notification_row(slot.notification),
        context=singles(slot.context),
        **fared,
    )


def _reason_rows(reasons: Iterable[Reason]) -> tuple[ReasonRow, ...]:
    return tuple([(one.text, one.feature, one.source, one.term) for one in reasons])


def _notification_row(told: Notification | None) -> NotificationRow | None:
    return None if told is None else (told.event, told.cause, told.day, told.probability)


def _fared_all(each: Sequence[Candidates]) -> list[_Fared]:
    """Write how candidates fared, in columns; those of which as many have numbers together."""
    scored = [_scored(told) for told in each]
    written = alike([columns for _, columns in scored], [places.size for places, _ in scored], _columns_of_as_many)
    return [_fared(told, places, of) for told, (places, _), of in zip(each, scored, written, strict=True)]


def _scored(told: Candidates) -> tuple[NDArray[np.intp], Numbers]:
    """Give the places of candidates that have any numbers, and their numbers as columns; a minus nought is one."""
    columns = np.frombuffer(told.numbers, dtype=np.float64).reshape(_SCORES, -1)
    scored = np.bitwise_or.reduce(columns.view(np.int64), axis=0).nonzero()[0]
    return scored, columns if scored.size == len(told) else columns[:, scored]


def _columns_of_as_many(each: Sequence[Numbers]) -> list[tuple[bytes, ...]]:
    columns = np.array(each)
    scores, shares = hundredths(columns[:, :3]), columns[:, 3]
    return [(*row, doubles(share)) for row, share in zip(scores, shares, strict=True)]


def _fared(told: Candidates, scored: NDArray[np.intp], columns: tuple[bytes, ...]) -> _Fared:
    if told.stages.translate(None, _STAGES):
        raise TypeError("a stage that does not exist")
    means, spreads, draws, propensities = columns
    return _Fared(
        stages=told.stages,
        whys=told.whys,
        why=places_bytes(np.frombuffer(told.why, dtype=np.uint32), of=len(told.whys)),
        scored=places_bytes(scored, of=len(told)),
        means=means,
        spreads=spreads,
        draws=draws,
        propensities=propensities,
    )


def _of_first(record: DecisionRecord, names: bytes, fared: _Fared) -> _Packed:
    made, instead = record.decision, record.counterfactual
    used, uses = _used(made.uses)
    return _Packed(
        actor=record.actor,
        id=made.id,
        customer=made.customer,
        occasion=made.occasion,
        channel=made.channel,
        at=made.at,
        action=made.action,
        propensity=made.propensity,
        assignment=made.assignment,
        reasons=_reason_rows(made.reasons),
        not_used=tuple([(one.source, one.why) for one in made.not_used]),
        counterfactual=None if instead is None else (instead.change, instead.action),
        guardrails=made.guardrails,
        epoch=made.epoch,
        position=made.position,
        documents=made.documents,
        notification=_notification_row(made.notification),
        kind=record.kind,
        bank=record.rests_on.bank,
        version=record.rests_on.version,
        journals=record.rests_on.journals,
        actions=msgspec.Raw(names),
        context=singles(made.context),
        used=used,
        uses=uses,
        **fared,
    )


def _candidates(read: _Packed | _PackedSlot, actions: tuple[str, ...]) -> Candidates:
    if read.stages.translate(None, _STAGES):
        raise ValueError("a stage that does not exist")
    numbers = np.zeros((_SCORES, len(actions)))
    scored = np.array(read_places(read.scored, of=len(actions)), dtype=np.intp)
    for row, column in zip(numbers, (read.means, read.spreads, read.draws, read.propensities), strict=True):
        row[scored] = numbers_of(column)
    why = np.array(read_places(read.why, of=len(read.whys)), dtype=np.uint32)
    return Candidates(actions, read.stages, read.whys, why.tobytes(), numbers.tobytes())


def _pairs(words: Sequence[str], places: bytes) -> tuple[tuple[str, str], ...]:
    told = [words[place] for place in read_places(places, of=len(words))]
    return tuple(zip(told[::2], told[1::2], strict=True))


@lru_cache(maxsize=256)
def _used(uses: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], bytes]:
    """Give the words of pairs, in the order in which they come, and by which of these each pair is told."""
    words = [word for pair in uses for word in pair]
    table = {word: place for place, word in enumerate(dict.fromkeys(words))}
    return tuple(table), places_bytes([table[word] for word in words], of=len(table))

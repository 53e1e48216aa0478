"""How a decision is written: exactly what it says, in few bytes.

A decision tells how a hundred actions fared, and most of that is the same few words. So it is written in columns:

1. Candidates, which are columns in memory already: their actions, one byte each for the stage (a number of a fixed
   table) and for the words why (a place in a table of this decision).
2. Scores, of candidates that have any: whole numbers of hundredths where that is exact, else doubles. The engine rounds
   scores to hundredths of a minor unit before anybody sees them, so live and replay round alike.
3. The context vector: single precision where that is exact, else doubles. The engine rounds it so, for the same reason.
4. Places of a slate below the first, in the same columns each. A decision of one place, shown anywhere, is written as
   before there were any.
5. All of it is deflated, with the bytes of numbers side by side by their rank.
6. What a long catalogue's actions are called is the same in every decision: it is encoded, checked and deflated once,
   as a block of the stream that refers to nothing before it and that nothing after it refers to.

Reading gives back the same values to the bit, whatever they are; only the number of bytes depends on the rounding.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypedDict, cast

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
from marketofone.projection.action_names import action_names
from marketofone.projection.records import DecisionRecord, RestsOn

SCALE = 100
"""Scores are kept in hundredths."""

_STAGES = bytes(STAGE_CODES.values())
_LEVEL = 3  # half the time of 6, and one byte more of a hundred
_SCORES = 4  # of each candidate
_RAW = -zlib.MAX_WBITS  # the box around it is authenticated: no checksum of its own
_DOUBLES, _SINGLES, _LONGS, _INTS, _SHORTS = b"dfqih"
_TYPE = {code: np.dtype(f"<{chr(code)}") for code in (_DOUBLES, _SINGLES, _INTS, _SHORTS)} | {_LONGS: np.dtype("<i8")}
_WORDS = 256  # of a table whose places are bytes
_LONG = 1_024  # bytes of names that are deflated by themselves

Numbers: TypeAlias = NDArray[np.float64]
_PLAIN = {"placement": None, "slots": 1, "closed": (), "charged": ()}  # a decision of one place, shown anywhere
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
    actions: tuple[str, ...]
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


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgpack_decoder(_PackedSlate).decode


def pack(record: DecisionRecord) -> bytes:
    """Write a record.

    Raises
    ------
    msgspec.ValidationError, TypeError, UnicodeEncodeError
        When a field holds what its type does not allow.
    """
    try:
        columns = _columns(record)
        _DECODE(_ENCODE(columns))  # nothing is written that could not be read again
        names = action_names(record.decision.candidates.actions)
        body = _ENCODE(msgspec.structs.replace(columns, actions=cast("Any", msgspec.Raw(names.encoded))))
    except struct.error as error:
        raise TypeError("a number that is none") from error
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    if len(names.encoded) < _LONG:
        return deflate.compress(body) + deflate.flush()
    begin = body.index(names.encoded)
    before = deflate.compress(body[:begin]) + deflate.flush(zlib.Z_FULL_FLUSH)
    return before + names.deflated + deflate.compress(body[begin + len(names.encoded) :]) + deflate.flush()


def unpack(blob: bytes | memoryview) -> DecisionRecord:
    """Read what :func:`pack` wrote."""
    read = _DECODE(zlib.decompress(blob, _RAW))
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
        candidates=_candidates(read, read.actions),
        uses=_pairs(read.used, read.uses),
        context=tuple(_numbers(read.context).tolist()),
        guardrails=read.guardrails,
        epoch=read.epoch,
        position=read.position,
        documents=read.documents,
        notification=_notification(read.notification),
        placement=read.placement,
        slots=read.slots,
        below=tuple([_slot(slot, read.actions) for slot in read.below]),
        closed=read.closed,
        charged=read.charged,
    )
    rests_on = RestsOn(read.bank, read.version, read.journals)
    told = read.counterfactual
    instead = None if told is None else Counterfactual(change=told[0], action=told[1])
    return DecisionRecord(read.actor, decision, rests_on, read.kind, instead)


def _slot(read: _PackedSlot, actions: tuple[str, ...]) -> Slot:
    return Slot(
        action=read.action,
        kind=read.kind,
        propensity=read.propensity,
        reasons=_reasons(read.reasons),
        candidates=_candidates(read, actions),
        context=tuple(_numbers(read.context).tolist()),
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


def _columns(record: DecisionRecord) -> _Packed:
    """Give the columns of a record; what its actions are called is left out."""
    made = record.decision
    plain = _of_first(record)
    more = {name: getattr(made, name) for name in ("placement", "slots", "closed", "charged")}
    if more == _PLAIN and not made.below:
        return plain
    below = tuple(_of_slot(slot, actions=made.candidates.actions) for slot in made.below)
    return _PackedSlate(**asdict(plain), **more, below=below)


def _of_slot(slot: Slot, *, actions: tuple[str, ...]) -> _PackedSlot:
    if slot.candidates.actions != actions:
        raise TypeError("other candidates than those of the first place")
    return _PackedSlot(
        action=slot.action,
        kind=slot.kind,
        propensity=slot.propensity,
        reasons=_reason_rows(slot.reasons),
        guardrails=slot.guardrails,
        notification=_notification_row(slot.notification),
        context=_singles(slot.context),
        **_fared(slot.candidates),
    )


def _reason_rows(reasons: Iterable[Reason]) -> tuple[ReasonRow, ...]:
    return tuple([(one.text, one.feature, one.source, one.term) for one in reasons])


def _notification_row(told: Notification | None) -> NotificationRow | None:
    return None if told is None else (told.event, told.cause, told.day, told.probability)


def _fared(told: Candidates) -> _Fared:
    """Write how candidates fared, in columns."""
    if told.stages.translate(None, _STAGES):
        raise TypeError("a stage that does not exist")
    scored, columns = _scored(told)
    means, spreads, draws = _hundredths(columns[:3])
    return _Fared(
        stages=told.stages,
        whys=told.whys,
        why=_places(np.frombuffer(told.why, dtype=np.uint32), of=len(told.whys)),
        scored=_places(scored, of=len(told)),
        means=means,
        spreads=spreads,
        draws=draws,
        propensities=_shuffled(_DOUBLES, columns[3]),
    )


def _of_first(record: DecisionRecord) -> _Packed:
    made, instead = record.decision, record.counterfactual
    used = _table(word for pair in made.uses for word in pair)
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
        actions=(),
        context=_singles(made.context),
        used=tuple(used),
        uses=_places([used[word] for pair in made.uses for word in pair], of=len(used)),
        **_fared(made.candidates),
    )


def _candidates(read: _Packed | _PackedSlot, actions: tuple[str, ...]) -> Candidates:
    if read.stages.translate(None, _STAGES):
        raise ValueError("a stage that does not exist")
    numbers = np.zeros((_SCORES, len(actions)))
    scored = np.array(_read_places(read.scored, of=len(actions)), dtype=np.intp)
    for row, column in zip(numbers, (read.means, read.spreads, read.draws, read.propensities), strict=True):
        row[scored] = _numbers(column)
    why = np.array(_read_places(read.why, of=len(read.whys)), dtype=np.uint32)
    return Candidates(actions, read.stages, read.whys, why.tobytes(), numbers.tobytes())


def _scored(told: Candidates) -> tuple[NDArray[np.intp], Numbers]:
    """Give the places of candidates that have any numbers, and their numbers as columns; a minus nought is one."""
    columns = np.frombuffer(told.numbers, dtype=np.float64).reshape(_SCORES, -1)
    scored = np.flatnonzero(np.bitwise_or.reduce(columns.view(np.int64), axis=0))
    return scored, columns[:, scored]


def _pairs(words: Sequence[str], places: bytes) -> tuple[tuple[str, str], ...]:
    told = [words[place] for place in _read_places(places, of=len(words))]
    return tuple(zip(told[::2], told[1::2], strict=True))


def _table(words: Iterable[str]) -> dict[str, int]:
    """Give different words their numbers, in the order in which they come."""
    return {word: place for place, word in enumerate(dict.fromkeys(words))}


def _places(places: NDArray[Any] | Sequence[int], *, of: int) -> bytes:
    return np.asarray(places).astype(np.uint8).tobytes() if of <= _WORDS else _shuffled(_INTS, places)[1:]


def _read_places(raw: bytes, *, of: int) -> list[int]:
    return list(raw) if of <= _WORDS else _unshuffled(_INTS, raw).tolist()


def _hundredths(columns: Numbers) -> list[bytes]:
    """Write columns as hundredths in the narrowest integers that hold each, or as doubles where that is not exact."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(columns * SCALE)
        whole = scaled.astype(np.int64)
    exact = ((whole / SCALE).view(np.int64) == columns.view(np.int64)).all(axis=1).tolist()
    reaches = np.abs(scaled).max(axis=1, initial=0.0).tolist()  # not below any edge where a number is none, or infinite
    codes = [next((code for code, edge in _EDGES if reach < edge), _DOUBLES) for reach in reaches]
    return [
        _shuffled(code, whole[row]) if exact[row] and code != _DOUBLES else _shuffled(_DOUBLES, columns[row])
        for row, code in enumerate(codes)
    ]


_EDGES = ((_SHORTS, 1 << 15), (_INTS, 1 << 31), (_LONGS, 1 << 53))


def _singles(values: Sequence[float]) -> bytes:
    """Write numbers in single precision, or as doubles where that is not exact."""
    numbers = _doubles_of(values)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = numbers.astype(np.float32).astype(np.float64).tobytes() == numbers.tobytes()
    return _shuffled(_SINGLES if exact else _DOUBLES, numbers)


def _doubles_of(values: Sequence[float]) -> Numbers:
    """Lay numbers side by side; what is no number is refused, where numpy would read a text as one."""
    return np.frombuffer(struct.pack(f"<{len(values)}d", *values), dtype=np.float64)


def _numbers(blob: bytes) -> Numbers:
    numbers = _unshuffled(blob[0], blob[1:])
    told: Numbers = numbers.astype(np.float64) if blob[0] in (_DOUBLES, _SINGLES) else numbers / SCALE
    return told


def _shuffled(code: int, numbers: NDArray[np.generic] | Sequence[int]) -> bytes:
    """Write numbers little-endian, all their first bytes first, then all their second: alike bytes side by side."""
    raw = np.asarray(numbers).astype(_TYPE[code])
    return bytes((code,)) + raw.view(np.uint8).reshape(-1, raw.itemsize).T.tobytes()


def _unshuffled(code: int, raw: bytes) -> NDArray[Any]:
    ranked = np.frombuffer(raw, dtype=np.uint8).reshape(_TYPE[code].itemsize, -1)
    return np.frombuffer(ranked.T.tobytes(), dtype=_TYPE[code])

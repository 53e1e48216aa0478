"""How a decision is written: exactly what it says, in few bytes.

A decision tells how a hundred actions fared, and most of that is the same few words. So it is written in columns:

1. Candidates: their actions, one byte each for the stage (a number of a fixed table) and for the words why (a place in
   a table of this decision).
2. Scores, of candidates that have any: whole numbers of hundredths where that is exact, else doubles. The engine rounds
   scores to hundredths of a minor unit before anybody sees them, so live and replay round alike.
3. The context vector: single precision where that is exact, else doubles. The engine rounds it so, for the same reason.
4. All of it is deflated, with the bytes of numbers side by side by their rank.

Reading gives back the same values to the bit, whatever they are; only the number of bytes depends on the rounding.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct

from marketofone.domain.action import Kind
from marketofone.domain.decision import (
    Assignment,
    Candidate,
    Counterfactual,
    Decision,
    Notification,
    NotUsed,
    Reason,
    Stage,
)
from marketofone.domain.moment import Instant
from marketofone.projection.records import DecisionRecord, RestsOn

STAGE_CODES: dict[Stage, int] = {
    "not_eligible": 1,
    "not_permitted": 2,
    "guarded": 3,
    "not_approved": 4,
    "scored": 5,
    "chosen": 6,
}
"""How a stage is stored. A number once given stays."""

SCALE = 100
"""Scores are kept in hundredths."""

_STAGE_OF: dict[int, Stage] = {code: stage for stage, code in STAGE_CODES.items()}
_LEVEL = 6
_NOUGHT = (0.0, 0.0, 0.0, 0.0)
_NOTHING = bytes(32)  # the same, as doubles
_RAW = -zlib.MAX_WBITS  # the box around it is authenticated: no checksum of its own
_DOUBLES, _SINGLES, _LONGS, _INTS, _SHORTS = b"dfqih"
_WIDTH = {_DOUBLES: 8, _SINGLES: 4, _LONGS: 8, _INTS: 4, _SHORTS: 2}
_WORDS = 256  # of a table whose places are bytes

Numbers = tuple[float, float, float, float]
Said = tuple[str, str | None, str | None, float]


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
    reasons: tuple[Said, ...]
    not_used: tuple[tuple[str, str], ...]
    counterfactual: tuple[str, str] | None
    guardrails: tuple[str, ...]
    epoch: int
    position: int
    documents: str
    notification: tuple[str, str, int | None, float] | None
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


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_Packed).decode


def pack(record: DecisionRecord) -> bytes:
    """Write a record.

    Raises
    ------
    msgspec.ValidationError, TypeError, UnicodeEncodeError
        When a field holds what its type does not allow.
    """
    try:
        body = _ENCODE(_columns(record))
    except (struct.error, KeyError) as error:
        raise TypeError("a number that is none, or a stage that does not exist") from error
    _DECODE(body)  # nothing is written that could not be read again
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return deflate.compress(body) + deflate.flush()


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
        reasons=tuple([Reason(text=text, feature=of, source=by, term=term) for text, of, by, term in read.reasons]),
        not_used=tuple([NotUsed(source=source, why=why) for source, why in read.not_used]),
        counterfactual=None
        if read.counterfactual is None
        else Counterfactual(change=read.counterfactual[0], action=read.counterfactual[1]),
        candidates=_candidates(read),
        uses=_pairs(read.used, read.uses),
        context=tuple(_numbers(read.context)),
        guardrails=read.guardrails,
        epoch=read.epoch,
        position=read.position,
        documents=read.documents,
        notification=None
        if read.notification is None
        else Notification(
            event=read.notification[0],
            cause=read.notification[1],
            day=read.notification[2],
            probability=read.notification[3],
        ),
    )
    return DecisionRecord(read.actor, decision, RestsOn(read.bank, read.version, read.journals), read.kind)


def _columns(record: DecisionRecord) -> _Packed:
    made, told = record.decision, record.decision.candidates
    whys = _table(candidate.why for candidate in told)
    scored = _scored(told)
    means, spreads, draws, propensities = zip(*scored.values(), strict=True) if scored else ((),) * len(_NOUGHT)
    ahead, instead = made.notification, made.counterfactual
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
        reasons=tuple([(one.text, one.feature, one.source, one.term) for one in made.reasons]),
        not_used=tuple([(one.source, one.why) for one in made.not_used]),
        counterfactual=None if instead is None else (instead.change, instead.action),
        guardrails=made.guardrails,
        epoch=made.epoch,
        position=made.position,
        documents=made.documents,
        notification=None if ahead is None else (ahead.event, ahead.cause, ahead.day, ahead.probability),
        kind=record.kind,
        bank=record.rests_on.bank,
        version=record.rests_on.version,
        journals=record.rests_on.journals,
        actions=tuple([one.action for one in told]),
        stages=bytes([STAGE_CODES[one.stage] for one in told]),
        whys=tuple(whys),
        why=_places([whys[one.why] for one in told], of=len(whys)),
        scored=_places(list(scored), of=len(told)),
        means=_hundredths(means),
        spreads=_hundredths(spreads),
        draws=_hundredths(draws),
        propensities=_doubles(propensities),
        context=_singles(made.context),
        used=tuple(used),
        uses=_places([used[word] for pair in made.uses for word in pair], of=len(used)),
    )


def _candidates(read: _Packed) -> tuple[Candidate, ...]:
    whys = [read.whys[place] for place in _read_places(read.why, of=len(read.whys))]
    rows: list[Numbers] = [_NOUGHT] * len(read.actions)
    columns = (_numbers(column) for column in (read.means, read.spreads, read.draws, read.propensities))
    for row, numbers in zip(_read_places(read.scored, of=len(rows)), zip(*columns, strict=True), strict=True):
        rows[row] = numbers
    stages = map(_STAGE_OF.__getitem__, read.stages)
    return tuple(
        [
            Candidate(action=action, stage=stage, why=why, mean=mean, spread=spread, draw=draw, propensity=share)
            for action, stage, why, (mean, spread, draw, share) in zip(read.actions, stages, whys, rows, strict=True)
        ]
    )


def _scored(told: Sequence[Candidate]) -> dict[int, Numbers]:
    """Give the numbers of the candidates that have any, by their place; a minus nought is one."""
    numbers = [(one.mean, one.spread, one.draw, one.propensity) for one in told]
    raw = _rows_of(len(told)).pack(*chain.from_iterable(numbers))
    size = len(_NOTHING)
    return {row: of for row, of in enumerate(numbers) if raw[row * size : row * size + size] != _NOTHING}


@lru_cache(maxsize=1_024)
def _rows_of(rows: int) -> struct.Struct:
    return struct.Struct(f"<{rows * len(_NOUGHT)}d")


def _pairs(words: Sequence[str], places: bytes) -> tuple[tuple[str, str], ...]:
    told = [words[place] for place in _read_places(places, of=len(words))]
    return tuple(zip(told[::2], told[1::2], strict=True))


def _table(words: Iterable[str]) -> dict[str, int]:
    """Give different words their numbers, in the order in which they come."""
    return {word: place for place, word in enumerate(dict.fromkeys(words))}


def _places(places: Sequence[int], *, of: int) -> bytes:
    return bytes(places) if of <= _WORDS else _shuffled(_INTS, places)[1:]


def _read_places(raw: bytes, *, of: int) -> Sequence[int]:
    return raw if of <= _WORDS else [int(place) for place in _unshuffled(_INTS, raw)]


def _hundredths(values: Sequence[float]) -> bytes:
    """Write numbers as hundredths in the narrowest integers that hold them, or as doubles where that is not exact."""
    try:
        whole = [round(value * SCALE) for value in values]
        reach = max(map(abs, whole), default=0)
        code = next(code for code, edge in _EDGES if reach < edge)
    except (ValueError, OverflowError, StopIteration):  # no number, or beyond all integers
        return _doubles(values)
    raw = struct.pack(f"<{len(values)}d", *values)
    if struct.pack(f"<{len(values)}d", *[number / SCALE for number in whole]) != raw:
        return _doubles(values)
    return _shuffled(code, whole)


_EDGES = ((_SHORTS, 1 << 15), (_INTS, 1 << 31), (_LONGS, 1 << 53))


def _singles(values: Sequence[float]) -> bytes:
    """Write numbers in single precision, or as doubles where that is not exact."""
    count = len(values)
    try:
        single = struct.unpack(f"<{count}f", struct.pack(f"<{count}f", *values))
    except OverflowError:
        return _doubles(values)
    exact = struct.pack(f"<{count}d", *single) == struct.pack(f"<{count}d", *values)
    return _shuffled(_SINGLES, values) if exact else _doubles(values)


def _doubles(values: Sequence[float]) -> bytes:
    return _shuffled(_DOUBLES, values)


def _numbers(blob: bytes) -> Sequence[float]:
    numbers = _unshuffled(blob[0], blob[1:])
    return numbers if blob[0] in (_DOUBLES, _SINGLES) else [number / SCALE for number in numbers]


def _shuffled(code: int, numbers: Sequence[float]) -> bytes:
    """Write numbers little-endian, all their first bytes first, then all their second: alike bytes side by side."""
    raw, width = struct.pack(f"<{len(numbers)}{chr(code)}", *numbers), _WIDTH[code]
    return bytes((code,)) + b"".join([raw[rank::width] for rank in range(width)])


def _unshuffled(code: int, raw: bytes) -> tuple[Any, ...]:
    width = _WIDTH[code]
    count = len(raw) // width
    ranked = bytearray(len(raw))
    for rank in range(width):
        ranked[rank::width] = raw[rank * count : (rank + 1) * count]
    return struct.unpack(f"<{count}{chr(code)}", ranked)

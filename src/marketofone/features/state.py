"""The live state of one person and one data source: registers, window rows, and events kept whole.

One fold, two drivers: the live one folds each batch into the state as it was kept, the replay folds everything visible
at once (``fold(None, events, ...)``). The fold is commutative, so both end in the same bytes.

The bytes: a fixed header; then the keys of days and marks, amounts and counts, each in the narrowest integers that hold
them; moments; kept events; registers as MessagePack. All little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from marketofone.consent.gate import Admitted
from marketofone.domain.errors import SchemaChanged
from marketofone.domain.event import SOURCES
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.reading import Reading
from marketofone.features.catalogue import Catalogue
from marketofone.features.layout import AGE_BITS, AGE_MASK, Bounds, Layout
from marketofone.features.windows import NO_ROWS, Rows, aged, join
from marketofone.profile.registers import Registers, fold_registers, pack, unpack

Heard = tuple[Admitted, Reading | None]
_HEADER = struct.Struct("<16sBqiiIIII")
KEPT = struct.Struct("<HIiq16sq")
_SHORT_BITS = 9  # ages of days are at most 400
_SHORT_MASK = (1 << _SHORT_BITS) - 1
_WIDTHS = [
    (np.dtype(name), int(np.iinfo(name).min), int(np.iinfo(name).max))
    for name in ("<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<i8")
]


Single = tuple[int, int, int, int, bytes, int]


class LiveState(Struct, frozen=True, kw_only=True, eq=False):
    """What is remembered of one person from one source.

    ``latest`` is the newest instant folded, ``newest_day`` and ``first_day`` the newest and the first day. ``rows`` are
    explained in ``windows.py``. ``kept`` holds single events as records of ``KEPT`` (register,
    thing, day, instant, key, value), sorted by register and thing.
    """

    schema: str
    source: str
    latest: Instant
    newest_day: Day
    first_day: Day
    bounds: Bounds
    rows: Rows
    kept: bytes
    registers: Registers


def fold(state: LiveState | None, events: Sequence[Heard], *, catalogue: Catalogue, calendar: Calendar) -> LiveState:
    """Fold admitted events of one source, none of them folded before, into a state.

    Parameters
    ----------
    events
        At least one, in any order, each with what its text was read as.

    Raises
    ------
    SchemaChanged
        When the state was folded under other declarations.
    ValueError
        When there is no event, or they are of several sources.
    """
    sources = {admitted.event.source for admitted, _ in events} | ({state.source} if state is not None else set())
    if not events or len(sources) > 1:
        raise ValueError("fold takes events of one source, at least one")
    days = [calendar.day_of(admitted.event.at) for admitted, _ in events]
    latest = max(admitted.event.at for admitted, _ in events)
    before = state or _nothing_yet(sources.pop(), at=latest, day=days[0], catalogue=catalogue)
    if before.schema != catalogue.digest:
        raise SchemaChanged
    latest, newest, layout = max(latest, before.latest), max(*days, before.newest_day), catalogue.layout
    older = aged(
        before.rows,
        days=newest - before.newest_day,
        microseconds=latest - before.latest,
        bounds=before.bounds,
        horizon=layout.horizon,
    )
    more, single = _collect(events, days, latest=latest, newest=newest, layout=layout)
    return LiveState(
        schema=before.schema,
        source=before.source,
        latest=latest,
        newest_day=newest,
        first_day=min(*days, before.first_day),
        bounds=before.bounds,
        rows=join(older, more, bounds=before.bounds),
        kept=_keep(before.kept, single, firsts=layout.firsts) if single else before.kept,
        registers=fold_registers(before.registers, [admitted for admitted, _ in events]),
    )


def _nothing_yet(source: str, *, at: Instant, day: Day, catalogue: Catalogue) -> LiveState:
    return LiveState(
        schema=catalogue.digest,
        source=source,
        latest=at,
        newest_day=day,
        first_day=day,
        bounds=catalogue.layout.bounds[source],
        rows=NO_ROWS,
        kept=b"",
        registers={},
    )


def _collect(
    events: Sequence[Heard], days: Sequence[Day], *, latest: int, newest: int, layout: Layout
) -> tuple[Rows, list[Single]]:
    """Give the rows and the single events of a batch, as old as they are beside the newest of all."""
    keys: list[int] = []
    amounts: list[int] = []
    single: list[Single] = []
    matchers = layout.matchers
    for (admitted, reading), on in zip(events, days, strict=True):
        event = admitted.event
        matcher = matchers.get(event.kind)
        if matcher is None:
            continue
        at, data = event.at, event.data
        for value_of, thing_of, rows, registers in matcher(data, reading):
            value = value_of(data)
            if value is None:
                continue
            thing = thing_of(data)
            for key, horizon, exact, mark in rows:
                age = latest - at if exact else newest - on
                if age < horizon:
                    keys.append(key + age)
                    amounts.append(thing if mark else value)
            if registers:
                single.extend((slot, thing, on, at, event.key, value) for slot in registers)
    if not keys:
        return NO_ROWS, single
    return np.array((keys, amounts, [1] * len(keys)), dtype=np.int64), single


def _keep(kept: bytes, single: list[Single], *, firsts: frozenset[int]) -> bytes:
    held: dict[tuple[int, int], Single] = {(one[0], one[1]): one for one in KEPT.iter_unpack(kept)}
    for one in single:
        slot, thing, _, at, key, _ = one
        rival = held.get((slot, thing))
        if rival is None or ((at, key) > (rival[3], rival[4])) != (slot in firsts):
            held[slot, thing] = one
    return b"".join(KEPT.pack(*held[place]) for place in sorted(held))


def to_bytes(state: LiveState) -> bytes:
    """Write a state. Equal events folded, in whatever order, give equal bytes."""
    keys, amounts, counts = state.rows
    moments, marks = (int(at) for at in keys.searchsorted(state.bounds))
    short = np.concatenate((keys[:moments], keys[marks:]))
    parts = (
        _narrow(((short >> AGE_BITS) << _SHORT_BITS) | (short & AGE_MASK)),
        keys[moments:marks].astype("<i8").tobytes(),
        _narrow(amounts[:marks]),
        _narrow(counts[:marks]),
        amounts[marks:].astype("<u4").tobytes(),
        state.kept,
        pack(state.registers),
    )
    header = _HEADER.pack(
        bytes.fromhex(state.schema),
        SOURCES.index(state.source),
        state.latest,
        state.newest_day,
        state.first_day,
        moments,
        marks - moments,
        len(keys) - marks,
        len(state.kept),
    )
    return header + b"".join(parts)


def from_bytes(blob: bytes, *, catalogue: Catalogue) -> LiveState:
    """Read a state.

    Raises
    ------
    SchemaChanged
        When it was folded under other declarations.
    """
    schema, source, latest, newest_day, first_day, days, moments, marks, kept = _HEADER.unpack_from(blob)
    if schema.hex() != catalogue.digest:
        raise SchemaChanged
    tallies = days + moments
    rows = np.ones((3, tallies + marks), dtype=np.int64)
    short, at = _widen(blob, _HEADER.size, days + marks)
    short = ((short >> _SHORT_BITS) << AGE_BITS) | (short & _SHORT_MASK)
    rows[0, :days] = short[:days]
    if moments:
        rows[0, days:tallies] = np.frombuffer(blob, dtype="<i8", count=moments, offset=at)
    rows[1, :tallies], at = _widen(blob, at + 8 * moments, tallies)
    rows[2, :tallies], at = _widen(blob, at, tallies)
    if marks:
        rows[0, tallies:] = short[days:]
        rows[1, tallies:] = np.frombuffer(blob, dtype="<u4", count=marks, offset=at)
    at += 4 * marks
    return LiveState(
        schema=catalogue.digest,
        source=SOURCES[source],
        latest=latest,
        newest_day=newest_day,
        first_day=first_day,
        bounds=catalogue.layout.bounds[SOURCES[source]],
        rows=rows,
        kept=blob[at : at + kept],
        registers=unpack(blob[at + kept :]),
    )


def _narrow(values: Rows) -> bytes:
    if not len(values):
        return b""
    low, high = int(values.min()), int(values.max())
    for code, (dtype, least, most) in enumerate(_WIDTHS):
        if least <= low and high <= most:
            return bytes((code,)) + values.astype(dtype).tobytes()
    raise AssertionError  # the last width holds every int64


def _widen(blob: bytes, at: int, length: int) -> tuple[Rows, int]:
    if not length:
        return NO_ROWS[0], at
    dtype, _, _ = _WIDTHS[blob[at]]
    values = np.frombuffer(blob, dtype=dtype, count=length, offset=at + 1)
    return values.astype(np.int64), at + 1 + length * dtype.itemsize

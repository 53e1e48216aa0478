"""The live state of one person and one data source: registers, window rows, events kept whole, and the ledger.

One fold, two drivers: the live one folds each batch into the state as it was kept, the replay folds everything visible
at once (``fold(None, events, ...)``). The fold is commutative, so both end in the same bytes.

Many states are folded and written at once: what is done to numbers is done to those of all states side by side.

The bytes: a fixed header; slots and ages of days, amounts and counts, each in the narrowest integers that hold them;
the ages of moments; the things of marks; kept events; registers as MessagePack; the ledger. All little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from marketofone.consent.gate import Admitted
from marketofone.domain.errors import SchemaChanged
from marketofone.domain.event import SOURCE_CODES
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.reading import Reading
from marketofone.features.abroad import MoneyAbroad, with_abroad
from marketofone.features.catalogue import Catalogue
from marketofone.features.declare import MAX_EXACT
from marketofone.features.layout import AGE_BITS, AGE_MASK, Bounds, Layout
from marketofone.features.windows import NO_ROWS, Rows, aged, reduced
from marketofone.profile.ledger import NO_LEDGER, Ledger, fold_ledger
from marketofone.profile.ledger import from_bytes as ledger_from
from marketofone.profile.ledger import to_bytes as ledger_to_bytes
from marketofone.profile.registers import Register, Registers, fold_registers, pack, unpack
from marketofone.profile.same_accounts import NO_ALIASES, Aliases

HERE, ELSEWHERE = "transactions", "open_banking"
"""The sources of accounts here and at other banks."""
AdmittedEvent = tuple[Admitted, Reading | None]
_FORMAT = b"8"  # of the bytes of a state: those of another format are folded again, not read
_HEADER = struct.Struct("<16sBqiiIIIII")
KEPT = struct.Struct("<HIiq16sq")
_SHORT_BITS = 9  # ages of days are at most 400
_SHORT_MASK = (1 << _SHORT_BITS) - 1
_WIDTHS = tuple(np.dtype(name) for name in ("<u1", "<u2", "<u4", "<i8", "<i1", "<i2", "<i4", "<i8"))
_POSITIVE, _SIGNED = (np.array([1 << bits for bits in widths]) for widths in ((8, 16, 32), (7, 15, 31)))
_TOGETHER = 128  # states folded at once: their rows stay in the processor's cache

_CODE_OF: dict[str, int] = {str(source): code for source, code in SOURCE_CODES.items()}
_SOURCE_OF = {code: source for source, code in _CODE_OF.items()}

Single = tuple[int, int, int, int, bytes, int]
Integers = NDArray[np.int64]


class LiveState(Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """What is remembered of one person from one source.

    ``schema`` names the declarations and the timezone it was folded under. ``latest`` is the newest instant folded,
    ``newest_day`` and ``first_day`` the newest and the first day. ``rows`` are explained in ``windows.py``. ``kept``
    holds single events as records of ``KEPT`` (register, thing, day, instant, key, value), sorted by register and
    thing. ``beside`` is the same without accounts that the source of accounts here tells, too (``side_by_side``), and
    ``alone`` where movements are what they are by this source only. Both are worked out when somebody looks, and None
    where nothing differs. ``aliases`` are the names of accounts that have several in this source: what is told
    under them is folded as it counts.
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
    ledger: Ledger
    beside: LiveState | None = None
    aliases: Aliases = NO_ALIASES
    alone: LiveState | None = None


class _Batch(NamedTuple):
    """One state and the events to be folded into it, with their days; the newest of all, and the first day."""

    before: LiveState
    events: Sequence[AdmittedEvent]
    days: Sequence[Day]
    latest: Instant
    newest: Day


def fold(
    state: LiveState | None,
    events: Sequence[AdmittedEvent],
    *,
    catalogue: Catalogue,
    calendar: Calendar,
    currency: str | None = None,
) -> LiveState:
    """Fold admitted events of one source into a state, as :func:`fold_all` does."""
    return fold_all([(state, events)], catalogue=catalogue, calendar=calendar, currency=currency)[0]


def fold_all(
    batches: Sequence[tuple[LiveState | None, Sequence[AdmittedEvent]]],
    *,
    catalogue: Catalogue,
    calendar: Calendar,
    currency: str | None = None,
) -> list[LiveState]:
    """Fold admitted events, none of them folded before, into the state of their person and source.

    Parameters
    ----------
    batches
        For each state (None when there was none) at least one event, in any order, each with what its text was read as.
    currency
        The bank's: amounts in others are not added to its own. None where all are in one.

    Raises
    ------
    SchemaChanged
        When a state was folded under other declarations, or in another timezone.
    ValueError
        When there is no event, or they are of several sources.
    """
    together = [_batch(state, events, catalogue=catalogue, calendar=calendar) for state, events in batches]
    folded: list[LiveState] = []
    for start in range(0, len(together), _TOGETHER):
        folded += _folded(together[start : start + _TOGETHER], layout=catalogue.layout, currency=currency)
    return folded


def _batch(
    state: LiveState | None, events: Sequence[AdmittedEvent], *, catalogue: Catalogue, calendar: Calendar
) -> _Batch:
    sources = {admitted.event.source for admitted, _ in events} | ({state.source} if state is not None else set())
    if not events or len(sources) > 1:
        raise ValueError("fold takes events of one source, at least one")
    days = [admitted.event.day(calendar) for admitted, _ in events]
    latest = max([admitted.event.at for admitted, _ in events])
    schema = schema_of(catalogue, calendar)
    before = state or _nothing_yet(sources.pop(), at=latest, day=days[0], bounds=catalogue.layout.bounds, schema=schema)
    if before.schema != schema:
        raise SchemaChanged
    return _Batch(before, events, days, max(latest, before.latest), max(*days, before.newest_day))


def _folded(batches: Sequence[_Batch], *, layout: Layout, currency: str | None) -> list[LiveState]:
    keys: list[int] = []
    amounts: list[int] = []
    found = [
        _collect(batch, owner << layout.key_bits, layout=layout, currency=currency, keys=keys, amounts=amounts)
        for owner, batch in enumerate(batches)
    ]
    more = np.array((keys, amounts, [1] * len(keys)), dtype=np.int64)
    parts = _split(_joined(batches, more, layout=layout), len(batches), key_bits=layout.key_bits)
    heard = ([admitted for admitted, _ in batch.events] for batch in batches)
    return [
        LiveState(
            schema=before.schema,
            source=before.source,
            latest=latest,
            newest_day=newest,
            first_day=min(*days, before.first_day),
            bounds=before.bounds,
            rows=rows,
            kept=_keep(before.kept, single, firsts=layout.firsts) if single else before.kept,
            registers=with_abroad(fold_registers(before.registers, events), abroad),
            ledger=fold_ledger(before.ledger, events, days=days),
        )
        for (before, _, days, latest, newest), events, (single, abroad), rows in zip(
            batches, heard, found, parts, strict=True
        )
    ]


def emptied(state: LiveState) -> LiveState:
    """Give the state of a source that tells nothing more."""
    return replace(state, rows=NO_ROWS, kept=b"", registers={}, ledger=NO_LEDGER)


def side_by_side(states: Mapping[str, LiveState], *, sources: Container[str]) -> dict[str, LiveState]:
    """Give the states of some sources as they count beside each other: an account that two of them tell counts once."""
    chosen = {source: state for source, state in states.items() if source in sources}
    if HERE not in chosen:
        return chosen
    return {source: state if state.beside is None else state.beside for source, state in chosen.items()}


def schema_of(catalogue: Catalogue, calendar: Calendar) -> str:
    """Name what the numbers of a state mean: the declarations behind its slots, and the timezone behind its days."""
    return _schema(catalogue.digest, calendar.timezone)


@lru_cache(maxsize=16)
def _schema(declarations: str, timezone: str) -> str:
    return blake2b(f"{declarations}\0{timezone}".encode(), digest_size=16).hexdigest()


def _nothing_yet(source: str, *, at: Instant, day: Day, bounds: Mapping[str, Bounds], schema: str) -> LiveState:
    return LiveState(
        schema=schema,
        source=source,
        latest=at,
        newest_day=day,
        first_day=day,
        bounds=bounds[source],
        rows=NO_ROWS,
        kept=b"",
        registers={},
        ledger=NO_LEDGER,
    )


def _collect(
    batch: _Batch, base: int, *, layout: Layout, currency: str | None, keys: list[int], amounts: list[int]
) -> tuple[list[Single], list[MoneyAbroad]]:
    """Add the rows of a batch, as old as they are beside the newest of all; give single events, and money abroad."""
    single: list[Single] = []
    abroad: list[MoneyAbroad] = []
    for (admitted, reading), on in zip(batch.events, batch.days, strict=True):
        event = admitted.event
        matcher = layout.matchers.get(event.kind)
        if matcher is None:
            continue
        data = event.data
        instants, days = batch.latest - event.at, batch.newest - on
        foreign = currency is not None and getattr(data, "currency", currency) != currency
        for money, value_of, thing_of, rows, registers, elsewhere in matcher(data, reading):
            value = value_of(data)
            if value is None:
                continue
            if money and foreign:
                abroad.append((elsewhere, Register(event.at, event.key, on)))
                continue
            thing = thing_of(data)
            for key, horizon, exact, mark in rows:
                age = instants if exact else days
                if age < horizon:
                    keys.append(base + key + age)
                    amounts.append(thing if mark else value)
            if registers:
                single.extend((slot, thing, on, event.at, event.key, value) for slot in registers)
    return single, abroad


def _joined(batches: Sequence[_Batch], more: Rows, *, layout: Layout) -> Rows:
    """Age the rows of all states and put the new ones in; keys carry the numbers of their states above the slots."""
    before = [batch.before for batch in batches]
    sizes = [state.rows.shape[1] for state in before]
    numbers = np.arange(len(before)) << layout.key_bits
    bounds = np.array([state.bounds for state in before], dtype=np.int64).T
    days = np.array([batch.newest - batch.before.newest_day for batch in batches])
    instants = np.array([min(batch.latest - batch.before.latest, MAX_EXACT) for batch in batches])
    rows = np.concatenate([state.rows for state in before], axis=1)
    rows[0], keep = aged(
        rows[0],
        days=days.repeat(sizes),
        microseconds=instants.repeat(sizes),
        bounds=bounds.repeat(sizes, axis=1),
        horizon=layout.horizon,
    )
    rows[0] += numbers.repeat(sizes)
    rows = np.concatenate((rows if keep.all() else rows[:, keep], more), axis=1)
    return reduced(rows, marks=rows[0] >= (bounds[1] + numbers)[rows[0] >> layout.key_bits])


def _split(rows: Rows, states: int, *, key_bits: int) -> list[Rows]:
    ends = rows[0].searchsorted(np.arange(1, states + 1) << key_bits).tolist()
    rows[0] &= (1 << key_bits) - 1
    # Copies, so that a state that is kept does not keep the numbers of all others alive.
    return [rows[:, start:end].copy() for start, end in zip([0, *ends], ends, strict=False)]


def _keep(kept: bytes, single: list[Single], *, firsts: frozenset[int]) -> bytes:
    held: dict[tuple[int, int], Single] = {(one[0], one[1]): one for one in KEPT.iter_unpack(kept)}
    for one in single:
        slot, thing = one[:2]
        rival = held.get((slot, thing))
        # The day counts first: what corrects an old movement is told today, and is as old as that movement.
        if rival is None or (one[2:5] > rival[2:5]) != (slot in firsts):
            held[slot, thing] = one
    return b"".join([KEPT.pack(*held[place]) for place in sorted(held)])


def to_bytes(state: LiveState) -> bytes:
    """Write a state. Equal events folded, in whatever order, give equal bytes."""
    return all_to_bytes([state])[0]


def all_to_bytes(states: Sequence[LiveState]) -> list[bytes]:
    """Write many states, each as :func:`to_bytes` does."""
    if not states:
        return []
    rows = np.concatenate([state.rows for state in states], axis=1)
    cuts = np.array([(0, *state.rows[0].searchsorted(state.bounds), state.rows.shape[1]) for state in states])
    cuts += (cuts[:, 3].cumsum() - cuts[:, 3])[:, np.newaxis]
    moment = np.zeros(rows.shape[1] + 1, dtype=np.int64)
    np.add.at(moment, cuts[:, 1], 1)
    np.add.at(moment, cuts[:, 2], -1)
    ages = np.where(moment.cumsum()[:-1], 0, rows[0] & AGE_MASK)
    starts, moments, marks, ends = cuts.T
    columns = zip(
        _narrow((rows[0] >> AGE_BITS << _SHORT_BITS) | ages, starts, ends),
        _narrow(rows[1], starts, marks),
        _narrow(rows[2], starts, marks),
        _cut((rows[0] & AGE_MASK).astype("<i8"), moments, marks),
        _cut(rows[1].astype("<u4"), marks, ends),
        strict=True,
    )
    return [
        _written(state, parts, sizes)
        for state, parts, sizes in zip(states, columns, np.diff(cuts).tolist(), strict=True)
    ]


def _written(state: LiveState, parts: Sequence[bytes], sizes: Sequence[int]) -> bytes:
    source, mark, registers = _CODE_OF[state.source], _mark(state.schema), pack(state.registers)
    clocks, whole = (state.latest, state.newest_day, state.first_day), (state.kept, registers)
    header = _HEADER.pack(mark, source, *clocks, *sizes, *map(len, whole))
    return b"".join((header, *parts, *whole, ledger_to_bytes(state.ledger)))


@lru_cache(maxsize=16)
def _mark(schema: str) -> bytes:
    """Give what the bytes of a state begin with: they are read only under the same declarations and in this format."""
    return blake2b(bytes.fromhex(schema), digest_size=16, person=_FORMAT).digest()


def from_bytes(blob: bytes, *, catalogue: Catalogue, calendar: Calendar) -> LiveState:
    """Read a state.

    Raises
    ------
    SchemaChanged
        When it was folded under other declarations or in another timezone, or written in another format.
    """
    schema = schema_of(catalogue, calendar)
    if not blob.startswith(_mark(schema)):
        raise SchemaChanged
    _, code, latest, newest_day, first_day, days, moments, marks, kept, registers = _HEADER.unpack_from(blob)
    tallies = days + moments
    rows = np.ones((3, tallies + marks), dtype=np.int64)
    short, at = _widen(blob, _HEADER.size, tallies + marks)
    rows[0] = (short >> _SHORT_BITS << AGE_BITS) | (short & _SHORT_MASK)
    rows[1, :tallies], at = _widen(blob, at, tallies)
    rows[2, :tallies], at = _widen(blob, at, tallies)
    rows[0, days:tallies] += np.frombuffer(blob, dtype="<i8", count=moments, offset=at)
    at += 8 * moments
    rows[1, tallies:] = np.frombuffer(blob, dtype="<u4", count=marks, offset=at)
    at += 4 * marks
    middle = at + kept + registers
    source = _SOURCE_OF[code]
    return LiveState(
        schema=schema,
        source=source,
        latest=latest,
        newest_day=newest_day,
        first_day=first_day,
        bounds=catalogue.layout.bounds[source],
        rows=rows,
        kept=blob[at : at + kept],
        registers=unpack(blob[at + kept : middle]),
        ledger=ledger_from(blob[middle:]),
    )


def _narrow(values: Integers, starts: Integers, ends: Integers) -> list[bytes]:
    """Write stretches of numbers, each in the narrowest integers that hold it, behind the number of their width."""
    between = np.stack((starts, ends), axis=1).ravel()
    padded = np.append(values, 0)  # a stretch may end with the last number
    low, high = (of.reduceat(padded, between)[::2] for of in (np.minimum, np.maximum))
    positive, signed = _POSITIVE.searchsorted(high, "right"), _SIGNED.searchsorted(np.maximum(high, ~low), "right")
    widths = np.where(low < 0, 4 + signed, positive)
    written = {width: _cut(values.astype(_WIDTHS[width]), starts, ends) for width in set(widths.tolist())}
    return [
        bytes((width,)) + written[width][number] if written[width][number] else b""
        for number, width in enumerate(widths.tolist())
    ]


def _cut(values: NDArray[np.integer], starts: Integers, ends: Integers) -> list[bytes]:
    size, raw = values.itemsize, values.tobytes()
    return [raw[size * start : size * end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _widen(blob: bytes, at: int, length: int) -> tuple[Rows, int]:
    if not length:
        return NO_ROWS[0], at
    dtype = _WIDTHS[blob[at]]
    values = np.frombuffer(blob, dtype=dtype, count=length, offset=at + 1)
    return values.astype(np.int64), at + 1 + length * dtype.itemsize

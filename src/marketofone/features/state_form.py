"""How a live state is written: a fixed header, and columns in the narrowest integers that hold them.

Behind the header stand slots and ages of days, amounts and counts; the ages of moments; the things of marks; kept
events; registers as MessagePack; the ledger. All is little-endian. Many states are written at once.

A state that is kept is never the truth: one of another format, or of other declarations, is folded again and not read.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import SchemaChanged
from marketofone.domain.event import SOURCE_CODES
from marketofone.domain.moment import Calendar
from marketofone.features.catalogue import Catalogue
from marketofone.features.layout import AGE_BITS, AGE_MASK
from marketofone.features.state import LiveState, schema_of
from marketofone.features.windows import NO_ROWS, Rows
from marketofone.profile.ledger import from_bytes as ledger_from
from marketofone.profile.ledger import to_bytes as ledger_to_bytes
from marketofone.profile.registers import pack, unpack

Integers = NDArray[np.int64]

_FORMAT = b"9"
_EARLIER = (b"8", b"7", b"6", b"5", b"4")
_HEADER = struct.Struct("<16sBqiiIIIII")
_SHORT_BITS = 9  # ages of days are at most 400
_SHORT_MASK = (1 << _SHORT_BITS) - 1
_WIDTHS = tuple(np.dtype(name) for name in ("<u1", "<u2", "<u4", "<i8", "<i1", "<i2", "<i4", "<i8"))
_POSITIVE, _SIGNED = (np.array([1 << bits for bits in widths]) for widths in ((8, 16, 32), (7, 15, 31)))

_CODE_OF: dict[str, int] = {str(source): code for source, code in SOURCE_CODES.items()}
_SOURCE_OF = {code: source for source, code in _CODE_OF.items()}


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


@lru_cache(maxsize=128)
def _mark(schema: str, *, form: bytes = _FORMAT) -> bytes:
    """Give what the bytes of a state begin with: they are read only under the same declarations and in this format."""
    return blake2b(bytes.fromhex(schema), digest_size=16, person=form).digest()


def is_of_earlier_format(blob: bytes, *, catalogue: Catalogue, calendar: Calendar) -> bool:
    """Say whether an earlier release wrote a state under these declarations: it is read no more, and soon replaced."""
    schema = schema_of(catalogue, calendar)
    return any(blob.startswith(_mark(schema, form=form)) for form in _EARLIER)


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

"""Columns of numbers in few bytes: in the narrowest type that is exact, and their bytes side by side by their rank.

What is written says its type in one byte. Reading gives back the same numbers to the bit. Rows of many records are laid
out together; the bytes of each are those that it has alone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

SCALE = 100
"""Scores are kept in hundredths."""

Numbers: TypeAlias = NDArray[np.float64]
A = TypeVar("A")
B = TypeVar("B")

DOUBLES, _SINGLES, _LONGS, _INTS, _SHORTS = b"dfqih"
_TYPE = {code: np.dtype(f"<{chr(code)}") for code in (DOUBLES, _SINGLES, _INTS, _SHORTS)} | {_LONGS: np.dtype("<i8")}
_EDGES = np.array([1 << 15, 1 << 31, 1 << 53], dtype=np.float64)
_BELOW = (_SHORTS, _INTS, _LONGS, DOUBLES)  # each edge, and no edge
_WORDS = 256  # of a table whose places are bytes


def places_bytes(places: NDArray[Any] | Sequence[int], *, of: int) -> bytes:
    """Write places in a table of so many."""
    if of <= _WORDS:
        return np.asarray(places).astype(np.uint8).tobytes()
    return _ranked(_INTS, np.asarray(places).astype(_TYPE[_INTS]).tobytes())[1:]


def read_places(raw: bytes, *, of: int) -> list[int]:
    """Read what :func:`places_bytes` wrote."""
    return list(raw) if of <= _WORDS else _unshuffled(_INTS, raw).tolist()


def hundredths(columns: Numbers) -> list[list[bytes]]:
    """Write columns as hundredths in the narrowest integers that hold each, or as doubles where that is not exact.

    Shapes: float64[p, c, n]; gives c columns for each of p.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(columns * SCALE)
        whole = scaled.astype(np.int64)
        exact = ((whole / SCALE).view(np.int64) == columns.view(np.int64)).all(axis=2)
    reaches = np.abs(scaled).max(axis=2, initial=0.0)  # not below any edge where a number is none, or infinite
    reaches[~exact] = np.inf
    codes = [[_BELOW[place] for place in row] for row in _EDGES.searchsorted(reaches, side="right").tolist()]
    kinds = {code for row in codes for code in row}
    laid_out = {code: (columns if code == DOUBLES else whole).astype(_TYPE[code]) for code in kinds}
    return [
        [_ranked(code, laid_out[code][p, c].tobytes()) for c, code in enumerate(row)] for p, row in enumerate(codes)
    ]


def doubles(column: Numbers) -> bytes:
    """Write a column as it is."""
    return _ranked(DOUBLES, column.astype(_TYPE[DOUBLES]).tobytes())


def singles(values: tuple[float, ...]) -> bytes:
    """Write numbers in single precision, or as doubles where that is not exact.

    Raises
    ------
    struct.error
        When one is no number.
    """
    try:
        packed = struct.pack(f"<{len(values)}f", *values)
    except OverflowError:
        packed = b""
    if len(packed) == _TYPE[_SINGLES].itemsize * len(values) and struct.unpack(f"<{len(values)}f", packed) == values:
        return _ranked(_SINGLES, packed)
    return _ranked(DOUBLES, struct.pack(f"<{len(values)}d", *values))


def alike(each: Sequence[A], sizes: Sequence[int], write: Callable[[Sequence[A]], list[B]]) -> list[B]:
    """Write together what is of one size; gives it in its order."""
    written: dict[int, B] = {}
    for size in set(sizes):
        places = [place for place, own in enumerate(sizes) if own == size]
        written.update(zip(places, write([each[place] for place in places]), strict=True))
    return [written[place] for place in range(len(each))]


def numbers_of(blob: bytes) -> Numbers:
    """Read a column."""
    numbers = _unshuffled(blob[0], blob[1:])
    told: Numbers = numbers.astype(np.float64) if blob[0] in (DOUBLES, _SINGLES) else numbers / SCALE
    return told


def _ranked(code: int, raw: bytes) -> bytes:
    """Write numbers with all their first bytes first, then all their second: alike bytes side by side."""
    size = _TYPE[code].itemsize
    return bytes((code,)) + b"".join([raw[rank::size] for rank in range(size)])


def _unshuffled(code: int, raw: bytes) -> NDArray[Any]:
    ranked = np.frombuffer(raw, dtype=np.uint8).reshape(_TYPE[code].itemsize, -1)
    return np.frombuffer(ranked.T.tobytes(), dtype=_TYPE[code])

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
Ranked: TypeAlias = NDArray[np.uint8]
A = TypeVar("A")
B = TypeVar("B")

DOUBLES, _SINGLES, _LONGS, _INTS, _SHORTS = b"dfqih"
_TYPE = {code: np.dtype(f"<{chr(code)}") for code in (DOUBLES, _SINGLES, _INTS, _SHORTS)} | {_LONGS: np.dtype("<i8")}
_EDGES = np.array([1 << 15, 1 << 31, 1 << 53], dtype=np.float64)
_BELOW = (_SHORTS, _INTS, _LONGS, DOUBLES)  # each edge, and no edge
_WORDS = 256  # of a table whose places are bytes


def places_bytes(places: NDArray[Any] | Sequence[int], *, of: int) -> bytes:
    """Write places in a table of so many."""
    return np.asarray(places).astype(np.uint8).tobytes() if of <= _WORDS else _shuffled(_INTS, places)[1:]


def read_places(raw: bytes, *, of: int) -> list[int]:
    """Read what :func:`places_bytes` wrote."""
    return list(raw) if of <= _WORDS else _unshuffled(_INTS, raw).tolist()


def hundredths(columns: Numbers) -> list[list[tuple[int, Ranked]]]:
    """Write columns as hundredths in the narrowest integers that hold each, or as doubles where that is not exact.

    Shapes: float64[p, c, n]; gives for each of p what a number is written as and the ranked bytes (itemsize, n) of c.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(columns * SCALE)
        whole = scaled.astype(np.int64)
        exact = ((whole / SCALE).view(np.int64) == columns.view(np.int64)).all(axis=2)
    reaches = np.abs(scaled).max(axis=2, initial=0.0)  # not below any edge where a number is none, or infinite
    reaches[~exact] = np.inf
    codes = [[_BELOW[place] for place in row] for row in _EDGES.searchsorted(reaches, side="right").tolist()]
    ranked = {
        code: ranked_bytes(code, columns if code == DOUBLES else whole)
        for code in {code for row in codes for code in row}
    }
    return [[(code, ranked[code][p, c]) for c, code in enumerate(row)] for p, row in enumerate(codes)]


def singles(each: Sequence[tuple[float, ...]]) -> list[bytes]:
    """Write rows of numbers in single precision, or as doubles where that is not exact."""
    return alike(each, [len(values) for values in each], _singles_of_as_many)


def _singles_of_as_many(each: Sequence[tuple[float, ...]]) -> list[bytes]:
    # What is no number is refused, where numpy would read a text as one.
    packed = b"".join([struct.pack(f"<{len(values)}d", *values) for values in each])
    numbers = np.frombuffer(packed, dtype=np.float64).reshape(len(each), -1 if packed else 0)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = numbers.astype(np.float32)
        exact = (rounded.astype(np.float64).view(np.int64) == numbers.view(np.int64)).all(axis=1).tolist()
    codes = [_SINGLES if one else DOUBLES for one in exact]
    ranked = {code: ranked_bytes(code, rounded if code == _SINGLES else numbers) for code in set(codes)}
    return [bytes((code,)) + ranked[code][row].tobytes() for row, code in enumerate(codes)]


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


def _shuffled(code: int, numbers: NDArray[np.generic] | Sequence[int]) -> bytes:
    """Write numbers little-endian, all their first bytes first, then all their second: alike bytes side by side."""
    return bytes((code,)) + ranked_bytes(code, np.asarray(numbers)).tobytes()


def ranked_bytes(code: int, numbers: NDArray[Any]) -> Ranked:
    """Give the bytes of numbers by their rank: (..., n) becomes (..., itemsize, n)."""
    raw = numbers.astype(_TYPE[code])
    return np.ascontiguousarray(raw.view(np.uint8).reshape(*raw.shape, raw.itemsize).swapaxes(-1, -2))


def _unshuffled(code: int, raw: bytes) -> NDArray[Any]:
    ranked = np.frombuffer(raw, dtype=np.uint8).reshape(_TYPE[code].itemsize, -1)
    return np.frombuffer(ranked.T.tobytes(), dtype=_TYPE[code])

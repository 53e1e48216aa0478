"""The window core: sums, counts and newest days that do not depend on the order of events.

1. An event leaves *rows* ``[key, amount, 1]`` in the slots of the series it counts in. A key is
   ``slot * 2^39 + age``: the age in calendar days for day slots and marks, in microseconds for moments, counted back
   from the newest day and the newest instant of the state. For a mark the amount is the hash of the thing.
2. ``aged`` makes keys older when something newer comes, and tells those older than any window of their slot, to be
   forgotten. ``reduced`` puts rows together: equal keys of days and moments add up, of the marks of one thing the
   newest stays. Rows stay sorted by key. Both take the rows of many states side by side, so that a batch costs a
   handful of array operations however many people it is about.
3. ``read`` gives, for many (slot, from age, to age) at once, sum, count and number of rows: two binary searches in the
   keys and differences of running sums.

Shapes: rows int64[3, n]; reads int64[3, r]. Units: days, microseconds, and whatever integers the series carry.
Steps 2 and 3 are exact: integers only, so any order and any batches of the same events end in the same bytes. No amount
is larger than 10^13 (``domain.event.MAX_MINOR``), so a window would have to hold 900,000 of the largest before a sum
left 64 bits; the running sums of ``read`` may wrap around, for their differences do not. What was forgotten can never
be needed again, because windows only look back from a moment that is not before the newest event of the state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketofone.features.layout import AGE_BITS, AGE_MASK

Rows = NDArray[np.int64]
Integers = NDArray[np.int64]
NO_ROWS: Rows = np.zeros((3, 0), dtype=np.int64)


def aged(
    keys: Integers, *, days: Integers, microseconds: Integers, bounds: Integers, horizon: Integers
) -> tuple[Integers, NDArray[np.bool_]]:
    """Give keys as they stand when the newest day and instant have moved on, and which of them are remembered.

    Shapes
    ------
    keys int64[n], horizon int64[slots]; for each key days and microseconds int64[n], and bounds int64[2, n]: where the
    moments and the marks of its source begin -> int64[n], bool[n]

    Units
    -----
    ``days`` and ``microseconds`` of age to add, both at least 0.
    """
    exact = (keys >= bounds[0]) & (keys < bounds[1])
    older = keys + np.where(exact, microseconds, days)
    return older, (older & AGE_MASK) < horizon[older >> AGE_BITS]


def reduced(rows: Rows, *, marks: NDArray[np.bool_]) -> Rows:
    """Reduce and sort rows, some of which are marks. Keys may carry the number of a state above their slots.

    Shapes
    ------
    int64[3, n] in any order, bool[n] -> int64[3, at most n]

    Examples
    --------
    >>> rows = np.array([[7, 7], [100, 20], [1, 2]])
    >>> reduced(rows, marks=np.array([False, False])).ravel().tolist()
    [7, 120, 3]
    """
    if not marks.any():
        return _added(rows)
    both = np.concatenate((_added(rows[:, ~marks]), _newest(rows[:, marks])), axis=1)
    return both[:, both[0].argsort(kind="stable")]


def _added(rows: Rows) -> Rows:
    rows = rows[:, rows[0].argsort(kind="stable")]
    keys = rows[0]
    first = np.empty(len(keys), dtype=np.bool_)
    first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    if first.all():
        return rows
    starts = first.nonzero()[0]
    added: Rows = np.add.reduceat(rows, starts, axis=1)
    added[0] = keys[starts]
    return added


def _newest(rows: Rows) -> Rows:
    keys, things = rows[0], rows[1]
    rows = rows[:, np.lexsort((keys, things, keys >> AGE_BITS))]
    slots, things = rows[0] >> AGE_BITS, rows[1]
    first = np.ones(len(slots), dtype=np.bool_)
    first[1:] = (slots[1:] != slots[:-1]) | (things[1:] != things[:-1])
    rows = rows[:, first]
    return rows[:, np.lexsort((rows[1], rows[0]))]


def read(rows: Rows, *, edges: NDArray[np.int64]) -> Rows:
    """Read windows: sum, count and number of rows between pairs of keys.

    Shapes
    ------
    rows int64[3, n] sorted by key; edges int64[2, r], from (inclusive) and to (exclusive) -> int64[3, r]

    Examples
    --------
    >>> read(np.array([[3, 5, 9], [10, 20, 40], [1, 2, 1]]), edges=np.array([[0, 5], [6, 9]])).tolist()
    [[30, 20], [3, 2], [2, 1]]
    """
    running = np.zeros((3, rows.shape[1] + 1), dtype=np.int64)
    running[0] = np.arange(rows.shape[1] + 1)
    rows[1:].cumsum(axis=1, out=running[1:, 1:])
    at = rows[0].searchsorted(edges)
    between: Rows = running[:, at[1]] - running[:, at[0]]
    return between[[1, 2, 0]]

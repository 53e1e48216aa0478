"""The window core: sums, counts and newest days that do not depend on the order of events.

1. An event leaves *rows* ``[key, amount, 1]`` in the slots of the series it counts in. A key is
   ``slot * 2^39 + age``: the age in calendar days for day slots and marks, in microseconds for moments, counted back
   from the newest day and the newest instant of the state. For a mark the amount is the hash of the thing.
2. ``join`` ages the rows of a state when something newer comes, forgets what is older than any window of its slot, and
   reduces: equal keys of days and moments add up, of the marks of one thing the newest stays. Rows stay sorted by key.
3. ``read`` gives, for many (slot, from age, to age) at once, sum, count and number of rows: two binary searches in the
   keys and differences of running sums.

Shapes: rows int64[3, n]; reads int64[3, r]. Units: days, microseconds, and whatever integers the series carry.
Steps 2 and 3 are exact: integers only (sums wrap around at 2^63, and so do their differences), so any order and any
batches of the same events end in the same bytes. What was forgotten can never be needed again, because windows only
look back from a moment that is not before the newest event of the state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketofone.features.declare import MAX_EXACT
from marketofone.features.layout import AGE_BITS, AGE_MASK, Bounds

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.zeros((3, 0), dtype=np.int64)


def aged(rows: Rows, *, days: int, microseconds: int, bounds: Bounds, horizon: NDArray[np.int64]) -> Rows:
    """Give rows as they stand when the newest day and instant have moved on.

    Shapes
    ------
    rows int64[3, n], horizon int64[slots] -> int64[3, at most n]

    Units
    -----
    ``days`` and ``microseconds`` of age to add, both at least 0.
    """
    if not (days or microseconds) or not rows.shape[1]:
        return rows
    older = rows.copy()
    keys = older[0]
    first, last = keys.searchsorted(bounds)
    keys[:first] += days
    keys[first:last] += min(microseconds, MAX_EXACT)
    keys[last:] += days
    keep = (keys & AGE_MASK) < horizon[keys >> AGE_BITS]
    return older if keep.all() else older[:, keep]


def join(rows: Rows, more: Rows, *, bounds: Bounds) -> Rows:
    """Put rows of the same ages together, reduced and sorted.

    Shapes
    ------
    int64[3, n] and int64[3, m] in any order -> int64[3, at most n + m]

    Examples
    --------
    >>> one, two = np.array([[7], [100], [1]]), np.array([[7], [20], [1]])
    >>> join(one, two, bounds=Bounds(1 << 50, 1 << 50)).ravel().tolist()
    [7, 120, 2]
    """
    if not more.shape[1]:
        return rows
    both = np.concatenate((rows, more), axis=1)
    is_mark = both[0] >= bounds.marks
    if not is_mark.any():
        return _added(both)
    return np.concatenate((_added(both[:, ~is_mark]), _newest(both[:, is_mark])), axis=1)


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

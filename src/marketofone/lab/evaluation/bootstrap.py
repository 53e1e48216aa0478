"""How sure a comparison is: the paired bootstrap over accounts.

Accounts are drawn with replacement, all rows of an account together, and both methods are scored on the same draw.
Limits: accounts share one calendar, so what another year would bring is not in these intervals.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Interval(Struct, frozen=True):
    """A value and where it lies with the probability ``level``."""

    value: float
    low: float
    high: float
    level: float


def draws(accounts: Integers, *, times: int, seed: int) -> Floats:
    """Give how often each row counts in each draw of as many accounts as there are.

    Shapes
    ------
    accounts : int64[n]
        The account of each row, counted from 0.
    result : float64[times, n]

    Examples
    --------
    >>> weights = draws(np.array([0, 0, 1]), times=50, seed=1)
    >>> bool((weights[:, 0] == weights[:, 1]).all()), bool((weights[:, 1:].sum(axis=1) == 2).all())
    (True, True)
    """
    _, rows = np.unique(accounts, return_inverse=True)
    count = int(rows.max()) + 1
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=times)[:, rows].astype(np.float64)


def ratio(above: Floats, below: Floats, weights: Floats, *, level: float) -> Interval:
    """Give a sum of one thing by the sum of another, such as a loss by the balances.

    Shapes
    ------
    above, below : float64[n]
    weights : float64[times, n]
    """
    return spread_of(float(above.sum() / below.sum()), (weights @ above) / (weights @ below), level=level)


def loss_cut(ours: Floats, theirs: Floats, weights: Floats, *, level: float) -> Interval:
    """Give the share of another method's loss that ours avoids, on the same rows.

    Examples
    --------
    >>> ours, theirs = np.array([1.0, 1.0]), np.array([2.0, 2.0])
    >>> loss_cut(ours, theirs, draws(np.array([0, 1]), times=9, seed=1), level=0.9)
    Interval(value=0.5, low=0.5, high=0.5, level=0.9)
    """
    cut = ratio(ours, theirs, weights, level=level)
    return Interval(1 - cut.value, 1 - cut.high, 1 - cut.low, level)


def auc(chance: Floats, happened: Floats, weights: Floats, *, level: float) -> Interval:
    """Give the area under the curve, the chance that a row where it happened ranks above one where it did not.

    Shapes
    ------
    chance, happened : float64[n]
    weights : float64[times, n]
    """
    _, rank = np.unique(chance, return_inverse=True)
    order = np.argsort(rank, kind="stable")
    starts = np.flatnonzero(np.diff(rank[order], prepend=-1))
    drawn = np.vstack((np.ones(len(chance)), weights))[:, order]
    yes, no = (np.add.reduceat(drawn * side[order], starts, axis=1) for side in (happened, 1 - happened))
    pairs = yes.sum(axis=1) * no.sum(axis=1)
    above = (yes * (np.cumsum(no, axis=1) - no / 2)).sum(axis=1)
    areas = np.divide(above, pairs, out=np.full(len(pairs), math.nan), where=pairs > 0)
    return spread_of(float(areas[0]), areas[1:], level=level)


def spread_of(value: float, drawn: Floats, *, level: float) -> Interval:
    """Give a value with the interval that the same value of each draw spans; draws without one (NaN) do not count."""
    told = drawn[~np.isnan(drawn)]
    if not told.size:
        return Interval(value, math.nan, math.nan, level)
    low, high = np.quantile(told, ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high), level)

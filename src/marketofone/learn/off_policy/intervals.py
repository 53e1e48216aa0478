"""How sure a mean is whose rows come in persons, and whose weights make it skewed.

Rows of one person resemble each other, so the unit is the person: residuals are summed within each, and these sums
carry the variance (Liang and Zeger 1986). Importance weights make the sums heavy on one side, where the usual interval
covers too little. Two corrections answer that, both computed from the sums themselves:

1. The quantile is Student's, with the degrees of freedom that the kurtosis of the sums of G persons leaves:
   ``2 G / (kurtosis - 1)``, about G for a normal distribution and few where a few persons carry the variance
   (Satterthwaite 1946).
2. Hall's cubic transformation takes the skewness out of the studentised mean, and is inverted exactly (Hall 1992).

An interval holds at one look. Where somebody looks until it shows something, it must hold at all looks together: then
both corrections are made further out, where :func:`~marketofone.learn.intervals.anytime_reach` says.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from marketofone.learn.intervals import anytime_reach

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_NORMAL_KURTOSIS = 3.0


class Interval(NamedTuple):
    """A value, its standard error, and the ends between which the truth lies with the probability asked for."""

    value: float
    low: float
    high: float
    error: float


def person_codes(persons: NDArray[np.generic]) -> Integers:
    """Give each row the number of its person, counted from 0 in sorted order.

    Examples
    --------
    >>> person_codes(np.array(["b", "a", "b"])).tolist()
    [1, 0, 1]
    """
    codes: Integers = np.unique(persons, return_inverse=True)[1].astype(np.int64)
    return codes


def person_sums(scores: Floats, codes: Integers) -> Floats:
    """Give the sum of each person's deviations from the mean, in multiples of a row: their mean square is the variance.

    Shapes
    ------
    scores : float64[n]
    codes : int64[n]
        From :func:`person_codes`.
    result : float64[persons]
    """
    return np.bincount(codes, weights=scores - scores.mean()).astype(np.float64)


def squared_error(scores: Floats, codes: Integers) -> float:
    """Give the variance of a mean over rows that come in persons; infinite with one person.

    Examples
    --------
    >>> apart = squared_error(np.array([0.0, 0.0, 1.0, 1.0]), np.arange(4))
    >>> squared_error(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1])) > apart
    True
    """
    sums = person_sums(scores, codes)
    people = len(sums)
    if people == 1:
        return math.inf
    return float((sums**2).sum()) * people / (people - 1) / len(scores) ** 2


def mean_interval(scores: Floats, persons: NDArray[np.generic], *, level: float, anytime: bool = False) -> Interval:
    """Give the mean of scores with an interval that counts by person and follows their skewness.

    Parameters
    ----------
    scores
        One a row, in the unit of the reward.
    persons
        Who each row is about; any values that can be sorted. Rows of a person may stand anywhere.
    level
        The coverage, in (0, 1).
    anytime
        Whether it holds at all looks together, while rows are added, and not only at this one.

    Shapes
    ------
    scores, persons : [n]

    Examples
    --------
    >>> found = mean_interval(np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0]), np.arange(6), level=0.9)
    >>> found.low < found.value == 0.5 < found.high
    True
    """
    codes = person_codes(persons)
    value, error = float(scores.mean()), math.sqrt(squared_error(scores, codes))
    if not 0.0 < error < math.inf:
        reach = error
        return Interval(value, value - reach, value + reach, error)
    sums = person_sums(scores, codes)
    square = float((sums**2).mean())
    kurtosis = max(float((sums**4).mean()) / square**2, _NORMAL_KURTOSIS)
    freedom = max(2.0 * len(sums) / (kurtosis - 1.0), 1.0)
    below = float(ndtr(anytime_reach(len(scores), level=level))) if anytime else (1.0 + level) / 2.0
    reach = float(stdtrit(freedom, below))
    skew = float((sums**3).mean()) / square**1.5 / math.sqrt(len(sums))
    return Interval(value, value - error * _unskewed(reach, skew), value - error * _unskewed(-reach, skew), error)


def _unskewed(reach: float, skew: float) -> float:
    """Invert Hall's transformation ``t + a t^2 / 3 + a^2 t^3 / 27 + a / 6`` of a studentised mean at ``reach``."""
    if abs(skew) < 1e-9:  # noqa: PLR2004 - beyond it the quotient loses all digits
        return reach
    return 3.0 / skew * (float(np.cbrt(1.0 + skew * (reach - skew / 6.0))) - 1.0)

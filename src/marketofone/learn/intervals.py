"""Intervals of means and shares over people, also those that hold however often somebody looks.

All take exact integer sums, so the order in which people are counted changes nothing. An interval for one look is
1.96 standard errors wide to either side; who looks every day and stops at the first that excludes zero is wrong far
more often than it says. :func:`anytime_reach` gives how many standard errors hold at all looks together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from scipy.special import ndtri

TIGHTEST = 2_000
"""At so many observations an interval that holds at every look is tightest. It is fixed before anything is seen."""


class Sums(NamedTuple):
    """Count, sum and sum of squares of integers."""

    n: int
    total: int
    squares: int

    @classmethod
    def of(cls, values: Sequence[int]) -> Self:
        """Sum values up."""
        return cls(len(values), sum(values), sum(value * value for value in values))

    @property
    def mean(self) -> float:
        """The mean, 0 when there is nothing."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """The sample variance; needs two observations."""
        return (self.n * self.squares - self.total * self.total) / (self.n * (self.n - 1))


class Ends(NamedTuple):
    """A value and the two ends of its interval."""

    value: float
    low: float
    high: float


def anytime_reach(n: int, *, level: float, tightest: int = TIGHTEST) -> float:
    """Give how many standard errors an interval must reach to hold at every look together, not only at this one.

    The interval is ``value`` plus and minus this many standard errors, where the errors count by person. The chance
    that it misses the truth at any look is at most ``1 - level``, for as many looks as anybody likes and however they
    decide to stop. It holds asymptotically: from some dozens of people in each group on.

    Decisions about one person resemble each other, so the errors are those of sums by person. What a person adds later
    goes with what they added before, which makes two looks more alike than independent observations would be: the more
    alike, the fewer crossings of any boundary (Slepian 1962), so that counting decisions as ``n`` is cautious.

    Parameters
    ----------
    n
        How many observations (decisions, contacts) there are at this look; at least 1.
    level
        The coverage over all looks, in (0, 1).
    tightest
        Where the interval is tightest, in observations. Chosen before anything is seen.

    Source
    ------
    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics,
    theorem 2.2, with rho of their appendix B.2): the normal mixture boundary of Howard et al. (2021, equation 14).

    Examples
    --------
    >>> [round(anytime_reach(n, level=0.95), 2) for n in (300, 2_000, 1_000_000)]
    [3.53, 3.04, 3.78]
    """
    error = 1.0 - level
    twice = -2.0 * math.log(error)
    prior = tightest / (twice + math.log(twice + 1.0))  # 1 / rho^2
    return math.sqrt((n + prior) / n * (math.log((n + prior) / prior) + twice))


def difference(one: Sums, other: Sums, *, reach: float) -> Ends:
    """Give the difference of two means, ``one`` minus ``other``, ``reach`` standard errors to either side.

    The variances need not be equal; each group is two or more independent people. Source: Welch (1947) for the error.

    Examples
    --------
    >>> [round(end, 3) for end in difference(Sums(3, 6, 14), Sums(3, 3, 5), reach=2.0)]
    [1.0, -0.633, 2.633]
    """
    value = one.mean - other.mean
    error = math.sqrt(one.variance / one.n + other.variance / other.n)
    return Ends(value, value - reach * error, value + reach * error)


def wilson(share: float, *, n: float, level: float) -> tuple[float, float]:
    """Give the interval, for one look, of a share observed in ``n`` independent trials.

    ``n`` is not whole when it is an effective number; ``level`` is the coverage, in (0, 1). Source: Wilson (1927).

    Examples
    --------
    >>> [round(end, 3) for end in wilson(0.0, n=20, level=0.95)]
    [0.0, 0.161]
    """
    return score_interval(share, n=n, reach=float(ndtri((1.0 + level) / 2.0)))


def score_interval(share: float, *, n: float, reach: float) -> tuple[float, float]:
    """Give the shares that lie within ``reach`` of their own standard errors from one observed in ``n`` trials.

    Source: Wilson (1927). It is never empty, also where none or all said yes.

    Examples
    --------
    >>> [round(end, 3) for end in score_interval(0.5, n=100, reach=3.0)]
    [0.356, 0.644]
    """
    z2 = reach * reach
    middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = reach * math.sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n)) / (1.0 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def share_difference(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]], *, reach: float) -> Ends:
    """Give the difference of two shares, ``one`` minus ``other``, whose trials come in clusters.

    ``one`` and ``other`` are (hits, trials) of each person, with one trial or more in each group. Source: Newcombe
    (1998, method 10), put together from the score interval of each share by its effective number of trials.

    Examples
    --------
    >>> one, other = [(1, 1)] * 60 + [(0, 1)] * 40, [(1, 1)] * 20 + [(0, 1)] * 80
    >>> [round(end, 2) for end in share_difference(one, other, reach=2.0)]
    [0.4, 0.26, 0.52]
    """
    ours, low, high = share_interval(one, reach=reach)
    theirs, their_low, their_high = share_interval(other, reach=reach)
    value = ours - theirs
    below, above = math.hypot(ours - low, their_high - theirs), math.hypot(high - ours, theirs - their_low)
    return Ends(value, value - below, value + above)


def share_interval(clusters: Sequence[tuple[int, int]], *, reach: float) -> Ends:
    """Give the share of trials that hit, (hits, trials) of each person with one trial or more, and its score interval.

    Examples
    --------
    >>> [round(end, 2) for end in share_interval([(1, 1)] * 60 + [(0, 1)] * 40, reach=2.0)]
    [0.6, 0.5, 0.69]
    """
    share = sum(hits for hits, _ in clusters) / sum(trials for _, trials in clusters)
    return Ends(share, *score_interval(share, n=effective_n(clusters), reach=reach))


def effective_n(clusters: Sequence[tuple[int, int]]) -> float:
    """Give the number of independent trials that tell as much about a share as clustered ones.

    ``clusters`` are (hits, trials) of each person, whose trials resemble each other. At most the number of trials, and
    just that when there is nothing to compare. Source: the design effect of a ratio (Rao and Scott 1992).

    Examples
    --------
    >>> round(effective_n([(4, 4), (0, 4), (4, 4), (0, 4)]), 2)
    3.0
    """
    people = len(clusters)
    trials = sum(n for _, n in clusters)
    hits = sum(hit for hit, _ in clusters)
    if people < 2 or hits in (0, trials):  # noqa: PLR2004 - a variance needs two
        return float(trials)
    # The squared residuals of each cluster, all multiplied by trials squared: whole numbers.
    squares = sum((hit * trials - hits * n) ** 2 for hit, n in clusters)
    variance = people / (people - 1) * squares / trials**4
    design = variance / (hits * (trials - hits) / trials**3)
    return trials / max(design, 1.0)

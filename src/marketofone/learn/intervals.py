"""Two intervals: the difference of two means, and a share whose observations come in clusters.

Both take exact integer sums, so the order in which people are counted changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from scipy.special import ndtri, stdtrit


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


def welch(one: Sums, other: Sums, *, level: float) -> tuple[float, float]:
    """Give the interval of the difference of two means, ``one`` minus ``other``, without assuming equal variances.

    Each group is two or more independent observations; ``level`` is the coverage, in (0, 1). Source: Welch (1947),
    degrees of freedom by Satterthwaite.

    Examples
    --------
    >>> [round(end, 3) for end in welch(Sums(3, 6, 14), Sums(3, 3, 5), level=0.9)]
    [-0.741, 2.741]
    """
    share, other_share = one.variance / one.n, other.variance / other.n
    error = share + other_share
    difference = one.mean - other.mean
    if error == 0.0:
        return difference, difference
    freedom = error * error / (share * share / (one.n - 1) + other_share * other_share / (other.n - 1))
    reach = float(stdtrit(freedom, (1.0 + level) / 2.0)) * math.sqrt(error)
    return difference - reach, difference + reach


def wilson(share: float, *, n: float, level: float) -> tuple[float, float]:
    """Give the interval of a share observed in ``n`` independent trials (not whole when it is an effective number).

    ``level`` is the coverage, in (0, 1). Source: Wilson (1927).

    Examples
    --------
    >>> [round(end, 3) for end in wilson(0.0, n=20, level=0.95)]
    [0.0, 0.161]
    """
    z = float(ndtri((1.0 + level) / 2.0))
    z2 = z * z
    middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    reach = z * math.sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n)) / (1.0 + z2 / n)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def effective_n(clusters: list[tuple[int, int]]) -> float:
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

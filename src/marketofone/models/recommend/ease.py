"""EASE: the weights with which each product held speaks for each other one, in closed form from co-counts.

1. ``gram`` (p, p): co-counts over the roots of both products' own, so that popular products do not drown the rest. A
   product's own is 1, and less with few holders: rare products say little.
2. ``power``: the gram multiplied by itself until the exponent is ``order``. What many people share stands out against
   what a few happen to share, the more so the higher the order.
3. ``inverse`` of the power with ``strength ** order`` added to its diagonal. A product explained by all others, and not
   by itself, has the weights -inverse[i, j] / inverse[j, j].
4. Back to people: times the root of j over that of i.

With order 1 this is EASE of normalised counts. Every step is the same on each processor:
products of whole numbers below 2**53 are exact in any order, roots and quotients are rounded as IEEE 754 says, and the
inverse adds in one fixed order (:func:`in_fixed_order`).

Limits: memory grows with the square, time with the third power of the number of products.

Sources: Steck (2019), Embarrassingly Shallow Autoencoders for Sparse Data, equation 8; the normalisation is that of
Shen et al. (2021), How Powerful is Graph Convolution for Recommendation?; the order is that of a Butterworth filter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.models.recommend.co_counts import UNIT, CoCounts

Floats: TypeAlias = NDArray[np.float64]
Invert: TypeAlias = Callable[[Floats], Floats]

_EXACT_BITS = 52
_ORDERS = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class Regularisation:
    """How cautiously weights follow counts.

    Parameters
    ----------
    shrink
        The number of holders at which what a product says is halved.
    strength
        The eigenvalue of the gram that is halved, smaller ones count for chance; 1 is that of a product alone.
    order
        How sharply what lies below is told from what lies above: 1, 2, 4 or 8.

    Raises
    ------
    MalformedRequest
        When one of them is out of range.
    """

    shrink: float
    strength: float
    order: int

    def __post_init__(self) -> None:
        if not 0.0 <= self.shrink < math.inf:
            raise MalformedRequest(field="shrink", shape="not a number of people", fix="give 0 or more")
        if not 0.0 < self.strength < math.inf:
            raise MalformedRequest(field="strength", shape="not an eigenvalue", fix="give a number above 0")
        if self.order not in _ORDERS:
            raise MalformedRequest(field="order", shape="no power of 2", fix="give 1, 2, 4 or 8")


def in_fixed_order(gram: Floats) -> Floats:
    """Invert a symmetric positive definite matrix, adding in one fixed order: the same bytes on every processor.

    It is Gauss-Jordan elimination without pivoting, in single multiplications and subtractions of whole rows, which no
    processor fuses. It takes some 1 ms for 60 products, 0.1 s for 400 and seconds for a thousand.

    Shapes
    ------
    gram, result : float64[p, p]

    Examples
    --------
    >>> in_fixed_order(np.array([[2.0, 1.0], [1.0, 1.0]])).tolist()
    [[1.0, -1.0], [-1.0, 2.0]]
    """
    found = gram.copy()
    change = np.empty_like(found)
    for place in range(len(found)):
        column = found[:, place].copy()
        row = found[place] / column[place]
        row[place] = 1.0 / column[place]
        found[:, place] = 0.0
        np.multiply(column[:, np.newaxis], row, out=change)
        found -= change
        found[place] = row
    return found


def weights_of(counts: CoCounts, regularisation: Regularisation, *, invert: Invert = in_fixed_order) -> Floats:
    """Give how strongly each product held (row) speaks for each other one (column).

    The sum over what a person holds estimates whether they hold the product of the column; a weight may be negative.

    Parameters
    ----------
    counts
        What is held together by p products.
    regularisation
        How cautiously to follow them.
    invert
        How to invert; where bytes do not matter, a faster one.

    Shapes
    ------
    result : float64[p, p]
        With zeros on the diagonal.

    Examples
    --------
    >>> from marketofone.models.recommend.co_counts import count
    >>> counts = count([frozenset({"card", "loan"})] * 30 + [frozenset({"fund"})] * 30)
    >>> weights = weights_of(counts, Regularisation(shrink=1.0, strength=0.2, order=1))
    >>> np.abs(weights).round(2).tolist()
    [[0.0, 0.0, 0.83], [0.0, 0.0, 0.0], [0.83, 0.0, 0.0]]
    """
    holders = counts.holders()
    own = counts.together.diagonal() / UNIT
    roots = np.sqrt(own * (holders + regularisation.shrink) / holders)
    power, strength, order = counts.together / UNIT / roots / roots[:, np.newaxis], regularisation.strength, 1
    while order < regularisation.order:
        power, strength, order = _squared(power), strength * strength, 2 * order
    gram = power + np.diag(np.full(len(roots), strength))
    inverse = invert(gram)
    weights = -inverse / inverse.diagonal() * roots / roots[:, np.newaxis]
    np.fill_diagonal(weights, 0.0)
    return weights


def _squared(symmetric: Floats) -> Floats:
    """Multiply a symmetric matrix by itself, on a grid so coarse that every sum of products is exact."""
    if not symmetric.size:
        return symmetric
    bits = (_EXACT_BITS - len(symmetric).bit_length()) // 2
    grid = math.ldexp(1.0, bits - math.frexp(float(symmetric.max()))[1])
    whole = np.rint(symmetric * grid)
    return (whole @ whole) / grid / grid

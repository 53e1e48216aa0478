"""Co-counts: how much is held together, in integers, so that a person can be taken out again without a trace.

1. A person of n products adds ``UNIT // n`` to each pair of them, a product with itself included. Somebody who holds
   much would otherwise count with the square of it.
2. The sum of a row is a product's holders, in ``UNIT``: a person adds ``UNIT // n`` to it n times.

Integers add up in any order, and what was added can be taken back: learning person by person equals counting all
at once, and forgetting a person equals never having known them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

UNIT = 720_720
"""One person, in counts: what the numbers up to 16 divide."""
_TOGETHER = 4_096  # people that are multiplied at once: it bounds the memory


@dataclass(frozen=True, eq=False)
class CoCounts:
    """What is held together; a product that no person holds does not occur.

    Shapes
    ------
    products : p names, in alphabetical order
    together : int64[p, p]
        Symmetric, in ``UNIT`` a person.
    """

    products: tuple[str, ...]
    together: Integers

    def __post_init__(self) -> None:
        self.together.flags.writeable = False

    def holders(self) -> Floats:
        """Give how many people hold each product."""
        return np.asarray(self.together.sum(axis=1) / UNIT)


def count(holdings: Sequence[frozenset[str]]) -> CoCounts:
    """Count what is held together: one set of products per person.

    Examples
    --------
    >>> count([frozenset({"card", "loan"}), frozenset({"card"})]).holders().tolist()
    [2.0, 1.0]
    """
    products = tuple(sorted(frozenset().union(*holdings)))
    place = {product: number for number, product in enumerate(products)}
    together = np.zeros((len(products), len(products)), dtype=np.int64)
    people = iter(holdings)
    while some := list(islice(people, _TOGETHER)):
        rows, columns, shares = _entries(some, place)
        held, weighted = (np.zeros((len(some), len(products))) for _ in range(2))
        held[rows, columns], weighted[rows, columns] = 1.0, shares
        # Whole numbers below 2**53: exact in whatever order the processor adds them.
        together += (held.T @ weighted).astype(np.int64)
    return CoCounts(products, together)


def _entries(people: Iterable[frozenset[str]], place: dict[str, int]) -> tuple[list[int], list[int], list[int]]:
    found = [(row, place[one], UNIT // len(held)) for row, held in enumerate(people) for one in held]
    return [row for row, _, _ in found], [column for _, column, _ in found], [share for _, _, share in found]


def changed(counts: CoCounts, *, before: frozenset[str], after: frozenset[str]) -> CoCounts:
    """Give the counts after one person's holdings changed: ``before`` is taken back, ``after`` is added.

    Raises
    ------
    MalformedRequest
        When no person with the holdings ``before`` can have been counted.
    """
    products = sorted(before | after | set(counts.products))
    place = {product: number for number, product in enumerate(products)}
    together = np.zeros((len(products), len(products)), dtype=np.int64)
    known = [place[product] for product in counts.products]
    together[np.ix_(known, known)] = counts.together
    for held, sign in ((before, -1), (after, 1)):
        places = sorted(place[product] for product in held)
        together[np.ix_(places, places)] += sign * (UNIT // max(len(held), 1))
    left = together.diagonal() > 0
    if (together < 0).any() or together[~left].any():
        raise MalformedRequest(field="before", shape="holdings never counted", fix="fit the affinity again")
    return CoCounts(
        tuple(product for product, stays in zip(products, left, strict=True) if stays), together[left][:, left]
    )

"""Affinity: which products are held by the same people.

The state is integer counts of how many people hold each pair. Counts add up and can be taken back, so learning person
by person equals fitting everybody at once, and forgetting a person leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import msgspec
from msgspec import Struct

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import MalformedDocument, MalformedRequest

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Affinity:
    """How many people hold each pair of products (in alphabetical order; a product with itself: its holders).

    ``shrink`` is the number of holders at which a similarity is halved: pairs that few people hold say little.
    """

    together: Mapping[Pair, int]
    shrink: float

    def similarity(self, one: str, other: str) -> float:
        """Give the shrunken cosine of two products' holders, in [0, 1]; 0 when nobody holds both."""
        both = self.together.get((one, other) if one <= other else (other, one), 0)
        if both == 0:
            return 0.0
        return both / (math.sqrt(self.together[one, one] * self.together[other, other]) + self.shrink)

    def score(self, held: Collection[str], product: str) -> float:
        """Say how strongly what a person holds speaks for a product.

        Each product held speaks for it on its own (never for itself), and the score, in [0, 1], is the chance that at
        least one convinces (noisy or). Source: item-based filtering (Sarwar et al. 2001) with shrunken similarities
        (Bell and Koren 2007).

        Examples
        --------
        >>> affinity = fit_affinity([frozenset({"card", "loan"}), frozenset({"card"})], shrink=0.0)
        >>> round(affinity.score({"loan"}, "card"), 3)
        0.707
        """
        return 1.0 - math.prod(1.0 - self.similarity(other, product) for other in sorted(held) if other != product)


def fit_affinity(holdings: Sequence[frozenset[str]], *, shrink: float) -> Affinity:
    """Count what is held together: one set of products per person.

    Raises
    ------
    MalformedRequest
        When ``shrink`` is negative or not finite.
    """
    if not 0.0 <= shrink < math.inf:
        raise MalformedRequest(field="shrink", shape="not a number of people", fix="give 0 or more")
    counts: dict[Pair, int] = {}
    for held in holdings:
        _count(counts, held, by=1)
    return Affinity(together=counts, shrink=shrink)


def revise(affinity: Affinity, *, before: frozenset[str], after: frozenset[str]) -> Affinity:
    """Give the affinity after one person's holdings changed.

    ``before`` is empty for a person not counted so far, ``after`` is empty for a person to be forgotten.

    Raises
    ------
    MalformedRequest
        When nobody with the holdings ``before`` can have been counted.

    Examples
    --------
    >>> nobody = fit_affinity([], shrink=1.0)
    >>> somebody = revise(nobody, before=frozenset(), after=frozenset({"card"}))
    >>> revise(somebody, before=frozenset({"card"}), after=frozenset()) == nobody
    True
    """
    counts = dict(affinity.together)
    _count(counts, before, by=-1)
    _count(counts, after, by=1)
    return Affinity(together=counts, shrink=affinity.shrink)


def _count(counts: dict[Pair, int], held: frozenset[str], *, by: int) -> None:
    for pair in combinations_with_replacement(sorted(held), 2):
        count = counts.pop(pair, 0) + by
        if count < 0:
            raise MalformedRequest(field="before", shape="holdings never counted", fix="fit the affinity again")
        if count:
            counts[pair] = count


class _Stored(Struct, frozen=True, kw_only=True):
    shrink: float
    together: tuple[tuple[str, str, int], ...]


_DECODER = msgpack_decoder(_Stored)


def to_bytes(affinity: Affinity) -> bytes:
    """Write the counts in alphabetical order: equal affinities give equal bytes."""
    rows = tuple((one, other, affinity.together[one, other]) for one, other in sorted(affinity.together))
    return msgspec.msgpack.encode(_Stored(shrink=affinity.shrink, together=rows))


def from_bytes(blob: bytes) -> Affinity:
    """Read an affinity written by :func:`to_bytes`.

    Raises
    ------
    MalformedDocument
        When the bytes are no affinity.
    """
    try:
        stored = _DECODER.decode(blob)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedDocument(field="affinity", shape=f"{len(blob)} bytes", fix="train the model again") from error
    return Affinity(together={(one, other): count for one, other, count in stored.together}, shrink=stored.shrink)

"""Affinity: how strongly what a person holds speaks for what they do not hold.

1. ``CoCounts``: what people hold together, as integers (``co_counts.py``).
2. Weights in closed form from the counts (``ease.py``), kept as single precision with them: a decision is computed,
   and replayed, with the weights as they lie in its version; nothing is solved again.
3. A product of the catalogue that none holds yet gets its weights from what its content has in common with others.
4. A score is the sum of the weights of what a person holds.

Beside products a person may bring what else is known of them as items (``domain/items.py``): life events, classes of
venues, functions of the app. They are counted like products, so each gets a weight of its own for each product that is
not explained by the others already.

Source of the latter: Jeunen, Van Balen and Goethals (2020), Closed-Form Models for Collaborative Filtering with
Side-Information.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.items import ItemSource, parted_item
from marketofone.models.recommend.co_counts import CoCounts, changed, count
from marketofone.models.recommend.content import content_weights
from marketofone.models.recommend.ease import Regularisation, weights_of
from marketofone.models.recommend.former_affinity import FormerAffinity, former_from_bytes

NOTHING: frozenset[str] = frozenset()
Weights = NDArray[np.float32]
_FORM = 2
_COUNT, _WEIGHT = np.dtype("<i8"), np.dtype("<f4")


@dataclass(frozen=True, eq=False)
class Affinity:
    """What is held together, and what follows from it. Two of them are the same when their bytes are.

    ``kept`` are the weights as they lie in a version; without them they are computed when first asked for. ``content``
    gives the weights of products that no person holds, by the product and by what is held.
    """

    counts: CoCounts
    regularisation: Regularisation
    kept: Weights | None = None
    content: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Weights:
        """Give how strongly each product (row) speaks for each other one (column), shape (p, p)."""
        if self.kept is not None:
            return self.kept
        found = weights_of(self.counts, self.regularisation).astype(np.float32)
        found.flags.writeable = False
        return found

    @cached_property
    def _by_product(self) -> dict[str, Mapping[str, float]]:
        names, columns = self.counts.products, self.weights.T.tolist()
        return {
            **self.content,
            **{name: dict(zip(names, of, strict=True)) for name, of in zip(names, columns, strict=True)},
        }

    def score(self, held: Collection[str], product: str, *, dismissed: Collection[str] = NOTHING) -> float:
        """Say how strongly what a person holds, and what else is known of them, speaks for a product.

        The sum of the weights of what is held estimates the chance that a person holds the product as well; it is
        brought into [0, 1]. Nothing speaks for what is held already, nor for what was dismissed.

        Examples
        --------
        >>> people = [frozenset({"card", "loan"})] * 30 + [frozenset({"fund"})] * 30
        >>> affinity = fit_affinity(people, regularisation=Regularisation(shrink=1.0, strength=0.2, order=1))
        >>> round(affinity.score({"loan"}, "card"), 2), affinity.score({"loan"}, "fund")
        (0.83, 0.0)
        >>> affinity.score({"loan"}, "card", dismissed={"card"}), affinity.score({"loan", "card"}, "card")
        (0.0, 0.0)
        """
        weights = self._by_product.get(product)
        if weights is None or product in held or product in dismissed:
            return 0.0
        return min(max(math.fsum(weights.get(one, 0.0) for one in held), 0.0), 1.0)

    @cached_property
    def sources(self) -> frozenset[ItemSource]:
        """The data sources that tell of anything it has weights of."""
        return frozenset(parted_item(item)[0] for item in self.counts.products)

    def speaking(self, held: Collection[str], product: str) -> list[tuple[str, float]]:
        """Give what of a person speaks for a product or against it, with its weight, the strongest first.

        Examples
        --------
        >>> people = [frozenset({"card", "life_events move"})] * 30 + [frozenset({"fund"})] * 30
        >>> affinity = fit_affinity(people, regularisation=Regularisation(shrink=1.0, strength=0.2, order=1))
        >>> [item for item, _ in affinity.speaking({"life_events move", "fund"}, "card")]
        ['life_events move']
        """
        weights = self._by_product.get(product, {})
        found = [(item, weights[item]) for item in sorted(held) if weights.get(item)]
        return sorted(found, key=lambda pair: -pair[1])

    def with_content(self, tags: Mapping[str, Collection[str]]) -> Affinity:
        """Give weights to products that no person holds yet, by tags of the catalogue's products."""
        content = content_weights(tags, products=self.counts.products, weights=self.weights)
        return Affinity(self.counts, self.regularisation, self.weights, content)


def fit_affinity(holdings: Sequence[frozenset[str]], *, regularisation: Regularisation) -> Affinity:
    """Learn what is held together: one set of products per person."""
    return Affinity(count(holdings), regularisation)


def revise(affinity: Affinity, *, before: frozenset[str], after: frozenset[str]) -> Affinity:
    """Give the affinity after one person's holdings changed.

    ``before`` is empty for a person not counted so far, ``after`` is empty for a person to be forgotten.

    Raises
    ------
    MalformedRequest
        When no person with the holdings ``before`` can have been counted.

    Examples
    --------
    >>> nobody = fit_affinity([], regularisation=Regularisation(shrink=20.0, strength=1.0, order=1))
    >>> somebody = revise(nobody, before=frozenset(), after=frozenset({"card"}))
    >>> to_bytes(revise(somebody, before=frozenset({"card"}), after=frozenset())) == to_bytes(nobody)
    True
    """
    return Affinity(changed(affinity.counts, before=before, after=after), affinity.regularisation)


class _Stored(Struct, frozen=True, kw_only=True):
    form: int
    regularisation: tuple[float, float, int]
    products: tuple[str, ...]
    together: bytes
    weights: bytes


_DECODER = msgpack_decoder(_Stored)


def to_bytes(affinity: Affinity) -> bytes:
    """Write counts (their upper triangle) and weights: affinities of equal counts give equal bytes."""
    rule, counts = affinity.regularisation, affinity.counts
    stored = _Stored(
        form=_FORM,
        regularisation=(rule.shrink, rule.strength, rule.order),
        products=counts.products,
        together=counts.together[np.triu_indices(len(counts.products))].astype(_COUNT).tobytes(),
        weights=affinity.weights.astype(_WEIGHT).tobytes(),
    )
    return msgspec.msgpack.encode(stored)


def from_bytes(blob: bytes) -> Affinity | FormerAffinity:
    """Read an affinity written by :func:`to_bytes`, now or in the former form.

    Raises
    ------
    MalformedDocument
        When the bytes are no affinity.
    """
    former = former_from_bytes(blob)
    if former is not None:
        return former
    try:
        stored = _DECODER.decode(blob)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(blob) from error
    size = len(stored.products)
    sizes = (size * (size + 1) // 2 * _COUNT.itemsize, size * size * _WEIGHT.itemsize)
    if stored.form != _FORM or (len(stored.together), len(stored.weights)) != sizes:
        raise _unreadable(blob)
    upper = np.triu_indices(size)
    together = np.zeros((size, size), dtype=np.int64)
    together[upper] = together.T[upper] = np.frombuffer(stored.together, dtype=_COUNT)
    shrink, strength, order = stored.regularisation
    return Affinity(
        CoCounts(stored.products, together),
        Regularisation(shrink=shrink, strength=strength, order=order),
        np.frombuffer(stored.weights, dtype=_WEIGHT).astype(np.float32).reshape(size, size),
    )


def _unreadable(blob: bytes) -> MalformedDocument:
    return MalformedDocument(field="affinity", shape=f"{len(blob)} bytes", fix="train the model again")

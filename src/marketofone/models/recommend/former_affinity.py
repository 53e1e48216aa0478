"""The affinity of versions made before the closed form: kept only so that their decisions replay to the byte.

It is written no more. Each product held speaks for another by the shrunken cosine of their holders, and the score is
the chance that at least one convinces.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.items import ItemSource

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FormerAffinity:
    """How many people hold each pair of products (in alphabetical order; a product with itself: its holders)."""

    together: Mapping[Pair, int]
    shrink: float

    def score(self, held: Collection[str], product: str, *, dismissed: Collection[str] = ()) -> float:  # noqa: ARG002
        """Say how strongly what a person holds speaks for a product, in [0, 1]; what was dismissed changed nothing."""
        return 1.0 - math.prod(1.0 - self._similarity(other, product) for other in sorted(held) if other != product)

    @property
    def sources(self) -> frozenset[ItemSource]:
        """The data sources that tell of anything it has weights of: products only."""
        return frozenset({"transactions"})

    def speaking(self, held: Collection[str], product: str) -> list[tuple[str, float]]:  # noqa: ARG002
        """Give nothing: it was told of all products together."""
        return []

    def with_content(self, tags: Mapping[str, Collection[str]]) -> FormerAffinity:  # noqa: ARG002
        """Give it as it was: content changed nothing."""
        return self

    def _similarity(self, one: str, other: str) -> float:
        both = self.together.get((one, other) if one <= other else (other, one), 0)
        if both == 0:
            return 0.0
        return both / (math.sqrt(self.together[one, one] * self.together[other, other]) + self.shrink)


class _Stored(Struct, frozen=True, kw_only=True):
    shrink: float
    together: tuple[tuple[str, str, int], ...]


_DECODER = msgpack_decoder(_Stored)


def former_from_bytes(blob: bytes) -> FormerAffinity | None:
    """Read an affinity of the former form; None when the bytes are none."""
    try:
        stored = _DECODER.decode(blob)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return FormerAffinity(together={(one, other): n for one, other, n in stored.together}, shrink=stored.shrink)

"""The luck of a decision: one row of numbers for all actions of the catalogue, always the same for the same seed."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from marketofone.decide.compiled_catalogue import Rows
from marketofone.decide.context_matrix import FloatArray
from marketofone.decide.decision_input import DecisionInput
from marketofone.models.bandit import quantile

_SPARE_BITS = np.uint64(11)  # of 64, where a number holds 53


class RandomDraws(Struct, frozen=True, kw_only=True, gc=False):
    """The random numbers of one decision: who draws uniformly, then a share and a place in the lottery per action.

    An action's normal draw is the quantile of its share. The last place in the lottery is that of doing nothing; the
    smallest wins a uniform draw. They are made of ``bits`` (2 k + 2) for those that are asked for. Where a fixed
    ``order`` decides, its places stand for those of the lottery.
    """

    bits: NDArray[np.uint64]
    order: FloatArray | None = None

    @property
    def explore(self) -> float:
        """The share below which exploration draws uniformly."""
        return float(_uniform(self.bits[:1])[0])

    @property
    def places(self) -> FloatArray:
        """The places of all actions in the lottery, and of doing nothing."""
        return _uniform(self.bits[self.bits.size // 2 :]) if self.order is None else -self.order

    def normals(self, rows: Rows) -> FloatArray:
        """Give the normal draws of some actions."""
        return quantile(_uniform(self.bits[1:][rows]))


def _uniform(bits: NDArray[np.uint64]) -> FloatArray:
    return (bits >> _SPARE_BITS).astype(np.float64) * 2.0**-53


class _KeyOf(ISeedSequence):
    """The key that a seed gives a generator; numpy by itself asks the system for random bytes, and throws them away."""

    def __init__(self, seed: bytes) -> None:
        self._key = blake2b(seed, digest_size=16).digest()

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> NDArray[np.uint32 | np.uint64]:
        """Give the key as two numbers of 64 bits, the low one first."""
        return np.frombuffer(self._key[::-1], dtype="<u8", count=n_words).astype(dtype)


def draw_random(seed: bytes, *, actions: int) -> RandomDraws:
    """Draw the random numbers of a decision: always the same for the same seed.

    Examples
    --------
    >>> draw_random(b"d-1", actions=3).explore == draw_random(b"d-1", actions=3).explore
    True
    """
    philox = np.random.Philox(_KeyOf(seed))  # type: ignore[arg-type]  # it takes any ISeedSequence
    return RandomDraws(bits=philox.random_raw(2 * actions + 2))  # numpy promises these bits, not what it makes of them


def random_draws_of(decision_input: DecisionInput, *, actions: int) -> RandomDraws:
    """Draw the random numbers; where a fixed order decides, its places stand for those of the lottery."""
    draws = draw_random(decision_input.seed, actions=actions)
    if decision_input.order is None or draws.explore < decision_input.exploration:
        return draws
    return RandomDraws(bits=draws.bits, order=decision_input.order)

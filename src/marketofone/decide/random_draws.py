"""The luck of a decision: one row of numbers for all actions of the catalogue, always the same for the same seed."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
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
    """The random numbers of one decision: a share and a place in the lottery per action, and who draws uniformly.

    An action's normal draw is the quantile of its share, found for those that are scored. ``places`` (k + 1) ends with
    the place of doing nothing; the smallest wins a uniform draw. ``ordered`` says that they are those of a
    fixed order.
    """

    shares: FloatArray
    places: FloatArray
    explore: float
    ordered: bool = False

    def normals(self, rows: Rows) -> FloatArray:
        """Give the normal draws of some actions."""
        return quantile(self.shares[rows])


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
    raw = philox.random_raw(2 * actions + 2)  # numpy promises these bits, and not what it makes of them
    uniform = (raw >> _SPARE_BITS).astype(np.float64) * 2.0**-53
    return RandomDraws(
        explore=float(uniform[0]),
        shares=uniform[1 : actions + 1],
        places=uniform[actions + 1 :],
    )


def random_draws_of(decision_input: DecisionInput, *, actions: int) -> RandomDraws:
    """Draw the random numbers; where a fixed order decides, its places stand for those of the lottery."""
    draws = draw_random(decision_input.seed, actions=actions)
    if decision_input.order is None or draws.explore < decision_input.exploration:
        return draws
    return msgspec.structs.replace(draws, places=-decision_input.order, ordered=True)

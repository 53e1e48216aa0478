"""One decision, beside the known truth: what was allowed, what of it could be seen, and what each action was worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.decision import Assignment
from marketofone.domain.moment import Instant
from marketofone.lab.simulate.sight import Row

Vector = NDArray[np.float64]


class Choice(Struct, frozen=True, kw_only=True):
    """One decision: what was allowed, and what each action was worth by the truth (minor units).

    ``chosen`` and ``learned`` are actions: the product's, and the learned ranking's. ``values`` are over all actions,
    ``seen`` over those allowed, in their order; it is empty where no yardstick judges the choice.
    """

    person: int
    at: Instant
    by: Assignment
    chosen: int
    learned: int
    allowed: Sequence[int]
    values: Vector
    seen: Row

    @property
    def judged(self) -> bool:
        """Whether the policy had a choice here."""
        return self.by == "policy" and len(self.allowed) > 1

    def worth(self, action: int) -> float:
        """Give what an action was worth."""
        return float(self.values[action])

    @property
    def random(self) -> float:
        """What a random choice was worth."""
        return float(self.values[list(self.allowed)].mean())

    @property
    def oracle(self) -> float:
        """What the best choice was worth."""
        return float(self.values[list(self.allowed)].max())

    def first(self, ranking: Vector) -> int:
        """Give the action that a ranking puts first among those allowed."""
        return max(self.allowed, key=lambda action: float(ranking[action]))

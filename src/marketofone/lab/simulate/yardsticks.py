"""How good the policy chose, by the known truth, beside yardsticks; all choose among what was allowed at that moment.

A share is the policy's gain over a random choice, as a part of that yardstick's gain over it:

``omniscient``
    knows what each action is worth to this person at this moment.
``visible``
    knows how worth follows, linearly, from the context that the policy saw: fitted in hindsight on the truth itself.
``hindsight_ranking``
    one order for everybody, by true mean worth.
``learned_ranking``
    one order for everybody, by the outcomes that the policy had seen by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_RIDGE = 1.0
_SHRINK = 5.0  # outcomes after which an action's own mean counts half
_DIGITS = 4


class Choice(Struct, frozen=True, kw_only=True):
    """One decision of the policy: what was allowed, and what each action was worth by the truth (minor units).

    ``chosen`` and ``learned`` are actions: the policy's, and the learned ranking's.
    """

    person: int
    chosen: int
    learned: int
    allowed: Sequence[int]
    values: Vector
    context: Sequence[float]

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

    def best(self, ranking: Vector) -> float:
        """Give what the action was worth that a ranking puts first among those allowed."""
        return self.worth(max(self.allowed, key=lambda action: ranking[action]))


class LearnedRanking:
    """One order for everybody, from the outcomes seen so far."""

    def __init__(self, costs: Vector) -> None:
        self._costs = costs
        self._sums = np.zeros(len(costs))
        self._shown = np.zeros(len(costs))

    def shown(self, action: int) -> None:
        """Note that somebody answered."""
        self._shown[action] += 1

    def worth(self, action: int, value_minor: int) -> None:
        """Note what an acceptance turned out to be worth."""
        self._sums[action] += value_minor

    def first(self, allowed: Sequence[int]) -> int:
        """Give the first of some actions."""
        means = self._sums / (self._shown + _SHRINK) - self._costs
        return max(allowed, key=lambda action: float(means[action]))


def compare(choices: Sequence[Choice], *, years: float) -> dict[str, Any]:
    """Compare the policy with every yardstick: shares over all choices and the last quarter, and worth per person."""
    if not choices:
        return {}
    values = np.array([choice.values for choice in choices])
    contexts = np.array([choice.context for choice in choices])
    ranking = values.mean(axis=0)
    weights = np.linalg.solve(contexts.T @ contexts + _RIDGE * np.eye(contexts.shape[1]), contexts.T @ values)
    foreseen = contexts @ weights
    random = np.array([choice.random for choice in choices])
    chosen = np.array([choice.worth(choice.chosen) for choice in choices])
    worth = {
        "omniscient": np.array([choice.oracle for choice in choices]),
        "visible": np.array([choice.best(row) for choice, row in zip(choices, foreseen, strict=True)]),
        "hindsight_ranking": np.array([choice.best(ranking) for choice in choices]),
        "learned_ranking": np.array([choice.worth(choice.learned) for choice in choices]),
    }
    last = len(choices) - len(choices) // 4
    per_person = len({choice.person for choice in choices}) * years
    told = {"policy": chosen, "random": random} | {
        name: worth[name] for name in ("hindsight_ranking", "learned_ranking")
    }
    return {
        **{
            name: [_share(chosen, random, best), _share(chosen[last:], random[last:], best[last:])]
            for name, best in worth.items()
        },
        "value_minor": {name: round(float(of.sum()) / per_person) for name, of in told.items()},
    }


def _share(chosen: Vector, random: Vector, best: Vector) -> float | None:
    gain = float((best - random).sum())
    return round(float((chosen - random).sum()) / gain, _DIGITS) if gain > 0 else None

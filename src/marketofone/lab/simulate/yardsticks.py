"""How good the policy chose, by the known truth, beside yardsticks; all choose among what was allowed at that moment.

A share is the policy's gain over a random choice, as a part of that yardstick's gain over it:

``omniscient``
    knows what each action is worth to this person at this moment.
``visible``
    knows how worth follows, linearly, from the context that the policy saw: fitted in hindsight on the truth itself.
    It is judged on decisions that show something, for a decision to do nothing keeps no context.
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

    ``chosen`` and ``learned`` are actions: the policy's, and the learned ranking's. ``context`` is empty where nothing
    was shown.
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
    ranking = np.array([choice.values for choice in choices]).mean(axis=0)
    best = {
        "omniscient": (choices, [choice.oracle for choice in choices]),
        "visible": _visible([choice for choice in choices if choice.context]),
        "hindsight_ranking": (choices, [choice.best(ranking) for choice in choices]),
        "learned_ranking": (choices, [choice.worth(choice.learned) for choice in choices]),
    }
    per_person = len({choice.person for choice in choices}) * years
    worth = {
        "policy": [choice.worth(choice.chosen) for choice in choices],
        "random": [choice.random for choice in choices],
        **{name: best[name][1] for name in ("hindsight_ranking", "learned_ranking")},
    }
    return {
        **{name: [_share(judged, of), _share(*_last_quarter(judged, of))] for name, (judged, of) in best.items()},
        "value_minor": {name: round(sum(of) / per_person) for name, of in worth.items()},
    }


def _visible(choices: Sequence[Choice]) -> tuple[Sequence[Choice], list[float]]:
    """Give what the action was worth that a linear rule puts first, fitted on the truth of the same choices."""
    if not choices:
        return choices, []
    values = np.array([choice.values for choice in choices])
    contexts = np.array([choice.context for choice in choices])
    weights = np.linalg.solve(contexts.T @ contexts + _RIDGE * np.eye(contexts.shape[1]), contexts.T @ values)
    return choices, [choice.best(row) for choice, row in zip(choices, contexts @ weights, strict=True)]


def _last_quarter(choices: Sequence[Choice], best: Sequence[float]) -> tuple[Sequence[Choice], Sequence[float]]:
    start = len(choices) - len(choices) // 4
    return choices[start:], best[start:]


def _share(choices: Sequence[Choice], best: Sequence[float]) -> float | None:
    """Give the policy's gain over a random choice as a part of a yardstick's."""
    random = sum(choice.random for choice in choices)
    gain = sum(best) - random
    return (
        round((sum(choice.worth(choice.chosen) for choice in choices) - random) / gain, _DIGITS) if gain > 0 else None
    )

"""Are actions drawn as often as their propensities say? A test that is safe to look at every day.

Groups are drawn by person, so people are what is held against declared shares (``ratio.py``). Within a group an action
is drawn by decision, each time with probabilities of its own, which the decision names. Estimates of other policies
rest on these. How many decisions a person gets is not drawn: who likes what is chosen comes back more often.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.decision import Decision
from marketofone.learn.ratio import ERROR

MOST_ACTIONS = 10
"""Actions that a check names: those that speak against it most."""
_TILTS = np.array([-0.5, -0.2, -0.05, 0.05, 0.2, 0.5])
"""What the alternatives add to the log odds of an action."""
_WHOLE = 2.0**32


class DrawnAction(Struct, frozen=True, kw_only=True):
    """An action: how often it was drawn, and how often it should be on the mean over all draws."""

    action: str
    drawn: int
    expected: float


class DrawCheck(Struct, frozen=True, kw_only=True):
    """Whether actions are drawn by their propensities, in ``decisions`` in which several could be.

    ``p`` is safe at every look; ``fails`` below 1 percent. ``actions`` are those that speak against it most, of
    those that enough people saw: a count of fewer would tell what was foreseen for one of them.
    """

    decisions: int
    p: float
    fails: bool
    actions: tuple[DrawnAction, ...]


@dataclass(slots=True)
class Draws:
    """What was drawn, and with which probabilities. Sums of whole numbers, so no order of decisions matters.

    ``evidence`` holds for each action the logarithm of its likelihood under each alternative beside what is logged.
    """

    decisions: int = 0
    drawn: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    evidence: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, decision: Decision) -> None:
        """Count one more decision, unless only one action could be drawn."""
        shares = decision.candidates.propensities
        could = [place for place, share in enumerate(shares) if 0.0 < share < 1.0]
        if len(could) < 2:  # noqa: PLR2004 - nothing to draw among
            return
        self.decisions += 1
        probabilities = np.array([shares[place] for place in could])
        logs = -np.log1p(probabilities[:, None] * np.expm1(_TILTS))
        for place, share, each in zip(could, probabilities, logs, strict=True):
            action = decision.candidates.actions[place]
            is_drawn = action == decision.action
            self.drawn[action] += is_drawn
            self.expected[action] += round(float(share) * _WHOLE)
            told = np.rint((each + _TILTS * is_drawn) * _WHOLE).astype(np.int64)
            self.evidence[action] = self.evidence.get(action, 0) + told

    def check(self, *, named: Collection[str] = ()) -> DrawCheck:
        """Check all of it; of the actions only those that may be ``named`` are told.

        Source
        ------
        For each action and alternative, the ratio of the likelihoods of whether it was drawn is a martingale under the
        logged propensities, whatever each decision saw; so is the mean of them all. It ever exceeds ``1 / error`` with
        a chance of at most ``error`` (Ville 1939).

        Examples
        --------
        >>> check = Draws().check()
        >>> check.p, check.fails
        (1.0, False)
        """
        loudest = {action: math.fsum(np.exp(logs / _WHOLE)) / len(_TILTS) for action, logs in self.evidence.items()}
        mean = math.fsum(loudest.values()) / max(len(loudest), 1)
        p = min(1.0, 1.0 / mean) if mean else 1.0
        told = sorted(loudest.keys() & set(named), key=lambda action: (-loudest[action], action))[:MOST_ACTIONS]
        return DrawCheck(
            decisions=self.decisions,
            p=p,
            fails=p < ERROR,
            actions=tuple(
                DrawnAction(action=action, drawn=self.drawn[action], expected=round(self.expected[action] / _WHOLE, 1))
                for action in told
            ),
        )

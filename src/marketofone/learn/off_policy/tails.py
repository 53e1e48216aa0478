"""Rewards that are amounts, of which a few are very large: what a handful of them says, all of them say better.

1. The ``sqrt(m)`` largest of m amounts are cut to the smallest of them: a share that vanishes as a log grows.
2. The cut rewards are valued as any other.
3. What was cut is given back in proportion to that value: the largest amounts are too few to say which action has them.

That holds where the tails of actions resemble each other in shape. Where the log shows that it does not, by an estimate
that lies beyond two standard errors of what was taken, nothing is cut. The interval is that of DR over the rewards as
they are, so it rests on none of this.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marketofone.learn.off_policy.estimators import Estimated
from marketofone.learn.off_policy.intervals import person_codes, squared_error

Floats = NDArray[np.float64]

_SURE = 2.0  # standard errors
_LEAST = 1e-9  # of the largest amount: where the others are less, the tail is all there is


def cut_tail(rewards: Floats) -> Floats | None:
    """Cut the largest amounts; None where a reward is below nothing, or the largest stand beside their like or nothing.

    Examples
    --------
    >>> cut_tail(np.array([0.0, 1.0, 2.0, 3.0, 90.0])).tolist()
    [0.0, 1.0, 2.0, 3.0, 3.0]
    >>> cut_tail(np.array([0.0, 1.0, 1.0])) is None
    True
    """
    amounts = np.sort(rewards[rewards > 0.0])
    if rewards.min() < 0.0 or not amounts.size:
        return None
    most = amounts[-math.ceil(math.sqrt(amounts.size))]
    return np.minimum(rewards, most) if _LEAST * amounts[-1] < most < amounts[-1] else None


def given_back(of_cut: Estimated, *, rewards: Floats, cut: Floats, whole: Estimated) -> Estimated:
    """Give what was cut back to an estimate of cut rewards; the interval is that of ``whole``, over all of them.

    The scores are the estimate and its linearised deviations: how much is given back is estimated, too.

    Examples
    --------
    >>> rewards, one = np.array([0.0, 1.0, 1.0, 6.0]), Estimated(np.array([0.0, 1.0, 1.0, 2.0]), np.zeros(4))
    >>> given_back(one, rewards=rewards, cut=np.array([0.0, 1.0, 1.0, 2.0]), whole=Estimated(rewards, rewards)).value
    2.0
    """
    more = float(rewards.mean()) / float(cut.mean())
    scores = more * of_cut.scores + of_cut.value * (rewards - more * cut) / float(cut.mean())
    return Estimated(scores, whole.basis, of_cut.threshold)


def contradicts(found: Estimated, persons: NDArray[np.generic]) -> bool:
    """Say whether an estimate lies further from that which its interval is made of than chance explains."""
    taken = found.basis - found.scores
    return abs(float(taken.mean())) > _SURE * math.sqrt(squared_error(taken, person_codes(persons)))

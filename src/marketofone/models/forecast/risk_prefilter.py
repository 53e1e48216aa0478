"""A prefilter that costs next to nothing: an upper bound of the chance that a balance falls below a floor.

A balance is taken as ``known payments + drift x t + spread x W(t)``, with W a Brownian motion. Its lowest point is not
below the lowest known point plus the lowest point of what remains, which the reflection principle gives exactly. That
can be split in two ways, and the smaller of two upper bounds is one too:

1. the drift stands with the known payments: ``2 N(-d1 / (s sqrt h))`` (good where pay and spending balance out);
2. the drift stays with the motion: ``N((-d2 - m h) / (s sqrt h)) + exp(-2 m d2 / s^2) N((-d2 + m h) / (s sqrt h))``,

with ``d1`` and ``d2`` the distance to the floor at the lowest known point until the horizon ``h``. A balance looked at
once a day falls lower on no day than the motion in between, so whom the prefilter clears has a low risk in this
model.

Source
------
I. Karatzas and S. E. Shreve, Brownian Motion and Stochastic Calculus, 2nd edition, sections 2.6.A and 3.5.C.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

Floats = NDArray[np.float64]

SCREENED = (30, 60, 90)
CLEAR = 0.02
"""Below this bound at 90 days no person needs a full forecast."""
_STEP = 30


def shortfall_bound(headroom: Floats, *, due: Floats, drift: Floats, spread: Floats) -> Floats:
    """Bound the chance that balances fall below their floors within 30, 60 and 90 days, for many people at once.

    Parameters
    ----------
    headroom
        The balance today above the floor, shape ``(n,)``.
    due
        What the known payments, in and out, add up to by the end of each day ahead, shape ``(n, 90)``.
    drift, spread
        Mean and standard deviation of a day's money in less money out beside the known payments, shape ``(n,)``.

    Shapes
    ------
    Gives ``(n, 3)``, rising with the horizon and falling with the headroom; 1 where a balance is below its floor today.

    Units
    -----
    All amounts in the same unit of money; drift and spread per day.

    Source
    ------
    Karatzas & Shreve, sections 2.6.A and 3.5.C (reflection principle; first passage of a motion with drift).

    Examples
    --------
    >>> bound = shortfall_bound(
    ...     np.array([100.0, 900.0]), due=np.zeros((2, 90)), drift=np.zeros(2), spread=np.full(2, 30.0)
    ... )
    >>> bound.round(2).tolist()
    [[0.54, 0.67, 0.73], [0.0, 0.0, 0.0]]
    """
    days, each = np.array(SCREENED, dtype=np.float64), np.maximum(spread, 1e-9)[:, np.newaxis]
    expected = due + drift[:, np.newaxis] * np.arange(1.0, days[-1] + 1.0)
    spreads, drifts = each * np.sqrt(days), drift[:, np.newaxis] * days
    known, beside = (headroom[:, np.newaxis] + _lowest(of) for of in (expected, due))
    first = 2.0 * ndtr(-known / spreads)
    echo = np.exp(
        np.minimum(log_ndtr((drifts - beside) / spreads) - 2.0 * drift[:, np.newaxis] * beside / each**2, 0.0)
    )
    second = np.where(beside > 0.0, ndtr((-beside - drifts) / spreads) + echo, 1.0)
    bound: Floats = np.minimum(np.minimum(first, second), 1.0)
    bound[headroom < 0.0] = 1.0
    return bound


def cleared(bound: Floats) -> NDArray[np.bool_]:
    """Say who needs no full forecast, shape ``(n,)``: those who will most likely not run short within 90 days."""
    return bound[:, -1] < CLEAR


def _lowest(path: Floats) -> Floats:
    """Give the lowest point of each path until each horizon."""
    blocks = path.reshape(len(path), len(SCREENED), _STEP).min(axis=2)
    return np.minimum.accumulate(blocks, axis=1)

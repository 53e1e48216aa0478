"""Two corrections learned from cases that were held out: how wide bands must be, and what a raw chance is worth."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.models.forecast.happened import WITHIN_DAYS

Floats = NDArray[np.float64]

CLASSES = (180, 270)
"""Lengths of history, in days, between which bands are stretched apart."""
THIRDS = WITHIN_DAYS
_BEYOND = 0.1
_ENOUGH = 100
RATE = 0.1
"""How fast bands follow what was seen: a night on which twice as many truths as meant lay beyond widens by a tenth."""
_NARROWEST, _WIDEST = 1.0, 2.0  # a band is never made narrower than it was drawn
_BINS, _IN_BIN = 12, 60
_BELIEF = 5.0


class Stretch(Struct, frozen=True):
    """By how much the lower and the upper half of a band are stretched.

    ``factors`` goes by class of history, third of the horizon, and side: below, above.
    """

    factors: tuple[tuple[tuple[float, float], ...], ...]

    def factors_of(self, *, length: NDArray[np.int64], knots: NDArray[np.int64]) -> Floats:
        """Give the factors of some accounts at some days ahead.

        Shapes
        ------
        length : int64[n]
            Days of history.
        result : float64[n, knots, 2]
        """
        factors = np.array(self.factors)
        return np.asarray(factors[np.searchsorted(CLASSES, length)][:, np.searchsorted(THIRDS, knots)])


def stretched(errors: Floats, factors: Floats) -> Floats:
    """Stretch error paths around their middle, by one factor below it and one above.

    Shapes
    ------
    errors, result : float64[n, paths, knots]
    factors : float64[n, knots, 2]
    """
    if (factors == 1.0).all():
        return errors
    away = errors - np.median(errors, axis=1, keepdims=True)
    wider = np.where(away < 0, factors[:, None, :, 0], factors[:, None, :, 1])
    return np.asarray(errors + (wider - 1.0) * away)


NO_STRETCH = Stretch(((((1.0, 1.0),) * len(THIRDS)),) * (len(CLASSES) + 1))


class Curve(Struct, frozen=True):
    """What share of the cases with a raw chance came true: straight lines between some points, rising."""

    raw: tuple[float, ...]
    came: tuple[float, ...]

    def applied(self, chances: Floats) -> Floats:
        """Correct raw chances; NaN stays, and all are NaN where no case was ever seen."""
        if not self.raw:
            return np.full_like(chances, np.nan)
        return np.where(np.isnan(chances), np.nan, np.interp(chances, self.raw, self.came))


def straight() -> Curve:
    """Give the curve that changes nothing."""
    return Curve((0.0, 1.0), (0.0, 1.0))


def fit_stretch(drawn: Floats, truth: Floats, *, length: NDArray[np.int64], knots: NDArray[np.int64]) -> Stretch:
    """Learn the stretch at which a tenth of held-out truths lies beyond each end of the band.

    Shapes
    ------
    drawn : float64[n, 3, knots]
        The quantiles 0.1, 0.5 and 0.9 as drawn for cases held out.
    truth : float64[n, knots]
        What came; NaN where it was not observed.
    """
    low, middle, high = drawn.swapaxes(0, 1)
    away = (truth - middle) / np.maximum(np.stack((middle - low, high - middle)), 1e-6) * [[[-1.0]], [[1.0]]]
    classes, third = np.searchsorted(CLASSES, length), np.searchsorted(THIRDS, knots)
    return Stretch(
        tuple(
            tuple(
                tuple(_factor(side[classes == of][:, third == part]) for side in away)  # type: ignore[misc]
                for part in range(len(THIRDS))
            )
            for of in range(len(CLASSES) + 1)
        )
    )


def adapted(stretch: Stretch, beyond: Floats) -> Stretch:
    """Follow how many truths lay beyond the ends of the bands of late: the nightly step.

    Shapes
    ------
    beyond : float64[3, 2]
        The share of truths below and above the band, by third of the horizon; NaN where nothing was seen.

    Source
    ------
    Gibbs and Candes (2021), "Adaptive conformal inference under distribution shift"; the step is taken on the width.

    Examples
    --------
    >>> adapted(NO_STRETCH, np.array([[0.2, 0.1], [np.nan, 0.0], [0.1, 0.1]])).factors[0]
    ((1.1, 1.0), (1.0, 1.0), (1.0, 1.0))
    """
    step = 1 + RATE * (np.nan_to_num(beyond, nan=_BEYOND) - _BEYOND) / _BEYOND
    factors = np.clip(np.array(stretch.factors) * step, _NARROWEST, _WIDEST).round(6)
    return Stretch(tuple(tuple((part[0], part[1]) for part in of) for of in factors.tolist()))


def _factor(away: Floats) -> float:
    told = away[~np.isnan(away)]
    if len(away) < _ENOUGH or not told.size:
        return 1.0
    return float(np.clip(np.quantile(told, 1 - _BEYOND), _NARROWEST, _WIDEST))


def fit_curve(chances: Floats, came: Floats) -> Curve:
    """Learn what raw chances are worth from held-out cases: shares in bins of equal count, made to rise.

    Each bin believes a little in the share over all, so that no chance is said to be nought for want of cases.

    Examples
    --------
    >>> raw = np.linspace(0, 1, 1200)
    >>> curve = fit_curve(raw, (raw > 0.5).astype(float))
    >>> curve.applied(np.array([0.1, 0.9])).round(1).tolist()
    [0.0, 1.0]
    """
    told = ~(np.isnan(chances) | np.isnan(came))
    raw, truth = chances[told], came[told]
    bins = min(_BINS, len(raw) // _IN_BIN)
    if bins < 2 or truth.all() or not truth.any():  # noqa: PLR2004 - a line needs two points
        share = float((truth.sum() + 0.5) / (len(truth) + 1))
        return Curve((0.0, 1.0), (share, share)) if len(truth) else Curve((), ())
    parts = np.array_split(np.argsort(raw, kind="stable"), bins)
    base = truth.mean()
    shares = np.array([(truth[part].sum() + _BELIEF * base) / (len(part) + _BELIEF) for part in parts])
    points = np.array([raw[part].mean() for part in parts])
    shares = _risen(shares, np.array([len(part) for part in parts], dtype=np.float64))
    points, first = np.unique(points, return_index=True)
    return Curve(tuple(points.tolist()), tuple(shares[first].tolist()))


def _risen(shares: Floats, weights: Floats) -> Floats:
    """Pool neighbours until the shares rise (Ayer et al. 1955)."""
    blocks: list[tuple[float, float, int]] = []
    for share, weight in zip(shares.tolist(), weights.tolist(), strict=True):
        block = (share, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / total, total, before[2] + block[2])
        blocks.append(block)
    return np.concatenate([np.full(times, share) for share, _, times in blocks])

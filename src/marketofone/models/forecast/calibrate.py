"""Two corrections learned from cases that were held out: how wide bands must be, and what a raw chance is worth."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.models.forecast.labels import WITHIN_DAYS

Floats = NDArray[np.float64]

CLASSES = (180, 270)
"""Lengths of history, in days, between which bands are stretched apart."""
THIRDS = WITHIN_DAYS
_BEYOND = 0.1
_ENOUGH = 100
RATE = 0.1
"""How fast bands follow what was seen: a night on which twice as many truths as meant lay beyond widens by a tenth."""
_NARROWEST, _WIDEST = 1.0, 2.0  # a band is never made narrower than it was drawn
_SURE = 0.003  # no count of paths says more than this
_OWN_DOUBT, _SEASON_DOUBT = 1.0, 10.0  # ridge penalties: how much must speak against a raw chance, and for a season
_STEPS, _FARTHEST_STEP, _NEAR = 50, 2.0, 1e-8


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


class Odds(Struct, frozen=True):
    """What raw chances are worth, by event and horizon.

    Shapes
    ------
    weights : float64[events, horizons, 14]
        What is added to the log odds: per unit of themselves, always, and by the share of days ahead that lies in each
        calendar month. NaN where no case was ever seen.
    """

    weights: bytes

    def applied(self, chances: Floats, *, months: Floats) -> Floats:
        """Correct raw chances; NaN stays.

        Shapes
        ------
        chances, result : float64[n, events, horizons]
        months : float64[n, horizons, 12]
            The share of days ahead in each calendar month.
        """
        weights = np.frombuffer(self.weights).reshape(*chances.shape[1:], -1)
        raw = _log_odds(chances)
        moved = raw * weights[..., 0] + weights[..., 1] + np.einsum("nhm,ehm->neh", months, weights[..., 2:])
        return _chances(raw + moved)


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


def fit_odds(chances: Floats, came: Floats, *, months: Floats) -> Odds:
    """Learn what raw chances are worth from held-out cases: a logistic line, with a season.

    Without cases enough to say otherwise a raw chance is believed, and a month is like any other. A month that was
    never seen stays like any other.

    Shapes
    ------
    chances, came : float64[n, events, horizons]
        NaN where it cannot be told.
    months : float64[n, horizons, 12]

    Source
    ------
    Platt (1999), "Probabilistic outputs for support vector machines", on the log odds; the season is ours.

    Examples
    --------
    >>> raw, months = np.full((1000, 1, 1), 0.8), np.tile(np.eye(12)[0], (1000, 1, 1))
    >>> half = fit_odds(raw, (np.arange(1000.0) % 2).reshape(-1, 1, 1), months=months)
    >>> half.applied(raw[:1], months=months[:1]).round(2).tolist()
    [[[0.5]]]
    """
    weights = np.empty((*chances.shape[1:], 2 + months.shape[2]))
    for event, horizon in np.ndindex(*chances.shape[1:]):
        raw, truth = chances[:, event, horizon], came[:, event, horizon]
        told = ~(np.isnan(raw) | np.isnan(truth))
        weights[event, horizon] = _fitted(raw[told], truth[told], months[told, horizon]) if told.any() else np.nan
    return Odds(weights.tobytes())


def _fitted(raw: Floats, came: Floats, months: Floats) -> Floats:
    """Give what is added to log odds so that what came is likeliest, by Newton's steps."""
    given = _log_odds(raw)
    inputs = np.column_stack((given, np.ones(len(given)), months))
    doubt = np.array([_OWN_DOUBT] * 2 + [_SEASON_DOUBT] * months.shape[1])
    weights = np.zeros(len(doubt))
    for _ in range(_STEPS):
        chance = _chances(given + inputs @ weights)
        slope = inputs.T @ (came - chance) - doubt * weights
        bend = (inputs.T * (chance * (1 - chance))) @ inputs + np.diag(doubt)
        step = np.linalg.solve(bend, slope)
        weights = weights + np.clip(step, -_FARTHEST_STEP, _FARTHEST_STEP)
        if np.abs(step).max() < _NEAR:
            break
    weights[0] = max(weights[0], -1.0)  # a higher raw chance is never worth less
    return weights


def _log_odds(chances: Floats) -> Floats:
    sure = np.clip(chances, _SURE, 1 - _SURE)
    return np.asarray(np.log(sure / (1 - sure)))


def _chances(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))

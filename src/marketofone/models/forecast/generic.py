"""A forecast of many daily series at once that knows nothing of banking: level, weekday and what a year ago was like.

Two forecasts are mixed:

1. *Level and profile*: a level that forgets with a half-life of four weeks, times the median profile of the week.
2. *Pooled trees*: one gradient-boosted median over all series and days ahead, on the profile and the level over several
   spans, the same days a year before, and the calendar; everything relative to the level of the series.

The share of the trees is the one that would have been best on the last stretch of the past, as long as the horizon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.boost import lightgbm

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WEEK = 7
_YEAR = 52 * WEEK
_HALF_LIFE_WEEKS = 4
_PROFILE_WEEKS = 26
_SPANS = (4, 8, 13, 26, 52)
_LEVELS = (1, 2, 4, 8, 26)
_MINIMUM_WEEKS = 16
_STRIDE_DAYS = 14
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_ROUNDS = 200
_SMALLEST = 1e-9
_SETTING = {
    "objective": "l1",
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
}


def forecast_series(past: Floats, *, first_day: int, horizon: int) -> Floats:
    """Give the medians of the days ahead, from nothing but the past.

    Shapes
    ------
    past : float64[series, days]
        Without gaps, not negative, from the same day on; at least sixteen weeks.
    result : float64[series, horizon]

    Units
    -----
    ``first_day``: days since 1970-01-01.

    Raises
    ------
    ModuleNotFoundError
        When LightGBM is not there.

    Examples
    --------
    >>> week = np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 20)
    >>> forecast_series(week[None, :], first_day=4, horizon=3).round(6).tolist()
    [[1.0, 2.0, 3.0]]
    """
    profile = profile_ahead(past, horizon=horizon)
    earlier = past[:, :-horizon]
    if earlier.shape[1] < _MINIMUM_WEEKS * WEEK + horizon:
        return profile
    came, scale = past[:, -horizon:], np.maximum(seasonal_scale(earlier), _SMALLEST)
    one, other = _trees_ahead(earlier, first_day, horizon), profile_ahead(earlier, horizon=horizon)
    errors = [np.mean(np.abs(share * one + (1 - share) * other - came).mean(axis=1) / scale) for share in _SHARES]
    share = _SHARES[int(np.argmin(errors))]
    return share * _trees_ahead(past, first_day, horizon) + (1 - share) * profile if share else profile


def seasonal_scale(past: Floats) -> Floats:
    """Give the mean absolute difference to the same weekday a week before, of each series."""
    return np.asarray(np.abs(past[:, WEEK:] - past[:, :-WEEK]).mean(axis=1))


def _weeks(past: Floats, count: int) -> Floats:
    """Give the last weeks of the past, the last one ending with its last day."""
    count = min(count, past.shape[1] // WEEK)
    return past[:, past.shape[1] - count * WEEK :].reshape(len(past), count, WEEK)


def _level(past: Floats) -> Floats:
    means = _weeks(past, _PROFILE_WEEKS).mean(axis=2)
    weights = 0.5 ** (np.arange(means.shape[1])[::-1] / _HALF_LIFE_WEEKS)
    return np.asarray(np.maximum(means @ weights / weights.sum(), _SMALLEST))


def profile_ahead(past: Floats, *, horizon: int) -> Floats:
    """Give the level of each series times its usual week: the simple half of the forecast."""
    weeks = _weeks(past, _PROFILE_WEEKS)
    profile = np.median(weeks / np.maximum(weeks.mean(axis=2, keepdims=True), _SMALLEST), axis=1)
    return np.asarray(_level(past)[:, None] * profile[:, np.arange(horizon) % WEEK])


def _trees_ahead(past: Floats, first_day: int, horizon: int) -> Floats:
    length, scale = past.shape[1], seasonal_scale(past)
    inputs, came, weights = [], [], []
    for end in range(length - horizon, _MINIMUM_WEEKS * WEEK, -_STRIDE_DAYS):
        level = _level(past[:, :end])
        inputs.append(_inputs(past[:, :end], first_day, horizon))
        came.append((past[:, end : end + horizon] / level[:, None]).ravel())
        # Each series weighs what it will weigh when errors are scaled by its own usual change.
        weights.append(np.repeat(level / np.maximum(scale, _SMALLEST), horizon))
    learner = lightgbm()
    data = learner.Dataset(np.concatenate(inputs), np.concatenate(came), weight=np.concatenate(weights))
    model = learner.train(_SETTING, data, num_boost_round=_ROUNDS)
    ahead = np.asarray(model.predict(_inputs(past, first_day, horizon)), dtype=np.float64)
    return _level(past)[:, None] * ahead.reshape(-1, horizon)


def _inputs(past: Floats, first_day: int, horizon: int) -> Floats:
    """Give the inputs of every series and day ahead, amounts relative to the level of the series.

    Shapes
    ------
    result : float64[series * horizon, inputs]
    """
    count, length = past.shape
    relative = past / _level(past)[:, None]
    ahead = np.arange(horizon)
    weeks = _weeks(relative, _SPANS[-1])
    columns = [np.median(weeks[:, -span:], axis=1)[:, ahead % WEEK] for span in _SPANS]
    levels = [weeks[:, -span:].mean(axis=(1, 2)) for span in _LEVELS]
    recent = weeks[:, -_LEVELS[3] :]
    levels.append(np.abs(recent - np.median(recent, axis=1, keepdims=True)).mean(axis=(1, 2)))
    # A year before: the day, the week around it, and the four weeks before the day that answers to today.
    padded = np.concatenate((np.full((count, _YEAR + WEEK * 4), np.nan), relative), axis=1)
    today = length + WEEK * 4
    around = np.lib.stride_tricks.sliding_window_view(padded, WEEK, axis=1)
    day = today + np.minimum(ahead, _YEAR - WEEK)
    week = around[:, day - WEEK // 2].mean(axis=2)
    before = padded[:, today - WEEK * 4 : today].mean(axis=1)
    levels.append(before)
    columns += [padded[:, day], week, week / np.maximum(before[:, None], _SMALLEST)]
    columns += [np.broadcast_to(level[:, None], (count, horizon)) for level in levels]
    columns += [np.broadcast_to(of, (count, horizon)) for of in (ahead, *_calendar(first_day + length + ahead))]
    return np.stack(columns, axis=-1).reshape(count * horizon, -1)


def _calendar(days: Integers) -> tuple[Integers, ...]:
    dates = days.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64)
    of_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    return of_month, of_year, days % WEEK

"""The generic forecast knows the week and the level, learns over all series, and sees nothing of what comes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from marketofone.models.forecast.generic import WEEK, forecast_series, profile_ahead, seasonal_scale

Floats = NDArray[np.float64]

FIRST_DAY = 9_572  # a Monday
WEEKS = np.array([1.0, 2.0, 2.0, 4.0, 6.0, 3.0, 0.5])


def panel(*, weeks: int, noise: float, seed: int) -> Floats:
    """Give six series with one weekly pattern; every fourth week they are half as large."""
    rng = np.random.default_rng(seed)
    levels = np.linspace(1, 6, 6)[:, None]
    fourth = np.where(np.arange(weeks * WEEK) // WEEK % 4 == 3, 0.5, 1.0)
    return np.asarray(levels * np.tile(WEEKS, weeks) * fourth * np.exp(noise * rng.normal(size=(6, weeks * WEEK))))


@pytest.mark.usefixtures("lightgbm")
def test_a_week_that_always_comes_again_is_forecast_exactly() -> None:
    past = np.tile(WEEKS, 30)[None, :]
    np.testing.assert_allclose(
        forecast_series(past, first_day=FIRST_DAY, horizon=14), np.tile(WEEKS, 2)[None, :], rtol=0.02
    )
    np.testing.assert_allclose(profile_ahead(past, horizon=9), np.tile(WEEKS, 2)[None, :9])


def test_the_forecast_grows_with_the_series() -> None:
    past = panel(weeks=30, noise=0.1, seed=1)
    np.testing.assert_allclose(profile_ahead(10 * past, horizon=5), 10 * profile_ahead(past, horizon=5))


@pytest.mark.usefixtures("lightgbm")
def test_learning_over_all_series_is_no_worse_than_level_and_week() -> None:
    whole = panel(weeks=60, noise=0.2, seed=2)
    past, came = whole[:, : -4 * WEEK], whole[:, -4 * WEEK :]

    def error(ahead: Floats) -> float:
        return float((np.abs(ahead - came).mean(axis=1) / seasonal_scale(past)).mean())

    ours = error(forecast_series(past, first_day=FIRST_DAY, horizon=4 * WEEK))
    assert ours <= 1.02 * error(profile_ahead(past, horizon=4 * WEEK))


def test_a_short_past_is_answered_with_level_and_week() -> None:
    past = panel(weeks=17, noise=0.1, seed=3)
    np.testing.assert_array_equal(
        forecast_series(past, first_day=FIRST_DAY, horizon=WEEK * 2), profile_ahead(past, horizon=WEEK * 2)
    )

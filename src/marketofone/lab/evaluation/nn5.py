"""NN5: daily cash withdrawals at 111 machines, with the protocol of the Monash forecasting archive.

The last 56 days are forecast from the days before them; gaps are filled with the median of the same weekday. Errors
are scaled with the mean absolute difference to the week before, and averaged over the series.

Limits: the archive holds 791 days of each series. On a shorter copy another stretch is forecast, so its figures
stand beside the published ones and are not to be ranked with them; what other methods reach in the same run shows
how hard the stretch is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.models.forecast.generic import WEEK, forecast_series, profile_ahead, seasonal_scale

Floats = NDArray[np.float64]

PanelForecast = Callable[[Floats, int], Floats]
"""Forecasts so many days of each series, from its past."""

HORIZON = 56
ARCHIVE_DAYS = 791
_SMALLEST = 1e-9
PUBLISHED = {
    "TBATS": 0.858,
    "ETS": 0.865,
    "Theta": 0.885,
    "WaveNet": 0.916,
    "DeepAR": 0.919,
    "FFNN": 0.941,
    "Transformer": 0.958,
    "CatBoost": 0.973,
    "(DHR-)ARIMA": 1.013,
    "N-BEATS": 1.134,
    "PR": 1.263,
    "SES": 1.521,
}
"""Mean MASE of the twelve methods. Source: Godahewa et al. (2021), Monash Time Series Forecasting Archive, appendix."""


class CashMachines(Struct, frozen=True, kw_only=True):
    """What the generic part of the model reaches, beside what is published; mean absolute scaled errors."""

    series: int
    days: int
    same_stretch: bool
    """Whether the forecast days are those of the published figures."""
    mean_mase: float
    median_mase: float
    same_run_mean_mase: dict[str, float]
    """What simple and classical methods reach on the same days."""
    published_mean_mase: dict[str, float]


def cash_machines(series: Floats, *, first_day: int, peers: Mapping[str, PanelForecast]) -> CashMachines:
    """Forecast the last 56 days of daily series, and let peers do so.

    Shapes
    ------
    series : float64[series, days]
        NaN where a day is missing.

    Units
    -----
    ``first_day``: days since 1970-01-01.
    """
    past = filled(series[:, :-HORIZON], by=series[:, :-HORIZON])
    came = filled(series, by=series[:, :-HORIZON])[:, -HORIZON:]
    scale = np.maximum(seasonal_scale(past), _SMALLEST)

    def errors(ahead: Floats) -> Floats:
        return np.asarray(np.abs(ahead - came).mean(axis=1) / scale)

    ours = errors(forecast_series(past, first_day=first_day, horizon=HORIZON))
    others = {"level and week": profile_ahead(past, horizon=HORIZON)}
    others |= {name: peer(past, HORIZON) for name, peer in peers.items()}
    return CashMachines(
        series=len(series),
        days=series.shape[1],
        same_stretch=series.shape[1] == ARCHIVE_DAYS,
        mean_mase=float(ours.mean()),
        median_mase=float(np.median(ours)),
        same_run_mean_mase={name: float(errors(ahead).mean()) for name, ahead in others.items()},
        published_mean_mase=PUBLISHED,
    )


def filled(series: Floats, *, by: Floats) -> Floats:
    """Fill each gap with the median of its weekday in ``by``, which begins on the same day.

    Examples
    --------
    >>> by = np.array([[1.0, 2, 3, 4, 5, 6, 7, 3, 2, 3, 4, 5, 6, 7]])
    >>> filled(np.array([[np.nan, 2.0]]), by=by).tolist()
    [[2.0, 2.0]]
    """
    medians = np.stack([np.nanmedian(by[:, weekday::WEEK], axis=1) for weekday in range(WEEK)], axis=1)
    usual = medians[:, np.arange(series.shape[1]) % WEEK]
    return np.where(np.isnan(series), usual, series)

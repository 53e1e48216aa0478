"""The classical peers, one model for one account: AutoETS, AutoTheta and MSTL from statsforecast.

They learn nothing from other accounts and take seconds for a hundred, so they are tried on a sample. Their normal
intervals give the quantiles. Where a model fails on an account, its last balance stands.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketofone.lab.evaluation.lessons import closing_until
from marketofone.lab.evaluation.peers import each_path
from marketofone.lab.evaluation.protocol import Method, Predict
from marketofone.lab.evaluation.scores import QUANTILES
from marketofone.models.forecast.labels import AHEAD_DAYS
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]

WEEK = 7
_SEASONS = [7, 30]
_LEVELS = [20, 40, 60, 80]
_COLUMNS = ("lo-80", "lo-60", "lo-40", "lo-20", "mean", "hi-20", "hi-40", "hi-60", "hi-80")
_WARM_UP = 120
_CENTS = 100.0


def _exponential_smoothing() -> Any:
    from statsforecast.models import AutoETS  # noqa: PLC0415 - an extra, loaded only where a forecast is compared

    return AutoETS(season_length=WEEK)


def _theta() -> Any:
    from statsforecast.models import AutoTheta  # noqa: PLC0415 - an extra, loaded only where a forecast is compared

    return AutoTheta(season_length=WEEK)


def _seasonal_trend() -> Any:
    from statsforecast.models import MSTL  # noqa: PLC0415 - an extra, loaded only where a forecast is compared

    return MSTL(season_length=_SEASONS)


def _fit(make: Callable[[], Any], _accounts: Sequence[Account], _known_until: int) -> Predict:
    model = make()
    # Compiles what has to be compiled, so that the first account does not pay for it.
    _path(model, np.cumsum(np.cos(np.arange(_WARM_UP))))
    return each_path(lambda account, as_of: _path(model, closing_until(account, as_of) / _CENTS) * _CENTS)


_NOT_FITTED = (
    ValueError,
    IndexError,
    NotImplementedError,
    ZeroDivisionError,
    FloatingPointError,
    np.linalg.LinAlgError,
)
"""What the library raises for accounts of a few days, and for those on which hardly anything moves."""


STATISTICAL = (
    Method("AutoETS", partial(_fit, _exponential_smoothing), slow=True),
    Method("AutoTheta", partial(_fit, _theta), slow=True),
    Method("MSTL", partial(_fit, _seasonal_trend), slow=True),
)


def panel(make: Callable[[], Any], past: Floats, horizon: int) -> Floats:
    """Forecast each of many series by itself.

    Shapes
    ------
    past : float64[series, days]
    result : float64[series, horizon]
    """
    model = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([model.forecast(y=np.ascontiguousarray(series), h=horizon)["mean"] for series in past])


PANELS = {"AutoTheta": partial(panel, _theta), "AutoETS": partial(panel, _exponential_smoothing)}


def _path(model: Any, closing: Floats) -> Floats:
    still = np.full((AHEAD_DAYS, QUANTILES.size), closing[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant balances make the tests inside these models divide by nothing
        try:
            ahead = model.forecast(y=closing, h=AHEAD_DAYS, level=_LEVELS)
        except _NOT_FITTED:
            return still
    path = np.sort(np.stack([np.asarray(ahead[column], dtype=np.float64) for column in _COLUMNS], axis=-1), axis=-1)
    return path if np.isfinite(path).all() else still

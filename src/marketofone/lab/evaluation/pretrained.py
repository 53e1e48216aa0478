"""A pretrained forecaster as a peer: it learns nothing here and sees one series of closing balances at a time.

The pipeline is that of package ``chronos`` (extra ``marketofone[pretrained]``), read from a local folder by
``importers/weights.py``. Off unless a folder is named. It is slow without a graphics card, so it is tried on a sample.

Limits: tried with chronos-forecasting 2.3 and small models of random weights (Chronos-2 and Chronos-Bolt); how good
published weights are on accounts of a bank was not measured, because none could be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketofone.lab.evaluation.lessons import closing_until
from marketofone.lab.evaluation.peers import fall_chances
from marketofone.lab.evaluation.protocol import Ahead, Method, Predict
from marketofone.lab.evaluation.scores import QUANTILES
from marketofone.models.forecast.labels import AHEAD_DAYS, baseline
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]

NAME = "pretrained"
_MIDDLE = QUANTILES.size // 2
_CENTS = 100.0  # these models reckon in single precision


def pretrained(pipeline: Any) -> Method:
    """Give the peer; events are read from the quantiles of single days."""

    def predict(asked: Sequence[Account], as_of: int) -> Ahead:
        closing = [closing_until(account, as_of) / _CENTS for account in asked]
        paths = quantiles_of(pipeline, closing, horizon=AHEAD_DAYS) * _CENTS
        chances = [
            fall_chances(path, baseline(one, days=np.array([as_of]))) for path, one in zip(paths, asked, strict=True)
        ]
        return Ahead(paths, np.array(chances))

    def fit(_accounts: Sequence[Account], _known_until: int) -> Predict:
        return predict

    return Method(NAME, fit, slow=True)


def medians_of(pipeline: Any, past: Floats, horizon: int) -> Floats:
    """Forecast each of many series by itself.

    Shapes
    ------
    past : float64[series, days]
    result : float64[series, horizon]
    """
    return quantiles_of(pipeline, list(past), horizon=horizon)[..., _MIDDLE]


def quantiles_of(pipeline: Any, series: Sequence[Floats], *, horizon: int) -> Floats:
    """Let a pipeline of ``chronos`` look ahead on series of any length, each by itself.

    Shapes
    ------
    result : float64[series, horizon, 9]
    """
    from torch import tensor  # noqa: PLC0415 - comes with the pipeline

    told, _ = pipeline.predict_quantiles(
        [tensor(np.asarray(one, dtype=np.float32)) for one in series],
        prediction_length=horizon,
        quantile_levels=QUANTILES.tolist(),
    )
    # Chronos-2 gives a list with one leading axis for each series, the older pipelines one tensor for all.
    paths = np.stack([np.asarray(one, dtype=np.float64).reshape(horizon, QUANTILES.size) for one in told])
    return np.sort(paths, axis=-1)

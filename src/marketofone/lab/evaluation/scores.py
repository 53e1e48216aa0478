"""Scores of forecasts, one definition each: of ninety days in nine quantiles, and of the chance of an event.

Every score is unmoved by the order of the rows. Path losses are kept by row, so that they can be resampled.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILES = np.arange(1, 10) / 10
SPANS = {"1-30": slice(0, 30), "31-60": slice(30, 60), "61-90": slice(60, 90), "1-90": slice(0, 90)}
HISTORY_CLASSES = {"under 180 days": (0, 180), "180-269 days": (180, 270), "270 days and more": (270, 10**9)}
ALERTS = 0.1
BINS = 10


class PathScores(Struct, frozen=True, kw_only=True):
    """How far ninety days in nine quantiles were off; shares and ratios, lower is better but for coverage (0.8).

    ``wql`` is relative to the balance, ``scrps`` to the account's monthly turnover, ``mase`` to the usual change in
    thirty days.
    """

    n: int
    wql: dict[str, float]
    scrps: float
    mase: dict[str, float]
    coverage: dict[str, float]


class EventScores(Struct, frozen=True, kw_only=True):
    """How well chances of one event within one horizon came true; NaN where a score cannot be told.

    Calibration error is in ten bins of equal count; beside it stands what perfect chances would score. Alerts are the
    tenth of people with the highest chance.
    """

    n: int
    happened: int
    auc: float
    average_precision: float
    brier_skill: float
    calibration_error: float
    calibration_noise: float
    recall: float
    precision: float
    lead_days: float


def pinball(quantiles: Floats, came: Floats) -> Floats:
    """Give the quantile loss of every row and day, the mean of twice the pinball loss over the nine quantiles.

    On nine quantiles this is the continuous ranked probability score (Laio and Tamea 2007).

    Shapes
    ------
    quantiles : float64[n, days, 9]
    came : float64[n, days]
    result : float64[n, days]

    Examples
    --------
    >>> pinball(np.zeros((1, 1, 9)), np.ones((1, 1))).tolist()
    [[1.0]]
    """
    error = came[..., None] - quantiles
    return np.asarray(2 * np.maximum(QUANTILES * error, (QUANTILES - 1) * error).mean(axis=-1))


def weighted_loss(loss: Floats, came: Floats) -> dict[str, float]:
    """Give the weighted quantile loss by span of days: the sum of losses by the sum of absolute balances.

    Examples
    --------
    >>> weighted_loss(np.ones((2, 90)), np.full((2, 90), -4.0))["61-90"]
    0.25
    """
    return {span: float(loss[:, of].sum() / np.abs(came[:, of]).sum()) for span, of in SPANS.items()}


def scaled_loss(loss: Floats, turnover: Floats) -> float:
    """Give the mean loss in monthly turnovers of each account."""
    return float((loss / turnover[:, None]).mean())


def scaled_error(median: Floats, came: Floats, scale: Floats) -> dict[str, float]:
    """Give the mean absolute scaled error by span of days; rows that never moved (scale 0 or NaN) do not count."""
    moved = scale > 0
    error = np.abs(median - came)[moved] / scale[moved, None]
    return {span: _mean(error[:, of]) for span, of in SPANS.items()}


def coverage(quantiles: Floats, came: Floats, history_days: Floats) -> dict[str, float]:
    """Give the share of days inside the 80 % band, by span of days and by length of history."""
    inside = (quantiles[..., 0] <= came) & (came <= quantiles[..., -1])
    by_span = {span: _mean(inside[:, of]) for span, of in SPANS.items()}
    classes = {name: (low <= history_days) & (history_days < high) for name, (low, high) in HISTORY_CLASSES.items()}
    return by_span | {name: _mean(inside[of]) for name, of in classes.items() if of.any()}


def path_scores(
    quantiles: Floats, came: Floats, *, turnover: Floats, scale: Floats, history_days: Floats
) -> PathScores:
    """Score ninety days of some accounts, all of them answered and observed.

    Shapes
    ------
    quantiles : float64[n, 90, 9]
    came : float64[n, 90]
    turnover, scale, history_days : float64[n]

    Units
    -----
    Minor units; days.
    """
    loss = pinball(quantiles, came)
    return PathScores(
        n=len(came),
        wql=weighted_loss(loss, came),
        scrps=scaled_loss(loss, turnover),
        mase=scaled_error(quantiles[..., QUANTILES.size // 2], came, scale),
        coverage=coverage(quantiles, came, history_days),
    )


def event_scores(chance: Floats, happened: Floats, lead: Floats) -> EventScores:
    """Score the chances of one event; rows where either side cannot tell (NaN) are left out.

    Shapes
    ------
    chance, happened, lead : float64[n]

    Examples
    --------
    >>> perfect = event_scores(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([np.inf, 12.0]))
    >>> perfect.auc, perfect.brier_skill, perfect.calibration_error, perfect.lead_days
    (1.0, 1.0, 0.0, 12.0)
    """
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415 - loads slowly, and only here

    told = ~np.isnan(chance) & ~np.isnan(happened)
    chance, happened, lead = chance[told], happened[told], lead[told]
    positives = int(happened.sum())
    both = 0 < positives < len(happened)
    error, noise = calibration(chance, happened)
    recall, precision, lead_days = alerts(chance, happened, lead)
    return EventScores(
        n=len(happened),
        happened=positives,
        auc=float(roc_auc_score(happened, chance)) if both else math.nan,
        average_precision=float(average_precision_score(happened, chance)) if both else math.nan,
        brier_skill=brier_skill(chance, happened) if both else math.nan,
        calibration_error=error,
        calibration_noise=noise,
        recall=recall,
        precision=precision,
        lead_days=lead_days,
    )


def brier_skill(chance: Floats, happened: Floats) -> float:
    """Give the share of the base rate's squared error that the chances save: 1 perfect, 0 no better, below 0 worse."""
    base = happened.mean()
    return float(1 - np.square(chance - happened).mean() / np.square(base - happened).mean())


def calibration(chance: Floats, happened: Floats) -> tuple[float, float]:
    """Give the expected calibration error in ten bins of equal count, and what perfect chances would score on average.

    Rows are put in order of chance and cut into ten bins; equal chances share the bin of their middle. The error is the
    mean over rows of the distance between mean chance and share that came true in their bin. With few rows even perfect
    chances do not score nought: the share scatters around the mean chance, by a normal law.

    Examples
    --------
    >>> error, noise = calibration(np.full(1000, 0.5), np.arange(1000.0) % 2)  # one bin
    >>> error, round(noise, 3)
    (0.0, 0.013)
    """
    if not len(chance):
        return math.nan, math.nan
    _, of, counts = np.unique(chance, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    bins = np.minimum((middle * BINS / len(chance)).astype(np.int64), BINS - 1)[of]
    gaps, scatter = (np.bincount(bins, weights=weights) for weights in (chance - happened, chance * (1 - chance)))
    return float(np.abs(gaps).sum() / len(chance)), float(np.sqrt(scatter * 2 / np.pi).sum() / len(chance))


def alerts(chance: Floats, happened: Floats, lead: Floats) -> tuple[float, float, float]:
    """Give recall, precision and the median lead time of true alerts when the tenth with the highest chance is warned.

    Among people with the chance at which the tenth ends, each is warned with the same probability.
    """
    if not len(chance):
        return math.nan, math.nan, math.nan
    warned = max(1.0, ALERTS * len(chance))
    last = np.sort(chance)[::-1][math.ceil(warned) - 1]
    above, at = chance > last, chance == last
    weight = above + at * (warned - above.sum()) / at.sum()
    true = float((weight * happened).sum())
    early = lead[(weight > 0) & (happened == 1)]
    recall = true / happened.sum() if happened.any() else math.nan
    return float(recall), true / warned, float(np.median(early)) if early.size else math.nan


def _mean(values: Floats | NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else math.nan

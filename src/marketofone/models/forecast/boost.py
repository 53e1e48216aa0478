"""Boosted quantiles at the knots: a second opinion that pulls the forest's paths, rank by rank, a third of the way.

The forest draws whole paths but cuts its inputs at random; boosted trees choose their cuts, know the date of each knot,
and give quantiles of single days only. Pulling every path by what the two differ at its rank keeps the paths whole.

Source
------
Ke et al. (2017), "LightGBM"; averaging of quantiles: Lichtendahl, Grushka-Cockayne and Winkler (2013), "Is it better to
average probabilities or quantiles?".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.booster import NO_OPENMP, Bins, Booster
from marketofone.models.forecast.panel import MONTHS_OF_YEAR, Floats, Panel, centre, own_month, timing

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
SHARE = 0.35
ROUNDS = 180
_KNOTS_A_DAY = 5  # each past day teaches at so many of its knots: neighbours say nearly the same
_WEEK = 7
_TREES = {"learning_rate": 0.06, "num_leaves": 31, "min_data_in_leaf": 40, "feature_fraction": 0.5}
_CUTS = {"max_bin": 127, "bin_construct_sample_cnt": 50_000}  # of more rows the cuts are no better, but need memory
_BAGS = {"bagging_fraction": 0.7, "bagging_freq": 1}
_SETTING = {"deterministic": True, "force_row_wise": True, "verbosity": -1, "num_threads": 1}


def knot_inputs(
    inputs: NDArray[np.float32], panel: Panel, *, knots: NDArray[np.int64], calendar: bool
) -> NDArray[np.float32]:
    """Give the inputs at each knot: those of the situation, the knot, its date, and what is known of the path there.

    Shapes
    ------
    inputs : float32[n, features]
    result : float32[n, knots, features + more]
    """
    days = panel.as_of[:, None] + knots
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    columns = [
        np.broadcast_to(knots, days.shape),
        (dates - months).astype(np.int64),
        ((months + 1).astype("datetime64[D]") - dates).astype(np.int64),
        (days + 3) % _WEEK,
        *(known(panel)[:, knots - 1] for known in (centre, own_month, timing)),
    ]
    if calendar:
        columns.append(months.astype(np.int64) % MONTHS_OF_YEAR)
    standing = np.repeat(inputs[:, None, :], len(knots), axis=1)
    return np.concatenate((standing, np.stack(columns, axis=-1)), axis=-1, dtype=np.float32)


def lightgbm() -> Any:
    """Give LightGBM, an extra that is loaded only where something is learned by it.

    Raises
    ------
    ModuleNotFoundError
        When it is not installed, or lacks the OpenMP library that it links to.
    """
    try:
        import lightgbm  # noqa: PLC0415 - an extra
    except OSError as error:
        raise ModuleNotFoundError(NO_OPENMP, name="libgomp") from error
    return lightgbm


def drawn_knots(errors: Floats, *, seed: int) -> NDArray[np.bool_]:
    """Draw the knots of each past day that are learned from, of those that were observed.

    Shapes
    ------
    errors : float64[n, knots]
        NaN where it was not observed.
    result : bool[n, knots]
    """
    drawn = np.random.default_rng(seed).random(errors.shape).argsort(axis=1) < _KNOTS_A_DAY
    return np.asarray(drawn & ~np.isnan(errors))


def boost(at_knots: NDArray[np.float32], errors: Floats, *, seed: int, rounds: int = ROUNDS) -> tuple[str, ...]:
    """Learn the quantiles of the errors at some knots; gives the models as text.

    Shapes
    ------
    at_knots : float32[n, inputs]
    errors : float64[n]

    Raises
    ------
    ModuleNotFoundError
        When LightGBM is not there.
    """
    bins = Bins(at_knots, errors.astype(np.float32), settings=_SETTING | _CUTS)
    rules = {**_SETTING, **_CUTS, **_TREES, **_BAGS, "objective": "quantile", "seed": seed}
    return tuple(bins.learn(rounds=rounds, settings=rules | {"alpha": level}) for level in LEVELS)


def pulled(errors: Floats, models: tuple[str, ...], some: NDArray[np.float32], *, knots: NDArray[np.int64]) -> Floats:
    """Pull error paths towards the boosted quantiles at their rank.

    Only some knots are asked about, for every question costs; between them the pull changes in straight lines.

    Shapes
    ------
    errors, result : float64[n, paths, knots]
    some : float32[n, asked, inputs]
        What :func:`knot_inputs` gives at the knots :func:`asked` names.
    """
    paths = errors.shape[1]
    flat = some.reshape(-1, some.shape[-1])
    said = np.sort([_read(model).predict(flat) for model in models], axis=0)
    order = np.argsort(errors, axis=1, kind="stable")
    ranked = np.take_along_axis(errors, order, axis=1)
    own = np.quantile(ranked[:, :, _of(knots)], LEVELS, axis=1)
    apart = (said.reshape(own.shape) - own) @ _between(knots)
    shift = np.einsum("lnk,lp->npk", apart, _weights(paths))
    result = np.empty_like(errors)
    np.put_along_axis(result, order, np.sort(ranked + SHARE * shift, axis=1), axis=1)
    return result


def asked(knots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the knots that are asked about: every other one, and the last.

    Examples
    --------
    >>> asked(np.array([1, 2, 3, 5])).tolist()
    [1, 3, 5]
    """
    return knots[_of(knots)]


def _of(knots: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, len(knots), 2), len(knots) - 1))


def _between(knots: NDArray[np.int64]) -> Floats:
    """Give what each knot asked about weighs at every knot."""
    return np.stack([np.interp(knots, asked(knots), row) for row in np.eye(len(_of(knots)))])


def _weights(paths: int) -> Floats:
    """Give what each level weighs at each rank: straight lines between the levels, level beyond the outer two."""
    ranks = (np.arange(paths) + 0.5) / paths
    return np.stack([np.interp(ranks, LEVELS, row) for row in np.eye(len(LEVELS))])


@lru_cache(maxsize=2 * len(LEVELS))
def _read(model: str) -> Booster:
    return Booster(model)

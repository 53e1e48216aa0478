"""The strongest learned peer: gradient-boosted trees over all accounts, for nine quantiles and for each event.

One model for each quantile with the day ahead among its inputs (direct, no recursion), one classifier for each event
and horizon. Inputs are what a practitioner would take first: levels, changes, flows, the same day of earlier months,
and the calendar; all amounts in monthly turnovers of the account.

Limits: windows of one account overlap and all share one calendar, so the quantiles are too narrow. They are left so:
that is what this peer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketofone.lab.evaluation.lessons import Lesson, largest_debit, lessons
from marketofone.lab.evaluation.protocol import Ahead, Method, Predict
from marketofone.lab.evaluation.scores import QUANTILES
from marketofone.models.forecast.boost import lightgbm
from marketofone.models.forecast.history import BLOCK_DAYS, history_of
from marketofone.models.forecast.labels import AHEAD_DAYS, EVENTS, WITHIN_DAYS, Baseline, baseline
from marketofone.models.forecast.panel import unit_of
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STRIDE_DAYS = 10
MINIMUM_DAYS = 60
_APART = 15  # each past day teaches six days ahead this far apart; which ones changes from day to day
_FEW = 200
_SPANS = (7, 14, 30, 60, 90, 180)
_YEAR = 365
_WEEK, _MONTHS = 7, 12
_SETTING = {"num_threads": 1, "seed": 7, "deterministic": True, "force_row_wise": True, "verbose": -1}
_TREES = {"learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 40, "feature_fraction": 0.7}
_BAGS = {"bagging_fraction": 0.7, "bagging_freq": 1}
_PATH_ROUNDS, _EVENT_ROUNDS = 250, 80


def fit(accounts: Sequence[Account], known_until: int) -> Predict:
    """Learn from every tenth day of all accounts.

    Raises
    ------
    ModuleNotFoundError
        When LightGBM is not there.
    """
    seen = list(lessons(accounts, known_until=known_until, stride=STRIDE_DAYS, minimum_days=MINIMUM_DAYS))
    if sum(len(lesson.truth.days) for lesson in seen) < _FEW:
        return lambda asked, _: Ahead(np.full((len(asked), AHEAD_DAYS, QUANTILES.size), np.nan))
    paths, events = _fit_paths(seen), _fit_events(seen)

    def predict(asked: Sequence[Account], as_of: int) -> Ahead:
        now = [baseline(account, days=np.array([as_of])) for account in asked]
        days = np.arange(1, AHEAD_DAYS + 1)
        inputs = np.concatenate([_ahead(*pair, days) for pair in zip(asked, now, strict=True)])
        moved = np.stack([model.predict(inputs.reshape(-1, inputs.shape[-1])) for model in paths], axis=-1)
        unit = np.array([unit_of(one)[0] for one in now])[:, None, None]
        opening = np.array([one.opening[0] for one in now])[:, None, None]
        dated = np.concatenate([_dated(*pair) for pair in zip(asked, now, strict=True)])
        chances = np.full((len(asked), len(EVENTS), len(WITHIN_DAYS)), np.nan)
        for at, model in events.items():
            chances[(slice(None), *at)] = model.predict(dated)
        return Ahead(opening + unit * np.sort(moved.reshape(len(asked), AHEAD_DAYS, -1), axis=2), chances)

    return predict


BOOSTED = Method("LightGBM", fit)


def _fit_paths(seen: Sequence[Lesson]) -> list[Any]:
    rows, moved = [], []
    for lesson in seen:
        truth = lesson.truth
        ahead = (truth.days[:, None] * 4) % _APART + 1 + np.arange(0, AHEAD_DAYS, _APART)
        rows.append(_ahead(lesson.account, truth, ahead).reshape(ahead.size, -1))
        came = np.take_along_axis(truth.balances, ahead - 1, axis=1)
        moved.append(((came - truth.opening[:, None]) / unit_of(truth)[:, None]).ravel())
    data, label = np.concatenate(rows), np.concatenate(moved)
    return [_train(data, label, {"objective": "quantile", "alpha": float(q)}, rounds=_PATH_ROUNDS) for q in QUANTILES]


def _fit_events(seen: Sequence[Lesson]) -> dict[tuple[int, int], Any]:
    dated = np.concatenate([_dated(lesson.account, lesson.truth) for lesson in seen])
    came = np.concatenate([lesson.truth.events for lesson in seen])
    models = {}
    for event, horizon in np.ndindex(len(EVENTS), len(WITHIN_DAYS)):
        told = ~np.isnan(came[:, event, horizon])
        label = came[told, event, horizon]
        if 0 < label.sum() < len(label):
            models[event, horizon] = _train(dated[told], label, {"objective": "binary"}, rounds=_EVENT_ROUNDS)
    return models


def _train(data: Floats, label: Floats, aim: dict[str, Any], *, rounds: int) -> Any:
    learner = lightgbm()
    return learner.train(_SETTING | _TREES | _BAGS | aim, learner.Dataset(data, label), num_boost_round=rounds)


def _ahead(account: Account, now: Baseline, days: Integers) -> Floats:
    """Give the inputs for some days ahead of some days.

    Shapes
    ------
    days : int64[h] or int64[m, h]
    result : float64[m, h, inputs]
    """
    days = np.broadcast_to(days, (len(now.days), days.shape[-1]))
    same = np.repeat(_baseline(account, now)[:, None, :], days.shape[1], axis=1)
    closing, unit = _closing(account, now), unit_of(now)[:, None]
    target = now.days[:, None] + days

    def moved(upto: Integers, since: Integers) -> Floats:
        return np.asarray((closing[upto] - closing[since]) / unit)

    at = now.days[:, None] - int(account.days[0]) + _YEAR + BLOCK_DAYS
    part = (days - 1) % BLOCK_DAYS + 1
    months = [moved(at - BLOCK_DAYS * back + part, at - BLOCK_DAYS * back) for back in (1, 2, 3)]
    season = moved(at + part - BLOCK_DAYS, at)
    year = moved(at + np.minimum(days - _YEAR, 0), at - _YEAR)
    columns = [days, *_in_month(target), _month(target), *months, np.mean(months, axis=0), season, year]
    return np.concatenate((same, np.stack(columns, axis=-1)), axis=-1)


def _dated(account: Account, now: Baseline) -> Floats:
    """Give the inputs of the events: how an account stands, and the month.

    The month a path starts in is no input of the paths: with it they are worse in months never seen.

    Shapes
    ------
    result : float64[m, inputs]
    """
    return np.column_stack((_baseline(account, now), _month(now.days)))


def _baseline(account: Account, now: Baseline) -> Floats:
    """Give the inputs that are the same for every day ahead.

    Shapes
    ------
    result : float64[m, inputs]
    """
    closing, unit = _closing(account, now), unit_of(now)
    at = now.days - int(account.days[0]) + _YEAR + BLOCK_DAYS
    before = np.lib.stride_tricks.sliding_window_view(closing, _SPANS[-1])[at - _SPANS[-1] + 1]
    opening = now.opening / unit
    columns: list[Any] = [opening, opening - now.floor / unit, now.income / unit, now.latest_income / unit]
    columns += [now.latest_income / np.maximum(now.income, 1), largest_debit(account, now.days) / unit]
    columns += [np.log(unit), np.log(now.days - account.days[0] + 1), *_in_month(now.days)]
    for span in _SPANS:
        past = before[:, -span:] / unit[:, None]
        columns += [opening - past[:, 0], *(fold(past, axis=1) - opening for fold in (np.mean, np.min, np.max))]
    for sign in (1, -1):
        of = account.amounts * sign > 0
        upto = np.concatenate(([0], np.cumsum(np.abs(account.amounts[of]))))
        spent = [upto[np.searchsorted(account.days[of], now.days - back, side="right")] for back in (0, 10, 30, 60, 90)]
        columns += [(spent[0] - earlier) / unit for earlier in spent[1:]]
        times = np.searchsorted(account.days[of], now.days, side="right")
        columns.append(now.days - np.concatenate(([account.days[0]], account.days[of]))[times])
    return np.stack(columns, axis=-1).astype(np.float64)


def _closing(account: Account, now: Baseline) -> Floats:
    """Give the closing balance of every day up to the last of some days, behind a year of unknown ones."""
    first, last = int(account.days[0]), int(now.days.max())
    known = history_of(account, last).closing(np.arange(first, last + 1))
    return np.concatenate((np.full(_YEAR + BLOCK_DAYS, np.nan), known))


def _in_month(days: Integers) -> tuple[Integers, ...]:
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    to_end = (months + 1).astype("datetime64[D]") - dates
    return (dates - months).astype(np.int64), to_end.astype(np.int64), (days + 3) % _WEEK


def _month(days: Integers) -> Integers:
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % _MONTHS, dtype=np.int64)

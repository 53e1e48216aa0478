"""The peers that need nothing but what they see: simple, honest, and hard to beat on balances that move in steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from marketofone.lab.evaluation.lessons import Lesson, closing_until, largest_debit, lessons, usual
from marketofone.lab.evaluation.protocol import Ahead, Method, Predict
from marketofone.lab.evaluation.scores import QUANTILES
from marketofone.models.forecast.history import BLOCK_DAYS
from marketofone.models.forecast.labels import AHEAD_DAYS, EVENTS, WITHIN_DAYS, Baseline, baseline
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]

STRIDE_DAYS = 15
_GROWN_DAYS, _YOUNG_DAYS = 120, 30


def seasonal_naive(_accounts: Sequence[Account], _known_until: int) -> Predict:
    """Learn nothing: the last 30 days come again, with normal errors that grow with the root of the months ahead."""
    return each_path(_seasonal_naive)


def last_value(accounts: Sequence[Account], known_until: int) -> Predict:
    """Learn by how many turnovers balances moved in up to 90 days, from all accounts together."""
    moved = [
        (lesson.truth.balances - lesson.truth.opening[:, None]) / lesson.truth.turnover[:, None]
        for lesson in _seen(accounts, known_until)
    ]
    pooled = (
        np.quantile(np.concatenate(moved), QUANTILES, axis=0).T if moved else np.zeros((AHEAD_DAYS, QUANTILES.size))
    )

    def look(account: Account, as_of: int) -> Floats:
        now = baseline(account, days=np.array([as_of]))
        return np.asarray(now.opening[0] + usual(now.turnover)[0] * pooled)

    return each_path(look)


def level_rule(accounts: Sequence[Account], known_until: int) -> Predict:
    """Learn how often something happened at each distance from it; the path is that of the last value.

    The distance is one number for each event: the balance above the line in turnovers, the largest debit of three
    months in turnovers, and by how much the income of the last month differs from that of the last three. Isotonic
    regression turns it into a chance.
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - loads slowly, and only here

    paths = last_value(accounts, known_until)
    seen = _seen(accounts, known_until)
    rules: dict[tuple[int, int], Any] = {}
    if seen:
        signs = np.concatenate([_signs(lesson.truth, lesson.account) for lesson in seen])
        came = np.concatenate([lesson.truth.events for lesson in seen])
        for event, horizon in np.ndindex(len(EVENTS), len(WITHIN_DAYS)):
            told = ~np.isnan(came[:, event, horizon]) & ~np.isnan(signs[:, event])
            if told.any():
                sign, label = signs[told, event], came[told, event, horizon]
                rank = np.unique(sign, return_inverse=True)[1]
                grows = bool(((rank - rank.mean()) * label).sum() >= 0)
                rule = IsotonicRegression(y_min=0.0, y_max=1.0, increasing=grows, out_of_bounds="clip")
                rules[event, horizon] = rule.fit(sign, label)

    def predict(asked: Sequence[Account], as_of: int) -> Ahead:
        now = np.concatenate([_signs(baseline(account, days=np.array([as_of])), account) for account in asked])
        chance = np.full((len(asked), len(EVENTS), len(WITHIN_DAYS)), np.nan)
        for (event, horizon), rule in rules.items():
            told = ~np.isnan(now[:, event])
            chance[told, event, horizon] = rule.predict(now[told, event]) if told.any() else 0.0
        return Ahead(paths(asked, as_of).quantiles, chance)

    return predict


FAST = (Method("seasonal naive", seasonal_naive), Method("last value, level rule", level_rule))


def fall_chances(quantiles: Floats, now: Baseline) -> Floats:
    """Give the chance of falling under each line, read from the quantiles of single days: that of the worst day.

    Shapes
    ------
    quantiles : float64[90, 9]
    result : float64[6, 3]
        NaN for the events that are not about a line.
    """
    chances = np.full((len(EVENTS), len(WITHIN_DAYS)), np.nan)
    ranked = np.sort(quantiles, axis=1)
    ends = (
        ranked[:, [0]] - 2 * (ranked[:, [1]] - ranked[:, [0]]),
        ranked[:, [-1]] + 2 * (ranked[:, [-1]] - ranked[:, [-2]]),
    )
    steps = np.hstack((ends[0], ranked, ends[1]))
    levels = np.array([0.0, *QUANTILES, 1.0])
    for event, line in enumerate((0.0, usual(now.turnover)[0] // 10, now.floor[0])):
        below = [np.interp(line, day, levels) for day in steps]
        worst = np.maximum.accumulate(below)
        chances[event] = np.nan if now.opening[0] < line else worst[np.array(WITHIN_DAYS) - 1]
    return chances


def _seen(accounts: Sequence[Account], known_until: int) -> list[Lesson]:
    """Give past days of accounts that had grown out of their first months; younger ones where there are no others.

    Learning from younger accounts makes both peers weaker on grown ones: new accounts fill up.
    """
    for days in (_GROWN_DAYS, _YOUNG_DAYS):
        found = list(lessons(accounts, known_until=known_until, stride=STRIDE_DAYS, minimum_days=days))
        if found:
            return found
    return []


def each_path(look: Callable[[Account, int], Floats]) -> Predict:
    """Look ahead on each account alone; events are read from the quantiles."""

    def predict(asked: Sequence[Account], as_of: int) -> Ahead:
        paths = np.array([look(account, as_of) for account in asked])
        chances = [
            fall_chances(path, baseline(one, days=np.array([as_of]))) for path, one in zip(paths, asked, strict=True)
        ]
        return Ahead(paths, np.array(chances))

    return predict


def _seasonal_naive(account: Account, as_of: int) -> Floats:
    closing = closing_until(account, as_of)
    if len(closing) <= BLOCK_DAYS:
        return np.full((AHEAD_DAYS, QUANTILES.size), closing[-1])
    errors = ndtri(QUANTILES) * np.sqrt(np.square(closing[BLOCK_DAYS:] - closing[:-BLOCK_DAYS]).mean())
    season = np.tile(closing[-BLOCK_DAYS:], AHEAD_DAYS // BLOCK_DAYS)
    ahead = np.repeat(np.arange(1, AHEAD_DAYS // BLOCK_DAYS + 1), BLOCK_DAYS)
    return np.asarray(season[:, None] + np.sqrt(ahead)[:, None] * errors)


def _signs(now: Baseline, account: Account) -> Floats:
    """Give for each event how close it is, growing with its chance.

    Shapes
    ------
    result : float64[m, 6]
    """
    turnover = usual(now.turnover)
    change = now.latest_income / np.where(now.income > 0, now.income, np.nan) - 1
    lines = (np.zeros_like(turnover), turnover // 10, now.floor)
    falls = [(line - now.opening) / turnover for line in lines]
    return np.stack([*falls, largest_debit(account, now.days) / turnover, np.abs(change), change], axis=1)

"""Paths of an account from nothing but its own past, for a bank that has learned nothing yet.

A small structural simulator. Known payments and the account's own month are the centre of the paths (``panel.py``). The
rest is drawn from the account itself: whole months of its past, wherever they began, one after the other. Their common
drift is taken out, and only what is sure of it is put back (``trend``), for balances that rise or fall for half a year
seldom go on like that. Spending reacts to the balance: within a month a part of what lies above the usual level is
spent, and of what lies below it is made up for.

Source
------
Kuensch (1989), "The jackknife and the bootstrap for general stationary observations" (overlapping blocks); the places
drawn are the Kronecker sequence of Roberts (2018), so that nothing is left to chance. James and Stein (1961),
"Estimation with quadratic loss" (the positive part of a shrunken mean).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.history import BLOCK_DAYS
from marketofone.models.forecast.panel import MONTHS, SPAN, Floats, Panel, same_day

PATHS = 200
LEAST_DAYS = 60
"""With a shorter past there is no second month to draw."""
REACTION = 0.4
WIDER = 1.3
"""By how much more paths scatter than months of one's own past, of which there are few. Like ``REACTION`` a judgement,
made on the Czech bank: at three cut-offs of two files of it these lose least, within a few percent."""
SURE = 2.0
"""A trend is believed as far as it goes beyond so many standard errors."""
_FEWEST_CHANGES = 3
_USUAL_DAYS = 90
_BLOCKS = 3
_STEP = 1.2207440846057596  # the root of x**4 = x + 1
_PLACES = (np.arange(PATHS) + 0.5)[:, None] * _STEP ** -np.arange(1.0, _BLOCKS + 1) % 1


def block_bootstrap(panel: Panel, *, knots: NDArray[np.int64]) -> Floats:
    """Draw what may come on top of the centre, for accounts known for at least ``LEAST_DAYS``.

    Shapes
    ------
    knots : int64[k]
        Days ahead, the ends of the three months among them.
    result : float64[n, PATHS, k]
        In units of turnover.
    """
    known = np.minimum(panel.length, SPAN)[:, None, None]
    begin = SPAN - known + (_PLACES * (known - BLOCK_DAYS + 1)).astype(np.int64)
    rows = np.arange(len(begin))[:, None]
    month = trend(panel)
    level = np.nanmedian(panel.closing[:, -_USUAL_DAYS:], axis=1) - panel.opening
    usual = level + month * _USUAL_DAYS / (2 * BLOCK_DAYS)  # where the level stands by now
    last = np.zeros(begin.shape[:2])
    months = []
    for block in range(_BLOCKS):
        start = begin[:, :, block]
        into = knots[(knots > BLOCK_DAYS * block) & (knots <= BLOCK_DAYS * (block + 1))] - BLOCK_DAYS * block
        run = panel.closing[rows[:, :, None], start[:, :, None] + into] - panel.closing[rows, start][:, :, None]
        drift = run[:, :, -1].mean(axis=1)[:, None]
        spent = drift + REACTION * (last - usual[:, None])
        months.append(last[:, :, None] + run - spent[:, :, None] * into / BLOCK_DAYS)
        last = months[-1][:, :, -1]
    paths = np.concatenate(months, axis=2) + month[:, None, None] * knots / BLOCK_DAYS
    middle = np.median(paths, axis=1, keepdims=True)
    return np.asarray((middle + WIDER * (paths - middle)) / panel.unit[:, None, None])


def trend(panel: Panel) -> Floats:
    """Give what a balance gains or loses in a month as a habit, as far as that is sure.

    It is the mean change from month to month of the level, the mean balance of a month up to this day of it: so it does
    not matter on which side of a month's end a salary falls. It is shrunk by what chance alone could have made
    of it. An account that was opened within a year fills up to its usual level, which is no habit: it has none.

    Shapes
    ------
    result : float64[n]

    Units
    -----
    Minor units in thirty days.
    """
    ends = np.stack([same_day(panel.as_of, months=-months) for months in range(MONTHS + 1)], axis=1)
    at = SPAN - (panel.as_of[:, None] - ends)
    upto = np.nancumsum(panel.closing, axis=1)
    sums = -np.diff(np.take_along_axis(upto, at, axis=1), axis=1)
    begun = np.take_along_axis(panel.closing, at[:, 1:] + 1, axis=1)
    levels = np.where(np.isnan(begun), np.nan, sums / -np.diff(ends, axis=1))
    change = levels[:, :-1] - levels[:, 1:]
    known = (~np.isnan(change)).sum(axis=1)
    mean = np.nansum(change, axis=1) / np.maximum(known, 1)
    spread = np.nansum((change - mean[:, None]) ** 2, axis=1) / np.maximum(known - 1, 1)
    chance = SURE**2 * spread / np.maximum(known, 1)
    share = np.maximum(0.0, 1.0 - chance / np.maximum(mean**2, 1.0))
    return np.where((known >= _FEWEST_CHANGES) & ~panel.is_new, share * mean, 0.0)

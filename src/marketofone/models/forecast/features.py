"""What an account looks like, in numbers that mean the same for everybody: the inputs of what is learned.

All amounts are in monthly turnovers of the account itself; what is not known stands as ``UNKNOWN``. What can be spent
is the balance and as much as the account may be overdrawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.history import BLOCK_DAYS
from marketofone.models.forecast.panel import CHANNELS, DUST, SPAN, Floats, Panel, same_day
from marketofone.profile.ledger import Integers

UNKNOWN = -9.0
_SPANS = (30, 60, 90, 180)
_CHANGES = (3, 7, 14, 30, 60, 90)
_SUMS = (7, 15, 30, 60, 90)
_AT = np.array([5, 10, 16, 25, 37, 53, 70, 90]) - 1
_RECENT = 150
_FAR = 99.0


def features(panel: Panel, *, calendar: bool) -> NDArray[np.float32]:
    """Give the inputs; with ``calendar`` the day of the year is one.

    Shapes
    ------
    result : float32[n, features]
    """
    unit = panel.unit[:, None]
    columns = [
        np.column_stack(((panel.opening + panel.limit) / panel.unit, np.log(panel.unit), panel.length)),
        np.column_stack((panel.opening - panel.floor, panel.income, panel.latest_income)) / unit,
        panel.pay / np.maximum(panel.income, 1.0)[:, None],
        (panel.latest_income / np.maximum(panel.income, 1.0))[:, None],
        _levels(panel) / unit,
        _spending(panel),
        _months(panel) / unit,
        _coming(panel),
        _earlier(panel) / unit,
        _dates(panel.as_of, calendar=calendar),
    ]
    return np.asarray(np.nan_to_num(np.concatenate(columns, axis=1), nan=UNKNOWN), dtype=np.float32)


def _levels(panel: Panel) -> Floats:
    """Give how far the balance is from its levels of late, and from what it was some days ago."""
    opening, columns = panel.opening, []
    for span in _SPANS:
        ranked = np.sort(panel.closing[:, -span:], axis=1)  # what is not known goes last
        known = np.minimum(panel.length + 1, span)
        rows = np.arange(len(ranked))
        places = (np.floor(share * (known - 1)).astype(int) for share in (0.0, 0.05, 0.5, 1.0))
        columns += [opening - ranked[rows, place] for place in places]
        mean = np.nansum(ranked, axis=1) / known
        columns.append(opening - mean)
        columns.append(np.sqrt(np.nansum((ranked - mean[:, None]) ** 2, axis=1) / known))
    columns += [opening - panel.closing[:, -1 - days] for days in _CHANGES]
    return np.column_stack(columns)


def _spending(panel: Panel) -> Floats:
    """Give the sums of late by channel, how often and how much at a time, and since when nothing."""
    unit, columns = panel.unit, []
    rows = np.arange(len(unit))
    for channel in range(CHANNELS):
        flow = panel.flows[:, channel]
        columns += [flow[:, -span:].sum(axis=1) / unit * BLOCK_DAYS / span for span in _SUMS]
        moved = np.abs(np.nan_to_num(flow)) > DUST * unit[:, None]
        since = np.where(moved.any(axis=1), moved[:, ::-1].argmax(axis=1), _FAR)
        columns.append(since)
        columns.append(moved[:, -90:].sum(axis=1) / np.minimum(panel.length + 1, 90) * BLOCK_DAYS)
        columns.append(np.nan_to_num(flow[rows, SPAN - 1 - np.minimum(since, SPAN - 1).astype(int)]) / unit)
    return np.column_stack(columns)


def _months(panel: Panel) -> Floats:
    """Give what the last blocks of thirty days changed, took in and paid, and how much such changes scatter."""
    closing = panel.closing
    columns = [closing[:, -1 - BLOCK_DAYS * k] - closing[:, -1 - BLOCK_DAYS * (k + 1)] for k in range(3)]
    change = (closing[:, BLOCK_DAYS:] - closing[:, :-BLOCK_DAYS])[:, -_RECENT:]
    known = np.maximum((~np.isnan(change)).sum(axis=1), 1)
    mean = np.nansum(change, axis=1) / known
    columns.append(np.sqrt(np.nansum((change - mean[:, None]) ** 2, axis=1) / known))
    for channels in ((0, 1), (2, 3)):
        moved = panel.flows[:, channels].sum(axis=1)
        columns += [moved[:, -BLOCK_DAYS:].sum(axis=1), moved[:, -2 * BLOCK_DAYS : -BLOCK_DAYS].sum(axis=1)]
    return np.column_stack(columns)


def _coming(panel: Panel) -> Floats:
    """Give the next payments expected in and out, and what they add up to by some days ahead."""
    columns = []
    for side in range(2):
        due = panel.due[:, side]
        weighs = np.abs(due) > DUST * panel.unit[:, None]
        any_due = weighs.any(axis=1)
        first = weighs.argmax(axis=1)
        amount = due[np.arange(len(due)), first] / panel.unit
        columns += [np.where(any_due, first + 1.0, _FAR)[:, None], amount[:, None], due[:, _AT] / panel.unit[:, None]]
    return np.concatenate(columns, axis=1)


def _earlier(panel: Panel) -> Floats:
    """Give how the balance went on from this day of the month in each of the last three months."""
    columns = []
    for months in (1, 2, 3):
        at = SPAN - (panel.as_of - same_day(panel.as_of, months=-months))[:, None]
        then = np.take_along_axis(panel.closing, at, axis=1)
        upto = at + _AT + 1
        later = np.where(upto <= SPAN, np.take_along_axis(panel.closing, np.minimum(upto, SPAN), axis=1), np.nan)
        columns.append(later - then)
        if months == 1:
            columns.append(later - panel.opening[:, None])
    return np.concatenate(columns, axis=1)


def _dates(days: Integers, *, calendar: bool) -> Floats:
    dates = days.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.float64)
    of_year = (dates - dates.astype("datetime64[Y]")).astype(np.float64)
    return np.column_stack((of_month, of_year) if calendar else (of_month,))

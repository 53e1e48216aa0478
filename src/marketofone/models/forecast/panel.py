"""Accounts side by side, each aligned on the day from which it is looked ahead, in units of its own monthly turnover.

What follows the alignment is the same arithmetic for every account, done for many at once. *Centre* is what is known
of the path without anything learned: the balance stays, but for

1. the timing of known payments (what comes back regularly is spent at the same rate), and
2. the account's own month: how its balance usually runs from this day of the month to the same day a month later,
   without the drift, in the median of the last six months.

Neither is believed fully: each counts with the weight ``TRUST``. Where nothing was learned, only the timing of known
payments counts, and fully.

What orders change about all this is no guess: it moves the paths as a whole (``leading``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.extra_pay import Way, expecting
from marketofone.models.forecast.history import BLOCK_DAYS, history_of
from marketofone.models.forecast.known_payments import PaymentsAhead, payments_ahead
from marketofone.models.forecast.labels import AHEAD_DAYS, NO_INCOME, WITHIN_DAYS, Baseline, baseline
from marketofone.models.forecast.streams import Payment, find_streams
from marketofone.profile.ledger import Account, Integers
from marketofone.profile.orders import Order

Floats = NDArray[np.float64]

SPAN = 215
"""Days looked back: six months and a little."""
TRUST = 0.4
MONTHS = 6
MONTHS_OF_YEAR = 12
_YEAR_DAYS = 365
DUST = 0.002
"""Of a month's turnover: what is less says nothing."""
_LONGEST_MONTH = 31
_EVERYDAY = ("cash", "card")
CHANNELS = 4
_LEAST_SHARE = 50
Extra = Mapping[Way, Mapping[int, float]]


class Ways(NamedTuple):
    """What is known of the paths ahead, in units of turnover: the projected one, the own month's, and known payments'.

    Shapes
    ------
    centre, own_month, timing, leading : float32[n, 90]
    """

    centre: NDArray[np.float32]
    own_month: NDArray[np.float32]
    timing: NDArray[np.float32]
    leading: NDArray[np.float32]


class Look(NamedTuple):
    """One account on one day: what it looked like, and the payments expected after it."""

    account: Account
    baseline: Baseline
    payments: Sequence[PaymentsAhead]


@dataclass(frozen=True)
class Panel:
    """Accounts side by side.

    Shapes
    ------
    as_of, length : int64[n]
    opening, unit, floor, income, latest_income : float64[n]
    closing : float64[n, SPAN + 1]
        The last column is the day itself; NaN before the account's first day.
    flows : float64[n, CHANNELS, SPAN]
        Daily sums of income, of cash paid in, of what is paid, and of everyday spending.
    due : float64[n, 2, 90]
        What the expected payments in and out add up to by each day ahead.
    pay : float64[n, 3]
        The income expected in each 30-day block ahead, without what is paid more in some months.
    regular : float64[n]
        What the incomes that come back add up to in 30 days on average, wherever the blocks begin.
    limit : float64[n]
        How far the account may be overdrawn.
    shift : float64[n, 90]
        What orders move the balance by the end of each day ahead.
    told_income : float64[n, 3]
        What orders change about the income of each 30-day block ahead.
    told_expense : float64[n]
        The day ahead on which an order pays more than a month's turnover; infinity where none does.
    is_new : bool[n]
        Whether the account was opened within a year, as far as its movements tell: nothing stood on it before.
    ways
        In a condensed panel only.

    Units
    -----
    Days since 1970-01-01; minor units.
    """

    as_of: Integers
    length: Integers
    opening: Floats
    unit: Floats
    floor: Floats
    income: Floats
    latest_income: Floats
    closing: Floats
    flows: Floats
    due: Floats
    pay: Floats
    regular: Floats
    limit: Floats
    shift: Floats
    told_income: Floats
    told_expense: Floats
    is_new: NDArray[np.bool_]
    ways: Ways | None = None

    def some(self, chosen: NDArray[np.bool_] | Integers) -> Panel:
        """Give some of them."""
        columns = {name: column[chosen] for name, column in vars(self).items() if name != "ways"}
        ways = None if self.ways is None else Ways(*(column[chosen] for column in self.ways))
        return Panel(**columns, ways=ways)

    def condensed(self) -> Panel:
        """Give all of them with the ways ahead instead of the days behind, which are nine tenths of what they hold."""
        rows = len(self.as_of)
        ways = (known(self).astype(np.float32) for known in (centre, own_month, timing, leading))
        return replace(
            self,
            closing=np.zeros((rows, 0)),
            flows=np.zeros((rows, CHANNELS, 0)),
            due=np.zeros((rows, 2, 0)),
            shift=np.zeros((rows, 0)),
            ways=Ways(*ways),
        )


def expected_payments(account: Account, *, as_of: int, extra: Extra) -> PaymentsAhead:
    """Give the dated payments that the past of an account and its orders let one expect in the next 90 days."""
    past = account.until(as_of)
    return payments_ahead(past, expecting(find_streams(past, as_of=as_of), extra=extra), as_of=as_of)


def look_from(account: Account, day: int, *, extra: Extra) -> Look:
    """Look at an account from the end of a day."""
    past = account.until(day)
    return Look(past, baseline(past, days=np.array([day])), [expected_payments(past, as_of=day, extra=extra)])


def align(looks: Sequence[Look]) -> Panel:
    """Put accounts side by side; a look with several days gives several rows."""
    parts = [_aligned(look) for look in looks]
    columns: Iterator[Any] = map(np.concatenate, zip(*parts, strict=True))
    return Panel(*columns)


def _aligned(look: Look) -> tuple[NDArray[np.generic], ...]:
    account, so, payments = look
    days, first = so.days, int(account.days[0])
    last = int(days.max())
    closing = history_of(account, last).closing(np.arange(first - 1, last + 1))
    known = np.concatenate((np.full(SPAN, np.nan), closing[1:]))
    back = days[:, None] - first + np.arange(SPAN + 1)
    unit = unit_of(so)
    due, pay = np.zeros((len(days), 2, AHEAD_DAYS)), np.zeros((len(days), len(WITHIN_DAYS)))
    for row, (day, of_day) in enumerate(zip(days.tolist(), payments, strict=True)):
        for payment in of_day.usual:
            ahead = payment.day - day - 1
            due[row, int(payment.amount_minor < 0), ahead] += payment.amount_minor
            if payment.amount_minor > 0 and payment.stream.category not in NO_INCOME:
                pay[row, ahead // BLOCK_DAYS] += payment.stream.amount_minor or 0
    return (
        days,
        days - first,
        so.opening,
        unit,
        so.floor,
        so.income,
        so.latest_income,
        known[back],
        _flows(account, last)[:, back[:, 1:]].swapaxes(0, 1),
        due.cumsum(axis=2),
        pay,
        np.array([_regular(of_day.payments) for of_day in payments]),
        np.full(len(days), float(account.limit)),
        np.stack([of_day.shift for of_day in payments]),
        np.stack([of_day.income for of_day in payments]),
        np.array([_told_expense(of, more_than=most) - day for of, most, day in zip(payments, unit, days, strict=True)]),
        (np.abs(closing[0]) <= DUST * unit) & (days - first < _YEAR_DAYS),
    )


def unit_of(so: Baseline) -> Floats:
    """Give the monthly turnover, but no less than a fiftieth of the balance.

    The few accounts that hardly move would otherwise teach all others errors of thousands of turnovers.
    """
    least = np.nan_to_num(np.abs(so.opening)) / _LEAST_SHARE
    return np.maximum(np.maximum(np.nan_to_num(so.turnover), least), 1.0)


def _regular(payments: Sequence[Payment]) -> float:
    streams = {id(payment.stream): payment.stream for payment in payments if payment.amount_minor > 0}
    earned = [stream for stream in streams.values() if stream.category not in NO_INCOME]
    return sum((stream.amount_minor or 0) * BLOCK_DAYS / stream.period_days for stream in earned)


def _told_expense(ahead: PaymentsAhead, *, more_than: float) -> float:
    """Give the day on which an order pays more than some amount to others; infinity where none does."""
    large = (
        payment.day
        for payment in ahead.payments
        if isinstance(payment.stream, Order) and not payment.stream.own and -payment.amount_minor > more_than
    )
    return min(large, default=np.inf)


def _flows(account: Account, last: int) -> Floats:
    """Give the daily sums by channel, behind a span of unknown days."""
    everyday = np.array([kind.operation is not None and kind.operation.startswith(_EVERYDAY) for kind in account.kinds])
    none = np.array([kind.category in NO_INCOME for kind in account.kinds])
    first = int(account.days[0])
    seen = (account.days <= last) & ~none[account.of]
    channel = 2 * (account.amounts < 0) + everyday[account.of]
    flows = np.zeros((CHANNELS, SPAN + last - first + 1))
    np.add.at(flows, (channel[seen], SPAN + account.days[seen] - first), account.amounts[seen])
    flows[:, :SPAN] = np.nan
    return flows


def centre(panel: Panel) -> Floats:
    """Give the projected path as a change of the balance, in units of turnover.

    Shapes
    ------
    result : float64[n, 90]
    """
    if panel.ways is not None:
        return panel.ways.centre.astype(np.float64)
    return np.asarray(TRUST * (timing(panel) + own_month(panel)))


def leading(panel: Panel) -> Floats:
    """Give what orders move the paths.

    Shapes
    ------
    result : float64[n, 90]
        In units of turnover.
    """
    if panel.ways is not None:
        return panel.ways.leading.astype(np.float64)
    return panel.shift / panel.unit[:, None]


def timing(panel: Panel) -> Floats:
    """Give what known payments move, without their drift: what comes back regularly is spent at the same rate.

    Shapes
    ------
    result : float64[n, 90]
        In units of turnover.
    """
    if panel.ways is not None:
        return panel.ways.timing.astype(np.float64)
    due = panel.due.sum(axis=1) / panel.unit[:, None]
    return np.asarray(due - due[:, -1:] * np.arange(1, AHEAD_DAYS + 1) / AHEAD_DAYS)


def own_month(panel: Panel) -> Floats:
    """Give how the balance usually runs through a month from this day on, without its drift.

    Shapes
    ------
    result : float64[n, 90]
        In units of turnover; shrunk where few months are known, 0 where none is.
    """
    if panel.ways is not None:
        return panel.ways.own_month.astype(np.float64)
    backs = [same_day(panel.as_of, months=-months) for months in range(MONTHS + 1)]
    runs = np.stack([_run(panel, start, end) for end, start in pairwise(backs)], axis=1)
    known = (~np.isnan(runs[:, :, 0])).sum(axis=1)
    ranked = np.sort(runs, axis=1)  # what is not known goes last
    rows, half = np.arange(len(runs)), np.maximum(known - 1, 0)
    middle = (ranked[rows, half // 2] + ranked[rows, (half + 1) // 2]) / 2
    usual = np.where(known[:, None] > 0, middle * (known / (known + 1))[:, None] / panel.unit[:, None], 0.0)
    ahead = np.arange(1, AHEAD_DAYS + 1)
    starts = np.stack([same_day(panel.as_of, months=months) - panel.as_of for months in range(4)], axis=1)
    began = (ahead[None, :, None] >= starts[:, None, :]).sum(axis=2) - 1
    into = ahead - np.take_along_axis(starts, began, axis=1)
    return np.asarray(np.take_along_axis(usual, into, axis=1))


def _run(panel: Panel, start: Integers, end: Integers) -> Floats:
    """Give the balance between two days of each row, without the straight line from the one to the other."""
    days = np.arange(_LONGEST_MONTH + 1)
    length = (end - start)[:, None]
    at = SPAN - (panel.as_of - start)[:, None]
    path = np.take_along_axis(panel.closing, at + np.minimum(days, length), axis=1)
    return path - path[:, :1] - (path[:, -1:] - path[:, :1]) * np.minimum(days / length, 1.0)


def months_ahead(days: Integers) -> Integers:
    """Give the calendar month, 1 to 12, of each of the ninety days ahead of some days.

    Examples
    --------
    >>> months_ahead(np.array([29]))[0, [0, 1, 2, 29]].tolist()  # from 30 January 1970
    [1, 2, 2, 3]
    """
    ahead = (days[:, None] + np.arange(1, AHEAD_DAYS + 1)).astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray(ahead.astype(np.int64) % MONTHS_OF_YEAR + 1)


def shares_of_months(months: Integers) -> Floats:
    """Give the share of each calendar month in the days ahead within each horizon.

    Shapes
    ------
    months : int64[n, 90]
    result : float64[n, 3, 12]
    """
    counts = (months[:, :, None] == np.arange(1, MONTHS_OF_YEAR + 1)).cumsum(axis=1, dtype=np.int16)
    return np.asarray(counts[:, np.array(WITHIN_DAYS) - 1] / np.array(WITHIN_DAYS)[:, None])


def same_day(days: Integers, *, months: int) -> Integers:
    """Give the same days of the month some months later, or the last day of a month that is too short.

    Examples
    --------
    >>> same_day(np.array([30, 31, 58]), months=1).tolist()  # 31 January, 1 and 28 February 1970
    [58, 59, 86]
    """
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    into = (dates - month).astype(np.int64)
    later = (month + months).astype("datetime64[D]").astype(np.int64)
    after = (month + months + 1).astype("datetime64[D]").astype(np.int64)
    return np.asarray(np.minimum(later + into, after - 1), dtype=np.int64)

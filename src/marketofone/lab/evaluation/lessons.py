"""What the peers learn from: past days of many accounts, what they looked like, and what happened after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.models.forecast.history import history_of
from marketofone.models.forecast.labels import AHEAD_DAYS, Labels, labels
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Lesson(NamedTuple):
    """Some past days of an account, and the truth after them: all 90 days of each were observed."""

    account: Account
    truth: Labels


def lessons(accounts: Sequence[Account], *, known_until: int, stride: int, minimum_days: int) -> Iterator[Lesson]:
    """Give the past days, on one calendar for all accounts, after which 90 days were observed.

    An account must have been known for ``minimum_days`` by then; nothing after ``known_until`` is looked at.
    """
    for account in accounts:
        known = account.until(known_until)
        if not known.days.size:
            continue
        first = int(known.days[0]) + minimum_days
        last = known_until - AHEAD_DAYS
        after = np.arange(last - (last - first) // stride * stride, last + 1, stride)
        if not after.size:
            continue
        truth = labels(known, after=after, known_until=known_until)
        whole = ~np.isnan(truth.balances).any(axis=1) & ~np.isnan(truth.turnover)
        if whole.any():
            yield Lesson(known, chosen(truth, whole))


def chosen(truth: Labels, rows: NDArray[np.bool_]) -> Labels:
    """Give some of the days."""
    return Labels(**{name: value[rows] for name, value in vars(truth).items()})


def closing_until(account: Account, as_of: int) -> Floats:
    """Give the closing balance of every day from the account's first to ``as_of``."""
    days = np.arange(int(account.days[0]), as_of + 1)
    return history_of(account, as_of).closing(days).astype(np.float64)


def largest_debit(account: Account, days: Integers) -> Floats:
    """Give the largest single debit of the 90 days up to each of some days."""
    last = int(days.max())
    first = int(account.days[0])
    largest = np.zeros(last - first + 1 + AHEAD_DAYS)
    seen = account.days <= last
    np.maximum.at(largest, account.days[seen] - first + AHEAD_DAYS, -account.amounts[seen])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(largest, AHEAD_DAYS)[days - first + 1].max(axis=1))


def usual(turnover: Floats) -> Floats:
    """Give monthly turnovers that can be divided by; an account of less than a month has none."""
    return np.maximum(np.nan_to_num(turnover), 1.0)

"""Tests of a forecast that never show it the future.

- *Account split*: accounts are dealt into folds. A method learns from everything of the other folds, days after the
  cut-off included, and looks ahead on accounts it never saw. This stands for a bank with years of history.
- *Time split*: a method learns from all accounts, and from nothing after the cut-off. Months it never saw may come.

Either way the accounts it looks ahead on are cut at the cut-off before it sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.moment import day_number
from marketofone.lab.evaluation.scores import QUANTILES
from marketofone.models.forecast.history import BLOCK_DAYS, history_of
from marketofone.models.forecast.labels import AHEAD_DAYS, EVENTS, SILENT_DAYS, WITHIN_DAYS, labels
from marketofone.profile.ledger import Account

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Split = Literal["account", "time"]

FOLDS = 4
MINIMUM_HISTORY = 120
FIRST_YEAR = (day_number(date(1993, 12, 31)), day_number(date(1993, 9, 30)))
MINIMUM_APPLICANT_HISTORY = 151


class Ahead(NamedTuple):
    """What a method says of some accounts; NaN where it abstains.

    Shapes
    ------
    quantiles : float64[n, 90, 9]
        Closing balances of the next 90 days, minor units.
    events : float64[n, 6, 3] or None
        Chances by event and horizon; None when the method knows no events.
    """

    quantiles: Floats
    events: Floats | None = None


Predict = Callable[[Sequence[Account], int], Ahead]
"""Looks ahead on accounts as known at the end of a day."""

Fit = Callable[[Sequence[Account], int], Predict]
"""Learns from accounts as known at the end of a day."""


class Method(NamedTuple):
    """A way to forecast. A slow one is tried on a sample of the accounts."""

    name: str
    fit: Fit
    slow: bool = False


@dataclass(frozen=True, kw_only=True)
class Test:
    """Which accounts are judged, and on which days they are cut.

    An account counts at a cut-off when it has the days of history, first and last included, and when all 90 days after
    it were observed: it moved after them, or at most ``silent_days`` before their end.
    """

    name: str
    as_of: tuple[int, ...]
    known_until: int
    minimum_history: int
    silent_days: int
    pooled: bool = False
    """Whether all cut-offs are scored together."""


@dataclass(frozen=True)
class Rows:
    """What really came, one row per account and cut-off.

    Shapes
    ------
    account, as_of, history_days, turnover, scale : [n]
    balances : float64[n, 90]
    lead : float64[n, 6]
    events : float64[n, 6, 3]
    """

    account: Integers
    as_of: Integers
    history_days: Floats
    turnover: Floats
    scale: Floats
    """The mean absolute change of the balance in 30 days, over the history."""
    balances: Floats
    lead: Floats
    events: Floats


class Case(NamedTuple):
    """A test on some accounts, and what really came."""

    test: Test
    accounts: Sequence[Account]
    rows: Rows


class Outcome(NamedTuple):
    """What a method said of the rows asked for, and the processor seconds it took to learn and to look ahead."""

    ahead: Ahead
    fit_seconds: float
    predict_seconds: float


def first_year(accounts: Sequence[Account], *, as_of: Sequence[int]) -> Test:
    """Give the test R1: cut-offs at the ends of December and September 1993 unless others are given."""
    return dated(accounts, as_of=as_of or FIRST_YEAR, name="R1")


def dated(accounts: Sequence[Account], *, as_of: Sequence[int], name: str) -> Test:
    """Give a test with cut-offs of one's own choice; without any, the last day that has 90 days after it."""
    last = _last(accounts)
    return Test(
        name=name,
        as_of=tuple(as_of) or (last - AHEAD_DAYS,),
        known_until=last,
        minimum_history=MINIMUM_HISTORY,
        silent_days=SILENT_DAYS,
    )


def loan_applicants(accounts: Sequence[Account]) -> Test:
    """Give the test R2: twelve cut-offs, two months apart from the end of July 1996.

    All are scored together, for at each there are few accounts. These records stop where the loan begins, so an account
    counts only if it still moved after the 90 days.
    """
    ends = np.datetime64("1996-08", "M") + 2 * np.arange(12)
    days = ends.astype("datetime64[D]").astype(np.int64) - 1
    return Test(
        name="R2",
        as_of=tuple(days.tolist()),
        known_until=_last(accounts),
        minimum_history=MINIMUM_APPLICANT_HISTORY,
        silent_days=0,
        pooled=True,
    )


def _last(accounts: Sequence[Account]) -> int:
    return max(int(account.days[-1]) for account in accounts if account.days.size)


def rows_of(accounts: Sequence[Account], test: Test) -> Rows:
    """Give what really came after the cut-offs of a test."""
    found: list[tuple[int, Integers, Floats]] = []
    truths = []
    for number, account in enumerate(accounts):
        upto = min(test.known_until, int(account.days[-1]) + test.silent_days) if account.days.size else 0
        cuts = [day for day in test.as_of if account.days.size and day - account.days[0] + 1 >= test.minimum_history]
        after = np.array([day for day in cuts if day + AHEAD_DAYS <= upto], dtype=np.int64)
        truth = labels(account, after=after, known_until=test.known_until) if after.size else None
        if truth is not None and not np.isnan(truth.balances).any():
            scales = np.array([_scale(account, day) for day in after.tolist()])
            found.append((number, after, scales))
            truths.append(truth)
    joined = [np.repeat(number, len(after)) for number, after, _ in found]
    as_of = np.concatenate([np.zeros(0, dtype=np.int64), *(after for _, after, _ in found)])
    numbers = np.concatenate([np.zeros(0, dtype=np.int64), *joined])
    opened = np.array([int(account.days[0]) if account.days.size else 0 for account in accounts], dtype=np.int64)
    return Rows(
        account=numbers,
        as_of=as_of,
        history_days=(as_of - opened[numbers] + 1).astype(np.float64),
        turnover=np.concatenate([np.zeros(0), *(truth.turnover for truth in truths)]),
        scale=np.concatenate([np.zeros(0), *(scales for _, _, scales in found)]),
        balances=np.concatenate([np.zeros((0, AHEAD_DAYS)), *(truth.balances for truth in truths)]),
        lead=np.concatenate([np.zeros((0, len(EVENTS))), *(truth.lead for truth in truths)]),
        events=np.concatenate([np.zeros((0, len(EVENTS), len(WITHIN_DAYS))), *(truth.events for truth in truths)]),
    )


def _scale(account: Account, day: int) -> float:
    closing = history_of(account, day).closing(np.arange(int(account.days[0]), day + 1))
    return float(np.abs(closing[BLOCK_DAYS:] - closing[:-BLOCK_DAYS]).mean())


def folds_of(accounts: Sequence[Account], *, seed: int) -> Integers:
    """Deal accounts into folds by their names, so that the order in which they come changes nothing."""
    names = [account.name for account in accounts]
    rank = np.argsort(np.argsort(np.array(names, dtype=object), kind="stable"), kind="stable")
    dealt = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    return np.asarray(dealt[rank], dtype=np.int64)


def sample_of(rows: Rows, *, count: int, seed: int) -> NDArray[np.bool_]:
    """Choose the rows of some accounts, always the same."""
    accounts = np.unique(rows.account)
    chosen = np.random.default_rng(seed).permutation(accounts)[:count]
    return np.isin(rows.account, chosen)


def answer(
    method: Method,
    case: Case,
    *,
    asked: NDArray[np.bool_],
    split: Split,
    seed: int,
    clock: Callable[[], float],
) -> Outcome:
    """Let a method answer the rows of a case that it is asked about; ``clock`` tells processor seconds."""
    rows = case.rows
    quantiles = np.full((len(rows.account), AHEAD_DAYS, QUANTILES.size), np.nan)
    events: Floats | None = np.full((len(rows.account), len(EVENTS), len(WITHIN_DAYS)), np.nan)
    learning = looking = 0.0
    for training, known_until, of in _lessons(case, asked=asked, split=split, seed=seed):
        began = clock()
        predict = method.fit(training, known_until)
        learning += clock() - began
        for day in np.unique(rows.as_of[of]).tolist():
            at = np.flatnonzero(of & (rows.as_of == day))
            known = [case.accounts[number].until(day) for number in rows.account[at].tolist()]
            began = clock()
            ahead = predict(known, day)
            looking += clock() - began
            quantiles[at] = ahead.quantiles
            if events is None or ahead.events is None:
                events = None
            else:
                events[at] = ahead.events
    return Outcome(Ahead(quantiles, events), learning, looking)


def _lessons(
    case: Case, *, asked: NDArray[np.bool_], split: Split, seed: int
) -> Iterator[tuple[list[Account], int, NDArray[np.bool_]]]:
    """Give what is learned from, until when, and the rows that are asked about afterwards."""
    test, accounts, rows = case
    if split == "time":
        for day in np.unique(rows.as_of[asked]).tolist():
            known = [cut for account in accounts if (cut := account.until(day)).days.size]
            yield known, day, asked & (rows.as_of == day)
        return
    folds = folds_of(accounts, seed=seed)
    for fold in np.unique(folds[rows.account[asked]]).tolist():
        others = [accounts[number] for number in np.flatnonzero(folds != fold).tolist()]
        yield others, test.known_until, asked & (folds[rows.account] == fold)

"""What really happened after a day: the truth that forecasts learn from and are judged by.

Definitions
-----------
- *Balance*: what stood on the account at the end of each of the next 90 days, summed up from the flows.
- *Observed*: up to the last known day, and no later than a month after the account's last movement, for nobody knows
  whether an account that fell silent was closed. What was not observed is told by NaN.
- *Short of money*: the closing balance falls under zero, under a buffer (a tenth of a month's turnover), or under the
  account's own floor (the balance under which it was on one in twenty of its last 180 days). Where the account may be
  overdrawn, zero and buffer lie as much lower. An account that is there already cannot fall: NaN.
- *Large expense*: one debit above a month's turnover.
- *Income change, income drop*: the income of one of the whole 30-day blocks ahead differs by more than a fifth from
  the mean of the last three blocks, or is lower by more than a fifth. Interest, fees and penalty interest are no
  income, and neither is the known bonus.
- *Known bonus*: a credit of one kind recurs when three payments have the same amount within some 2 %. A payment in
  its place (same day of the month, give or take three; a month without the usual one) of more than 1.2 times that
  amount is a bonus. It is known in the calendar months that paid one, and half a year later; there only the usual
  amount counts, before the day and after it. A first bonus is a change of income; a known one that fails to come is
  not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.fields import Nature
from marketofone.models.forecast.history import BLOCK_DAYS, history_of
from marketofone.profile.ledger import UNTOLD, Account, Kind

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AHEAD_DAYS = 90
EVENTS = ("below_zero", "below_buffer", "below_own_floor", "large_expense", "income_change", "income_drop")
WITHIN_DAYS = (30, 60, 90)
NO_INCOME = frozenset({"interest", "fees", "penalty_interest"})
EARNED: frozenset[Nature | None] = frozenset({"salary", "pension", "benefit", "other_income"})
"""Natures of income; where no nature is known on an account, every credit counts but ``NO_INCOME``."""
SILENT_DAYS = 30
CHANGE = 0.2
_FLOOR_SPAN = 180
_ONE_IN = 20
BUFFER = 10
"""The buffer is this part of a month's turnover: about three days."""
_BLOCKS = 6
_BASE = 3
_TIMES = 3
_SAME_AMOUNT = 0.02
_SAME_PLACE = 3
_BONUS = 1.2
_HALF_YEAR = 6
_MONTH_DAYS = 31


@dataclass(frozen=True)
class Baseline:
    """What was so at the end of some days.

    Shapes
    ------
    days, opening, turnover, floor, income, latest_income : [m]

    Units
    -----
    Days since 1970-01-01; minor units.
    """

    days: Integers
    opening: Floats
    """The closing balance of the day itself."""
    turnover: Floats
    floor: Floats
    income: Floats
    """The mean of the last three blocks, net of known bonuses; NaN before there were three."""
    latest_income: Floats
    """The same of the last block alone."""


@dataclass(frozen=True)
class Labels(Baseline):
    """What was so at the end of some days, and what happened after them.

    Shapes
    ------
    balances : float64[m, 90]
    lead : float64[m, 6]
        By ``EVENTS``: the day ahead (1 to 90) on which it first happens, for income the first day of the block;
        infinity when it does not happen, as far as was observed.
    events : float64[m, 6, 3]
        By ``EVENTS`` and ``WITHIN_DAYS``: 1 happened, 0 did not, NaN cannot be told.
    """

    balances: Floats
    lead: Floats
    events: Floats


def baseline(account: Account, *, days: Integers) -> Baseline:
    """Tell what was so at the end of some days, from no movement after the last of them.

    Shapes
    ------
    days : int64[m]
        None may lie before the account's first movement.
    """
    known = account.until(int(days.max()))
    closing, at = _closing(known, int(days.max())), days - known.days[0]
    income, latest, _ = _incomes(known, days, blocks=_BASE)
    return Baseline(days, closing[at], _turnover(known, len(closing), at), _floor(closing, at), income, latest)


def labels(account: Account, *, after: Integers, known_until: int) -> Labels:
    """Tell what happened after each of some days, from movements up to ``known_until``.

    Shapes
    ------
    after : int64[m]
        No day may lie before the account's first movement.

    Examples
    --------
    >>> from marketofone.profile.ledger import Kind
    >>> days = np.arange(0, 300, 10)
    >>> amounts = np.where(days % 30 == 0, 900_00, -450_00)
    >>> account = Account("a", "EUR", (Kind(None, None, None),), days, amounts, days * 0, np.cumsum(amounts))
    >>> truth = labels(account, after=np.array([150]), known_until=299)
    >>> truth.opening.tolist(), truth.balances[0, [8, 9, 19]].tolist()
    ([90000.0], [90000.0, 45000.0, 0.0])
    >>> dict(zip(EVENTS, truth.events[0, :, 0].tolist()))["income_change"]
    0.0
    """
    known = account.until(known_until)
    first = int(known.days[0])
    seen_until = min(known_until, int(known.days[-1]) + SILENT_DAYS)
    closing = _closing(known, max(seen_until, int(after.max()) + AHEAD_DAYS))
    length, at = len(closing), after - first
    ahead = at[:, None] + np.arange(1, AHEAD_DAYS + 1)
    balances = np.where(first + ahead <= seen_until, closing[ahead], np.nan)
    turnover, floor = _turnover(known, length, at), _floor(closing, at)
    largest = np.zeros(length)
    np.maximum.at(largest, known.days - first, -known.amounts)
    income, latest, later = _incomes(known, after, blocks=_BASE + len(WITHIN_DAYS))
    change, limit = later - income[:, None], CHANGE * income[:, None]
    lines = (np.full(len(at), 0.0 - known.limit), turnover // BUFFER - known.limit, floor)
    lead = np.stack(
        [
            *(_first(balances < line[:, None], told=closing[at] >= line) for line in lines),
            _first(largest[ahead] > turnover[:, None], told=turnover > 0),
            *(
                _first(np.repeat(hit, BLOCK_DAYS, axis=1), told=income > 0)
                for hit in (np.abs(change) > limit, change < -limit)
            ),
        ],
        axis=1,
    )
    events = np.where(np.isnan(lead)[..., None], np.nan, lead[..., None] <= WITHIN_DAYS)
    events[np.broadcast_to((after[:, None] + WITHIN_DAYS > seen_until)[:, None, :], events.shape)] = np.nan
    return Labels(after, closing[at], turnover, floor, income, latest, balances, lead, events)


def _closing(account: Account, until: int) -> Floats:
    """Give the closing balances from the first movement on; after the last one nothing moves. NaN if none was told."""
    days = np.arange(int(account.days[0]), until + 1)
    if (account.balances == UNTOLD).all():
        return np.full(len(days), np.nan)
    return history_of(account, until).closing(days).astype(np.float64)


def _first(hit: NDArray[np.bool_], *, told: NDArray[np.bool_]) -> Floats:
    """Give the first day ahead on which it happened, infinity where it never did, NaN where that cannot be told."""
    return np.where(told, np.where(hit.any(axis=1), hit.argmax(axis=1) + 1.0, np.inf), np.nan)


def _turnover(account: Account, length: int, at: Integers) -> Floats:
    """Give the median of up to six months' turnover on some days, months of thirty days; NaN before there was one."""
    moved = np.zeros((2, length + 1))
    np.add.at(moved, ((account.amounts < 0).astype(int), account.days - account.days[0] + 1), np.abs(account.amounts))
    upto = np.cumsum(moved, axis=1)
    edges = np.maximum(at[:, None] + 1 - BLOCK_DAYS * np.arange(_BLOCKS + 1), 0)
    sums = -np.diff(upto[:, edges], axis=2)
    blocks = np.minimum(_BLOCKS, at // BLOCK_DAYS)
    turnover = np.full(len(at), np.nan)
    for count in np.unique(blocks[blocks > 0]):
        of = blocks == count
        turnover[of] = np.maximum(1, np.median(sums[:, of, :count], axis=2).max(axis=0) // 1)
    return turnover


def _floor(closing: Floats, at: Integers) -> Floats:
    """Give the account's own floor on some days; NaN before there was a month."""
    before = np.concatenate((np.full(_FLOOR_SPAN, np.inf), closing))
    ranked = np.sort(np.lib.stride_tricks.sliding_window_view(before, _FLOOR_SPAN + 1)[at], axis=1)
    floor = ranked[np.arange(len(at)), np.minimum(at, _FLOOR_SPAN) // _ONE_IN]
    return np.where(at >= BLOCK_DAYS, floor, np.nan)


def _may_be_income(kind: Kind, *, natures: bool) -> bool:
    if kind.category in NO_INCOME:
        return False
    return kind.nature in EARNED if natures else True


def _incomes(account: Account, after: Integers, *, blocks: int) -> tuple[Floats, Floats, Floats]:
    """Give the income of the last three blocks on average (NaN before there were three), of the last, of the next.

    ``blocks`` counts the three.
    """
    natures = any(kind.nature is not None for kind in account.kinds)
    none = np.array([not _may_be_income(kind, natures=natures) for kind in account.kinds], dtype=bool)
    earned = (account.amounts > 0) & ~none[account.of]
    first = int(account.days[0])
    days, amounts = account.days[earned], account.amounts[earned]
    edges = after[:, None] + 1 + BLOCK_DAYS * np.arange(-_BASE, blocks - _BASE + 1)
    upto = np.concatenate(([0.0], np.cumsum(amounts)))
    paid = np.diff(upto[np.searchsorted(days, edges)], axis=1)
    for kind in np.unique(account.of[earned]):
        of = earned & (account.of == kind)
        if np.count_nonzero(of) >= _TIMES:
            paid -= _bonuses(account.days[of], account.amounts[of], after, blocks=blocks)
    base = np.where(edges[:, 0] >= first, paid[:, :_BASE].mean(axis=1), np.nan)
    return base, paid[:, _BASE - 1], paid[:, _BASE:]


def _bonuses(days: Integers, amounts: Integers, after: Integers, *, blocks: int) -> Floats:
    """Give what known bonuses of one kind of credit paid above the usual amount, in the blocks around some days.

    Shapes
    ------
    result : float64[m, blocks]
    """
    usual, place = _usual(days, amounts)
    past = np.searchsorted(days, after, side="right")
    usual, place = usual[past, None], place[past, None]
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]").astype(np.int64)
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    off = np.abs((of_month - place + _MONTH_DAYS // 2) % _MONTH_DAYS - _MONTH_DAYS // 2)
    each = np.eye(int(np.ptp(months)) + 1)[months - months[0]]
    paid = (np.abs(amounts - usual) <= _SAME_AMOUNT * usual) @ each > 0
    bonus = (amounts > _BONUS * usual) & (off <= _SAME_PLACE) & (usual > 0) & ~paid[:, months - months[0]]
    seasons = np.eye(_HALF_YEAR)[months % _HALF_YEAR]
    known = (bonus & (np.arange(len(days)) < past[:, None])) @ seasons > 0
    excess = np.where(bonus & known[:, months % _HALF_YEAR], amounts - usual, 0.0)
    block = (days - after[:, None] - 1) // BLOCK_DAYS + _BASE
    return np.stack([(excess * (block == number)).sum(axis=1) for number in range(blocks)], axis=1)


def _usual(days: Integers, amounts: Integers) -> tuple[Floats, Integers]:
    """Give after each payment the amount that came most often so far, 0 before it came three times, and its place."""
    usual, place = np.zeros(len(days) + 1), np.zeros(len(days) + 1, dtype=np.int64)
    times: Counter[int] = Counter()
    steps = np.round(np.log(np.maximum(amounts, 1)) / _SAME_AMOUNT).astype(int).tolist()
    dates = days.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    best = 0
    for number, step in enumerate(steps, start=1):
        times[step] += 1
        usual[number], place[number] = usual[number - 1], place[number - 1]
        if times[step] >= max(best, _TIMES):
            best = times[step]
            usual[number], place[number] = amounts[number - 1], of_month[number - 1]
    return usual, place

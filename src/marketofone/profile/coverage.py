"""What one name of an account tells: from when to when its movements, what stands on it, and whether its orders.

Where an account is told under several names, what one of them covers counts under no other:

1. From the first to the last day of a stretch of movements, those told under another name count nowhere. Two sources
   may date a movement differently: one within ``EDGE_DAYS`` before or after is the same as one near that end, unless
   the other name tells that one, too. A stretch ends where nothing moves for more than ``GAP_DAYS``: that part was not
   told, or nothing happened.
2. What stands on the account counts as told, unless that is older than what another name tells by more days than those
   who ask allow.
3. Orders count as told, where any is told.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Day
from marketofone.domain.money_events import BalanceStated, Movement, OpenBankingBalance, OrderPlaced
from marketofone.profile.ledger import UNTOLD, Account, Integers

EDGE_DAYS = 3
GAP_DAYS = 45


class Stretch(NamedTuple):
    """The days from one movement to another without a long gap, and amounts near its ends that the other name lacks."""

    first: Day
    last: Day
    early: frozenset[int]
    late: frozenset[int]

    def has(self, amount: int, day: Day) -> bool:
        """Say whether a movement of an amount on a day was told in this stretch."""
        if day < self.first:
            return day >= self.first - EDGE_DAYS and amount in self.early
        return day <= self.last or (day <= self.last + EDGE_DAYS and amount in self.late)


class Coverage(NamedTuple):
    """What one name tells of an account; ``balance_day`` is the last day of which it tells what stood on it."""

    stretches: tuple[Stretch, ...] = ()
    balance_day: Day | None = None
    orders: bool = False

    def tells(self, event: Event, *, calendar: Calendar, stale_days: int) -> bool:
        """Say whether what another name tells of the account was told under this one already."""
        data = event.data
        if isinstance(data, Movement):
            day = event.day(calendar)
            return any(stretch.has(data.amount_minor, day) for stretch in self.stretches)
        if isinstance(data, OpenBankingBalance | BalanceStated):
            return self.balance_day is not None and event.day(calendar) <= self.balance_day + stale_days
        return isinstance(data, OrderPlaced) and self.orders


class _Moves(NamedTuple):
    days: Integers
    amounts: Integers

    def within(self, first: int, last: int) -> Counter[int]:
        """Count the amounts that moved from one day to another."""
        start, end = self.days.searchsorted(first), self.days.searchsorted(last, side="right")
        return Counter(self.amounts[start:end].tolist())


def coverage_of(account: Account | None, *, beside: Account | None, orders: bool) -> Coverage:
    """Give what a name of an account covers of what another name, ``beside`` it, tells.

    Examples
    --------
    >>> coverage_of(None, beside=None, orders=True)
    Coverage(stretches=(), balance_day=None, orders=True)
    """
    if account is None:
        return Coverage(orders=orders)
    told = account.days[account.balances != UNTOLD]
    own, other = _moves(account), _moves(beside)
    begins = np.flatnonzero(np.diff(own.days) > GAP_DAYS) + 1
    parts = [part for part in np.split(own.days, begins) if part.size]
    stretches = tuple(_stretch(Day(int(part[0])), Day(int(part[-1])), own, other) for part in parts)
    return Coverage(stretches, Day(int(told[-1])) if told.size else None, orders)


def _moves(account: Account | None) -> _Moves:
    if account is None:
        return _Moves(np.zeros(0, np.int64), np.zeros(0, np.int64))
    moved = account.amounts != 0
    return _Moves(account.days[moved], account.amounts[moved])


def _stretch(first: Day, last: Day, own: _Moves, other: _Moves) -> Stretch:
    early, late = (first, min(first + EDGE_DAYS, last)), (max(last - EDGE_DAYS, first), last)
    lacking = (frozenset(own.within(*days) - other.within(*days)) for days in (early, late))
    return Stretch(first, last, *lacking)

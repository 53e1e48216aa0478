"""What one name of an account tells: from when to when its movements, what stands on it, and its orders.

Where an account is told under several names, what one of them covers counts under no other:

1. From the first to the last day of a stretch of movements, those told under another name count nowhere. Two sources
   may date a movement differently: one within ``EDGE_DAYS`` before or after is the same as one near that end, unless
   the other name tells that one, too. A stretch ends where nothing moves for more than ``GAP_DAYS``: that part was not
   told, or nothing happened.
2. What stands on the account counts as told, unless that is older than what another name tells by more days than those
   who ask allow.
3. An order counts as told where the name tells the same one; what only another name knows of counts beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.money_events import BalanceStated, Movement, OpenBankingBalance, OrderPlaced
from marketofone.profile.account_orders import tells_same
from marketofone.profile.ledger import UNTOLD, Account, Integers
from marketofone.profile.orders import Order, orders_of
from marketofone.profile.registers import written_by

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
    orders: tuple[Order, ...] = ()

    def tells(self, event: Event, *, calendar: Calendar, stale_days: int) -> bool:
        """Say whether what another name tells of the account was told under this one already."""
        data = event.data
        if isinstance(data, Movement):
            day = event.day(calendar)
            return any(stretch.has(data.amount_minor, day) for stretch in self.stretches)
        if isinstance(data, OpenBankingBalance | BalanceStated):
            return self.balance_day is not None and event.day(calendar) <= self.balance_day + stale_days
        if not isinstance(data, OrderPlaced) or not self.orders:
            return False
        told = orders_of(written_by(event))
        return any(tells_same(one, other) for one in self.orders for other in told)


class _Moves(NamedTuple):
    days: Integers
    amounts: Integers

    def within(self, first: int, last: int) -> Counter[int]:
        """Count the amounts that moved from one day to another."""
        start, end = self.days.searchsorted(first), self.days.searchsorted(last, side="right")
        return Counter(self.amounts[start:end].tolist())


def coverage_of(account: Account | None, *, beside: Account | None, orders: Iterable[Order]) -> Coverage:
    """Give what a name of an account covers of what another name, ``beside`` it, tells.

    Examples
    --------
    >>> coverage_of(None, beside=None, orders=[])
    Coverage(stretches=(), balance_day=None, orders=())
    """
    orders = tuple(replace(order, told=Instant(0)) for order in orders)  # told again alike, it covers the same
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

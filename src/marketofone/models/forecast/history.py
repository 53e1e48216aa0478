"""Movements of money on one account, and what stood on it at the end of each day.

The order of the movements of a day cannot be trusted, so a day is only ever used as a whole: its closing balance is
the one recorded balance that no other movement of that day starts from, and all earlier balances follow from it by
taking the movements of each day away again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.profile.ledger import UNTOLD, Account

Days = NDArray[np.int64]
Minor = NDArray[np.int64]

BLOCK_DAYS = 30
_BLOCKS = 6


class Movement(Struct, frozen=True):
    """Money moved on an account: positive is money in. ``balance_minor`` is what stood there just after it."""

    day: int
    account: str
    amount_minor: int
    category: str | None = None
    operation: str | None = None
    counterparty: str | None = None
    balance_minor: int | None = None


@dataclass(frozen=True)
class History:
    """One account as known at the end of the day ``as_of``.

    Shapes
    ------
    days, amounts
        One entry per movement, days not decreasing.

    Units
    -----
    Days since 1970-01-01; minor units of the account's currency.
    """

    as_of: int
    days: Days
    amounts: Minor
    balance: int | None
    """What stands on the account at the end of ``as_of``; None when no movement ever said."""

    @property
    def length(self) -> int:
        """The number of days from the first movement to ``as_of``."""
        return self.as_of - int(self.days[0]) if self.days.size else 0

    def closing(self, days: Days) -> Minor:
        """Give the balance at the end of some days up to ``as_of``, from the flows.

        Examples
        --------
        >>> past = history([Movement(1, "a", 700, balance_minor=700), Movement(3, "a", -200)], as_of=4)
        >>> past.closing(np.arange(1, 5)).tolist()
        [700, 700, 500, 500]
        """
        flows = np.concatenate(([0], np.cumsum(self.amounts)))
        later = flows[-1] - flows[np.searchsorted(self.days, days, side="right")]
        return np.asarray((self.balance or 0) - later, dtype=np.int64)

    def turnover(self) -> int:
        """Give the usual monthly turnover: the larger of the median inflow and outflow of the last six 30-day blocks.

        Blocks before the account existed do not count; the result is at least 1.
        """
        blocks = min(_BLOCKS, max(1, self.length // BLOCK_DAYS))
        age = (self.as_of - self.days) // BLOCK_DAYS
        recent = age < blocks
        moved = [
            np.median(np.bincount(age[recent & side], weights=np.abs(self.amounts[recent & side]), minlength=blocks))
            for side in (self.amounts > 0, self.amounts < 0)
        ]
        return max(1, int(max(moved)))


def history(movements: Sequence[Movement], *, as_of: int) -> History:
    """Gather the movements of one account up to a day.

    Examples
    --------
    >>> history([Movement(1, "a", -200, balance_minor=500), Movement(1, "a", 700, balance_minor=700)], as_of=9).balance
    500
    """
    known = sorted((move for move in movements if move.day <= as_of), key=lambda move: move.day)
    days = np.fromiter((move.day for move in known), dtype=np.int64, count=len(known))
    amounts = np.fromiter((move.amount_minor for move in known), dtype=np.int64, count=len(known))
    told = next((move.day for move in reversed(known) if move.balance_minor is not None), None)
    if told is None:
        return History(as_of=as_of, days=days, amounts=amounts, balance=None)
    of_day = [(m.balance_minor, m.amount_minor) for m in known if m.day == told and m.balance_minor is not None]
    balances, moved = np.array(of_day, dtype=np.int64).T
    closing = closing_balance(balances, moved)
    since = int(amounts[np.searchsorted(days, told, side="right") :].sum())
    return History(as_of=as_of, days=days, amounts=amounts, balance=closing + since)


def history_of(account: Account, as_of: int) -> History:
    """Give one account as known at the end of a day.

    Examples
    --------
    >>> days, amounts, balances = np.array([[1, 1], [-200, 700], [500, 700]])
    >>> history_of(Account("a", "EUR", (), days, amounts, days * 0, balances), as_of=9).balance
    500
    """
    past = account.until(as_of)
    told = np.flatnonzero(past.balances != UNTOLD)
    if not told.size:
        return History(as_of=as_of, days=past.days, amounts=past.amounts, balance=None)
    last = past.days[told[-1]]
    at = told[past.days[told] == last]
    closing = closing_balance(past.balances[at], past.amounts[at])
    since = int(past.amounts[np.searchsorted(past.days, last, side="right") :].sum())
    return History(as_of=as_of, days=past.days, amounts=past.amounts, balance=closing + since)


def together(accounts: Sequence[History]) -> History:
    """Give several accounts, known until the same day and each with a balance, as one."""
    days = np.concatenate([account.days for account in accounts])
    order = np.argsort(days, kind="stable")
    amounts = np.concatenate([account.amounts for account in accounts])[order]
    balance = sum(account.balance or 0 for account in accounts)
    return History(as_of=accounts[0].as_of, days=days[order], amounts=amounts, balance=balance)


def closing_balance(balances: Minor, amounts: Minor) -> int:
    """Give the closing balance of a day from what its movements told, in any order.

    It is the recorded balance farthest from every opening balance of the day; the last one when all are equal.

    Shapes
    ------
    balances, amounts : int64[n]
        One entry per movement that told a balance, n > 0.

    Examples
    --------
    >>> closing_balance(np.array([500, 700]), np.array([-200, 700]))
    500
    """
    told, moved = balances[::-1], amounts[::-1]
    distances = np.abs(told[:, np.newaxis] - (told - moved))
    np.fill_diagonal(distances, np.iinfo(np.int64).max)
    return int(told[distances.min(axis=1).argmax()])

"""Movements of money on one account, and what stood on it at the end of each day.

The order of the movements of a day cannot be trusted, so a day is only ever used as a whole: its closing balance is
the one recorded balance that no other movement of that day starts from, and all earlier balances follow from it by
taking the movements of each day away again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.languages import message
from marketofone.profile.account_types import LIQUID
from marketofone.profile.ledger import UNTOLD, Account

Days = NDArray[np.int64]
Minor = NDArray[np.int64]

BLOCK_DAYS = 30
MINIMUM_DAYS = 30
MINIMUM_MOVEMENTS = 4
MAXIMUM_SILENCE = 62  # days: two months without a single movement, and what goes on then is unknown


QUIET_DAYS = 7
"""Beyond a week, and beyond what is usual for an account, what it does not tell is no payment that stayed away."""
_USUAL_DAYS, _LATE_DAYS = 180, 3


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
        >>> past = History(as_of=4, days=np.array([1, 3]), amounts=np.array([700, -200]), balance=500)
        >>> past.closing(np.arange(1, 5)).tolist()
        [700, 700, 500, 500]
        """
        flows = np.concatenate(([0], np.cumsum(self.amounts)))
        later = flows[-1] - flows[np.searchsorted(self.days, days, side="right")]
        return np.asarray((self.balance or 0) - later, dtype=np.int64)


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
    told, opening = balances[::-1], (balances - amounts)[::-1]
    # Beside its own, the nearest opening balance is one of two below or two above, whatever the number of movements.
    order = opening.argsort(kind="stable")
    near = opening[order].searchsorted(told)[:, np.newaxis] + np.arange(-2, 2)
    near = order[near.clip(0, len(told) - 1)]
    distances = np.abs(told[:, np.newaxis] - opening[near])
    distances[near == np.arange(len(told))[:, np.newaxis]] = np.iinfo(np.int64).max
    return int(told[distances.min(axis=1).argmax()])


def heard_until(account: Account, *, as_of: int) -> int:
    """Give the day up to which an account is known: ``as_of``, or its last movement where nothing was heard since.

    Nothing was heard where it is silent for more than a week, and longer than it was in the half year before.

    Examples
    --------
    >>> days = np.arange(0, 60, 5)
    >>> shop = Account("a", "EUR", (), days, days * 0 - 1, days * 0, days)
    >>> [heard_until(shop, as_of=day) for day in (55, 63, 64)]
    [55, 63, 55]
    """
    past = account.until(as_of).days
    if not past.size:
        return as_of
    last = int(past[-1])
    gaps = np.diff(past[past > last - _USUAL_DAYS])
    usual = int(gaps.max(initial=0)) + _LATE_DAYS
    return as_of if as_of - last <= max(QUIET_DAYS, usual) else last


def is_silent(account: Account, *, as_of: int) -> bool:
    """Say whether nothing was heard of an account for so long that nothing is said of now."""
    return as_of - heard_until(account, as_of=as_of) > MAXIMUM_SILENCE


_NO_MONEY = message("what stands on a %(text_type)s account is no money to spend")
_TOO_LITTLE = message("%(number)s movements in %(number_days)s days are not enough history")
_SILENT = message("nothing has moved for %(number_days)s days")


def silence(account: Account, *, as_of: int) -> str | None:
    """Give the reason why an account is too little known to look ahead, None when it is not."""
    if account.type not in LIQUID:
        return _NO_MONEY % {"text_type": account.type}
    count = int(account.days.size)
    length = as_of - int(account.days[0]) if count else 0
    if count < MINIMUM_MOVEMENTS or length < MINIMUM_DAYS:
        return _TOO_LITTLE % {"number": count, "number_days": length}
    silent = as_of - int(account.days[-1])
    return _SILENT % {"number_days": silent} if silent > MAXIMUM_SILENCE else None

"""The same account, told by two sources: here, and as one at another bank. It counts once.

1. An account is recognised by its number: the one that was told, or its name where that is an IBAN, or a sort code with
   a number. The currency is the same, too.
2. Both sources must be open: where only one is, what that one tells counts whole.
3. What is told here wins. From the first to the last day on which movements are told here, those told elsewhere count
   nowhere; before and after they count. Within ``EDGE_DAYS`` of these days, one of an amount that was told here is the
   same one: two sources may date it differently.
4. What stands on it counts as told here, unless that is ``STALE_DAYS`` older than what is told elsewhere. Orders count
   as told here, where any is told here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from marketofone.domain.account_numbers import is_known_everywhere
from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Day
from marketofone.domain.money_events import OpenBankingBalance, OpenBankingOrder, OpenBankingTransaction
from marketofone.profile.ledger import UNTOLD, Account, Ledger, accounts
from marketofone.profile.registers import Registers

EDGE_DAYS = 3
STALE_DAYS = 120


class Told(NamedTuple):
    """What a source told of a person's money."""

    registers: Registers
    ledger: Ledger


class Twice(NamedTuple):
    """An account that is told twice: its names, and what is told here of it.

    ``first`` and ``last`` are the days of the first and the last movement, None where there is none; ``early`` and
    ``late`` the amounts near them; ``balance_day`` when last was told what stands on it, ``orders``
    whether any order is told here.
    """

    here: str
    elsewhere: str
    currency: str
    first: Day | None
    last: Day | None
    early: frozenset[int]
    late: frozenset[int]
    balance_day: Day | None
    orders: bool


def told_twice(here: Told, elsewhere: Told) -> tuple[Twice, ...]:
    """Give the accounts that two sources tell, sorted by their names elsewhere.

    Examples
    --------
    >>> from marketofone.profile.ledger import NO_LEDGER
    >>> from marketofone.profile.registers import Register
    >>> iban, known = "DE89370400440532013000", Register(0, b"", (500, "EUR"))
    >>> here, elsewhere = Told({f"balance.{iban}": known}, NO_LEDGER), Told({f"outside.x/{iban}": known}, NO_LEDGER)
    >>> [one.elsewhere for one in told_twice(here, elsewhere)]
    ['x/DE89370400440532013000']
    """
    others = _numbers(elsewhere, institutions=True)
    own = _numbers(here, institutions=False) if others else {}
    names = {(number, currency): name for (name, currency), number in sorted(own.items(), reverse=True)}
    same = [
        (names[number, currency], other, currency)
        for (other, currency), number in sorted(others.items())
        if (number, currency) in names
    ]
    read = {(account.name, account.currency): account for account in accounts([here.ledger])} if same else {}
    return tuple(
        _twice(name, other, currency, read.get((name, currency)), orders=_has_orders(here.registers, name))
        for name, other, currency in same
    )


def counts_beside(event: Event, twice: Iterable[Twice], *, calendar: Calendar) -> bool:
    """Say whether an event of an account elsewhere counts beside what is told here."""
    data = event.data
    if not isinstance(data, OpenBankingTransaction | OpenBankingBalance | OpenBankingOrder):
        return True
    name = f"{data.institution}/{data.account}"
    same = next((one for one in twice if (one.elsewhere, one.currency) == (name, data.currency)), None)
    if same is None:
        return True
    day = event.day(calendar)
    if isinstance(data, OpenBankingBalance):
        return same.balance_day is None or day > same.balance_day + STALE_DAYS
    if isinstance(data, OpenBankingOrder):
        return not same.orders
    if same.first is None or same.last is None:
        return True
    return _moves_beside(data.amount_minor, day, first=same.first, last=same.last, of=same)


def _moves_beside(amount: int, day: Day, *, first: Day, last: Day, of: Twice) -> bool:
    if day < first:
        return day < first - EDGE_DAYS or amount not in of.early
    return day > last and (day > last + EDGE_DAYS or amount not in of.late)


def _twice(here: str, elsewhere: str, currency: str, account: Account | None, *, orders: bool) -> Twice:
    if account is None:
        return Twice(here, elsewhere, currency, None, None, frozenset(), frozenset(), None, orders)
    told = account.days[account.balances != UNTOLD]
    balance_day = Day(int(told[-1])) if told.size else None
    moved = account.amounts != 0
    days, amounts = account.days[moved], account.amounts[moved]
    if not days.size:
        return Twice(here, elsewhere, currency, None, None, frozenset(), frozenset(), balance_day, orders)
    first, last = Day(int(days[0])), Day(int(days[-1]))
    early = frozenset(np.unique(amounts[days <= first + EDGE_DAYS]).tolist())
    late = frozenset(np.unique(amounts[days >= last - EDGE_DAYS]).tolist())
    return Twice(here, elsewhere, currency, first, last, early, late, balance_day, orders)


def _has_orders(registers: Registers, account: str) -> bool:
    return any(name.startswith(f"order.{account}\n") for name in registers)


def _numbers(told: Told, *, institutions: bool) -> dict[tuple[str, str], str]:
    """Give the numbers of accounts by name and currency, as far as they mean one account in the whole world."""
    numbers: dict[tuple[str, str], str] = {}
    for name, currency in _accounts(told):
        said = told.registers.get(f"number.{name}")
        number = name.partition("/")[2] if institutions else name
        if said is not None:
            numbers[name, currency] = str(said.value)
        elif is_known_everywhere(number):
            numbers[name, currency] = number
    return numbers


def _accounts(told: Told) -> set[tuple[str, str]]:
    """Give the accounts that a source tells of, each with its currencies."""
    found = {(account, currency) for account, currency, _ in told.ledger.kinds.table}
    for name, register in told.registers.items():
        match name.partition("."), register.value:
            case (("account" | "balance" | "outside"), _, account), (_, str(currency), *_):
                found.add((account, currency))
    return found

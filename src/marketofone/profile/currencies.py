"""Accounts in several currencies: which of them can be added up, by which named rates, and which stay apart.

Sums are told in the currency most of a person's payments are in. What is in another currency is counted at one rate for
all its days, that of the day on which somebody looks, so that a sum moves only with the money. Without a rate it stays
apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.money import Rate, converted
from marketofone.domain.rates import KnownRates, is_fresh
from marketofone.profile.ledger import UNTOLD, Account, Integers
from marketofone.profile.orders import Order


class CommonCurrency(Struct, frozen=True):
    """What of some accounts can be added up, in one currency.

    ``rates`` are by the currency they are for; ``stale`` are the newest of those that are too old to be used, and
    ``too_large`` those at which an amount would be larger than amounts may be.
    """

    currency: str
    rates: Mapping[str, Rate] = {}
    apart: frozenset[str] = frozenset()
    stale: Mapping[str, Rate] = {}
    too_large: Mapping[str, Rate] = {}

    def counts(self, account: Account) -> bool:
        """Say whether an account can be added up with the others."""
        return account.currency not in self.apart

    def minor(self, amount: int, currency: str) -> int:
        """Give an amount in the common currency."""
        return amount if currency == self.currency else converted(amount, self.rates[currency])

    def accounts(self, of: Iterable[Account]) -> list[Account]:
        """Give the accounts that can be added up, all in one currency and in their order."""
        return [
            account if account.currency == self.currency else in_currency(account, self.rates[account.currency])
            for account in of
            if self.counts(account)
        ]


def usual_currency(accounts: Iterable[Account]) -> str | None:
    """Give the currency that most payments are in, the first of equals; None where there is no account.

    Examples
    --------
    >>> usual_currency([]) is None
    True
    """
    counts = Counter[str]()
    for account in accounts:
        counts[account.currency] += account.days.size
    return counts.most_common(1)[0][0] if counts else None


def common_currency(accounts: Sequence[Account], *, otherwise: str, rates: KnownRates, day: int) -> CommonCurrency:
    """Find in which currency accounts are added up on a day, and which of them can be; without any, ``otherwise``.

    Examples
    --------
    >>> common_currency([], otherwise="EUR", rates=KnownRates(), day=0)
    CommonCurrency(currency='EUR', rates={}, apart=frozenset(), stale={}, too_large={})
    """
    currency = usual_currency(accounts) or otherwise
    others = sorted({account.currency for account in accounts} - {currency})
    newest = {other: rate for other in others if (rate := rates.newest(other, currency, day=day)) is not None}
    fresh = {other: rate for other, rate in newest.items() if is_fresh(rate, day=day)}
    usable = {
        other: rate
        for other, rate in fresh.items()
        if all(_fits(account, rate) for account in accounts if account.currency == other)
    }
    stale = {other: rate for other, rate in newest.items() if other not in fresh}
    too_large = {other: rate for other, rate in fresh.items() if other not in usable}
    return CommonCurrency(currency, usable, frozenset(set(others) - usable.keys()), stale, too_large)


def in_currency(account: Account, rate: Rate) -> Account:
    """Give an account as it would be in another currency, each amount rounded for itself.

    Examples
    --------
    >>> from marketofone.domain.moment import Day
    >>> from marketofone.profile.ledger import Kind
    >>> at = np.array([1])
    >>> pounds = Account("a", "GBP", (Kind(None, None, None),), at, at * 1000, at * 0, at * UNTOLD)
    >>> euros = in_currency(pounds, Rate("ECB", Day(0), "GBP", "EUR", 117, 100))
    >>> euros.currency, euros.amounts.tolist(), euros.tells_balance
    ('EUR', [1170], False)
    """
    known = account.balances != UNTOLD
    balances = account.balances.copy()
    balances[known] = _converted(account.balances[known], rate)
    return replace(
        account,
        currency=rate.to,
        amounts=_converted(account.amounts, rate),
        balances=balances,
        limit=converted(account.limit, rate),
        orders=tuple(_order_in(order, rate) for order in account.orders),
    )


class PartedOrders(NamedTuple):
    """The orders of one account in its own currency, and those in another that are paid from it all the same."""

    own: tuple[Order, ...]
    foreign: tuple[Order, ...]


def parted_orders(
    orders: Mapping[str, Sequence[Order]], accounts: Sequence[Account]
) -> dict[tuple[str, str], PartedOrders]:
    """Part the orders of accounts, by name, among their currencies.

    An order in a currency that its account has no money in is paid from the one that most payments there are in.

    Examples
    --------
    >>> parted_orders({}, [])
    {}
    """
    held: dict[str, list[Account]] = {}
    for account in accounts:
        held.setdefault(account.name, []).append(account)
    parted: dict[tuple[str, str], PartedOrders] = {}
    for name, parts in held.items():
        currencies, main = {part.currency for part in parts}, usual_currency(parts)
        for currency in currencies:
            own = tuple(one for one in orders.get(name, ()) if one.currency in (None, currency))
            foreign = tuple(
                one for one in orders.get(name, ()) if currency == main and one.currency not in (None, *currencies)
            )
            parted[name, currency] = PartedOrders(own, foreign)
    return parted


class OrdersCounted(NamedTuple):
    """Accounts with their orders in other currencies, the rates these count at, and the currencies of the others.

    ``apart`` gives the rate that cannot be used for a currency, None where there is none.
    """

    accounts: list[Account]
    rates: tuple[Rate, ...]
    apart: Mapping[str, Rate | None]


def with_foreign_orders(accounts: Iterable[Account], *, rates: KnownRates, day: int) -> OrdersCounted:
    """Count the orders of accounts that are in another currency than theirs, each at the rate of a day.

    Examples
    --------
    >>> with_foreign_orders([], rates=KnownRates(), day=0)
    OrdersCounted(accounts=[], rates=(), apart={})
    """
    counted, used, apart = list[Account](), set[Rate](), dict[str, Rate | None]()
    for account in accounts:
        more = list[Order]()
        for order in account.foreign:
            rate = rates.newest(order.currency or account.currency, account.currency, day=day)
            if rate is None or not is_fresh(rate, day=day) or not _fits_order(order, rate):
                apart |= {} if order.ended else {str(order.currency): rate}
                continue
            used.add(rate)
            more.append(_order_in(order, rate))
        counted.append(replace(account, orders=(*account.orders, *more), foreign=()))
    return OrdersCounted(counted, tuple(sorted(used, key=lambda rate: rate.text)), apart)


def _fits_order(order: Order, rate: Rate) -> bool:
    return converted(abs(order.amount_minor or 0), rate) <= MAX_MINOR


def _order_in(order: Order, rate: Rate) -> Order:
    if order.amount_minor is None:
        return order
    return msgspec.structs.replace(order, currency=rate.to, amount_minor=converted(order.amount_minor, rate))


def _converted(amounts: Integers, rate: Rate) -> Integers:
    return np.array([converted(amount, rate) for amount in amounts.tolist()], dtype=np.int64)


def _fits(account: Account, rate: Rate) -> bool:
    """Say whether no amount of an account becomes larger than amounts may be."""
    balances = account.balances[account.balances != UNTOLD]
    moved = max(int(np.abs(of).max(initial=0)) for of in (account.amounts, balances))
    return converted(max(moved, account.limit), rate) <= MAX_MINOR and all(
        _fits_order(order, rate) for order in account.orders
    )

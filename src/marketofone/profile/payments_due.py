"""Payments that are due on a person's own cards and loans: from which of their accounts each will leave.

Who lends says when the next payment is due, and often how much it is, but not from where it comes. It leaves the one
account that has paid such bills before; where none has, the only current account, or the only one that can be spent.
Where that leaves several, nothing is known ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.domain.fields import AccountType, Nature
from marketofone.profile.account_types import LIQUID
from marketofone.profile.ledger import Account
from marketofone.profile.orders import Order

DUE_ON: Mapping[AccountType, Nature] = {"card": "card_bill", "loan": "loan_payment", "mortgage": "loan_payment"}
"""What a payment that is due on an account of such a type is called; an order with this category announces one."""


class Parted(NamedTuple):
    """The orders of a person, and apart from them what is due on their debts, each on the account that pays it."""

    orders: list[Order]
    due: list[Order]


def parted_from_due(
    orders: Iterable[Order],
    accounts: Sequence[Account],
    *,
    types: Mapping[str, AccountType],
    same: Mapping[str, str],
) -> Parted:
    """Tell orders from payments that are due on a card or a loan, and let each of these leave the account that pays it.

    Parameters
    ----------
    accounts
        All accounts of the person, one for each currency.
    types
        What accounts are, where it was told.
    same
        The names here of accounts that are told elsewhere, too.

    Examples
    --------
    >>> from marketofone.domain.moment import Day, Instant
    >>> from marketofone.profile.ledger import NO_MOVEMENTS
    >>> current, card = (Account(name, "EUR", (), *NO_MOVEMENTS) for name in ("a", "card"))
    >>> bill = Order(account="card", told=Instant(0), sign=1, amount_minor=5_000, category="card_bill", next_on=Day(9))
    >>> due = parted_from_due([bill], [current, card], types={"card": "card"}, same={}).due
    >>> [(order.account, order.amount_minor, order.category) for order in due]
    [('a', -5000, 'card_bill')]
    """
    found = Parted([], [])
    last: dict[str, Order] = {}
    for order in orders:
        name = same.get(order.account, order.account)
        due = order.category is not None and DUE_ON.get(types.get(name, "current")) == order.category
        if order.sign < 0 or not due:
            found.orders.append(order)
        elif name not in last or last[name].told < order.told:  # two tellings of one debt
            last[name] = order
    spendable = [one for one in accounts if types.get(one.name, one.type) in LIQUID]
    for order in last.values():
        payer = _payer(order, spendable, types=types)
        if payer is not None:
            amount = None if order.amount_minor is None else -order.amount_minor
            found.due.append(replace(order, account=payer, sign=-1, amount_minor=amount))
    return found


def _payer(due: Order, spendable: Sequence[Account], *, types: Mapping[str, AccountType]) -> str | None:
    """Give the account from which a payment will leave; None where several may pay it."""
    of_currency = [one for one in spendable if one.currency == due.currency]
    paying = [one for one in of_currency if any(kind.nature == due.category for kind in one.kinds)]
    current = [one for one in of_currency if types.get(one.name, one.type) == "current"]
    some = paying or current or of_currency
    return some[0].name if len(some) == 1 else None

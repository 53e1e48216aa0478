"""Payments that are known before they are made: standing orders, dated payments, mandates, regular incomes, loans.

Each is a register of its own, so the last word about an order counts, in whatever order events arrive. A loan is known
as an order for every month: what was agreed when it was paid out.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Literal

from msgspec import Struct

from marketofone.domain.fields import Every
from marketofone.domain.moment import DAY, Day, Instant, date_of, day_in_month, day_number, month_of
from marketofone.profile.registers import Register, Registers

_PERIODS: dict[Every, float] = {
    "day": 1.0,
    "week": 7.0,
    "fortnight": 14.0,
    "month": 30.44,
    "quarter": 91.31,
    "half_year": 182.62,
    "year": 365.24,
}
_WEEKENDS: dict[str, Literal["before", "after"]] = {"before": "before", "after": "after"}
_EVERY: dict[str, Every] = {word: word for word in _PERIODS}


class Order(Struct, frozen=True, kw_only=True):
    """A payment that is known before it is made, as it was last told.

    ``sign`` is 1 for money in and -1 for money out; ``amount_minor`` carries it too, and is None for a mandate that
    names no amount. ``currency`` is None where it is that of the account. ``loan`` says that the days are those of an
    agreement: the bank's own may lie beside them. ``own`` says that the other side is an account of the same person.
    """

    account: str
    told: Instant
    sign: Literal[1, -1]
    amount_minor: int | None
    currency: str | None = None
    counterparty: str | None = None
    counterparty_account: str | None = None
    category: str | None = None
    first_on: Day | None = None
    next_on: Day | None = None
    last_on: Day | None = None
    every: Every | None = None
    weekends: Literal["before", "after"] | None = None
    ended: bool = False
    loan: bool = False
    own: bool = False

    @property
    def operation(self) -> str:
        """What it is called where no category is told."""
        if self.every is None and self.begins_on is not None:
            return "scheduled_payment"
        return "standing_order" if self.sign < 0 else "regular_income"

    @property
    def what(self) -> str:
        """What it is called: by its category, else as a transfer between own accounts, else by how it is ordered."""
        return (self.category or ("own_transfer" if self.own else self.operation)).replace("_", " ")

    @property
    def begins_on(self) -> Day | None:
        """The first day that is told of it; None where no day is."""
        return self.first_on if self.next_on is None else self.next_on

    @property
    def period_days(self) -> float:
        """The days from one payment to the next; infinity where it is paid once, or does not say."""
        return math.inf if self.every is None else _PERIODS[self.every]


def orders_of(registers: Registers) -> list[Order]:
    r"""Read the orders and loans that one source tells of, in the order of their names.

    Examples
    --------
    >>> rent = ("out", 900_00, "EUR", "Landlord", "", "rent", "2026-01-01", "", "", "month", 0, "")
    >>> [order.amount_minor for order in orders_of({"order.a\nso-1": Register(Instant(0), b"", rent)})]
    [-90000]
    """
    found: list[Order] = []
    for name in sorted(registers):
        group, _, key = name.partition(".")
        if group == "order":
            found.append(_order(registers[name], account=key.partition("\n")[0]))
        elif group == "loan":
            product, account, _ = key.split("\n")
            held = registers.get(f"holds.{product}")
            closed = held is not None and held.value is False
            found.append(_loan(registers[name], account=account, product=product, closed=closed))
    return found


def limits_of(registers: Registers) -> dict[tuple[str, str], int]:
    """Read how far accounts may be overdrawn, by account and currency, as far as one source tells.

    Examples
    --------
    >>> limits_of({"limit.a": Register(Instant(0), b"", (500_00, "EUR"))})
    {('a', 'EUR'): 50000}
    """
    found: dict[tuple[str, str], int] = {}
    for name, register in registers.items():
        match name.partition("."), register.value:
            case ("limit", _, account), (int(minor), str(currency)):
                found[account, currency] = minor
    return found


def _order(register: Register, *, account: str) -> Order:
    assert isinstance(register.value, tuple)  # noqa: S101 - every order is written so
    direction, amount, currency, whom, where, category, *rest = register.value
    first_on, next_on, last_on, every, ended, weekends = rest
    sign: Literal[1, -1] = 1 if direction == "in" else -1
    return Order(
        account=account,
        told=register.at,
        sign=sign,
        amount_minor=sign * amount if isinstance(amount, int) else None,
        currency=str(currency),
        counterparty=str(whom) or None,
        counterparty_account=str(where) or None,
        category=str(category) or None,
        first_on=_day(first_on),
        next_on=_day(next_on),
        last_on=_day(last_on),
        every=_EVERY.get(str(every)),
        ended=bool(ended),
        weekends=_WEEKENDS.get(str(weekends)),
    )


def _loan(register: Register, *, account: str, product: str, closed: bool) -> Order:
    assert isinstance(register.value, tuple)  # noqa: S101 - every loan is written so
    payment, months, told = register.value
    taken = date_of(Day(register.at // DAY))
    first = date.fromisoformat(str(told)) if told else date_of(day_in_month(month_of(taken) + 1, taken.day))
    return Order(
        account=account,
        told=register.at,
        sign=-1,
        amount_minor=-int(payment),
        category=f"{product}_payment",
        first_on=day_number(first),
        last_on=day_in_month(month_of(first) + int(months) - 1, first.day),
        every="month",
        ended=closed,
        loan=True,
    )


def _day(told: int | str) -> Day | None:
    return day_number(date.fromisoformat(str(told))) if told else None

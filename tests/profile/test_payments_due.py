"""What is due on a card or a loan leaves the account that pays it, once, and moves the forecast of that account."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marketofone.domain.fields import AccountType
from marketofone.domain.moment import Day, Instant
from marketofone.profile.account_orders import by_account
from marketofone.profile.ledger import NO_MOVEMENTS, Account, Kind
from marketofone.profile.orders import Order
from marketofone.profile.payments_due import parted_from_due

LOAN: dict[str, AccountType] = {"home": "mortgage"}


def account(name: str, *kinds: Kind, currency: str = "EUR") -> Account:
    moved = np.arange(len(kinds))
    return Account(name, currency, kinds, *((moved,) * 4 if kinds else NO_MOVEMENTS))


def due(**facts: Any) -> Order:
    terms: dict[str, Any] = {
        "account": "home",
        "told": Instant(0),
        "sign": 1,
        "amount_minor": 900_00,
        "currency": "EUR",
    }
    return Order(**{**terms, "category": "loan_payment", "next_on": Day(9), **facts})


PAID_BEFORE = Kind(None, "loan", "Lender", "loan_payment")


@pytest.mark.parametrize(
    ("accounts", "types", "payer"),
    [
        ([account("a")], {}, "a"),
        ([account("a"), account("b", PAID_BEFORE)], {}, "b"),
        ([account("a"), account("b", currency="USD")], {}, "a"),
        ([account("a"), account("b")], {"b": "savings"}, "a"),
        ([account("a"), account("b")], {}, None),
        ([account("a", PAID_BEFORE), account("b", PAID_BEFORE)], {}, None),
        ([account("home")], {}, None),
    ],
    ids=["the only one", "paid before", "its currency", "the current one", "several", "several that paid", "none"],
)
def test_it_leaves_the_one_account_that_can_be_told(
    accounts: list[Account], types: dict[str, AccountType], payer: str | None
) -> None:
    found = parted_from_due([due()], accounts, types=LOAN | types, same={})
    assert found.orders == []
    assert [(one.account, one.amount_minor) for one in found.due] == ([] if payer is None else [(payer, -900_00)])


@pytest.mark.parametrize("facts", [{"sign": -1}, {"category": "salary"}, {"account": "a"}])
def test_other_orders_stay_what_they_are(facts: dict[str, Any]) -> None:
    order = due(**facts)
    assert parted_from_due([order], [account("a")], types=LOAN, same={}) == ([order], [])


def test_of_two_tellings_of_one_debt_the_later_one_counts() -> None:
    later = due(account="elsewhere/home", told=Instant(5), amount_minor=950_00)
    found = parted_from_due([later, due()], [account("a")], types=LOAN, same={"elsewhere/home": "home"})
    assert [one.amount_minor for one in found.due] == [-950_00]


def test_a_standing_order_that_pays_the_debt_counts_once() -> None:
    pays = Order(
        account="a",
        told=Instant(0),
        sign=-1,
        amount_minor=-900_00,
        currency="EUR",
        counterparty="Lender",
        next_on=Day(9),
        every="month",
    )
    for amount, orders in ((900_00, 1), (950_00, 2), (None, 2)):
        leaves = parted_from_due([due(amount_minor=amount)], [account("a")], types=LOAN, same={}).due
        assert len(by_account([pays], spendable=["a"], due=leaves)["a"]) == orders

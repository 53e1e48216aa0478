"""FDX means what its public documentation says, in the forms of all its versions."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.importers.open_banking import fdx
from marketofone.importers.rows import BadRow, Row
from payload_samples import (
    Part,
    bad_rows_of,
    events_in,
    fdx_account,
    fdx_transaction,
    file_of,
    only,
    rows_of,
    total_minor,
)

ACCOUNT = {"accounts": [{"depositAccount": fdx_account(currentBalance=None)}]}


def told(folder: Path, **changes: Any) -> dict[str, Any]:
    """Give what is told of a transaction, without what is not."""
    page = {"transactions": [{"depositTransaction": fdx_transaction(**changes)}]}
    row = only(rows_of(fdx.read, folder, ACCOUNT, page))
    return {name: value for name, value in row.facts.items() if value is not None}


def test_a_transaction_is_told_with_all_it_says(tmp_path: Path) -> None:
    facts = told(
        tmp_path,
        memo="m",
        payee="Kiosk Ltd",
        category="5812",
        transactionType="PURCHASE",
        checkNumber=17,
        foreignAmount=11.5,
        foreignCurrency="EUR",
    )
    assert facts == {
        "account": "a-1",
        "amount": Decimal("-12.5"),
        "currency": "USD",
        "status": "booked",
        "booked": date(2026, 6, 2),
        "mcc": "5812",
        "counterparty": "Kiosk Ltd",
        "text": "KIOSK 7",
        "bank_code": "PURCHASE",
        "reference": "17",
        "original": Decimal("-11.5"),
        "original_currency": "EUR",
        "replaces": "t-1:waiting",
    }


def test_a_word_says_in_which_direction_money_goes(tmp_path: Path) -> None:
    signs = {word: told(tmp_path, debitCreditMemo=word)["amount"] for word in ("DEBIT", "CREDIT", "MEMO")}
    assert signs == {"DEBIT": Decimal("-12.5"), "CREDIT": Decimal("12.5"), "MEMO": Decimal("-12.5")}


def test_it_counts_when_it_was_posted_and_happened_when_it_was_made(tmp_path: Path) -> None:
    row = only(rows_of(fdx.read, tmp_path, ACCOUNT, {"transactions": [{"depositTransaction": fdx_transaction()}]}))
    assert (row.facts["booked"], row.on) == (date(2026, 6, 2), datetime(2026, 6, 1, 17, tzinfo=UTC))


@pytest.mark.parametrize("status", ["PENDING", "MEMO", "AUTHORIZATION"])
def test_what_is_not_posted_yet_is_pending(tmp_path: Path, status: str) -> None:
    facts = told(tmp_path, status=status, postedTimestamp=None)
    assert (facts["status"], facts["booked"]) == ("pending", date(2026, 6, 1))


def test_a_pending_payment_without_an_id_is_an_order_for_nothing_could_take_it_back(tmp_path: Path) -> None:
    waits = fdx_transaction(transactionId=None, status="PENDING", postedTimestamp=None, payee="Shop")
    order = only(rows_of(fdx.read, tmp_path, ACCOUNT, {"transactions": [waits]}), "order")
    assert (order.facts["amount"], order.facts["direction"], order.facts["counterparty"]) == (
        Decimal("12.5"),
        "out",
        "Shop",
    )


@pytest.mark.parametrize(("name", "reference"), [("t-1", None), ("t-2", "t-1")])
def test_what_is_posted_replaces_what_was_pending_or_authorized(
    tmp_path: Path,
    name: str,
    reference: str | None,
) -> None:
    waits = fdx_transaction(status="AUTHORIZATION", postedTimestamp=None, amount=20)
    posted = fdx_transaction(transactionId=name, referenceTransactionId=reference)
    pages = [{"transactions": [{"locTransaction": one}]} for one in (waits, posted)]
    first, second = events_in(fdx.read, file_of(tmp_path, ACCOUNT, *pages))
    assert getattr(second.data, "replaces", None) == first.id


def test_a_reversal_leaves_the_payment_that_it_reverses(tmp_path: Path) -> None:
    reversal = fdx_transaction(transactionId="t-2", referenceTransactionId="t-1", debitCreditMemo="CREDIT")
    page = {"transactions": [{"depositTransaction": one} for one in (fdx_transaction(), reversal)]}
    paid, back = events_in(fdx.read, file_of(tmp_path, ACCOUNT, page))
    assert total_minor([paid, back]) == 0
    assert getattr(back.data, "replaces", None) != paid.id


def test_a_transaction_posted_long_ago_replaces_nothing(tmp_path: Path) -> None:
    old = fdx_transaction(transactionId="t-0", postedTimestamp="2025-06-02T04:00:00Z")
    page = {"transactions": [{"depositTransaction": one} for one in (old, fdx_transaction())]}
    first, second = rows_of(fdx.read, tmp_path, ACCOUNT, page)
    assert "replaces" not in first.facts
    assert second.facts["replaces"] == "t-1:waiting"


FLAT = {"accountCategory": "DEPOSIT_ACCOUNT"}


@pytest.mark.parametrize(
    ("account", "transaction"),
    [
        ({"accounts": [{"depositAccount": fdx_account()}]}, {"depositTransaction": fdx_transaction(accountId=None)}),
        ({"accounts": [{**FLAT, **fdx_account()}]}, {**FLAT, **fdx_transaction(accountId=None)}),
        ({"depositAccount": fdx_account()}, {"depositTransaction": fdx_transaction()}),
        ({**FLAT, **fdx_account()}, fdx_transaction()),
    ],
)
def test_accounts_and_transactions_are_found_in_every_form(tmp_path: Path, account: Part, transaction: Part) -> None:
    rows = rows_of(fdx.read, tmp_path, {"transactions": [transaction]}, account)
    assert [(row.what, row.facts["account"], row.facts["currency"]) for row in rows] == [
        ("movement", "a-1", "USD"),
        ("balance", "a-1", "USD"),
    ]


def test_the_account_of_a_page_is_found_in_its_links(tmp_path: Path) -> None:
    accounts = {"accounts": [{"depositAccount": fdx_account(accountId=one)} for one in ("a-1", "a-2")]}
    page = {
        "transactions": [{"depositTransaction": fdx_transaction(accountId=None)}],
        "links": {"next": {"href": "/accounts/a-2/transactions?offset=2"}},
    }
    assert only(rows_of(fdx.read, tmp_path, accounts, page)).facts["account"] == "a-2"

    (bad,) = bad_rows_of(fdx.read, tmp_path, accounts, {"transactions": page["transactions"]})
    assert (bad.field, bad.shape) == ("accountId", "missing")


def test_without_the_answer_about_the_account_the_currency_is_missing(tmp_path: Path) -> None:
    (bad,) = bad_rows_of(fdx.read, tmp_path, {"transactions": [{"depositTransaction": fdx_transaction()}]})
    assert (bad.field, bad.shape) == ("currency.currencyCode", "missing")


@pytest.mark.parametrize(
    ("name", "changes", "balance", "kind"),
    [
        ("depositAccount", {}, "110.25", "current"),
        ("depositAccount", {"accountType": "SAVINGS"}, "110.25", "savings"),
        ("locAccount", {"accountType": "CREDITCARD"}, "-110.25", "card"),
        ("locAccount", {"accountType": "CREDITCARD", "balanceType": "ASSET"}, "110.25", "card"),
        ("locAccount", {"accountType": "LINEOFCREDIT"}, "-110.25", "loan"),
        ("loanAccount", {"accountType": "MORTGAGE", "principalBalance": 900}, "-900", "mortgage"),
        ("loanAccount", {"accountType": "AUTOLOAN"}, "-110.25", "loan"),
        ("investmentAccount", {"currentValue": 99.1249}, "99.12", "investment"),
        ("digitalWallet", {}, "110.25", "current"),
        ("insuranceAccount", {}, "110.25", None),
    ],
)
def test_what_is_owed_stands_below_zero(
    tmp_path: Path, name: str, changes: Part, balance: str, kind: str | None
) -> None:
    row = only(rows_of(fdx.read, tmp_path, {"accounts": [{name: fdx_account(**changes)}]}), "balance")
    assert (row.facts["balance"], row.facts["type"]) == (Decimal(balance), kind)
    assert row.on == datetime(2026, 6, 3, tzinfo=UTC)


def due(folder: Path, name: str, **changes: Any) -> list[Part]:
    """Give what is told ahead of an account whose next payment of 250 is due on the first of July."""
    terms = {"nextPaymentDate": "2026-07-01", "nextPaymentAmount": 250, **changes}
    rows = rows_of(fdx.read, folder, {"accounts": [{name: fdx_account(**terms)}]})
    return [
        {key: value for key, value in row.facts.items() if value is not None} for row in rows if row.what == "order"
    ]


@pytest.mark.parametrize(
    ("name", "kind", "category"),
    [
        ("locAccount", "CREDITCARD", "card_bill"),
        ("locAccount", "LINEOFCREDIT", "loan_payment"),
        ("loanAccount", "MORTGAGE", "loan_payment"),
        ("loanAccount", "STUDENTLOAN", "loan_payment"),
    ],
)
def test_what_is_due_on_a_card_or_a_loan_is_told_ahead(tmp_path: Path, name: str, kind: str, category: str) -> None:
    assert due(tmp_path, name, accountType=kind) == [
        {
            "account": "a-1",
            "amount": Decimal(250),
            "currency": "USD",
            "direction": "in",
            "category": category,
            "order": "payment due",
            "next_on": date(2026, 7, 1),
        }
    ]


def test_the_least_that_is_due_tells_what_is_paid_on_a_credit_line_but_not_on_a_card(tmp_path: Path) -> None:
    least = {"nextPaymentAmount": None, "minimumPaymentAmount": 20}
    (line,), (card,) = (
        due(tmp_path, "locAccount", accountType=kind, **least) for kind in ("LINEOFCREDIT", "CREDITCARD")
    )
    assert (line["amount"], card.get("amount"), card["next_on"]) == (Decimal(20), None, date(2026, 7, 1))


@pytest.mark.parametrize(("name", "changes"), [("loanAccount", {"nextPaymentDate": None}), ("depositAccount", {})])
def test_nothing_is_due_without_a_day_or_without_a_debt(tmp_path: Path, name: str, changes: Part) -> None:
    assert due(tmp_path, name, **changes) == []


def test_what_is_due_is_a_bad_row_where_it_cannot_be_read_and_the_balance_is_in(tmp_path: Path) -> None:
    account = fdx_account(nextPaymentDate="soon", nextPaymentAmount=250)
    balance, bad = fdx.read(file_of(tmp_path, {"accounts": [{"loanAccount": account}]}))
    assert isinstance(balance, Row)
    assert isinstance(bad, BadRow)
    assert (balance.what, bad.field) == ("balance", "nextPaymentDate")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("amount", {"amount": -12.5}),
        ("amount", {"amount": "twelve"}),
        ("debitCreditMemo", {"debitCreditMemo": "OUT"}),
        ("status", {"status": "DONE"}),
        ("postedTimestamp", {"postedTimestamp": "1 June 2026"}),
        ("transactionTimestamp", {"transactionTimestamp": None, "postedTimestamp": None}),
    ],
)
def test_what_breaks_the_documentation_is_named_and_never_repeated(tmp_path: Path, field: str, changes: Part) -> None:
    part = {"depositTransaction": fdx_transaction(**changes)}
    (bad,) = bad_rows_of(fdx.read, tmp_path, ACCOUNT, {"transactions": [part]})
    assert bad.field == field
    assert json.loads(bad.raw) == part
    for value in ("twelve", "OUT", "DONE", "1 June"):
        assert value not in str(bad).replace("documentation", "")


@pytest.mark.parametrize("document", [{"code": 701, "message": "no"}, {}, [], "x", {"transactions": 1}])
def test_a_document_that_is_no_answer_is_a_bad_row(tmp_path: Path, document: object) -> None:
    assert len(bad_rows_of(fdx.read, tmp_path, [document])) == 1


@given(amounts=st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from(["DEBIT", "CREDIT"])), max_size=20))
def test_the_signed_amounts_of_a_file_are_its_sum(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[int, str]]
) -> None:
    parts = [
        {"locTransaction": fdx_transaction(transactionId=f"t-{number}", amount=amount, debitCreditMemo=word)}
        for number, (amount, word) in enumerate(amounts)
    ]
    path = file_of(tmp_path_factory.mktemp("fdx"), ACCOUNT, {"transactions": parts})
    expected = sum(100 * amount * (1 if word == "CREDIT" else -1) for amount, word in amounts)
    assert total_minor(events_in(fdx.read, path)) == expected

"""Plaid means what it says: positive is money out, what is posted replaces what was pending, what is removed goes."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.event import EventRemoved
from marketofone.importers.open_banking import plaid
from marketofone.importers.rows import BadRow, Row, events_of
from payload_samples import (
    ORIGIN,
    Part,
    bad_rows_of,
    events_in,
    file_of,
    only,
    plaid_account,
    plaid_sync,
    plaid_transaction,
    rows_of,
    total_minor,
)


def told(folder: Path, **changes: Any) -> dict[str, Any]:
    """Give what is told of a transaction, without what is not."""
    row = only(rows_of(plaid.read, folder, plaid_sync(added=[plaid_transaction(**changes)])))
    return {name: value for name, value in row.facts.items() if value is not None}


def test_a_transaction_is_told_with_all_it_says(tmp_path: Path) -> None:
    facts = told(
        tmp_path,
        original_description="KIOSK 7 * 0123",
        transaction_code="purchase",
        personal_finance_category={"primary": "FOOD_AND_DRINK", "detailed": "FOOD_AND_DRINK_COFFEE"},
        payment_meta={"reference_number": "R-7", "payee": "Kiosk Ltd", "payer": "A Holder"},
        counterparties=[
            {"name": "Kiosk", "type": "merchant"},
            {
                "name": "Pay App",
                "type": "payment_app",
                "account_numbers": {"international": {"iban": "GB29NWBK60161331926819"}},
            },
        ],
    )
    assert facts == {
        "account": "a-1",
        "amount": Decimal("-12.5"),
        "currency": "USD",
        "status": "booked",
        "booked": date(2026, 6, 1),
        "category": "FOOD_AND_DRINK_COFFEE",
        "merchant": "Kiosk",
        "counterparty": "Kiosk Ltd",
        "counterparty_account": "601613/31926819",
        "text": "KIOSK 7 * 0123",
        "bank_code": "purchase",
        "reference": "R-7",
    }


def test_positive_is_money_out_and_negative_money_in(tmp_path: Path) -> None:
    assert told(tmp_path, amount=12.5)["amount"] == Decimal("-12.5")
    salary = told(tmp_path, amount=-2400, payment_meta={"payee": "A Holder", "payer": "Works"})
    assert (salary["amount"], salary["counterparty"]) == (Decimal(2400), "Works")


@pytest.mark.parametrize("amount", ["0.1", "72.10", "1234567.89", "0.07", "4.35"])
def test_an_amount_is_read_digit_by_digit(tmp_path: Path, amount: str) -> None:
    text = json.dumps(plaid_sync(added=[plaid_transaction()])).replace("12.5", amount)
    (tmp_path / "answers.json").write_text(text, "utf-8")
    assert total_minor(events_in(plaid.read, tmp_path / "answers.json")) == -int(Decimal(amount) * 100)


@pytest.mark.parametrize(
    ("changes", "happened"),
    [
        ({}, date(2026, 6, 1)),
        ({"authorized_date": "2026-05-30"}, date(2026, 5, 30)),
        (
            {"authorized_datetime": "2026-05-30T10:34:50Z", "authorized_date": "2026-05-30"},
            datetime(2026, 5, 30, 10, 34, 50, tzinfo=UTC),
        ),
        ({"datetime": "2026-06-01T11:01:01Z"}, datetime(2026, 6, 1, 11, 1, 1, tzinfo=UTC)),
    ],
)
def test_it_counts_when_it_was_posted_and_happened_when_it_was_authorised(
    tmp_path: Path, changes: Part, happened: date
) -> None:
    row = only(rows_of(plaid.read, tmp_path, plaid_sync(added=[plaid_transaction(**changes)])))
    assert (row.facts["booked"], row.on) == (date(2026, 6, 1), happened)


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"personal_finance_category": {"primary": "INCOME", "detailed": None}}, "INCOME"),
        ({"category": ["Shops", "Supermarkets"]}, "Shops > Supermarkets"),
        ({"category": []}, None),
    ],
)
def test_the_category_is_the_finest_one_that_is_told(tmp_path: Path, changes: Part, category: str | None) -> None:
    assert told(tmp_path, **changes).get("category") == category


def test_a_posted_payment_replaces_the_pending_one_and_a_removal_names_it(tmp_path: Path) -> None:
    pending = plaid_transaction(transaction_id="p-1", pending=True, amount=20)
    posted = plaid_transaction(pending_transaction_id="p-1", amount=21.35)
    gone = {"transaction_id": "p-1", "account_id": "a-1"}
    path = file_of(tmp_path, plaid_sync(added=[pending]), plaid_sync(added=[posted], removed=[gone]))
    first, second, removal = events_in(plaid.read, path)
    assert getattr(first.data, "status", None) == "pending"
    assert getattr(second.data, "replaces", None) == first.id
    assert removal.data == EventRemoved(type="openbanking.transaction", id=first.id)


def test_a_removal_without_an_account_finds_it_in_its_file_wherever_that_tells_it(tmp_path: Path) -> None:
    gone = {"transaction_id": "t-1"}
    path = file_of(tmp_path, plaid_sync(removed=[gone]), plaid_sync(added=[plaid_transaction()]))
    removal, first = events_in(plaid.read, path)
    assert removal.data == EventRemoved(type="openbanking.transaction", id=first.id)


def test_a_removal_of_what_nobody_told_is_a_bad_row(tmp_path: Path) -> None:
    path = file_of(tmp_path, plaid_sync(removed=[{"transaction_id": "t-9"}]))
    (why,) = events_of(plaid.read(path), origin=ORIGIN)
    assert isinstance(why, BadRow)
    assert (why.field, why.shape) == ("account", "missing, of a payment that is not known")


def test_a_modified_payment_is_a_later_version_of_the_same(tmp_path: Path) -> None:
    pages = [plaid_sync(added=[plaid_transaction()]), plaid_sync(modified=[plaid_transaction(amount=13)])]
    first, later = events_in(plaid.read, file_of(tmp_path, *pages))
    assert first.key == later.key
    assert first.data != later.data


def test_both_ways_of_asking_for_transactions_tell_the_same(tmp_path: Path) -> None:
    by_sync, by_date = rows_of(
        plaid.read, tmp_path, plaid_sync(added=[plaid_transaction()]), {"transactions": [plaid_transaction()]}
    )
    assert (by_sync.facts, by_sync.id) == (by_date.facts, by_date.id)


@pytest.mark.parametrize(
    ("changes", "balance", "kind"),
    [
        ({}, "110.25", "current"),
        ({"subtype": "savings"}, "110.25", "savings"),
        ({"type": "credit", "subtype": "credit card"}, "-110.25", "card"),
        ({"type": "loan", "subtype": "student"}, "-110.25", "loan"),
        ({"type": "loan", "subtype": "mortgage"}, "-110.25", "mortgage"),
        ({"type": "investment", "subtype": "401k", "balances": {"current": 110.2549}}, "110.25", "investment"),
        ({"type": "other", "subtype": None}, "110.25", None),
        ({"balances": {"current": None}}, "100.0", "current"),
        ({"type": "credit", "balances": {"current": -5}}, "5", "card"),
    ],
)
def test_what_is_owed_stands_below_zero(tmp_path: Path, changes: Part, balance: str, kind: str | None) -> None:
    facts = only(rows_of(plaid.read, tmp_path, plaid_sync(accounts=[plaid_account(**changes)])), "balance").facts
    assert (facts["balance"], facts["type"]) == (Decimal(balance), kind)


def test_the_limit_of_a_current_account_is_its_overdraft_and_that_of_a_card_is_none(tmp_path: Path) -> None:
    accounts = [
        plaid_account(balances={"limit": 300}),
        plaid_account(account_id="a-2", type="credit", subtype="credit card", balances={"limit": 2000}),
    ]
    rows = rows_of(plaid.read, tmp_path, plaid_sync(accounts=accounts))
    assert [row.facts.get("limit") for row in rows] == [Decimal(300), None]


def test_what_may_still_be_spent_on_a_card_is_no_balance(tmp_path: Path) -> None:
    card = plaid_account(type="credit", balances={"current": None, "available": 900})
    assert rows_of(plaid.read, tmp_path, plaid_sync(accounts=[card])) == []


def test_a_balance_is_of_the_latest_day_that_is_told_and_told_once(tmp_path: Path) -> None:
    page = plaid_sync(accounts=[plaid_account()], added=[plaid_transaction()])
    assert only(rows_of(plaid.read, tmp_path, page, page), "balance").on == date(2026, 6, 1)


ACH = {"account_id": "a-1", "account": "9900009606", "routing": "011401533", "is_tokenized_account_number": False}


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ({"ach": [ACH]}, "011401533/9900009606"),
        ({"ach": [{**ACH, "is_tokenized_account_number": True}]}, "a-1"),
        ({"bacs": [{"account_id": "a-1", "account": "31926819", "sort_code": "601613"}]}, "601613/31926819"),
        ({"international": [{"account_id": "a-1", "iban": "GB29NWBK60161331926819"}]}, "601613/31926819"),
        (
            {"ach": [ACH], "international": [{"account_id": "a-1", "iban": "de89 3704 0044 0532 0130 00"}]},
            "DE89370400440532013000",
        ),
        ({"ach": [{**ACH, "account_id": "another"}]}, "a-1"),
        ({}, "a-1"),
    ],
)
def test_an_account_is_named_by_a_number_that_stays_or_by_its_id(tmp_path: Path, numbers: Part, name: str) -> None:
    auth = {"accounts": [plaid_account()], "numbers": numbers}
    removed = [{"transaction_id": "x", "account_id": "a-1"}]
    rows = rows_of(plaid.read, tmp_path, plaid_sync(added=[plaid_transaction()], removed=removed), auth)
    assert {row.facts["account"] for row in rows} == {name}


def stream(**changes: Any) -> Part:
    return {
        "account_id": "a-1",
        "stream_id": "s-1",
        "description": "GYM 7",
        "merchant_name": "Gym",
        "first_date": "2026-01-05",
        "last_date": "2026-05-05",
        "predicted_next_date": "2026-06-05",
        "frequency": "MONTHLY",
        "average_amount": {"amount": 29, "iso_currency_code": "USD"},
        "last_amount": {"amount": 30, "iso_currency_code": "USD"},
        "is_active": True,
        **changes,
    }


def test_recurring_streams_are_orders(tmp_path: Path) -> None:
    salary = stream(
        stream_id="s-2", frequency="SEMI_MONTHLY", last_amount={"amount": -1000, "iso_currency_code": "USD"}
    )
    over = stream(stream_id="s-3", is_active=False, frequency="ANNUALLY")
    answer = {
        "inflow_streams": [salary],
        "outflow_streams": [stream(), over],
        "updated_datetime": "2026-05-10T00:00:00Z",
    }
    comes, goes, ended = rows_of(plaid.read, tmp_path, answer)
    assert (comes.facts["direction"], comes.facts["amount"], comes.facts["every"]) == ("in", Decimal(1000), None)
    assert goes.on == date(2026, 5, 10)
    assert {name: value for name, value in goes.facts.items() if value is not None} == {
        "account": "a-1",
        "amount": Decimal(30),
        "currency": "USD",
        "direction": "out",
        "counterparty": "Gym",
        "order": "s-1",
        "first_on": date(2026, 1, 5),
        "next_on": date(2026, 6, 5),
        "every": "month",
        "ended": False,
    }
    assert (ended.facts["ended"], ended.facts["last_on"], ended.facts["every"]) == (True, date(2026, 5, 5), "year")


def test_a_currency_that_is_none_is_refused_where_the_event_is_made(tmp_path: Path) -> None:
    coin = plaid_transaction(iso_currency_code=None, unofficial_currency_code="DOGE")
    (bad,) = events_of(plaid.read(file_of(tmp_path, plaid_sync(added=[coin]))), origin=ORIGIN)
    assert isinstance(bad, BadRow)
    assert bad.field == "currency"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("amount", {"amount": None}),
        ("amount", {"amount": "twelve"}),
        ("date", {"date": "1 June"}),
        ("pending", {"pending": "no"}),
        ("transaction_id", {"transaction_id": None}),
    ],
)
def test_what_breaks_the_reference_is_named_and_never_repeated(tmp_path: Path, field: str, changes: Part) -> None:
    page = plaid_sync(added=[plaid_transaction(), plaid_transaction(**changes)])
    (bad,) = bad_rows_of(plaid.read, tmp_path, page)
    assert bad.field == field
    assert json.loads(bad.raw) == plaid_transaction(**changes)
    assert "twelve" not in str(bad)
    assert "1 June" not in str(bad)


@pytest.mark.parametrize("document", [{"error_code": "ITEM_LOGIN_REQUIRED"}, {}, [], {"accounts": 1}])
def test_a_document_that_is_no_answer_is_a_bad_row(tmp_path: Path, document: object) -> None:
    assert len(bad_rows_of(plaid.read, tmp_path, [document])) == 1


@given(amounts=st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=20))
def test_the_amounts_of_a_file_are_its_sum_turned_round(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal]
) -> None:
    added = [
        plaid_transaction(transaction_id=f"t-{number}", amount=f"@{amount}@") for number, amount in enumerate(amounts)
    ]
    path = tmp_path_factory.mktemp("plaid") / "answers.json"
    path.write_text(json.dumps(plaid_sync(added=added)).replace('"@', "").replace('@"', ""), "utf-8")
    assert total_minor(events_in(plaid.read, path)) == -100 * sum(amounts)


def test_liabilities_tell_what_is_due(tmp_path: Path) -> None:
    day = {"next_payment_due_date": "2026-07-01"}
    answer = plaid_sync(accounts=[plaid_account(account_id=name) for name in ("card", "home", "study")])
    answer["liabilities"] = {
        "credit": [{"account_id": "card", "minimum_payment_amount": 20, **day}],
        "mortgage": [{"account_id": "home", "next_monthly_payment": 900, "maturity_date": "2040-01-31", **day}],
        "student": [{"account_id": "study", "minimum_payment_amount": 25, **day}],
    }
    rows = [row.facts for row in rows_of(plaid.read, tmp_path, answer) if row.what == "order"]
    told = ("account", "direction", "amount", "category", "next_on", "every", "last_on")
    first = date(2026, 7, 1)
    assert [tuple(map(facts.get, told)) for facts in rows] == [
        ("card", "in", None, "card_bill", first, None, None),
        ("home", "in", Decimal(900), "loan_payment", first, "month", date(2040, 1, 31)),
        ("study", "in", Decimal(25), "loan_payment", first, None, None),
    ]


def test_nothing_is_due_where_no_payment_is_expected_and_zero_is_no_amount(tmp_path: Path) -> None:
    none, nothing = (
        {"account_id": "a-1", "minimum_payment_amount": 0, "next_payment_due_date": day} for day in (None, "2026-07-01")
    )
    answer = {**plaid_sync(accounts=[plaid_account()]), "liabilities": {"credit": None, "student": [none, nothing]}}
    row = only(rows_of(plaid.read, tmp_path, answer), "order")
    assert (row.facts["amount"], row.facts["next_on"]) == (None, date(2026, 7, 1))


def test_what_is_due_needs_the_currency_of_its_account(tmp_path: Path) -> None:
    due = {"account_id": "a-1", "next_payment_due_date": "2026-07-01"}
    (bad,) = bad_rows_of(plaid.read, tmp_path, {"liabilities": {"credit": [due]}})
    assert (bad.field, bad.shape) == ("iso_currency_code", "missing")


SCOPES = {"balance": "balances", "movement": "transactions", "removed": "transactions", "order": "orders"}


@pytest.fixture(scope="module")
def examples(data: Path) -> dict[str, Part]:
    packed = data / "open_banking_specs" / "plaid" / "response_examples.json.gz"
    return {name: one["example-1"] for name, one in json.loads(gzip.decompress(packed.read_bytes())).items()}


@pytest.mark.parametrize(
    ("name", "whats"),
    [
        ("/transactions/sync", ["balance", "movement", "movement", "removed"]),
        ("/transactions/get", ["balance", "movement", "movement"]),
        ("/transactions/recurring/get", ["order"] * 3),
        ("/accounts/get", ["balance"] * 3),
        ("/accounts/balance/get", ["balance"] * 3),
        ("/auth/get", ["balance"]),
        ("/identity/get", ["balance"] * 2),
        ("/liabilities/get", ["balance"] * 4 + ["order"] * 3),
        ("/investments/holdings/get", ["balance"] * 4),
        ("/item/get", []),
    ],
)
def test_the_published_answers_are_read_and_nothing_is_lost(
    examples: dict[str, Part], tmp_path: Path, name: str, whats: list[str]
) -> None:
    licences: list[Row] = []
    rows: list[Row] = []
    for row in rows_of(plaid.read, tmp_path, examples[name]):
        (licences if row.what == "licence" else rows).append(row)
    assert [row.what for row in rows] == whats
    assert len(licences) == ("item" in examples[name])
    for licence in licences:
        assert {SCOPES[row.what] for row in rows} <= set(cast("tuple[str, ...]", licence.facts["scopes"]))
    events = list(events_of(rows, origin=ORIGIN))
    assert not any(isinstance(event, BadRow) for event in events)
    by_id = {
        one["transaction_id"]: one
        for key in ("added", "modified", "transactions")
        for one in examples[name].get(key, ())
    }
    for row in rows:
        if row.what == "movement":
            assert row.facts["amount"] == -Decimal(str(by_id[row.id]["amount"]))


@pytest.mark.parametrize("name", ["/transactions/enrich", "/institutions/get_by_id"])
def test_published_answers_that_tell_nothing_of_a_persons_money_are_explained(
    examples: dict[str, Part], tmp_path: Path, name: str
) -> None:
    (bad,) = plaid.read(file_of(tmp_path, examples[name]))
    assert isinstance(bad, BadRow)
    assert bad.field == "document"


def test_rows_know_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(plaid_sync(added=[plaid_transaction(), plaid_transaction(amount=1)]), indent=1), "utf-8")
    length = json.dumps(plaid_transaction(), indent=1).count("\n") + 1
    first, second = plaid.read(path)
    assert isinstance(first, Row)
    assert (first.line, second.line) == (4, 4 + length)

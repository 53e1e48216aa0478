"""NextGenPSD2 means what it says: signs as written, accounts by number, booked, pending and ordered payments."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.importers.open_banking import berlin
from marketofone.importers.rows import BadRow, Row, events_of
from payload_samples import (
    IBAN,
    ORIGIN,
    Part,
    bad_rows_of,
    berlin_answer,
    berlin_transaction,
    events_in,
    file_of,
    only,
    rows_of,
    total_minor,
)

EUROS = "EUR"


def money(amount: str, currency: str = EUROS) -> Part:
    return {"currency": currency, "amount": amount}


def told(folder: Path, **changes: Any) -> dict[str, Any]:
    """Give what is told of a booked transaction, without what is not."""
    row = only(rows_of(berlin.read, folder, berlin_answer(booked=[berlin_transaction(**changes)])))
    return {name: value for name, value in row.facts.items() if value is not None}


def test_a_transaction_is_told_with_all_it_says(tmp_path: Path) -> None:
    facts = told(
        tmp_path,
        valueDate="2026-06-02",
        entryReference="20260601/17",
        endToEndId="E2E-7",
        mandateId="M-1",
        creditorName="Water Company",
        creditorAccount={"iban": "fr76 1234 5987 6501 2345 6789 014"},
        debtorName="A Holder",
        debtorAccount={"iban": IBAN},
        remittanceInformationUnstructuredArray=["Water", "May 2026"],
        bankTransactionCode="PMNT-RDDT-ESDD",
        proprietaryBankTransactionCode="105",
        purposeCode="WTER",
        currencyExchange=[{"sourceCurrency": EUROS, "exchangeRate": "1.0842", "targetCurrency": "USD"}],
        balanceAfterTransaction={"balanceType": "interimBooked", "balanceAmount": money("-3.20")},
    )
    assert facts == {
        "account": IBAN,
        "amount": Decimal("-12.50"),
        "currency": EUROS,
        "status": "booked",
        "booked": date(2026, 6, 1),
        "value_date": date(2026, 6, 2),
        "text": "Water May 2026",
        "bank_code": "PMNT-RDDT-ESDD",
        "purpose_code": "WTER",
        "mandate": "M-1",
        "reference": "E2E-7",
        "counterparty": "Water Company",
        "counterparty_account": "FR7612345987650123456789014",
        "rate": 1.0842,
        "balance": Decimal("-3.20"),
    }


def test_the_other_side_is_who_paid_of_money_in_and_who_was_paid_of_money_out(tmp_path: Path) -> None:
    both = {"creditorName": "Shop", "debtorName": "Works"}
    assert told(tmp_path, **both)["counterparty"] == "Shop"
    assert told(tmp_path, **both, transactionAmount=money("12.50"))["counterparty"] == "Works"
    assert told(tmp_path, creditorName="Shop", transactionAmount=money("12.50"))["counterparty"] == "Shop"


def test_a_reference_that_says_there_is_none_is_none(tmp_path: Path) -> None:
    assert "reference" not in told(tmp_path, endToEndId="NOTPROVIDED")
    assert told(tmp_path, endToEndId="NOTPROVIDED", entryReference="17")["reference"] == "17"


def test_a_payment_is_booked_under_the_id_under_which_it_was_pending(tmp_path: Path) -> None:
    waits = berlin_transaction(transactionAmount=money("-20"), bookingDate=None)
    pages = [berlin_answer(pending=[waits]), berlin_answer(booked=[berlin_transaction()])]
    pending, booked = events_in(berlin.read, file_of(tmp_path, *pages))
    assert pending.key == booked.key


def test_a_pending_payment_without_a_date_is_pending_since_the_latest_day_that_was_told(tmp_path: Path) -> None:
    undated = berlin_transaction(transactionId="t-2", bookingDate=None)
    later = berlin_transaction(transactionId="t-3", bookingDate=None, valueDate="2026-06-08")
    path = file_of(tmp_path, berlin_answer(booked=[berlin_transaction()], pending=[undated, later]))
    os.utime(path, (0, datetime(2026, 6, 3, tzinfo=UTC).timestamp()))
    _, *pending = [row for row in berlin.read(path) if isinstance(row, Row)]
    assert [(row.on, row.facts["booked"]) for row in pending] == [
        (date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 6, 1), date(2026, 6, 8)),
    ]


def test_a_pending_payment_without_an_id_is_an_order_for_nothing_could_take_it_back(tmp_path: Path) -> None:
    waits = berlin_transaction(transactionId=None, bookingDate=None, valueDate="2026-06-03", creditorName="Shop")
    order = only(rows_of(berlin.read, tmp_path, berlin_answer(pending=[waits])), "order")
    assert (order.facts["amount"], order.facts["direction"], order.facts["counterparty"]) == (
        Decimal("12.50"),
        "out",
        "Shop",
    )
    assert order.facts["next_on"] == date(2026, 6, 3)


def test_a_reference_that_comes_again_on_another_day_is_another_payment(tmp_path: Path) -> None:
    entries = [
        berlin_transaction(transactionId=None, entryReference="1", bookingDate=day)
        for day in ("2026-06-01", "2026-06-02", "2026-06-02")
    ]
    first, second, again = events_in(berlin.read, file_of(tmp_path, berlin_answer(booked=entries)))
    assert first.key != second.key == again.key


@pytest.mark.parametrize("named", [{"transactionId": None, "entryReference": "B-1"}, {"transactionId": "B-1"}])
def test_one_name_for_several_transactions_of_a_list_loses_none_in_whatever_order_they_stand(
    tmp_path: Path, named: Part
) -> None:
    parts = [
        berlin_transaction(**named, bookingDate=day, creditorName=name, transactionAmount=money(amount))
        for day, name, amount in (
            ("2026-06-01", "Round up", "-0.55"),
            ("2026-06-01", "Shop", "-19.45"),
            ("2026-06-02", "Shop", "-19.45"),
        )
    ]
    first = events_in(berlin.read, file_of(tmp_path, berlin_answer(booked=parts)))
    again = events_in(berlin.read, file_of(tmp_path, berlin_answer(booked=parts[::-1])))
    assert len({event.key for event in first}) == 3
    assert {event.key for event in first} == {event.key for event in again}


@pytest.mark.parametrize("written", ["0", "000", "NOTPROVIDED", " "])
def test_a_name_that_says_there_is_none_names_no_transaction(tmp_path: Path, written: str) -> None:
    parts = [
        berlin_transaction(transactionId=written, entryReference=written, transactionAmount=money(amount))
        for amount in ("-1.00", "-2.00", "-2.00")
    ]
    assert len({event.key for event in events_in(berlin.read, file_of(tmp_path, berlin_answer(booked=parts)))}) == 3


def test_a_standing_order_is_told_with_its_dates(tmp_path: Path) -> None:
    details = {
        "startDate": "2026-03-01",
        "endDate": "2027-06-30",
        "frequency": "Monthly",
        "multiplicator": 3,
        "executionRule": "preceding",
    }
    order = {
        "transactionAmount": money("-800"),
        "creditorName": "A Landlord",
        "entryReference": "so-1",
        "additionalInformationStructured": {"standingOrderDetails": details},
    }
    row = only(
        rows_of(berlin.read, tmp_path, berlin_answer(booked=[berlin_transaction()], information=[order])), "order"
    )
    assert row.on == date(2026, 6, 1)
    assert row.facts == {
        "account": IBAN,
        "amount": Decimal(800),
        "currency": EUROS,
        "counterparty": "A Landlord",
        "counterparty_account": None,
        "order": "so-1",
        "first_on": date(2026, 3, 1),
        "last_on": date(2027, 6, 30),
        "every": "quarter",
        "weekends": "before",
    }


@pytest.mark.parametrize(
    ("frequency", "every"),
    [
        *(("Daily", "day"), ("weekly", "week"), ("EveryTwoWeeks", "fortnight"), ("Monthly", "month")),
        *(("Quarterly", "quarter"), ("SemiAnnual", "half_year"), ("Annual", "year")),
        *(("EveryTwoMonths", None), ("MonthlyVariable", None), (None, None)),
    ],
)
def test_how_often_something_is_paid_is_said_in_our_words_or_not_at_all(
    tmp_path: Path, frequency: str | None, every: str | None
) -> None:
    details = {"standingOrderDetails": {"startDate": "2026-03-01", "frequency": frequency}}
    order = {"transactionAmount": money("8"), "additionalInformationStructured": details}
    assert only(rows_of(berlin.read, tmp_path, berlin_answer(information=[order])), "order").facts["every"] == every


RESOURCE = "3dc3d5b3-7023-4848-9853-f5400a64e80f"
DETAILS: Part = {"resourceId": RESOURCE, "iban": IBAN, "currency": EUROS, "cashAccountType": "CACC"}


@pytest.mark.parametrize(
    "answer",
    [
        {"account": {"iban": f"{IBAN[:4]} {IBAN[4:]}"}, "transactions": {"booked": [berlin_transaction()]}},
        {
            "transactions": {
                "booked": [berlin_transaction()],
                "_links": {"account": {"href": f"/v1/accounts/{RESOURCE}"}},
            }
        },
        {"transactions": {"booked": [berlin_transaction()]}},
        {"transactionDetails": berlin_transaction()},
    ],
)
def test_the_account_of_an_answer_is_found(tmp_path: Path, answer: Part) -> None:
    assert only(rows_of(berlin.read, tmp_path, answer, {"accounts": [DETAILS]})).facts["account"] == IBAN


def test_an_answer_that_may_be_about_several_accounts_is_explained(tmp_path: Path) -> None:
    others = [DETAILS, {"resourceId": "r-2", "iban": "NL76RABO0359400371", "currency": EUROS}]
    answer = {"transactions": {"booked": [berlin_transaction(), berlin_transaction(transactionId="t-2")]}}
    bad = bad_rows_of(berlin.read, tmp_path, {"accounts": others}, answer)
    assert [(row.line, row.field, row.shape) for row in bad] == [(2, "account", "missing")] * 2


def test_a_card_is_named_by_its_masked_number_however_it_is_masked(tmp_path: Path) -> None:
    names = set()
    for card in ({"maskedPan": "525412******3241"}, {"maskedPan": "525412xxxxxx3241"}, {"pan": "5254120000003241"}):
        answer = {"cardAccount": card, "cardTransactions": {"booked": [berlin_transaction()]}}
        names.add(only(rows_of(berlin.read, tmp_path, answer)).facts["account"])
    assert names == {"525412******3241"}


CARD: Part = {"resourceId": "c-1", "maskedPan": "525412******3241", "currency": EUROS}
PURCHASE = {
    "cardTransactionId": "t-1",
    "transactionAmount": money("-12.50"),
    "originalAmount": money("13.40", "USD"),
    "transactionDate": "2026-05-30",
    "bookingDate": "2026-06-01",
    "merchantCategoryCode": "5812",
    "transactionDetails": "DINER",
}


def test_a_card_transaction_is_told_with_its_merchant_and_its_own_currency(tmp_path: Path) -> None:
    row = only(rows_of(berlin.read, tmp_path, {"cardAccount": CARD, "cardTransactions": {"booked": [PURCHASE]}}))
    assert (row.id, row.facts["booked"], row.facts["mcc"], row.facts["text"]) == (
        "t-1",
        date(2026, 6, 1),
        "5812",
        "DINER",
    )
    assert (row.facts["original"], row.facts["original_currency"]) == (Decimal("-13.40"), "USD")


@pytest.mark.parametrize("where", ["account", "answer", "balances"])
def test_where_debits_are_written_as_positive_they_are_turned_round(tmp_path: Path, where: str) -> None:
    balances: list[Part] = [{"balanceType": "interimBooked", "balanceAmount": money("310.00")}]
    answer: Part = {"cardAccount": CARD, "balances": balances}
    if where == "account":
        answer["cardAccount"] = {**CARD, "debitAccounting": True}
    elif where == "answer":
        answer["debitAccounting"] = True
    else:
        balances.insert(0, {"debitAccounting": True})
    facts = only(rows_of(berlin.read, tmp_path, answer), "balance").facts
    assert (facts["balance"], facts["type"]) == (Decimal("-310.00"), "card")

    bought = {**PURCHASE, "transactionAmount": money("12.50")}
    moved = {"cardAccount": CARD, "cardTransactions": {"booked": [bought]}, "debitAccounting": where == "answer"}
    assert only(rows_of(berlin.read, tmp_path, answer, moved)).facts["amount"] == Decimal(
        "12.50" if where == "balances" else "-12.50"
    )


def test_of_several_balances_the_booked_one_without_credit_is_told(tmp_path: Path) -> None:
    balances = [
        {"balanceType": "interimAvailable", "balanceAmount": money("5300.00"), "creditLimitIncluded": True},
        {"balanceType": "interimAvailable", "balanceAmount": money("300.00")},
        {"balanceType": "closingBooked", "balanceAmount": money("500.00"), "referenceDate": "2026-05-31"},
        {"balanceType": "forwardAvailable", "balanceAmount": money("1.00")},
        {"balanceType": "closingBooked", "balanceAmount": money("-7.00", "USD"), "referenceDate": "2026-05-31"},
    ]
    rows = rows_of(berlin.read, tmp_path, {"account": {"iban": IBAN}, "balances": balances})
    assert [(row.facts["balance"], row.facts["currency"], row.on) for row in rows] == [
        (Decimal("500.00"), EUROS, date(2026, 5, 31)),
        (Decimal("-7.00"), "USD", date(2026, 5, 31)),
    ]
    inside = rows_of(berlin.read, tmp_path, {"accounts": [{**DETAILS, "balances": balances}]})
    assert [row.facts["type"] for row in inside] == ["current", "current"]


def test_a_balance_that_is_only_told_with_its_credit_is_explained(tmp_path: Path) -> None:
    lent = {"balanceType": "interimAvailable", "balanceAmount": money("5300.00"), "creditLimitIncluded": True}
    (bad,) = bad_rows_of(berlin.read, tmp_path, {"account": {"iban": IBAN}, "balances": [lent]})
    assert bad.field == "creditLimitIncluded"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("transactionAmount", {"transactionAmount": None}),
        ("transactionAmount.amount", {"transactionAmount": money("twelve")}),
        ("transactionAmount", {"transactionAmount": money("NaN")}),
        ("bookingDate", {"bookingDate": "2026-06-31"}),
        ("bookingDate", {"bookingDate": None}),
        ("valueDate", {"valueDate": "soon"}),
    ],
)
def test_what_breaks_the_specification_is_named_and_never_repeated(tmp_path: Path, field: str, changes: Part) -> None:
    answer = berlin_answer(booked=[berlin_transaction(), berlin_transaction(**changes)])
    (bad,) = bad_rows_of(berlin.read, tmp_path, answer)
    assert bad.field == field
    assert json.loads(bad.raw) == berlin_transaction(**changes)
    for value in ("twelve", "06-31", "soon"):
        assert value not in str(bad)


@pytest.mark.parametrize(
    "document",
    [{"tppMessages": [{"category": "ERROR"}]}, {"_links": {"download": {"href": "x"}}}, {}, [], "x", {"accounts": 7}],
)
def test_a_document_that_is_no_answer_is_a_bad_row(tmp_path: Path, document: object) -> None:
    assert len(bad_rows_of(berlin.read, tmp_path, [document])) == 1


def test_a_consent_tells_no_payment(tmp_path: Path) -> None:
    rows = rows_of(berlin.read, tmp_path, {"consentStatus": "valid"}, {"access": {}, "validUntil": "2026-12-31"})
    assert [row.what for row in rows] == ["licence"]


@given(amounts=st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=20))
def test_the_amounts_of_a_file_are_its_sum(tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal]) -> None:
    parts = [
        berlin_transaction(transactionId=f"t-{number}", transactionAmount=money(str(amount)))
        for number, amount in enumerate(amounts)
    ]
    half = len(parts) // 2
    path = file_of(
        tmp_path_factory.mktemp("berlin"), berlin_answer(booked=parts[:half], pending=parts[half:]), berlin_answer()
    )
    assert total_minor(events_in(berlin.read, path)) == 100 * sum(amounts)


@pytest.fixture(scope="module")
def examples(data: Path) -> dict[str, Part]:
    packed = data / "open_banking_specs" / "berlin_group" / "examples.json.gz"
    return {name: example["value"] for name, example in json.loads(gzip.decompress(packed.read_bytes())).items()}


@pytest.mark.parametrize(
    ("name", "account", "amounts"),
    [
        ("transactionsExample1_RegularAccount_json", "DE2310010010123456788", ["256.67", "343.01", "-100.03"]),
        (
            "transactionsExample3_MulticurrencyAccount_json",
            "DE40100100103307118608",
            ["-256.67", "343.01", "100", "-100.03"],
        ),
        ("transactionsResponse200JsonExample", "DE2310010010123456788", ["256.67"]),
    ],
)
def test_the_published_transactions_are_read_with_their_signs(
    examples: dict[str, Part], tmp_path: Path, name: str, account: str, amounts: list[str]
) -> None:
    rows = rows_of(berlin.read, tmp_path, examples[name])
    assert [row.facts["amount"] for row in rows] == [Decimal(amount) for amount in amounts]
    assert {row.facts["account"] for row in rows} == {account}
    assert not any(isinstance(event, BadRow) for event in events_of(rows, origin=ORIGIN))


@pytest.mark.parametrize(
    ("names", "balances"),
    [
        (["balancesExample1_RegularAccount"], [("500.00", EUROS)]),
        (
            ["accountDetailsMulticurrencyAccount", "balancesExample2_MulticurrencyAcount"],
            [("500.00", EUROS), ("350.00", "USD")],
        ),
        (["accountDetailsRegularAccount", "balancesExample3_RegularAccount"], [("1000.00", EUROS)]),
        (["cardAccountListExample1"], [("14355.78", EUROS)]),
        (["cardAccountDetailsExample"], [("-14355.78", EUROS)]),
        (["balancesExample_CardAccount"], [("-14355.78", EUROS)]),
        (["accountListExample1", "accountListExample2", "accountListExample3"], []),
    ],
)
def test_the_published_balances_are_read_with_their_signs(
    examples: dict[str, Part], tmp_path: Path, names: list[str], balances: list[tuple[str, str]]
) -> None:
    rows = rows_of(berlin.read, tmp_path, *(examples[name] for name in names))
    assert [(row.facts["balance"], row.facts["currency"]) for row in rows] == [
        (Decimal(amount), currency) for amount, currency in balances
    ]


def test_a_published_detail_is_read_where_its_account_is_known(examples: dict[str, Part], tmp_path: Path) -> None:
    parts = (examples["accountDetailsRegularAccount"], examples["transactionDetailsExample"])
    row = only(rows_of(berlin.read, tmp_path, *parts))
    assert (row.facts["amount"], row.facts["mandate"]) == (Decimal("-256.67"), "Mandate-2018-04-20-1234")

"""UK Open Banking means what it says: accounts by number, signs by word, dates as printed, orders of the future."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.importers.open_banking import uk_ob
from marketofone.importers.rows import BadRow, Row, events_of
from payload_samples import (
    ORIGIN,
    Part,
    bad_rows_of,
    events_in,
    file_of,
    only,
    rows_of,
    total_minor,
    uk_account,
    uk_answer,
    uk_balance,
    uk_statement,
    uk_transaction,
)

POUNDS = "GBP"


def money(amount: str, currency: str = POUNDS) -> Part:
    return {"Amount": amount, "Currency": currency}


def told(folder: Path, **changes: Any) -> dict[str, Any]:
    """Give what is told of a transaction, without what is not."""
    row = only(rows_of(uk_ob.read, folder, uk_answer(Transaction=[uk_transaction(**changes)])))
    return {name: value for name, value in row.facts.items() if value is not None}


def test_a_transaction_is_told_with_all_it_says(tmp_path: Path) -> None:
    facts = told(
        tmp_path,
        TransactionReference="Invoice 7",
        ValueDateTime="2026-06-03T00:00:00+01:00",
        TransactionInformation="KIOSK 7\n LONDON",
        BankTransactionCode={"Code": "CCRD", "SubCode": "POSD"},
        MerchantDetails={"MerchantName": "Kiosk", "MerchantCategoryCode": "742"},
        PaymentPurposeCode="GDDS",
        CreditorAccount={
            "SchemeName": "UK.OBIE.IBAN",
            "Identification": "GB29 NWBK 6016 1331 9268 19",
            "Name": "Kiosk Ltd",
        },
        DebtorAccount={"SchemeName": "UK.OBIE.BBAN", "Identification": "1", "Name": "A Holder"},
        CurrencyExchange={
            "SourceCurrency": "EUR",
            "ExchangeRate": 1.25,
            "InstructedAmount": money("15.63", "EUR"),
        },
        Balance={"CreditDebitIndicator": "Debit", "Type": "ITBD", "Amount": money("3.20")},
    )
    assert facts == {
        "account": "22289",
        "amount": Decimal("-12.50"),
        "currency": POUNDS,
        "status": "booked",
        "booked": date(2026, 6, 1),
        "value_date": date(2026, 6, 3),
        "text": "KIOSK 7 LONDON",
        "bank_code": "CCRD-POSD",
        "purpose_code": "GDDS",
        "merchant": "Kiosk",
        "mcc": "0742",
        "reference": "Invoice 7",
        "counterparty": "Kiosk Ltd",
        "counterparty_account": "601613/31926819",
        "rate": 1.25,
        "original": Decimal("-15.63"),
        "original_currency": "EUR",
        "balance": Decimal("-3.20"),
    }


def test_a_credit_is_money_in_and_names_who_paid(tmp_path: Path) -> None:
    payer = {"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": "10203040506070", "Name": "Works"}
    facts = told(tmp_path, CreditDebitIndicator="Credit", DebtorAccount=payer, UltimateCreditor={"Name": "A Holder"})
    assert facts["amount"] == Decimal("12.50")
    assert (facts["counterparty"], facts["counterparty_account"]) == ("Works", "102030/40506070")


def test_a_code_of_the_bank_stands_where_there_is_no_other(tmp_path: Path) -> None:
    assert told(tmp_path, ProprietaryBankTransactionCode={"Code": "DEB"})["bank_code"] == "DEB"


@pytest.mark.parametrize(
    "booked",
    ["2026-03-29T00:30:00+01:00", "2026-03-29T23:59:59-11:00", "2026-03-29T00:00:00Z", "2026-03-29"],
)
def test_the_date_that_is_printed_counts(tmp_path: Path, booked: str) -> None:
    assert told(tmp_path, BookingDateTime=booked)["booked"] == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("status", "found"), [("BOOK", "booked"), ("Booked", "booked"), ("PDNG", "pending"), ("Pending", "pending")]
)
def test_the_words_of_both_versions_are_understood(tmp_path: Path, status: str, found: str) -> None:
    assert told(tmp_path, Status=status)["status"] == found


def test_a_payment_is_booked_under_the_id_under_which_it_was_pending(tmp_path: Path) -> None:
    pages = [
        uk_answer(Transaction=[uk_transaction(Status=status, Amount=money(amount))])
        for status, amount in (("PDNG", "20.00"), ("BOOK", "21.35"))
    ]
    pending, booked = events_in(uk_ob.read, file_of(tmp_path, *pages))
    assert pending.key == booked.key


def test_what_is_expected_on_a_later_day_is_known_since_the_latest_day_that_was_told(tmp_path: Path) -> None:
    expected = uk_transaction(TransactionId="t-2", Status="PDNG", BookingDateTime="2026-06-08T00:00:00Z")
    path = file_of(tmp_path, uk_answer(Transaction=[uk_transaction(), expected]))
    os.utime(path, (0, datetime(2026, 6, 2, tzinfo=UTC).timestamp()))
    pending = [row for row in uk_ob.read(path) if isinstance(row, Row)][1]
    assert (pending.on, pending.facts["booked"]) == (date(2026, 6, 1), date(2026, 6, 8))


def test_a_future_entry_is_an_order(tmp_path: Path) -> None:
    future = uk_transaction(Status="FUTR", BookingDateTime="2126-06-08T00:00:00Z", TransactionId="f-1")
    order = only(rows_of(uk_ob.read, tmp_path, uk_answer(Transaction=[uk_transaction(), future])), "order")
    assert (order.on, order.facts["next_on"], order.facts["direction"]) == (date(2026, 6, 1), date(2126, 6, 8), "out")
    assert order.facts["amount"] == Decimal("12.50")


def test_a_pending_payment_without_an_id_is_an_order_for_nothing_could_take_it_back(tmp_path: Path) -> None:
    waits = uk_transaction(
        Status="PDNG", TransactionId=None, CreditDebitIndicator="Credit", DebtorAccount={"Name": "Works"}
    )
    order = only(rows_of(uk_ob.read, tmp_path, uk_answer(Transaction=[waits])), "order")
    assert (order.id, order.facts["direction"], order.facts["counterparty"]) == (None, "in", "Works")
    assert (order.facts["amount"], order.facts["next_on"]) == (Decimal("12.50"), date(2026, 6, 1))


def test_what_is_rejected_takes_the_payment_back(tmp_path: Path) -> None:
    row = only(rows_of(uk_ob.read, tmp_path, uk_answer(Transaction=[uk_transaction(Status="RJCT")])), "removed")
    assert (row.id, row.facts) == ("t-1", {"account": "22289"})


def test_a_rejected_payment_that_was_never_told_is_explained(tmp_path: Path) -> None:
    rejected = uk_transaction(Status="RJCT", TransactionId=None)
    (bad,) = bad_rows_of(uk_ob.read, tmp_path, uk_answer(Transaction=[rejected]))
    assert bad.shape == "an entry under which no money moved"


@pytest.mark.parametrize("status", ["INFO", "Information"])
def test_an_entry_for_information_only_is_no_bad_row_and_moves_no_money(tmp_path: Path, status: str) -> None:
    (row,) = rows_of(uk_ob.read, tmp_path, uk_answer(Transaction=[uk_transaction(Status=status)]))
    assert (row.what, row.facts, events_in(uk_ob.read, tmp_path / "answers.json")) == ("notice", {}, [])


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("Status", {"Status": "BOOKED"}),
        ("CreditDebitIndicator", {"CreditDebitIndicator": "CRDT"}),
        ("Amount", {"Amount": money("-12.50")}),
        ("Amount", {"Amount": money("1e30")}),
        ("Amount.Amount", {"Amount": money("twelve")}),
        ("BookingDateTime", {"BookingDateTime": "1 June 2026"}),
        ("AccountId", {"AccountId": None}),
    ],
)
def test_what_breaks_the_specification_is_named_and_never_repeated(tmp_path: Path, field: str, changes: Part) -> None:
    answer = json.dumps(uk_answer(Transaction=[uk_transaction(), uk_transaction(**changes)]), indent=1)
    path = tmp_path / "answers.json"
    path.write_text(answer, "utf-8")
    good, bad = uk_ob.read(path)
    assert isinstance(bad, BadRow)
    assert bad.field == field
    assert bad.line == 1 + answer[: answer.rindex('"AccountId"') - 5].count("\n")
    assert json.loads(bad.raw) == uk_transaction(**changes)
    for value in ("twelve", "1 June", "BOOKED", "CRDT"):
        assert value not in str(bad)
    assert isinstance(good, Row)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("60-16-13 31926819", "601613/31926819"),
        ("60161331926819", "601613/31926819"),
    ],
)
def test_an_account_is_known_by_its_number_wherever_its_answer_stands_in_the_file(
    tmp_path: Path, number: str, name: str
) -> None:
    rows = rows_of(
        uk_ob.read,
        tmp_path,
        uk_answer(Transaction=[uk_transaction()]),
        uk_answer(Balance=[uk_balance()]),
        uk_answer(Account=[uk_account(number=number)]),
    )
    assert {row.facts["account"] for row in rows} == {name}
    assert only(rows, "balance").facts["type"] == "current"


@pytest.mark.parametrize(
    ("schemes", "name"),
    [
        ([("UK.OBIE.IBAN", "GB29NWBK60161331926819")], "601613/31926819"),
        ([("UK.OBIE.IBAN", "de89 3704 0044 0532 0130 00")], "DE89370400440532013000"),
        ([("UK.OBIE.PAN", "5254120000003241")], "525412******3241"),
        ([("UK.OBIE.PAN", "************3241")], "************3241"),
        ([("UK.OBIE.PAN", "1"), ("UK.OBIE.SortCodeAccountNumber", "60161331926819")], "601613/31926819"),
        ([("UK.Other.Scheme", "7")], "22289"),
        ([], "22289"),
    ],
)
def test_the_same_account_has_one_name_in_every_scheme(
    tmp_path: Path, schemes: list[tuple[str, str]], name: str
) -> None:
    numbers = [{"SchemeName": scheme, "Identification": number} for scheme, number in schemes]
    rows = rows_of(
        uk_ob.read, tmp_path, uk_answer(Account=[uk_account(Account=numbers)]), uk_answer(Balance=[uk_balance()])
    )
    assert only(rows, "balance").facts["account"] == name


def test_members_of_a_building_society_are_told_apart_by_their_roll_number(tmp_path: Path) -> None:
    society = {"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": "60161331926819"}
    accounts = [
        uk_account(f"id-{roll}", Account=[{**society, "SecondaryIdentification": roll}]) for roll in ("R1", "R2")
    ]
    balances = [uk_balance(AccountId=f"id-{roll}") for roll in ("R1", "R2")]
    rows = rows_of(uk_ob.read, tmp_path, uk_answer(Account=accounts), uk_answer(Balance=balances))
    assert [row.facts["account"] for row in rows] == ["601613/31926819/R1", "601613/31926819/R2"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"AccountTypeCode": "SVGS"}, "savings"),
        ({"AccountTypeCode": "CARD"}, "card"),
        ({"AccountTypeCode": "MORT"}, "mortgage"),
        ({"AccountTypeCode": None, "AccountSubType": "Loan"}, "loan"),
        ({"AccountTypeCode": "OTHR"}, None),
    ],
)
def test_the_type_of_an_account_is_told_with_its_balance(tmp_path: Path, changes: Part, kind: str | None) -> None:
    rows = rows_of(uk_ob.read, tmp_path, uk_answer(Account=[uk_account(**changes)]), uk_answer(Balance=[uk_balance()]))
    assert only(rows, "balance").facts["type"] == kind


def test_of_several_balances_the_booked_one_without_credit_is_told(tmp_path: Path) -> None:
    lent = [{"Included": True, "Type": "Pre-Agreed", "Amount": money("500.00")}]
    balances = [
        uk_balance("650.00", Type="ITAV", CreditLine=lent),
        uk_balance("150.00", Type="ITAV"),
        uk_balance("140.00"),
        uk_balance("7.00", Type="OPBD"),
        uk_balance("640.00", CreditLine=lent),
        uk_balance("9.00", Type="FWAV"),
        uk_balance("30.00", Amount=money("30.00", "EUR"), CreditDebitIndicator="Debit"),
    ]
    rows = rows_of(uk_ob.read, tmp_path, uk_answer(Balance=balances), uk_answer(Balance=balances))
    assert [(row.facts["balance"], row.facts["currency"]) for row in rows] == [
        (Decimal("140.00"), POUNDS),
        (Decimal("-30.00"), "EUR"),
    ]
    assert [row.facts["limit"] for row in rows] == [Decimal("500.00"), None]


def test_a_credit_line_is_no_money_of_ones_own(tmp_path: Path) -> None:
    lent = [{"Included": True, "Type": kind, "Amount": money("500.00")} for kind in ("Pre-Agreed", "Available")]
    rows = rows_of(uk_ob.read, tmp_path, uk_answer(Balance=[uk_balance("350.00", Type="ITAV", CreditLine=lent)]))
    assert only(rows, "balance").facts["balance"] == Decimal("-150.00")

    unknown = uk_balance("350.00", CreditLine=[{"Included": True}])
    (bad,) = bad_rows_of(uk_ob.read, tmp_path, uk_answer(Balance=[unknown]))
    assert bad.field == "CreditLine.Amount"


def test_a_credit_line_in_another_currency_than_its_account_is_a_bad_row(tmp_path: Path) -> None:
    lent = [{"Included": False, "Type": "Pre-Agreed", "Amount": money("500.00", "EUR")}]
    answer = uk_answer(Balance=[uk_balance("140.00", CreditLine=lent)])
    assert [bad.field for bad in bad_rows_of(uk_ob.read, tmp_path, answer)] == ["CreditLine.Amount.Currency"]
    told = [row for row in uk_ob.read(file_of(tmp_path, answer)) if isinstance(row, Row)]
    assert [(row.facts["balance"], row.facts["limit"]) for row in told] == [(Decimal("140.00"), None)]

    included = uk_answer(Balance=[uk_balance("350.00", Type="ITAV", CreditLine=[{**lent[0], "Included": True}])])
    assert {bad.field for bad in bad_rows_of(uk_ob.read, tmp_path, included)} == {"CreditLine.Amount.Currency"}


_LENT = ("CreditLine.Amount", "CreditLine.Amount.Currency")
MANDATE = {
    "MandateIdentification": "M-1",
    "FirstPaymentDateTime": "2026-01-05T00:00:00Z",
    "FinalPaymentDateTime": "2027-01-05T00:00:00Z",
    "Frequency": {"Type": "MNTH"},
}
PAYEE = {"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": "1", "Name": "A Landlord"}


def test_a_standing_order_is_told_with_its_dates(tmp_path: Path) -> None:
    order = {
        "AccountId": "22289",
        "StandingOrderId": "so-1",
        "StandingOrderStatusCode": "ACTV",
        "NextPaymentDateTime": "2026-07-05T00:00:00+01:00",
        "NextPaymentAmount": money("800.00"),
        "LastPaymentAmount": money("780.00"),
        "CreditorAccount": PAYEE,
        "MandateRelatedInformation": MANDATE,
    }
    row = only(
        rows_of(uk_ob.read, tmp_path, uk_answer(Transaction=[uk_transaction()]), uk_answer(StandingOrder=[order])),
        "order",
    )
    assert (row.on, row.id) == (date(2026, 6, 1), "so-1")
    assert row.facts == {
        "account": "22289",
        "amount": Decimal("800.00"),
        "currency": POUNDS,
        "counterparty": "A Landlord",
        "counterparty_account": "1/",
        "order": "so-1",
        "first_on": date(2026, 1, 5),
        "next_on": date(2026, 7, 5),
        "last_on": date(2027, 1, 5),
        "every": "month",
        "ended": False,
    }


def test_a_standing_order_of_the_version_before_is_understood(tmp_path: Path) -> None:
    order = {
        "AccountId": "22289",
        "Frequency": "IntrvlWkDay:02:05",
        "FirstPaymentDateTime": "2026-01-05T00:00:00Z",
        "FirstPaymentAmount": money("20.00"),
        "StandingOrderStatusCode": "Inactive",
    }
    facts = only(rows_of(uk_ob.read, tmp_path, uk_answer(StandingOrder=[order])), "order").facts
    assert (facts["every"], facts["first_on"], facts["ended"]) == ("fortnight", date(2026, 1, 5), True)


@pytest.mark.parametrize(
    ("frequency", "every"),
    [
        *(("DAIL", "day"), ("WEEK", "week"), ("FRTN", "fortnight"), ("QURT", "quarter"), ("MIAN", "half_year")),
        *(("YEAR", "year"), ("EvryDay", "day"), ("IntrvlDay:14", "fortnight"), ("IntrvlMnthDay:03:-01", "quarter")),
        *(("IntrvlMnthDay:12:31", "year"), ("QtrDay:ENGLISH", "quarter"), ("WkInMnthDay:02:03", "month")),
        *(("EvryWorkgDay", None), ("IntrvlWkDay:03:05", None), ("ADHO", None), ("NotKnown", None), ("Intrvl:x", None)),
    ],
)
def test_how_often_something_is_paid_is_said_in_our_words_or_not_at_all(
    tmp_path: Path, frequency: str, every: str | None
) -> None:
    order = {"AccountId": "1", "NextPaymentAmount": money("1"), "Frequency": frequency}
    assert only(rows_of(uk_ob.read, tmp_path, uk_answer(StandingOrder=[order])), "order").facts["every"] == every


@pytest.mark.parametrize(
    ("kind", "count", "every"),
    [("YEAR", 2, "half_year"), ("YEAR", "4", "quarter"), ("MIAN", 6, "month"), ("MNTH", 1, "month"), ("MNTH", 2, None)],
)
def test_several_payments_in_a_period_come_oftener(
    tmp_path: Path, kind: str, count: int | str, every: str | None
) -> None:
    mandate = {"Frequency": {"Type": kind, "CountPerPeriod": count}}
    order = {"AccountId": "1", "NextPaymentAmount": money("1"), "MandateRelatedInformation": mandate}
    assert only(rows_of(uk_ob.read, tmp_path, uk_answer(StandingOrder=[order])), "order").facts["every"] == every


@pytest.mark.parametrize(
    ("number", "again", "last_on"),
    [
        ("12", None, date(2026, 12, 5)),
        (12, None, date(2026, 12, 5)),
        ("12", "2026-02-20T00:00:00Z", date(2026, 12, 20)),
        ("1", "2026-02-20T00:00:00Z", date(2026, 1, 5)),
        ("many", None, None),
        ("0", None, None),
    ],
)
def test_a_number_of_payments_says_which_is_the_last(
    tmp_path: Path, number: object, again: str | None, last_on: date | None
) -> None:
    mandate = {key: said for key, said in MANDATE.items() if key != "FinalPaymentDateTime"}
    order = {
        "AccountId": "1",
        "NextPaymentAmount": money("1"),
        "NumberOfPayments": number,
        "MandateRelatedInformation": mandate | {"RecurringPaymentDateTime": again},
    }
    facts = only(rows_of(uk_ob.read, tmp_path, uk_answer(StandingOrder=[order])), "order").facts
    assert facts["last_on"] == last_on
    assert facts["first_on"] == (date(2026, 1, 5) if again is None else date(2026, 2, 20))


def test_a_direct_debit_goes_on_from_its_last_collection(tmp_path: Path) -> None:
    debit = {
        "AccountId": "22289",
        "Name": "Water Company",
        "PreviousPaymentDateTime": "2026-05-01T00:00:00Z",
        "PreviousPaymentAmount": money("31.00"),
        "MandateRelatedInformation": {"MandateIdentification": "M-2", "Frequency": {"Type": "QURT"}},
    }
    facts = only(rows_of(uk_ob.read, tmp_path, uk_answer(DirectDebit=[debit])), "order").facts
    assert (facts["first_on"], facts["every"]) == (date(2026, 5, 1), "quarter")
    debit["MandateRelatedInformation"] = {"Frequency": {"Type": "ADHO"}}
    facts = only(rows_of(uk_ob.read, tmp_path, uk_answer(DirectDebit=[debit])), "order").facts
    assert (facts["first_on"], facts["every"]) == (None, None)


def test_a_scheduled_payment_and_a_direct_debit_are_orders_too(tmp_path: Path) -> None:
    scheduled = {
        "AccountId": "22289",
        "ScheduledPaymentId": "sp-1",
        "ScheduledPaymentDateTime": "2126-07-05T00:00:00+01:00",
        "ScheduledType": "Execution",
        "InstructedAmount": money("75.00"),
        "CreditorAccount": PAYEE,
    }
    debit = {
        "AccountId": "22289",
        "DirectDebitId": "dd-1",
        "DirectDebitStatusCode": "ACTV",
        "Name": "Water Company",
        "PreviousPaymentDateTime": "2026-06-01T00:00:00Z",
        "PreviousPaymentAmount": money("31.00"),
        "MandateRelatedInformation": {"MandateIdentification": "M-2", "Frequency": {"Type": "QURT"}},
    }
    once, again = rows_of(uk_ob.read, tmp_path, uk_answer(ScheduledPayment=[scheduled]), uk_answer(DirectDebit=[debit]))
    assert (once.facts["next_on"], once.facts["amount"], once.on) == (
        date(2126, 7, 5),
        Decimal("75.00"),
        date(2026, 6, 1),
    )
    assert (again.facts["every"], again.facts["counterparty"], again.facts["order"]) == (
        "quarter",
        "Water Company",
        "dd-1",
    )
    never = {key: value for key, value in debit.items() if key != "PreviousPaymentAmount"}
    (mandate,) = rows_of(uk_ob.read, tmp_path, uk_answer(DirectDebit=[never]))  # the past says how much
    assert (mandate.facts["amount"], mandate.facts["currency"], mandate.facts["every"]) == (None, "GBP", "quarter")
    standing = {"AccountId": "22289", "StandingOrderId": "so-1", "Frequency": "EvryDay"}
    (bad,) = bad_rows_of(uk_ob.read, tmp_path, uk_answer(StandingOrder=[standing]))
    assert (bad.field, bad.shape) == ("NextPaymentAmount", "missing")


@pytest.mark.parametrize("other", ["Party", "Beneficiary", "Product", "Offer", "Statement"])
def test_other_answers_about_accounts_tell_nothing(tmp_path: Path, other: str) -> None:
    assert rows_of(uk_ob.read, tmp_path, uk_answer(**{other: []}), {"Data": {}}) == []


@pytest.mark.parametrize(
    "document", [{"Code": "400 BadRequest", "Errors": []}, {"Data": {"Payment": []}}, [], 7, {"Data": {"Account": 7}}]
)
def test_a_document_that_is_no_answer_is_a_bad_row(tmp_path: Path, document: object) -> None:
    assert len(bad_rows_of(uk_ob.read, tmp_path, [document], uk_answer())) == 1


@given(amounts=st.lists(st.tuples(st.decimals(0, 10**9, places=2), st.booleans()), max_size=20))
def test_the_signed_amounts_of_a_file_are_its_sum(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[Decimal, bool]]
) -> None:
    pages = [
        uk_answer(
            Transaction=[
                uk_transaction(
                    TransactionId=f"t-{number}",
                    Amount=money(str(amount)),
                    CreditDebitIndicator="Credit" if comes_in else "Debit",
                )
            ]
        )
        for number, (amount, comes_in) in enumerate(amounts)
    ]
    events = events_in(uk_ob.read, file_of(tmp_path_factory.mktemp("uk"), *pages))
    assert total_minor(events) == sum(int(100 * amount) * (1 if comes_in else -1) for amount, comes_in in amounts)


# --- what the published specification allows


class Schemas:
    """Draws values that the published specification allows."""

    def __init__(self, specification: dict[str, Any]) -> None:
        self.schemas = specification["components"]["schemas"]

    def values(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self.values(self.schemas[schema["$ref"].rpartition("/")[2]])
        if "oneOf" in schema:
            return st.one_of([self.values(one) for one in schema["oneOf"]])
        if words := schema.get("enum") or schema.get("x-namespaced-enum"):
            return st.sampled_from(words)
        plain = {
            "number": st.integers(1, 1000).map(lambda number: number / 8),
            "integer": st.integers(0, 1000),
            "boolean": st.booleans(),
        }
        made = {"object": self.objects, "array": self.lists}
        kind = schema.get("type", "")
        return plain[kind] if kind in plain else made.get(kind, self.texts)(schema)

    def objects(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        fields = {name: self.values(one) for name, one in schema.get("properties", {}).items()}
        needed = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
        return st.fixed_dictionaries(needed, optional=fields)

    def lists(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        return st.lists(self.values(schema["items"]), max_size=2)

    def texts(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        if schema.get("format") == "date-time":
            years = datetime(2000, 1, 1), datetime(2099, 12, 31)  # noqa: DTZ001 - in UTC
            return st.datetimes(*years, timezones=st.just(UTC)).map(datetime.isoformat)
        if "pattern" in schema:
            return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
        return st.text(st.characters(codec="utf-8"), min_size=1, max_size=min(schema.get("maxLength", 20), 20))


@pytest.fixture(scope="module")
def schemas(data: Path) -> Schemas:
    packed = data / "open_banking_specs" / "uk_obie_v4" / "account-info-openapi.json.gz"
    return Schemas(json.loads(gzip.decompress(packed.read_bytes())))


def list_of(schemas: Schemas, answer: str, name: str) -> st.SearchStrategy[list[Part]]:
    schema = schemas.schemas[answer]["properties"]["Data"]
    if "$ref" in schema:
        schema = schemas.schemas[schema["$ref"].rpartition("/")[2]]
    return st.lists(schemas.values(schema["properties"][name]["items"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("answer", "name", "what"),
    [
        ("OBReadAccount6", "Account", None),
        ("OBReadBalance1", "Balance", "balance"),
        ("OBReadTransaction6", "Transaction", "movement"),
        ("OBReadStandingOrder6", "StandingOrder", "order"),
        ("OBReadScheduledPayment3", "ScheduledPayment", "order"),
        ("OBReadDirectDebit2", "DirectDebit", "order"),
    ],
)
def test_whatever_the_specification_allows_is_read_and_nothing_is_lost(
    schemas: Schemas, tmp_path_factory: pytest.TempPathFactory, answer: str, name: str, what: str | None
) -> None:
    folder = tmp_path_factory.mktemp("uk")

    @settings(max_examples=60)
    @given(parts=list_of(schemas, answer, name))
    def law(parts: list[Part]) -> None:
        found = list(uk_ob.read(file_of(folder, {"Data": {name: parts}})))
        reasons = {row.field for row in found if isinstance(row, BadRow)}
        assert reasons <= {"Status", "PreviousPaymentAmount", "NextPaymentAmount", *_LENT}
        if what == "movement":
            assert len(found) == len(parts)
            for part, row in zip(parts, found, strict=True):
                if isinstance(row, Row) and row.what == what:
                    amount = row.facts["amount"]
                    assert isinstance(amount, Decimal)
                    assert abs(amount) == Decimal(part["Amount"]["Amount"])
                    assert amount == 0 or (amount > 0) == (part["CreditDebitIndicator"] == "Credit")
        elif what == "order":
            assert len(found) == len(parts)
        else:
            assert {row.what for row in found if isinstance(row, Row)} <= {what}
        list(events_of(found, origin=ORIGIN))

    law()


@pytest.mark.parametrize(
    ("code", "amounts", "told"),
    [
        ("CARD", {"DirectDebitPaymentDue": "250.00", "MinimumPaymentDue": "20.00"}, ("card_bill", Decimal(250))),
        ("CARD", {"MinimumPaymentDue": "20.00"}, ("card_bill", None)),
        ("LOAN", {"MinimumPaymentDue": "20.00"}, ("loan_payment", Decimal(20))),
        ("MORT", {"DirectDebitPaymentDue": "250.00"}, ("loan_payment", Decimal(250))),
    ],
)
def test_the_last_statement_of_a_card_or_a_loan_tells_what_is_due(
    tmp_path: Path, code: str, amounts: dict[str, str], told: tuple[str, Decimal | None]
) -> None:
    statements = [uk_statement("2026-06-01", **amounts), uk_statement(**amounts), uk_statement("2026-05-01", **amounts)]
    account = uk_answer(Account=[uk_account(AccountTypeCode=code)])
    rows = rows_of(uk_ob.read, tmp_path, account, uk_answer(Statement=statements))
    facts = only(rows, "order").facts
    assert (facts["category"], facts["amount"]) == told
    assert (facts["direction"], facts["next_on"], facts["currency"]) == ("in", date(2026, 7, 1), "GBP")


@pytest.mark.parametrize("account", [{"AccountTypeCode": "CACC"}, {"AccountId": "other"}])
def test_a_statement_of_an_account_that_owes_nothing_tells_nothing(tmp_path: Path, account: Part) -> None:
    rows = rows_of(uk_ob.read, tmp_path, uk_answer(Account=[uk_account(**account)], Statement=[uk_statement()]))
    assert rows == []

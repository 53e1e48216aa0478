"""Rows become movements after their mapping, and each row that cannot is told with its line and its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import Columns, Mapping, Words
from marketofone.importers.tables.tabular import Table, TableRow

COLUMNS = ("Date", "Text", "Amount", "Balance")
SIGNED = Columns(booked=("Date",), text=("Text",), amount="Amount", balance="Balance")


def table_of(*rows: Sequence[Any], columns: Sequence[str] = COLUMNS) -> Table:
    read = [TableRow(line, row, ";".join(map(str, row)).encode()) for line, row in enumerate(rows, start=2)]
    return Table(name="june.csv", columns=tuple(columns), rows=lambda: iter(read))


def mapping(columns: Columns = SIGNED, **said: Any) -> Mapping:
    return Mapping(columns=columns, **{"account": "main", "currency": "EUR", **said})


def read(table: Table, how: Mapping, **said: Any) -> list[Row | BadRow]:
    return list(MappedRows(table, how, **said))


def only(rows: list[Row | BadRow]) -> Row:
    (row,) = rows
    assert isinstance(row, Row)
    return row


def test_a_row_says_what_its_columns_say() -> None:
    columns = (
        "Date",
        "Value",
        "Amount",
        "Cur",
        "Account",
        "To",
        "IBAN",
        "Shop",
        "Kind",
        "Id",
        "Ref",
        "Type",
        "MCC",
        "Why",
    )
    said = Columns(
        booked=("Date",), value_date="Value", amount="Amount", currency="Cur", account="Account", text=("Type", "Ref"),
        counterparty="To", counterparty_account="IBAN", merchant="Shop", category="Kind", id="Id", reference="Ref",
        bank_code="Type", mcc="MCC", purpose_code="Why",
    )  # fmt: skip
    row = (
        "2026-06-01",
        "2026-06-02",
        "-5.00",
        "chf",
        "mine",
        "Ida",
        "CH00",
        "Tea",
        "Food & Drink",
        "7",
        "x",
        "CARD",
        "742",
        "GDDS",
    )
    read_row = only(read(table_of(row, columns=columns), mapping(said, currency=None, account=None)))

    assert (read_row.line, read_row.what, read_row.on, read_row.id) == (2, "movement", date(2026, 6, 1), "7")
    assert read_row.facts == {
        "account": "mine", "currency": "CHF", "amount": Decimal("-5.00"), "value_date": date(2026, 6, 2),
        "text": "CARD x", "counterparty": "Ida", "counterparty_account": "CH00", "merchant": "Tea",
        "category": "Food & Drink",
        "reference": "x", "bank_code": "CARD", "mcc": "0742", "purpose_code": "GDDS",
    }  # fmt: skip


def test_what_is_longer_than_its_field_is_cut_and_control_characters_become_blanks() -> None:
    said = Columns(booked=("Date",), amount="Amount", text=("Text",), category="Kind", counterparty="To")
    row = ("2026-06-01", "x\x00y\x1f\x1fzz\n" * 400, "-5", "c" * 90, "n\tme" * 90)
    made = read(table_of(row, columns=("Date", "Text", "Amount", "Kind", "To")), mapping(said))
    facts = only(made).facts

    assert [len(str(facts[key])) for key in ("text", "category", "counterparty")] == [500, 64, 200]
    assert str(facts["text"]).startswith("x y zz x y zz x y")
    assert not any(isinstance(event, BadRow) for event in events_of(made, origin=Origin(customer="c", producer="csv")))


@pytest.mark.parametrize(
    ("row", "field", "shape"),
    [
        (("", "tea", "-5.00", ""), "booked", "missing"),
        (("soon", "tea", "-5.00", ""), "booked", "text of 4 characters"),
        (("2026-02-30", "tea", "-5.00", ""), "booked", "text of 10 characters"),
        (("2026-06-01", "tea", "0.00", ""), "amount", "zero"),
        (("2026-06-01", "tea", "", ""), "amount", "missing"),
        (("2026-06-01", "tea", "five", ""), "amount", "text of 4 characters"),
        (("2026-06-01", "tea", "5,00", ""), "amount", "text of 4 characters"),
        (("2026-06-01", "tea", "-5.00", "", "more"), "row", "5 cells"),
    ],
)
def test_a_row_that_is_none_is_told_with_its_line_and_its_reason(row: Sequence[str], field: str, shape: str) -> None:
    good = ("2026-06-01", "milk", "-1.00", "")
    rows = read(table_of(good, row, good), mapping())
    (bad,) = [one for one in rows if isinstance(one, BadRow)]

    assert (bad.line, bad.field, bad.shape) == (3, field, shape)
    assert bad.raw == ";".join(row).encode()
    assert len(rows) == 3


@pytest.mark.parametrize(
    "note",
    [
        ("Total", "", "-6.00", ""),
        ("", "", "", ""),
        ("Closing balance on 30 June", "", "", "94.00"),
        ("This statement was made without a signature.",),
        ("", "and goes on here", "", ""),
    ],
)
def test_a_line_that_sums_up_or_notes_something_is_counted_and_is_no_row(note: Sequence[str]) -> None:
    rows = MappedRows(table_of(("2026-06-01", "milk", "-1.00", ""), note), mapping())

    assert [row.line for row in rows] == [2]
    assert rows.notes == 1


def test_a_balance_without_an_amount_is_a_balance() -> None:
    first, movement = read(
        table_of(("2026-06-01", "Opening balance", "", "100.00"), ("2026-06-02", "tea", "-5.00", "95.00")), mapping()
    )

    assert isinstance(first, Row)
    assert (first.what, first.facts["balance"]) == ("balance", Decimal("100.00"))
    assert isinstance(movement, Row)
    assert movement.facts["balance"] == Decimal("95.00")


def in_order(rows: list[Row | BadRow]) -> list[object]:
    moved = sorted((row for row in rows if isinstance(row, Row)), key=lambda row: (row.on, row.place))
    return [row.facts["balance"] for row in moved]


@pytest.mark.parametrize(("order", "last"), [("oldest first", 3), ("newest first", 1)])
def test_rows_of_a_day_keep_the_order_of_the_file(order: str, last: int) -> None:
    rows = read(
        table_of(*[("2026-06-01", "tea", "-5.00", balance) for balance in ("1", "2", "3")]), mapping(order=order)
    )

    assert in_order(rows) == sorted([1, 2, 3], reverse=last == 1)
    events = list(events_of(rows, origin=Origin(customer="c", producer="csv")))
    assert {event.day(Calendar("America/New_York")) for event in events if isinstance(event, Event)} == {20_605}


def test_times_order_the_rows_of_a_day_and_are_no_part_of_their_date() -> None:
    told = (("9:30", "1"), ("11:05 PM", "3"), ("14:00", "2"))
    rows = read(table_of(*[(f"2026-06-01 {clock}", "tea", "-5.00", balance) for clock, balance in told]), mapping())

    assert {row.on for row in rows if isinstance(row, Row)} == {date(2026, 6, 1)}
    assert in_order(rows) == [1, 2, 3]


def test_what_a_row_is_called_does_not_depend_on_the_rows_beside_it() -> None:
    tea, milk = ("2026-06-01", "tea", "-5.00", "95"), ("2026-06-01", "milk", "-1.00", "96")

    def ids(*rows: Sequence[str]) -> list[str]:
        events = events_of(read(table_of(*rows), mapping()), origin=Origin(customer="c", producer="csv"))
        return [event.id for event in events if isinstance(event, Event)]

    assert ids(milk, tea)[1:] == ids(tea)


def test_of_an_account_at_another_bank_the_last_balance_is_told_by_itself() -> None:
    rows = [("2026-06-02", "tea", "-5.00", "90.00"), ("2026-06-02", "tea", "-4.00", "95.00")]
    table = table_of(*rows, ("2026-06-01", "tea", "-1.00", "99.00"))
    events = list(
        events_of(
            read(table, mapping(order="newest first"), elsewhere=True),
            origin=Origin(customer="c", producer="csv", institution="Other"),
        )
    )

    assert [getattr(event, "kind", "") for event in events] == ["openbanking.transaction"] * 3 + ["openbanking.balance"]
    assert getattr(events[-1], "data").balance_minor == 9_000  # noqa: B009 - an event or a bad row


def test_words_say_which_way_money_went_and_that_it_went_to_an_own_account() -> None:
    said = Columns(booked=("Date",), amount="Amount", direction="Way", text=("Text",))
    words = Words(money_in=("Plus",), money_out=("Away", "To savings"), transfer=("To savings",))
    ways = ("plus", "Away", "TO SAVINGS", "Lastschrift", "sideways")
    table = table_of(*[("2026-06-01", "tea", "5.00", way) for way in ways], columns=("Date", "Text", "Amount", "Way"))
    *moved, lost = read(table, mapping(said, words=words))

    assert [row.facts["amount"] for row in moved if isinstance(row, Row)] == [5, -5, -5, -5]
    assert [row.facts.get("operation") for row in moved if isinstance(row, Row)] == [None, None, "own_transfer", None]
    assert isinstance(lost, BadRow)
    assert (lost.field, lost.shape) == ("direction", "text of 8 characters")


@pytest.mark.parametrize(
    ("debit", "credit", "positive", "amount"),
    [
        ("5.00", "", "out", -5),
        ("", "5.00", "out", 5),
        ("5.00", "0.00", "out", -5),
        ("-5.00", "", "in", -5),
        ("-5.00", "", "out", 5),
    ],
)
def test_debit_and_credit_are_one_amount(debit: str, credit: str, positive: str, amount: int) -> None:
    said = Columns(booked=("Date",), debit="Out", credit="In")
    table = table_of(("2026-06-01", debit, credit), columns=("Date", "Out", "In"))

    assert only(read(table, mapping(said, positive=positive))).facts["amount"] == amount


def test_a_row_whose_debit_is_zero_moved_nothing() -> None:
    said = Columns(booked=("Date",), debit="Out", credit="In")
    (bad,) = read(table_of(("2026-06-01", "0.00", ""), columns=("Date", "Out", "In")), mapping(said))

    assert isinstance(bad, BadRow)
    assert bad.shape == "zero"


def test_a_row_with_a_debit_and_a_credit_is_no_movement() -> None:
    said = Columns(booked=("Date",), debit="Out", credit="In")
    (bad,) = read(table_of(("2026-06-01", "5.00", "6.00"), columns=("Date", "Out", "In")), mapping(said))

    assert isinstance(bad, BadRow)
    assert bad.shape == "a debit and a credit"


@pytest.mark.parametrize(("amount", "who"), [("-5.00", "Shop"), ("5.00", "Firm")])
def test_the_other_side_is_who_is_paid_or_who_pays(amount: str, who: str) -> None:
    said = Columns(booked=("Date",), amount="Amount", payer="From", payee="To")
    table = table_of(("2026-06-01", amount, "Firm", "Shop"), columns=("Date", "Amount", "From", "To"))

    assert only(read(table, mapping(said))).facts["counterparty"] == who


@pytest.mark.parametrize(
    ("state", "status"), [("PENDING", "pending"), ("Vorgemerkt", "pending"), ("COMPLETED", None), ("held", "pending")]
)
def test_a_state_says_whether_a_movement_is_booked(state: str, status: str | None) -> None:
    said = Columns(booked=("Date",), amount="Amount", status="State")
    table = table_of(("2026-06-01", "-5.00", state), columns=("Date", "Amount", "State"))

    assert only(read(table, mapping(said, words=Words(pending=("Held",))))).facts.get("status") == status


def test_a_payment_that_was_not_made_moved_no_money() -> None:
    said = Columns(booked=("Date",), amount="Amount", status="State")
    (bad,) = read(table_of(("2026-06-01", "-5.00", "DECLINED"), columns=("Date", "Amount", "State")), mapping(said))

    assert isinstance(bad, BadRow)
    assert bad.field == "status"


def test_what_was_paid_in_another_currency_stands_beside_with_the_same_sign() -> None:
    said = Columns(booked=("Date",), amount="Amount", original="There", original_currency="In")
    columns = ("Date", "Amount", "There", "In")
    rows = [
        ("2026-06-01", "-5.00", "6.10", "USD"),
        ("2026-06-01", "-5.00", "5.00", "EUR"),
        ("2026-06-01", "-5.00", "", ""),
    ]
    abroad, *here = read(table_of(*rows, columns=columns), mapping(said))

    assert isinstance(abroad, Row)
    assert (abroad.facts["original"], abroad.facts["original_currency"]) == (Decimal("-6.10"), "USD")
    assert all("original" not in row.facts for row in here if isinstance(row, Row))


def test_the_second_column_of_dates_counts_where_the_first_is_empty() -> None:
    said = Columns(booked=("Posted", "Bought"), amount="Amount")
    table = table_of(
        ("", "2026-06-01", "-5"), ("2026-06-03", "2026-06-02", "-5"), columns=("Posted", "Bought", "Amount")
    )

    assert [row.on.day for row in read(table, mapping(said)) if isinstance(row, Row)] == [1, 3]


def test_a_row_that_ends_early_is_filled_with_nothing() -> None:
    assert only(read(table_of(("2026-06-01", "tea", "-5.00")), mapping())).facts["amount"] == -5


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"columns": Columns(booked=("Day",), amount="Amount")}, r"columns\.booked"),
        ({"columns": Columns(booked=(), amount="Amount")}, r"columns\.booked"),
        ({"columns": Columns(booked=("Date",))}, r"columns\.amount"),
        ({"account": None}, "account"),
        ({"currency": None}, "currency"),
    ],
)
def test_a_mapping_that_does_not_fit_its_table_is_refused(said: dict[str, Any], key: str) -> None:
    how = Mapping(**{"columns": SIGNED, "account": "main", "currency": "EUR", **said})

    with pytest.raises(MalformedDocument, match=f"^{key}: "):
        MappedRows(table_of(), how)


CELL = st.one_of(st.text(max_size=12), st.sampled_from(["2026-06-01", "-5.00", "5", "0", "Total", "", "1,5"]))


@given(st.lists(st.lists(CELL, max_size=6), max_size=20))
def test_every_row_is_a_row_or_a_bad_row_or_counted_as_a_note(rows: list[list[str]]) -> None:
    table = table_of(*rows)
    mapped = MappedRows(table, mapping())
    read_rows = [row for row in mapped if isinstance(row, BadRow) or row.raw]

    assert len(read_rows) + mapped.notes == len(rows)
    assert len({row.line for row in read_rows}) == len(read_rows)
    assert [row.line for row in read_rows] == sorted(row.line for row in read_rows)

"""A statement is read as it is, whatever bank printed it: a mapping is proposed, and what it reads is what is meant."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.formats import form_of
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.tables import delimited
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import parse_mapping, to_toml
from marketofone.importers.tables.proposal import Proposal, propose
from statement_styles import AMOUNTS, DATES, STYLES, Style, text

BANK = "EUR"  # what a bank keeps its books in


def written(folder: Path, content: bytes) -> Path:
    path = folder / "statement.csv"
    path.write_bytes(content)
    return path


def proposed(path: Path, **known: Any) -> Proposal:
    return propose(delimited.read(path), **{"otherwise": BANK, **known})


def rows_of(path: Path, proposal: Proposal) -> list[Row | BadRow]:
    return list(MappedRows(delimited.read(path), proposal.mapping))


def movements(rows: list[Row | BadRow]) -> list[Row]:
    found = [row for row in rows if isinstance(row, Row) and row.what == "movement"]
    return sorted(found, key=lambda row: (row.on, row.line))


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_statement_of_any_style_means_what_it_says(tmp_path: Path, style: Style) -> None:
    path = written(tmp_path, style.content)
    proposal = proposed(path)
    rows = rows_of(path, proposal)
    moved = movements(rows)

    assert [(row.on, row.facts["amount"]) for row in moved] == list(zip(DATES, AMOUNTS, strict=True))
    assert {row.facts["currency"] for row in moved} == {style.currency}
    assert {row.facts["account"] for row in moved} == {style.account}
    assert [row.shape for row in rows if isinstance(row, BadRow) and row.shape != "zero"] == []
    for key, values in style.facts:
        told = [row.facts.get(key) for row in moved]
        assert [one for one, value in zip(told, values, strict=True) if value is not None] == [
            value for value in values if value is not None
        ]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_proposed_mapping_is_the_same_once_it_was_written_and_read(tmp_path: Path, style: Style) -> None:
    mapping = proposed(written(tmp_path, style.content)).mapping

    assert parse_mapping(to_toml(mapping, made_from="statement.csv"), name="statement") == mapping


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_statement_as_text_is_told_from_other_files(tmp_path: Path, style: Style) -> None:
    assert form_of(written(tmp_path, style.content)) == "csv"


def test_the_household_ledger_comes_in_whole(data: Path) -> None:
    path = data / "household_ledger" / "household_open.csv.gz"
    proposal = proposed(path)
    rows = rows_of(path, proposal)

    assert (len(rows), len(movements(rows)), proposal.unsure) == (2045, 2045, ())
    assert {row.facts["currency"] for row in movements(rows)} == {"INR"}
    assert len({row.facts["account"] for row in movements(rows)}) == 11
    out = [row for row in movements(rows) if row.facts.get("operation") == "own_transfer"]
    assert len(out) == 126
    assert all(row.facts["amount"] < 0 for row in out if isinstance(row.facts["amount"], Decimal))


def test_a_card_prints_what_was_spent_as_positive(tmp_path: Path) -> None:
    bought = [f"2026-06-{day:02},TEA STALL,{day}.50" for day in range(1, 20)]
    path = written(tmp_path, text("Date,Description,Amount", *bought, "2026-06-20,PAYMENT RECEIVED,-207.50"))
    proposal = proposed(path)

    assert proposal.mapping.positive == "out"
    assert [one for one in proposal.unsure if one.startswith("positive")]
    assert [row.facts["amount"] for row in movements(rows_of(path, proposal))][-1] == Decimal("207.50")


def test_balances_say_that_a_positive_number_is_money_out_and_that_rows_stand_newest_first(tmp_path: Path) -> None:
    lines = ["Date,Amount,Balance", "2026-06-03,10.00,70.00", "2026-06-02,-20.00,80.00", "2026-06-01,40.00,60.00"]
    mapping = proposed(written(tmp_path, text(*lines))).mapping

    assert (mapping.positive, mapping.order) == ("out", "newest first")


def test_balances_turn_words_and_columns_that_mean_the_opposite(tmp_path: Path) -> None:
    worded = [
        "Date,Type,Amount,Balance",
        "2026-06-01,credit,5.00,95.00",
        "2026-06-02,debit,7.00,102.00",
        "2026-06-03,credit,2.00,100.00",
    ]
    split = [
        "Date,Debit,Credit,Balance",
        "2026-06-01,,5.00,95.00",
        "2026-06-02,7.00,,102.00",
        "2026-06-03,,2.00,100.00",
    ]
    for lines in (worded, split):
        path = written(tmp_path, text(*lines))

        assert [row.facts["amount"] for row in movements(rows_of(path, proposed(path)))] == [-5, 7, -2]


WITHOUT_YEARS = {
    "from one day to another": [
        "Statement period 1 Dec 2025 - 31 Jan 2026", "Date;Text;Amount", "30 Dec", "2 Jan", "13 Jan",
    ],
    "in two cells": ["Period;01.12.2025;31.01.2026", "Buchung;Text;Betrag", "30.12.", "02.01.", "13.01."],
    "month first": ["From 12/01/2025 to 01/31/2026", "Date;Text;Amount", "12/30", "01/02", "01/13"],
    "printed later": ["Printed on 2026-02-03", "Date;Text;Amount", "Dec 30", "Jan 2", "Jan 13"],
    "months": ["Relevé décembre 2025 - janvier 2026", "Date;Libellé;Montant", "30 déc.", "2 janv.", "13 janv."],
    "Japan": ["2025年12月1日 - 2026年1月31日", "日付;摘要;金額", "12月30日", "1月2日", "1月13日"],
    "without a header": ["Account statement 31.01.2026", "30 Dec", "2 Jan", "13 Jan"],
}  # fmt: skip


@pytest.mark.parametrize("lines", WITHOUT_YEARS.values(), ids=WITHOUT_YEARS)
def test_the_period_above_a_table_tells_the_years_of_dates_that_have_none(tmp_path: Path, lines: list[str]) -> None:
    *above, first, second, third = lines
    path = written(tmp_path, text(*above, f"{first};tea;-5", f"{second};pay;90", f"{third};milk;-2"))
    proposal = proposed(path)

    days = [row.on for row in movements(rows_of(path, proposal))]
    assert days == [date(2025, 12, 30), date(2026, 1, 2), date(2026, 1, 13)]
    assert [one for one in proposal.unsure if one.startswith("date: it has no year")]
    assert parse_mapping(to_toml(proposal.mapping, made_from="statement.csv"), name="statement") == proposal.mapping


def test_dates_without_a_year_are_refused_where_nothing_tells_it_and_read_with_a_period_of_the_mapping(
    tmp_path: Path,
) -> None:
    above = proposed(written(tmp_path, text("January 2026", "Date;Text;Amount", "2 Jan;tea;-5"))).mapping
    path = written(tmp_path, text("Date;Text;Amount", "30 Dec;tea;-5", "2 Jan;pay;90"))
    table = delimited.read(path)

    with pytest.raises(MalformedDocument, match="Date: dates without a year; write the year"):
        proposed(path)
    with pytest.raises(MalformedDocument, match="no period above the table"):
        MappedRows(table, above)
    said = MappedRows(table, replace(above, period="2025-12-01/2026-01-31"))
    assert [row.on.year for row in said if isinstance(row, Row)] == [2025, 2026]


@pytest.mark.parametrize("number", ["", "DE89370400440532013000"])
def test_the_number_of_an_account_is_no_name_whether_any_row_has_one(tmp_path: Path, number: str) -> None:
    rows = [f"2026-01-0{day},-12.50,EUR,card {day},,{number},Shop" for day in (5, 6)]
    for header in ("Payee Account Number", "Recipient IBAN", "Payee" if number else "Payer account"):
        path = written(tmp_path, text(f"Date,Amount,Currency,Description,Payer Name,{header},Merchant", *rows))
        said = proposed(path).mapping.columns

        assert header not in (said.counterparty, said.payee, said.payer, said.merchant)
        assert said.counterparty_account == (None if header == "Payee" else header)


def test_amounts_that_leave_and_arrive_are_those_that_are_called_so_and_no_fees(tmp_path: Path) -> None:
    header = "ID,Direction,Date,Source fee amount,Source name,Source amount (after fees),Source currency,Target name"
    rows = [
        "T-2,OUT,2026-01-06,0.50,Eva Novak,100.00,EUR,Jan Novak",
        "T-3,IN,2026-01-07,0.00,ACME,500.00,EUR,Eva Novak",
    ]
    path = written(tmp_path, text(header, *rows))
    moved = movements(rows_of(path, proposed(path)))

    assert [(row.facts["amount"], row.facts["counterparty"]) for row in moved] == [(-100, "Jan Novak"), (500, "ACME")]


WITH_FEES = {
    "with words of direction": ["Type,Amount,Fee,Balance", "debit,10.00,0.50,89.50", "credit,20.00,1.00,108.50"],
    "of two columns": ["Debit,Credit,Fee,Balance", "10.00,,0.50,89.50", ",20.00,1.00,108.50"],
    "beside a net amount": ["Amount,Fee,Net", "-10.00,-0.50,-10.50", "20.00,-1.00,19.00"],
    "beside a gross amount": ["Gross,Fee,Net", "-10.00,-0.50,-10.50", "20.00,-1.00,19.00"],
    "held by amounts that chain": ["Amount,Fee,Balance", "-10.50,0.50,89.50", "19.00,1.00,108.50"],
}


@pytest.mark.parametrize("lines", WITH_FEES.values(), ids=WITH_FEES)
def test_a_fee_goes_out_once_whichever_columns_say_whether_amounts_hold_it(tmp_path: Path, lines: list[str]) -> None:
    header, *rows = lines
    told = [f"2026-01-0{day},tea {day},{row}" for day, row in enumerate(rows, start=5)]
    path = written(tmp_path, text(f"Date,Text,{header}", *told))
    proposal = proposed(path)

    assert [row.facts["amount"] for row in movements(rows_of(path, proposal))] == [Decimal("-10.50"), 19]
    assert not [one for one in proposal.unsure if "fee" in one.lower()]


def test_dates_of_the_islamic_calendar_are_refused_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, text("Date;Text;Amount", "1447/05/12;tea;-5", "1447/05/13;pay;90"))

    with pytest.raises(MalformedDocument, match="Date: dates of the Islamic calendar; write them in the Gregorian"):
        proposed(path)


DR_AND_CR = {
    "beside each": [
        "Date,Narration,Amount,Dr/Cr,Balance,Dr/Cr",
        "2026-06-01,Pay,90.00,Cr,40.00,Cr", "2026-06-02,Rent,60.00,Dr,20.00,Dr", "2026-06-03,Tea,5.00,Dr,25.00,Dr",
    ],
    "before each": [
        "Date,Narration,Dr/Cr,Balance,Dr/Cr,Amount",
        "2026-06-01,Pay,Cr,40.00,Cr,90.00", "2026-06-02,Rent,Dr,20.00,Dr,60.00", "2026-06-03,Tea,Dr,25.00,Dr,5.00",
    ],
    "beside the balance, of two columns": [
        "Date,Narration,Debit,Credit,Balance,",
        "2026-06-01,Pay,,90.00,40.00,", "2026-06-02,Rent,60.00,,20.00,OD", "2026-06-03,Tea,5.00,,25.00,OD",
    ],
    "beside the balance, of signed amounts": [
        "Date,Narration,Amount,Currency,Balance,Type",
        "2026-06-01,Pay,90.00,EUR,40.00,C", "2026-06-02,Rent,-60.00,EUR,20.00,D", "2026-06-03,Tea,-5.00,EUR,25.00,D",
    ],
    "with a column between": [
        "Date,Narration,Amount,S/H,Saldo,Currency,Saldo S/H",
        "2026-06-01,Pay,90.00,H,40.00,EUR,H", "2026-06-02,Rent,60.00,S,20.00,EUR,S",
        "2026-06-03,Tea,5.00,S,25.00,EUR,S",
    ],
    "in the cell": [
        "Date,Narration,Debit,Credit,Balance",
        "2026-06-01,Pay,,90.00,40.00 Cr", "2026-06-02,Rent,60.00,,20.00 Dr", "2026-06-03,Tea,5.00,,25.00 OD",
    ],
}  # fmt: skip


@pytest.mark.parametrize("lines", DR_AND_CR.values(), ids=DR_AND_CR)
def test_words_beside_a_balance_say_whether_it_is_money_or_owed(tmp_path: Path, lines: list[str]) -> None:
    path = written(tmp_path, text(*lines))
    moved = movements(rows_of(path, proposed(path)))

    assert [(row.facts["amount"], row.facts["balance"]) for row in moved] == [(90, 40), (-60, -20), (-5, -25)]


def test_a_balance_that_is_always_owed_turns_no_amount(tmp_path: Path) -> None:
    split = ["2026-06-01,,90.00,30.00,Dr", "2026-06-02,60.00,,90.00,Dr", "2026-06-03,5.00,,95.00,Dr"]
    signed = ["2026-06-01,90.00,30.00,Dr", "2026-06-02,-60.00,90.00,Dr", "2026-06-03,-5.00,95.00,Dr"]
    one = ["2026-06-01,,90.00,30.00,Dr"]
    for header, rows in (("Debit,Credit", split), ("Amount", signed), ("Debit,Credit", one)):
        path = written(tmp_path, text(f"Date,{header},Balance,Dr/Cr", *rows))
        moved = movements(rows_of(path, proposed(path)))

        assert [row.facts["amount"] for row in moved] == [90, -60, -5][: len(rows)]
        assert [row.facts["balance"] for row in moved] == [-30, -90, -95][: len(rows)]


def test_words_that_only_repeat_which_way_amounts_went_say_nothing_of_balances(
    tmp_path: Path,
) -> None:
    rows = ["2026-06-01,,90.00,40.00,Credit", "2026-06-02,60.00,,11.00,Debit", "2026-06-03,5.00,,3.00,Debit"]
    path = written(tmp_path, text("Date,Debit,Credit,Balance,Type", *rows))

    assert [row.facts["balance"] for row in movements(rows_of(path, proposed(path)))] == [40, 11, 3]


def test_balances_that_follow_from_nothing_decide_nothing_and_that_is_said(tmp_path: Path) -> None:
    lines = ["Date,Amount,Balance", "2026-06-01,10.00,1.00", "2026-06-02,-20.00,1.00", "2026-06-03,-40.00,1.00"]
    proposal = proposed(written(tmp_path, text(*lines)))

    assert proposal.mapping.positive == "in"
    assert [one for one in proposal.unsure if one.startswith("balance")]


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (["Date,Amount", "03/04/2026,-1.50", "03/04/2026,2.50"], "date"),
        (["Date;Amount", "2026-04-03;-1.500", "2026-04-03;2.500"], "decimal"),
        (["Date;Amount", "2026-04-03;-1.50", "2026-04-03;2.50"], "account"),
        (["Date;Amount", "2026-04-03;-1.50", "2026-04-03;2.50"], "currency"),
        (["Date;Amount", "2026-04-03;$-1.50", "2026-04-03;$2.50"], "currency"),
        (["Tea;Milk", "2026-04-03;-1.50", "2026-04-03;2.50"], "booked"),
        (["Date;Amount;Fee", "2026-04-03;-1.50;-0.10", "2026-04-03;2.50;-0.10"], "fee"),
    ],
)
def test_what_is_not_sure_is_said(tmp_path: Path, lines: list[str], key: str) -> None:
    unsure = proposed(written(tmp_path, text(*lines))).unsure

    assert [one for one in unsure if one.startswith(key)]


def test_what_is_known_already_counts_more_than_what_a_table_says(tmp_path: Path) -> None:
    path = written(tmp_path, text("Date,Amount,Account,Currency", "2026-06-01,-5.00,x,EUR", "2026-06-02,6.00,x,EUR"))
    proposal = proposed(path, account="mine", currency="CHF")

    facts = [(row.facts["account"], row.facts["currency"]) for row in movements(rows_of(path, proposal))]
    assert facts == [("mine", "CHF"), ("mine", "CHF")]

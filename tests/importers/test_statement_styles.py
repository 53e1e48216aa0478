"""A statement is read as it is, whatever bank printed it: a mapping is proposed, and what it reads is what is meant."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketofone.importers import delimited
from marketofone.importers.formats import form_of
from marketofone.importers.mapped import MappedRows
from marketofone.importers.mapping import parse_mapping, to_toml
from marketofone.importers.proposal import Proposal, propose
from marketofone.importers.rows import BadRow, Row
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
        (["Date;Amount;Fee", "2026-04-03;-1.50;-0.10", "2026-04-03;2.50;-0.10"], "not used"),
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

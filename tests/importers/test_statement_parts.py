"""What all formats of statements share: accounts, balances, texts and numbers."""

from __future__ import annotations

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedEvent
from marketofone.importers.statements import statement
from marketofone.importers.statements.statement import AccountFacts, Difference, StatementFile, content_of

DAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("-1,5", "-1.5"),
        (".5", "0.5"),
        ("1'234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234,567", "1234567"),
    ],
)
def test_numbers_are_read_in_the_forms_of_many_countries(text: str, value: str) -> None:
    assert statement.decimal_in(text, field="amount") == Decimal(value)


@pytest.mark.parametrize("text", ["", "-", "one", "1e5", "1.2.3,4", "12,34,567", "9" * 16, "NaN", "١٢"])
def test_what_is_no_number_is_refused_by_its_shape(text: str) -> None:
    with pytest.raises(MalformedEvent, match=f"amount: text of {len(text)} characters"):
        statement.decimal_in(text, field="amount")


@pytest.mark.parametrize("text", ["", "2026-13-01", "20260230", "0001-01-01", "June 1", "00000000"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(MalformedEvent):
        statement.date_in(text, field="date")
    assert statement.date_or_none(text) is None


@given(st.text(max_size=700))
def test_what_is_printed_fits_an_event(text: str) -> None:
    said = statement.printed(text)
    assert said is None or (1 <= len(said) <= 500 and not any(sign < " " or sign == "\x7f" for sign in said))


@given(st.binary(max_size=60), st.sampled_from([None, "1252", "latin-1", "utf-16", "hex", "no such one"]))
def test_all_bytes_are_read_as_some_text(content: bytes, declared: str | None) -> None:
    text, encoding = statement.text_of(content, declared=declared)
    assert isinstance(text.encode(encoding, errors="replace"), bytes)


def test_an_account_and_a_balance_are_given_once_and_again_where_they_say_something_new() -> None:
    file = StatementFile()
    facts = AccountFacts(account="a", currency="EUR")
    wider = AccountFacts(account="a", currency="EUR", limit=Decimal(500))
    ids = [row.id for each in (facts, facts, wider) for row in file.account(each, on=DAY, line=1)]
    assert len(ids) == len(set(ids)) == 2
    told = [Decimal(1), Decimal(1), Decimal(2)]
    assert len([row for one in told for row in file.balance(one, account="a", currency="EUR", on=DAY, line=1)]) == 2


@given(st.lists(st.integers(-(10**6), 10**6), max_size=20), st.integers(-(10**6), 10**6))
def test_a_statement_is_reported_where_opening_and_movements_are_not_the_closing(moved: list[int], wrong: int) -> None:
    found: list[Difference] = []
    file = StatementFile(report=found.append)
    file.opens(Decimal(7), currency="EUR", on=DAY, line=1)
    for amount in moved:
        file.moves(Decimal(amount), currency="EUR", on=DAY)
    file.closes(Decimal(7 + sum(moved) + wrong), currency="EUR", on=DAY, line=9)
    list(file.ends(account="a"))
    assert [one.found - one.expected for one in found] == ([Decimal(wrong)] if wrong else [])


def test_each_currency_of_an_account_is_checked_for_itself() -> None:
    found: list[Difference] = []
    file = StatementFile(report=found.append)
    for currency, closing in (("EUR", 8), ("USD", 7)):
        file.opens(Decimal(7), currency=currency, on=DAY, line=1)
        file.closes(Decimal(closing), currency=currency, on=DAY, line=2)
    file.moves(Decimal(1), currency="EUR", on=DAY)
    assert len(list(file.ends(account="a"))) == 4
    assert found == []


def test_a_packed_statement_is_unpacked_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "june.sta"
    path.write_bytes(gzip.compress(b":20:STARTUMS"))

    assert content_of(path) == b":20:STARTUMS"

"""QIF: records of Quicken and of banks become rows of the account that the caller names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.statements import qif
from statement_files import USUAL
from statement_files import qif as written

ORIGIN = Origin(customer="c-1", producer="qif")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statement.qif"


def read(path: Path, text: str, **told: Any) -> list[Row | BadRow]:
    path.write_text(text, encoding="utf-8")
    return list(qif.read(path, **{"account": "own", "currency": "EUR", **told}))


def movements(rows: Sequence[Row | BadRow]) -> list[Row]:
    return [row for row in rows if isinstance(row, Row) and row.what == "movement"]


def test_records_are_rows_of_the_account_and_the_currency_that_the_caller_names(path: Path) -> None:
    account, coffee, salary = read(path, written())
    assert isinstance(account, Row)
    assert (account.what, account.facts["product"], account.facts["type"]) == ("account", "current_account", "current")
    for row, moved in zip((coffee, salary), USUAL, strict=True):
        assert isinstance(row, Row)
        assert row.facts["account"] == "own"
        assert (row.facts["amount"], row.facts["currency"]) == (moved.amount, "EUR")
        assert (row.facts["booked"], row.facts["counterparty"]) == (moved.booked, moved.party)
    assert [row.line for row in (coffee, salary)] == [2, 7]


@pytest.mark.parametrize(
    ("said", "order", "on"),
    [
        ("6/ 1'26", "mdy", date(2026, 6, 1)),
        ("6/1/26", "mdy", date(2026, 6, 1)),
        ("06/01/2026", "mdy", date(2026, 6, 1)),
        ("6- 1-2026", "mdy", date(2026, 6, 1)),
        ("1/6'26", "dmy", date(2026, 6, 1)),
        ("01.06.26", "dmy", date(2026, 6, 1)),
        ("1.6.2026", "dmy", date(2026, 6, 1)),
        ("2026-06-01", "dmy", date(2026, 6, 1)),
        ("20260601", "mdy", date(2026, 6, 1)),
        ("6/1' 6", "mdy", date(2006, 6, 1)),
        ("6/1/98", "mdy", date(1998, 6, 1)),
        ("6/1'98", "mdy", date(2098, 6, 1)),
    ],
)
def test_dates_are_read_in_every_form_that_is_met(said: str, order: qif.DateOrder, on: date) -> None:
    assert qif.date_of(said, order=order) == on


def test_the_order_of_dates_is_found_where_the_file_tells_it(path: Path) -> None:
    text = "!Type:Bank\nD1/2/26\nT-1\n^\nD31/1/26\nT-2\n^\n"
    assert [row.on for row in movements(read(path, text))] == [date(2026, 2, 1), date(2026, 1, 31)]


def test_one_wrong_date_does_not_decide_about_the_others(path: Path) -> None:
    rows = read(path, "!Type:Bank\nD1/31/26\nT-1\n^\nD45/45/26\nT-2\n^\n")
    assert [row.on for row in movements(rows)] == [date(2026, 1, 31)]
    assert [(row.line, row.field) for row in rows if isinstance(row, BadRow)] == [(5, "D")]


@pytest.mark.parametrize("dates", [["1/2/26"], ["31/1/26", "1/31/26"]])
def test_dates_that_can_be_read_in_two_ways_are_refused_until_the_caller_says_how(path: Path, dates: list[str]) -> None:
    text = "!Type:Bank\n" + "".join(f"D{said}\nT-1\n^\n" for said in dates)
    with pytest.raises(MalformedDocument, match="dmy or mdy"):
        read(path, text)
    assert read(path, text, dates="dmy")[1].line == 2


def test_splits_are_one_movement_and_a_category_only_where_all_are_filed_alike(path: Path) -> None:
    apart = "D1/31'26\nT-30.00\nPMarket\nLFood\nSFood\n$-20.00\nSHome\nEbroom\n$-10.00\n^\n"
    alike = "D1/31'26\nT-30.00\nPMarket\nSFood\n$-20.00\nSFood\n$-10.00\n^\n"
    one, two = movements(read(path, "!Type:Bank\n" + apart + alike))
    assert (one.facts["amount"], one.facts["category"]) == (Decimal("-30.00"), None)
    assert (two.facts["amount"], two.facts["category"]) == (Decimal("-30.00"), "Food")


def test_a_transfer_names_the_other_account_and_has_no_category(path: Path) -> None:
    (row,) = movements(read(path, "!Type:Bank\nD1/31'26\nT-5\nL[Savings]/trip\n^\n"))
    assert (row.facts["counterparty_account"], row.facts["category"]) == ("Savings", None)


@pytest.mark.parametrize(
    ("header", "product", "kind"),
    [
        ("Bank", "current_account", "current"),
        ("CCard", "credit_card", "card"),
        ("Cash", "current_account", "current"),
        ("Oth A", "investment_account", "investment"),
        ("Oth L", "loan", "loan"),
        ("bank ", "current_account", "current"),
    ],
)
def test_the_header_tells_the_type_of_the_account(path: Path, header: str, product: str, kind: str) -> None:
    account = read(path, f"!Type:{header}\nD1/31'26\nT-5\n^\n")[0]
    assert isinstance(account, Row)
    assert (account.facts["product"], account.facts["type"]) == (product, kind)


def test_of_several_accounts_the_first_is_the_named_one_and_the_others_keep_their_names(path: Path) -> None:
    text = (
        "!Option:AutoSwitch\n!Account\nNSavings\nTBank\n^\nNChecking\nTBank\nL500\n/1/31'26\n$120.00\n^\n"
        "!Clear:AutoSwitch\n!Account\nNChecking\nTBank\nL500\n/1/31'26\n$120.00\n^\n"
        "!Type:Bank\nD1/30'26\nT-5\nL[Savings]\n^\n"
        "!Account\nNSavings\nTBank\n^\n!Type:Bank\nD1/30'26\nT5\nL[Checking]\n^\n"
    )
    rows = read(path, text)
    told = [(row.facts["account"], row.facts["counterparty_account"]) for row in movements(rows)]
    assert told == [("own", "Savings"), ("Savings", "own")]
    accounts = [row.facts for row in rows if isinstance(row, Row) and row.what == "account"]
    assert [facts["limit"] for facts in accounts] == [Decimal(500), None]
    balances = [row for row in rows if isinstance(row, Row) and row.what == "balance"]
    assert [(row.facts["account"], row.facts["balance"]) for row in balances] == [("own", Decimal("120.00"))]


def test_the_opening_balance_is_a_balance_before_the_first_movement(path: Path) -> None:
    text = "!Type:Bank\nD1/31'26\nT1,000.00\nPOpening Balance\nL[Checking]\n^\nD1/31'26\nT-5\n^\n"
    _, movement, balance = read(path, text)
    assert isinstance(balance, Row)
    assert isinstance(movement, Row)
    assert (balance.what, balance.facts["balance"], balance.on) == ("balance", Decimal("1000.00"), date(2026, 1, 30))


def test_numbers_are_references_and_words_are_codes(path: Path) -> None:
    text = "!Type:Bank\nD1/31'26\nT-5\nN1001\n^\nD1/31'26\nT-5\nNATM\n^\n"
    told = [(row.facts["reference"], row.facts["bank_code"]) for row in movements(read(path, text))]
    assert told == [("1001", None), (None, "ATM")]


def test_lists_hold_no_rows_and_investments_and_unknown_records_are_bad_ones(path: Path) -> None:
    text = (
        "!Type:Cat\nNFood\nE\n^\n!Type:Invst\nD1/31'26\nNBuy\nYShares\n^\n!Type:Odd\nD1/31'26\n^\n"
        "!Type:Bank\nD1/31'26\nT-5\n^\n"
    )
    rows = read(path, text)
    assert [(row.line, row.field) for row in rows if isinstance(row, BadRow)] == [(6, "!Type"), (11, "!Type")]
    assert len(movements(rows)) == 1


def test_two_records_that_ran_into_one_are_no_row(path: Path) -> None:
    (why,) = read(path, "!Type:Bank\nD1/31'26\nT-5\nD1/31'26\nT-6\n^\n")
    assert isinstance(why, BadRow)
    assert (why.field, why.raw) == ("D", b"D1/31'26\nT-5\nD1/31'26\nT-6")


def test_a_record_without_its_end_breaks_off_and_the_others_are_given(path: Path) -> None:
    *_, salary, why = read(path, written() + "D6/30'26\nT-12")
    assert isinstance(salary, Row)
    assert isinstance(why, BadRow)
    assert (why.shape, why.line) == ("a file that breaks off in line 13", 12)


def test_letters_are_read_in_the_encoding_that_is_named(path: Path) -> None:
    path.write_bytes("!Type:Bank\nD1/31'26\nT-5\nPŻabka\n^\n".encode("cp1250"))
    (row,) = movements(list(qif.read(path, account="own", currency="PLN", encoding="cp1250")))
    assert row.facts["counterparty"] == "Żabka"


def test_equal_records_stay_two_and_the_same_file_gives_the_same_events(path: Path) -> None:
    rows = read(path, written((*USUAL, *USUAL)))
    events = list(events_of(rows, origin=ORIGIN))
    assert len({event.id for event in events if not isinstance(event, BadRow)}) == 5
    assert list(events_of(qif.read(path, account="own", currency="EUR"), origin=ORIGIN)) == events


def test_a_text_without_records_is_refused(path: Path) -> None:
    with pytest.raises(MalformedDocument, match="without records"):
        read(path, "Date,Amount\n2026-01-01,5\n")

"""OFX and QFX: what banks write, with its habits and its breaks, becomes rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from ofxtools.Parser import OFXTree

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Event, EventRemoved
from marketofone.domain.money_events import AccountOpened, BalanceStated, TransactionBooked
from marketofone.importers.numbered import NumberedRows
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.statements import ofx
from statement_files import COFFEE, OFX_HEADER, SALARY, USUAL, Moved, ofx_around, ofx_statement, ofx_transaction
from statement_files import ofx as written
from statement_files import ofx_2 as written_2

ORIGIN = Origin(customer="c-1", producer="ofx")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statement.ofx"


def read(path: Path, text: str, *, encoding: str = "cp1252") -> list[Row | BadRow]:
    path.write_bytes(text.encode(encoding))
    return list(ofx.read(path))


def movements(rows: Sequence[Row | BadRow]) -> list[Row]:
    return [row for row in rows if isinstance(row, Row) and row.what == "movement"]


def bad(rows: Sequence[Row | BadRow]) -> list[BadRow]:
    return [row for row in rows if isinstance(row, BadRow)]


def test_a_statement_gives_its_account_its_movements_and_its_balance(path: Path) -> None:
    events = [event for event in events_of(read(path, written()), origin=ORIGIN) if isinstance(event, Event)]
    opened, coffee, salary, balance = (event.data for event in events)
    assert isinstance(opened, AccountOpened)
    assert (opened.account, opened.type) == ("011000015/123456789", "current")
    assert isinstance(coffee, TransactionBooked)
    assert (coffee.amount_minor, coffee.currency, coffee.booked) == (-350, "EUR", date(2026, 6, 1))
    assert (coffee.counterparty, coffee.text, coffee.bank_code) == ("Café Rio", "Card 1234 Lisbon", "POS")
    assert isinstance(salary, TransactionBooked)
    assert salary.counterparty == "Oak & Sons Ltd"
    assert isinstance(balance, BalanceStated)
    assert (balance.balance_minor, balance.on) == (349_650, date(2026, 6, 30))
    assert events[1].id == "011000015/123456789:f1"


def test_the_xml_of_version_2_says_the_same_as_the_sgml_of_version_1(path: Path) -> None:
    one = read(path, written())
    two = read(path, written_2(), encoding="utf-8")
    assert [(row.facts, row.id, row.on) for row in movements(one)] == [
        (row.facts, row.id, row.on) for row in movements(two)
    ]
    assert bad(two) == []


@pytest.mark.parametrize("text", [written(), written_2()])
def test_the_library_finds_the_same_in_a_well_formed_file(path: Path, text: str) -> None:
    encoding = "utf-8" if text.startswith("<?xml") else "cp1252"
    rows = movements(read(path, text, encoding=encoding))
    tree = OFXTree()
    tree.parse(io.BytesIO(text.encode(encoding)))
    (statement,) = tree.convert().statements
    theirs = [(one.fitid, one.trnamt, one.name, one.memo, one.trntype) for one in statement.transactions]
    names = ("amount", "counterparty", "text", "bank_code")
    assert [(row.id, *(row.facts[name] for name in names)) for row in rows] == theirs
    (balance,) = (row for row in read(path, text, encoding=encoding) if isinstance(row, Row) and row.what == "balance")
    assert balance.facts["balance"] == statement.ledgerbal.balamt


@pytest.mark.parametrize(
    "printed", ["20260102233000[-5:EST]", "20260102", "20260102000000.000[+12:NZST]", "20260102003000[0:GMT]"]
)
def test_the_date_that_is_printed_counts_whatever_offset_stands_behind_it(path: Path, printed: str) -> None:
    text = written((COFFEE,)).replace("20260601120000[-5:EST]", printed)
    (row,) = movements(read(path, text))
    assert row.on == row.facts["booked"] == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("amount", "value"), [("-.50", "-0.50"), ("+12", "12"), ("-1,5", "-1.5"), ("1,234.50", "1234.50"), ("-7.", "-7")]
)
def test_amounts_are_read_as_banks_write_them(path: Path, amount: str, value: str) -> None:
    (row,) = movements(read(path, written((COFFEE,)).replace("-3.50", amount)))
    assert row.facts["amount"] == Decimal(value)


def test_a_correction_replaces_an_earlier_row_and_a_deletion_removes_it(path: Path) -> None:
    replacing = ofx_transaction("f9", COFFEE, more="<CORRECTFITID>f1<CORRECTACTION>REPLACE\n")
    deleting = ofx_transaction("f10", COFFEE, more="<CORRECTFITID>f2<CORRECTACTION>DELETE\n")
    rows = read(path, ofx_around(ofx_statement(replacing + deleting)))
    _, corrected, removed, _ = (event.data for event in events_of(rows, origin=ORIGIN) if isinstance(event, Event))
    assert isinstance(corrected, TransactionBooked)
    assert corrected.replaces == "011000015/123456789:f1"
    assert isinstance(removed, EventRemoved)
    assert (removed.type, removed.id) == ("transaction.booked", "011000015/123456789:f2")


def test_what_is_held_or_listed_as_pending_is_pending(path: Path) -> None:
    held = ofx_transaction("f1", COFFEE).replace("<TRNTYPE>POS", "<TRNTYPE>HOLD")
    listed = (
        "</BANKTRANLIST><BANKTRANLISTP><DTASOF>20260630<STMTTRNP><TRNTYPE>DEBIT<DTTRAN>20260630<TRNAMT>-9"
        "<NAME>Shop</STMTTRNP></BANKTRANLISTP>"
    )
    text = ofx_around(ofx_statement(held)).replace("</BANKTRANLIST>", listed)
    rows = movements(read(path, text))
    assert [(row.facts["status"], row.facts.get("booked")) for row in rows] == [("pending", None)] * 2
    assert rows[1].on == date(2026, 6, 30)


def test_the_number_of_a_card_is_masked(path: Path) -> None:
    card = ofx_statement(ofx_transaction("f1", COFFEE))
    card = card.replace("STMTTRNRS>", "CCSTMTTRNRS>").replace("STMTRS>", "CCSTMTRS>")
    start, end = card.index("<BANKACCTFROM>"), card.index("<BANKTRANLIST>")
    card = card[:start] + "<CCACCTFROM><ACCTID>4111 1111 1111 1111</CCACCTFROM>" + card[end:]
    account, row, balance = read(path, ofx_around(card))
    assert isinstance(account, Row)
    assert isinstance(row, Row)
    assert isinstance(balance, Row)
    assert account.facts["account"] == row.facts["account"] == "411111******1111"
    assert (account.facts["product"], account.facts["type"]) == ("credit_card", "card")


def test_several_statements_of_one_file_keep_their_rows_apart(path: Path) -> None:
    one = ofx_statement(ofx_transaction("f1", COFFEE), account="1")
    two = ofx_statement(ofx_transaction("f1", SALARY), account=" DE89 3704 0044 0532 0130 00 ")
    rows = movements(read(path, ofx_around(one, two)))
    assert [row.facts["account"] for row in rows] == ["011000015/1", "DE89370400440532013000"]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("cp1252", "1252"), ("utf-8", "1252"), ("utf-8", "NONE"), ("utf-8-sig", "UTF-8"), ("latin-1", "ISO-8859-1")],
)
def test_letters_are_read_as_they_were_written_whatever_the_header_says(
    path: Path, encoding: str, declared: str
) -> None:
    text = written().replace("CHARSET:1252", f"CHARSET:{declared}")
    assert movements(read(path, text, encoding=encoding))[0].facts["counterparty"] == "Café Rio"


def test_entities_and_character_data_are_read_as_text(path: Path) -> None:
    text = written((COFFEE,)).replace("Card 1234 Lisbon", "<![CDATA[1 < 2 & 3]]>").replace("Café Rio", "A&#x26;B &lt;C")
    (row,) = movements(read(path, text))
    assert (row.facts["text"], row.facts["counterparty"]) == ("1 < 2 & 3", "A&B <C")


def test_a_row_that_is_wrong_takes_no_other_with_it(path: Path) -> None:
    wrong = ofx_transaction("f1", COFFEE).replace("-3.50", "three")
    rows = read(path, ofx_around(ofx_statement(wrong + ofx_transaction("f2", SALARY))))
    (why,) = bad(rows)
    assert (why.line, why.field, why.shape) == (14, "TRNAMT", "text of 5 characters")
    assert b"<TRNAMT>three" in why.raw
    assert [row.id for row in movements(rows)] == ["f2"]


@pytest.mark.parametrize("lost", ["<STMTTRN>", "</STMTTRN>"])
def test_where_a_tag_is_lost_between_two_transactions_both_are_accounted_for(path: Path, lost: str) -> None:
    rows = read(path, written().replace(lost, "", 1))
    assert len(movements(rows)) + len(bad(rows)) == 2


def test_two_transactions_that_ran_into_one_are_no_row(path: Path) -> None:
    rows = read(path, written().replace("</STMTTRN>\n<STMTTRN>\n", ""))
    assert movements(rows) == []
    assert [why.field for why in bad(rows)] == ["STMTTRN"]


@pytest.mark.parametrize(
    ("cut", "given"),
    [
        ("<TRNAMT>25", ["f1"]),
        ("<FITID>f2", ["f1"]),
        ("</BANKTRANLIST>", ["f1", "f2"]),
        ("<BALAMT>34", ["f1", "f2"]),
    ],
)
def test_a_file_that_breaks_off_says_where_and_gives_what_came_before(path: Path, cut: str, given: list[str]) -> None:
    text = written()[: written().index(cut) + len(cut)]
    *whole, last = read(path, text)
    assert isinstance(last, BadRow)
    assert last.shape == f"a file that breaks off in line {text.count(chr(10)) + 1}"
    assert [row.id for row in movements(whole)] == given
    assert len(whole) == 1 + len(given)  # no balance, for it may be cut


def test_trades_are_bad_rows_and_the_cash_of_an_investment_account_is_read(path: Path) -> None:
    trade = "<BUYSTOCK><INVBUY><INVTRAN><FITID>t1<DTTRADE>20260603</INVTRAN><TOTAL>-50</INVBUY></BUYSTOCK>"
    cash = f"<INVBANKTRAN>{ofx_transaction('f1', SALARY)}<SUBACCTFUND>CASH</INVBANKTRAN>"
    statement = (
        "<INVSTMTRS><DTASOF>20260630<CURDEF>USD<INVACCTFROM><BROKERID>b.example<ACCTID>77</INVACCTFROM>"
        f"<INVTRANLIST><DTSTART>20260601<DTEND>20260630{trade}{cash}</INVTRANLIST></INVSTMTRS>"
    )
    rows = read(path, ofx_around(statement))
    assert [row.facts["account"] for row in movements(rows)] == ["b.example/77"]
    assert [why.shape for why in bad(rows)] == ["a trade or a payment of a loan account"]


def test_an_amount_of_another_currency_becomes_one_of_the_account_by_the_rate_beside_it(path: Path) -> None:
    abroad = ofx_transaction("f1", COFFEE, more="<CURRENCY><CURRATE>0.9231<CURSYM>USD</CURRENCY>\n")
    (row,) = movements(read(path, ofx_around(ofx_statement(abroad))))
    assert (row.facts["amount"], row.facts["currency"]) == (Decimal("-3.23"), "EUR")
    assert (row.facts["original"], row.facts["original_currency"]) == (Decimal("-3.50"), "USD")
    assert row.facts["rate"] == 0.9231


def test_a_rate_says_how_much_of_the_account_s_currency_one_unit_of_the_other_is_worth(path: Path) -> None:
    abroad = Moved(amount=Decimal(-12_000), booked=COFFEE.booked, party="Ryokan", text="Kyoto")
    inside = ofx_transaction("f1", abroad, more="<CURRENCY><CURRATE>0.00612<CURSYM>JPY</CURRENCY>\n")
    (row,) = movements(read(path, ofx_around(ofx_statement(inside))))
    (event,) = (one for one in events_of([row], origin=ORIGIN) if isinstance(one, Event))
    assert isinstance(event.data, TransactionBooked)
    assert (event.data.amount_minor, event.data.original_minor) == (-7_344, -12_000)


def test_an_amount_that_was_changed_before_stays_as_it_is(path: Path) -> None:
    before = ofx_transaction("f2", COFFEE, more="<ORIGCURRENCY><CURRATE>0.9<CURSYM>CHF</ORIGCURRENCY>\n")
    (row,) = movements(read(path, ofx_around(ofx_statement(before))))
    assert (row.facts["amount"], row.facts["currency"]) == (Decimal("-3.50"), "EUR")
    assert (row.facts["original_currency"], row.facts["rate"]) == ("CHF", 0.9)


@pytest.mark.parametrize("rate", ["", "<CURRATE>1.0", "<CURRATE>0", "<CURRATE>-0.9", "<CURRATE>about", "<CURRATE>9e9"])
def test_an_amount_without_a_rate_that_can_be_one_stays_apart_and_is_counted_so(path: Path, rate: str) -> None:
    abroad = ofx_transaction("f1", COFFEE, more=f"<CURRENCY>{rate}<CURSYM>USD</CURRENCY>\n")
    numbered = NumberedRows(read(path, ofx_around(ofx_statement(abroad))), elsewhere=False)
    (row,) = movements(list(numbered))
    assert (row.facts["amount"], row.facts["currency"]) == (Decimal("-3.50"), "USD")
    assert numbered.found["unconverted"] == 1


def test_a_rate_beside_the_account_s_own_currency_changes_nothing(path: Path) -> None:
    own = ofx_transaction("f1", COFFEE, more="<CURRENCY><CURRATE>1.0<CURSYM>EUR</CURRENCY>\n")
    rows = read(path, ofx_around(ofx_statement(own)))
    (row,) = movements(rows)
    assert (row.facts["amount"], row.facts["currency"]) == (Decimal("-3.50"), "EUR")
    assert all(one.what != "unconverted" for one in rows if isinstance(one, Row))


def test_the_other_account_of_a_transfer_and_what_else_is_told_come_along(path: Path) -> None:
    more = "<CHECKNUM>101<SIC>5812<DTAVAIL>20260603<BANKACCTTO><BANKID>9<ACCTID>88<ACCTTYPE>SAVINGS</BANKACCTTO>\n"
    (row,) = movements(read(path, ofx_around(ofx_statement(ofx_transaction("f1", COFFEE, more=more)))))
    assert (row.facts["counterparty_account"], row.facts["mcc"]) == ("9/88", "5812")
    assert (row.facts["reference"], row.facts["value_date"]) == ("101", date(2026, 6, 3))


def test_equal_rows_without_an_id_stay_two_and_the_same_file_gives_the_same_events(path: Path) -> None:
    one = ofx_transaction("0", COFFEE)
    rows = read(path, ofx_around(ofx_statement(one + one)))
    events = list(events_of(rows, origin=ORIGIN))
    assert len({event.id for event in events if not isinstance(event, BadRow)}) == 4
    assert list(events_of(ofx.read(path), origin=ORIGIN)) == events


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (f"<!DOCTYPE x [<!ENTITY a 'b'>]>{written()}", "a document type or entities"),
        ("<html>Sign in again</html>", "a text without the tag OFX"),
        ("", "a text without the tag OFX"),
    ],
)
def test_what_is_no_ofx_or_declares_a_document_type_is_refused(path: Path, text: str, shape: str) -> None:
    with pytest.raises(MalformedDocument, match=shape):
        read(path, text)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(MalformedDocument, match="not to be read"):
        list(ofx.read(path))


def test_tags_in_small_letters_and_a_header_on_one_line_are_read(path: Path) -> None:
    text = written((COFFEE,))
    body = text.removeprefix(OFX_HEADER).replace("<STMTTRN>", "<stmttrn>").replace("<TRNAMT>", "<trnamt>")
    (row,) = movements(read(path, OFX_HEADER.replace("\n", " ") + body))
    assert row.facts["amount"] == USUAL[0].amount

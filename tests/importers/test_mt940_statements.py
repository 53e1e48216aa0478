"""MT940: fields of SWIFT, with the habits of German and Dutch banks, become rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.statements import mt940
from marketofone.importers.statements.mt940_details import details_in
from marketofone.importers.statements.statement import Difference
from statement_files import COFFEE, IBAN, OPENING, OTHER_IBAN, SALARY, USUAL, mt940_entry, mt940_statement
from statement_files import mt940 as written

ORIGIN = Origin(customer="c-1", producer="mt940")
ENVELOPE = "{1:F01BANKDEFFXXXX0000000000}{2:I940BANKDEFFXXXXN}{4:\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statement.sta"


def read(path: Path, text: str, *, encoding: str = "utf-8") -> list[Row | BadRow]:
    path.write_bytes(text.encode(encoding))
    return list(mt940.read(path))


def given(rows: Sequence[Row | BadRow], what: str) -> list[Row]:
    return [row for row in rows if isinstance(row, Row) and row.what == what]


def one(path: Path, entry: str) -> Row:
    (row,) = given(read(path, mt940_statement(entry, closed=Decimal(0))), "movement")
    return row


def test_a_statement_gives_its_account_its_movements_and_its_balances(path: Path) -> None:
    rows = read(path, written())
    (account,) = given(rows, "account")
    assert (account.facts["account"], account.facts["currency"]) == (IBAN, "EUR")
    coffee, salary = given(rows, "movement")
    assert (coffee.facts["amount"], coffee.facts["booked"]) == (Decimal("-3.50"), date(2026, 6, 1))
    assert (coffee.facts["bank_code"], coffee.facts["counterparty"]) == ("166", "Café Rio")
    assert (coffee.facts["counterparty_account"], coffee.facts["text"]) == (OTHER_IBAN, "Card 1234 Lisbon")
    assert salary.facts["amount"] == Decimal("2500.00")
    told = [(row.on, row.facts["balance"]) for row in given(rows, "balance")]
    assert told == [(date(2026, 5, 31), Decimal("1000.00")), (date(2026, 6, 30), Decimal("3496.50"))]
    assert [row.line for row in (coffee, salary)] == [5, 8]


@pytest.mark.parametrize(
    ("dates", "booked", "value"),
    [
        ("2512310102", date(2026, 1, 2), date(2025, 12, 31)),
        ("2601021230", date(2025, 12, 30), date(2026, 1, 2)),
        ("260301", date(2026, 3, 1), date(2026, 3, 1)),
        ("2603011215", date(2025, 12, 15), date(2026, 3, 1)),
        ("2302300228", date(2023, 2, 28), date(2023, 2, 28)),  # the thirtieth, with which interest is reckoned
    ],
)
def test_the_date_of_booking_is_the_one_next_to_the_value_date(
    path: Path, dates: str, booked: date, value: date
) -> None:
    row = one(path, f":61:{dates}D1,00NMSCNONREF\n")
    assert (row.facts["booked"], row.facts["value_date"], row.on) == (booked, value, booked)


@pytest.mark.parametrize(
    ("mark", "amount", "operation"),
    [("C", "3.50", None), ("D", "-3.50", None), ("RC", "-3.50", "reversal"), ("RD", "3.50", "reversal")],
)
def test_marks_give_the_sign_and_tell_reversals(path: Path, mark: str, amount: str, operation: str | None) -> None:
    row = one(path, mt940_entry(COFFEE, mark=mark))
    assert (row.facts["amount"], row.facts.get("operation")) == (Decimal(amount), operation)


def test_what_is_only_expected_is_pending_and_counts_in_no_balance(path: Path) -> None:
    found: list[Difference] = []
    path.write_text(mt940_statement(mt940_entry(COFFEE, mark="ED"), closed=Decimal("1000.00")))
    (row,) = given(list(mt940.read(path, report=found.append)), "movement")
    assert (row.facts["status"], row.facts["amount"], row.facts.get("booked")) == ("pending", Decimal("-3.50"), None)
    assert found == []


def test_a_statement_whose_balances_do_not_agree_is_reported(path: Path) -> None:
    found: list[Difference] = []
    path.write_text(written().replace("D3,50", "D3,60"))
    assert len(list(mt940.read(path, report=found.append))) == 5
    expected, stated = Decimal("3496.40"), Decimal("3496.50")
    assert found == [Difference(account=IBAN, currency="EUR", line=11, expected=expected, found=stated)]


def test_the_pages_of_a_statement_are_checked_and_only_its_ends_are_balances(path: Path) -> None:
    found: list[Difference] = []
    first = mt940_statement(mt940_entry(COFFEE), closed=Decimal("996.50")).replace(":62F:", ":62M:")
    salary = replace(SALARY, booked=COFFEE.booked)
    second = mt940_statement(mt940_entry(salary), opened=Decimal("996.50"), closed=Decimal("3496.50"))
    path.write_text(first + second.replace(":60F:", ":60M:"))
    rows = list(mt940.read(path, report=found.append))
    assert found == []
    assert len(given(rows, "account")) == 1
    assert [row.facts["balance"] for row in given(rows, "balance")] == [OPENING, Decimal("3496.50")]


def test_several_statements_keep_their_accounts_and_currencies_apart(path: Path) -> None:
    other = written((COFFEE,)).replace(IBAN, "37040044/0532013000").replace("EUR", "USD")
    rows = read(path, written((COFFEE,)) + other)
    told = [(row.facts["account"], row.facts["currency"]) for row in given(rows, "movement")]
    assert told == [(IBAN, "EUR"), ("37040044/0532013000", "USD")]


@pytest.mark.parametrize("end", ["-}", "-}{5:{CHK:123456789ABC}}"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_envelope_of_swift_is_taken_off(path: Path, end: str, newline: str) -> None:
    text = (ENVELOPE + written().replace("\n-\n", f"\n{end}\n")).replace("\n", newline)
    rows = read(path, text + text.replace(IBAN, OTHER_IBAN))
    assert [row.facts["account"] for row in given(rows, "movement")] == [IBAN, IBAN, OTHER_IBAN, OTHER_IBAN]
    assert {row.facts["text"] for row in given(rows, "movement")} == {"Card 1234 Lisbon", "Salary June"}


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "utf-8-sig"])
def test_letters_are_read_as_they_were_written(path: Path, encoding: str) -> None:
    rows = read(path, written(), encoding=encoding)
    assert given(rows, "movement")[0].facts["counterparty"] == "Café Rio"


@pytest.mark.parametrize(
    ("account", "name"),
    [
        (f"{IBAN}EUR", IBAN),
        ("37040044/0532013000", "37040044/0532013000"),
        ("NL91 ABNA 0417 1643 00", "NL91ABNA0417164300"),
    ],
)
def test_the_account_is_an_iban_or_bank_and_number(path: Path, account: str, name: str) -> None:
    rows = read(path, mt940_statement(mt940_entry(COFFEE), closed=Decimal("996.50"), account=account))
    assert {row.facts["account"] for row in rows if isinstance(row, Row)} == {name}


def test_sub_fields_tell_codes_parties_and_the_words_of_sepa() -> None:
    said = details_in(
        [
            "105?00BASISLASTSCHRIFT?109248?20EREF+ORDER-77?21MREF+M-2026-1?22CRED+DE98ZZZ099999",
            "99999?23SVWZ+Electricity for the Ju?24ly, with thanks?30COBADEFFXXX?31DE0212030000000",
            "0202051?32Stadtwerke Musterst?33adt GmbH?34992?60 Contract 5",
        ]
    )
    assert said == {
        "bank_code": "105",
        "counterparty": "Stadtwerke Musterstadt GmbH",
        "counterparty_account": OTHER_IBAN,
        "mandate": "M-2026-1",
        "reference": "ORDER-77",
        "text": "Electricity for the July, with thanks Contract 5",
    }


def test_a_sub_field_that_is_not_full_ended_with_a_blank() -> None:
    said = details_in(["152?00DAUERAUFTRAG?20SVWZ+Rent for the flat in?21Elm Street"])
    assert said["text"] == "Rent for the flat in Elm Street"


def test_the_booking_text_stands_in_where_no_purpose_is_told() -> None:
    assert details_in(["808?00Account fee?109310"]) == {"bank_code": "808", "text": "Account fee"}


def test_other_separators_and_account_numbers_of_old_are_read() -> None:
    said = details_in(["020^00Transfer^20Rent^3037040044^31532013000^32Ann Roe"])
    assert (said["text"], said["counterparty_account"], said["counterparty"]) == (
        "Rent",
        "37040044/532013000",
        "Ann Roe",
    )


@pytest.mark.parametrize(
    ("line", "party", "account", "text"),
    [
        (
            "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J DOE/REMI/Rent June/EREF/NOTPROVIDED",
            "J DOE",
            "NL91ABNA0417164300",
            "Rent June",
        ),
        (
            "/EREF/E-1//CNTP/NL91ABNA0417164300/ABNANL2A/J DOE///REMI/USTD//Rent June/",
            "J DOE",
            "NL91ABNA0417164300",
            "Rent June",
        ),
        ("/ORDP//NAME/J DOE/REMI/Rent June/ISDT/2026-06-01", "J DOE", None, "Rent June"),
    ],
)
def test_the_code_words_of_dutch_banks_are_read(line: str, party: str, account: str | None, text: str) -> None:
    said = details_in([line[:65], line[65:]])
    assert (said["counterparty"], said.get("counterparty_account"), said["text"]) == (party, account, text)


def test_text_without_structure_is_the_text_and_the_type_of_transaction_the_code(path: Path) -> None:
    row = one(path, mt940_entry(COFFEE, details="Card payment\nLisbon 1 June"))
    assert (row.facts["text"], row.facts["bank_code"]) == ("Card payment Lisbon 1 June", "NMSC")


def test_what_was_paid_in_another_currency_comes_with_its_rate(path: Path) -> None:
    entry = mt940_entry(COFFEE, details="Card abroad").replace("NONREF\n", "NONREF\n/OCMT/USD3,85//EXCH/1,1/\n")
    row = one(path, entry)
    assert (row.facts["original"], row.facts["original_currency"]) == (Decimal("-3.85"), "USD")
    assert row.facts["rate"] == 1.1


def test_a_line_without_a_type_of_transaction_does_not_swallow_the_next(path: Path) -> None:
    entries = ":61:260601D1,00\n:61:260602D2,00\n:86:two\n"
    rows = given(read(path, mt940_statement(entries, closed=Decimal("997.00"))), "movement")
    assert [(row.facts["amount"], row.facts["text"]) for row in rows] == [
        (Decimal("-1.00"), None),
        (Decimal("-2.00"), "two"),
    ]


@pytest.mark.parametrize(
    "wrong", ["2606311631D1,00NMSC", "26060X0601D1,00NMSC", "2606010601X1,00NMSC", "2606010601D,,NMSC"]
)
def test_a_line_that_is_wrong_takes_no_other_with_it_and_is_written_to_no_log(
    path: Path, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        rows = read(path, mt940_statement(f":61:{wrong}\n:86:x\n" + mt940_entry(SALARY), closed=Decimal(0)))
    (why,) = (row for row in rows if isinstance(row, BadRow))
    assert (why.line, why.field, why.raw) == (5, ":61:", f":61:{wrong}\nx".encode())
    assert [row.facts["amount"] for row in given(rows, "movement")] == [Decimal("2500.00")]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("cut", "given_rows"), [(":61:2606300630C25", 1), (":62F", 1), ("?20SVWZ+Salary", 1), (":60F:C2", 0)]
)
def test_a_file_that_breaks_off_says_where_and_gives_what_came_before(path: Path, cut: str, given_rows: int) -> None:
    text = written()
    rows = read(path, text[: text.index(cut) + len(cut)])
    assert len(given(rows, "movement")) == given_rows
    assert [isinstance(row, BadRow) for row in rows].count(True) == 1
    assert isinstance(rows[-1], BadRow)


def test_equal_lines_stay_two_and_the_same_file_gives_the_same_events(path: Path) -> None:
    rows = read(path, written((COFFEE, COFFEE)))
    events = list(events_of(rows, origin=ORIGIN))
    assert len({event.id for event in events if not isinstance(event, BadRow)}) == 5
    assert list(events_of(mt940.read(path), origin=ORIGIN)) == events


def test_the_interim_report_mt942_takes_its_currency_from_the_floor_limit(path: Path) -> None:
    text = f":20:REPORT\n:25:{IBAN}\n:28C:1\n:34F:EURD0,\n:13D:2606301200+0200\n{mt940_entry(COFFEE)}:90D:1EUR3,50\n-\n"
    rows = read(path, text)
    assert [(row.facts["account"], row.facts["currency"]) for row in given(rows, "movement")] == [(IBAN, "EUR")]
    assert not [row for row in rows if isinstance(row, BadRow)]


def test_a_text_without_fields_is_refused(path: Path) -> None:
    with pytest.raises(MalformedDocument, match="without fields of MT940"):
        read(path, "Date;Amount\n")


def test_all_events_of_the_usual_file_are_sound(path: Path) -> None:
    events = list(events_of(read(path, written(USUAL)), origin=ORIGIN))
    assert [event.kind for event in events if not isinstance(event, BadRow)] == [
        "account.opened",
        "transaction.booked",
        "transaction.booked",
        "balance.stated",
        "balance.stated",
    ]

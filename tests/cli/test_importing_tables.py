"""Somebody's own table comes in by one command: shown as it is understood, asked about, counted, and explained."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import Result

import marketofone
from marketofone.cli import importing
from marketofone.domain.errors import MalformedEvent
from marketofone.importers.formats import FORMATS
from marketofone.importers.rows import BadRow, Row
from statement_styles import STYLES

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = range(4)
STATEMENT = STYLES["application bank, times and states"].content
Run = Callable[..., Result]


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    path = tmp_path / "June 2026.csv"
    path.write_bytes(STATEMENT)
    return path


def told(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_a_table_comes_in_with_the_mapping_that_is_proposed(run: Run, statement: Path, project: Path) -> None:
    run("consent", "grant", "c-1")
    first = run("import", "csv", str(statement), "--customer", "c-1", "--yes", "--json")
    again = run("import", "csv", str(statement), "--customer", "c-1", "--yes", "--json")

    assert (first.exit_code, again.exit_code) == (DONE, DONE)
    counts = told(first)
    assert (counts["rows"], counts["events"], counts["dead_letters"], counts["duplicates"]) == (4, 4, 0, 0)
    assert (counts["refused"], counts["reasons"], counts["breaks_off"]) == (0, [], None)
    assert counts["beside"] == {"balances": 0, "accounts": 0, "notes": 0}
    assert counts["mapping"] == "june-2026"
    assert [one for one in counts["unsure"] if one.startswith("account")]
    assert (told(again)["events"], told(again)["duplicates"]) == (0, 4)
    assert [path.name for path in (project / "mappings").iterdir()] == ["june-2026.toml"]


def test_one_account_under_a_given_name_and_under_its_number_counts_once(run: Run, tmp_path: Path) -> None:
    rows = "".join(f"2026-06-{day:02};-12.50;Shop {day};EUR\n" for day in range(1, 21))
    path = tmp_path / "june.csv"
    path.write_text(f"Account;DE89 3704 0044 0532 0130 00\n\nDate;Amount;Payee;Currency\n{rows}", encoding="utf-8")
    run("consent", "grant", "c-1")
    words = ("import", "csv", str(path), "--customer", "c-1", "--yes", "--json")

    plain, named = told(run(*words)), told(run(*words, "--account", "giro"))

    assert (plain["beside"]["accounts"], named["beside"]["accounts"], named["events"]) == (0, 1, 20)
    ahead = told(run("forecast", "c-1", "--json", "--as-of", "2026-06-20T20:00:00Z"))
    assert [one["account"] for one in ahead["accounts"]] == ["giro"]


@pytest.mark.parametrize("saved", [False, True])
def test_the_number_in_a_column_is_that_of_the_account_that_was_named(
    run: Run, project: Path, tmp_path: Path, *, saved: bool
) -> None:
    number, other = "DE89 3704 0044 0532 0130 00", "AT61 1904 3002 3457 3201"
    days = [(datetime.now(UTC) - timedelta(days=ago)).date() for ago in range(22, 2, -1)]
    rows = "".join(f"{number};{day};-12.50;Shop {day.day};EUR\n" for day in days)
    path, paid = tmp_path / "june.csv", tmp_path / "other.csv"
    path.write_text(f"Account;Date;Amount;Payee;Currency\n{rows}", encoding="utf-8")
    there = f"{other};{days[9]};-500.00;Zq Pool;{number};EUR\n"
    paid.write_text(f"Account;Date;Amount;Payee;Counterparty account;Currency\n{there}", encoding="utf-8")
    run("consent", "grant", "c-1")
    words = ("import", "csv", "--customer", "c-1", "--json")
    if saved:
        run(*words, str(path), "--customer", "c-2", "--yes")

    second = told(run(*words, str(paid), "--yes"))
    first = told(run(*words, str(path), "--account", "giro", *(("--mapping", "june") if saved else ("--yes",))))

    assert (first["beside"]["accounts"], first["events"], second["events"]) == (1, 20, 1)
    with marketofone.open(project) as bank:
        assert {one.name: one.value for one in bank.profile("c-1").known}["spend_30d"] == 20 * 12_50


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_balance_is_that_after_the_last_row_of_the_last_day(
    run: Run,
    tmp_path: Path,
    project: Path,
    newest_first: bool,  # noqa: FBT001 - a case
) -> None:
    balances = [100 - 7 * number for number in range(9)]
    rows = [f"2026-06-{1 + number // 4:02},tea,-7.00,{balance}.00" for number, balance in enumerate(balances)]
    rows = [row for row in rows if "06-03" not in row]
    path = tmp_path / "june.csv"
    path.write_text("\n".join(["Date,Text,Amount,Balance", *(rows[::-1] if newest_first else rows)]), encoding="utf-8")
    run("consent", "grant", "c-1")
    run("import", "csv", str(path), "--customer", "c-1", "--yes", "--currency", "EUR")

    with marketofone.open(project) as bank:
        then = bank.calendar.parse("2026-06-10", field="as_of")
        known = {one.name: one.value for one in bank.profile("c-1", as_of=then).known}
    assert known["balance_last"] == 5_100


def test_a_balance_that_does_not_follow_shows_where_rows_are_missing(run: Run, tmp_path: Path) -> None:
    rows = [f"2026-06-{day:02},tea,-5.00,{100 - 5 * day}.00" for day in range(1, 21) if day not in {7, 15}]
    path = tmp_path / "june.csv"
    path.write_text("\n".join(["Date,Text,Amount,Balance", *rows]), encoding="utf-8")
    words = ("import", "csv", str(path), "--customer", "c-1", "--yes")
    result = run(*words, "--json")

    assert result.exit_code == DONE
    assert told(result)["differs"] == {"rows": 2, "line": 8}
    assert "do not follow from the rows beside them 2 times, first on line 8" in run(*words).stdout


@pytest.mark.parametrize("rows", [40, 3000])
def test_a_short_file_that_breaks_off_is_taken_as_well(run: Run, tmp_path: Path, rows: int) -> None:
    lines = [
        f"2026-06-{1 + number % 28:02},text {number * 7919 % 10_007},-{1 + number % 90}.00" for number in range(rows)
    ]
    path = tmp_path / "june.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["Date,Text,Amount", *lines]).encode())[:-60])
    counts = told(run("import", "csv", str(path), "--customer", "c-1", "--yes", "--json"))

    assert 0 < counts["events"] < rows
    assert "breaks off" in counts["breaks_off"]


def test_a_saved_mapping_reads_the_next_file_and_a_typed_account_counts_more(
    run: Run, statement: Path, tmp_path: Path
) -> None:
    run("import", "csv", str(statement), "--customer", "c-1", "--yes")
    july = tmp_path / "July 2026.csv"
    july.write_bytes(STATEMENT.replace(b"2026-06", b"2026-05"))
    counts = told(run("import", "csv", str(july), "--customer", "c-1", "--mapping", "june-2026", "--json"))
    other = told(
        run("import", "csv", str(july), "--customer", "c-1", "--mapping", "june-2026", "--account", "x", "--json")
    )

    assert (counts["events"], counts["mapping"], counts["unsure"]) == (4, "june-2026", [])
    assert (other["events"], other["duplicates"]) == (4, 0)


def test_rows_of_a_mended_order_of_dates_take_the_place_of_those_before(
    run: Run, tmp_path: Path, project: Path
) -> None:
    path, mapping = tmp_path / "june.csv", project / "mappings" / "june.toml"
    rows = [f"0{day}/06/2026,tea {day},-1.00,{100 - day}.00" for day in (1, 2, 3, 4)]
    path.write_text("\n".join(["Date,Text,Amount,Balance", *rows]), encoding="utf-8")
    words = ("import", "csv", str(path), "--customer", "c-1", "--account", "giro")
    run("consent", "grant", "c-1")

    def spent() -> object:
        with marketofone.open(project) as bank:
            then = bank.calendar.parse("2026-06-10", field="as_of")
            return {one.name: one.value for one in bank.profile("c-1", as_of=then).known}.get("spend_30d")

    assert told(run(*words, "--yes", "--json"))["events"] == 4
    assert spent() == 4_00
    mapping.write_text(mapping.read_text(encoding="utf-8").replace('date = "DMY"', 'date = "MDY"'), encoding="utf-8")

    mended = told(run(*words, "--mapping", "june", "--json"))
    assert (mended["events"], mended["duplicates"], mended["beside"]["removals"]) == (4, 0, 4)
    assert not spent()
    again = told(run(*words, "--mapping", "june", "--json"))
    assert (again["events"], again["duplicates"], again["beside"].get("removals")) == (0, 4, None)


def test_rows_of_a_mended_decimal_sign_take_the_place_of_those_before_also_after_a_retry(
    run: Run, tmp_path: Path, project: Path
) -> None:
    path, mapping = tmp_path / "rent.csv", project / "mappings" / "rent.toml"
    amounts = ("-1,250", "-2,500", "-1,000", "-1,234")  # read with a comma, the last one has too many decimals
    rows = [f"2026-06-0{day},tea {day},{amount}" for day, amount in enumerate(amounts, start=1)]
    path.write_text("\n".join(["Date;Text;Amount", *(row.replace(",", ";", 2) for row in rows)]), encoding="utf-8")
    words = ("import", "csv", str(path), "--customer", "c-1", "--account", "giro", "--currency", "EUR")
    run("consent", "grant", "c-1")

    def spent() -> object:
        with marketofone.open(project) as bank:
            then = bank.calendar.parse("2026-06-10", field="as_of")
            return {one.name: one.value for one in bank.profile("c-1", as_of=then).known}.get("spend_30d")

    assert told(run(*words, "--yes", "--json"))["dead_letters"] == 1
    assert spent() == 4_75
    mapping.write_text(mapping.read_text(encoding="utf-8").replace('decimal = ","', 'decimal = "."'), encoding="utf-8")
    assert told(run("letters", "retry", "--json"))["events"] == 1

    mended = told(run(*words, "--mapping", "rent", "--json"))
    assert (mended["events"], mended["duplicates"], mended["beside"]["removals"]) == (3, 1, 3)
    assert spent() == 5_984_00
    again = told(run(*words, "--mapping", "rent", "--json"))
    assert (again["events"], again["duplicates"], again["beside"].get("removals")) == (0, 4, None)


def test_rows_that_only_look_like_those_of_another_order_of_dates_take_no_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rent.csv"
    words = ("import", "csv", str(path), "--customer", "c-1", "--account", "giro", "--yes", "--json")
    pays = [f"{day}/{month}/2026,{what},-500.00" for what, day, month in (("rent", 4, 3), ("gas", 5, 3), ("net", 6, 3))]
    later = [
        f"{day}/{month}/2026,{what},-500.00" for what, day, month in (("rent", 3, 4), ("gas", 3, 5), ("net", 3, 6))
    ]
    more = [f"{day}/7/2026,tea {day},-1.00" for day in (7, 8, 9, 13)]

    for lines in (pays, pays + later, later + more):
        path.write_text("\n".join(["Date,Text,Amount", *lines]), encoding="utf-8")
        assert "removals" not in told(run(*words))["beside"]


def test_bad_rows_are_told_in_groups_with_what_to_write_and_the_first_line(run: Run, tmp_path: Path) -> None:
    lines = [
        "Date,Text,Amount",
        "2026-06-01,tea,-5.00",
        "soon,tea,-5.00",
        "later,tea,-5.00",
        "2026-06-02,tea,0",
        "2026-06-02,tea,-6.005",
    ]
    path = tmp_path / "june.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    words = ("import", "csv", str(path), "--customer", "c-1", "--yes", "--currency", "EUR")
    result = run(*words, "--json")
    counts = told(result)

    assert result.exit_code == BAD_INPUT
    assert (counts["rows"], counts["events"], counts["dead_letters"], counts["duplicates"]) == (5, 1, 4, 0)
    assert [(one["field"], one["shape"], one["rows"], one["line"]) for one in counts["reasons"]] == [
        ("booked", "text of … characters", 2, 3),
        ("amount", "zero", 1, 5),
        ("amount", "more decimals than the currency has", 1, 6),
    ]
    assert "2 bad, first on line 3: booked: text of … characters; write a date as" in run(*words).stdout


def test_a_row_that_only_the_bank_can_refuse_is_told_with_its_line_as_well(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "june.csv"
    path.write_text("Date,Amount\n2026-06-01,-5.00\n2190-06-01,-6.00\n", encoding="utf-8")
    counts = told(run("import", "csv", str(path), "--customer", "c-1", "--yes", "--json"))

    assert [(one["field"], one["shape"], one["line"]) for one in counts["reasons"]] == [
        ("time", "an instant in the future", 3)
    ]


@pytest.mark.parametrize(
    ("elsewhere", "source", "kept"), [((), "transactions", True), (("--institution", "Other"), "open_banking", False)]
)
def test_what_nobody_allows_is_said_before_rows_are_taken_with_the_way_to_allow_it(
    run: Run,
    statement: Path,
    elsewhere: tuple[str, ...],
    source: str,
    kept: bool,  # noqa: FBT001 - a case
) -> None:
    words = ("import", "csv", str(statement), "--customer", "c-1", "--yes", "--json", *elsewhere)
    first = run(*words)
    assert f"c-1 has not allowed {source}" in first.stderr
    assert f"marketofone consent grant c-1 --source {source}" in first.stderr
    assert "imported again" in first.stderr
    assert told(first)["refused"] == 4

    run("consent", "grant", "c-1", "--source", source)
    second = run(*words)

    assert second.stderr == ""
    assert (told(second)["events"], told(second)["duplicates"]) == ((0, 4) if kept else (4, 0))


def test_a_grant_may_come_with_the_rows_of_any_format(run: Run, statement: Path) -> None:
    words = ("import", "csv", str(statement), "--customer", "c-1", "--yes", "--grant", "all", "--authority", "said so")
    first = run(*words, "--json")

    assert (first.stderr, told(first)["refused"], told(first)["left_out"]) == ("", 0, 0)
    assert told(first)["granted_until"] is not None
    assert told(run("consent", "show", "c-1", "--json"))["epoch"] == 1


def test_where_nobody_can_be_asked_nothing_is_taken(run: Run, statement: Path, project: Path) -> None:
    result = run("import", "csv", str(statement), "--customer", "c-1")

    assert result.exit_code == BAD_USAGE
    assert "--yes" in result.stderr
    assert "--mapping" in result.stderr
    assert not (project / "mappings").exists()


def on_a_terminal(words: list[str], *, answer: str) -> tuple[int, str]:
    """Run the command with a terminal as its standard input; gives its exit code, and what it prints."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from marketofone.cli import main; main()", *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        printed, _ = process.communicate(timeout=120)
    os.close(ours)
    return process.returncode, printed


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "events"), [("y", DONE, 4), ("n", SAID_NO, 0)])
def test_on_a_terminal_the_first_rows_are_shown_as_they_are_understood_and_somebody_is_asked(
    statement: Path, project: Path, answer: str, code: int, events: int
) -> None:
    words = ["import", "csv", str(statement), "--customer", "c-1", "--bank", str(project)]
    exit_code, printed = on_a_terminal(words, answer=answer)

    assert exit_code == code
    assert "2026-06-01" in printed
    assert "2,345.60 GBP  main, TOPUP Payroll of Lantern Ltd" in " ".join(printed.split(" "))
    assert "not sure: account: nothing names it" in printed
    assert (project / "mappings" / "june-2026.toml").is_file()
    with marketofone.open(project, read_only=True) as bank:
        assert bank.counts().get("events.refused", 0) == events


def test_what_came_before_a_packed_file_breaks_off_is_in_and_it_is_said(run: Run, tmp_path: Path) -> None:
    rows = [
        f"2026-06-{1 + number % 28:02},text {number * 7919 % 10_007},-{1 + number % 90}.00" for number in range(3000)
    ]
    path = tmp_path / "june.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["Date,Text,Amount", *rows]).encode())[:-800])
    words = ("import", "csv", str(path), "--customer", "c-1", "--yes")
    result = run(*words, "--json")
    counts = told(result)

    assert result.exit_code == BAD_INPUT
    assert counts["events"] == counts["rows"] - 1 > 1000
    assert "breaks off" in counts["breaks_off"]
    assert [(one["shape"], one["line"]) for one in counts["reasons"]] == [("cut off", counts["rows"] + 1)]
    assert "breaks off" in run(*words).stdout


@pytest.mark.parametrize(
    ("form", "name", "content", "right"),
    [
        ("cloudevents", "june.csv", STATEMENT, "csv"),
        ("cloudevents", "june", b"PAR1 PAR1", "parquet"),
        ("csv", "june.csv", b"PK\x03\x04", "xlsx"),
        ("csv", "june.jsonl", b'{"specversion": "1.0"}', "cloudevents"),
        ("parquet", "june.parquet", STATEMENT, "csv"),
    ],
)
def test_a_file_of_another_format_is_refused_with_the_command_that_reads_it(
    run: Run, tmp_path: Path, form: str, name: str, content: bytes, right: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    result = run("import", form, str(path), "--customer", "c-1", *(("--yes",) if form != "cloudevents" else ()))

    assert (result.exit_code, result.stdout) == (BAD_INPUT, "")
    assert f"marketofone import {right}" in result.stderr


def zipped(content: bytes) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("june.csv", content)
    return packed.getvalue()


@pytest.mark.parametrize("form", ["cloudevents", "csv", "mt940", "camt", "berlin"])
@pytest.mark.parametrize("pack", [zipped, bz2.compress, lzma.compress])
def test_a_file_that_is_packed_in_a_way_that_is_not_read_is_refused_whole_and_to_be_unpacked(
    run: Run, tmp_path: Path, form: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "june"
    path.write_bytes(pack(STATEMENT * 50))
    result = run("import", form, str(path), "--customer", "c-1", *(("--yes",) if form == "csv" else ()))

    assert (result.exit_code, result.stdout) == (BAD_INPUT, "")
    assert "unpack it" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "told_by"),
    [
        ((), BAD_USAGE, "--customer"),
        (("--customer", "c-1", "--yes", "--mapping", "x"), BAD_USAGE, "--mapping"),
        (("--customer", "c-1", "--mapping", "x"), BAD_INPUT, "no mapping of this name"),
        (("--customer", "a b", "--yes"), BAD_INPUT, "customer"),
        (("--customer", "c-1", "--yes", "--currency", "XXQ"), BAD_INPUT, "ISO 4217"),
    ],
)
def test_what_is_typed_is_checked_before_anything_is_read(
    run: Run, statement: Path, project: Path, words: tuple[str, ...], code: int, told_by: str
) -> None:
    result = run("import", "csv", str(statement), *words)

    assert result.exit_code == code
    assert told_by in result.stderr
    assert not (project / "mappings").exists()


def invented(path: Path) -> Iterator[Row | BadRow]:
    """Read a format that no bank has: each letter of a file is a row."""
    yield Row(line=1, what="account", facts={"account": "a", "product": "tea", "currency": "EUR"}, on=date(2026, 6, 1))
    for line, letter in enumerate(path.read_text("utf-8"), start=1):
        if letter == "x":
            yield BadRow(line=line, raw=b"x", why=MalformedEvent(field="letter", shape="an x", fix="write an y"))
        else:
            facts = {"account": "a", "currency": "EUR", "amount": Decimal(ord(letter))}
            yield Row(line=line, what="movement", facts=facts, on=date(2026, 6, 1))
    yield Row(
        line=1, what="balance", facts={"account": "a", "currency": "EUR", "balance": Decimal(5)}, on=date(2026, 6, 1)
    )


@pytest.mark.parametrize(("elsewhere", "accounts"), [((), 1), (("--institution", "Other"), 1)])
def test_another_format_is_one_line_and_what_stands_beside_its_rows_is_counted_apart(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: tuple[str, ...], accounts: int
) -> None:
    monkeypatch.setitem(FORMATS, "invented", invented)
    (form,) = [one for one in importing.import_.params if one.name == "form"]
    monkeypatch.setattr(form.type, "choices", ("invented",))
    path = tmp_path / "letters"
    path.write_text("aabxb", encoding="utf-8")
    result = run("import", "invented", str(path), "--customer", "c-1", "--json", "--grant", "all", *elsewhere)
    counts = told(result)

    assert result.exit_code == BAD_INPUT
    assert (counts["rows"], counts["events"], counts["dead_letters"], counts["duplicates"]) == (5, 4, 1, 0)
    assert counts["beside"] == {"balances": 1, "accounts": accounts}
    assert [(one["field"], one["line"]) for one in counts["reasons"]] == [("letter", 4)]


def test_a_code_that_is_no_currency_makes_a_bad_row_and_never_one_of_the_banks_currency(
    run: Run, tmp_path: Path
) -> None:
    run("consent", "grant", "c-1")
    file = tmp_path / "currencies.csv"
    file.write_text("Date,Payee,Amount,Currency\n2026-06-13,Inn,-5,EUR\n2026-06-14,Inn,-6,EUR\n2026-06-15,Inn,-7,XXZ\n")
    done = run("import", "csv", str(file), "--customer", "c-1", "--yes", "--json")

    counts = told(done)
    assert (counts["events"], counts["dead_letters"]) == (2, 1)
    assert [(reason["field"], reason["line"]) for reason in counts["reasons"]] == [("currency", 4)]


def test_amounts_are_shown_with_the_decimals_of_their_currency(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "june.csv"
    file.write_text("Date,Payee,Amount,Currency\n2026-06-13,Inn,2650.4,EUR\n2026-06-14,Inn,-6000,JPY\n")
    _, printed = on_a_terminal(["import", "csv", str(file), "--customer", "c-1", "--bank", str(project)], answer="n")
    assert "2,650.40 EUR" in printed
    assert "-6,000 JPY" in printed

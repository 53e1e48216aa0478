"""A bad row of a table is kept, and once its mapping was mended, `letters retry` reads it as the whole file would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import marketofone
from marketofone import Bank
from marketofone.domain.cloudevents import read_kept
from marketofone.projection import codec
from marketofone.projection.kept_rows import KeptRow, KeptTable, kept_row_bytes

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = range(4)
Run = Callable[..., Result]
HEADER = "Date;Text;Amount;Balance"
ROWS = (
    "03/06/2026;Rent;-700,00;300,00",
    "13/06/2026;Coffee;-3,50;296,50",
    "13/06/2026;Coffee;-3,50;293,00",
    "13/06/2026;Coffee;-3,50;293,00",
    "14/06/2026;Salary;2.000,00;2.293,00",
)
MAPPING = """
date = "{date}"
decimal = ","
account = "main"
currency = "EUR"

[columns]
booked = ["Date"]
text = ["Text"]
amount = "Amount"
balance = "Balance"
"""


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    path = tmp_path / "june.csv"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n", "utf-8")
    return path


def save(project: Path, *, date: str = "MDY", name: str = "june", text: str = MAPPING) -> Path:
    (project / "mappings").mkdir(exist_ok=True)
    path = project / "mappings" / f"{name}.toml"
    path.write_text(text.format(date=date), "utf-8")
    return path


def told(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_rows_come_in_once_their_mapping_was_mended_and_the_file_adds_nothing_then(
    run: Run, project: Path, statement: Path
) -> None:
    save(project)
    run("consent", "grant", "anna")
    words = ("import", "csv", str(statement), "--customer", "anna", "--mapping", "june", "--json")

    first = run(*words)
    shown = told(run("letters", "show", "2", "--json"))
    bad = run("letters", "retry", "--json")
    save(project, date="DMY")
    good = run("letters", "retry", "--json")
    before, after, again = told(bad), told(good), told(run("letters", "retry", "--json"))

    assert (bad.exit_code, good.exit_code) == (BAD_INPUT, DONE)
    assert (first.exit_code, told(first)["events"], told(first)["dead_letters"]) == (BAD_INPUT, 1, 4)
    assert (shown["kept"], shown["line"], shown["mapping"]) == (True, 4, "mappings/june.toml")
    assert "mend mappings/june.toml" in run("letters", "show", "2").stdout
    assert (before["rows"], before["still_bad"], before["reasons"][0]["line"]) == (0, 4, 3)
    assert (after["rows"], after["events"], after["still_bad"], after["dead_letters"]) == (4, 4, 0, 0)
    assert (again["rows"], again["events"], again["duplicates"]) == (4, 0, 4)
    file = told(run(*words))
    assert (file["duplicates"], file["events"]) == (4, 1), "only what the old mapping misread is new"
    with marketofone.open(project) as bank:
        assert bank.verify().problems == ()


def test_one_mended_decimal_sign_gives_what_the_mended_file_gives(run: Run, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "july.csv"
    rows = ("2026-06-01;Rent;-700;300", *(f"2026-06-0{day};Coffee;-3,50;1" for day in (1, 1, 2)), "2026-06-01;Tea;-2;1")
    path.write_text("\n".join((HEADER, *rows)), "utf-8")
    wrong = MAPPING.replace('decimal = ","', 'decimal = "."')
    mended = save(project, date="YMD", text=wrong)
    run("consent", "grant", "anna")
    words = ("import", "csv", str(path), "--mapping", "june", "--json", "--customer")

    first, twice = told(run(*words, "anna")), told(run(*words, "anna"))
    mended.write_text(MAPPING.format(date="YMD"), "utf-8")
    retried, file, whole = told(run("letters", "retry", "--json")), told(run(*words, "anna")), told(run(*words, "ben"))

    assert (first["events"], first["dead_letters"], twice["dead_letters"], twice["duplicates"]) == (2, 3, 3, 2)
    assert (retried["rows"], retried["events"], retried["still_bad"], retried["without_row"]) == (3, 3, 0, 0)
    assert (file["events"], file["duplicates"]) == (0, 5)
    with marketofone.open(project) as bank:
        assert [told_of(bank, "anna"), whole["events"]] == [told_of(bank, "ben"), 5]


def test_a_row_is_kept_and_opened_only_while_its_source_may_be_kept(run: Run, project: Path, statement: Path) -> None:
    save(project)
    words = ("import", "csv", str(statement), "--mapping", "june", "--institution", "Other", "--json", "--customer")
    run(*words, "silent")
    for customer in ("anna", "ben"):
        run("consent", "grant", customer)
        run(*words, customer)
    run("consent", "withdraw", "anna", "--source", "open_banking")
    run("rights", "erase", "ben", "--yes")
    save(project, date="DMY")

    retried = told(run("letters", "retry", "--json"))

    assert (retried["rows"], retried["events"], retried["still_bad"], retried["without_row"]) == (0, 0, 0, 12)
    for number in ("1", "5", "9"):
        shown = told(run("letters", "show", number, "--json"))
        assert (shown["kept"], shown["line"], shown["mapping"]) == (False, None, None)
    run("consent", "grant", "anna", "--source", "open_banking")
    assert told(run("letters", "retry", "--json"))["events"] == 4


def test_a_mapping_that_is_no_longer_the_one_of_the_file_reads_nothing_and_loses_nothing(
    run: Run, project: Path, statement: Path
) -> None:
    headed = f"header = {json.dumps(HEADER.split(';'))}\n" + MAPPING
    path = save(project, text=headed)
    run("import", "csv", str(statement), "--mapping", "june", "--customer", "anna")
    others = {
        "no mapping is there": None,
        "a header of 3 columns": MAPPING.replace("decimal", 'header = ["Datum", "Text", "Betrag"]\ndecimal', 1),
        "a column of 6 characters": MAPPING.replace('"Amount"', '"Betrag"'),
        "another one than": MAPPING.replace("decimal", 'separator = ","\ndecimal', 1),
        "mappings/june.toml": "format = 7",
    }
    for why, text in others.items():
        path.unlink() if text is None else path.write_text(text.replace("{date}", "DMY"), "utf-8")
        result = run("letters", "retry")
        assert "0 rows can be read by now" in result.stdout
        assert "4 still bad" in result.stdout
        assert why in result.stdout, result.stdout
        assert "Coffee" not in result.stdout
    save(project, date="DMY", text=headed)
    assert told(run("letters", "retry", "--json"))["events"] == 4


def test_a_mapping_that_lies_elsewhere_is_found_there_and_typed_words_hold(
    run: Run, project: Path, statement: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.toml"
    mine.write_text(MAPPING.format(date="MDY"), "utf-8")
    words = ("import", "csv", str(statement), "--mapping", "mine.toml", "--account", "giro", "--customer", "anna")
    run(*words)
    mine.write_text(MAPPING.format(date="DMY"), "utf-8")
    monkeypatch.chdir(project)

    assert told(run("letters", "show", "1", "--json"))["mapping"] == str(mine.resolve())
    assert told(run("letters", "retry", "--json"))["events"] == 4
    monkeypatch.chdir(tmp_path)
    assert told(run(*words, "--json"))["duplicates"] == 4


def test_a_row_that_lies_ahead_as_it_is_read_is_kept_as_well(run: Run, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "ahead.csv"
    path.write_text(
        "Due;Date;Text;Amount\n2080-01-01;2025-12-01;Coffee;-3,50\n2080-01-01;2080-01-01;Tea;-3,50\n", "utf-8"
    )
    text = MAPPING.replace('balance = "Balance"', "")
    save(project, date="YMD", text=text.replace('"Date"', '"Due"'))
    first = told(run("import", "csv", str(path), "--mapping", "june", "--customer", "anna", "--json"))
    assert [(one["field"], one["rows"], one["line"]) for one in first["reasons"]] == [("time", 2, 2)]
    save(project, date="YMD", text=text)

    retried = told(run("letters", "retry", "--json"))

    assert (retried["events"], retried["still_bad"], retried["reasons"][0]["line"]) == (1, 1, 3)
    assert told(run("letters", "show", "1", "--json"))["line"] == 2
    assert sum(one["rows"] for one in json.loads(run("letters", "list", "--json").stdout)) == 2, "no second letter"


def test_what_is_sent_like_a_row_of_a_table_is_none(run: Run, project: Path) -> None:
    save(project, date="DMY")
    table = KeptTable(form="csv", file="9f", mapping="june", columns=tuple(HEADER.split(";")))
    cells = tuple(ROWS[0].split(";"))
    row = KeptRow(subject="anna", type="transaction.booked", version=1, table=table, line=2, cells=cells)
    with marketofone.open(project) as bank:
        assert bank.ingest([kept_row_bytes(row)]).dead_letters == 1
    assert told(run("letters", "show", "1", "--json"))["kept"] is False
    assert told(run("letters", "retry", "--json"))["rows"] == 0


def told_of(bank: Bank, customer: str) -> set[tuple[str, int, object]]:
    """Give what is known of a customer's payments: when and what each was."""
    (subject,) = bank.context.keys.find([customer]).values()
    with bank.context.store.read() as reader:
        entries = reader.entries(subject.subject, after=0, upto=99, kinds=("ingest",))
        events = [kept for entry in entries for kept in codec.read(entry, box=subject.box).events]
    found = [read_kept(event.body, kind=event.kind) for event in events if event.body is not None]
    return {(event.id, event.at, event.data) for event in found}

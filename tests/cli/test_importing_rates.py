"""A reference table of rates comes in by one command: counted like other files, corrected, and about no customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = range(4)
TABLE = """Date,USD,JPY,GBP,
2026-06-30,1.1702,169.12,0.8546,
2026-06-29,1.1650,168.90,N/A,
"""
Run = Callable[..., Result]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "eurofxref-hist.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def told(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def counted(result: Result) -> tuple[int, ...]:
    counts = told(result)
    return tuple(counts[name] for name in ("rows", "events", "dead_letters", "duplicates"))


def test_the_same_table_again_is_all_duplicates_and_a_later_word_corrects(run: Run, table: Path) -> None:
    first, again = (run("import", "rates", str(table), "--json") for _ in range(2))
    table.write_text(TABLE.replace("168.90", "168.91").replace("N/A", "0.8550"), encoding="utf-8")
    later = run("import", "rates", str(table), "--json")
    text = run("import", "rates", str(table), "--table", "somebody else").stdout

    assert [one.exit_code for one in (first, again, later)] == [DONE] * 3
    assert [counted(one) for one in (first, again, later)] == [(2, 2, 0, 0), (2, 0, 0, 2), (2, 1, 0, 1)]
    assert [told(one)["beside"]["corrections"] for one in (first, again, later)] == [0, 0, 1]
    assert told(first)["table"] == "ECB"
    assert "2 rows = 2 events + 0 dead letters + 0 duplicates" in text
    assert "rates of the table somebody else" in text
    verified = told(run("verify", "--json"))
    assert (verified["ok"], verified["views_ok"]) == (True, True)


def test_bad_rows_are_dead_letters_with_reasons(run: Run, table: Path) -> None:
    table.write_text(TABLE.replace("0.8546", "-0.85").replace("2026-06-29", "June"), encoding="utf-8")

    result = run("import", "rates", str(table), "--json")

    assert (result.exit_code, counted(result)) == (BAD_INPUT, (2, 0, 2, 0))
    assert [(one["field"], one["rows"], one["line"]) for one in told(result)["reasons"]] == [
        ("rate", 1, 2),
        ("date", 1, 3),
    ]
    assert "rate: no number above zero" in run("letters", "list").stdout
    assert told(run("verify", "--json"))["ok"] is True


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("--customer", "c-1"), BAD_USAGE),
        (("--grant", "all"), BAD_USAGE),
        (("--yes",), BAD_USAGE),
        (("--table", "x" * 65), BAD_INPUT),
        (("--currency", "XXQ"), BAD_INPUT),
    ],
)
def test_what_makes_no_sense_for_rates_is_refused_before_anything_is_taken(
    run: Run, table: Path, words: tuple[str, ...], exit_code: int
) -> None:
    assert run("import", "rates", str(table), *words).exit_code == exit_code
    assert counted(run("import", "rates", str(table), "--json")) == (2, 2, 0, 0)


def test_the_name_of_a_table_is_for_rates_only(run: Run, table: Path) -> None:
    assert run("import", "csv", str(table), "--customer", "c-1", "--table", "ECB").exit_code == BAD_USAGE

"""Rows that were kept aside: their reasons are listed, and what can be read by now is taken in again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import marketofone
from marketofone.domain.moment import DAY, Instant, text_of
from statement_files import COFFEE, ofx_around, ofx_statement, ofx_transaction

BAD_INPUT = 3
Run = Callable[..., Result]


def event(number: int, **data: object) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/cards",
        "type": "app.screen",
        "subject": "anna",
        "time": "2026-01-05T08:00:00Z",
        "data": data,
    }


@pytest.fixture
def kept_aside(run: Run, tmp_path: Path) -> Result:
    """Send five rows, three of which cannot be read."""
    rows = [event(1, screen="home"), event(2, screen=""), event(3, screen=""), event(4), event(5, screen="cards")]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert run("consent", "grant", "anna").exit_code == 0
    return run("import", "cloudevents", str(file), "--json")


def test_reasons_are_listed_with_their_rows_and_nothing_that_was_sent(run: Run, kept_aside: Result) -> None:
    assert kept_aside.exit_code == BAD_INPUT

    listed = json.loads(run("letters", "list", "--json").stdout)

    assert [(one["field"], one["rows"]) for one in listed] == [("data.screen", 2), ("data.screen", 1)]
    text = run("letters", "list").stdout
    assert "data.screen: missing" in text
    assert "anna" not in text


def test_one_letter_is_shown_by_its_number_and_another_number_is_refused(run: Run, kept_aside: Result) -> None:
    assert kept_aside.exit_code == BAD_INPUT
    shown = json.loads(run("letters", "show", "3", "--json").stdout)
    assert (shown["number"], shown["shape"], shown["kept"]) == (3, "missing", True)
    assert "retry" in run("letters", "show", "1").stdout

    refused = run("letters", "show", "4")

    assert refused.exit_code == BAD_INPUT
    assert "1 to 3" in refused.output


def test_what_can_be_read_by_now_is_taken_in_and_a_second_time_is_a_duplicate(run: Run, project: Path) -> None:
    with marketofone.open(project) as bank:
        now = bank.now()
        early = {**event(1, screen="home"), "time": text_of(Instant(now + 2 * DAY))}
        run("consent", "grant", "anna")
        assert bank.ingest([json.dumps(early).encode()], now=now).dead_letters == 1

        still = bank.retry_letters(now=Instant(now + DAY))
        first, second = (bank.retry_letters(now=Instant(now + 3 * DAY)) for _ in range(2))

        assert still.rows == 0
        assert (first.rows, first.events, first.dead_letters) == (1, 1, 0)
        assert (second.rows, second.duplicates) == (1, 1)
        assert bank.verify().problems == ()
    told = json.loads(run("letters", "retry", "--json").stdout)
    assert told["rows"] == 0  # by the clock of this machine it lies ahead


def test_a_letter_about_an_entry_of_a_statement_says_that_its_file_is_to_be_imported_again(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "june.ofx"
    file.write_text(ofx_around(ofx_statement(ofx_transaction("f1", COFFEE).replace("<TRNAMT>-3.50", "<TRNAMT>?"))))
    words = ("--customer", "anna", "--grant", "all", "--json")
    told = json.loads(run("import", "ofx", str(file), *words).stdout)
    assert told["dead_letters"] == 1

    shown = run("letters", "show", "1").stdout

    assert "import the file again, once it is mended or a newer version reads it" in shown
    assert json.loads(run("letters", "retry", "--json").stdout)["without_row"] == 1

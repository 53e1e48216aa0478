"""Consents come in bulk, with who says so and an end; a bad row stops no other, and the same file changes nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import marketofone
from marketofone.cli import main
from proofs import proven

HEADER = "customer,change,purposes,sources,channels,until,since,authority"
END = (datetime.now(tz=UTC) + timedelta(days=90)).date().isoformat()
Import = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def take(project: Path, tmp_path: Path) -> Import:
    def take(content: str | bytes, *more: str) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "said"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = CliRunner().invoke(main, ["consent", "import", str(file), "--json", *more, "--bank", str(project)])
        return done.exit_code, json.loads(done.stdout) if done.stdout else {"why": done.stderr}

    return take


def standing(project: Path, customer: str) -> dict[tuple[str, str], set[str]]:
    with marketofone.open(project) as bank:
        stands: dict[tuple[str, str], set[str]] = {}
        for cell in bank.consents(customer).cells:
            stands.setdefault((cell.purpose, cell.source), set()).add(cell.state)
        return stands


def counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    assert told["rows"] == told["changes"] + told["duplicates"] + told["dead_rows"]
    return told["rows"], told["changes"], told["duplicates"], told["dead_rows"]


def test_good_rows_are_in_bad_ones_are_told_and_the_same_file_changes_nothing(project: Path, take: Import) -> None:
    file = "\n".join(
        [
            HEADER,
            f"c-1,grant,insights marketing,transactions,*,{END},2020-01-01,notice 7 of the core system",
            "c-1,withdraw,marketing,,,,,notice 7 of the core system",
            'c-2,grant,"insights, care",*,app|email,,,letter of 3 May',
            "c-3,grant,resale,*,*,,,letter",
            "c-4,grant,profiling,*,*,,,letter",
            "c-5,forbid,*,*,*,,,letter",
            "c-6,grant,,*,*,,,letter",
            "c-7,grant,*,*,*,2020-01-01,,letter",
            "c-8,grant,*,*,*,31.12.2099,,letter",
            "c-9,withdraw,*,*,*,,,",
            "c-1,grant,insights,app,app,,,letter,too much",
            "a customer,withdraw,,,,,,letter",
        ]
    )
    code, told = take(file)
    assert (code, counts(told)) == (3, (12, 3, 0, 9))
    reasons = {(one["field"], one["rows"], one["line"]) for one in told["reasons"]}
    assert reasons == {
        ("purposes", 2, 5),
        ("change", 1, 7),
        ("purposes", 1, 8),
        ("until", 1, 9),
        ("until", 1, 10),
        ("authority", 1, 11),
        ("row", 1, 12),
        ("customer", 1, 13),
    }
    assert "resale" not in json.dumps(told)
    assert told["granted_until"] > END
    assert standing(project, "c-1")["insights", "transactions"] == {"granted"}
    assert standing(project, "c-1")["marketing", "transactions"] == {"withdrawn"}
    assert standing(project, "c-2")["care", "messages"] == {"granted", "never"}
    assert set.union(*standing(project, "c-3").values()) == {"never"}

    code, told = take(file)
    assert (code, counts(told)) == (3, (12, 0, 3, 9))
    with marketofone.open(project) as bank:
        assert bank.epoch("c-1") == 2
        proven(bank)


def test_an_old_file_brings_back_no_yes_that_was_taken_back_since(project: Path, take: Import) -> None:
    yes = f"{HEADER}\nc-1,grant,*,*,*,,,notice 1\n"
    assert take(yes)[0] == 0
    assert CliRunner().invoke(main, ["consent", "withdraw", "c-1", "--bank", str(project)]).exit_code == 0
    assert counts(take(yes)[1]) == (1, 0, 1, 0)
    assert set.union(*standing(project, "c-1").values()) == {"withdrawn"}
    assert counts(take(f"{yes}c-1,grant,*,*,*,,,notice 1\n")[1]) == (2, 1, 1, 0)  # said once more
    assert set.union(*standing(project, "c-1").values()) == {"granted"}


@pytest.mark.parametrize(
    "written",
    [
        lambda rows: "\n".join(map(json.dumps, rows)).encode(),
        lambda rows: json.dumps(rows, indent=1).encode("utf-8-sig"),
        lambda rows: gzip.compress("\n".join(map(json.dumps, rows)).encode("utf-16")),
    ],
    ids=["lines", "array", "packed"],
)
def test_json_says_the_same_in_all_its_forms(
    project: Path, take: Import, written: Callable[[list[dict[str, Any]]], bytes]
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "customer": "c-1",
            "change": "grant",
            "purposes": ["insights"],
            "sources": "*",
            "channels": ["app"],
            "id": "1",
        },
        {"customer": "c-1", "change": "withdraw", "sources": ["app"], "authority": "letter", "id": "2"},
        {"customer": "c-1", "change": "withdraw", "purpose": ["insights"], "authority": "letter"},
        {"customer": "c-1", "change": "withdraw", "until": END, "authority": "letter"},
    ]
    code, told = take(written(rows), "--authority", "the core system")
    assert (code, counts(told)) == (3, (4, 2, 0, 2))
    assert {one["field"] for one in told["reasons"]} == {"row", "until"}
    assert standing(project, "c-1")["insights", "transactions"] == {"granted", "never"}
    assert standing(project, "c-1")["insights", "app"] == {"withdrawn"}
    rows[0]["sources"] = "app"
    assert counts(take(written(rows), "--authority", "the core system")[1]) == (4, 0, 2, 2)  # known by its id


@pytest.mark.parametrize(
    ("row", "field", "fix"),
    [
        (
            '{"customer": "c-1", "change": "forbid", "authority": "letter"}',
            "change",
            "write one of grant, withdraw, object, lift",
        ),
        ('{"customer": 7, "change": "withdraw", "authority": "letter"}', "customer", "write the customer's id"),
        (
            '{"customer": "c-1", "change": "withdraw", "untill": "2030-01-01"}',
            "row",
            "with these fields: customer, change",
        ),
        ('{"customer": "c-1", "change": "withdraw", "authority": 7}', "authority", "docs/import.md"),
        (
            '{"customer": "c-1", "change": "lift", "until": "2030-01-01", "authority": "letter"}',
            "until",
            "leave it out",
        ),
        ('{"customer": "c-1", "change": "object", "sources": "app", "authority": "letter"}', "sources", "leave it out"),
    ],
)
def test_a_bad_row_is_told_what_to_write_in_a_file_of_consents(take: Import, row: str, field: str, fix: str) -> None:
    (reason,) = take(row)[1]["reasons"]
    assert reason["field"] == field
    assert fix in reason["fix"]


def test_objections_come_in_bulk_and_beat_the_grants_that_come_after_them(project: Path, take: Import) -> None:
    rows = ["c-1,object,,,,,,letter of 3 May", "c-1,grant,*,*,*,,,form", "c-2,object,,,,,,call", "c-2,lift,,,,,,call"]
    code, told = take("\n".join([HEADER, *rows, "c-2,grant,*,*,*,,,form"]))
    assert (code, counts(told)) == (0, (5, 5, 0, 0))
    of_one, of_other = (standing(project, customer) for customer in ("c-1", "c-2"))
    assert {stands for (purpose, _), states in of_one.items() for stands in states if purpose == "marketing"} == {
        "objected"
    }
    assert set.union(*of_other.values()) == {"granted"}


def test_pauses_come_in_bulk_with_their_ends_and_no_end_of_theirs_is_told_as_that_of_a_grant(
    project: Path, take: Import
) -> None:
    until = (datetime.now(tz=UTC) + timedelta(days=20)).date().isoformat()
    late = (datetime.now(tz=UTC) + timedelta(days=100)).date().isoformat()
    rows = ["c-1,grant,*,*,*,,,form", f"c-1,pause,care,,,{until},,call", "c-2,pause,,,,,,call", "c-2,resume,,,,,,call"]
    code, told = take("\n".join([HEADER, *rows, f"c-3,pause,,,,{late},,call", "c-3,pause,,app,,,,call"]))
    assert (code, counts(told)) == (3, (6, 4, 0, 2))
    assert {one["field"] for one in told["reasons"]} == {"until", "sources"}
    stands = standing(project, "c-1")
    assert (stands["care", "messages"], stands["insights", "app"]) == ({"paused"}, {"granted"})
    assert take("\n".join([HEADER, f"c-1,pause,,,,{until},,call"]))[1]["granted_until"] is None


def test_a_misspelt_column_stops_the_import_before_anything_is_recorded(project: Path, take: Import) -> None:
    code, told = take(f"{HEADER.replace('until', 'untill')}\nc-1,grant,*,*,*,{END},,letter")
    assert code == 3
    assert "column 6" in told["why"]
    assert "untill" not in told["why"]
    assert set.union(*standing(project, "c-1").values()) == {"never"}


def test_who_was_forgotten_is_told_and_stays_forgotten(project: Path, take: Import) -> None:
    yes = f"{HEADER}\nc-1,grant,*,*,*,,,letter\n"
    assert take(yes)[0] == 0
    with marketofone.open(project) as bank:
        bank.erase("c-1", ground="asked")
    code, told = take(f"{yes}c-2,grant,*,*,*,,,letter\n")
    assert (code, counts(told)) == (3, (2, 1, 0, 1))
    assert told["reasons"][0]["shape"] == "erased"


def test_people_read_what_became_of_the_rows(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "said.csv"
    file.write_text(f"{HEADER}\nc-1;grant\n".replace(",", ";"))
    done = CliRunner().invoke(main, ["consent", "import", str(file), "--bank", str(project)])
    assert "1 rows = 0 changes + 1 dead rows + 0 duplicates" in done.output
    assert "1 bad, first on line 2: authority: missing" in done.output

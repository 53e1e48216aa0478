"""An import goes on: who cannot be asked is left out, a row that cannot be read is counted, and both are said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from marketofone.cli import main

DONE, BAD_INPUT = 0, 3
ACCOUNT = '"account_id";"district_id";"frequency";"date"'
FILES = {
    "account.asc": f'{ACCOUNT}\n5;18;"POPLATEK MESICNE";930301\n6;18;"POPLATEK MESICNE";930301\n',
    "client.asc": '"client_id";"birth_number";"district_id"\n1;"706213";18\n2;"450204";18\n',
    "disp.asc": '"disp_id";"client_id";"account_id";"type"\n1;1;5;"OWNER"\n2;2;6;"OWNER"\n',
    "trans.asc": (
        '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"\n'
        '10;5;930301;"PRIJEM";"VKLAD";700.00;700.00;"";;\n11;6;930301;"PRIJEM";"VKLAD";700.00;700.00;"";;\n'
    ),
}
Run = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="ascii")
    return folder


@pytest.fixture
def run(project: Path) -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(project)])

    return invoke


def epoch(run: Run, customer: str) -> int:
    found: dict[str, Any] = json.loads(run("consent", "show", customer, "--json").stdout)
    return int(found["epoch"])


def test_a_whole_import_is_done(run: Run, files: Path) -> None:
    done = run("import", "berka", str(files), "--grant", "all", "--json")

    told = json.loads(done.stdout)
    assert (done.exit_code, told["dead_letters"], told["left_out"]) == (DONE, 0, 0)


def test_events_that_nobody_allowed_say_so_before_they_are_taken_and_come_in_again(run: Run, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    facts = '"specversion":"1.0","source":"/app","time":"2026-01-05T08:00:00Z","data":{}'
    lines = [f'{{"id":"{number}","type":"app.opened","subject":"c-{number}",{facts}}}' for number in range(3)]
    events.write_text("\n".join([*lines, "no event"]), encoding="utf-8")

    first = run("import", "cloudevents", str(events), "--json")
    assert "of the first 4 events none may be used: their customers have not allowed app" in first.stderr
    told = json.loads(first.stdout)
    assert (told["refused"], told["refusals"]) == (3, [{"why": "no purpose may use this source", "rows": 3}])

    run("consent", "grant", "c-1")
    second = run("import", "cloudevents", str(events), "--json")
    assert second.stderr == ""
    told = json.loads(second.stdout)
    assert (told["events"], told["refused"], told["duplicates"]) == (3, 2, 0)


def test_a_bank_of_which_nobody_allowed_anything_says_so_before_it_comes_in(run: Run, files: Path) -> None:
    assert "have not allowed transactions" in run("import", "berka", str(files)).stderr


def test_somebody_who_was_forgotten_stops_nobody_elses_import(run: Run, files: Path) -> None:
    run("consent", "grant", "berka:client:1")
    assert run("rights", "erase", "berka:client:1", "--yes").exit_code == DONE

    done = run("import", "berka", str(files), "--grant", "all", "--json")

    told = json.loads(done.stdout)
    assert (told["left_out"], told["granted_until"] is None) == (1, False)
    assert told["events"] > 0
    assert (done.exit_code, told["dead_letters"] > 0) == (BAD_INPUT, True)
    assert epoch(run, "berka:client:2") == 1
    assert json.loads(run("verify", "--json").stdout)["ok"] is True
    assert "nothing is granted for 1 of them" in run("import", "berka", str(files), "--grant", "all").stdout


def test_somebody_without_a_proper_name_stops_nobody_elses_import(run: Run, files: Path) -> None:
    long = "9" * 150
    for name, text in {"client.asc": f'{long};"706213";18\n', "disp.asc": f'3;{long};6;"DISPONENT"\n'}.items():
        (files / name).write_text(FILES[name] + text, encoding="ascii")

    done = run("import", "berka", str(files), "--grant", "all", "--json")

    assert done.exit_code == BAD_INPUT
    assert json.loads(done.stdout)["dead_letters"] > 0
    assert epoch(run, "berka:client:1") == epoch(run, "berka:client:2") == 1


def test_a_row_that_cannot_be_read_is_counted_and_said_by_the_exit_code(run: Run, files: Path) -> None:
    (files / "client.asc").write_text(FILES["client.asc"] + "tea\n", encoding="ascii")

    done = run("import", "berka", str(files), "--json")

    assert (done.exit_code, json.loads(done.stdout)["dead_letters"]) == (BAD_INPUT, 1)

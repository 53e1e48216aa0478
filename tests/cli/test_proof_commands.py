"""Commands that prove and keep: their words, their JSON and their exit codes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from marketofone import wiring
from marketofone.cli import main

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = 0, 1, 2, 3
Tell = Callable[..., Any]


@pytest.fixture
def run(project: Path) -> Callable[..., Result]:
    def invoke(*words: str, bank: Path = project) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(bank)])

    return invoke


@pytest.fixture
def told(run: Callable[..., Result]) -> Tell:
    def invoke(*words: str, **more: Any) -> Any:
        result = run(*words, "--json", **more)
        assert result.exit_code == DONE, result.output
        return json.loads(result.stdout)

    return invoke


@pytest.mark.sqlite
def test_a_bank_in_which_nothing_was_recorded_yet_says_why_there_is_nothing_to_read(run: Callable[..., Result]) -> None:
    for words in (("versions", "list"), ("diff", "--version", "0"), ("replay",)):
        found = run(*words)
        assert (found.exit_code, "nothing was recorded in this bank yet" in found.stderr) == (BAD_INPUT, True)


def test_an_empty_bank_is_said_to_be_empty(told: Tell, run: Callable[..., Result]) -> None:
    told("board", "list")

    assert told("verify")["empty"] is True
    assert "the bank is empty" in run("verify").stdout


def test_a_checkpoint_is_kept_in_a_file_and_held_against(
    told: Tell, run: Callable[..., Result], project: Path, tmp_path: Path
) -> None:
    told("consent", "grant", "c-1")
    shutil.copytree(project, tmp_path / "old")
    told("consent", "withdraw", "c-1")
    kept = tmp_path / "kept.txt"
    made = told("checkpoint", "--to", str(kept))

    assert kept.read_text(encoding="utf-8") == made["text"]
    assert told("checkpoint", "--public-key") == {"public_key": made["public_key"]}
    assert run("checkpoint", "--to", str(kept)).exit_code == BAD_INPUT  # what is kept is never overwritten
    assert told("verify", "--against", str(kept), "--public-key", made["public_key"], "--workers", "2")["ok"] is True
    found = run("verify", "--against", str(kept), bank=tmp_path / "old")
    assert found.exit_code == SAID_NO
    assert "an older copy was restored" in found.stdout
    assert run("verify", "--against", str(kept), "--public-key", "xy").exit_code == BAD_INPUT


def test_a_file_that_is_no_checkpoint_is_refused_in_words(
    told: Tell, run: Callable[..., Result], tmp_path: Path
) -> None:
    told("consent", "grant", "c-1")
    (tmp_path / "any.bin").write_bytes(bytes(range(256)))

    refused = run("verify", "--against", str(tmp_path / "any.bin"))

    assert refused.exit_code == BAD_INPUT
    assert "--against: bytes that are no UTF-8" in refused.stderr


def test_what_does_not_hold_is_said_in_words(told: Tell, run: Callable[..., Result], project: Path) -> None:
    told("consent", "grant", "c-1")
    with closing(sqlite3.connect(project / wiring.DATA / "bank.sqlite")) as file, file:
        file.execute("UPDATE heads SET guard = 7 WHERE subject > 0")

    result = run("verify")

    assert result.exit_code == SAID_NO
    assert "IT DOES NOT HOLD" in result.stdout
    assert "table of heads" in result.stdout


def test_a_backup_is_written_and_verified(told: Tell, run: Callable[..., Result], tmp_path: Path) -> None:
    told("consent", "grant", "c-1")
    told("backup", str(tmp_path / "copy"))

    assert told("verify", bank=tmp_path / "copy")["views_ok"] is None
    assert run("backup", str(tmp_path / "copy")).exit_code == BAD_INPUT


def test_versions_are_listed_and_rolled_back(told: Tell, run: Callable[..., Result]) -> None:
    told("board", "list")
    assert "nothing was learned" in run("versions", "list").stdout
    told("train")
    (one,) = told("versions", "list")
    assert one["active"] is True
    assert told("versions", "roll-back", "0")[0]["active"] is False
    assert told("versions", "roll-back", str(one["version"]))[0]["active"] is True
    assert run("versions", "roll-back", "999").exit_code == BAD_INPUT
    assert told("verify")["ok"] is True


def test_the_banks_key_lies_in_a_file_or_is_printed_by_a_command(
    told: Tell, run: Callable[..., Result], project: Path, tmp_path: Path
) -> None:
    told("consent", "grant", "c-1")
    new, settings = tmp_path / "elsewhere.key", project / "bank.toml"
    said = run("keys", "rewrap", "--to", str(new))
    assert (said.exit_code, "elsewhere.key" in said.stdout) == (DONE, True)  # who is not told so loses the key
    assert run("consent", "show", "c-1").exit_code == BAD_INPUT  # the key of before opens nothing

    before = settings.read_text(encoding="utf-8")
    settings.write_text(f'{before}\n[keys]\nfile = "{new}"\n', encoding="utf-8")
    assert told("consent", "show", "c-1")["epoch"] == 1

    settings.write_text(f'{before}\n[keys]\ncommand = "cat {new}"\n', encoding="utf-8")
    assert told("consent", "show", "c-1")["epoch"] == 1
    assert told("verify")["views_ok"] is None  # it may be somebody else's bank: the command is not run
    assert told("verify", "--run-key-command")["views_ok"] is True

    settings.write_text(f'{before}\n[keys]\ncommand = "false"\n', encoding="utf-8")
    assert "ended with 1" in run("consent", "show", "c-1").stderr


def test_somebody_is_forgotten_only_with_a_yes(told: Tell, run: Callable[..., Result]) -> None:
    told("consent", "grant", "c-1")
    assert run("rights", "erase", "c-1").exit_code == BAD_INPUT

    told("rights", "erase", "c-1", "--yes")

    assert run("rights", "erase", "c-1", "--yes").exit_code == BAD_INPUT
    assert told("verify")["forgotten"] == 1
    assert run("consent", "grant", "c-1").exit_code == SAID_NO


def test_data_that_are_gone_are_no_empty_bank(told: Tell, run: Callable[..., Result], project: Path) -> None:
    told("consent", "grant", "c-1")
    for path in (project / "data").glob("bank.sqlite*"):
        path.unlink()
    assert run("consent", "show", "c-1").exit_code == BAD_INPUT  # it lays out an empty store, and sees who is missing
    found = run("verify")
    assert (found.exit_code, "the data are gone" in found.stdout) == (SAID_NO, True)


def test_a_bank_is_served_at_no_future_moment(run: Callable[..., Result]) -> None:
    refused = run("serve", "--as-of", "2100-01-01")
    assert (refused.exit_code, "a moment in the future" in refused.stderr) == (BAD_INPUT, True)


def test_a_demo_takes_the_place_of_a_demo_only(run: Callable[..., Result], project: Path, tmp_path: Path) -> None:
    named_alike = tmp_path / "demo-bank"
    shutil.copytree(project, named_alike)
    assert run("consent", "grant", "c-1", bank=named_alike).exit_code == DONE
    refused = run("demo", "--no-serve", bank=named_alike)
    assert (refused.exit_code, "holds data" in refused.stderr) == (BAD_INPUT, True)
    assert run("consent", "show", "c-1", bank=named_alike).exit_code == DONE

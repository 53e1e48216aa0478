"""Versions are listed, shown and promoted by commands; a no has its reason and its exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import marketofone
from allowing import everything
from bank_projects import Projects
from marketofone.cli import main
from marketofone.domain.moment import DAY, Instant

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = 0, 1, 2, 3
START = Instant(1_767_600_000_000_000)
Run = Callable[..., Result]
ACTIONS = """\
[occasions."app.opened"]
channel = "app"
begun_by = "customer"

[[actions]]
id = "hello"
kind = "insight"
title = "Hello"
text = "For everybody."
value_minor = 900
chance = 0.5
channels = ["app"]
"""


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank that kept what it believed at first, and then was answered once."""
    folder = Projects("embedded", fitted).lay_out(tmp_path_factory.mktemp("promotion") / "bank")
    (folder / "actions.toml").write_text(ACTIONS, encoding="utf-8")
    assert CliRunner().invoke(main, ["versions", "promote", "0", "--bank", str(folder)]).exit_code == DONE
    with marketofone.open(folder, now=START, clock=lambda: Instant(START + DAY)) as bank:
        bank.consent(everything("c-1", since=START), now=START)
        made = (bank.decide("c-1", occasion="app.opened", now=Instant(START + number)) for number in range(50))
        shown = next(one for one in made if one.action != "nothing")
        bank.outcome(shown.id, "accepted")
    return folder


@pytest.fixture
def run(taught: Path) -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(taught)])

    return invoke


@pytest.fixture
def number(run: Run) -> str:
    (row,) = json.loads(run("versions", "list", "--json").stdout)
    return str(row["version"])


def test_a_list_says_how_far_each_version_is_used(run: Run) -> None:
    (row,) = json.loads(run("versions", "list", "--json").stdout)

    assert (row["stage"], row["active"], row["share"]) == ("shadow", False, 0.0)


def test_a_version_is_shown_with_what_it_is_worth(run: Run, number: str) -> None:
    shown = run("versions", "show", number)

    assert shown.exit_code == DONE
    assert "in the shadow" in shown.stdout
    assert "worth: no decision tells of it yet" in shown.stdout
    assert json.loads(run("versions", "show", number, "--json").stdout)["value"] is None


def test_a_promotion_that_nothing_speaks_for_is_refused_in_words(run: Run, number: str) -> None:
    refused = run("versions", "promote", number)

    assert refused.exit_code == SAID_NO
    assert refused.stderr.startswith("refused: no decision tells of it yet")
    assert run("versions", "promote", number, "--share", "0.9").exit_code == BAD_USAGE
    assert run("versions", "promote", "999").exit_code == BAD_INPUT


def test_moments_are_told_as_in_every_other_document(run: Run, number: str) -> None:
    (row,) = json.loads(run("versions", "list", "--json").stdout)
    shown = json.loads(run("versions", "show", number, "--json").stdout)

    assert row["recorded"] == shown["view"]["recorded"]
    assert row["recorded"].endswith("Z")


def test_a_version_that_was_destroyed_is_told_as_such_and_refused_as_such(
    taught: Path, number: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(taught, tmp_path / "bank")
    with marketofone.open(folder) as bank:
        bank.erase("c-1", ground="asked")

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(folder)])

    listed = {row["version"]: row["destroyed"] for row in json.loads(run("versions", "list", "--json").stdout)}
    assert listed[int(number)]
    assert list(listed.values()).count(True) == 1
    assert "destroyed" in run("versions", "list").stdout
    shown = run("versions", "show", number)
    assert (shown.exit_code, "worth: it was learned from somebody who was forgotten" in shown.stdout) == (DONE, True)
    refused = run("versions", "promote", number)
    assert (refused.exit_code, refused.stderr.startswith("refused: this version was learned")) == (SAID_NO, True)
    assert run("diff", "--version", number).exit_code == BAD_INPUT


def test_a_version_is_valued_over_the_decisions_of_its_bank(run: Run, number: str, tmp_path: Path) -> None:
    valued = json.loads(run("evaluate", "policy", "--policy", "version:0", "--json").stdout)
    assert {one["method"] for one in valued["estimates"]} == {"ips", "snips", "dr"}
    assert (valued["enough"], valued["finding"]) == (False, "not enough evidence")
    assert "not enough evidence: version:0, over" in run("evaluate", "policy", "--policy", "version:0").stdout

    assert run("evaluate", "policy", "--policy", f"version:{number}").exit_code == SAID_NO
    assert run("evaluate", "policy", "--policy", "version:x").exit_code == BAD_INPUT
    log = tmp_path / "log.csv"
    log.write_text("action,reward,propensity\n", encoding="utf-8")
    assert run("evaluate", "policy", str(log), "--policy", "version:0").exit_code == BAD_USAGE

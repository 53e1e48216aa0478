"""What a change would have changed is printed for people, programs and pages; exit codes say what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import marketofone
from allowing import everything
from bank_projects import Projects
from marketofone.cli import main
from marketofone.domain.moment import Instant

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = 0, 1, 2, 3


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank that decided twice about one person."""
    folder = Projects("embedded", fitted).lay_out(tmp_path_factory.mktemp("diff") / "bank")
    now = Instant(1_767_600_000_000_000)
    with marketofone.open(folder, now=now) as bank:
        bank.consent(everything("c-1", since=now), now=now)
        for number in range(2):
            bank.decide("c-1", occasion="app.opened", id=f"d-{number}", now=Instant(now + number))
    return folder


@pytest.fixture
def run(decided: Path) -> Callable[..., Result]:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, ["diff", *words, "--bank", str(decided)])

    return invoke


@pytest.fixture
def shortened(decided: Path, tmp_path: Path) -> Path:
    """Give a document with one action only."""
    blocks = (decided / "actions.toml").read_text(encoding="utf-8").split("[[actions]]")
    path = tmp_path / "short.toml"
    path.write_text("[[actions]]".join(blocks[:3]), encoding="utf-8")
    return path


def test_the_same_document_is_said_to_change_nothing(run: Callable[..., Result], decided: Path) -> None:
    same = str(decided / "actions.toml")

    assert "nothing changes, over 2 past decisions about 1 people" in run("--actions", same).stdout
    assert run("--actions", same, "--check").exit_code == DONE
    told = json.loads(run("--actions", same, "--json").stdout)
    assert (told["decisions"], told["differ"], told["bytes"]) == (2, 0, 0)


def test_what_changes_is_told_in_each_form_and_check_ends_with_one(run: Callable[..., Result], shortened: Path) -> None:
    new = str(shortened)

    assert run("--actions", new).exit_code == DONE
    assert run("--actions", new, "--check").exit_code == SAID_NO
    assert json.loads(run("--actions", new, "--json").stdout)["differ"] == 2
    page = run("--actions", new, "--markdown").stdout
    assert page.startswith("### What actions.toml changes\n\n")
    assert "\n\n| | group | people |" in page


def test_a_document_that_cannot_be_read_is_bad_input(run: Callable[..., Result], tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("channels = [", encoding="utf-8")

    refused = run("--actions", str(broken))

    assert refused.exit_code == BAD_INPUT
    assert refused.stderr.startswith("actions.toml: ")


def test_exactly_one_thing_is_replaced(run: Callable[..., Result], shortened: Path) -> None:
    assert run().exit_code == BAD_USAGE
    assert run("--actions", str(shortened), "--version", "0").exit_code == BAD_USAGE
    assert "there is no such version" in run("--version", "999").stderr

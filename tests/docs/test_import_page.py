"""The page about one's own data shows what happens, and leaves out no key of a mapping."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import fields

from docs import examples
from marketofone import wiring
from marketofone.cli import main
from marketofone.importers.tables import delimited
from marketofone.importers.tables.mapping import Columns, Mapping, Words, parse_mapping
from marketofone.importers.tables.proposal import propose

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "import.md"
SAMPLE = ROOT / "docs" / "samples" / "current_account.csv"


def test_the_commands_print_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fitted: Path) -> None:
    shutil.copytree(SAMPLE.parent, tmp_path / "docs" / "samples")
    (tmp_path / "mybank").mkdir()
    shutil.copytree(fitted, tmp_path / "mybank" / wiring.DATA, ignore=shutil.ignore_patterns("bank.sqlite*"))
    monkeypatch.chdir(tmp_path)
    for command in examples.commands(PAGE):
        done = CliRunner().invoke(main, shlex.split(command.said)[1:])
        assert done.exit_code == 0, done.output
        if not examples.agrees(command.want, done.stdout):
            pytest.fail(f"line {command.line} prints {done.stdout}")


def test_the_mapping_shown_is_the_one_that_is_proposed_for_the_sample() -> None:
    (block,) = examples.blocks(PAGE, language="toml")

    assert parse_mapping(block.text, name="page") == propose(delimited.read(SAMPLE), otherwise="CHF").mapping


def test_every_key_of_a_mapping_is_explained() -> None:
    named = set(re.findall(r"`([a-z_.]+)`", PAGE.read_text("utf-8")))
    keys = {field.name for field in fields(Mapping)} - {"columns", "words"}
    keys |= {f"columns.{field.name}" for field in fields(Columns)} | {f"words.{field.name}" for field in fields(Words)}

    assert keys - named == set()

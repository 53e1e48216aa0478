"""The README shows what really happens: its blocks are run, and its decision is the demo's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Protocol

import pytest

from docs import examples, generate

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DEMO, *OTHERS = examples.commands(README)


class Demo(Protocol):
    folder: Path
    printed: str


@pytest.mark.slow
def test_the_decision_shown_is_what_the_demo_prints(demo: Demo) -> None:
    shown = [line for line in DEMO.want.splitlines() if "..." not in line]

    assert DEMO.want == generate.excerpt(demo.printed), "run `make docs`"
    assert [line for line in shown if line not in demo.printed.splitlines()] == []


@pytest.mark.slow
def test_the_python_block_gives_what_it_shows(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo.folder)

    assert "\n".join(str(difference) for difference in examples.run_python(README)) == ""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is absent")
@pytest.mark.parametrize("command", OTHERS, ids=lambda command: f"line_{command.line}")
def test_the_other_commands_print_what_is_shown(command: examples.Command, demo: Demo, port: int) -> None:
    said = command.said.replace("127.0.0.1:8000", f"127.0.0.1:{port}")

    printed = examples.run(said, folder=demo.folder)

    if not examples.agrees(command.want, printed + "\n"):
        pytest.fail(f"line {command.line} prints {printed[:600]}")


def test_every_make_command_named_in_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"(?:^\s*|`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }

    assert named <= targets

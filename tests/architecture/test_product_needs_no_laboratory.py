"""The product works where the laboratory is left out; its two commands say what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = "import sys; sys.modules['marketofone.lab'] = None; "


def without_laboratory(code: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + code, *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_product_is_imported_without_the_laboratory(tmp_path: Path) -> None:
    modules = "marketofone, marketofone.cli, marketofone.web.app, marketofone.services.bank"
    result = without_laboratory(f"import {modules}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("words", [["demo", "--no-serve"], ["evaluate", "forecast"]])
def test_commands_of_the_laboratory_say_that_it_is_left_out(tmp_path: Path, words: list[str]) -> None:
    result = without_laboratory("from marketofone.cli import main; main()", *words, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "the laboratory is left out of this installation" in result.stderr
    assert not list(tmp_path.iterdir())

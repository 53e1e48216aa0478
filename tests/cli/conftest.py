"""What tests of commands share: a command that is run on the bank project of the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketofone.cli import main


@pytest.fixture
def run(project: Path) -> Callable[..., Result]:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(project)])

    return invoke

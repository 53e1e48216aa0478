"""The house stands because its import contracts bite: each one fails when it is violated on purpose."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

VIOLATIONS = [
    ("floors", "domain/money.py", "import marketofone.consent.policy"),
    ("floors", "decide/__init__.py", "import marketofone.learn"),
    ("no-circles", "consent/policy.py", "import marketofone.consent.gate"),
    ("families", "models/forecast/__init__.py", "import marketofone.models.recommend"),
    ("laboratory", "services/bank.py", "import marketofone.lab.judge"),
    ("engines", "services/bank.py", "import marketofone.store.sqlite.store"),
    ("two-engines", "store/sqlite/schema.py", "import marketofone.store.postgres.store"),
    ("floors", "projection/person.py", "import marketofone.services.bank"),
    ("pure", "consent/gate.py", "import time"),
    ("pure", "models/bandit/__init__.py", "import random"),
    ("pure", "learn/__init__.py", "import sqlite3"),
    ("words", "governance/board.py", "import numpy"),
]


def lint(tree: Path, *, contract: str) -> subprocess.CompletedProcess[str]:
    command = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command as c; c()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--contract", contract],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("contract", "module", "planted"), VIOLATIONS)
def test_a_planted_violation_is_found(tree: Path, contract: str, module: str, planted: str) -> None:
    path = tree / "src" / "marketofone" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{planted}\n", encoding="utf-8")

    result = lint(tree, contract=contract)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def test_a_new_room_needs_a_floor(tree: Path) -> None:
    room = tree / "src" / "marketofone" / "utils"
    room.mkdir()
    (room / "__init__.py").write_text('"""A dumping ground."""\n', encoding="utf-8")

    result = lint(tree, contract="floors")

    assert result.returncode == 1, result.stdout + result.stderr

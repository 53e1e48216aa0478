"""The PKDD'99 Czech bank, as its files lie there, lives in this system at any moment of its life."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
AS_OF = "1993-12-31"


def marketofone(*words: str, bank: Path) -> dict[str, Any]:
    """Run a command as a user would, and give its JSON document."""
    result = subprocess.run(
        [sys.executable, "-c", "from marketofone.cli import main; main()", *words, "--bank", str(bank), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture(scope="module")
def berka(data: Path, tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> tuple[Path, dict[str, Any]]:
    """Import the whole bank with consents on a stated authority."""
    bank = tmp_path_factory.mktemp("berka") / "bank"
    subprocess.run(
        [sys.executable, "-c", "from marketofone.cli import main; main()", "init", str(bank)],
        check=True,
        capture_output=True,
    )
    shutil.copytree(fitted, bank / "data", ignore=shutil.ignore_patterns("bank.sqlite*"))
    counts = marketofone("import", "berka", str(data / "berka"), "--grant", "all", bank=bank)
    return bank, counts


def test_every_row_is_accounted_for(berka: tuple[Path, dict[str, Any]]) -> None:
    _, counts = berka

    assert counts["rows"] == 81_538
    assert counts["rows"] == counts["events"] + counts["dead_letters"] + counts["duplicates"]
    assert counts["refused"] == 0


def test_a_second_import_adds_nothing(berka: tuple[Path, dict[str, Any]], data: Path) -> None:
    bank, counts = berka
    before = marketofone("replay", "--all", bank=bank)["entries"]  # it counts them as `verify` does, in less time

    again = marketofone("import", "berka", str(data / "berka"), "--grant", "all", bank=bank)

    assert (again["events"], again["dead_letters"], again["duplicates"]) == (0, 0, counts["rows"])
    assert (
        marketofone("replay", "--all", bank=bank)["entries"] - before <= 9
    )  # one entry for each batch that brought nothing


def test_everything_works_at_a_moment_of_its_life(berka: tuple[Path, dict[str, Any]]) -> None:
    bank, _ = berka
    owner = "berka:client:692"

    decision = marketofone("decide", owner, "--occasion", "app.opened", "--as-of", AS_OF, bank=bank)
    ahead = marketofone("forecast", owner, "--as-of", AS_OF, bank=bank)
    consents = marketofone("consent", "show", owner, bank=bank)  # the yes was said at the import

    assert decision["because"]
    assert ahead["as_of"] == AS_OF
    assert ahead["currency"] == "CZK"
    assert {cell["state"] for cell in consents["cells"]} == {"granted"}
    for account in ahead["accounts"]:
        for day in account["days"]:
            assert day["quantiles"] == sorted(day["quantiles"])
    assert marketofone("replay", "--all", bank=bank)["differences"] == 0
    assert marketofone("verify", bank=bank)["ok"]

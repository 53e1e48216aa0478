"""A bank that was simulated stands where it ended, whatever day it is outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import marketofone
from marketofone import wiring
from marketofone.bank import wall_clock
from marketofone.cli import main
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant


def test_what_was_allowed_in_a_simulated_world_is_judged_by_its_clock(project: Path) -> None:
    ended = Instant(wall_clock() - 2_000 * DAY)
    with marketofone.open(project, clock=lambda: ended) as bank:
        every = ("*",)
        bank.consent(
            ConsentChange(customer="c-1", change="grant", since=ended, purposes=every, sources=every, channels=every)
        )
    with marketofone.open(project) as bank:
        assert {cell.state for cell in bank.consents("c-1").cells} == {"expired"}
    wiring.stop_clock(project, ended)
    with marketofone.open(project) as bank:
        assert bank.now() == ended
        assert {cell.state for cell in bank.consents("c-1").cells} == {"granted"}
    shown = CliRunner().invoke(main, ["consent", "show", "c-1", "--bank", str(project)])
    assert "granted" in shown.stdout
    assert "expired" not in shown.stdout


@pytest.mark.parametrize("clock", ["soon", "2026-13-01", ""])
def test_a_clock_that_says_nothing_is_bad_input_and_named(project: Path, clock: str) -> None:
    file = project / "bank.toml"
    file.write_text(f'clock = "{clock}"\n{file.read_text(encoding="utf-8")}', encoding="utf-8")
    result = CliRunner().invoke(main, ["consent", "show", "c-1", "--bank", str(project)])
    assert result.exit_code == 3
    assert "clock" in result.stderr

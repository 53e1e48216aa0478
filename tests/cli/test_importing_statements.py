"""A statement comes in by one command: balances check the rows between them, and what is told again counts once."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from statement_files import (
    OPENING,
    USUAL,
    camt_around,
    camt_balance,
    camt_entry,
    camt_statement,
    closing,
    mt940_entry,
    mt940_statement,
)

DONE = 0
Run = Callable[..., Result]
WRONG = closing(USUAL) + Decimal("7.00")


def wrong_camt() -> str:
    balances = camt_balance("OPBD", OPENING, on="2026-05-31") + camt_balance("CLBD", WRONG, on="2026-06-30")
    return camt_around(camt_statement(balances + "".join(camt_entry(one) for one in USUAL)))


def wrong_mt940() -> str:
    return mt940_statement("".join(mt940_entry(one) for one in USUAL), closed=WRONG)


@pytest.mark.parametrize(("form", "content"), [("camt", wrong_camt()), ("mt940", wrong_mt940())])
def test_a_statement_whose_balances_do_not_follow_says_on_which_line(
    run: Run, tmp_path: Path, form: str, content: str
) -> None:
    path = tmp_path / "statement"
    path.write_text(content, encoding="utf-8")
    words = ("import", form, str(path), "--customer", "c-1", "--grant", "all")
    result = run(*words, "--json")

    counts: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == DONE
    assert (counts["rows"], counts["events"]) == (2, 2)
    assert counts["differs"]["rows"] == 1
    closes = "CLBD" if form == "camt" else ":62F:"
    assert closes in content.splitlines()[counts["differs"]["line"] - 1]
    assert "first on line" in run(*words).stdout

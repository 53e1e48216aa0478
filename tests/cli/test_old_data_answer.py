"""Data that ended years ago answer without ``--as-of``, as of their last day, and say so; pages lead to that day."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import marketofone
from bank_projects import Projects
from marketofone.cli import main
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.web.app import build_app

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

LAST = date(2019, 6, 30)
Run = Callable[..., Result]


def statement() -> str:
    """Write half a year of an account: pay and rent, groceries twice a week."""
    rows, balance = ["Date,Payee,Amount,Balance"], 90_000
    for ago in range(180, -1, -1):
        day = LAST - timedelta(days=ago)
        paid = {28: ("Lantern Works salary", 220_000), 1: ("Harbour Homes rent", -78_000)}.get(day.day)
        for payee, minor in filter(None, (paid, ("Greengrocer Alder", -4_100) if not ago % 3 else None)):
            balance += minor
            rows.append(f"{day},{payee},{minor / 100:.2f},{balance / 100:.2f}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def old_bank(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Path:
    folder = tmp_path_factory.mktemp("old")
    project = lasting_projects.lay_out(folder / "bank")
    file = folder / "2019.csv"
    file.write_text(statement(), encoding="utf-8")
    words = ("--customer", "anna", "--account", "a-1", "--currency", "EUR", "--yes", "--grant", "all")
    done = CliRunner().invoke(
        main, ["import", "csv", str(file), *words, "--authority", "a test", "--bank", str(project)]
    )
    assert done.exit_code == 0, done.output
    return project


@pytest.fixture(scope="module")
def run(old_bank: Path) -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--bank", str(old_bank)])

    return invoke


def test_a_forecast_is_as_of_the_last_day_and_says_so(run: Run) -> None:
    said = json.loads(run("forecast", "anna", "--json").stdout)
    asked = json.loads(run("forecast", "anna", "--as-of", str(LAST), "--json").stdout)
    assert said["as_of"] == str(LAST)
    assert said["notes"] == [f"as of {LAST}: nothing has moved since"]
    assert len(said["total"]["days"]) == 90
    assert {**said, "notes": []} == asked


def test_what_was_asked_as_of_another_day_is_answered_as_of_that_day(run: Run) -> None:
    said = json.loads(run("forecast", "anna", "--as-of", "2020-06-30", "--json").stdout)
    assert (said["as_of"], said["total"], said["ended"]) == ("2020-06-30", None, str(LAST))
    assert f"nothing has moved since {LAST}" in said["notes"][0]


def test_insights_are_as_of_the_last_day_and_say_so(run: Run) -> None:
    said = json.loads(run("insights", "anna", "--json").stdout)
    assert (said["as_of"], said["ended"]) == (str(LAST), None)
    assert any("Harbour Homes" in payment["what"] for payment in said["standing"])
    assert f"as of {LAST}" in run("insights", "anna").stdout


def test_forecasts_for_everybody_say_which_day_to_ask_about(run: Run) -> None:
    assert f"ask with --as-of {LAST}" in run("forecast", "--all").stderr
    lines = run("forecast", "--all", "--as-of", str(LAST), "--json").stdout.splitlines()
    assert len(lines) >= 90


def test_pages_say_since_when_nothing_moved_and_lead_to_that_day(old_bank: Path) -> None:
    with (
        marketofone.open(old_bank) as bank,
        TestClient(build_app(bank), base_url="http://localhost", headers={"Accept": "text/html"}) as client,
    ):
        client.get(CustomerLinks.of(bank.context).link("anna").path)
        for page, shown in (("forecast", "The balance week by week"), ("insights", "Harbour Homes")):
            now = client.get(f"/customer/anna/{page}").text
            assert "Nothing has moved on your accounts since 30 Jun 2019" in now
            there = f"/customer/anna/{page}?as_of={LAST}"
            assert there in now
            then = client.get(there).text
            assert shown in then
            assert shown not in now
        told = client.get("/v1/customers/anna/forecast").json()
    assert told["ended"] == str(LAST)

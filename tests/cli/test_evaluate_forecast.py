"""The forecast can be judged from the command line: on one's own customers, on the Czech bank, on daily series."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from marketofone import wiring
from marketofone.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_trees")]  # who is judged, and on what: not how well

DONE, BAD_INPUT = 0, 3
BEGAN, AS_OF = "2024-01-01", "2024-12-31"
PEOPLE = ("c-1", "c-2", "c-3", "c-4")


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def year(customer: str) -> list[dict[str, Any]]:
    """Live through 2024: a salary on the 25th, rent on the 2nd, groceries every third day."""
    balance, events = 200_000, []
    for number in range(366):
        day = date(2024, 1, 1) + timedelta(days=number)
        flows = [(250_000, "salary")] if day.day == 25 else [(-90_000, "rent")] if day.day == 2 else []
        flows += [(-9_000 - 100 * (number * len(customer) % 7), "groceries")] if number % 3 == 0 else []
        for amount, category in flows:
            balance += amount
            facts = {"account": f"a-{customer}", "currency": "EUR", "amount_minor": amount, "category": category}
            events.append(
                {
                    "specversion": "1.0",
                    "id": f"{customer}-{number}-{category}",
                    "source": "/core",
                    "type": "transaction.booked",
                    "subject": customer,
                    "time": f"{day}T08:00:00Z",
                    "data": {**facts, "balance_minor": balance},
                }
            )
    return events


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank of four people who lived a year; one of them allows nothing."""
    folder = tmp_path_factory.mktemp("judged") / "bank"
    assert invoke("init", str(folder)).exit_code == DONE
    shutil.copytree(fitted, folder / wiring.DATA, ignore=shutil.ignore_patterns("bank.sqlite*"))
    lines = folder.parent / "events.jsonl"
    lines.write_text("\n".join(json.dumps(event) for one in PEOPLE for event in year(one)), encoding="utf-8")
    for customer in PEOPLE[1:]:
        granted = invoke("consent", "grant", customer, "--as-of", BEGAN, "--bank", str(folder))
        assert granted.exit_code == DONE, granted.output
    assert invoke("import", "cloudevents", str(lines), "--bank", str(folder)).exit_code == DONE
    return folder


def judged(*words: str) -> dict[str, Any]:
    result = invoke("evaluate", "forecast", *words, "--json")
    assert result.exit_code == DONE, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.mark.usefixtures("lightgbm")
def test_only_those_who_allow_learning_are_judged(folder: Path) -> None:
    document = judged("--bank", str(folder), "--peers", "fast", "--as-of", "2024-08-31")
    assert [(test["test"], test["split"], test["as_of"]) for test in document["tests"]] == [
        ("customers", "account", ["2024-08-31"]),
        ("customers", "time", ["2024-08-31"]),
    ]
    for test in document["tests"]:
        assert test["accounts"] == len(PEOPLE) - 1
        methods = [line["method"] for line in test["methods"]]
        assert methods[:4] == ["marketofone", "marketofone, untaught", "seasonal naive", "last value, level rule"]
        for line in test["methods"]:
            assert line["paths"]["wql"]["1-90"] > 0
            assert 0 <= line["paths"]["coverage"]["1-90"] <= 1
        assert {cut["peer"] for cut in test["cuts"]} == set(methods[1:])


def test_without_a_cut_off_it_is_the_last_day_with_ninety_days_after_it(folder: Path) -> None:
    (test,) = judged("--bank", str(folder), "--peers", "none", "--split", "account")["tests"]
    assert test["as_of"] == ["2024-09-30"]
    assert test["cuts"] == []


@pytest.mark.usefixtures("lightgbm")
def test_people_read_a_table(folder: Path) -> None:
    result = invoke("evaluate", "forecast", "--bank", str(folder), "--peers", "fast", "--split", "time")
    assert result.exit_code == DONE, result.output
    for word in ("wQL1-30", "cov80", "marketofone", "seasonal naive", "loss below seasonal naive"):
        assert word in result.stdout


def test_a_cut_off_with_nothing_after_it_is_refused(folder: Path) -> None:
    result = invoke("evaluate", "forecast", "--bank", str(folder), "--peers", "none", "--as-of", AS_OF)
    assert result.exit_code == BAD_INPUT
    assert "90 days after" in result.stderr


def test_a_cut_off_that_is_no_date_is_refused(folder: Path) -> None:
    result = invoke("evaluate", "forecast", "--bank", str(folder), "--as-of", "yesterday")
    assert result.exit_code == BAD_INPUT
    assert "--as-of" in result.stderr


def test_daily_series_are_judged_without_a_bank(tmp_path: Path) -> None:
    file = tmp_path / "machines.csv"
    days = [date(2025, 1, 6) + timedelta(days=number) for number in range(200)]
    rows = [
        f"{day},{day.weekday() + 1 + number % 2},{'' if number == 9 else 9 - day.weekday()}"
        for number, day in enumerate(days)
    ]
    file.write_text("\n".join(["date,one,two", *rows]), encoding="utf-8")
    document = judged(str(file), "--peers", "none")
    machines = document["cash_machines"]
    assert (machines["series"], machines["days"]) == (2, 200)
    assert machines["published_mean_mase"]["TBATS"] == 0.858
    assert "not to be ranked" in invoke("evaluate", "forecast", str(file), "--peers", "none").stdout


def test_the_czech_bank_is_judged_on_the_accounts_it_is_known_for(data: Path) -> None:
    document = judged(str(data / "berka"), "--peers", "none", "--split", "time", "--as-of", "1993-07-31")
    (test,) = document["tests"]
    assert (test["test"], test["rows"]) == ("R1", 232)

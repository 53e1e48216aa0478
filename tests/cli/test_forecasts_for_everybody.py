"""`forecast --all` and `train forecast`: lines of the contract, and nothing of what came after the date."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import marketofone
from marketofone import wiring
from marketofone.cli import main

pytestmark = pytest.mark.slow

DONE, _, BAD_USAGE = range(3)
AS_OF = "2024-06-30"
ACCOUNTS = 6  # known for so long that it can be learned from them


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--bank", str(folder)])


def told(folder: Path, *words: str) -> str:
    result = run(folder, *words)
    assert result.exit_code == DONE, result.stderr
    return result.stdout


def lines(folder: Path, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told(folder, *words, "--json").splitlines()]


def moves(*, months: range, accounts: int, customer: str) -> Iterator[dict[str, Any]]:
    """Live for some months of 2023 and 2024: rent and salary every month, groceries every week."""
    for month in months:
        for account in range(accounts):
            for day, amount, category in ((2, -90_000, "rent"), (25, 250_000, "salary"), *GROCERIES):
                yield {
                    "specversion": "1.0",
                    "id": f"{customer}-{month}-{account}-{day}",
                    "source": "/core",
                    "type": "transaction.booked",
                    "subject": customer,
                    "time": f"{2023 + month // 12}-{month % 12 + 1:02}-{day:02}T08:00:00Z",
                    "data": {
                        "account": f"{customer}-{account}",
                        "currency": "EUR",
                        "amount_minor": amount - account,
                        "category": category,
                        "balance_minor": 400_000 + 1_000 * ((month * day * (account + 1)) % 97),
                    },
                }


GROCERIES = tuple((day, -3_000 - 500 * (day % 5), "groceries") for day in (4, 11, 18, 27))
PAST = [
    *moves(months=range(18), accounts=ACCOUNTS, customer="c-1"),
    *moves(months=range(12, 18), accounts=1, customer="c-2"),
    *moves(months=range(17, 18), accounts=1, customer="c-3"),
]
LATER = [
    *moves(months=range(18, 20), accounts=3, customer="c-1"),
    *moves(months=range(18, 20), accounts=2, customer="c-2"),
]


def furnish(folder: Path, events: list[dict[str, Any]], *, data: Path) -> Path:
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == DONE
    shutil.copytree(data, folder / wiring.DATA, ignore=shutil.ignore_patterns("bank.sqlite*"))
    path = folder.parent / f"{folder.name}.jsonl"
    path.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    for customer in ("c-1", "c-2"):
        told(folder, "consent", "grant", customer, "--as-of", "2023-01-01")
    told(folder, "import", "cloudevents", str(path))
    return folder


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank that knows nothing after the date."""
    return furnish(tmp_path_factory.mktemp("then") / "bank", PAST, data=fitted)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank that knows the same, and what came after."""
    return furnish(tmp_path_factory.mktemp("later") / "bank", [*LATER, *PAST], data=fitted)


def test_there_is_a_line_for_each_account_and_day(then: Path) -> None:
    found = lines(then, "forecast", "--all", "--as-of", AS_OF)

    assert all(list(line) == ["customer", "account", "day", "quantiles"] for line in found)
    assert all(line["quantiles"] == sorted(line["quantiles"]) and len(line["quantiles"]) == 9 for line in found)
    places = [(line["customer"], line["account"], line["day"]) for line in found]
    assert len(set(places)) == len(places) == 90 * (ACCOUNTS + 1)
    assert (min(places)[2], max(day for _, _, day in places)) == ("2024-07-01", "2024-09-28")
    one = json.loads(told(then, "forecast", "c-2", "--as-of", AS_OF, "--json"))
    assert one["accounts"][0]["days"] == [
        {"day": line["day"], "quantiles": line["quantiles"]} for line in found if line["customer"] == "c-2"
    ]


def test_there_is_a_line_for_each_event_and_horizon(then: Path) -> None:
    found = lines(then, "forecast", "--all", "--events", "--as-of", AS_OF)

    fields = ["customer", "event", "horizon_days", "probability", "expected_from", "expected_to", "drivers"]
    assert all(list(line) == fields for line in found)
    assert {line["customer"] for line in found} == {"c-1", "c-2"}
    assert {line["horizon_days"] for line in found} == {30, 60, 90}
    assert all(0 <= line["probability"] <= 1 for line in found)


def test_who_is_left_out_is_said_beside_the_lines(then: Path) -> None:
    result = run(then, "forecast", "--all", "--as-of", AS_OF, "--json")

    assert "c-3" not in result.stdout
    assert result.stderr == "people left out: 1, they have not allowed it\n"


def test_a_question_about_everybody_is_a_use_and_no_decision_follows_it(then: Path) -> None:
    with marketofone.open(then) as bank:

        def read() -> int:
            return sum(
                use.count for use in bank.uses("c-1") if (use.purpose, use.source) == ("insights", "transactions")
            )

        before = read()
        told(then, "forecast", "--all", "--as-of", AS_OF)
        assert read() == before + 1
        with bank.context.store.read() as reader:
            assert bank.context.snapshot(reader).person("c-1").forecast is None


def test_for_people_there_is_a_short_table(then: Path) -> None:
    rows = told(then, "forecast", "--all", "--as-of", AS_OF).splitlines()
    assert [row.split()[0] for row in rows] == ["customer", "c-1", "c-2"]
    rows = told(then, "forecast", "--all", "--events", "--as-of", AS_OF).splitlines()
    assert {row.split()[0] for row in rows} == {"c-1", "c-2"}


@pytest.mark.parametrize("words", [(), ("c-1", "--all"), ("--events",), ("c-1", "--events")])
def test_one_customer_or_all_must_be_asked_about(then: Path, words: tuple[str, ...]) -> None:
    result = run(then, "forecast", *words)
    assert result.exit_code == BAD_USAGE
    assert "--all" in result.stderr


def test_only_what_can_be_learned_is_learned(then: Path) -> None:
    assert run(then, "train", "patience").exit_code == BAD_USAGE
    assert json.loads(told(then, "train", "recommend", "--as-of", AS_OF, "--json"))["past_days"] == 0


@pytest.mark.usefixtures("few_trees")
def test_nothing_after_the_date_leaves_a_trace_in_what_is_learned_and_foretold(then: Path, later: Path) -> None:
    untaught = told(then, "forecast", "--all", "--as-of", AS_OF, "--json")
    for words in (
        ("forecast", "--all"),
        ("train", "forecast"),
        ("forecast", "--all"),
        ("forecast", "--all", "--events"),
        ("train",),
    ):
        asked = (*words, "--as-of", AS_OF, "--json")
        assert told(later, *asked) == told(then, *asked), words
    assert told(then, "forecast", "--all", "--as-of", AS_OF, "--json") != untaught
    for folder in (then, later):
        assert json.loads(told(folder, "replay", "--json"))["differences"] == 0
        assert json.loads(told(folder, "verify", "--json"))["ok"]

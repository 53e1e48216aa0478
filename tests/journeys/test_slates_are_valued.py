"""A version is valued by the slates that were shown: each place by what it was drawn with and the version's chance."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from people import ordinary_months

import marketofone
from bank_projects import Projects
from marketofone.bank import Bank
from marketofone.cli import main
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Verdict
from marketofone.services.proof.changes import Change
from marketofone.services.proof.diff import diff, evidence
from marketofone.services.proof.slate_values import PlaceRow, rows_of_slates, value_rows
from marketofone.services.rights.promotion_service import value_of_version

PEOPLE, SLOTS = 3, 3
PLACEMENT = f"\n[placements.home]\nslots = {SLOTS}\nmost_of_a_kind = 1\n\n"
EVERY = ("*",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Path:
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("valued") / "bank")
    actions = folder / "actions.toml"
    text = actions.read_text(encoding="utf-8")
    actions.write_text(text.replace("[[actions]]", f"{PLACEMENT}[[actions]]", 1), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def later() -> Instant:
    return Instant(1_767_600_000_000_000 + 60 * DAY)


@pytest.fixture(scope="module")
def town(folder: Path, later: Instant) -> Iterator[Bank]:
    """A bank that showed some people slates two months ago, before it learned anything, and others lately."""
    now = Instant(later - 60 * DAY)
    with marketofone.open(folder, now=later) as bank:
        bank.learning.by_itself = False
        for number in range(PEOPLE):
            name = f"c-{number}"
            change = ConsentChange(
                customer=name, change="grant", purposes=EVERY, sources=EVERY, channels=EVERY, since=now
            )
            bank.consent(change, now=now)
            bank.ingest(ordinary_months(name, until=now, days=40), now=now)
            for visit in range(2):
                at = Instant(now + (visit + 1) * HOUR)
                made = bank.decide(name, occasion="app.opened", placement="home", id=f"{name}-{visit}", now=at)
                for slot, place in enumerate(made.places, start=1):
                    if place.action != NOTHING:
                        verdict: Verdict = "accepted" if (number + visit + slot) % 3 == 0 else "ignored"
                        bank.outcome(made.id, verdict, slot=slot, customer=name, now=Instant(at + HOUR))
        bank.decide("c-0", occasion="app.opened", placement="home", id="unanswered", now=later)
        yield bank


def rows(town: Bank, later: Instant) -> list[PlaceRow]:
    return rows_of_slates(town.context, placement="home", version=0, now=later)


def test_the_version_that_decided_has_at_each_place_the_chance_it_was_drawn_with(town: Bank, later: Instant) -> None:
    told = rows(town, later)
    assert len({row.slate for row in told}) == PEOPLE * 2  # the one of today has no answers yet
    assert [row.position for row in told] == [1, 2, 3] * (PEOPLE * 2)
    for row in told:
        assert isclose(sum(row.targets.values()), 1.0, abs_tol=1e-6)
        assert isclose(row.targets[row.action], row.propensity, rel_tol=1e-9)


def test_so_it_is_worth_what_was_logged_by_every_estimator(town: Bank, later: Instant) -> None:
    told = rows(town, later)
    found = value_rows(told, level=0.95)
    logged = sum(row.reward for row in told) / (PEOPLE * 2)
    assert found.rows == PEOPLE * 2
    for one in found.estimates:
        if one.method != "cascade-dr":
            assert isclose(one.value, logged, rel_tol=1e-6)
    assert {one.method for one in found.estimates} == {"standard-ips", "independent-ips", "rips", "cascade-dr"}


def test_each_place_is_rewarded_by_its_own_outcome(town: Bank, later: Instant) -> None:
    told = rows(town, later)
    assert any(row.reward > 0 and row.position > 1 for row in told)
    assert all(row.reward == 0 for row in told if row.action == NOTHING)


@pytest.mark.usefixtures("town")
def test_the_log_that_is_written_says_the_same_to_anybody(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "slates.csv"
    own = ("--policy", "version:0", "--placement", "home", "--write", str(file), "--bank", str(folder))
    told, read = (CliRunner().invoke(main, ["evaluate", "policy", "--json", *words]) for words in (own, (str(file),)))
    assert (told.exit_code, read.exit_code) == (0, 0), told.output + read.output
    mine, theirs = (
        {one["method"]: one["value"] for one in json.loads(said.output)["estimates"]} for said in (told, read)
    )
    assert mine.keys() == theirs.keys()
    assert all(isclose(mine[name], theirs[name], rel_tol=1e-6) for name in mine)
    assert "c-0" not in file.read_text(encoding="utf-8")  # people are numbers


def at_zero(text: str, action: str) -> str:
    """Let the condition of an action never hold."""
    head, _, rest = text.partition(f'id = "{action}"')
    return head + f'id = "{action}"' + re.sub(r"(?m)^eligible = .*$", 'eligible = "spend_30d < 0 - 1"', rest, count=1)


def slates_of(town: Bank) -> list[Decision]:
    return [town.decision(f"c-{number}-{visit}") for number in range(PEOPLE) for visit in range(2)]


def test_a_change_of_what_stands_below_is_found_and_named(town: Bank, folder: Path) -> None:
    made = [*slates_of(town), town.decision("unanswered")]
    places = Counter(place.action for one in made for place in one.places[1:])
    action = next(name for name, _ in places.most_common() if name not in {NOTHING, *(one.action for one in made)})
    text = at_zero((folder / "actions.toml").read_text(encoding="utf-8"), action)

    found = town.diff(Change(document="actions.toml", text=text))

    assert {pair.before for pair in found.instead} == {action}
    assert found.otherwise == sum(action in [place.action for place in one.places] for one in made) == places[action]
    assert found.expected > 0.0
    assert found.value is not None
    assert found.value.changed_persons > 0


def test_a_version_that_decides_as_the_present_one_changes_nothing_and_is_worth_all_of_its_places(
    town: Bank, later: Instant
) -> None:
    found = diff(town.context, Change(version=0), now=later)
    logged = sum(row.reward for row in rows(town, later)) / (PEOPLE * 2)
    below = sum(row.reward for row in rows(town, later) if row.position > 1)

    assert below > 0.0
    assert (found.differ, found.otherwise) == (0, 0)
    assert found.value is not None
    assert found.value.value == pytest.approx(0.0, abs=1e-6)
    assert found.value.present[0] == pytest.approx(logged)


def test_a_version_is_promoted_on_all_of_its_places(town: Bank, later: Instant) -> None:
    """What it is worth by itself, and what a promotion asks for, are made of the same rows."""
    told = evidence(town.context, Change(version=0, valued_only=True), now=later)
    assert len(told.rows) == PEOPLE * 2
    assert len(told.below) == sum(len(one.below) for one in slates_of(town))
    valued = value_of_version(town.context, 0, now=later, level=0.95)
    assert valued is not None
    logged = sum(row.reward for row in rows(town, later)) / (PEOPLE * 2)
    estimates = {one.method: one.value for one in valued.estimates}
    assert (estimates["ips"], estimates["snips"]) == pytest.approx((logged, logged))
    assert estimates["dr"] == pytest.approx(logged, rel=0.05)  # what is believed of other actions differs


def test_commands_tell_of_a_slate_and_of_each_of_its_places(town: Bank, folder: Path) -> None:
    made = next(one for one in (town.decision(f"c-{number}-0") for number in range(PEOPLE)) if one.below)

    def told(*words: str) -> Any:
        answer = CliRunner().invoke(main, [*words, "--bank", str(folder), "--json"])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.output)

    whole, second = told("why", made.id), told("why", made.id, "--slot", "2")
    assert [place["action"] for place in whole["slate"]] == [place.action for place in made.places]
    assert (second["action"], second["instead"], "slate" in second) == (made.below[0].action, None, False)
    again = told("decide", made.customer, "--occasion", "app.opened", "--placement", "home", "--slots", "2")
    assert (again["placement"], len(again["slate"]) <= 2) == ("home", True)
    shown = CliRunner().invoke(main, ["why", made.id, "--bank", str(folder)]).output
    assert f"place 2: {made.below[0].action}" in shown


def test_a_placement_goes_with_a_version_only(tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["evaluate", "policy", "--placement", "home", "--bank", str(tmp_path)])
    assert refused.exit_code == 2
    assert "version:N" in refused.output

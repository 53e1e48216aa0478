"""A small world lived through on a real bank: counts add up, the chain holds, every decision replays, seeds repeat."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import marketofone
from marketofone import wiring
from marketofone.consent.notice import named_in
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.lab.simulate import demo
from marketofone.lab.simulate.demo import Report
from marketofone.lab.simulate.world import Scenario
from marketofone.services.rights.use_log import recorded_uses

pytestmark = pytest.mark.slow

SCENARIO = Scenario(customers=14, days=75, seed=11, first=Day(20_000), decisions=3.0)
TIMES = {"seconds", "stages"}


def lived(folder: Path) -> Report:
    target = folder / "bank"
    wiring.lay_out(target)
    began = Calendar("Europe/Prague").start_of(Day(19_700))
    with marketofone.open(target, now=began, random=demo.random_bytes(SCENARIO.seed)) as bank:
        return demo.run(bank, SCENARIO, progress=lambda *_: None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = tmp_path_factory.mktemp("world")
    return folder / "bank", lived(folder)


@pytest.fixture
def report(world: tuple[Path, Report]) -> Report:
    return world[1]


def test_the_document_keeps_its_contract(report: Report) -> None:
    found = report.to_json()

    assert found["customers"] == SCENARIO.customers
    assert found["events"] > found["refused"] > 0
    assert found["duplicates"] > 0
    assert found["dead_letters"] == 0
    assert found["decisions"] == sum(found["shown"].values()) > 50
    assert found["outcomes"] == found["accepted"] + found["declined"] + found["ignored"] + found["valued"]
    assert found["forecasts"] > 0
    assert found["replay_differences"] == 0
    assert found["chain_ok"] is True
    assert msgspec.json.encode(found)


def test_the_policy_is_compared_with_every_yardstick(report: Report) -> None:
    policy = report.to_json()["policy"]

    assert policy.keys() == {
        "omniscient",
        "visible",
        "hindsight_ranking",
        "learned_ranking",
        "visible_of_omniscient",
        "hindsight_ranking_of_visible",
        "gained_minor",
        "value_minor",
        "gain_minor",
        "accepted",
        "accepted_gain",
    }
    assert policy["omniscient"][0] == pytest.approx(report.to_json()["oracle_share"].share, abs=1e-4)
    assert policy["omniscient"][0] == pytest.approx(policy["visible"][0] * policy["visible_of_omniscient"][0], abs=1e-3)
    assert policy["visible_of_omniscient"][0] <= 1, "nobody gains more than who knows everything"
    assert {"policy", "random", "hindsight_ranking", "learned_ranking"} <= policy["value_minor"].keys()
    over_chance = policy["value_minor"]["policy"] - policy["value_minor"]["random"]
    assert policy["gain_minor"]["random"].value_minor == pytest.approx(over_chance, abs=1)
    assert policy["accepted"].keys() == {"policy", "random"}


def test_the_same_seed_lives_the_same_life(report: Report, tmp_path_factory: pytest.TempPathFactory) -> None:
    first, again = report.to_json(), lived(tmp_path_factory.mktemp("again")).to_json()

    assert msgspec.json.encode({k: v for k, v in again.items() if k not in TIMES}) == msgspec.json.encode(
        {k: v for k, v in first.items() if k not in TIMES}
    )


def test_nobody_is_read_beyond_what_the_notice_of_the_purpose_names(world: tuple[Path, Report]) -> None:
    read: set[tuple[str, str]] = set()
    with marketofone.open(world[0]) as bank:
        for customer in list(bank.context.keys.customers()):
            uses = recorded_uses(bank.context, customer.name, since=Instant(0), until=bank.now())
            read |= {scope for one in uses for scope in one.scopes}
        policy = bank.config.policy
    notices = {name: named_in(spec.notice, policy=policy) for name, spec in policy.purposes.items()}
    assert {purpose for purpose, _ in read} == set(notices)
    assert {(purpose, source) for purpose, source in read if source not in notices[purpose]} == set()


def test_the_report_says_that_the_bank_is_synthetic_and_tells_its_reasons(report: Report) -> None:
    text = report.to_text()

    assert text.startswith("A SYNTHETIC BANK")
    assert "FOUR STORIES" in text
    assert "the same to the byte" in text
    assert "ONE CUSTOMER" in text

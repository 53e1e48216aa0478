"""Many seeds are judged together, each as the demo judges it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from marketofone.cli import main, terminal
from marketofone.lab.simulate.seeds import YARDSTICKS, Seed, gather
from marketofone.lab.simulate.yardsticks import AcceptanceGain, Gain

SMALL = ["--customers", "10", "--days", "60", "--json"]


def found(*, policy: float, yardstick: float, low: int, accepted: float = 0.1) -> dict[str, Any]:
    gain = Gain(value_minor=low + 10, low=low, high=low + 20, people=9, others=9)
    return {
        **{name: [0.5, None] for name in (*YARDSTICKS, "visible_of_omniscient", "hindsight_ranking_of_visible")},
        "gained_minor": {"policy": [policy, policy], **{name: [yardstick, 4.0] for name in YARDSTICKS}},
        "value_minor": {"policy": 30, "random": 20, "hindsight_ranking": 40, "learned_ranking": 20},
        "gain_minor": dict.fromkeys(("random", "hindsight_ranking", "learned_ranking"), gain),
        "accepted": {"policy": 0.25, "random": accepted},
        "accepted_gain": AcceptanceGain(
            share=0.25 - accepted, low=0.2 - accepted, high=0.3 - accepted, people=9, others=9
        ),
    }


def seeds(*policies: dict[str, Any]) -> list[Seed]:
    return [Seed(seed=number, seconds=1.0, policy=policy) for number, policy in enumerate(policies)]


def test_the_mean_share_is_of_mean_gains() -> None:
    together = gather(
        seeds(found(policy=1.0, yardstick=0.001, low=1), found(policy=1.0, yardstick=3.999, low=1)),
        customers=10,
        days=60,
    )

    assert together.mean["visible"] == [0.5, 0.25]


def test_seeds_on_which_the_policy_is_above_are_counted_by_yardstick_and_respect() -> None:
    above, below = found(policy=5.0, yardstick=1.0, low=1), found(policy=-1.0, yardstick=1.0, low=-30, accepted=0.2)
    unsure = found(policy=2.0, yardstick=1.0, low=-5, accepted=0.3)

    counted = gather(seeds(above, below, unsure), customers=10, days=60).above

    assert counted["random"] == {
        "seeds": 3, "all": 2, "last_quarter": 2, "value": 2, "interval": 1,
        "accepted": 2, "accepted_interval": 1,
    }  # fmt: skip
    assert counted["learned_ranking"] == {"seeds": 3, "all": 2, "last_quarter": 1, "value": 2, "interval": 1}


def test_the_table_shows_every_seed_also_one_without_a_choice() -> None:
    together = gather(
        seeds(found(policy=1.0, yardstick=2.0, low=1), {"accepted": {"policy": None, "random": None}}),
        customers=10,
        days=60,
    )

    lines = terminal.text_for_people("seeds", together).splitlines()

    assert lines[0].startswith("SYNTHETIC BANKS: 2 seeds, 10 invented people each")
    assert [line.split()[0] for line in lines[3:6]] == ["0", "1", "mean"]
    assert "+11 [+1, +21]" in lines[8]
    assert lines[-1].strip().startswith("hindsight ranking")
    assert lines[-1].endswith("of 1: all 0, last quarter 0, 12 months 1, with the interval 1")


@pytest.mark.slow
def test_one_of_many_seeds_is_judged_as_the_demo_of_that_seed(tmp_path: Path) -> None:
    many = CliRunner().invoke(main, ["demo", "--seeds", "2", "--seed", "6", *SMALL])
    alone = CliRunner().invoke(main, ["demo", "--bank", str(tmp_path / "demo"), "--no-serve", *SMALL])

    assert many.exit_code == alone.exit_code == 0, many.output
    judged = json.loads(many.stdout)
    assert [seed["seed"] for seed in judged["seeds"]] == [6, 7]
    assert judged["seeds"][1]["policy"] == json.loads(alone.stdout)["policy"]
    assert judged["synthetic"] is True

"""A handful of huge amounts decides no value, and where actions differ in them nothing is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.lab.evaluation.policy_banks import WORLDS, PolicyBank, World
from marketofone.learn.off_policy import Estimate, Log, value_policy
from marketofone.learn.off_policy.estimators import Estimated
from marketofone.learn.off_policy.tails import contradicts, cut_tail, given_back

HEAVY = World(name="heavy", actions=5, response=0.2, reward="value")


def by_method(log: Log, target: np.ndarray) -> dict[str, Estimate]:
    return {one.method: one for one in value_policy(log, target=target).estimates}


def test_one_huge_amount_more_moves_the_cut_value_less_and_the_interval_follows_what_was_seen() -> None:
    log, target = PolicyBank(HEAVY, seed=1).draw(900)
    weights = target[np.arange(900), log.actions] / log.propensities
    place = int(np.argmax(weights * (log.rewards > 0.0)))
    more = log.rewards.copy()
    more[place] += 20.0 * log.rewards.max()

    before, after = (by_method(replace(log, rewards=rewards), target) for rewards in (log.rewards, more))

    moved = {name: after[name].value - before[name].value for name in ("dros", "dros-tail")}
    assert abs(moved["dros-tail"]) < 0.5 * abs(moved["dros"])
    assert after["dros-tail"].low <= after["dr"].low
    assert after["dros-tail"].high >= after["dr"].high


@pytest.mark.slow
def test_cut_amounts_tell_a_value_better_than_amounts_as_they_are() -> None:
    errors = []
    for seed in range(2_000, 2_030):
        bank = PolicyBank(WORLDS[5], seed=seed)
        found = by_method(*bank.draw(5_000))
        errors.append([found[name].value / bank.truth - 1.0 for name in ("dros", "dros-tail")])

    whole, cut = np.sqrt(np.square(errors).mean(axis=0))
    assert cut < 0.85 * whole


def test_the_estimate_to_read_first_has_its_tail_cut_where_rewards_are_amounts_only() -> None:
    amounts, clicks = (PolicyBank(world, seed=1).draw(600) for world in (HEAVY, World(name="clicks", actions=3)))

    assert value_policy(amounts[0], target=amounts[1]).recommended == "dros-tail"
    assert value_policy(clicks[0], target=clicks[1]).recommended == "dros"


def test_where_one_action_has_all_the_large_amounts_nothing_is_cut() -> None:
    rng = np.random.default_rng(3)
    actions = rng.integers(2, size=4_000)
    rewards = np.where(actions == 1, 500.0 * (rng.random(4_000) < 0.012), 1.0 + rng.random(4_000))
    log = Log(rewards, np.full(4_000, 0.5), actions, ("small", "large"), np.arange(4_000), np.zeros((4_000, 0)))

    found = by_method(log, np.tile([0.0, 1.0], (4_000, 1)))

    assert found["dros-tail"].value == found["dros"].value
    assert found["dros-tail"].value == pytest.approx(6.0, rel=0.4)


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=60))
def test_the_log_itself_is_worth_the_same_whatever_was_cut(amounts: list[float]) -> None:
    """What is given back is what was cut: the mean of the log stays."""
    rewards = np.array(amounts)
    cut = cut_tail(rewards)
    if cut is None:
        return
    whole = Estimated(rewards, rewards)
    found = given_back(Estimated(cut, cut), rewards=rewards, cut=cut, whole=whole)

    assert (cut <= rewards).all()
    assert found.value == pytest.approx(rewards.mean())
    assert not contradicts(Estimated(rewards, rewards), np.arange(len(rewards)))


def test_where_the_tail_is_all_there_is_nothing_is_cut() -> None:
    assert cut_tail(np.array([4.0, 1e-308])) is None


def test_rewards_below_nothing_are_left_as_they_are() -> None:
    assert cut_tail(np.array([-1.0, 2.0, 90.0, 3.0, 5.0])) is None


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[4], WORLDS[6]], ids=lambda world: world.name)
def test_no_log_of_another_policy_tells_as_much_as_the_policy_itself(world: World) -> None:
    on_policy, bound = PolicyBank(world, seed=2).least

    assert 0.0 < on_policy < bound

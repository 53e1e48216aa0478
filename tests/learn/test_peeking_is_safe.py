"""Whoever looks every day, and stops when something shows, is wrong no more often than is stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.learn.intervals import Sums, anytime_reach, difference, share_difference
from marketofone.learn.ratio import ERROR, check_ratio, log_evidence

DECLARED = {"policy": 0.8, "control": 0.2}


def peeks(seed: int, *, people: int, looks: int, likeness: float, lift: int = 0) -> list[tuple[bool, bool]]:
    """Live through an experiment, looking often; say at each look whether an interval misses: for all looks, for one.

    People join over time, each is decided for many times, and what a person does resembles itself (``likeness``).
    Values are skewed: most decisions are worth nothing.
    """
    generator = np.random.default_rng(seed)
    own = generator.gamma(1 / likeness, likeness, size=people) if likeness else np.ones(people)
    ours = generator.random(people) < DECLARED["policy"]
    joins = generator.integers(0, looks // 2, size=people)
    totals, decisions, missed = np.zeros(people, dtype=np.int64), 0, []
    for look in range(looks):
        active = joins <= look
        made = generator.poisson(2.0, size=people) * active
        taken = generator.binomial(made, np.clip(0.1 * own, 0.0, 1.0))
        totals += taken * generator.integers(200, 2_000, size=people) + ours * made * lift
        decisions += int(made.sum())
        one, other = totals[active & ours], totals[active & ~ours]
        if min(len(one), len(other)) < 30 or not other.any():
            continue
        groups = [Sums(len(of), int(of.sum()), int((of * of).sum())) for of in (one, other)]
        rounds = np.arange(look + 1)[:, None] >= joins[None, :]
        truth = lift * 2.0 * float(rounds[:, active & ours].sum()) / len(one)
        each = [difference(*groups, reach=reach) for reach in (anytime_reach(decisions, level=0.9), 1.645)]
        missed.append((not each[0].low <= truth <= each[0].high, not each[1].low <= truth <= each[1].high))
    return missed


def ever_wrong(runs: int, *, people: int, looks: int, likeness: float) -> tuple[float, float]:
    """Give how often an experiment without any difference ever seemed to show one: for all looks, for one look."""
    lived = [peeks(seed, people=people, looks=looks, likeness=likeness) for seed in range(runs)]
    return tuple(sum(any(one[at] for one in of) for of in lived) / runs for at in (0, 1))  # type: ignore[return-value]


def test_looking_after_every_day_is_safe_and_one_interval_repeated_is_not() -> None:
    anytime, repeated = ever_wrong(60, people=200, looks=40, likeness=1.0)

    assert anytime <= 0.1
    assert repeated > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("likeness", [0.0, 1.0, 4.0])
def test_however_alike_a_persons_decisions_are_the_error_stays_below_what_is_stated(likeness: float) -> None:
    anytime, repeated = ever_wrong(600, people=400, looks=200, likeness=likeness)

    assert anytime <= 0.1
    assert repeated > 0.2


def test_a_difference_that_is_there_is_found_before_the_end() -> None:
    lived = peeks(1, people=300, looks=60, likeness=1.0, lift=60)
    generator = np.random.default_rng(3)
    one = [(int(n), 10) for n in generator.binomial(10, 0.4, size=200)]
    other = [(int(n), 10) for n in generator.binomial(10, 0.2, size=100)]

    assert not any(anytime for anytime, _ in lived)
    assert share_difference(one, other, reach=anytime_reach(3_000, level=0.95)).low > 0.0


def ratio_ever_fails(runs: int, *, people: int, shares: float) -> float:
    failed = 0
    for seed in range(runs):
        joined = np.cumsum(np.random.default_rng(seed).random(people) < shares)
        counts = ({"policy": n + 1 - int(joined[n]), "control": int(joined[n])} for n in range(0, people, 7))
        failed += any(log_evidence(of, declared=DECLARED) > -np.log(ERROR) for of in counts)
    return failed / runs


def test_a_ratio_that_is_as_declared_is_hardly_ever_called_broken_however_often_one_looks() -> None:
    assert ratio_ever_fails(150, people=1_000, shares=0.2) <= 0.02
    assert ratio_ever_fails(10, people=3_000, shares=0.26) == 1.0


@pytest.mark.slow
def test_a_ratio_that_is_as_declared_is_called_broken_at_most_as_often_as_stated() -> None:
    assert ratio_ever_fails(3_000, people=5_000, shares=0.2) <= ERROR


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_chance_of_what_was_counted_adds_up_under_the_alternative(policy: int, control: int) -> None:
    """The evidence is a martingale: over who joins next, it is on average what it was."""
    now = log_evidence({"policy": policy, "control": control}, declared=DECLARED)
    more = {"policy": {"policy": policy + 1, "control": control}, "control": {"policy": policy, "control": control + 1}}

    ahead = sum(share * np.exp(log_evidence(more[group], declared=DECLARED)) for group, share in DECLARED.items())

    assert ahead == pytest.approx(np.exp(now))


def test_somebody_in_a_group_that_was_not_declared_breaks_the_ratio() -> None:
    found = check_ratio([(DECLARED, {"policy": 8, "control": 2}), ({"policy": 1.0}, {"control": 1})])

    assert found.fails
    assert found.p == 0.0


def test_shares_that_changed_are_judged_by_what_was_declared_when_people_joined() -> None:
    half = {"policy": 0.5, "control": 0.5}

    assert not check_ratio([(DECLARED, {"policy": 800, "control": 200}), (half, {"policy": 500, "control": 500})]).fails
    assert check_ratio([(DECLARED, {"policy": 1_300, "control": 700})]).fails

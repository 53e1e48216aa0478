"""Whoever looks every day, and stops when something shows, is wrong no more often than is stated."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.learn.intervals import Sums, anytime_reach, difference, share_difference
from marketofone.learn.off_policy.difference import Compared, value_difference
from marketofone.learn.promotion import objection
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


def a_version_that_is_no_better(seed: int, *, rows: int, likeness: float, lift: int = 0) -> Compared:
    """Log decisions about people who join over time, beside a version that prefers other actions, all worth the same.

    What its favourites are worth more is ``lift``. Values are skewed, and a person's decisions resemble each other.
    """
    generator, people = np.random.default_rng(seed), 300
    own = generator.gamma(1 / likeness, likeness, size=people) if likeness else np.ones(people)
    who = (generator.random(rows) * people * np.linspace(0.2, 1.0, rows)).astype(np.int64)
    believed = 100.0 * generator.gamma(4.0, 0.25, size=(people, 4))
    old, new = (
        0.8 * weights / weights.sum(axis=1, keepdims=True) + 0.05
        for weights in (np.exp(believed / 20.0), np.exp((believed + generator.normal(size=(people, 4)) * 50.0) / 20.0))
    )
    taken = (generator.random((rows, 1)) > old[who].cumsum(axis=1)).sum(axis=1).clip(0, 3)
    accepted = generator.random(rows) < np.clip(0.15 * own[who], 0.0, 1.0)
    rewards = accepted * generator.integers(200, 2_000, size=rows) + lift * (taken == new[who].argmax(axis=1))
    return Compared(
        rewards=rewards.astype(np.float64),
        propensities=old[who, taken],
        targets=new[who, taken],
        present=old[who, taken],
        believed=believed[who, taken],
        values=(new * believed).sum(axis=1)[who],
        present_values=(old * believed).sum(axis=1)[who],
        unsupported=np.zeros(rows),
        persons=who,
    )


def ever_promoted(log: Compared, *, anytime: bool) -> bool:
    """Say whether a version is ever promoted by somebody who asks whenever there are a tenth more decisions."""
    rows = np.unique(np.geomspace(150, len(log.rewards), 45).astype(np.int64))
    seen = (
        Compared(**{name: column[:n] for name, column in msgspec.structs.asdict(log).items() if column is not None})
        for n in rows
    )
    return any(not objection(value_difference(one, level=0.95, anytime=anytime)) for one in seen)


@pytest.mark.parametrize("seed", [0, 4, 14])  # of the first fifteen, where an interval for one look is misled
def test_who_asks_again_and_again_promotes_no_version_that_is_not_better(seed: int) -> None:
    log = a_version_that_is_no_better(seed, rows=12_000, likeness=1.0)

    assert ever_promoted(log, anytime=False)
    assert not ever_promoted(log, anytime=True)


def test_a_version_that_is_better_is_promoted_by_who_asks_again_and_again() -> None:
    assert ever_promoted(a_version_that_is_no_better(1, rows=4_000, likeness=1.0, lift=300), anytime=True)


@pytest.mark.slow
@pytest.mark.parametrize("likeness", [0.0, 1.0, 4.0])
def test_versions_that_are_no_better_are_promoted_no_more_often_than_is_stated(likeness: float) -> None:
    logs = [a_version_that_is_no_better(seed, rows=12_000, likeness=likeness) for seed in range(120)]
    anytime, repeated = (sum(ever_promoted(log, anytime=way) for log in logs) / len(logs) for way in (True, False))

    assert anytime <= 0.025  # of two sides
    assert repeated > 0.05


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

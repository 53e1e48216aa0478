"""What a change is worth is told from the rows that it changes, and not told where they are too few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketofone.learn.off_policy.difference import Below, Compared, target_valuation, value_difference
from marketofone.learn.off_policy.slates import Slates, cascade_dr, rips
from marketofone.services.proof.comparison import ROW, differing_bytes
from marketofone.services.proof.diff import FEW, FEWEST, groups_of
from marketofone.services.proof.groups import STAGES
from marketofone.services.proof.places import instead_of

ROWS = 6_000
Floats = NDArray[np.float64]


def a_log(*, changed: float = 1.0, seed: int = 5, **other: Any) -> Compared:
    """Give a uniform log of two actions; the change takes the second, worth .3 more, in a part of the rows."""
    rng = np.random.default_rng(seed)
    taken = rng.integers(2, size=ROWS).astype(float)
    touched = np.arange(ROWS) < changed * ROWS
    half, nought = np.full(ROWS, 0.5), np.zeros(ROWS)
    log: dict[str, Any] = {
        "rewards": (rng.random(ROWS) < 0.2 + 0.3 * taken).astype(float),
        "propensities": half,
        "targets": np.where(touched, taken, half),
        "present": half,
        "believed": 2.0 * (0.2 + 0.3 * taken),  # twice what is true
        "values": np.where(touched, 1.0, 0.7),
        "present_values": np.full(ROWS, 0.7),
        "unsupported": nought,
        "persons": np.arange(ROWS) // 3,
    }
    return Compared(**log | other)


def test_the_difference_is_found_with_its_interval_also_where_beliefs_are_wrong() -> None:
    found = value_difference(a_log(), level=0.95)

    assert found.low < 0.15 < found.high
    assert (found.enough, found.finding) == (True, "worth more")


def test_rows_that_do_not_change_count_nothing() -> None:
    some = value_difference(a_log(changed=0.1), level=0.95)
    same = value_difference(a_log(changed=0.0), level=0.95)

    assert some.low < 0.015 < some.high
    assert some.high - some.low < some.snips[2] - some.snips[1]
    assert (same.value, same.low, same.high, same.changed_persons, same.finding) == (0.0, 0.0, 0.0, 0, "no difference")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (a_log(changed=0.004), "fewer than 30"),
        (a_log(unsupported=np.full(ROWS, 0.2)), "actions the log never took"),
    ],
)
def test_too_few_people_and_actions_that_were_never_taken_are_not_enough(log: Compared, reason: str) -> None:
    found = value_difference(log, level=0.95)

    assert found.finding == "not enough evidence"
    assert any(reason in one for one in found.reasons)


def policy(believed: Floats) -> Floats:
    """Choose what is believed to be best most often, and now and then anything."""
    weights = np.exp((believed - believed.max(axis=1, keepdims=True)) / 150.0)
    shares: Floats = 0.95 * weights / weights.sum(axis=1, keepdims=True) + 0.05 / believed.shape[1]
    return shares


def a_bank(rng: np.random.Generator, *, people: int = 250) -> tuple[float, Compared]:
    """Draw a bank whose beliefs are twice too high and noisy, and a change of half its decisions; first the truth."""
    rows, actions = 4 * people, 8
    trait = np.repeat(rng.normal(size=(people, actions)), 4, axis=0)
    chance = 1.0 / (1.0 + np.exp(2.2 - 0.4 * np.linspace(-1.0, 1.0, actions) - 0.5 * trait))
    value = np.linspace(500.0, 3000.0, actions)
    believed = 2.0 * chance * value + rng.normal(size=(rows, actions)) * 150.0
    logged = policy(believed)
    touched = rng.random((rows, 1)) < 0.5
    changed = np.where(touched, policy(believed + rng.normal(size=actions) * 200.0), logged)
    taken = (rng.random((rows, 1)) > logged.cumsum(axis=1)).sum(axis=1).clip(0, actions - 1)
    at = np.arange(rows), taken
    log = Compared(
        rewards=(rng.random(rows) < chance[at]) * rng.gamma(2.0, value[taken] / 2.0) - 40.0,
        propensities=logged[at],
        targets=changed[at],
        present=logged[at],
        believed=believed[at],
        values=(changed * believed).sum(axis=1),
        present_values=(logged * believed).sum(axis=1),
        unsupported=np.zeros(rows),
        persons=np.repeat(np.arange(people), 4),
    )
    return float(((changed - logged) * chance * value).sum(axis=1).mean()), log


@pytest.mark.slow
def test_intervals_cover_the_truth_and_what_is_worse_is_hardly_ever_said_to_be_better() -> None:
    covered = better = worse = 0
    for seed in range(300):
        truth, log = a_bank(np.random.default_rng(seed))
        found = value_difference(log, level=0.95)
        covered += found.low <= truth <= found.high
        worse += truth <= 0.0
        better += truth <= 0.0 and found.finding == "worth more"

    assert 0.92 <= covered / 300 <= 0.985
    assert worse > 100
    assert better / worse <= 0.025


SHARES = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5)


def distribution(weights: list[float], *, of: str) -> dict[str, float]:
    return {name: weight / sum(weights) for name, weight in zip(of, weights, strict=False)}


@settings(max_examples=50)
@given(old=SHARES, new=SHARES, seed=st.text(max_size=8))
def test_what_became_no_less_likely_stays_and_what_comes_instead_became_likelier(
    old: list[float], new: list[float], seed: str
) -> None:
    before, after = distribution(old, of="abcde"), distribution(new, of="cdefg")
    for action in before:
        chosen = instead_of(action, before, after, seed=seed)
        if after.get(action, 0.0) >= before[action]:
            assert chosen == action
        elif chosen != action:
            assert after[chosen] > before.get(chosen, 0.0)


def test_over_many_decisions_actions_come_as_often_as_their_probabilities_say() -> None:
    old, new = {"a": 0.5, "b": 0.3, "c": 0.2}, {"b": 0.2, "c": 0.5, "d": 0.3}
    chosen: dict[str, float] = {}
    for number in range(4_000):
        action = "a" if number % 10 < 5 else "b" if number % 10 < 8 else "c"
        name = instead_of(action, old, new, seed=f"d-{number}")
        chosen[name] = chosen.get(name, 0.0) + 1 / 4_000

    assert chosen == pytest.approx(new, abs=0.03)


@settings(max_examples=40)
@given(
    of_each=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, len(STAGES) - 1), st.integers(0, 2), st.booleans()), max_size=120
    ),
    spread=st.integers(1, 41),
)
@example(of_each=[(person, int(person == 0), 0, False) for person in range(40)], spread=41)  # one alone
@example(of_each=[(person, person // 12, 0, False) for person in range(40)], spread=41)  # four alone, and 12 each
def test_no_group_and_no_remnant_of_groups_is_of_a_few_people(
    of_each: list[tuple[int, int, int, bool]], spread: int
) -> None:
    rows = np.zeros(len(of_each), dtype=ROW)
    for name, place in (("person", 0), ("stage", 1), ("money", 2), ("otherwise", 3)):
        rows[name] = [one[place] for one in of_each]
    rows["person"] %= spread  # a person is found in several groups as well
    told = list(groups_of(rows))
    everybody = len(np.unique(rows["person"]))

    for kind in ("stage of life", "money left", "decided by"):
        own = [group for group in told if group.kind == kind]
        assert sum(group.decisions for group in own) == len(rows)
        assert sum(group.otherwise for group in own) == int(rows["otherwise"].sum())
        assert all(group.people >= FEWEST for group in own) or [group.people for group in own] == [everybody]
        assert [group.group for group in own].count(FEW) <= 1


def test_of_one_small_group_the_next_smallest_is_put_together_with_it() -> None:
    rows = np.zeros(60, dtype=ROW)
    rows["person"] = np.arange(60)
    rows["stage"] = [0] * 3 + [1] * 12 + [2] * 20 + [3] * 25

    told = {group.group: group.people for group in groups_of(rows) if group.kind == "stage of life"}

    assert told == {FEW: 15, STAGES[2]: 20, STAGES[3]: 25}


@given(one=st.binary(max_size=20), other=st.binary(max_size=20))
def test_bytes_differ_only_where_they_do(one: bytes, other: bytes) -> None:
    assert (differing_bytes(one, other) == 0) == (one == other)
    assert differing_bytes(one, other) <= max(len(one), len(other))


def slates(*, model: float = 0.0, seed: int = 5) -> Compared:
    """Give a log of two places; the change shows the second action below, worth .3 more under the first one only."""
    rng = np.random.default_rng(seed)
    above, below = rng.integers(2, size=(2, ROWS)).astype(float)
    half, nought = np.full(ROWS, 0.5), np.zeros(ROWS)
    lower = Below(
        decisions=np.arange(ROWS),
        positions=np.full(ROWS, 2),
        rewards=(rng.random(ROWS) < 0.2 + 0.3 * below * (above == 0.0)).astype(float),
        propensities=half / 2.0,
        targets=below / 2.0,
        present=half / 2.0,
        model=model * (1.0 - 2.0 * below),
        present_model=nought,
    )
    return a_log(changed=0.0, seed=seed, below=lower, persons=np.arange(ROWS))


def test_a_change_below_the_first_place_is_worth_what_follows_there() -> None:
    found = value_difference(slates(), level=0.95)

    assert found.low < 0.075 < found.high
    assert (found.enough, found.finding) == (True, "worth more")
    assert value_difference(slates(), level=0.95, anytime=True).low < found.low
    assert found.snips[1] < 0.075 < found.snips[2]


def test_what_is_believed_of_lower_places_moves_no_mean() -> None:
    """Twenty logs: whatever is believed, the difference is found on the mean."""
    each = [
        [value_difference(slates(model=model, seed=s), level=0.95).value for s in range(20)] for model in (0.0, 0.5)
    ]
    errors = [(np.mean(one) - 0.075) / (np.std(one) / 20**0.5) for one in each]

    assert np.abs(errors).max() < 3.0


def test_slates_are_weighed_as_the_estimators_of_slates_weigh_them() -> None:
    log = slates()
    below = log.below
    assert below is not None
    weights = np.column_stack(
        [log.targets / log.propensities, 2.0 * below.targets / log.propensities / log.targets / 2.0]
    )
    shown = Slates(np.column_stack([log.rewards, below.rewards]), weights)
    found = {one.method: one.value for one in target_valuation(log, level=0.95).estimates}
    plain = {**{name: getattr(log, name) for name in log.__struct_fields__}, "believed": np.zeros(ROWS)}
    bare = target_valuation(Compared(**plain | {"values": np.zeros(ROWS)}), level=0.95)
    nothing = np.zeros((ROWS, 2))

    assert np.isclose(found["ips"], rips(shown).value)
    cascade = cascade_dr(shown, logged_values=nothing, target_values=nothing).value
    assert np.isclose(next(one.value for one in bare.estimates if one.method == "dr"), cascade)

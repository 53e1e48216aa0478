"""What a policy would have been worth is estimated as the papers say, and honestly doubted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.lab.evaluation.policy_banks import WORLDS, PolicyBank
from marketofone.learn.off_policy import (
    Evidence,
    Log,
    cross_fit,
    direct_method,
    doubly_robust,
    dros,
    folds,
    ips,
    mean_interval,
    overlap,
    shortcomings,
    snips,
    switch_dr,
    value_policy,
)
from marketofone.learn.off_policy import targets as policies
from marketofone.learn.off_policy.slates import (
    Slates,
    cascade_dr,
    fit_cascade,
    independent,
    rips,
    standard,
    value_slates,
)

Floats = NDArray[np.float64]

# Three rows by hand: weights are .5 / .25 = 2, .2 / .4 = .5 and .9 / .3 = 3.
REWARDS, PROPENSITIES, TARGETS = np.array([1.0, 0.0, 2.0]), np.array([0.25, 0.4, 0.3]), np.array([0.5, 0.2, 0.9])
LOGGED, EXPECTED = np.array([0.5, 0.2, 1.0]), np.array([0.6, 0.3, 0.8])
EVIDENCE = Evidence(REWARDS, PROPENSITIES, TARGETS, LOGGED, EXPECTED)
PERSONS = np.arange(3)
# The corrections 2 (1 - .5), .5 (0 - .2) and 3 (2 - 1) are 1, -.1 and 3.


@pytest.mark.parametrize(
    ("found", "by_hand"),
    [
        (ips(EVIDENCE), (2 * 1 + 0 + 3 * 2) / 3),
        (snips(EVIDENCE), (2 * 1 + 0 + 3 * 2) / (2 + 0.5 + 3)),
        (direct_method(EVIDENCE), (0.6 + 0.3 + 0.8) / 3),
        (doubly_robust(EVIDENCE), (1.7 + 1 - 0.1 + 3) / 3),
        (switch_dr(EVIDENCE, PERSONS, threshold=2.5), (1.7 + 1 - 0.1) / 3),
        (dros(EVIDENCE, PERSONS, threshold=4.0), (1.7 + 1.0 * 0.5 - 0.4 * 0.2 / 0.85 + 12 / 13) / 3),
    ],
    ids=["ips", "snips", "dm", "dr", "switch-dr", "dros"],
)
def test_estimators_agree_with_the_formulas_worked_out_by_hand(found: object, by_hand: float) -> None:
    assert found.value == pytest.approx(by_hand)  # type: ignore[attr-defined]


chances = st.floats(0.05, 0.95)
numbers = st.floats(-3, 3)


def chance_of(p: float, action: int) -> float:
    return p if action else 1 - p


@given(
    logging=st.tuples(chances, chances),
    target=st.tuples(chances, chances),
    means=st.lists(chances, min_size=4, max_size=4),
    model=st.lists(numbers, min_size=4, max_size=4),
)
@settings(max_examples=30)
def test_ips_and_dr_are_right_on_the_mean_of_all_logs_there_can_be(
    logging: tuple[float, float], target: tuple[float, float], means: list[float], model: list[float]
) -> None:
    """Two contexts, two actions, a reward of 0 or 1, whatever the model: each log of two rows by its probability."""
    truth = sum(0.5 * chance_of(target[x], a) * means[2 * x + a] for x, a in product((0, 1), repeat=2))
    rows = list(product((0, 1), repeat=3))
    expected = np.zeros(2)
    for one, other in product(rows, repeat=2):
        probability, logs = 1.0, []
        for x, a, r in (one, other):
            p, t, mean = chance_of(logging[x], a), chance_of(target[x], a), means[2 * x + a]
            probability *= 0.5 * p * (mean if r else 1 - mean)
            v = sum(chance_of(target[x], b) * model[2 * x + b] for b in (0, 1))
            logs.append((float(r), p, t, model[2 * x + a], v))
        evidence = Evidence(*(np.array(column) for column in zip(*logs, strict=True)))
        expected += probability * np.array([ips(evidence).value, doubly_robust(evidence).value])
    assert expected == pytest.approx(truth)


@given(shift=numbers)
def test_snips_moves_with_the_rewards(shift: float) -> None:
    moved = Evidence(REWARDS + shift, PROPENSITIES, TARGETS)
    assert snips(moved).value == pytest.approx(snips(EVIDENCE).value + shift)


def test_without_shrinking_dros_is_dr_and_wholly_shrunk_it_is_dm() -> None:
    assert dros(EVIDENCE, PERSONS, threshold=np.inf).value == doubly_robust(EVIDENCE).value
    assert dros(EVIDENCE, PERSONS, threshold=0.0).value == direct_method(EVIDENCE).value
    assert switch_dr(EVIDENCE, PERSONS, threshold=0.0).value == direct_method(EVIDENCE).value


def test_a_good_model_is_trusted_more_than_one_huge_weight() -> None:
    rng = np.random.default_rng(1)
    rewards = (rng.random(500) < 0.5).astype(float)
    propensities = np.where(np.arange(500) == 7, 0.001, 0.9)
    model = np.full(500, 0.5)
    evidence = Evidence(rewards, propensities, np.full(500, 0.9), model, model)
    shrunken = switch_dr(evidence, np.arange(500))
    assert shrunken.threshold is not None
    assert shrunken.threshold < 900
    assert abs(shrunken.value - 0.5) < abs(doubly_robust(evidence).value - 0.5)


@pytest.mark.parametrize(
    ("field", "rows"),
    [
        ("propensities", (REWARDS, np.array([0.5, 0.0, 0.5]), TARGETS)),
        ("propensities", (REWARDS, np.array([0.5, 1.5, 0.5]), TARGETS)),
        ("targets", (REWARDS, PROPENSITIES, np.array([0.5, -0.1, 0.5]))),
        ("rewards", (np.array([1.0, np.nan, 0.0]), PROPENSITIES, TARGETS)),
        ("propensities", (REWARDS, PROPENSITIES[:2], TARGETS)),
    ],
)
def test_evidence_that_is_none_is_refused(field: str, rows: tuple[Floats, Floats, Floats]) -> None:
    with pytest.raises(MalformedRequest) as error:
        Evidence(*rows)
    assert error.value.field == field


def log_of(rows: int, *, seed: int = 1, actions: int = 3, per_person: int = 2) -> Log:
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(rows, 2))
    chosen = rng.integers(actions, size=rows)
    chance = np.clip(0.2 + 0.1 * chosen + 0.1 * context[:, 0], 0, 1)
    rewards = (rng.random(rows) < chance).astype(float)
    names = tuple("abc"[:actions])
    return Log(rewards, np.full(rows, 1 / actions), chosen, names, np.arange(rows) // per_person, context)


def shuffled(log: Log, order: NDArray[np.int64]) -> Log:
    return Log(
        log.rewards[order],
        log.propensities[order],
        log.actions[order],
        log.names,
        log.persons[order],
        log.context[order],
    )


def test_the_order_of_rows_changes_nothing() -> None:
    log = log_of(400)
    order = np.random.default_rng(2).permutation(400)
    target = policies.always(log, 2).probabilities
    one, other = (value_policy(each, target=target) for each in (log, shuffled(log, order)))
    for before, after in zip(one.estimates, other.estimates, strict=True):
        assert (before.value, before.low, before.high) == pytest.approx((after.value, after.low, after.high))


def test_rows_said_again_of_the_same_person_make_no_interval_narrower() -> None:
    log = log_of(300, per_person=1)
    scores = log.rewards
    once = mean_interval(scores, log.persons, level=0.95)
    again = mean_interval(np.tile(scores, 4), np.tile(log.persons, 4), level=0.95)
    mistaken = mean_interval(np.tile(scores, 4), np.arange(1200), level=0.95)
    assert again == pytest.approx(once)
    assert again.high - again.low > 1.9 * (mistaken.high - mistaken.low)


def test_nobody_is_predicted_by_a_model_that_saw_them() -> None:
    log = log_of(200)
    fold = folds(log.persons)

    def predicted(rewards: Floats) -> Floats:
        return cross_fit(log.context, actions=log.actions, rewards=rewards, weights=np.ones(200), fold=fold, count=3)

    own = log.persons == 7
    changed = np.where(own, 1 - log.rewards, log.rewards)
    assert (predicted(changed)[own] == predicted(log.rewards)[own]).all()
    assert (predicted(changed)[fold != fold[own][0]] != predicted(log.rewards)[fold != fold[own][0]]).any()


def test_a_person_is_in_one_fold() -> None:
    persons = np.random.default_rng(3).integers(40, size=300)
    fold = folds(persons)
    assert all(len(set(fold[persons == person])) == 1 for person in range(40))
    assert set(fold) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("learned", [policies.learned, policies.ranking])
def test_what_is_learned_for_a_person_comes_from_others(learned: Callable[[Log], policies.Target]) -> None:
    log = log_of(200)
    own = log.persons == 7
    huge = np.where(own, np.where(log.actions == log.actions[own][0], 1e4, -1e4), log.rewards)
    changed = Log(huge, log.propensities, log.actions, log.names, log.persons, log.context)
    one, other = learned(log).probabilities, learned(changed).probabilities
    assert (one[own] == other[own]).all()
    assert (one[~own] != other[~own]).any()


def test_a_ranking_learned_from_the_log_takes_the_best_action() -> None:
    log = log_of(3_000)
    target = policies.ranking(log)
    assert (target.probabilities[:, 2] == 1).all()
    found = value_policy(log, target=target.probabilities, predictions=target.predictions)
    assert found.enough
    assert found.finding == "the target is worth more than what was logged"


def test_a_target_known_of_logged_actions_only_has_no_model() -> None:
    log = log_of(400)
    target = np.random.default_rng(4).random(400)
    found = value_policy(log, target=target)
    assert [one.method for one in found.estimates] == ["ips", "snips"]
    assert set(found.absent) == {"dm", "dr", "switch-dr", "dros"}


def test_a_target_that_is_the_same_for_an_action_everywhere_is_known_of_all() -> None:
    log = log_of(400)
    known = np.array([0.2, 0.3, 0.5])
    part, whole = (value_policy(log, target=target) for target in (known[log.actions], np.tile(known, (400, 1))))
    assert part.estimates == whole.estimates


def test_few_rows_are_not_enough_and_it_is_said_why() -> None:
    log = log_of(40)
    found = value_policy(log, target=policies.always(log, 0).probabilities)
    assert not found.enough
    assert found.finding == "not enough evidence"
    assert len(found.estimates) == 6
    assert any("persons" in why for why in found.reasons)
    assert any("effective sample size" in why for why in found.reasons)


def test_a_target_that_goes_where_the_log_never_did_is_not_enough() -> None:
    log = log_of(2_000)
    wider = Log(log.rewards, log.propensities, log.actions, ("a", "b", "c", "d"), log.persons, log.context)
    found = value_policy(wider, target=np.tile([0.3, 0.3, 0.3, 0.1], (2_000, 1)))
    assert not found.enough
    assert any("10.0% of the target" in why for why in found.reasons)


def test_propensities_of_another_policy_are_found_out() -> None:
    log = log_of(2_000)
    evidence = Evidence(
        log.rewards, np.full(2_000, 0.8), policies.always(log, 1).probabilities[np.arange(2_000), log.actions]
    )
    assert any("mean of" in why for why in shortcomings(overlap(evidence, log.persons)))


def test_a_log_of_two_clicks_does_not_tell_of_clicks() -> None:
    rewards = np.zeros(5_000)
    rewards[:2] = 1.0
    evidence = Evidence(rewards, np.full(5_000, 0.5), np.full(5_000, 0.5))
    (why,) = shortcomings(overlap(evidence, np.arange(5_000)))
    assert why.startswith("2.0 effective rewards")


def test_a_log_that_missed_large_weighted_rewards_is_not_called_enough() -> None:
    bank = PolicyBank(next(world for world in WORLDS if world.name.startswith("rare and heavy")), seed=159)
    log, target = bank.draw(10_000)
    found = value_policy(log, target=target)
    (of_dr,) = (one for one in found.estimates if one.method == "dr")
    assert of_dr.high < bank.truth  # in one bank of twenty that must be, and nothing may pick out those banks
    assert found.finding == "not enough evidence"
    assert any("speak for the target" in why for why in found.reasons)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["as it comes", "large by large", "large by small"]))
@settings(max_examples=30, deadline=None)
def test_no_pairing_of_rewards_and_weights_makes_a_log_richer_than_both_are(seed: int, pairing: str) -> None:
    rng = np.random.default_rng(seed)
    weights, rewards = rng.gamma(0.3, size=400), (rng.random(400) < 0.1) * rng.lognormal(size=400)
    if pairing != "as it comes":
        weights, rewards = np.sort(weights), np.sort(rewards)[:: 1 if pairing == "large by large" else -1]
    propensities = np.full(400, 1.0 / max(weights.max(), 1.0))
    found = overlap(Evidence(rewards, propensities, weights * propensities), np.arange(400))
    assert found.rewards <= found.logged_rewards * found.ess / 400 * (1 + 1e-9)


def test_a_target_that_goes_where_nothing_was_ever_rewarded_is_not_enough() -> None:
    actions = np.minimum(np.arange(4_000) % 4, 1)
    propensities, rewards = np.where(actions == 0, 0.25, 0.75), (actions == 0).astype(np.float64)
    log = Log(rewards, propensities, actions, ("a", "b"), np.arange(4_000), np.zeros((4_000, 0)))
    found = value_policy(log, target=policies.always(log, 1).probabilities)
    assert not found.enough
    assert any(" 0.0 speak for the target" in why for why in found.reasons)


@pytest.mark.parametrize(("rewards", "bounds"), [([0.0, 1.0], (0.0, 1.0)), ([0.0, 90.0], (0.0, np.inf))])
def test_an_interval_does_not_leave_what_a_mean_of_such_rewards_can_be(
    rewards: list[float], bounds: tuple[float, float]
) -> None:
    for share in (0.02, 0.98):
        log = log_of(60)
        drawn = np.random.default_rng(5).random(60) < share
        found = value_policy(
            replace(log, rewards=np.where(drawn, *rewards[::-1])), target=np.tile([0.8, 0.1, 0.1], (60, 1))
        )
        for one in found.estimates:
            assert min(bounds[0], one.value) <= one.low <= one.value <= one.high <= max(bounds[1], one.value)


def test_a_slate_in_which_everything_is_accepted_is_worth_more_than_one_though_none_was_in_the_log() -> None:
    """Of a, b and b, a and b, b each second of a hundred: what is always a, a is worth two yeses a slate."""
    actions = np.tile([0, 1, 1, 0, 1, 1], 100)
    rewards, propensities = (actions == 0).astype(np.float64), np.full(600, 0.5)
    log = Log(rewards, propensities, actions, ("a", "b"), np.arange(600) // 2, np.zeros((600, 0)))
    found = value_slates(log, places=np.arange(600).reshape(-1, 2), target=np.tile([1.0, 0.0], (600, 1)), level=0.95)
    (told,) = (one for one in found.estimates if one.method == "independent-ips")
    assert told.value == pytest.approx(4 / 3)
    assert told.high > told.value


def slate_worlds() -> list[tuple[float, Slates, Floats, Floats]]:
    """Give every slate of two places and two actions, with its probability; the second reward depends on both."""
    logging, target, model = (0.3, 0.8), (0.6, 0.4), np.array([0.2, -0.4, 0.9, 0.1])
    told = []
    for a, b in product((0, 1), repeat=2):
        p = [logging[place] if act else 1 - logging[place] for place, act in enumerate((a, b))]
        t = [target[place] if act else 1 - target[place] for place, act in enumerate((a, b))]
        rewards = np.array([[1.0 + a, 2.0 * a * b - b]])
        second = (1 - target[1]) * model[2] + target[1] * model[3]
        first = (1 - target[0]) * model[0] + target[0] * model[1]
        logged, expected = np.array([[model[a], model[2 + b]]]), np.array([[first, second]])
        told.append((p[0] * p[1], Slates(rewards, np.array([[t[0] / p[0], t[1] / p[1]]])), logged, expected))
    return told


def test_estimators_of_slates_are_right_on_the_mean_and_the_independent_one_is_not() -> None:
    target = (0.6, 0.4)
    truth = 1 + target[0] + 2 * target[0] * target[1] - target[1]
    told = slate_worlds()
    assert sum(p * standard(slates).value for p, slates, _, _ in told) == pytest.approx(truth)
    assert sum(p * rips(slates).value for p, slates, _, _ in told) == pytest.approx(truth)
    assert sum(
        p * cascade_dr(slates, logged_values=q, target_values=v).value for p, slates, q, v in told
    ) == pytest.approx(truth)
    assert sum(p * independent(slates).value for p, slates, _, _ in told) != pytest.approx(truth, abs=0.01)


def test_a_fitted_cascade_errs_less_than_weights_alone() -> None:
    rng = np.random.default_rng(5)
    n, k, count = 4_000, 3, 4
    actions = rng.integers(count, size=(n, k))
    rewards = (rng.random((n, k)) < 0.1 + 0.2 * (actions == 1)).astype(float)
    targets = np.tile(np.array([0.1, 0.7, 0.1, 0.1]), (n, k, 1))
    weights = np.take_along_axis(targets, actions[..., None], axis=2)[..., 0] * count
    slates = Slates(rewards, weights)
    logged, target = fit_cascade(
        slates, context=np.zeros((n, 0)), actions=actions, targets=targets, fold=folds(np.arange(n))
    )
    found, plain = cascade_dr(slates, logged_values=logged, target_values=target), rips(slates)
    assert found.value == pytest.approx(k * (0.1 + 0.7 * 0.2), abs=0.06)
    assert found.scores.std() < 0.8 * plain.scores.std()

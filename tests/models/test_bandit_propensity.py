"""The logged probability of a choice is the probability it was drawn with."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit import mix, propensities

SETTINGS = settings(deadline=None, max_examples=150)
MEANS = st.floats(-5.0, 5.0)
SPREADS = st.one_of(st.just(0.0), st.floats(-6.0, 0.0).map(lambda power: 10.0**power))
SCORES = st.lists(st.tuples(MEANS, SPREADS), min_size=1, max_size=40)


def arrays(scores: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([mean for mean, _ in scores]), np.array([spread for _, spread in scores])


def drawn_shares(mean: np.ndarray, spread: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    winners = (mean + spread * generator.standard_normal((draws, mean.size))).argmax(axis=1)
    return np.bincount(winners, minlength=mean.size) / draws


@SETTINGS
@given(SCORES)
def test_probabilities_sum_to_one_whatever_the_scores(scores: list[tuple[float, float]]) -> None:
    chances = propensities(*arrays(scores))

    assert chances.min() >= 0.0
    assert chances.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1000])
@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6, 1e12])
def test_probabilities_sum_to_one_for_any_number_of_actions(count: int, ratio: float) -> None:
    generator = np.random.default_rng(count)
    spread = ratio ** -generator.random(count)
    mean = spread * generator.standard_normal(count)

    assert propensities(mean, spread).sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("count", [2, 3, 10, 30, 100])
@pytest.mark.parametrize("ratio", [1.0, 10.0, 1e6])
def test_probabilities_agree_with_drawing_many_times(count: int, ratio: float) -> None:
    generator = np.random.default_rng(count)
    spread = ratio ** -generator.random(count)
    mean = 0.5 * generator.standard_normal(count) * spread
    draws = 2_000_000 // count

    chances = propensities(mean, spread)
    shares = drawn_shares(mean, spread, draws=draws, seed=7)

    noise = np.sqrt(chances * (1.0 - chances) / draws) + 1.0 / draws
    assert np.all(np.abs(shares - chances) < 5.0 * noise)


@pytest.mark.parametrize("count", [5, 20, 100, 400])
@pytest.mark.parametrize("gap", [0.0, 1.0, 3.0])
def test_probabilities_agree_with_a_fine_mesh_though_the_ends_are_cut_off(count: int, gap: float) -> None:
    generator = np.random.default_rng(count)
    mean, spread = gap * generator.standard_normal(count), 0.5 + generator.random(count)
    at = np.linspace((mean - 8.0 * spread).max(), (mean + 8.0 * spread).max(), 3_001)[:, np.newaxis]
    below = ndtr((at - mean) / spread)
    density = np.exp(-0.5 * np.square((at - mean) / spread)) / (math.sqrt(2.0 * math.pi) * spread)
    exact = (below.prod(axis=1, keepdims=True) * density / below).sum(axis=0) * (at[1, 0] - at[0, 0])

    assert np.abs(propensities(mean, spread) - exact).max() < 2e-8


@SETTINGS
@given(MEANS, MEANS, st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_two_actions_win_by_the_normal_difference(one: float, other: float, spread: float, beside: float) -> None:
    chances = propensities(np.array([one, other]), np.array([spread, beside]))

    assert chances[0] == pytest.approx(float(ndtr((one - other) / math.hypot(spread, beside))), abs=1e-6)


@SETTINGS
@given(st.lists(st.tuples(MEANS, st.floats(0.01, 1.0)), min_size=1, max_size=20), MEANS)
def test_a_known_score_wins_when_every_draw_falls_short_of_it(scores: list[tuple[float, float]], known: float) -> None:
    mean, spread = arrays(scores)
    exact = float(ndtr((known - mean) / spread).prod())

    chances = propensities(np.append(mean, known), np.append(spread, 0.0))

    assert chances[-1] == pytest.approx(exact, abs=1e-7)


def test_among_known_scores_the_highest_wins_and_the_first_of_a_tie() -> None:
    chances = propensities(np.array([1.0, 3.0, 3.0, 2.0]), np.zeros(4))

    assert chances.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_spread_that_is_lost_in_rounding_counts_as_known() -> None:
    chances = propensities(np.array([1e6, 1e6 - 1.0]), np.array([1e-12, 0.0]))

    assert chances.tolist() == [1.0, 0.0]


@SETTINGS
@given(SCORES, st.floats(1e-6, 1.0))
def test_an_action_far_below_all_others_never_wins(scores: list[tuple[float, float]], spread: float) -> None:
    mean, spreads = arrays(scores)
    hopeless = float((mean - 20.0 * spreads).min() - 20.0 * spread)

    assert propensities(np.append(mean, hopeless), np.append(spreads, spread))[-1] == 0.0


@SETTINGS
@given(SCORES, st.floats(0.0, 2.0), st.data())
def test_a_higher_mean_never_lowers_the_probability(
    scores: list[tuple[float, float]], more: float, data: st.DataObject
) -> None:
    mean, spread = arrays(scores)
    row = data.draw(st.integers(0, mean.size - 1))
    raised = mean.copy()
    raised[row] += more

    assert propensities(raised, spread)[row] >= propensities(mean, spread)[row] - 1e-6


@SETTINGS
@given(st.lists(st.tuples(MEANS, st.floats(1e-4, 1.0)), min_size=2, max_size=30))
def test_neither_order_nor_unit_of_the_scores_matters(scores: list[tuple[float, float]]) -> None:
    mean, spread = arrays(scores)
    order = np.random.default_rng(len(scores)).permutation(mean.size)

    chances = propensities(mean, spread)

    assert np.allclose(propensities(mean[order], spread[order]), chances[order], atol=1e-9)
    assert np.allclose(propensities(1000.0 * mean, 1000.0 * spread), chances, atol=1e-9)


def test_equal_actions_share_equally_even_when_there_are_a_thousand() -> None:
    assert np.allclose(propensities(np.zeros(1000), np.ones(1000)), 1e-3, atol=1e-12)


@pytest.mark.parametrize(
    ("mean", "spread"),
    [([], []), ([0.0], [-1.0]), ([math.nan], [1.0]), ([0.0], [math.inf]), ([0.0, 1.0], [1.0])],
)
def test_what_is_no_distribution_is_refused(mean: list[float], spread: list[float]) -> None:
    with pytest.raises(MalformedRequest):
        propensities(np.array(mean), np.array(spread))


@SETTINGS
@given(SCORES, st.floats(0.0, 1.0))
def test_the_floor_keeps_every_action_measurable(scores: list[tuple[float, float]], floor: float) -> None:
    chances = mix(propensities(*arrays(scores)), floor=floor)

    assert chances.sum() == pytest.approx(1.0, abs=1e-9)
    assert chances.min() >= floor / len(scores) - 1e-12


@pytest.mark.parametrize("floor", [0.0, 0.3, 1.0])
def test_choices_are_drawn_with_the_mixed_probability(floor: float) -> None:
    mean, spread = np.array([0.1, 0.0, -0.2, 0.05]), np.array([0.1, 0.3, 0.5, 0.0])
    generator = np.random.default_rng(11)

    highest = (mean + spread * generator.standard_normal((20_000, 4))).argmax(axis=1)
    chosen = np.where(generator.random(20_000) < floor, generator.integers(4, size=20_000), highest)

    expected = mix(propensities(mean, spread), floor=floor)
    noise = np.sqrt(expected * (1.0 - expected) / 20_000) + 1e-4
    assert np.all(np.abs(np.bincount(chosen, minlength=4) / 20_000 - expected) < 5.0 * noise)


@pytest.mark.parametrize("floor", [-0.1, 1.1, math.nan])
def test_a_floor_that_is_no_probability_is_refused(floor: float) -> None:
    with pytest.raises(MalformedRequest):
        mix(np.array([1.0]), floor=floor)

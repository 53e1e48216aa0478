"""A forest finds past situations that went on alike; corrections bring bands and chances to what really came."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.models.forecast.calibrate import (
    CLASSES,
    NO_STRETCH,
    THIRDS,
    Odds,
    fit_odds,
    fit_stretch,
    stretched,
)
from marketofone.models.forecast.forest import Forest, grow

KNOTS = np.array([1, 10, 30, 45, 60, 90])


def situations(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Give inputs of which one decides what follows, up to a little noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 5)).astype(np.float32)
    steps = np.floor(rows[:, 2])[:, None]
    return rows, np.concatenate((steps, -steps), axis=1) + 0.01 * rng.normal(size=(count, 2))


@pytest.fixture(scope="module")
def forest() -> Forest:
    return grow(*situations(0, 600), trees=30, leaf=3, kept=2, seed=7)


def test_situations_found_alike_went_on_alike(forest: Forest) -> None:
    _, aims = situations(0, 600)
    rows, came = situations(1, 200)
    found = aims[forest.alike(rows)]
    assert found.shape == (200, 60, 2)
    assert np.mean(np.abs(found - came[:, None]) < 0.5) > 0.8
    assert np.abs(np.median(found, axis=1) - came).mean() < 0.2 * np.abs(came - np.median(aims, axis=0)).mean()


def test_a_past_situation_is_alike_to_itself(forest: Forest) -> None:
    rows, _ = situations(0, 600)
    # At least three are in a leaf and two of them are kept.
    assert np.mean([(at == found).any() for at, found in enumerate(forest.alike(rows))]) == 1.0


@given(at=st.integers(0, 199))
def test_one_row_alone_finds_what_it_finds_among_many(forest: Forest, at: int) -> None:
    rows, _ = situations(1, 200)
    assert (forest.alike(rows[at : at + 1]) == forest.alike(rows)[at]).all()


def test_the_same_seed_grows_the_same_bytes_and_another_one_others(forest: Forest) -> None:
    rows, aims = situations(0, 600)
    assert grow(rows, aims, trees=30, leaf=3, kept=2, seed=7) == forest
    assert grow(rows, aims, trees=30, leaf=3, kept=2, seed=8) != forest


@pytest.mark.parametrize("count", [1, 2, 7])
def test_as_few_situations_as_there_are_are_found_again_and_again(count: int) -> None:
    rows, aims = situations(2, count)
    small = grow(rows, aims, trees=4, leaf=8, kept=6, seed=7)
    found = small.alike(situations(3, 5)[0])
    assert found.shape == (5, 24)
    assert set(found.ravel().tolist()) <= set(range(count))


def test_all_members_of_a_leaf_are_its_own(forest: Forest) -> None:
    rows, _ = situations(0, 600)
    found = forest.alike(rows)
    # Whoever stands in my leaf of a tree finds the same there as I do.
    per_tree = found.reshape(len(rows), forest.trees, forest.kept)
    for tree in range(forest.trees):
        assert (per_tree[per_tree[:, tree, 0], tree] == per_tree[:, tree]).all()


def test_there_is_a_limit_of_inputs() -> None:
    rows = np.zeros((10, 256), dtype=np.float32)
    with pytest.raises(ValueError, match="at most 255 inputs"):
        grow(rows, rows.astype(float), trees=2, leaf=2, kept=1, seed=7)


def held_out(seed: int, *, count: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    """Give bands that are too narrow below, and less so above, by the same parts everywhere, and what came."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(count, 1, 1))
    drawn = middle + np.array([-1.0, 0.0, 1.0])[:, None] * np.ones(len(KNOTS))
    side = rng.random((count, len(KNOTS))) < 0.5
    # The spread is that of which a tenth lies 1.5 below the middle, and a tenth 1.2 above it.
    truth = middle[:, 0] + np.where(side, -1.5, 1.2) * rng.exponential(1 / np.log(5), (count, len(KNOTS)))
    return drawn, truth


@pytest.mark.parametrize("length", [90, 200, 400])
def test_stretched_bands_leave_a_tenth_of_what_comes_below_and_above(length: int) -> None:
    drawn, truth = held_out(0)
    lengths = np.full(len(drawn), length)
    factors = fit_stretch(drawn, truth, length=lengths, knots=KNOTS).factors_of(length=lengths, knots=KNOTS)
    np.testing.assert_allclose(factors, np.broadcast_to([1.5, 1.2], factors.shape), rtol=0.1)
    later, came = held_out(1)
    low, _, high = stretched(later, factors).swapaxes(0, 1)
    assert np.mean(came < low) == pytest.approx(0.1, abs=0.01)
    assert np.mean(came > high) == pytest.approx(0.1, abs=0.01)


def test_bands_are_stretched_by_length_of_history_and_third_of_the_horizon_apart() -> None:
    length = np.repeat([100, 200, 400], 1_000)
    wide = np.array([1.1, 1.3, 1.5])[:, None] * np.array([1.0, 1.1, 1.2])
    drawn, truth = held_out(0)
    middle = drawn[:, 1]
    truth = middle + (truth - middle) * np.repeat(wide, 1_000, axis=0)[:, np.searchsorted(THIRDS, KNOTS)] / 1.5
    found = np.array(fit_stretch(drawn, truth, length=length, knots=KNOTS).factors)
    assert found.shape == (len(CLASSES) + 1, len(THIRDS), 2)
    np.testing.assert_allclose(found[..., 0], wide, rtol=0.15)


def test_few_cases_or_none_observed_stretch_nothing() -> None:
    drawn, truth = held_out(0, count=99)
    lengths = np.full(99, 90)
    assert fit_stretch(drawn, truth, length=lengths, knots=KNOTS) == NO_STRETCH
    drawn, truth = held_out(0)
    assert fit_stretch(drawn, np.full_like(truth, np.nan), length=np.full(3_000, 90), knots=KNOTS) == NO_STRETCH


def test_what_was_not_observed_changes_no_stretch() -> None:
    drawn, truth = held_out(0)
    lengths = np.full(len(drawn), 90)
    truth[::3, -1] = np.nan
    wild = drawn.copy()
    wild[::3, 0, -1] -= 9.0
    both = [fit_stretch(one, truth, length=lengths, knots=KNOTS) for one in (drawn, wild)]
    assert both[0] == both[1]


@given(
    st.lists(st.floats(-10, 10), min_size=3, max_size=21),
    st.floats(0.8, 3.0),
    st.floats(0.8, 3.0),
)
def test_a_stretch_keeps_the_order_of_paths_and_their_middle(errors: list[float], down: float, up: float) -> None:
    paths = np.sort(np.array(errors))[None, :, None]
    wider = stretched(paths, np.array([[[down, up]]]))
    assert (np.diff(wider, axis=1) >= -1e-9).all()
    if len(errors) % 2:
        assert np.median(wider) == pytest.approx(np.median(paths))
    away = np.abs(paths - np.median(paths))
    assert (np.abs(wider - np.median(paths)) >= min(down, up, 1.0) * away - 1e-9).all()


JANUARY = np.eye(12)[0]
Cases = tuple[np.ndarray, np.ndarray, np.ndarray]


def raw_and_came(seed: int, *, count: int, slope: float) -> Cases:
    """Give raw chances that say too much or too little, the true ones, and what came."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.01, 0.99, count)
    true = 1 / (1 + (1 / raw - 1) ** slope)
    return raw, true, (rng.random(count) < true).astype(float)


def learned(raw: np.ndarray, came: np.ndarray) -> Odds:
    """Learn from cases of one event and horizon that all lie in January."""
    return fit_odds(raw[:, None, None], came[:, None, None], months=np.tile(JANUARY, (len(raw), 1, 1)))


def said(odds: Odds, raw: np.ndarray, *, month: np.ndarray = JANUARY) -> np.ndarray:
    return odds.applied(raw[:, None, None], months=np.tile(month, (len(raw), 1, 1)))[:, 0, 0]


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), slope=st.floats(-1.0, 3.0), count=st.integers(1, 3_000))
def test_corrected_chances_rise_with_the_raw_ones_and_stay_chances(seed: int, slope: float, count: int) -> None:
    raw, _, came = raw_and_came(seed, count=count, slope=slope)
    corrected = said(learned(raw, came), np.linspace(0, 1, 101))
    assert (np.diff(corrected) >= -1e-12).all()
    assert ((corrected > 0) & (corrected < 1)).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), slope=st.floats(0.3, 3.0))
def test_corrected_chances_come_as_often_as_they_say(seed: int, slope: float) -> None:
    raw, _, came = raw_and_came(seed, count=6_000, slope=slope)
    later, true, _ = raw_and_came(seed + 1, count=2_000, slope=slope)
    corrected = said(learned(raw, came), later)
    assert abs(corrected.mean() - true.mean()) < 0.03
    assert np.abs(corrected - true).mean() < 0.03


def test_a_month_in_which_it_came_oftener_is_learned_and_one_never_seen_is_like_any_other() -> None:
    rng = np.random.default_rng(3)
    raw = np.full(4_000, 0.3)
    january = np.arange(4_000) % 2 == 0
    came = (rng.random(4_000) < np.where(january, 0.6, 0.3)).astype(float)
    months = np.where(january[:, None], JANUARY, np.eye(12)[1])[:, None, :]
    odds = fit_odds(raw[:, None, None], came[:, None, None], months=months)
    one, other, unseen = (said(odds, np.array([0.3]), month=np.eye(12)[month])[0] for month in (0, 1, 5))
    assert one == pytest.approx(0.6, abs=0.03)
    assert other == pytest.approx(0.3, abs=0.03)
    assert other < unseen < one


def test_what_cannot_be_told_teaches_nothing_and_is_not_told() -> None:
    raw, _, came = raw_and_came(1, count=2_000, slope=2.0)
    some = np.concatenate((raw, np.full(500, np.nan), raw[:500]))
    told = np.concatenate((came, np.ones(500), np.full(500, np.nan)))
    assert learned(some, told) == learned(raw, came)
    assert np.isnan(said(learned(raw, came), np.array([np.nan, 0.5]))).tolist() == [True, False]
    assert np.isnan(said(learned(raw, np.full(2_000, np.nan)), np.array([0.5]))).all()


def test_what_never_came_is_still_not_said_to_be_impossible() -> None:
    never = said(learned(np.linspace(0, 1, 500), np.zeros(500)), np.array([0.0, 1.0]))
    assert (never > 0).all()
    assert (never < 0.02).all()


def test_a_raw_chance_is_believed_as_long_as_little_speaks_against_it() -> None:
    corrected = said(learned(np.array([0.4]), np.array([0.0])), np.array([0.1, 0.9]))
    assert corrected == pytest.approx([0.1, 0.9], abs=0.05)

"""A forest finds past situations that went on alike; corrections bring bands and chances to what really came."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from marketofone.models.forecast.calibrate import (
    CLASSES,
    NO_STRETCH,
    THIRDS,
    Curve,
    fit_curve,
    fit_stretch,
    straight,
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


def raw_and_came(seed: int, *, count: int, power: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give raw chances that say too much or too little, the true ones, and what came."""
    rng = np.random.default_rng(seed)
    raw = rng.random(count)
    true = raw**power
    return raw, true, (rng.random(count) < true).astype(float)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), power=st.floats(0.3, 3.0), count=st.integers(0, 3_000))
def test_corrected_chances_rise_with_the_raw_ones_and_stay_chances(seed: int, power: float, count: int) -> None:
    raw, _, came = raw_and_came(seed, count=count, power=power)
    asked = np.linspace(0, 1, 101)
    said = fit_curve(raw, came).applied(asked)
    if count:
        assert (np.diff(said) >= 0).all()
        assert ((said >= 0) & (said <= 1)).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), power=st.floats(0.3, 3.0))
def test_corrected_chances_come_as_often_as_they_say(seed: int, power: float) -> None:
    raw, _, came = raw_and_came(seed, count=6_000, power=power)
    later, true, _ = raw_and_came(seed + 1, count=2_000, power=power)
    said = fit_curve(raw, came).applied(later)
    assert abs(said.mean() - true.mean()) < 0.03
    assert np.abs(said - true).mean() < 0.06


def test_what_cannot_be_told_teaches_nothing_and_is_not_told() -> None:
    raw, _, came = raw_and_came(1, count=2_000, power=2.0)
    some = np.concatenate((raw, np.full(500, np.nan), raw[:500]))
    told = np.concatenate((came, np.ones(500), np.full(500, np.nan)))
    assert fit_curve(some, told) == fit_curve(raw, came)
    assert np.isnan(fit_curve(raw, came).applied(np.array([np.nan, 0.5]))).tolist() == [True, False]


def test_what_never_came_is_still_not_said_to_be_impossible() -> None:
    never = fit_curve(np.linspace(0, 1, 500), np.zeros(500)).applied(np.array([0.0, 1.0]))
    assert (never > 0).all()
    assert (never < 0.01).all()


def test_few_cases_tell_their_share_and_no_curve() -> None:
    raw, _, came = raw_and_came(1, count=50, power=1.0)
    curve = fit_curve(raw, came)
    assert curve.applied(np.array([0.1, 0.9])) == pytest.approx([came.mean()] * 2, abs=0.02)


@given(st.floats(0, 1))
def test_a_straight_curve_changes_nothing(chance: float) -> None:
    assert straight().applied(np.array([chance])) == pytest.approx([chance])
    assert structs.astuple(straight()) == structs.astuple(Curve((0.0, 1.0), (0.0, 1.0)))

"""The prefilter never promises more calm than there is, and agrees with itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketofone.models.forecast.risk_prefilter import CLEAR, SCREENED, cleared, shortfall_bound

SEEDS = st.integers(0, 2**32 - 1)
PATHS = 4_000


def people(seed: int, n: int) -> dict[str, NDArray[np.float64]]:
    """Draw people with pay, rent and spending, calm and troubled ones alike."""
    generator = np.random.default_rng(seed)
    moves = np.zeros((n, 90))
    for amount, sign in ((generator.uniform(500, 3_000, n), 1.0), (generator.uniform(200, 1_500, n), -1.0)):
        first = generator.integers(0, 30, n)
        for month in range(3):
            moves[np.arange(n), first + 30 * month] += sign * amount
    return {
        "headroom": generator.uniform(-200, 6_000, n),
        "due": moves.cumsum(axis=1),
        "drift": generator.uniform(-60, 20, n),
        "spread": generator.uniform(1, 120, n),
    }


def bound_of(drawn: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    return shortfall_bound(drawn["headroom"], due=drawn["due"], drift=drawn["drift"], spread=drawn["spread"])


@given(seed=SEEDS, more=st.floats(0, 5_000))
def test_more_money_never_raises_the_bound_and_a_longer_horizon_never_lowers_it(seed: int, more: float) -> None:
    drawn = people(seed, 50)
    bound = bound_of(drawn)
    assert ((bound >= 0.0) & (bound <= 1.0)).all()
    assert (np.diff(bound, axis=1) >= -1e-12).all()
    assert (bound_of({**drawn, "headroom": drawn["headroom"] + more}) <= bound + 1e-12).all()


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_bound_lies_above_what_really_happens_to_the_same_people(seed: int) -> None:
    drawn = people(seed, 12)
    noise = np.random.default_rng(seed).standard_normal((PATHS, 12, 90)).cumsum(axis=2)
    days = np.arange(1.0, 91.0)
    paths = (
        drawn["headroom"][:, None] + drawn["due"] + drawn["drift"][:, None] * days + drawn["spread"][:, None] * noise
    )
    happened = np.stack([(paths[:, :, :horizon] < 0).any(axis=2).mean(axis=0) for horizon in SCREENED], axis=1)
    bound = bound_of(drawn)
    assert (happened <= bound + 4 * np.sqrt(bound * (1 - bound) / PATHS) + 1e-3).all()
    assert (happened[cleared(bound), -1] < CLEAR + 0.01).all()


def test_without_known_payments_the_bound_is_the_exact_chance_of_a_first_passage() -> None:
    steps = 40
    generator = np.random.default_rng(7)
    headroom, drift, spread = np.array([300.0]), np.array([4.0]), np.array([40.0])
    noise = generator.standard_normal((PATHS, 90 * steps)) * spread / np.sqrt(steps) + drift / steps
    passed = (headroom + noise.cumsum(axis=1)).min(axis=1) < 0
    bound = shortfall_bound(headroom, due=np.zeros((1, 90)), drift=drift, spread=spread)[0, -1]
    assert abs(passed.mean() - bound) < 0.03


def test_calm_people_are_cleared_and_troubled_ones_are_not() -> None:
    due = np.zeros((3, 90))
    due[:, 10:] += 2_000.0
    due[:, 40:] += 2_000.0
    due[:, 70:] += 2_000.0
    bound = shortfall_bound(np.array([5_000.0, 300.0, -1.0]), due=due, drift=np.full(3, -60.0), spread=np.full(3, 30.0))
    assert cleared(bound).tolist() == [True, False, False]
    assert bound[2].tolist() == [1.0, 1.0, 1.0]


def test_where_nothing_is_uncertain_the_bound_is_plain_arithmetic() -> None:
    due = np.full((2, 90), -100.0)
    bound = shortfall_bound(np.array([101.0, 99.0]), due=due, drift=np.zeros(2), spread=np.zeros(2))
    assert bound[:, -1].tolist() == [0.0, 1.0]

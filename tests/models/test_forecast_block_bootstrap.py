"""Before anything is learned, an account known for long repeats its own past, and a young one walks at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketofone.models.forecast import Model, forecast
from marketofone.models.forecast.block_bootstrap import LEAST_DAYS, REACTION
from marketofone.profile.ledger import Account, Kind

AS_OF = 19_200
CASH = (Kind("cash", "cash", None),)


def account(balances: NDArray[np.int64]) -> Account:
    """Give an account with these balances on the last days up to ``AS_OF``."""
    days = AS_OF + 1 - len(balances) + np.arange(len(balances))
    return Account("a", "EUR", CASH, days, np.diff(balances, prepend=0), np.zeros(len(days), np.int64), balances)


def ahead(balances: NDArray[np.int64]) -> NDArray[np.int64]:
    said = forecast([account(balances)], as_of=AS_OF, currency="EUR", model=Model())
    assert said.total is not None
    return np.array([day.quantiles for day in said.total.days])


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.integers(-(10**6), 10**6), min_size=40, max_size=LEAST_DAYS))
def test_the_bands_of_a_young_account_grow_with_time(steps: list[int]) -> None:
    paths = ahead(np.cumsum(steps))
    for rank in range(4):
        assert (np.diff(paths[:, 8 - rank] - paths[:, rank]) >= -1).all()
    assert paths[-1, 8] - paths[-1, 0] > 5 * (paths[0, 8] - paths[0, 0]) - 10


@given(st.integers(-(10**6), 10**6))
def test_what_always_stood_still_is_expected_to(level: int) -> None:
    assert (ahead(np.full(200, level)) == level).all()


@pytest.mark.parametrize("jump", [50_000, -50_000])
def test_a_balance_above_its_usual_level_is_spent_and_one_below_it_is_made_up_for(jump: int) -> None:
    level = 400_000
    median = ahead(level + np.append(np.zeros(199, np.int64), jump))[[29, 59, 89], 4]
    assert median == pytest.approx(level + jump * (1 - REACTION) ** np.arange(1, 4), abs=abs(jump) / 10)


def test_the_drift_of_half_a_year_is_not_carried_on() -> None:
    rising = 10_000 * np.arange(200)
    median = ahead(rising)[:, 4]
    assert (median < rising[-1] + 10_000).all()


def test_the_bands_are_as_wide_as_what_happened_before() -> None:
    rng = np.random.default_rng(1)
    shape = np.cumsum(rng.normal(size=200))
    narrow, wide = (ahead((factor * shape).astype(np.int64))[:, [0, 8]] for factor in (1_000, 5_000))
    assert np.diff(wide, axis=1) == pytest.approx(5 * np.diff(narrow, axis=1), rel=0.02, abs=20)

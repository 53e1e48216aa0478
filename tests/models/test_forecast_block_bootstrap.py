"""Before anything is learned, an account known for long repeats its own past, and a young one walks at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketofone.models.forecast import Model, forecast
from marketofone.models.forecast.block_bootstrap import LEAST_DAYS, REACTION, trend
from marketofone.models.forecast.panel import align, look_from
from marketofone.profile.ledger import Account, Kind

AS_OF = 19_200
CASH = (Kind("cash", "cash", None),)


def account(balances: NDArray[np.int64], *, before: int = 0) -> Account:
    """Give an account with these balances on the last days up to ``AS_OF``; of a new one nothing stood before."""
    days = AS_OF + 1 - len(balances) + np.arange(len(balances))
    return Account("a", "EUR", CASH, days, np.diff(balances, prepend=before), np.zeros(len(days), np.int64), balances)


def ahead(balances: NDArray[np.int64], *, before: int = 0) -> NDArray[np.int64]:
    said = forecast([account(balances, before=before)], as_of=AS_OF, currency="EUR", model=Model())
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


def test_what_a_new_account_gained_while_it_filled_up_is_not_carried_on() -> None:
    rising = 10_000 * np.arange(200)
    median = ahead(rising)[:, 4]
    assert (median < rising[-1] + 10_000).all()


def test_somebody_who_saves_every_month_is_shown_to_save() -> None:
    """Earn 2,500 on the 10th, pay 900 on the 1st and 1,100 by the way, more in some months: 500 are left."""
    dates = np.arange(AS_OF - 199, AS_OF + 1).astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(int) + 1
    month = dates.astype("datetime64[M]").astype(int)
    often = np.where(of_month % 3 == 0, -(110_00 + 10_00 * (month % 3 - 1)), 0)
    moved = np.where(of_month == 10, 2_500_00, 0) + np.where(of_month == 1, -900_00, 0) + often
    balances = 3_000_00 + np.cumsum(moved)
    assert (ahead(balances, before=3_000_00)[89, 4] - balances[-1]) / 3 == pytest.approx(500_00, rel=0.25)


def test_what_chance_alone_may_have_gained_is_no_habit() -> None:
    dates = np.arange(AS_OF - 199, AS_OF + 1).astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype(int)
    for gain, sure in ((30_00, False), (400_00, True)):
        levels = 10_000_00 + gain * (month - month[0]) + 200_00 * (month % 2)
        (found,) = trend(align([look_from(account(levels, before=10_000_00), AS_OF, extra={})]))
        assert (found > gain / 2) == sure
        assert found in (0.0, pytest.approx(gain, rel=0.5))


def test_the_bands_are_as_wide_as_what_happened_before() -> None:
    rng = np.random.default_rng(1)
    shape = np.cumsum(rng.normal(size=200))
    narrow, wide = (ahead((factor * shape).astype(np.int64))[:, [0, 8]] for factor in (1_000, 5_000))
    assert np.diff(wide, axis=1) == pytest.approx(5 * np.diff(narrow, axis=1), rel=0.02, abs=20)

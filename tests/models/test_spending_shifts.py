"""Shifts of spending: found where something changed, and where nothing did, hardly anybody is told anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, mannwhitneyu

from marketofone.models.forecast.spending import find_spending, purchases
from marketofone.models.forecast.spending.shifts import (
    FALSE_DISCOVERIES,
    count_p_value,
    discoveries,
    rank_p_value,
    shifts,
)
from marketofone.profile.ledger import Account, Kind

pytestmark = pytest.mark.slow

# Synthetic: payments in 30 days and their usual size.
RATES = {
    "groceries": (9, 3_500),
    "dining": (6, 2_200),
    "transport": (8, 1_200),
    "shopping": (4, 5_000),
    "entertainment": (3, 2_500),
    "health": (1.5, 2_000),
    "cash": (4, 6_000),
}


def person(
    seed: int, *, days: int, evenness: float, factors: Mapping[str, tuple[Sequence[int], float]] | None = None
) -> Account:
    """Make somebody whose habits stay: own rates, own weekdays, weeks that scatter (gamma, the less even the more)."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, str, str]] = []
    for category, (rate, size) in RATES.items():
        weekdays, weeks = rng.dirichlet(np.full(7, 5.0)) * 7, rng.gamma(evenness, 1 / evenness, days // 7 + 1)
        daily = rate * rng.lognormal(0, 0.4) / 30 * weekdays[np.arange(days) % 7] * weeks[np.arange(days) // 7]
        when, factor = (factors or {}).get(category, (range(0), 1.0))
        daily[list(when)] *= factor
        for day in np.repeat(np.arange(days), rng.poisson(daily)).tolist():
            shop = f"{category} shop {'abcde'[rng.integers(5)]}"
            rows.append((day, -max(50, int(size * rng.lognormal(0, 0.6))), category, shop))
    rows.sort()
    kinds: dict[Kind, int] = {}
    of = np.array([kinds.setdefault(Kind("card", what, shop), len(kinds)) for _, _, what, shop in rows])
    when_paid, amounts = np.array([row[:2] for row in rows], dtype=np.int64).T
    return Account("a", "EUR", tuple(kinds), when_paid, amounts, of, when_paid * 0)


def told(account: Account, *, as_of: int) -> list[tuple[str | None, str | None]]:
    found = find_spending([account], as_of=as_of).findings
    return [(finding.category, finding.pattern) for finding in found if finding.kind in {"spending_shift", "check_in"}]


@pytest.mark.parametrize(
    "days", [pytest.param(125, marks=pytest.mark.slow), 215, pytest.param(395, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("evenness", [1000.0, 4.0])
def test_of_people_who_change_nothing_no_more_than_one_in_ten_is_told_of_a_shift(days: int, evenness: float) -> None:
    people = 250
    false = sum(bool(told(person(seed, days=days, evenness=evenness), as_of=days - 1)) for seed in range(people))
    # Rejected only if the true share can hardly be the promised one.
    assert binomtest(false, people, FALSE_DISCOVERIES, alternative="greater").pvalue > 0.01


def test_of_people_who_change_nothing_hardly_anybody_is_asked_how_they_are() -> None:
    accounts = [person(seed, days=215, evenness=4.0) for seed in range(300)]
    asked = sum(any(category is None for category, _ in told(account, as_of=214)) for account in accounts)
    assert binomtest(asked, len(accounts), 0.01, alternative="greater").pvalue > 0.01


def test_a_clear_shift_is_found_in_most_people_who_have_it() -> None:
    late = range(335, 365)
    changed = {"dining": (late, 3.0), "groceries": (late, 0.2)}
    found = [told(person(seed, days=365, evenness=1000.0, factors=changed), as_of=364) for seed in range(60)]
    assert sum(("dining", "trips_more") in one for one in found) > 42
    assert sum((None, "eating_out_more") in one for one in found) > 30


def test_what_was_the_same_a_year_ago_is_the_season_and_no_shift() -> None:
    late = range(735, 765)
    plain, seasonal = (
        [person(seed, days=765, evenness=1000.0, factors={"dining": (when, 4.0)}) for seed in range(30)]
        for when in ([*late], [*range(370, 400), *late])
    )
    assert sum(("dining", "trips_more") in told(one, as_of=764) for one in plain) > 20
    assert sum(("dining", "trips_more") in told(one, as_of=764) for one in seasonal) < 10


def test_before_three_earlier_blocks_are_known_nothing_is_said() -> None:
    account = person(1, days=119, evenness=4.0)
    assert list(shifts(purchases([account], streams=(), as_of=118), as_of=118)) == []


@given(st.integers(0, 40), st.integers(0, 200), st.integers(3, 12))
def test_without_scatter_the_count_test_is_the_exact_binomial_one(now: int, before: int, blocks: int) -> None:
    law: Any = binom(now + before, 1 / (blocks + 1))
    exact = min(1.0, 2 * min(law.cdf(now), law.sf(now - 1)))
    assert count_p_value(now, total=now + before, blocks=blocks, scatter=1.0) == pytest.approx(exact, abs=1e-3)


@given(st.integers(0, 40), st.integers(0, 200), st.integers(3, 12), st.floats(1.0, 5.0))
def test_the_more_a_habit_scatters_the_less_a_count_says(now: int, before: int, blocks: int, scatter: float) -> None:
    calm = count_p_value(now, total=now + before, blocks=blocks, scatter=scatter)
    wild = count_p_value(now, total=now + before, blocks=blocks, scatter=2 * scatter)
    assert 0 <= calm <= 1
    # Doubled tails of a discrete law may cross in the middle: two payments of thirteen blocks, from 0.17 on.
    assert wild >= calm - 1e-6 or calm > FALSE_DISCOVERIES, "where a shift could be told"


amounts = st.lists(st.integers(1, 30), min_size=4, max_size=30).map(np.array)


@given(amounts, amounts)
def test_the_rank_test_is_that_of_the_statistics_library(last: Any, before: Any) -> None:
    theirs = mannwhitneyu(last, before, method="asymptotic")
    if len(set(last) | set(before)) > 1:
        assert rank_p_value(last, before) == pytest.approx(min(1.0, theirs.pvalue), abs=1e-9)
    else:
        assert rank_p_value(last, before) == 1.0


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0.01, 0.5))
def test_discoveries_are_the_smallest_p_values_and_grow_with_the_rate(p_values: list[float], rate: float) -> None:
    told_now = discoveries(p_values, rate=rate)
    held = [value for value, sure in zip(p_values, told_now, strict=True) if sure]
    left = [value for value, sure in zip(p_values, told_now, strict=True) if not sure]
    assert max(held, default=0.0) <= min(left, default=1.0)
    assert all(more >= sure for more, sure in zip(discoveries(p_values, rate=2 * rate), told_now, strict=True))

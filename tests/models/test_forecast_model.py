"""What is learned on past days is a value: the same from the same past, and blind to the future."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from marketofone.models.forecast import Model, fit, forecast
from marketofone.models.forecast.boost import asked, boost, pulled
from marketofone.models.forecast.calibrate import NO_STRETCH
from marketofone.models.forecast.model import KNOTS, SHOCK
from marketofone.profile.ledger import UNTOLD, Account, Kind

FIRST = 19_000
KINDS = (Kind("transfer", "salary", "Employer"), Kind("cash", "cash", None))

Live = Callable[..., Account]


def quantiles(accounts: Sequence[Account], *, as_of: int, model: Model) -> np.ndarray:
    total = forecast(accounts, as_of=as_of, currency="EUR", model=model).total
    assert total is not None
    return np.array([at.quantiles for at in total.days])


def few(live: Live) -> list[Account]:
    """Give as few people as can be learned from."""
    return [live(seed, days=190) for seed in range(10)]


@pytest.mark.usefixtures("lightgbm", "few_trees")
def test_the_same_past_gives_the_same_bytes_and_they_read_back_the_same(live: Live) -> None:
    model = fit(few(live), known_until=FIRST + 189, seed=7, boosting=True)
    assert 300 <= model.windows < 1_000
    assert fit(few(live), known_until=FIRST + 189, seed=7, boosting=True).to_bytes() == model.to_bytes()
    assert Model.from_bytes(model.to_bytes()).to_bytes() == model.to_bytes()


@pytest.mark.usefixtures("few_trees")
def test_nothing_after_the_last_known_day_teaches(live: Live) -> None:
    until = FIRST + 189
    later = [live(seed, days=250) for seed in range(10)]
    changed = [replace(one, amounts=np.where(one.days > until, one.amounts * 3, one.amounts)) for one in later]
    untold = [replace(one, balances=np.where(one.days > until, UNTOLD, one.balances)) for one in changed]
    learned = fit(later, known_until=until, seed=7, boosting=False)
    assert learned.windows
    assert learned.known_until == until
    for others in (untold, [one.until(until) for one in later]):
        assert fit(others, known_until=until, seed=7, boosting=False).to_bytes() == learned.to_bytes()


@pytest.mark.parametrize("people", [0, 1, 4])
def test_too_little_to_learn_from_gives_the_prior(live: Live, people: int) -> None:
    assert (
        fit([live(seed, days=160) for seed in range(people)], known_until=FIRST + 189, seed=7, boosting=False)
        == Model()
    )


def test_accounts_nothing_is_known_of_teach_nothing(live: Live) -> None:
    none = live(1).until(FIRST - 1)
    untold = replace(live(2), balances=np.full_like(live(2).balances, UNTOLD))
    assert fit([none, *[untold] * 20], known_until=FIRST + 199, seed=7, boosting=False) == Model()


@pytest.mark.usefixtures("few_trees")
def test_people_who_are_all_alike_can_be_learned_from(live: Live) -> None:
    one = live(1, days=190)
    model = fit([one] * 10, known_until=FIRST + 189, seed=7, boosting=False)
    assert model.windows
    assert (np.diff(quantiles([one], as_of=FIRST + 189, model=model), axis=1) >= 0).all()


@pytest.mark.usefixtures("few_trees")
def test_people_who_are_all_new_teach_balances_and_no_incomes(live: Live) -> None:
    model = fit([live(seed, days=160) for seed in range(20)], known_until=FIRST + 159, seed=7, boosting=False)
    assert model.windows
    said = {event.event for event in forecast([live(1)], as_of=FIRST + 159, currency="EUR", model=model).events}
    assert said == {"below_zero", "below_buffer", "below_own_floor"}


@pytest.mark.usefixtures("few_trees")
def test_a_single_person_known_for_long_can_be_learned_from(live: Live) -> None:
    one = live(1, days=600)
    model = fit([one], known_until=FIRST + 599, seed=7, boosting=False)
    assert model.windows
    assert (np.diff(quantiles([one], as_of=FIRST + 599, model=model), axis=1) >= 0).all()


def test_a_model_of_people_tells_the_months_it_saw_ahead_of_them(taught: Model) -> None:
    # From 60 days after 8 January to 26 July.
    assert taught.months == (3, 4, 5, 6, 7)
    assert not taught.calendar


def test_months_never_seen_widen_the_bands_and_further_down_than_up(live: Live, taught: Model) -> None:
    as_of = FIRST + 120  # 8 May; the ninety days end on 6 August
    known, unseen = (
        quantiles([live(1_001)], as_of=as_of, model=structs.replace(taught, stretch=NO_STRETCH, months=months))
        for months in ((5, 6, 7, 8), (5, 7, 8))
    )
    assert (unseen[:20] == known[:20]).all()  # May is known
    middle = known[40:, 4]
    for rank, wider in ((0, SHOCK[0]), (8, SHOCK[1])):
        np.testing.assert_allclose(unseen[40:, rank] - middle, wider * (known[40:, rank] - middle), atol=3)
    assert SHOCK[0] > SHOCK[1] > 1


ROWS = st.lists(st.tuples(st.integers(0, 200), st.integers(-(10**6), 10**6)), min_size=4, max_size=30)


def account(rows: Sequence[tuple[int, int]], *, opening: int = 0) -> Account:
    days, amounts = np.array([(0, 1_000), (60, -900), (170, 50), *rows], dtype=np.int64).T
    order = np.argsort(days, kind="stable")
    days, amounts = days[order], amounts[order]
    return Account("a", "EUR", KINDS, days, amounts, (amounts < 0).astype(np.int64), opening + np.cumsum(amounts))


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, factor=st.integers(2, 1_000))
def test_before_anything_is_learned_ten_times_the_money_is_ten_times_the_forecast(
    rows: list[tuple[int, int]], factor: int
) -> None:
    one = account(rows)
    many = replace(one, amounts=one.amounts * factor, balances=one.balances * factor)
    plain, scaled = (quantiles([each], as_of=200, model=Model()) for each in (one, many))
    # The unit is a whole number of minor units of each; it cancels out but for the own month of both.
    assert (np.abs(scaled - plain * factor) <= 2 * factor).all()


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, more=st.integers(-(10**9), 10**9))
def test_before_anything_is_learned_a_higher_balance_lifts_the_path_by_as_much(
    rows: list[tuple[int, int]], more: int
) -> None:
    openings = (2 * 10**9, 2 * 10**9 + more)  # neither is a new account: nothing stood on that before
    low, high = (quantiles([account(rows, opening=opening)], as_of=200, model=Model()) for opening in openings)
    assert (np.abs(high - low - more) <= 1).all()


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, opening=st.integers(-1_000, 3 * 10**6), is_taught=st.booleans())
def test_the_chance_of_running_short_is_one_that_the_bands_allow(
    taught: Model, rows: list[tuple[int, int]], opening: int, *, is_taught: bool
) -> None:
    model = taught if is_taught else Model()
    found = forecast([account(rows, opening=opening)], as_of=200, currency="EUR", model=model)
    assert found.total is not None
    tenths = np.array([(np.array(day.quantiles) < 0).sum() for day in found.total.days])
    for event in found.events:
        if event.event == "below_zero" and event.drivers != ("the balance is there already",):
            worst = tenths[: event.horizon_days].max()
            assert worst / 20 <= event.probability <= min(1.0, (worst + 1) / 5)


@pytest.mark.usefixtures("lightgbm")
def test_boosting_pulls_every_path_at_its_rank_so_that_ranks_and_bands_keep_their_order() -> None:
    rng = np.random.default_rng(7)
    inputs = np.repeat(rng.standard_normal((400, 1, 3)), 18, axis=1).astype(np.float32)
    errors = inputs[..., 0] + 0.1 * rng.standard_normal((400, 18))
    models = boost(inputs.reshape(-1, 3), errors.ravel(), seed=7)
    drawn = rng.standard_normal((5, 50, 18))
    pulled_to = pulled(drawn, models, inputs[:5, : len(asked(KNOTS))], knots=KNOTS)
    assert (np.argsort(drawn, axis=1) == np.argsort(pulled_to, axis=1)).all()
    before, after = np.median(drawn, axis=1) - inputs[:5, :, 0], np.median(pulled_to, axis=1) - inputs[:5, :, 0]
    assert np.abs(after).mean() < 0.8 * np.abs(before).mean()

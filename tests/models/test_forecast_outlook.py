"""Ninety days ahead: quantiles and chances that agree with one another, and silence where little is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.models.forecast import (
    ErrorTable,
    Expected,
    Forecast,
    Movement,
    fit_errors,
    forecast,
    prior_errors,
)
from marketofone.models.forecast.history import history

FOUR_CENTURIES = 146_097  # the Gregorian calendar repeats itself, weekdays and all


def life(seed: int, *, days: int = 400, account: str = "a", start: int = 19_000) -> list[Movement]:
    """Salary on the 12th, rent soon after it, and cash now and then: a person of whom everything is known."""
    rng = np.random.default_rng(seed)
    pay = int(rng.integers(150_000, 400_000))
    balance, moves = int(rng.integers(0, 3 * pay)), []
    for day in range(start, start + days):
        dues = [(pay, "salary", "Employer")] * ((day - start) % 30 == 12) + [(-pay // 3, "rent", "Landlord")] * (
            (day - start) % 30 == 15
        )
        if rng.random() < 0.2:
            dues.append((-int(rng.lognormal(np.log(pay / 12), 0.7)), "cash", ""))
        for amount, category, whom in dues:
            balance += amount
            moves.append(Movement(day, account, amount, category, "transfer", whom or None, balance))
    return moves


@pytest.fixture(scope="module")
def fitted() -> ErrorTable:
    histories = [life(seed) for seed in range(60)]
    return fit_errors(histories, as_of_days=range(19_090, 19_310, 30), known_until=19_399)


def ahead(movements: list[Movement], *, as_of: int, errors: ErrorTable | None = None) -> Forecast:
    return forecast(movements, as_of=as_of, currency="EUR", errors=errors or prior_errors())


def chances(of: Forecast) -> dict[str, list[float]]:
    names = dict.fromkeys(event.event for event in of.events)
    return {name: [event.probability for event in of.events if event.event == name] for name in names}


moves = st.lists(
    st.tuples(st.integers(0, 200), st.integers(-(10**7), 10**7), st.sampled_from("ab")), min_size=1, max_size=30
)


def random_life(drawn: list[tuple[int, int, str]]) -> list[Movement]:
    balances = {"a": 0, "b": 0}
    movements = []
    for day, amount, account in sorted(drawn):
        balances[account] += amount
        movements.append(Movement(day, account, amount, "cash", "cash", None, balances[account]))
    return movements


@settings(max_examples=60, deadline=None)
@given(drawn=moves, learned=st.booleans())
def test_quantiles_never_cross_and_chances_grow_with_the_horizon_and_the_floor(
    fitted: ErrorTable, drawn: list[tuple[int, int, str]], *, learned: bool
) -> None:
    found = ahead(random_life(drawn), as_of=200, errors=fitted if learned else None)
    for outlook in [*found.accounts, *([found.total] if found.total else [])]:
        assert bool(outlook.days) != bool(outlook.abstains)
        assert [at.day for at in outlook.days] == (list(range(201, 291)) if outlook.days else [])
        assert all(tuple(sorted(at.quantiles)) == at.quantiles and len(at.quantiles) == 9 for at in outlook.days)
    of = chances(found)
    for series in of.values():
        assert series == sorted(series)
        assert all(0.0 <= chance <= 1.0 for chance in series)
    if found.total:
        assert all(low <= high for low, high in zip(of["below_zero"], of["below_buffer"], strict=True))


@settings(max_examples=60, deadline=None)
@given(drawn=moves)
def test_the_chance_of_falling_below_zero_is_at_least_what_the_quantiles_of_any_day_say(
    drawn: list[tuple[int, int, str]],
) -> None:
    found = ahead(random_life(drawn), as_of=200)
    if found.total is None:
        return
    for horizon, chance in zip((30, 60, 90), chances(found)["below_zero"], strict=True):
        days = found.total.days[:horizon]
        for rank, share in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)):
            if min(at.quantiles[rank] for at in days) < 0:
                assert chance >= share - 1e-9


@pytest.mark.parametrize("count", [0, 1, 3])
def test_somebody_hardly_known_gets_silence_and_the_reason(count: int) -> None:
    found = ahead([Movement(10 * index, "a", 500, balance_minor=500) for index in range(count)], as_of=100)
    assert found.total is None
    assert found.events == ()
    assert [outlook.days for outlook in found.accounts] == [()] * min(count, 1)
    assert all("not enough history" in (outlook.abstains or "") for outlook in found.accounts)


def test_an_account_whose_balance_nobody_told_is_left_out_of_the_total() -> None:
    untold = [Movement(day, "elsewhere", -500) for day in range(19_000, 19_200, 10)]
    found = ahead(life(1) + untold, as_of=19_300)
    assert [(outlook.account, outlook.abstains) for outlook in found.accounts] == [
        ("a", None),
        ("elsewhere", "no balance is known"),
    ]
    assert found.total is not None
    assert found.total.accounts == ("a",)
    assert found.total.days == found.accounts[0].days


def test_moving_money_between_ones_own_accounts_does_not_change_the_total(fitted: ErrorTable) -> None:
    plain = life(3)
    aside = [Movement(19_000 + 30 * index, "b", 10_000, balance_minor=10_000 * (index + 1)) for index in range(9)]
    found = ahead(plain + aside, as_of=19_300, errors=fitted)
    assert found.total is not None
    assert found.total.accounts == ("a", "b")
    spread = [at.quantiles[8] - at.quantiles[0] for outlook in found.accounts for at in outlook.days[-1:]]
    assert found.total.days[-1].quantiles[8] - found.total.days[-1].quantiles[0] < 1.1 * sum(spread)


def test_a_salary_lifts_the_path_on_its_day_and_rent_is_named_among_the_drivers() -> None:
    found = ahead(life(5), as_of=19_300)
    assert found.total is not None
    salary = next(payment for payment in found.payments if payment.stream.category == "salary")
    middle = {at.day: at.quantiles[4] for at in found.total.days}
    assert middle[salary.day] - middle[salary.day - 1] > 0.8 * salary.amount_minor
    drivers = {driver for event in found.events for driver in event.drivers}
    assert any(driver.startswith("rent to Landlord: ") and " EUR around " in driver for driver in drivers)


def test_a_balance_already_below_a_floor_is_no_forecast_but_a_fact() -> None:
    poor = [Movement(19_000 + 10 * index, "a", -100, balance_minor=-100 * index) for index in range(1, 20)]
    event = next(event for event in ahead(poor, as_of=19_200).events if event.event == "below_zero")
    assert event == Expected(
        event="below_zero",
        horizon_days=30,
        probability=1.0,
        expected_from=19_200,
        expected_to=19_200,
        drivers=("the balance is there already",),
    )


def test_expected_dates_lie_within_the_horizon(fitted: ErrorTable) -> None:
    found = [event for seed in range(20) for event in ahead(life(seed), as_of=19_250, errors=fitted).events]
    told = [event for event in found if event.expected_from is not None and event.expected_from > 19_250]
    assert told
    for event in told:
        assert event.expected_to is not None
        assert event.expected_from is not None
        assert event.expected_from <= event.expected_to <= 19_250 + event.horizon_days
    assert all((event.expected_from is None) == (event.probability == 0.0) for event in found)


def test_nothing_after_the_day_is_looked_at(fitted: ErrorTable) -> None:
    movements = life(7)
    known = [move for move in movements if move.day <= 19_250]
    assert ahead(movements, as_of=19_250, errors=fitted) == ahead(known, as_of=19_250, errors=fitted)


def test_four_centuries_later_everything_is_the_same(fitted: ErrorTable) -> None:
    now = ahead(life(8), as_of=19_300, errors=fitted)
    then = ahead(life(8, start=19_000 + FOUR_CENTURIES), as_of=19_300 + FOUR_CENTURIES, errors=fitted)
    assert now.total is not None
    assert then.total is not None
    assert [at.quantiles for at in now.total.days] == [at.quantiles for at in then.total.days]
    assert chances(now) == chances(then)


def test_the_eight_tenths_band_holds_about_eight_tenths_of_what_came_for_people_never_seen(fitted: ErrorTable) -> None:
    inside = []
    for seed in range(1_000, 1_040):
        movements = life(seed)
        found = ahead(movements, as_of=19_300, errors=fitted).total
        assert found is not None
        came = history(movements, as_of=19_399).closing(np.arange(19_301, 19_391)).tolist()
        inside += [at.quantiles[0] <= real <= at.quantiles[8] for at, real in zip(found.days, came, strict=True)]
    assert 0.68 < np.mean(inside) < 0.92


def test_what_was_learned_is_narrower_than_the_prior(fitted: ErrorTable) -> None:
    def width(errors: ErrorTable) -> float:
        totals = [ahead(life(seed), as_of=19_300, errors=errors).total for seed in range(1_000, 1_010)]
        return float(np.mean([t.days[59].quantiles[8] - t.days[59].quantiles[0] for t in totals if t is not None]))

    assert width(fitted) < width(prior_errors())

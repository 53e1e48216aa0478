"""Ninety days ahead: quantiles and chances that agree with one another, and silence where little is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.fields import AccountType
from marketofone.models.forecast import AccountForecast, Expected, Forecast, Model, fit, forecast, forecast_all
from marketofone.models.forecast.history import history_of
from marketofone.profile.ledger import UNTOLD, Account, Kind

FOUR_CENTURIES = 146_097  # the Gregorian calendar repeats itself, weekdays and all
FIRST, AS_OF = 19_000, 19_105
CASH = (Kind("cash", "cash", None),)
Live = Callable[..., Account]
Moves = list[tuple[int, int, str]]


def ahead(accounts: Sequence[Account], *, as_of: int = AS_OF, model: Model | None = None) -> Forecast:
    return forecast(accounts, as_of=as_of, currency="EUR", model=model or Model())


def total(of: Forecast) -> AccountForecast:
    assert of.total is not None
    return of.total


def quantiles(of: Forecast) -> np.ndarray:
    return np.array([at.quantiles for at in total(of).days])


def chances(of: Forecast) -> dict[str, list[float]]:
    names = dict.fromkeys(event.event for event in of.events)
    return {name: [event.probability for event in of.events if event.event == name] for name in names}


def account(rows: Sequence[tuple[int, int]], *, name: str = "a", told: bool = True) -> Account:
    days, amounts = np.array(rows, dtype=np.int64).T
    balances = np.cumsum(amounts) if told else np.full_like(days, UNTOLD)
    return Account(name, "EUR", CASH, days, amounts, days * 0, balances)


moves = st.lists(
    st.tuples(st.integers(0, 200), st.integers(-(10**7), 10**7), st.sampled_from("ab")), min_size=1, max_size=30
)


def random_life(drawn: Moves) -> list[Account]:
    names = sorted({name for _, _, name in drawn})
    return [account(sorted((day, amount) for day, amount, name in drawn if name == own), name=own) for own in names]


@settings(max_examples=50, deadline=None)
@given(drawn=moves, learned=st.booleans())
def test_quantiles_never_cross_and_chances_grow_with_the_horizon_and_the_floor(
    taught: Model, drawn: Moves, *, learned: bool
) -> None:
    found = ahead(random_life(drawn), as_of=200, model=taught if learned else None)
    for account_forecast in [*found.accounts, *([found.total] if found.total else [])]:
        assert bool(account_forecast.days) != bool(account_forecast.abstains)
        assert [at.day for at in account_forecast.days] == (list(range(201, 291)) if account_forecast.days else [])
        assert all(
            tuple(sorted(at.quantiles)) == at.quantiles and len(at.quantiles) == 9 for at in account_forecast.days
        )
    of = chances(found)
    for series in of.values():
        assert len(series) == 3
        assert series == sorted(series)
        assert all(0.0 <= chance <= 1.0 for chance in series)
    for graver, milder in (("below_zero", "below_buffer"), ("income_drop", "income_change")):
        assert (graver in of) == (milder in of)
        assert all(low <= high for low, high in zip(of.get(graver, ()), of.get(milder, ()), strict=True))
    assert bool(found.total) == ("below_zero" in of)


@settings(max_examples=50, deadline=None)
@given(drawn=moves)
def test_the_chance_of_falling_below_zero_is_at_least_what_the_quantiles_of_any_day_say(drawn: Moves) -> None:
    found = ahead(random_life(drawn), as_of=200)
    if found.total is None:
        return
    for horizon, chance in zip((30, 60, 90), chances(found)["below_zero"], strict=True):
        days = found.total.days[:horizon]
        for rank, share in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)):
            if min(at.quantiles[rank] for at in days) < 0:
                assert chance >= share - 1e-9


@settings(max_examples=25, deadline=None)
@given(people=st.lists(moves, min_size=1, max_size=5), seeds=st.lists(st.integers(0, 99), max_size=3))
def test_everybody_gets_together_what_they_get_alone(
    live: Live, taught: Model, people: list[Moves], seeds: list[int]
) -> None:
    asked = [*map(random_life, people), [], *([live(seed, first=0)] for seed in seeds)]
    together = forecast_all([(accounts, "EUR") for accounts in asked], as_of=200, model=taught)
    assert together == [ahead(accounts, as_of=200, model=taught) for accounts in asked]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_somebody_hardly_known_gets_silence_and_the_reason(count: int) -> None:
    found = ahead([account([(10 * at, 500) for at in range(count)])] if count else [], as_of=100)
    assert found.total is None
    assert found.events == ()
    assert [account_forecast.days for account_forecast in found.accounts] == [()] * min(count, 1)
    assert all("not enough history" in (account_forecast.abstains or "") for account_forecast in found.accounts)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(at, 500) for at in range(29)], "29 movements in 29 days are not enough history"),
        ([(at, 500) for at in range(0, 99, 9)], "nothing has moved for 110 days"),
    ],
)
def test_an_account_that_says_too_little_is_given_no_path_but_the_reason(
    rows: list[tuple[int, int]], reason: str
) -> None:
    as_of = 29 if len(rows) == 29 else 200
    (account_forecast,) = ahead([account(rows)], as_of=as_of).accounts
    assert (account_forecast.days, account_forecast.abstains) == ((), reason)


def test_an_account_whose_balance_nobody_told_is_left_out_of_the_total(live: Live, taught: Model) -> None:
    untold = account([(day, -500) for day in range(FIRST, AS_OF, 10)], name="elsewhere", told=False)
    found = ahead([live(1), untold], model=taught)
    assert [(one.account, one.relative, bool(one.days)) for one in found.accounts] == [
        ("a", False, True),
        ("elsewhere", True, True),
    ]
    assert total(found).accounts == ("a",)
    assert total(found).days == found.accounts[0].days
    assert found.events == ahead([live(1)], model=taught).events


def test_where_no_balance_is_known_changes_are_told_and_nothing_about_running_short(taught: Model) -> None:
    flows = [(day, 250_000 if day % 30 == 3 else -7_000) for day in range(FIRST, AS_OF + 1)]
    told, untold = (ahead([account(flows, told=told)], model=taught) for told in (True, False))

    assert total(untold).relative
    assert not total(told).relative
    assert {event.event for event in untold.events} == {"large_expense", "income_change", "income_drop"}
    assert abs(quantiles(untold)[29, 4]) < 4 * 250_000


@pytest.mark.parametrize("type_", ["card", "loan", "mortgage", "investment"])
def test_what_is_owed_or_put_away_makes_no_shortfall(live: Live, taught: Model, type_: AccountType) -> None:
    debt = replace(account([(day, 90_000) for day in range(FIRST, AS_OF, 30)], name="debt"), type=type_)
    debt = replace(debt, balances=debt.balances - 18_000_000)

    found = ahead([live(1), debt], model=taught)

    assert total(found).accounts == ("a",)
    assert found.events == ahead([live(1)], model=taught).events
    assert found.accounts[1].abstains == f"what stands on a {type_} account is no money to spend"


def test_savings_that_rest_stay_in_the_total_however_long_nothing_moved(live: Live, taught: Model) -> None:
    savings = account([(day, 100_000) for day in range(FIRST, FIRST + 40, 10)], name="savings")
    for as_of in (AS_OF - 20, AS_OF):  # 55 and 75 days after they moved last
        alone, both = (ahead(of, as_of=as_of, model=taught) for of in ([live(1)], [live(1), savings]))
        assert quantiles(both)[0, 4] - quantiles(alone)[0, 4] == pytest.approx(400_000, rel=0.1)
        assert total(both).accounts == ("a", "savings")
    assert both.accounts[1].abstains == "nothing has moved for 75 days"


def paid_on_the_28th(seed: int) -> Account:
    dates = np.arange(FIRST, FIRST + 300).astype("datetime64[D]")
    paid = (dates - dates.astype("datetime64[M]")).astype(int) == 27
    spent = np.random.default_rng(seed).integers(2_000, 14_000, len(dates))
    return account(list(zip(range(FIRST, FIRST + 300), np.where(paid, 250_000, -spent).tolist(), strict=True)))


@pytest.mark.usefixtures("few_trees")
def test_a_salary_that_goes_on_never_drops_wherever_the_months_are_cut() -> None:
    model = fit([paid_on_the_28th(seed) for seed in range(6)], known_until=FIRST + 299, seed=7, boosting=False)
    lived = paid_on_the_28th(1_000)
    for as_of in range(FIRST + 200, FIRST + 232):
        said = chances(ahead([lived.until(as_of)], as_of=as_of, model=model))
        assert max(said["income_drop"]) <= 0.01


def test_the_model_abstains_from_events_that_need_a_longer_past(live: Live, taught: Model) -> None:
    said = [set(chances(ahead([live(1)], as_of=FIRST + days, model=taught))) for days in (40, 70, 105)]
    assert said[0] == {"below_zero", "below_buffer"}
    assert said[1] == {"below_zero", "below_buffer", "below_own_floor"}
    assert said[2] == said[1] | {"large_expense", "income_change", "income_drop"}
    assert set(chances(ahead([live(1)]))) == said[1]  # nothing was learned


def test_what_moves_between_ones_own_accounts_cancels_out() -> None:
    """Half the balance is carried to and fro between two accounts: for their sum nothing has moved."""
    still = account([(FIRST, 50_000), *((FIRST + at, 0) for at in range(10, 200, 10))])
    carried = [(FIRST + at, 20_000 * (-1) ** (at // 10)) for at in range(10, 200, 10)]
    here = account([(FIRST, 50_000), *carried])
    there = account([(FIRST, 0), *((day, -amount) for day, amount in carried)], name="b")
    both, alone = ahead([here, there]), ahead([still])
    assert total(both).accounts == ("a", "b")
    assert quantiles(both).tolist() == quantiles(alone).tolist() == [[50_000] * 9] * 90
    assert [account_forecast.days[-1].quantiles[0] < 30_000 for account_forecast in both.accounts] == [True, True]


@pytest.mark.parametrize("seed", range(5))
def test_before_anything_is_learned_a_sum_is_about_as_sure_as_its_parts_together(live: Live, seed: int) -> None:
    found = ahead([live(seed), live(seed + 100, name="b")])
    widths = [
        at.quantiles[8] - at.quantiles[0] for account_forecast in found.accounts for at in account_forecast.days[-1:]
    ]
    assert max(widths) / 2 < np.ptp(quantiles(found)[-1]) < 1.1 * sum(widths)


def test_a_salary_lifts_the_path_on_its_day_and_rent_is_named_among_the_drivers(live: Live, taught: Model) -> None:
    found = ahead([live(5)], model=taught)
    salary = next(payment for payment in found.payments if payment.stream.category == "salary")
    middle = dict(zip((at.day for at in total(found).days), quantiles(found)[:, 4].tolist(), strict=True))
    assert middle[salary.day + 1] - middle[salary.day - 2] > 0.5 * salary.amount_minor
    drivers = {driver for event in found.events for driver in event.drivers}
    assert any(driver.startswith("rent to Landlord: ") and " EUR around " in driver for driver in drivers)
    assert all(event.drivers and len(event.drivers) <= 3 for event in found.events)
    causes = {event.event: event.cause for event in found.events}
    assert causes["below_zero"] == "below_zero:rent:Landlord"
    assert causes["income_drop"] == "income_drop:salary:Employer"


def test_a_balance_already_below_a_floor_is_no_forecast_but_a_fact(taught: Model) -> None:
    poor = account([(FIRST + 10 * at, -100) for at in range(20)])
    for model in (Model(), taught):
        found = ahead([poor], as_of=FIRST + 195, model=model)
        of = [event for event in found.events if event.event == "below_zero"]
        assert [event.horizon_days for event in of] == [30, 60, 90]
        for event in of:
            assert event == Expected(
                event="below_zero",
                horizon_days=event.horizon_days,
                probability=1.0,
                expected_from=FIRST + 195,
                expected_to=FIRST + 195,
                drivers=("the balance is there already",),
                cause=event.cause,
            )
        assert chances(found)["below_buffer"] == [1.0, 1.0, 1.0]


def test_expected_dates_lie_within_the_horizon(live: Live, taught: Model) -> None:
    found = [event for seed in range(20) for event in ahead([live(seed)], model=taught).events]
    told = [event for event in found if event.expected_from is not None and event.expected_from > AS_OF]
    assert told
    for event in told:
        assert event.expected_to is not None
        assert event.expected_from is not None
        assert event.expected_from <= event.expected_to <= AS_OF + event.horizon_days
    assert all((event.expected_from is None) == (event.expected_to is None) for event in found)


def test_nothing_after_the_day_is_looked_at(live: Live, taught: Model) -> None:
    one = live(7)
    later = replace(
        one, amounts=np.where(one.days > AS_OF, 9, one.amounts), balances=one.balances * (one.days <= AS_OF)
    )
    known = ahead([one.until(AS_OF)], model=taught)
    assert ahead([one], model=taught) == ahead([later], model=taught) == known


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), shuffled=st.randoms(use_true_random=False))
def test_the_order_of_movements_within_a_day_does_not_matter(
    live: Live, taught: Model, seed: int, shuffled: Random
) -> None:
    one = live(seed)
    order = np.lexsort((np.array([shuffled.random() for _ in one.days]), one.days))
    same = replace(one, **{name: getattr(one, name)[order] for name in ("amounts", "of", "balances")})
    assert ahead([same], model=taught) == ahead([one], model=taught)


def test_the_numbering_of_kinds_does_not_matter(live: Live, taught: Model) -> None:
    one = live(9)
    other = replace(one, kinds=one.kinds[::-1], of=len(one.kinds) - 1 - one.of)
    assert ahead([other], model=taught) == ahead([one], model=taught)


def test_four_centuries_later_everything_is_the_same(live: Live, taught: Model) -> None:
    now = ahead([live(8)], model=taught)
    then = ahead([live(8, first=FIRST + FOUR_CENTURIES)], as_of=AS_OF + FOUR_CENTURIES, model=taught)
    assert quantiles(now).tolist() == quantiles(then).tolist()
    assert chances(now) == chances(then)


@pytest.fixture(params=["taught", pytest.param("taught_in_full", marks=pytest.mark.slow)])
def learned(request: pytest.FixtureRequest) -> Model:
    """Give what was learned with few trees, and with all of them."""
    model: Model = request.getfixturevalue(request.param)
    return model


def test_the_eight_tenths_band_holds_about_eight_tenths_of_what_came_for_people_never_seen(
    live: Live, learned: Model
) -> None:
    inside = []
    for seed in range(1_000, 1_060):
        one = live(seed)
        bands = quantiles(ahead([one], model=learned))
        came = history_of(one, FIRST + 199).closing(np.arange(AS_OF + 1, AS_OF + 91))
        inside.append((bands[:, 0] <= came) & (came <= bands[:, 8]))
    assert 0.68 < np.mean(inside) < 0.92


def test_what_was_learned_from_others_loses_less_than_the_own_past_alone(live: Live, learned: Model) -> None:
    people = [live(seed) for seed in range(1_000, 1_040)]
    came = np.stack([history_of(one, FIRST + 199).closing(np.arange(AS_OF + 1, AS_OF + 91)) for one in people])

    def loss(model: Model) -> float:
        error = came[:, :, None] - np.stack([quantiles(ahead([one], model=model)) for one in people])
        tenths = np.arange(1, 10) / 10
        return float(np.maximum(tenths * error, (tenths - 1) * error).mean())

    assert loss(learned) < loss(Model())


def test_the_turnover_is_the_usual_one_of_a_month(live: Live) -> None:
    one = live(4)
    assert ahead([one]).turnover == pytest.approx(one.amounts.max(), rel=0.5)
    assert ahead([]).turnover == 0

"""What is known of the future leads: orders take the place of what history let one expect, once, on their days."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketofone.domain.fields import Every
from marketofone.domain.moment import DAY, Day, Instant, date_of, day_number
from marketofone.models.forecast import Expected, Forecast, Model, forecast
from marketofone.models.forecast.known_payments import between_own
from marketofone.models.forecast.order_days import due_days
from marketofone.models.forecast.streams import Payment
from marketofone.profile.account_orders import by_account
from marketofone.profile.ledger import Account, Kind
from marketofone.profile.orders import Order

KINDS = (
    Kind("transfer", "salary", "Acme Works", "salary"),
    Kind("transfer", "rent", "Landlord", "spending"),
    Kind("card", "groceries", None, "spending"),
    Kind("transfer", "card", "Card company", "card_bill"),
    Kind(None, "saving", None, "own_transfer"),
)
SALARY, RENT, GROCERIES, BILL, SAVING = range(len(KINDS))
TODAY = day_number(date(2026, 11, 10))
BORN = day_number(date(2026, 4, 1))


def on(month: int, day: int, *, year: int = 2026) -> Day:
    return day_number(date(year, month, day))


def account(*more: tuple[int, int, int], name: str = "a", opening: int = 3_000_00, **facts: Any) -> Account:
    """Live from April to 10 November: 2,500 on the 28th, 900 rent on the 1st, 90 for groceries every fifth day."""
    rows: list[tuple[int, int, int]] = [(on(month, 28), 2_500_00, SALARY) for month in range(4, 11)]
    rows += [(on(month, 1), -900_00, RENT) for month in range(4, 12)]
    rows += [(day, -90_00, GROCERIES) for day in range(BORN, TODAY, 5)]
    return made([*rows, *more], name=name, opening=opening, **facts)


def made(rows: Sequence[tuple[int, int, int]], *, name: str, opening: int, **facts: Any) -> Account:
    days, amounts, of = np.array(sorted(rows), dtype=np.int64).T
    return Account(name, "EUR", KINDS, days, amounts, of, opening + np.cumsum(amounts), **facts)


def order(amount: int | None, **facts: Any) -> Order:
    told = Instant(facts.pop("told", TODAY - 2) * DAY)
    sign: Any = facts.pop("sign", -1 if amount is None or amount < 0 else 1)
    return Order(account="a", told=told, sign=sign, amount_minor=amount, **facts)


def ahead(*accounts: Account, model: Model | None = None) -> Forecast:
    return forecast(accounts, as_of=TODAY, currency="EUR", model=model or Model())


def led(*orders: Order, **facts: Any) -> Forecast:
    return ahead(account(orders=orders, **facts))


def paid(found: Forecast, category: str | None) -> list[tuple[str, int]]:
    return [
        (date_of(Day(one.day)).isoformat(), one.amount_minor)
        for one in found.payments
        if one.stream.category == category
    ]


def median(found: Forecast) -> np.ndarray:
    assert found.total is not None
    return np.array([day.quantiles[4] for day in found.total.days])


def event(found: Forecast, name: str, within: int) -> Expected:
    return next(one for one in found.events if (one.event, one.horizon_days) == (name, within))


RENTS = [("2026-12-01", -900_00), ("2027-01-01", -900_00), ("2027-02-01", -900_00)]
PLAIN = ahead(account())


@pytest.mark.parametrize("taught_one", [False, True])
def test_what_is_paid_once_is_in_on_its_day_and_moves_the_whole_fan(taught: Model, *, taught_one: bool) -> None:
    model = taught if taught_one else Model()
    garage = order(-700_00, next_on=on(12, 10), category="garage")
    without, with_it = ahead(account(), model=model), ahead(account(orders=(garage,)), model=model)
    assert paid(with_it, "garage") == [("2026-12-10", -700_00)]
    moved = median(with_it) - median(without)
    at = on(12, 10) - TODAY - 1
    assert np.abs(moved[:at]).max() <= 1
    assert np.abs(moved[at:] + 700_00).max() <= 1


def test_an_order_for_what_history_shows_counts_once_and_changes_nothing() -> None:
    rent = order(-900_00, counterparty="LANDLORD", first_on=on(1, 1), every="month")
    found = led(rent)
    assert paid(found, None) + paid(found, "rent") == RENTS
    assert np.abs(median(found) - median(PLAIN)).max() <= 1


@pytest.mark.parametrize(
    "facts",
    [
        {"counterparty": "Landlord"},
        {"category": "rent"},
        {},
        {"counterparty": "J. Smith", "next_on": on(12, 2)},
    ],
)
def test_the_same_thing_is_recognised_by_name_by_category_by_amount_and_by_day(facts: dict[str, Any]) -> None:
    told = {"next_on": on(12, 1), "every": "month", **facts}
    found = led(order(-900_00, **told))
    rents = [one for one in found.payments if one.amount_minor == -900_00]
    assert len(rents) == 3


def test_amount_and_day_come_from_the_order() -> None:
    found = led(order(-960_00, counterparty="Landlord", category="rent", next_on=on(12, 3), every="month"))
    assert paid(found, "rent") == [("2026-12-03", -960_00), ("2027-01-03", -960_00), ("2027-02-03", -960_00)]
    moved = median(found) - median(PLAIN)
    assert [round(moved[on(12, 4) - TODAY - 1]), round(moved[-1])] == pytest.approx([-60_00, -180_00], abs=2)


def test_another_payment_to_the_same_one_is_another_thing() -> None:
    garage = order(-80_00, counterparty="Landlord", category="garage", next_on=on(12, 15), every="month")
    found = led(garage)
    assert paid(found, "rent") == RENTS
    assert len(paid(found, "garage")) == 2


def test_a_rise_that_begins_later_leaves_what_is_paid_before_it() -> None:
    found = led(order(-950_00, counterparty="Landlord", category="rent", first_on=on(1, 1, year=2027), every="month"))
    assert paid(found, "rent") == [("2026-12-01", -900_00), ("2027-01-01", -950_00), ("2027-02-01", -950_00)]


@pytest.mark.parametrize("facts", [{"ended": True}, {"last_on": on(11, 1)}])
def test_an_order_that_ended_ends_its_stream(facts: dict[str, Any]) -> None:
    found = led(order(-900_00, counterparty="Landlord", first_on=on(4, 1), every="month", **facts))
    assert paid(found, "rent") == []
    assert median(found)[-1] - median(PLAIN)[-1] == pytest.approx(2_700_00, abs=2)


def test_an_order_is_paid_until_its_last_day() -> None:
    found = led(
        order(
            -900_00,
            counterparty="Landlord",
            category="rent",
            next_on=on(12, 1),
            every="month",
            last_on=on(1, 1, year=2027),
        )
    )
    assert paid(found, "rent") == RENTS[:2]


def test_what_goes_on_after_its_end_was_told_goes_on() -> None:
    assert paid(led(order(-900_00, counterparty="Landlord", ended=True, told=on(6, 15))), "rent") == RENTS


def test_an_order_that_was_due_and_not_paid_counts_no_more_until_it_is_told_again() -> None:
    gym = {"category": "sport", "first_on": on(9, 5), "every": "month"}
    assert paid(led(order(-60_00, told=on(9, 1), **gym)), "sport") == []
    assert len(paid(led(order(-60_00, told=TODAY, **gym)), "sport")) == 3


def test_what_was_due_yesterday_and_is_not_seen_is_expected_tomorrow() -> None:
    gym = order(-60_00, category="sport", next_on=on(11, 9), every="month")
    assert paid(led(gym), "sport")[0] == ("2026-11-11", -60_00)


def test_a_mandate_goes_on_as_history_says_and_ends_when_it_is_told() -> None:
    assert paid(led(order(None, counterparty="Landlord")), "rent") == RENTS
    assert paid(led(order(None, counterparty="Landlord", ended=True)), "rent") == []
    assert led(order(None, counterparty="Power company")).payments == PLAIN.payments


def test_a_loan_is_paid_as_history_shows_until_it_is_paid_off() -> None:
    instalments = [(on(month, 12), -210_00, BILL) for month in range(5, 11)]
    loan = order(-210_00, category="loan_payment", first_on=on(5, 10), last_on=on(12, 10), every="month", loan=True)
    found = ahead(account(*instalments, orders=(loan,)))
    assert paid(found, "card") == [("2026-11-12", -210_00), ("2026-12-12", -210_00)]
    new = order(
        -210_00, category="loan_payment", first_on=on(12, 1), last_on=on(11, 1, year=2029), every="month", loan=True
    )
    assert len(paid(led(new), "loan_payment")) == 3


@pytest.mark.parametrize("taught_one", [False, True])
def test_a_large_payment_that_is_ordered_is_next_to_certain_and_is_the_cause(
    taught: Model, *, taught_one: bool
) -> None:
    car = order(-15_000_00, counterparty="Car dealer", category="car", next_on=on(1, 2, year=2027))
    found = ahead(account(orders=(car,)), model=taught if taught_one else Model())
    seen = event(found, "large_expense", 60)
    assert seen.probability > 0.9
    assert seen.drivers[0] == "car to Car dealer: 15,000.00 EUR on 2 January 2027"
    assert seen.cause == "large_expense:car:Car dealer"
    assert event(found, "below_zero", 60).probability > 0.9
    assert event(found, "below_zero", 60).drivers[0].startswith("car to Car dealer")
    soon = [one for one in found.events if (one.event, one.horizon_days) == ("large_expense", 30)]
    assert not soon or soon[0].probability < 0.5


def test_a_salary_that_ends_is_a_drop_and_a_new_one_is_a_change(taught: Model) -> None:
    pay = {"counterparty": "Acme Works", "category": "salary", "first_on": on(4, 28), "every": "month"}
    ended = ahead(account(orders=(order(2_500_00, ended=True, **pay),)), model=taught)
    drop = event(ended, "income_drop", 30)
    assert drop.probability > 0.9
    assert drop.drivers[0] == "salary from Acme Works: 2,500.00 EUR not any more, usual around 28 November 2026"
    assert paid(ended, "salary") == []

    going_on = ahead(account(orders=(order(2_500_00, **pay),)), model=taught)
    assert event(going_on, "income_drop", 90).probability < 0.1
    second = order(1_200_00, counterparty="Evening school", category="salary", next_on=on(12, 20), every="month")
    more = ahead(account(orders=(second,)), model=taught)
    assert event(more, "income_change", 60).probability > 0.9
    assert event(more, "income_drop", 90).probability < 0.1


def test_a_salary_some_days_earlier_is_no_change_of_income(taught: Model) -> None:
    pay = order(2_500_00, counterparty="Acme Works", category="salary", next_on=on(11, 24), every="month")
    assert event(ahead(account(orders=(pay,)), model=taught), "income_change", 90).probability < 0.5


def test_an_order_to_an_own_account_moves_money_and_spends_none() -> None:
    saving = order(-500_00, counterparty_account="pot", category="saving", next_on=on(12, 2), every="month")
    pot = made([(BORN, 100_00, SAVING)], name="pot", opening=5_000_00, type="savings")
    orders = by_account([saving], spendable=("a", "pot"))
    accounts = [dataclasses.replace(one, orders=orders[one.name]) for one in (account(), pot)]
    found, without = ahead(*accounts), ahead(account(), pot)
    assert np.abs(median(found) - median(without)).max() <= 1
    assert sorted(paid(found, "saving"))[:2] == [("2026-12-02", -500_00), ("2026-12-02", 500_00)]
    own = next(one for one in found.accounts if one.account == "a").days[-1].quantiles[4]
    plain = next(one for one in without.accounts if one.account == "a").days[-1].quantiles[4]
    assert own - plain == pytest.approx(-1_500_00, abs=2)


def test_what_is_owed_on_a_card_is_the_next_card_bill() -> None:
    bills = [(on(month, 20), -300_00 - month, BILL) for month in range(4, 11)]
    card = made([(TODAY - 3, -1_100_00, GROCERIES)], name="visa", opening=0, type="card")
    found = ahead(account(*bills), card)
    assert paid(found, "card")[0] == ("2026-11-20", -1_100_00)
    assert [day for day, _ in paid(found, "card")] == ["2026-11-20", "2026-12-20", "2027-01-20"]
    assert paid(ahead(account(), card), "card") == []


def test_a_card_bill_that_an_order_tells_is_paid_once() -> None:
    bills = [(on(month, 20), -300_00 - month, BILL) for month in range(4, 11)]
    card = made([(TODAY - 3, -1_100_00, GROCERIES)], name="visa", opening=0, type="card")
    told = order(-1_050_00, counterparty="Card company", category="card", next_on=on(11, 20))
    mandate = order(None, counterparty="Card company", category="card", next_on=on(11, 23), every="month")
    due = order(None, category="card_bill", next_on=on(11, 23))
    named, mandated, dated = (ahead(account(*bills, orders=(one,)), card) for one in (told, mandate, due))
    assert dated.payments == mandated.payments
    assert paid(named, "card")[:2] == [("2026-11-20", -1_050_00), ("2026-12-20", -300_10)]
    assert paid(mandated, "card")[:2] == [("2026-11-23", -1_100_00), ("2026-12-20", -300_10)]


def test_an_own_account_is_recognised_by_its_number_and_by_its_name_at_another_bank() -> None:
    iban = "DE89370400440532013000"
    for told in ("DE89 3704 0044 0532 0130 00", "x/there", "there"):
        saving = order(-500_00, category="saving", counterparty_account=told, next_on=on(12, 2))
        found = by_account([saving], spendable=("a", "pot"), same={"x/there": "pot"}, numbers={"pot": iban})
        assert [(one.account, one.amount_minor, one.own) for of in found.values() for one in of] == [
            ("a", -500_00, True),
            ("pot", 500_00, True),
        ]
    elsewhere = replace(order(-500_00, next_on=on(12, 2)), account="x/there")
    assert list(by_account([elsewhere], spendable=("a", "pot"), same={"x/there": "pot"})) == ["pot"]


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("told_from", [None, "a"])
@pytest.mark.parametrize("every", ["month", None])
def test_a_transfer_that_is_told_at_both_ends_is_one_payment(
    turn: int, told_from: str | None, every: Every | None
) -> None:
    leaves = order(-500_00, counterparty_account="pot", next_on=on(12, 2), every="month")
    arrives = replace(
        order(500_00, category="saving", counterparty_account=told_from, next_on=on(12, 3), every=every), account="pot"
    )
    found = by_account([leaves, arrives][::turn], spendable=("a", "pot"))
    assert {name: [(one.amount_minor, one.every, one.own) for one in of] for name, of in found.items()} == {
        "a": [(-500_00, "month", True)],
        "pot": [(500_00, "month", True)],
    }


def test_two_equal_transfers_stay_two_and_a_salary_is_no_other_end() -> None:
    leaves = order(-500_00, counterparty_account="pot", next_on=on(12, 2), every="month")
    arrives = replace(order(500_00, next_on=on(12, 2), every="month"), account="pot")
    found = by_account([leaves, leaves, arrives, arrives], spendable=("a", "pot"))
    assert {name: len(of) for name, of in found.items()} == {"a": 2, "pot": 2}
    salary = replace(arrives, category="salary", counterparty="Acme Works")
    assert len(by_account([leaves, salary], spendable=("a", "pot"))["pot"]) == 2


def test_an_order_that_two_banks_tell_of_one_account_is_one_payment() -> None:
    here = order(-70_00, counterparty="Gym", next_on=on(12, 5), every="month")
    again = replace(here, account="x/there", counterparty="GYM LTD", next_on=on(12, 7))
    assert len(by_account([here, again], spendable=("a",), same={"x/there": "a"})["a"]) == 1


@pytest.mark.parametrize("category", [None, "mortgage", "loan_payment"])
def test_a_loan_that_a_standing_order_pays_is_paid_once_and_ends_with_the_loan(category: str | None) -> None:
    terms: dict[str, Any] = {"first_on": on(11, 20), "every": "month", "category": "mortgage_payment", "loan": True}
    loan = order(-812_33, last_on=on(12, 20), **terms)
    pays = order(-812_33, next_on=on(11, 15), every="month", category=category, counterparty="Home Bank")
    orders = by_account([loan, pays], spendable=("a",))["a"]
    found = led(*orders)
    assert paid(found, category or "mortgage_payment") == [("2026-11-15", -812_33), ("2026-12-15", -812_33)]
    assert len(by_account([loan, replace(pays, category="rent")], spendable=("a",))["a"]) == 2


def test_the_limit_moves_the_floor_and_nothing_else() -> None:
    poor = account(opening=-5_900_00)
    lent = dataclasses.replace(poor, limit=2_000_00)
    strict, easy = ahead(poor), ahead(lent)
    assert np.array_equal(median(strict), median(easy))
    assert event(strict, "below_zero", 30).probability > 0.5 > event(easy, "below_zero", 30).probability
    assert event(strict, "below_own_floor", 60) == event(easy, "below_own_floor", 60)
    assert (strict.limit, easy.limit) == (0, 2_000_00)


def test_limits_of_several_accounts_are_added_up() -> None:
    one, other = account(name="a", limit=500_00), account(name="b", limit=700_00)
    assert ahead(one, other).limit == 1_200_00


@pytest.mark.parametrize(("weekends", "days"), [(None, [5, 6]), ("before", [4, 4]), ("after", [7, 7])])
def test_weekends_move_a_payment_only_where_that_is_told(weekends: Any, days: list[int]) -> None:
    for saturday_or_sunday, there in zip((on(12, 5), on(12, 6)), days, strict=True):
        due = order(-1, next_on=saturday_or_sunday, weekends=weekends)
        assert list(due_days(due, after=TODAY, upto=TODAY + 90)) == [on(12, there)]


WORDS: list[Every] = ["day", "week", "fortnight", "month", "quarter", "half_year", "year"]


@pytest.mark.parametrize(
    ("first", "ahead_on", "weekends", "days"),
    [
        ((1, 31), (2, 26), "before", ["2027-02-26", "2027-03-31", "2027-04-30"]),
        ((1, 31), (3, 1), "after", ["2027-03-01", "2027-03-31", "2027-04-30"]),
        ((1, 2), (4, 30), "before", ["2027-04-30", "2027-06-02", "2027-07-02"]),
    ],
)
def test_a_payment_that_a_weekend_moved_returns_to_its_day(
    first: tuple[int, int], ahead_on: tuple[int, int], weekends: Any, days: list[str]
) -> None:
    facts = {"first_on": on(*first, year=2026), "next_on": on(*ahead_on, year=2027), "weekends": weekends}
    rent = order(-900_00, every="month", **facts)
    found = due_days(rent, after=on(*ahead_on, year=2027) - 5, upto=on(*ahead_on, year=2027) + 66)
    assert [date_of(Day(day)).isoformat() for day in found] == days


@given(
    first=st.integers(-20_000, 25_000),
    gap=st.none() | st.integers(0, 40),
    last=st.none() | st.integers(-20_000, 25_000),
    every=st.none() | st.sampled_from(WORDS),
    after=st.integers(15_000, 25_000),
)
def test_due_days_keep_to_their_bounds_and_asking_later_gives_the_rest(
    first: int, gap: int | None, last: int | None, every: Every | None, after: int
) -> None:
    days = {"first_on": Day(first), "next_on": None if gap is None else Day(first + gap), "last_on": last and Day(last)}
    due = order(-1, every=every, **days)
    found = list(due_days(due, after=after, upto=after + 90))
    assert found == sorted(set(found))
    assert all(after < day <= after + 90 and day >= first and (last in (None, 0) or day <= last) for day in found)
    assert list(due_days(due, after=after + 40, upto=after + 90)) == [day for day in found if day > after + 40]


@pytest.mark.parametrize("called", ["20-00-00 55779911", "55779911", "99-99-99 55779911", "stranger"])
def test_an_own_british_account_at_another_bank_is_known_by_its_whole_number_only(called: str) -> None:
    own = "601613/31926819"
    saving = replace(order(-500_00, next_on=on(12, 2), every="month"), account=own, counterparty_account=called)
    found = by_account([saving], spendable=(own, "X/200000/55779911"))
    assert found.keys() - {own} == ({"X/200000/55779911"} if called.startswith("20") else set())


def test_what_moves_between_own_accounts_is_no_cause() -> None:
    rent = Order(account="a", told=Instant(0), sign=-1, amount_minor=-900, category="rent")
    told = Order(account="a", told=Instant(0), sign=-1, amount_minor=-700, own=True)
    sent = Order(account="a", told=Instant(0), sign=-1, amount_minor=-500)
    came = Order(account="b", told=Instant(0), sign=1, amount_minor=500)
    same = Order(account="a", told=Instant(0), sign=1, amount_minor=900)
    payments = [
        Payment(day=day, amount_minor=one.amount_minor or 0, stream=one)
        for day, one in ((1, rent), (1, same), (2, told), (3, sent), (5, came))
    ]
    assert {payment.amount_minor for payment in between_own(payments)} == {-700, -500, 500}

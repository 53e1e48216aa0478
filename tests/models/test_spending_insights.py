"""What a person's own spending says: standing payments and their states, unusual payments, and a gentle check-in."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.moment import day_number
from marketofone.models.forecast.spending import Finding, Spending, Standing, find_spending
from marketofone.profile.ledger import Account, Kind

Row = tuple[int, int, str, str | None]  # day, amount, category, counterparty
TODAY = day_number(date(2025, 6, 20))


def account(rows: Iterable[Row], *, name: str = "a", currency: str = "EUR") -> Account:
    """Make an account from rows in any order."""
    ordered = sorted(rows, key=lambda row: row[0])
    kinds: dict[Kind, int] = {}
    of = np.array([kinds.setdefault(Kind("card", what, whom), len(kinds)) for _, _, what, whom in ordered], np.int64)
    days, amounts = np.array([row[:2] for row in ordered], dtype=np.int64).reshape(-1, 2).T
    return Account(name, currency, tuple(kinds), days, amounts, of, np.zeros_like(days))


def monthly(price: int, *, on: int, months: range, whom: str = "Film Stream") -> list[Row]:
    """Make a payment on one day of months counted from January 2024."""
    return [
        (day_number(date(2024 + at // 12, at % 12 + 1, on)), -price, "subscriptions", f"{whom} {at}07") for at in months
    ]


RENT = [(at, amount, "rent", "Landlord") for at, amount, _, _ in monthly(90_000, on=1, months=range(18))]


def seen(rows: Iterable[Row]) -> Spending:
    return find_spending([account([*rows, *RENT])], as_of=TODAY)


def of(rows: Iterable[Row]) -> Standing:
    (payment,) = (payment for payment in seen(rows).standing if payment.category == "subscriptions")
    return payment


def kinds(found: Spending) -> list[str]:
    return [finding.kind for finding in found.findings]


def test_a_subscription_has_its_amount_its_next_date_and_what_it_adds_up_to() -> None:
    payment = of(monthly(999, on=24, months=range(17)))
    assert (payment.state, payment.amount_minor, payment.yearly_minor) == ("active", 999, 12 * 999)
    assert payment.next_day == day_number(date(2025, 6, 24))


def test_what_falls_due_within_seven_days_is_said_and_what_falls_due_later_is_not() -> None:
    due = [finding for finding in seen(monthly(999, on=24, months=range(17))).findings if finding.kind == "payment_due"]
    assert [(finding.now_minor, finding.day - TODAY) for finding in due] == [(999, 4)]
    assert kinds(seen(monthly(999, on=10, months=range(18)))) == []


def test_a_subscription_that_began_lately_is_new() -> None:
    payment = of(monthly(999, on=10, months=range(16, 18)))
    assert (payment.state, payment.since_day) == ("new", day_number(date(2025, 5, 10)))


def test_nothing_is_new_to_somebody_who_just_came() -> None:
    rows = monthly(999, on=10, months=range(16, 18))
    assert [of.state for of in find_spending([account(rows)], as_of=TODAY).standing] == ["active"]


def test_a_new_price_is_told_with_the_old_one_and_since_when() -> None:
    payment = of(monthly(999, on=10, months=range(16)) + monthly(1_299, on=10, months=range(16, 18)))
    assert (payment.state, payment.before_minor, payment.amount_minor) == ("changed_price", 999, 1_299)
    assert payment.since_day == day_number(date(2025, 5, 10))


def test_the_same_thing_paid_twice_is_told_on_one_account_and_on_two() -> None:
    first, second = monthly(999, on=10, months=range(18)), monthly(999, on=14, months=range(13, 18))
    one = seen([*first, *second])
    accounts = [account([*first, *RENT]), account([*second, *RENT[:1]], name="b")]
    two = find_spending(accounts, as_of=TODAY)
    for found in (one, two):
        twins = [payment for payment in found.standing if payment.state == "duplicate"]
        assert [twin.since_day for twin in twins] == [day_number(date(2025, 2, 14))]


def test_a_subscription_that_stopped_has_ended_and_is_not_due() -> None:
    payment = of(monthly(999, on=10, months=range(16)))
    assert (payment.state, payment.since_day, payment.next_day) == ("ended", day_number(date(2025, 4, 10)), None)


def test_where_nothing_is_heard_of_an_account_nothing_on_it_has_ended_or_become_less() -> None:
    rent = [row for row in RENT if row[0] < TODAY - 40]
    food = [(day, -5_000, "groceries", "Market") for day in range(TODAY - 400, TODAY - 31, 2)]
    stopped = find_spending([account([*rent, *food])], as_of=TODAY)
    assert kinds(stopped) == []
    assert [(payment.category, payment.state) for payment in stopped.standing] == [("rent", "active")]
    assert [habit.now_minor for habit in stopped.habits if habit.category == "groceries"] == [75_000]

    again = find_spending([account([*rent, *food, (TODAY - 1, -900, "dining", "Corner")])], as_of=TODAY)
    assert "subscription_ended" in kinds(again)


def test_what_is_paid_still_in_another_rhythm_has_not_ended() -> None:
    later = monthly(4_999, on=3, months=range(17, 18))
    assert "subscription_ended" not in kinds(seen([*monthly(999, on=10, months=range(16)), *later]))


def test_an_end_is_no_news_any_more_after_some_months() -> None:
    assert [payment.category for payment in seen(monthly(999, on=10, months=range(10))).standing] == ["rent"]


SHOPPING: list[Row] = [
    (TODAY - 400 + 3 * at, -2_000 - 37 * (at % 17), "shopping", f"Shop {at % 5}") for at in range(133)
]


def test_a_payment_far_above_the_own_ones_of_its_kind_is_unusual() -> None:
    found = seen([*SHOPPING, (TODAY - 3, -60_000, "shopping", "Shop 1")])
    (finding,) = (finding for finding in found.findings if finding.kind == "unusual_amount")
    assert finding.now_minor == 60_000
    assert finding.usual_minor == pytest.approx(2_300, rel=0.05)
    assert "unusual_amount" not in kinds(seen([*SHOPPING, (TODAY - 3, -2_700, "shopping", "Shop 1")]))


def test_nothing_is_unusual_that_was_paid_before() -> None:
    rows: list[Row] = [
        *SHOPPING,
        (TODAY - 200, -70_000, "shopping", "Shop 1"),
        (TODAY - 3, -60_000, "shopping", "Shop 1"),
    ]
    assert "unusual_amount" not in kinds(seen(rows))


def test_a_large_first_payment_to_somebody_is_told_and_a_small_one_is_not() -> None:
    assert "first_seen" in kinds(seen([*SHOPPING, (TODAY - 3, -120_000, "shopping", "Sofa House")]))
    assert "first_seen" not in kinds(seen([*SHOPPING, (TODAY - 3, -1_200, "shopping", "Kiosk")]))


def test_a_payment_that_repeats_itself_within_two_days_is_told_unless_that_is_the_habit() -> None:
    twice: list[Row] = [
        (TODAY - 4, -6_420, "shopping", "Paper Lantern"),
        (TODAY - 3, -6_420, "shopping", "Paper Lantern"),
    ]
    (finding,) = (finding for finding in seen([*SHOPPING, *twice]).findings if finding.kind == "double_charge")
    assert (finding.now_minor, finding.day) == (6_420, TODAY - 3)
    habit: list[Row] = [(TODAY - 5 * at, -6_420, "shopping", "Paper Lantern") for at in range(40)]
    assert "double_charge" not in kinds(seen([*SHOPPING, *twice, *habit]))


def test_more_dining_out_and_fewer_groceries_open_a_gentle_check_in() -> None:
    rows: list[Row] = []
    for at in range(360):
        late = at >= 330
        if at % (2 if late else 6) == 0:
            rows.append((TODAY - 359 + at, -2_400 - at, "dining", None))
        if at % (14 if late else 3) == 0:
            rows.append((TODAY - 359 + at, -3_100 - 2 * at, "groceries", None))
    found = find_spending([account(rows)], as_of=TODAY)
    assert [finding.pattern for finding in found.findings if finding.kind == "check_in"] == ["eating_out_more"]
    shifted = {(finding.category, finding.pattern) for finding in found.findings if finding.kind == "spending_shift"}
    assert {("dining", "trips_more"), ("groceries", "trips_fewer")} <= shifted
    assert "check_in" not in kinds(find_spending([account(rows)], as_of=TODAY - 31))


def test_a_cause_keeps_its_key_from_day_to_day() -> None:
    rows = [*SHOPPING, *RENT, *monthly(999, on=10, months=range(16)), *monthly(1_299, on=10, months=range(16, 18))]
    rows.append((TODAY - 3, -120_000, "shopping", "Sofa House"))
    today, tomorrow = (
        {finding.id for finding in find_spending([account(rows)], as_of=day).findings} for day in (TODAY, TODAY + 1)
    )
    assert today
    assert today == tomorrow


moves = st.lists(
    st.tuples(
        st.integers(TODAY - 500, TODAY + 20),
        st.integers(-90_000, 90_000),
        st.sampled_from(["rent", "dining", "groceries", "cash", "transfer"]),
        st.sampled_from([None, "X 1", "X 2", "Y"]),
    ),
    max_size=150,
)


@settings(deadline=None)
@given(moves)
def test_nothing_after_the_day_is_looked_at_and_every_finding_has_its_own_cause(rows: list[Row]) -> None:
    found = find_spending([account(rows)], as_of=TODAY)
    assert found == find_spending([account(row for row in rows if row[0] <= TODAY)], as_of=TODAY)
    causes = [finding.id for finding in found.findings]
    assert len(causes) == len(set(causes))
    assert all(0 <= finding.strength <= 1 for finding in found.findings)


@settings(deadline=None)
@given(moves)
def test_only_relations_to_oneself_count_so_a_person_with_ten_times_the_money_hears_the_same(rows: list[Row]) -> None:
    def told(times: int) -> set[tuple[str, str | None, str | None]]:
        richer = [(at, times * amount, what, whom) for at, amount, what, whom in rows]
        found: tuple[Finding, ...] = find_spending([account(richer)], as_of=TODAY).findings
        return {(finding.kind, finding.category, finding.pattern) for finding in found}

    assert told(1) == told(10)


def household(folder: Path) -> Account:
    """Read a real household's ledger: its notes are the counterparties."""
    rows: list[Row] = []
    with gzip.open(folder / "household_ledger" / "household_open.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = day_number(datetime.strptime(row["Date"][:10], "%d-%m-%Y").date())  # noqa: DTZ007 - a local date
            sign = 1 if row["Income/Expense"] == "Income" else -1
            category = "transfer" if row["Income/Expense"] == "Transfer-Out" else row["Subcategory"] or row["Category"]
            note = (row["Note"] or row["Subcategory"]).strip()
            rows.append((day, sign * round(100 * float(row["Amount"])), category.casefold(), note or None))
    return account(rows, currency="INR")


def test_in_a_real_household_the_standing_payments_are_found_and_little_else(data: Path) -> None:
    ledger = household(data)
    in_june = find_spending([ledger], as_of=day_number(date(2016, 6, 20)))
    names = [payment.counterparty for payment in in_june.standing]
    assert {"Public Provident Fund", "RD", "Mutual fund A", "Mutual fund B", "Mutual fund C"} <= set(names)
    assert "kindle unlimited" in {payment.counterparty for payment in in_june.standing if payment.state == "ended"}
    assert len(names) <= 14
    assert all(payment.category not in {"snacks", "milk", "lunch", "train", "tea"} for payment in in_june.standing)

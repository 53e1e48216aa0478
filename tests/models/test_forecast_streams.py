"""Payments that come back are found, dated and priced; what does not come back is left alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.moment import Day, date_of, day_number
from marketofone.models.forecast import Movement, Stream, find_streams, project

START = date(2024, 1, 1)


def day(year: int, month: int, of: int) -> int:
    return day_number(date(year, month, of))


def salary(*dates: date, amount: int = 300_000, whom: str | None = "Employer") -> list[Movement]:
    return [Movement(day_number(of), "a", amount, "salary", "credit_transfer", whom) for of in dates]


def monthly(count: int, *, on: int) -> list[date]:
    return [date(START.year + index // 12, index % 12 + 1, on) for index in range(count)]


def only(streams: tuple[Stream, ...]) -> Stream:
    (stream,) = streams
    return stream


def test_a_monthly_salary_is_found_with_its_day_of_the_month_although_weekends_move_it() -> None:
    dates = [of + timedelta(days={5: -1, 6: -2}.get(of.weekday(), 0)) for of in monthly(9, on=15)]
    stream = only(find_streams(salary(*dates), as_of=day(2024, 10, 1)))
    assert (stream.rhythm, stream.anchor, stream.amount_minor, stream.status) == ("monthly", 15, 300_000, "mature")
    assert stream.hit_rate == 1.0


def test_the_last_day_of_the_month_stays_the_last_day_of_the_month() -> None:
    ends = [day(2024, 1, 31), day(2024, 2, 29), day(2024, 3, 31), day(2024, 4, 30)]
    fees = [Movement(at, "a", -1_460, "fees", "fee") for at in ends]
    payments = project(find_streams(fees, as_of=day(2024, 5, 2)), from_day=day(2024, 5, 2), horizon=90)
    assert [str(date_of(Day(payment.day))) for payment in payments] == ["2024-05-31", "2024-06-30", "2024-07-31"]


@pytest.mark.parametrize(("gap", "rhythm"), [(7, "weekly"), (14, "biweekly"), (61, "two_monthly"), (91, "quarterly")])
def test_other_rhythms_are_found_too(gap: int, rhythm: str) -> None:
    dates = [START + timedelta(days=gap * index) for index in range(5)]
    stream = only(find_streams(salary(*dates), as_of=day_number(dates[-1]) + 1))
    assert stream.rhythm == rhythm
    upcoming = project([stream], from_day=day_number(dates[-1]) + 1, horizon=gap + 5)
    assert abs(upcoming[0].day - day_number(dates[-1]) - gap) <= 3


def test_a_bonus_month_is_expected_again_a_year_later_and_only_then() -> None:
    movements = salary(*monthly(17, on=10))  # January 2024 to May 2025
    movements = [
        Movement(move.day, "a", 450_000, "salary", "credit_transfer", "Employer")
        if date_of(Day(move.day)).month in {6, 12}
        else move
        for move in movements
    ]
    streams = find_streams(movements, as_of=day(2025, 5, 20))
    assert only(streams).bonus == {6: 450_000, 12: 450_000}
    expected = project(streams, from_day=day(2025, 5, 20), horizon=90)
    assert [payment.amount_minor for payment in expected] == [450_000, 300_000, 300_000]


def test_a_raise_is_no_bonus() -> None:
    before, after = monthly(6, on=10), [date(2024, month, 10) for month in range(7, 13)]
    stream = only(find_streams(salary(*before) + salary(*after, amount=390_000), as_of=day(2024, 12, 20)))
    assert (stream.amount_minor, stream.bonus) == (390_000, {})


def test_without_a_counterparty_amounts_within_two_percent_belong_together() -> None:
    dates = monthly(6, on=5)
    near = [move for i, of in enumerate(dates) for move in salary(of, amount=200_000 + 500 * i, whom=None)] + salary(
        *[of + timedelta(days=3) for of in dates], amount=90_000, whom=None
    )
    assert sorted(stream.amount_minor for stream in find_streams(near, as_of=day(2024, 6, 20))) == [90_000, 201_000]


def test_two_payments_to_one_counterparty_in_a_month_are_two_streams() -> None:
    movements = salary(*monthly(6, on=1), amount=-70_000) + salary(*monthly(6, on=11), amount=-20_000)
    found = find_streams(movements, as_of=day(2024, 6, 20))
    assert sorted((stream.anchor, stream.amount_minor) for stream in found) == [(1, -70_000), (11, -20_000)]


def test_a_stream_that_misses_its_date_by_half_a_period_has_ended_and_is_not_expected() -> None:
    movements = salary(*monthly(6, on=10))
    assert only(find_streams(movements, as_of=day(2024, 7, 20))).status == "mature"
    ended = find_streams(movements, as_of=day(2024, 8, 1))
    assert only(ended).status == "ended"
    assert project(ended, from_day=day(2024, 8, 1), horizon=90) == ()


def test_a_payment_that_is_a_few_days_late_is_expected_tomorrow() -> None:
    late = day(2024, 7, 12)
    payments = project(find_streams(salary(*monthly(6, on=10)), as_of=late), from_day=late, horizon=40)
    assert [payment.day for payment in payments] == [late + 1, day(2024, 8, 10)]


def test_payments_seen_twice_are_early_and_only_with_a_counterparty() -> None:
    twice = monthly(2, on=10)
    assert only(find_streams(salary(*twice), as_of=day(2024, 3, 1))).status == "early"
    assert find_streams(salary(*twice, whom=None), as_of=day(2024, 3, 1)) == ()


def test_daily_shopping_is_no_stream() -> None:
    days = [0, 1, 2, 4, 5, 9, 10, 11, 15, 20, 22, 23, 30, 31, 33, 40]
    shopping = [Movement(at, "a", -(1_000 + 97 * at), "groceries", "card", "Shop") for at in days]
    assert find_streams(shopping, as_of=45) == ()


def test_nothing_after_the_day_is_looked_at() -> None:
    movements = salary(*monthly(12, on=10))
    as_of = day(2024, 6, 20)
    assert find_streams(movements, as_of=as_of) == find_streams(movements[:6], as_of=as_of)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(-5, 5)), max_size=40), st.integers(0, 420))
def test_expected_payments_lie_in_the_horizon_and_come_in_the_order_of_their_days(
    moves: list[tuple[int, int]], as_of: int
) -> None:
    movements = [Movement(at, "a", amount * 1_000, None, None, "X") for at, amount in moves]
    streams = find_streams(movements, as_of=as_of)
    days = [payment.day for payment in project(streams, from_day=as_of, horizon=90)]
    assert days == sorted(days)
    assert all(as_of < at <= as_of + 90 for at in days)
    assert all(0.6 <= stream.hit_rate <= 1.0 and stream.last_day <= as_of for stream in streams)

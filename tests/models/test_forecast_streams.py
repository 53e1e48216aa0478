"""Payments that come back are found, dated and priced; what does not come back is left alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.moment import Day, date_of, day_number
from marketofone.models.forecast.streams import Change, Stream, find_streams, project
from marketofone.profile.ledger import Account, Kind

START = date(2024, 1, 1)


class Row(NamedTuple):
    day: int
    amount_minor: int
    category: str | None
    operation: str | None
    counterparty: str | None = None


def account(rows: Iterable[Row]) -> Account:
    """Make an account from rows in any order."""
    ordered = sorted(rows, key=lambda row: row.day)
    kinds: dict[Kind, int] = {}
    of = [kinds.setdefault(Kind(row.operation, row.category, row.counterparty), len(kinds)) for row in ordered]
    days, amounts, kind = (
        np.array(values, dtype=np.int64)
        for values in ([row.day for row in ordered], [row.amount_minor for row in ordered], of)
    )
    return Account("a", "EUR", tuple(kinds), days, amounts, kind, np.zeros_like(days))


def day(year: int, month: int, of: int) -> int:
    return day_number(date(year, month, of))


def salary(*dates: date, amount: int = 300_000, whom: str | None = "Employer") -> list[Row]:
    return [Row(day_number(of), amount, "salary", "credit_transfer", whom) for of in dates]


def monthly(count: int, *, on: int) -> list[date]:
    return [date(START.year + index // 12, index % 12 + 1, on) for index in range(count)]


def only(streams: tuple[Stream, ...]) -> Stream:
    (stream,) = streams
    return stream


def test_a_monthly_salary_is_found_with_its_day_of_the_month_although_weekends_move_it() -> None:
    dates = [of + timedelta(days={5: -1, 6: -2}.get(of.weekday(), 0)) for of in monthly(9, on=15)]
    stream = only(find_streams(account(salary(*dates)), as_of=day(2024, 10, 1)))
    assert (stream.rhythm, stream.anchor, stream.amount_minor, stream.status) == ("monthly", 15, 300_000, "mature")
    assert stream.hit_rate == 1.0


def test_the_last_day_of_the_month_stays_the_last_day_of_the_month() -> None:
    ends = [day(2024, 1, 31), day(2024, 2, 29), day(2024, 3, 31), day(2024, 4, 30)]
    fees = [Row(at, -1_460, "fees", "fee") for at in ends]
    payments = project(find_streams(account(fees), as_of=day(2024, 5, 2)), from_day=day(2024, 5, 2), horizon=90)
    assert [str(date_of(Day(payment.day))) for payment in payments] == ["2024-05-31", "2024-06-30", "2024-07-31"]


@pytest.mark.parametrize(
    ("on", "step", "expected"),
    [
        (31, -1, ["2024-08-30", "2024-09-30", "2024-10-31"]),
        (15, -1, ["2024-08-15", "2024-09-13", "2024-10-15"]),
        (15, 1, ["2024-08-15", "2024-09-16", "2024-10-15"]),
        (1, -1, ["2024-08-01", "2024-08-30", "2024-10-01"]),
    ],
)
@pytest.mark.parametrize("minor", [300_000, -60_000])
def test_what_moves_before_or_after_weekends_is_expected_on_working_days(
    on: int, step: int, expected: list[str], minor: int
) -> None:
    dates = [date(2024, month, min(on, (date(2024, month + 1, 1) - timedelta(1)).day)) for month in range(1, 8)]
    while any(of.weekday() > 4 for of in dates):
        dates = [of + timedelta(step * (of.weekday() > 4)) for of in dates]
    as_of = day(2024, 7, 31)

    payments = project(find_streams(account(salary(*dates, amount=minor)), as_of=as_of), from_day=as_of, horizon=92)

    assert [str(date_of(Day(payment.day))) for payment in payments] == expected


def test_a_salary_that_is_late_is_expected_on_the_next_working_day() -> None:
    dates = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 29), date(2024, 4, 30)]
    on_friday = day(2024, 5, 31)  # it was due on this day
    payments = project(find_streams(account(salary(*dates)), as_of=on_friday), from_day=on_friday, horizon=30)
    assert str(date_of(Day(payments[0].day))) == "2024-06-03"


@pytest.mark.parametrize(("gap", "rhythm"), [(7, "weekly"), (14, "biweekly"), (61, "two_monthly"), (91, "quarterly")])
def test_other_rhythms_are_found_too(gap: int, rhythm: str) -> None:
    dates = [START + timedelta(days=gap * index) for index in range(5)]
    stream = only(find_streams(account(salary(*dates)), as_of=day_number(dates[-1]) + 1))
    assert stream.rhythm == rhythm
    upcoming = project([stream], from_day=day_number(dates[-1]) + 1, horizon=gap + 5)
    assert abs(upcoming[0].day - day_number(dates[-1]) - gap) <= 3


def test_a_bonus_month_is_expected_again_a_year_later_and_only_then() -> None:
    movements = salary(*monthly(17, on=10))  # January 2024 to May 2025
    movements = [
        move._replace(amount_minor=450_000) if date_of(Day(move.day)).month in {6, 12} else move for move in movements
    ]
    streams = find_streams(account(movements), as_of=day(2025, 5, 20))
    assert only(streams).bonus == {6: 450_000, 12: 450_000}
    expected = project(streams, from_day=day(2025, 5, 20), horizon=90)
    assert [payment.amount_minor for payment in expected] == [450_000, 300_000, 300_000]


def test_a_raise_is_no_bonus() -> None:
    before, after = monthly(6, on=10), [date(2024, month, 10) for month in range(7, 13)]
    stream = only(find_streams(account(salary(*before) + salary(*after, amount=390_000)), as_of=day(2024, 12, 20)))
    assert (stream.amount_minor, stream.bonus) == (390_000, {})


def test_without_a_counterparty_amounts_within_two_percent_belong_together() -> None:
    dates = monthly(6, on=5)
    near = [move for i, of in enumerate(dates) for move in salary(of, amount=200_000 + 500 * i, whom=None)] + salary(
        *[of + timedelta(days=3) for of in dates], amount=90_000, whom=None
    )
    assert sorted(stream.amount_minor for stream in find_streams(account(near), as_of=day(2024, 6, 20))) == [
        90_000,
        202_500,
    ]  # the recent amount


def test_two_payments_to_one_counterparty_in_a_month_are_two_streams() -> None:
    movements = salary(*monthly(6, on=1), amount=-70_000) + salary(*monthly(6, on=11), amount=-20_000)
    found = find_streams(account(movements), as_of=day(2024, 6, 20))
    assert sorted((stream.anchor, stream.amount_minor) for stream in found) == [(1, -70_000), (11, -20_000)]


def test_a_stream_that_misses_its_date_by_half_a_period_has_ended_and_is_not_expected() -> None:
    movements = salary(*monthly(6, on=10))
    assert only(find_streams(account(movements), as_of=day(2024, 7, 20))).status == "mature"
    later = Row(day(2024, 7, 31), -700, "dining", "card", "Corner")
    ended = find_streams(account([*movements, later]), as_of=day(2024, 8, 1))
    assert only(ended).status == "ended"
    assert project(ended, from_day=day(2024, 8, 1), horizon=90) == ()


def test_a_stream_has_not_ended_where_nothing_is_heard_of_its_account() -> None:
    movements = salary(*monthly(6, on=10))
    silent = find_streams(account(movements), as_of=day(2024, 8, 20))
    assert only(silent).status == "mature"
    assert [payment.day for payment in project(silent, from_day=day(2024, 8, 20), horizon=30)] == [day(2024, 9, 10)]


def test_a_payment_that_is_a_few_days_late_is_expected_tomorrow() -> None:
    late = day(2024, 7, 12)
    payments = project(find_streams(account(salary(*monthly(6, on=10))), as_of=late), from_day=late, horizon=40)
    assert [payment.day for payment in payments] == [late + 1, day(2024, 8, 10)]


def test_payments_seen_twice_are_early_and_only_with_a_counterparty() -> None:
    twice = monthly(2, on=10)
    assert only(find_streams(account(salary(*twice)), as_of=day(2024, 3, 1))).status == "early"
    assert find_streams(account(salary(*twice, whom=None)), as_of=day(2024, 3, 1)) == ()


def test_daily_shopping_is_no_stream() -> None:
    days = [0, 1, 2, 4, 5, 9, 10, 11, 15, 20, 22, 23, 30, 31, 33, 40]
    shopping = [Row(at, -(1_000 + 97 * at), "groceries", "card", "Shop") for at in days]
    assert find_streams(account(shopping), as_of=45) == ()


def test_nothing_after_the_day_is_looked_at() -> None:
    movements = salary(*monthly(12, on=10))
    as_of = day(2024, 6, 20)
    assert find_streams(account(movements), as_of=as_of) == find_streams(account(movements[:6]), as_of=as_of)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(-5, 5)), max_size=40), st.integers(0, 420))
def test_expected_payments_lie_in_the_horizon_and_come_in_the_order_of_their_days(
    moves: list[tuple[int, int]], as_of: int
) -> None:
    movements = [Row(at, amount * 1_000, None, None, "X") for at, amount in moves]
    streams = find_streams(account(movements), as_of=as_of)
    days = [payment.day for payment in project(streams, from_day=as_of, horizon=90)]
    assert days == sorted(days)
    assert all(as_of < at <= as_of + 90 for at in days)
    assert all(0.6 <= stream.hit_rate <= 1.0 and stream.last_day <= as_of for stream in streams)


def test_an_amount_that_changed_for_good_is_the_amount_that_is_expected() -> None:
    rent = salary(*monthly(6, on=1), amount=-90_000) + salary(date(2024, 7, 1), amount=-97_000)
    stream = only(find_streams(account(rent), as_of=day(2024, 7, 20)))
    assert (stream.amount_minor, stream.change) == (-97_000, Change(-90_000, day(2024, 7, 1)))


def test_extra_pay_is_expected_half_a_year_later_too_until_that_month_paid_as_usual() -> None:
    pay = [
        row._replace(amount_minor=450_000) if date_of(Day(row.day)).month == 6 else row
        for row in salary(*monthly(14, on=10))
    ]
    assert only(find_streams(account(pay[:10]), as_of=day(2024, 11, 1))).bonus == {6: 450_000, 12: 450_000}
    assert only(find_streams(account(pay), as_of=day(2025, 3, 1))).bonus == {6: 450_000}


def test_extra_pay_in_cash_belongs_to_the_pay_although_nobody_is_named() -> None:
    pay = salary(*monthly(8, on=10), whom=None)
    pay[5] = pay[5]._replace(amount_minor=450_000)
    stream = only(find_streams(account(pay), as_of=day(2024, 9, 1)))
    assert (stream.hits, stream.bonus) == (8, {6: 450_000, 12: 450_000})


@pytest.mark.parametrize("dates", [(1, 15), (3, 8), (12, 12)])
def test_two_equal_payments_every_month_are_two_streams_with_a_date_each(dates: tuple[int, int]) -> None:
    rows = [row for on in dates for row in salary(*monthly(8, on=on), amount=-999)]
    found = find_streams(account(rows), as_of=day(2024, 8, 20))
    assert sorted(stream.anchor for stream in found) == list(dates)
    assert {stream.rhythm for stream in found} == {"monthly"}


def test_four_weeks_are_no_month() -> None:
    rows = salary(*[START + timedelta(days=28 * index) for index in range(8)])
    stream = only(find_streams(account(rows), as_of=rows[-1].day + 1))
    assert stream.rhythm == "four_weekly"
    assert next(stream.dates(after=rows[-1].day, upto=rows[-1].day + 40)) == rows[-1].day + 28


def test_one_payee_is_one_stream_whatever_the_statement_prints_around_the_name() -> None:
    texts = ("NETFLIX.COM 8842", "Netflix 01/23 AMSTERDAM", "PAYPAL *NETFLIX B.V.", "netflix.com", "NETFLIX 4410 NL")
    rows = [row._replace(counterparty=text) for row, text in zip(salary(*monthly(5, on=9)), texts, strict=True)]
    assert only(find_streams(account(rows), as_of=day(2024, 5, 20))).hits == 5


@given(st.permutations(range(12)), st.integers(1, 28), st.integers(100, 10**9))
def test_what_is_paid_alike_every_month_is_always_found_in_whatever_order_it_is_told(
    order: list[int], on: int, amount: int
) -> None:
    rows = salary(*monthly(12, on=on), amount=-amount)
    stream = only(find_streams(account([rows[at] for at in order]), as_of=day(2024, 12, 30)))
    assert (stream.anchor, stream.amount_minor, stream.hit_rate, stream.spread) == (on, -amount, 1.0, 0.0)
    assert stream.yearly_minor == -12 * amount


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(-3, 3), st.sampled_from("XYZ")), max_size=60))
def test_directions_and_kinds_never_mix_and_no_payment_counts_twice(moves: list[tuple[int, int, str]]) -> None:
    rows = [Row(at, amount * 1_000, None, None, whom) for at, amount, whom in moves]
    for stream in find_streams(account(rows), as_of=710):
        mine = [r for r in rows if r.counterparty == stream.counterparty and r.amount_minor * stream.amount_minor > 0]
        assert stream.hits <= len(mine)
        assert {stream.first_day, stream.last_day} <= {row.day for row in mine}
    by_whom = {
        whom: [s.hits for s in find_streams(account(rows), as_of=710) if s.counterparty == whom] for whom in "XYZ"
    }
    assert all(sum(hits) <= sum(row.counterparty == whom for row in rows) for whom, hits in by_whom.items())


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Kind("credit_transfer", None, "Employer", "salary"), "salary"),
        (Kind("credit_transfer", None, "Me", "own_transfer"), "own transfer"),
        (Kind("direct_debit", None, "Card company", "card_bill"), "card bill"),
        (Kind("card", "eating_out", "Corner", "spending"), "eating out"),
        (Kind("direct_debit", None, "Somebody", "spending"), "direct debit"),
        (Kind(None, None, "Somebody", None), "payment"),
    ],
)
def test_what_is_expected_is_called_by_what_it_is(kind: Kind, what: str) -> None:
    days = np.array([day_number(of) for of in monthly(6, on=10)])
    stream = only(
        find_streams(Account("a", "EUR", (kind,), days, days * 0 + 5_000, days * 0, days), as_of=days[-1] + 5)
    )
    assert stream.what == what

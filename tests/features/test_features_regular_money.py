"""The same pay is no change on every day, by whatever rhythm it comes; a raise and a loss show."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketofone.domain.moment import day_number
from marketofone.features.regular import REACH, Payday, regular_total, regular_trend

FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
KNOWN = day_number(date(2024, 5, 1))
MONTHS = [(year, month) for year in (2024, 2025, 2026) for month in range(1, 13)]
PAY = 300_000
Pays = list[tuple[date, int]]


def working(day: date, *, step: int) -> date:
    while day.weekday() > 4:
        day += timedelta(step)
    return day


def of_months(on: int, *, step: int, minor: int = PAY) -> Pays:
    """Pay on a day of each month, or on its last one, and on a working day before or after it."""
    nominal = [date(year, month, min(on, calendar.monthrange(year, month)[1])) for year, month in MONTHS]
    return [(working(day, step=step) if step else day, minor) for day in nominal]


def of_weeks(gap: int, *, minor: int) -> Pays:
    return [(FIRST + timedelta(at), minor) for at in range(4, (LAST - FIRST).days, gap)]


def last_fridays() -> Pays:
    ends = [date(year, month, calendar.monthrange(year, month)[1]) for year, month in MONTHS]
    return [(end - timedelta((end.weekday() - 4) % 7), PAY) for end in ends]


def until(pays: Pays, today: date) -> list[Payday]:
    sums = dict[int, int]()
    for day, minor in pays:
        if timedelta(0) <= today - day < timedelta(REACH):
            sums[day_number(day)] = sums.get(day_number(day), 0) + minor
    return sorted(sums.items())


def trend(pays: Pays, today: date) -> float | None:
    known = (today - FIRST).days + 1
    return regular_trend(until(pays, today), today=day_number(today), days_known=known)


def every_day() -> Iterator[date]:
    return (FIRST + timedelta(at) for at in range(500))


RHYTHMS: dict[str, Callable[[], Pays]] = {
    "last working day": lambda: of_months(31, step=-1),
    "last Friday": last_fridays,
    "every four weeks": lambda: of_weeks(28, minor=PAY),
    "every two weeks": lambda: of_weeks(14, minor=PAY // 2),
    "every week": lambda: of_weeks(7, minor=PAY // 4),
    "twice a month": lambda: of_months(15, step=-1, minor=100_000) + of_months(31, step=-1, minor=200_000),
    "from two employers": lambda: of_months(25, step=-1, minor=200_000) + of_months(1, step=-1, minor=100_000),
}


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_the_same_pay_is_no_change_and_one_months_income_on_every_day(rhythm: str) -> None:
    pays = RHYTHMS[rhythm]()
    assert {trend(pays, today) for today in every_day()} <= {None, 0.0}
    later = [today for today in every_day() if day_number(today) >= KNOWN]
    assert None not in {trend(pays, today) for today in later}
    assert {regular_total(until(pays, today), today=day_number(today)) for today in later} == {PAY}


@given(on=st.integers(1, 31), step=st.sampled_from([-1, 0, 1]), today=st.dates(date(2024, 6, 1), LAST - timedelta(31)))
@example(on=25, step=-1, today=date(2026, 2, 24))
def test_pay_on_whatever_day_of_the_month_moved_or_not_is_no_change(on: int, step: int, today: date) -> None:
    pays = of_months(on, step=step)
    assert trend(pays, today) == 0.0
    assert regular_total(until(pays, today), today=day_number(today)) == PAY


@pytest.mark.parametrize(
    ("rhythm", "whole_after", "gone_after"),
    [
        ("last working day", 0, 10),
        ("last Friday", 0, 10),
        ("every four weeks", 0, 7),
        ("every two weeks", 14, 21),
        ("every week", 21, 26),
        ("twice a month", 16, 24),
    ],
)
def test_a_raise_shows_with_the_pay_and_a_loss_once_it_is_late_by_days(
    rhythm: str, whole_after: int, gone_after: int
) -> None:
    pays, change = RHYTHMS[rhythm](), date(2026, 1, 1)
    first = min(day for day, _ in pays if day >= change)
    raised = [(day, minor * 11 // 10 if day >= change else minor) for day, minor in pays]
    lost = [(day, minor) for day, minor in pays if day < change]

    assert (trend(raised, first) or 0.0) > 0.02
    assert trend(raised, first + timedelta(whole_after)) == pytest.approx(0.1)
    assert trend(lost, first + timedelta(2)) == 0.0, "it may still come"
    assert trend(lost, first + timedelta(gone_after)) == pytest.approx(-1.0)


def test_what_comes_once_or_is_small_is_no_rhythm_and_counts_for_30_days() -> None:
    pays, today = of_months(31, step=-1), date(2026, 4, 20)
    for more in ((date(2026, 4, 2), 900_000), (date(2026, 3, 22), 900_000), (date(2026, 4, 1), 17)):
        assert regular_total(until([*pays, more], today), today=day_number(today)) == PAY + more[1]
    gone = date(2026, 3, 12), 900_000
    assert regular_total(until([*pays, gone], today), today=day_number(today)) == PAY


def test_extra_pay_is_over_with_the_next_pay() -> None:
    pays = [(day, 2 * minor if (day.year, day.month) == (2025, 12) else minor) for day, minor in of_months(31, step=-1)]
    assert trend(pays, date(2026, 1, 20)) == 1.0
    assert trend(pays, date(2026, 1, 30)) == 0.0


def test_where_no_rhythm_is_known_quarters_are_compared() -> None:
    everywhere = [(FIRST + timedelta(at), 10_000) for at in range(0, 366, 3)]
    assert trend(everywhere, FIRST + timedelta(360)) == pytest.approx(0.0)
    assert trend(everywhere, FIRST + timedelta(100)) is None
    assert regular_total(until(everywhere, FIRST + timedelta(360)), today=day_number(FIRST) + 360) == 100_000

"""Instants survive as text, and the bank's calendar agrees with the clocks people live by, also when they turn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.domain.moment import (
    DAY,
    HOUR,
    MINUTE,
    Calendar,
    Day,
    Instant,
    date_of,
    datetime_of,
    day_number,
    instant_of,
    parse_instant,
    text_of,
)

ZONES = [
    "Europe/Prague",
    "America/New_York",
    "America/Sao_Paulo",  # turned its clocks at midnight, so that some days have no 00:00
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # turns its clocks by half an hour
    "Pacific/Apia",  # left a whole day out
    "UTC",
]
CALENDARS = {zone: Calendar(zone) for zone in ZONES}
PRAGUE = CALENDARS["Europe/Prague"]
ANY_INSTANT = st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC
LIVED = st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC


def at(text: str) -> Instant:
    return parse_instant(text, field="at")


@given(moment=ANY_INSTANT)
def test_an_instant_survives_as_text_and_as_a_datetime(moment: datetime) -> None:
    instant = instant_of(moment)
    assert datetime_of(instant) == moment
    assert parse_instant(text_of(instant), field="at") == instant


@given(moment=LIVED, zone=st.sampled_from(ZONES))
def test_the_same_instant_is_one_number_whatever_timezone_it_is_written_in(moment: datetime, zone: str) -> None:
    elsewhere = moment.astimezone(ZoneInfo(zone))
    assert instant_of(elsewhere) == instant_of(moment)
    assert parse_instant(elsewhere.isoformat(), field="at") == instant_of(moment)


@given(moment=LIVED, zone=st.sampled_from(ZONES))
@example(moment=datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), zone="Europe/Prague")
@example(moment=datetime(2026, 3, 29, 1, 0, tzinfo=UTC), zone="Europe/Prague")
@example(moment=datetime(2026, 10, 25, 0, 59, 59, 999_999, tzinfo=UTC), zone="Europe/Prague")
@example(moment=datetime(2011, 12, 30, 9, 59, tzinfo=UTC), zone="Pacific/Apia")
@example(moment=datetime(2011, 12, 30, 10, 0, tzinfo=UTC), zone="Pacific/Apia")
def test_the_day_and_the_minute_are_those_of_the_clock_on_the_wall(moment: datetime, zone: str) -> None:
    calendar, wall = CALENDARS[zone], moment.astimezone(ZoneInfo(zone))
    assert date_of(calendar.day_of(instant_of(moment))) == wall.date()
    assert calendar.minute_of_day(instant_of(moment)) == wall.hour * 60 + wall.minute


@given(day=st.dates(date(1971, 1, 1), date(2037, 12, 31)), zone=st.sampled_from(ZONES))
@example(day=date(2026, 3, 29), zone="Europe/Prague")
@example(day=date(2026, 10, 25), zone="Europe/Prague")
@example(day=date(2018, 2, 18), zone="America/Sao_Paulo")
def test_a_day_starts_at_its_first_instant(day: date, zone: str) -> None:
    if not midnight_is_skipped(day, zone=zone):  # where it is, see below
        calendar, number = CALENDARS[zone], day_number(day)
        start = calendar.start_of(number)
        assert calendar.day_of(start) == number
        assert calendar.day_of(Instant(start - 1)) < number


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z"),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"),
    ],
)
def test_a_day_without_midnight_starts_at_one_in_the_morning(zone: str, day: str, start: str) -> None:
    assert Calendar(zone).start_of(day_number(date.fromisoformat(day))) == at(start)


def midnight_is_skipped(day: date, *, zone: str) -> bool:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC).astimezone(ZoneInfo(zone)).hour != 0


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)]
)
def test_the_day_on_which_clocks_turn_is_an_hour_shorter_or_longer(day: str, hours: int) -> None:
    number = day_number(date.fromisoformat(day))
    assert PRAGUE.start_of(Day(number + 1)) - PRAGUE.start_of(number) == hours * HOUR


def test_the_hour_that_comes_twice_is_two_hours_of_the_same_day() -> None:
    first, again = at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")
    assert PRAGUE.day_of(first) == PRAGUE.day_of(again)
    assert PRAGUE.minute_of_day(first) == PRAGUE.minute_of_day(again) == 2 * 60 + 30


@given(moments=st.lists(LIVED, min_size=2, max_size=2), zone=st.sampled_from(ZONES))
def test_later_instants_are_never_on_earlier_days(moments: list[datetime], zone: str) -> None:
    earlier, later = sorted(map(instant_of, moments))
    assert CALENDARS[zone].day_of(earlier) <= CALENDARS[zone].day_of(later)


@given(day=st.dates(date(1971, 1, 1), date(2037, 12, 31)))
def test_a_date_means_its_last_instant_so_that_the_day_itself_counts(day: date) -> None:
    end = PRAGUE.parse(day.isoformat(), field="as_of")
    assert PRAGUE.day_of(end) == day_number(day)
    assert PRAGUE.day_of(Instant(end + 1)) == day_number(day + timedelta(days=1))


def test_an_instant_means_itself() -> None:
    assert PRAGUE.parse("2026-01-05T09:00:00+01:00", field="as_of") == at("2026-01-05T08:00:00Z")


@given(day=st.integers(-700_000, 2_900_000).map(Day))
def test_days_are_counted_from_the_same_day_as_instants(day: Day) -> None:
    assert day_number(date_of(day)) == day
    assert Calendar("UTC").day_of(Instant(day * DAY + 23 * HOUR + 59 * MINUTE)) == day


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-01-05T25:00:00Z", "2026-01-05T09:00:00"])
def test_what_is_no_instant_is_refused_naming_the_field_and_not_the_text(text: str) -> None:
    with pytest.raises(MalformedRequest) as raised:
        PRAGUE.parse(text, field="since")
    assert raised.value.field == "since"
    assert not text or text not in str(raised.value)


def test_a_datetime_without_timezone_is_no_instant() -> None:
    with pytest.raises(MalformedRequest):
        instant_of(datetime(2026, 1, 5))  # noqa: DTZ001 - the point


@pytest.mark.parametrize("name", ["", "Middle/Earth", "../../etc/passwd", "/etc/localtime", "UTC\0"])
def test_a_timezone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(MalformedDocument) as raised:
        Calendar(name)
    assert raised.value.field == "timezone"


def test_a_calendar_answers_the_same_however_much_it_was_asked() -> None:
    asked = Calendar("Europe/Prague")
    for slot in range(200_050):  # more quarter hours than it remembers
        asked.day_of(Instant(slot * 15 * MINUTE))
    assert asked.day_of(at("1970-01-01T23:00:00Z")) == Day(1)
    assert asked.day_of(at("1970-01-01T22:59:59Z")) == Day(0)

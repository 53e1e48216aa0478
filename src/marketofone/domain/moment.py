"""Instants, days and the bank's calendar.

An ``Instant`` is an integer: microseconds since 1970-01-01T00:00:00Z. A ``Day`` is an integer too: the number of
calendar days since 1970-01-01 in the bank's timezone. Integers keep windows exact and comparisons cheap.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NewType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketofone.domain.errors import MalformedDocument, MalformedRequest

Instant = NewType("Instant", int)
Day = NewType("Day", int)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_YEARS = range(1800, 2200)  # so that no calendar overflows, whatever its offset
_FIRST, _END = ((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND for year in (_YEARS.start, _YEARS.stop))
_MONTHS = 12  # of a year
_SLOT = 15 * MINUTE  # no timezone in use changes its offset between quarter hours


def instant_of(moment: datetime) -> Instant:
    """Give the instant of an aware datetime.

    Raises
    ------
    MalformedRequest
        When the datetime names no timezone, or lies outside of 1800 to 2199.

    Examples
    --------
    >>> instant_of(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if moment.tzinfo is None:
        raise MalformedRequest(field="moment", shape="a datetime without timezone", fix="add a timezone")
    if moment.year not in _YEARS:
        raise MalformedRequest(field="moment", shape="an instant no bank has seen", fix="stay within 1800 and 2199")
    return Instant((moment - _EPOCH) // _MICROSECOND)


def parse_instant(text: str, *, field: str) -> Instant:
    """Read an RFC 3339 instant.

    Raises
    ------
    MalformedRequest
        When the text is no instant, or names no timezone.

    Examples
    --------
    >>> parse_instant("1970-01-01T00:00:01Z", field="time")
    1000000
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedRequest(
            field=field, shape=f"text of {len(text)} characters", fix="write it as 2026-01-31T09:30:00Z"
        ) from error
    if moment.tzinfo is None:
        raise MalformedRequest(field=field, shape="an instant without timezone", fix="add Z or an offset")
    return instant_of(moment)


def check_instant(at: Instant, *, field: str) -> Instant:
    """Check that what a caller names as an instant is one: what is no integer would rest on disk as something else.

    Raises
    ------
    MalformedRequest
        When it is no integer, also one of numpy's or a boolean, or lies outside of 1800 to 2199.

    Examples
    --------
    >>> check_instant(Instant(1_000_000), field="now")
    1000000
    >>> check_instant(1.5, field="now")
    Traceback (most recent call last):
    marketofone.domain.errors.MalformedRequest: now: a float; give whole microseconds since 1970-01-01T00:00:00Z
    """
    if type(at) is not int:
        shape = f"a {type(at).__name__}"
        raise MalformedRequest(field=field, shape=shape, fix="give whole microseconds since 1970-01-01T00:00:00Z")
    if not _FIRST <= at < _END:
        raise MalformedRequest(field=field, shape="an instant no bank has seen", fix="stay within 1800 and 2199")
    return at


def datetime_of(at: Instant) -> datetime:
    """Give the aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=at)


def text_of(at: Instant) -> str:
    """Write an instant as RFC 3339 in UTC.

    Examples
    --------
    >>> text_of(Instant(1_000_000))
    '1970-01-01T00:00:01Z'
    """
    return datetime_of(at).isoformat().replace("+00:00", "Z")


def date_of(day: Day) -> date:
    """Give the calendar date of a day number."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def day_number(of: date) -> Day:
    """Give the day number of a calendar date."""
    return Day(of.toordinal() - _EPOCH_ORDINAL)


def month_of(of: date) -> int:
    """Give the month of a date, counted from January of the year 0."""
    return of.year * _MONTHS + of.month - 1


def day_in_month(month: int, day: int) -> Day:
    """Give a day of a month that is counted as :func:`month_of` does; of a shorter month its last day.

    Examples
    --------
    >>> str(date_of(day_in_month(month_of(date(2027, 1, 31)) + 1, 31)))
    '2027-02-28'
    """
    year, index = divmod(month, _MONTHS)
    if year > date.max.year:
        return day_number(date.max)
    return day_number(date(year, index + 1, min(day, monthrange(year, index + 1)[1])))


class Calendar:
    """The bank's calendar: which day an instant falls on, in the bank's timezone.

    Examples
    --------
    >>> Calendar("Europe/Prague").day_of(parse_instant("1993-01-01T23:30:00Z", field="time")) == 8402
    True
    """

    def __init__(self, timezone: str) -> None:
        try:
            self._zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise MalformedDocument(
                field="timezone", shape=f"text of {len(timezone)} characters", fix="use an IANA name"
            ) from error
        self.timezone = timezone
        self._offset_in = lru_cache(maxsize=200_000)(self._looked_up)  # about six years of quarter hours

    def _offset(self, at: int) -> int:
        return self._offset_in(at // _SLOT)

    def _looked_up(self, slot: int) -> int:
        delta = datetime_of(Instant(slot * _SLOT)).astimezone(self._zone).utcoffset()
        return (delta or timedelta()) // _MICROSECOND

    def day_of(self, at: Instant) -> Day:
        """Give the day on which an instant falls."""
        return Day((at + self._offset(at)) // DAY)

    def minute_of_day(self, at: Instant) -> int:
        """Give the minutes since local midnight, 0 to 1439."""
        return (at + self._offset(at)) % DAY // MINUTE

    def parse(self, text: str, *, field: str) -> Instant:
        """Read an instant, or a date: then the last microsecond of that day here, so that the day itself counts."""
        try:
            on = date.fromisoformat(text)
        except ValueError:
            return parse_instant(text, field=field)
        if on.year not in _YEARS:
            raise MalformedRequest(field=field, shape="a day no bank has seen", fix="stay within 1800 and 2199")
        return Instant(self.start_of(Day(day_number(on) + 1)) - 1)

    def start_of(self, day: Day) -> Instant:
        """Give the first instant of a day: midnight, or the first that exists where clocks skip it."""
        guess = day * DAY
        start = guess - max(self._offset(guess - DAY), self._offset(guess + DAY))
        while self.day_of(Instant(start)) < day:
            start += _SLOT
        return Instant(start)

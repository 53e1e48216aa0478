"""Schedules: on which days and at which hours an action may be shown, in the bank's local time."""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

from msgspec import Struct, field

from marketofone.domain.fields import ClockTime
from marketofone.domain.moment import Day, date_of, day_number

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def within(minute_of_day: int, *, begin: str, end: str) -> bool:
    """Say whether a local minute of the day lies from one time of the clock on and before another; may span midnight.

    Examples
    --------
    >>> within(23 * 60, begin="20:00", end="08:00"), within(8 * 60, begin="20:00", end="08:00")
    (True, False)
    """
    now = f"{minute_of_day // 60:02}:{minute_of_day % 60:02}"
    return begin <= now < end if begin <= end else not end <= now < begin


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an action may be shown: from a day until another, on some days of the week, between two times of the clock.

    ``until`` is the last day. Hours may span midnight; the day is that of the moment itself. What is left out sets no
    limit.

    Examples
    --------
    >>> offices = Schedule(days=("saturday", "sunday"), begin="10:00", end="16:00")
    >>> offices.objection(day=Day(2), minute_of_day=11 * 60)  # 3 January 1970 was a Saturday
    ''
    >>> offices.objection(day=Day(2), minute_of_day=17 * 60)
    'only between 10:00 and 16:00'
    """

    since: date | None = field(default=None, name="from")
    until: date | None = None
    days: tuple[Weekday, ...] = ()
    begin: ClockTime | None = None
    end: ClockTime | None = None

    @property
    def contradicts_itself(self) -> bool:
        """Whether it ends before it begins, or has only one of the two times."""
        ends_first = self.since is not None and self.until is not None and self.until < self.since
        return ends_first or (self.begin is None) != (self.end is None)

    def is_open_at(self, minute_of_day: int) -> bool:
        """Say whether it is open at a local minute, on a day on which it is."""
        return self.begin is None or self.end is None or within(minute_of_day, begin=self.begin, end=self.end)

    def objection(self, *, day: Day, minute_of_day: int) -> str:
        """Say which limit stands against a moment; empty when none does."""
        if self.since is not None and day < day_number(self.since):
            return f"not before {_written(self.since)}"
        if self.until is not None and day > day_number(self.until):
            return f"over since {_written(self.until)}"
        if self.days and WEEKDAYS[date_of(day).weekday()] not in self.days:
            return f"only on {', '.join(self.days)}"
        if self.begin is None or self.end is None or within(minute_of_day, begin=self.begin, end=self.end):
            return ""
        return f"only between {self.begin} and {self.end}"


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"

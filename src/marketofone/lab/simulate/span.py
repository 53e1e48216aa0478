"""The calendar days a simulation lives through, with what is known of every day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.moment import MINUTE, Calendar, Day, Instant, date_of

Days = NDArray[np.int64]
PerDay = NDArray[np.float64]
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive days from 0; ``starts`` has the day after the last too, ``season`` is the share of the year gone."""

    starts: Days
    weekday: Days
    date: Days
    month: Days
    season: PerDay
    year: int

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.weekday)

    def at(self, day: int, *, minute: int) -> Instant:
        """Give the instant of a minute of a day."""
        return Instant(int(self.starts[day]) + minute * MINUTE)

    def monthly(self, date: int) -> Days:
        """Give the days on which something due on a date of every month happens: never on a weekend, but before it."""
        due = np.flatnonzero(self.date == date)
        early = due - np.maximum(self.weekday[due] - SATURDAY + 1, 0)
        return early[early >= 0]


def span_of(calendar: Calendar, *, first: Day, days: int) -> Span:
    """Lay out the days.

    Examples
    --------
    >>> span = span_of(Calendar("Europe/Prague"), first=Day(20_000), days=60)
    >>> [int(day) for day in span.monthly(1)]
    [28, 56]
    """
    dates = [date_of(Day(first + day)) for day in range(days)]
    return Span(
        starts=np.array([calendar.start_of(Day(first + day)) for day in range(days + 1)], dtype=np.int64),
        weekday=np.array([date.weekday() for date in dates], dtype=np.int64),
        date=np.array([date.day for date in dates], dtype=np.int64),
        month=np.array([date.month for date in dates], dtype=np.int64),
        season=np.array([date.timetuple().tm_yday / 365.25 for date in dates]),
        year=dates[0].year,
    )

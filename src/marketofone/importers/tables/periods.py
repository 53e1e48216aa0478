"""The period of a statement: it tells the years of dates that are printed without one.

Banks print it above the table: from which day to which day, or a month. Of a day and a month that year counts which
lies in the period, else the one nearest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from marketofone.importers.tables.dates import date_reader, date_style, dates_in, month_called

ABOVE = "above"
"""What a mapping says where the period stands above the table."""
_LONGEST, _A_YEAR = timedelta(days=366), timedelta(days=364)
_FORM = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})")
_NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s.\-/]*)?(?P<name>[^\W\d_]{3,})[\s.\-/]*"
    r"(?:(?P<second>\d{1,2})(?:st|nd|rd|th)?[\s,]+)?(?P<year>\d{4})(?!\d)"
)


class Period(NamedTuple):
    """The first and the last day of a statement."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"

    def day(self, month: int, day: int) -> date:
        """Give the day of a year that lies in the period, or nearest to it.

        Raises
        ------
        ValueError
            When no year near it has that day.

        Examples
        --------
        >>> period = Period(date(2025, 12, 1), date(2026, 1, 31))
        >>> [period.day(12, 30).year, period.day(1, 2).year, period.day(2, 1).year]
        [2025, 2026, 2026]
        """
        found: list[date] = []
        for year in range(self.first.year - 1, self.last.year + 2):
            with suppress(ValueError):
                found.append(date(year, month, day))
        if not found:
            raise ValueError("no day of a year near the period")
        return min(found, key=lambda one: (self._away(one), one))

    def _away(self, one: date) -> timedelta:
        return max(self.first - one, one - self.last, timedelta())


def period_of(text: str) -> Period:
    """Read a period as a mapping says it.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> period_of("2025-12-01/2026-01-31").last
    datetime.date(2026, 1, 31)
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("no period")
    first, last = map(date.fromisoformat, match.groups())
    if not first <= last <= first + _LONGEST:
        raise ValueError("no period of at most a year")
    return Period(first, last)


def period_above(lines: Sequence[Sequence[str]]) -> Period | None:
    """Find the period that stands above a table; the latest of several, and the year until the latest day alone.

    Examples
    --------
    >>> period_above([["My bank"], ["Statement period: 1 Dec 2025 - 31 Jan 2026"]])
    Period(first=datetime.date(2025, 12, 1), last=datetime.date(2026, 1, 31))
    >>> period_above([["Kontoauszug", "Januar 2026"]]).last, period_above([["My bank"]])
    (datetime.date(2026, 1, 31), None)
    """
    texts = [" ".join(line) for line in lines]
    read = date_reader(date_style([one for text in texts for one in dates_in(text)]).order)
    found: list[date] = []
    for text in texts:
        for written in dates_in(text):
            with suppress(ValueError):
                found.append(read(written))
        found.extend(_named_in(text))
    spans = [Period(one, other) for one, other in pairwise(found) if one < other <= one + _LONGEST]
    if spans:
        return max(spans, key=lambda span: (span.last, span.first))
    return Period(max(found) - _A_YEAR, max(found)) if found else None


def _named_in(text: str) -> Iterator[date]:
    """Give the days that name their month; a month without a day gives its first and its last."""
    for match in _NAMED.finditer(text):
        month, year = month_called(match["name"]), int(match["year"])
        day = match["day"] or match["second"]
        with suppress(ValueError):
            if month is not None and day is not None:
                yield date(year, month, int(day))
            elif month is not None:
                yield date(year, month, 1)
                yield date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)

"""On which day of the month a payment is due, and how working days move it.

Working days are Monday to Friday: holidays differ from place to place, and move a payment by a day or two.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from functools import lru_cache
from statistics import median_low
from typing import Literal, NamedTuple

from marketofone.domain.moment import Day, date_of, day_in_month, month_of

END_OF_MONTH = 31
_MONTHS = 12
_SURE = 0.8
_ENOUGH = 3
_SATURDAY = 5

Moved = Literal["not", "before", "after"]
"""Whether a payment that is due on a weekend is made on that day, or on the working day before or after it."""


class DueDay(NamedTuple):
    """A day of the month (31: its last day), and how a weekend moves the payment."""

    anchor: int
    moved: Moved

    def in_month(self, month: int) -> int:
        """Give the day of a payment in a month, counted from year 0."""
        return working_day(_anchored(month, self.anchor), moved=self.moved)

    def month_of(self, day: int) -> int:
        """Give the month to which a payment belongs: near the turn of a month it may be the one before or after."""
        month = month_of(date_of(Day(day)))
        return min((month - 1, month, month + 1), key=lambda near: abs(_anchored(near, self.anchor) - day))


def due_day(days: Sequence[int], *, income: bool) -> DueDay:
    """Find the day on which payments of a year were due: the one that explains most of them.

    Without anything that shows it, an income that never came on a weekend is expected on the working day before.

    Examples
    --------
    >>> due_day([20483, 20511, 20543, 20573], income=True)  # the last working days of January to April 2026
    DueDay(anchor=31, moved='before')
    """
    days = days[-_MONTHS:]
    at = [month_and_day(day)[1] for day in days]
    centre = at[-1]
    offs = [(of - centre + 15) % END_OF_MONTH - 15 for of in at]
    usual = DueDay(_place(centre, median_low(offs)), "not")
    if any(_is_weekend(day) for day in days):
        return usual
    found = max(
        usual,
        DueDay(_place(centre, max(offs)), "before"),
        DueDay(_place(centre, min(offs)), "after"),
        key=lambda due: _explained(due, days),
    )
    if found.moved != "not" and _explained(found, days) >= _SURE * len(days):
        return found
    return DueDay(usual.anchor, "before") if income and len(days) >= _ENOUGH else usual


def working_day(day: int, *, moved: Moved) -> int:
    """Give the working day to which a weekend moves a payment.

    Examples
    --------
    >>> working_day(20604, moved="before"), working_day(20604, moved="after")  # Sunday, 31 May 2026
    (20602, 20605)
    """
    late = (day + 3) % 7 - _SATURDAY  # 0 is Saturday
    if late < 0 or moved == "not":
        return day
    return day - late - 1 if moved == "before" else day + 2 - late


def days_apart(day: int, other: int) -> int:
    """Give by how many days two days of the month differ."""
    return abs((month_and_day(day)[1] - month_and_day(other)[1] + 15) % END_OF_MONTH - 15)


@lru_cache(maxsize=30_000)
def month_and_day(day: int) -> tuple[int, int]:
    """Give the calendar month of a day, and its day of the month: the last one counts as the 31st."""
    of = date_of(Day(day))
    ends = of.day == calendar.monthrange(of.year, of.month)[1]
    return of.month, END_OF_MONTH if ends else of.day


def _place(centre: int, off: int) -> int:
    return (centre + off - 1) % END_OF_MONTH + 1


def _explained(due: DueDay, days: Sequence[int]) -> int:
    return sum([due.in_month(due.month_of(day)) == day for day in days])


def _is_weekend(day: int) -> bool:
    return (day + 3) % 7 >= _SATURDAY


_anchored = lru_cache(maxsize=30_000)(day_in_month)

"""Cases: what a customer asks a person of the bank to do, and by when it is due."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from marketofone.domain.moment import Calendar, Day, Instant, date_of
from marketofone.domain.texts import ONE_LINE

CaseKind = Literal["call back", "ask a person"]
"""What is asked for: to be called, or that a person looks at something."""

AboutKind = Literal["decision", "inference"]
About = tuple[AboutKind, Annotated[str, Meta(min_length=1, max_length=128, pattern=ONE_LINE)]]
"""What a case is about: a decision by its id, or an inference by its name."""

DaysCounted = Literal["working", "plain"]
"""Which days count until a case is due: Monday to Friday, or all of them."""

CaseWords = Annotated[str, Meta(max_length=200, pattern=ONE_LINE)]
"""What a customer says with a case, or a person of the bank answers: one line."""

_WORKING = 5


def due_on(asked: Instant, *, days: int, counted: DaysCounted, calendar: Calendar) -> Instant:
    """Give the last instant of the day on which a case is due, so many days after the day on which it was asked.

    Bank holidays count as working days, for no document names them.

    Examples
    --------
    >>> from marketofone.domain.moment import parse_instant, text_of
    >>> friday = parse_instant("2026-01-02T16:00:00Z", field="asked")
    >>> text_of(due_on(friday, days=1, counted="working", calendar=Calendar("UTC")))
    '2026-01-05T23:59:59.999999Z'
    """
    day = calendar.day_of(asked)
    left = days
    while left:
        day = Day(day + 1)
        left -= counted == "plain" or date_of(day).weekday() < _WORKING
    return Instant(calendar.start_of(Day(day + 1)) - 1)

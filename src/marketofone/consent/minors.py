"""People under age: what no one may say yes to for them, and the day on which they come of age.

- *Under age* nothing that serves marketing may be used, nor a purpose that the bank bars besides, even after a yes
  to it; and no credit is offered. For all other purposes the minor says yes or no, or a guardian for them.
- *On the day of age* each yes that was said before ends, at midnight where the bank is, also a guardian's: the young
  adult is asked anew, and nothing carries over. A no stays.

Both follow from the date of birth and the moment of the question. No job runs, so nothing comes late.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from marketofone.domain.event import CustomerBorn, Event
from marketofone.domain.fields import Word
from marketofone.domain.moment import Calendar, Day, Instant, date_of, day_number


class Minors(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which age on a person is of age, and which purposes are barred before, beside those that serve marketing."""

    of_age: Annotated[int, Meta(ge=12, le=30)] = 18
    barred: tuple[Word, ...] = ()


def birth_told(born: Day | None, events: Iterable[Event]) -> Day | None:
    """Give the date of birth after some events, in their order, that may tell it: the last word counts."""
    told = [event.data.born for event in events if isinstance(event.data, CustomerBorn)]
    return day_number(told[-1]) if told else born


def came_of_age(born: Day, *, years: int, calendar: Calendar) -> Instant:
    """Give the moment at which somebody is so many years old: the first of their birthday, where the bank is.

    Who was born on 29 February is so on 1 March of a year that has no such day.

    Examples
    --------
    >>> from marketofone.domain.moment import text_of
    >>> born = day_number(date(2008, 2, 29))
    >>> text_of(came_of_age(born, years=18, calendar=Calendar("Europe/Berlin")))
    '2026-02-28T23:00:00Z'
    """
    of = date_of(born)
    try:
        birthday = of.replace(year=of.year + years)
    except ValueError:
        birthday = date(of.year + years, 3, 1)
    return calendar.start_of(day_number(birthday))

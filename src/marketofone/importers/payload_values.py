"""What stands in the fields of open-banking payloads: texts, dates, amounts, numbers of accounts, and how often."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf

from marketofone.domain.errors import MalformedEvent, MalformedRequest
from marketofone.domain.fields import Every
from marketofone.domain.moment import date_of, day_in_month, month_of
from marketofone.domain.money import decimals_of

NAME, TEXT, PRINTED = 64, 200, 500
"""How many characters a name, a text and what a statement prints may have; see ``domain/event.py``."""

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")
_DAY_OF_A_DATE = 10
_WEEK = 7
_MAX_DIGITS = 14  # before the decimal sign
_EVERY: dict[tuple[str, int], Every] = {
    ("day", 1): "day",
    ("day", 7): "week",
    ("day", 14): "fortnight",
    ("week", 1): "week",
    ("week", 2): "fortnight",
    ("month", 1): "month",
    ("month", 3): "quarter",
    ("month", 6): "half_year",
    ("month", 12): "year",
}


def day_in(text: str, *, field: str) -> date:
    """Read the date that is printed, whatever the timezone beside it.

    Raises
    ------
    MalformedEvent

    Examples
    --------
    >>> day_in("2026-03-29T00:30:00+01:00", field="BookingDateTime")
    datetime.date(2026, 3, 29)
    """
    try:
        return date.fromisoformat(text[:_DAY_OF_A_DATE])
    except ValueError as error:
        raise _no_date(text, field=field) from error


def moment_in(text: str, *, field: str) -> date | datetime:
    """Read an instant, or a date where no time stands beside it.

    Raises
    ------
    MalformedEvent
    """
    if len(text) <= _DAY_OF_A_DATE:
        return day_in(text, field=field)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_date(text, field=field) from error


def _no_date(text: str, *, field: str) -> MalformedEvent:
    return MalformedEvent(field=field, shape=f"text of {len(text)} characters", fix="write a date of ISO 8601")


def optional_day(text: str | None, *, field: str) -> date | None:
    """Read the date that is printed, where one is.

    Raises
    ------
    MalformedEvent
    """
    return None if text is None else day_in(text, field=field)


def number_in(amount: Decimal, *, field: str) -> Decimal:
    """Give a number that can be an amount.

    Raises
    ------
    MalformedEvent
        When it is none, or beyond any amount.
    """
    if not amount.is_finite() or amount.adjusted() >= _MAX_DIGITS:
        raise MalformedEvent(field=field, shape="a number beyond any amount", fix="write the amount")
    return amount


def unsigned(amount: Decimal, *, field: str) -> Decimal:
    """Give an amount beside which its direction is told in a word, and which therefore has no sign.

    Raises
    ------
    MalformedEvent
        When it has one: it could mean either.
    """
    if number_in(amount, field=field) < 0:
        fix = "write the amount without a sign; the word beside it says in which direction it goes"
        raise MalformedEvent(field=field, shape="a negative number", fix=fix)
    return amount


def rate_in(rate: str | float | None) -> float | None:
    """Give a rate of exchange; None where there is none that can be one.

    Examples
    --------
    >>> rate_in("1.0842"), rate_in("0"), rate_in("about one")
    (1.0842, None, None)
    """
    try:
        number = float(rate or 0)
    except ValueError:
        return None
    return number if 0 < number < inf else None


def in_cents(amount: Decimal, *, currency: str) -> Decimal:
    """Round what is valued finer than money is, such as an investment, to the decimals of its currency."""
    try:
        return round(amount, decimals_of(currency))
    except MalformedRequest:  # the currency is refused where the row becomes an event
        return amount


def printed(text: str | None, *, limit: int) -> str | None:
    r"""Give a text in one line and at most so long; None where nothing is said.

    Examples
    --------
    >>> printed(" KIOSK\n 7 ", limit=NAME), printed("  ", limit=NAME)
    ('KIOSK 7', None)
    """
    return None if text is None else _BLANKS.sub(" ", text).strip()[:limit].strip() or None


def limit_apart(field: str) -> MalformedEvent:
    """Say that an account may be overdrawn in a currency in which no balance of it is told: that limits nothing."""
    shape = "another currency than that of the balance"
    return MalformedEvent(field=field, shape=shape, fix="give how far it may be overdrawn in the balance's currency")


def first(*texts: str | None) -> str | None:
    """Give the first text that says something."""
    return next((text for text in texts if text is not None and text.strip()), None)


def category_code(text: str | None) -> str | None:
    """Give a merchant category code with its four digits; None where it is none.

    Examples
    --------
    >>> category_code("742"), category_code("shops")
    ('0742', None)
    """
    return text.zfill(4) if text is not None and re.fullmatch(r"[0-9]{1,4}", text) else None


def every(unit: str, count: int = 1) -> Every | None:
    """Give the word for a time between two payments; None where there is none.

    Examples
    --------
    >>> every("week", 2), every("month", 5)
    ('fortnight', None)
    """
    return _EVERY.get((unit, count))


def later(day: date, *, every: Every, periods: int) -> date:
    """Give the day some times ``every`` after a day; of a shorter month its last one.

    Examples
    --------
    >>> later(date(2026, 1, 31), every="month", periods=1), later(date(2026, 1, 5), every="fortnight", periods=2)
    (datetime.date(2026, 2, 28), datetime.date(2026, 2, 2))
    """
    unit, count = next(told for told, word in _EVERY.items() if word == every)
    if unit == "month":
        return date_of(day_in_month(month_of(day) + count * periods, day.day))
    return day + timedelta(days=periods * count * (_WEEK if unit == "week" else 1))


def no_word(word: str, *, field: str) -> MalformedEvent:
    """Give the error of a word that the specification does not know."""
    shape = f"text of {len(word)} characters"
    return MalformedEvent(field=field, shape=shape, fix="use one of the words of the specification")

"""Dates as people and banks write them: which order is meant, and a reader for one order.

A year of four digits that comes first is never misread. Where it comes last the order of day and month is open until a
number above twelve decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from babel import Locale

from marketofone.importers.tables.cells import Cell
from marketofone.importers.tables.digits import western
from marketofone.importers.tables.vocabulary import folded

Order = Literal["YMD", "DMY", "MDY"]
ORDERS: tuple[Order, ...] = ("YMD", "DMY", "MDY")
Dated = Callable[[int, int], date]
"""Gives the day of a month and a day."""

_CLOCK = re.compile(r"[T ,]+\d{1,2}:\d{2}.*$")
_NUMBERS = re.compile(r"(\d{1,4})[./\-\s]\s?(\d{1,2})[./\-\s]\s?(\d{1,4})\.?")
_WRITTEN = re.compile(r"(?<![\d./-])\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?![\d/-])")
_TOGETHER = {8: {"YMD": (4, 6), "DMY": (2, 4), "MDY": (2, 4)}, 6: {"YMD": (2, 4), "DMY": (2, 4), "MDY": (2, 4)}}
_DAY_AND_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s.\-/]*([^\W\d_]+)[\s.,\-/]*(\d{4}|\d{2})")
_NAME_AND_DAY = re.compile(r"([^\W\d_]+)[\s.]*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4})")
_DAY_AND_MONTH = re.compile(r"(\d{1,2})[./\-\s]\s?(\d{1,2})[./\-]?")
_DAY_AND_NAME_ONLY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s.\-/]*([^\W\d_]+)\.?")
_NAME_AND_DAY_ONLY = re.compile(r"([^\W\d_]+)[\s.\-/]*(\d{1,2})(?:st|nd|rd|th)?")
_MONTH_FIRST = ("月", "월")
_EAST_ASIAN = str.maketrans({"年": "-", "月": "-", "日": None, "년": "-", "월": "-", "일": None})
_LANGUAGES = (
    "en", "de", "fr", "cs", "sk", "es", "it", "nl", "pl", "pt", "sv", "da", "nb", "fi", "hu", "ro", "tr", "el", "ru",
    "uk", "ar", "id", "bg", "he",
)  # fmt: skip
_YEARS, _YEARS_OF_BANGKOK, _YEARS_OF_TAIPEI = range(1900, 2200), range(2443, 2743), range(80, 289)
_YEARS_OF_TEHRAN, _YEARS_OF_MECCA = range(1370, 1421), range(1421, 1480)
_ERA = re.compile(r"(令和|平成|昭和|[RHSrhs])\s?\.?(元|\d{1,2})[./\-\s]\s?(\d{1,2})[./\-\s]\s?(\d{1,2})")
_ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
_NEW_YEAR_1370 = date(1991, 3, 21)
_CENTURY, _THIS_CENTURY_UNTIL = 100, 69
_SPREADSHEET_BEGINS = date(1899, 12, 30)
_SPREADSHEET_DAYS = range(10_000, 100_000)
_REMEMBERED = 20_000
_ENOUGH_TO_TELL = 4  # different dates


def date_reader(order: Order, *, dated: Dated | None = None) -> Callable[[Cell], date]:
    """Give a reader of dates in one order; it gives the date of a date with a time.

    ``dated`` gives the day of a month and a day that are written without a year; without it they are no date. The
    reader raises ``ValueError`` where there is no date.

    Examples
    --------
    >>> read = date_reader("DMY")
    >>> read("3.4.26"), read("2026-04-03 09:30"), read("3 Apr 2026") == read("03/04/2026")
    (datetime.date(2026, 4, 3), datetime.date(2026, 4, 3), True)
    """
    known: dict[str, date] = {}

    def read(cell: Cell) -> date:
        if not isinstance(cell, str):
            return _typed(cell)
        text = _CLOCK.sub("", cell) if ":" in cell else cell
        found = known.get(text)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[text] = _date_in(text.strip(), order=order, dated=dated)
        return found

    return read


def _typed(cell: Decimal | date) -> date:
    if isinstance(cell, date):
        if cell.year not in _YEARS:
            raise ValueError("no year of a statement")
        return cell.date() if isinstance(cell, datetime) else cell
    if cell in _SPREADSHEET_DAYS:  # a spreadsheet's number of days
        return _SPREADSHEET_BEGINS + timedelta(days=int(cell))
    raise ValueError("no date")


def _date_in(text: str, *, order: Order, dated: Dated | None) -> date:
    if not text.isascii():
        order = "MDY" if any(sign in text for sign in _MONTH_FIRST) and order == "DMY" else order
        text = western(text).translate(_EAST_ASIAN).strip()
    if match := _ERA.fullmatch(text):
        era, year, month, number = match.groups()
        return _calendar_date(str(_ERAS[era.upper()] + int(year.replace("元", "1"))), int(month), int(number))
    if match := _NUMBERS.fullmatch(text):
        return _ordered(*match.groups(), order=order)
    if text.isdigit() and (cuts := _TOGETHER.get(len(text))):
        first, second = cuts[order]
        return _ordered(text[:first], text[first:second], text[second:], order=order)
    if match := _DAY_AND_NAME.fullmatch(text):
        day, name, year = match.groups()
    elif match := _NAME_AND_DAY.fullmatch(text):
        name, day, year = match.groups()
    elif dated is not None:
        return dated(*_month_and_day(text, order=order))
    else:
        raise ValueError("no date")
    return _calendar_date(year, month_called(name) or 0, int(day))


def _month_and_day(text: str, *, order: Order) -> tuple[int, int]:
    """Read a date without a year."""
    if match := _DAY_AND_MONTH.fullmatch(text):
        day, month = map(int, match.groups() if order == "DMY" else match.groups()[::-1])
        return month, day
    if match := _DAY_AND_NAME_ONLY.fullmatch(text):
        number, name = match.groups()
    elif match := _NAME_AND_DAY_ONLY.fullmatch(text):
        name, number = match.groups()
    else:
        raise ValueError("no date")
    return month_called(name) or 0, int(number)


def _ordered(first: str, second: str, third: str, *, order: Order) -> date:
    if order == "YMD" or len(first) >= len("115"):
        return _calendar_date(first, int(second), int(third))
    day, month = (first, second) if order == "DMY" else (second, first)
    return _calendar_date(third, int(month), int(day))


def _calendar_date(year: str, month: int, day: int) -> date:
    number = int(year)
    if number in _YEARS_OF_TEHRAN:
        return _of_solar_hijri(number, month, day)
    if len(year) == len("115") and number in _YEARS_OF_TAIPEI:
        number += 1911
    if number in _YEARS_OF_BANGKOK:
        number -= 543
    if len(year) == len("YY"):
        number += 2000 if number <= _THIS_CENTURY_UNTIL else 1900
    if number not in _YEARS:
        raise ValueError("no year of a statement")
    return date(number, month, day)


def _of_solar_hijri(year: int, month: int, day: int) -> date:
    """Give a date of the calendar of Iran: six months of 31 days, five of 30, and one of 29, or 30 in a leap year.

    Of 33 years eight are leap years; so it is from 1370 to 1420, whatever rule counts the years beyond.
    """
    if not 1 <= month <= 12 or not 1 <= day <= 31 - (month > 6) - (month == 12 and (8 * year + 29) % 33 >= 8):  # noqa: PLR2004
        raise ValueError("no day of this calendar")
    days = 31 * (month - 1) - max(month - 7, 0) + day - 1
    return _NEW_YEAR_1370 + timedelta(days=365 * (year - 1370) + _leap_years(year) - _leap_years(1370) + days)


def _leap_years(year: int) -> int:
    """Count the leap years of Iran before a year, from one on."""
    return (8 * year + 21) // 33


def is_islamic(text: str) -> bool:
    """Say whether a text is a date with a year of the Islamic calendar, whose months begin when the moon is seen.

    Examples
    --------
    >>> is_islamic("1447/05/12"), is_islamic("12-05-1447"), is_islamic("1404/05/12"), is_islamic("2026-05-12")
    (True, True, False, False)
    """
    match = _NUMBERS.fullmatch(western(text).strip())
    return match is not None and any(int(part) in _YEARS_OF_MECCA for part in (match[1], match[3]))


@cache
def _months() -> dict[str, int]:
    """Give the months by their names in many languages; of one name with two meanings the first language's counts."""
    named: dict[str, int] = {}
    for language in _LANGUAGES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for month, name in Locale(language).months[context][width].items():
                    named.setdefault(folded(name), month)
    return named | {"sept": 9}


def month_called(name: str) -> int | None:
    """Give the number of a month by its name; None where no month is called so.

    Examples
    --------
    >>> month_called("März"), month_called("Sept"), month_called("tea")
    (3, 9, None)
    """
    return _months().get(folded(name))


def dates_in(text: str) -> list[str]:
    """Give what stands in a text and may be dates.

    Examples
    --------
    >>> dates_in("from 06/01/2026 to 06/30/2026, 3 accounts")
    ['06/01/2026', '06/30/2026']
    """
    return _WRITTEN.findall(text if text.isascii() else western(text).translate(_EAST_ASIAN))


class DateStyle(NamedTuple):
    """In which order the dates of a column are written, which share of them can be read so, and whether it is sure."""

    order: Order
    share: float
    sure: bool


def date_style(cells: Iterable[Cell], *, dated: Dated | None = None) -> DateStyle:
    """Find in which order dates are written.

    Of orders that read them equally well one counts in which they only rise or only fall, as in a statement; else the
    day comes first, and it is not sure. ``dated`` gives the days of dates without a year.

    Examples
    --------
    >>> date_style(["03/04/2026", "03/14/2026"])
    DateStyle(order='MDY', share=1.0, sure=True)
    >>> date_style(["03/04/2026"]).sure
    False
    """
    distinct = [cell for cell in dict.fromkeys(cells) if cell != ""]
    read = {order: _all_read(distinct, date_reader(order, dated=dated)) for order in ORDERS}
    best = max(map(len, read.values()))
    likely: list[Order] = [order for order in ("DMY", "MDY", "YMD") if len(read[order]) == best]
    if not best:
        return DateStyle("YMD", 0.0, sure=True)
    if len(likely) > 1 and "YMD" in likely:  # dates without a year are read by it as by MDY
        likely = _year_first(likely, read) if dated is None else [order for order in likely if order != "YMD"]
    in_turn = [order for order in likely if _in_turn(read[order])]
    if len(in_turn) == 1 and best >= _ENOUGH_TO_TELL:
        likely = in_turn
    return DateStyle(likely[0], best / len(distinct), len(likely) == 1)


def _year_first(likely: list[Order], read: Mapping[Order, list[date]]) -> list[Order]:
    """Settle whether years come first: where all orders read alike, or the others scatter dates over decades."""
    others: list[Order] = [order for order in likely if order != "YMD"]
    if all(read[order] == read["YMD"] for order in others):
        return ["YMD"]
    return ["YMD"] if 3 * _span(read["YMD"]) < min(_span(read[order]) for order in others) else others


def _span(dates: list[date]) -> timedelta:
    return max(dates) - min(dates)


def _in_turn(dates: list[date]) -> bool:
    rising = sorted(dates)
    return dates in (rising, rising[::-1])


def _all_read(cells: list[Cell], read: Callable[[Cell], date]) -> list[date]:
    found: list[date] = []
    for cell in cells:
        with suppress(ValueError):
            found.append(read(cell))
    return found

"""Reference tables of daily rates: what a currency was worth in another on a day, as a publisher says.

Everything is integers. A table may quote a pair directly, the other way round, or through a currency in which it quotes
both; a rate of two steps takes both from one day. A later word about a day and a pair corrects the earlier one, and
a question as of an earlier entry still gets what was known then.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import Currency
from marketofone.domain.moment import Day
from marketofone.domain.money import Rate

MAX_AGE = 7
"""For how many days a rate holds where none follows: weekends and holidays have none of their own."""
_MAX_DIGITS, _MAX_DECIMALS = 18, 15

Digits = Annotated[int, Meta(ge=1, lt=10**_MAX_DIGITS)]
Decimals = Annotated[int, Meta(ge=0, le=_MAX_DECIMALS)]


class DailyRate(Struct, frozen=True, array_like=True, gc=False):
    """One unit of ``base`` was worth ``digits`` units of ``quote`` on a day, the last ``decimals`` of them decimals."""

    day: Day
    base: Currency
    quote: Currency
    digits: Digits
    decimals: Decimals


class Pair(NamedTuple):
    """A pair of currencies that a table quotes."""

    table: str
    base: str
    quote: str


class Step(NamedTuple):
    """A pair on the way from one currency to another; a step back divides."""

    pair: Pair
    back: bool


def daily_rate(day: Day, base: str, quote: str, worth: Decimal) -> DailyRate:
    """Make a daily rate of a decimal number, which is taken as it is.

    Raises
    ------
    MalformedEvent
        When it is no rate that can be taken, or both currencies are the same.

    Examples
    --------
    >>> daily_rate(Day(0), "EUR", "GBP", Decimal("0.85460"))
    DailyRate(day=0, base='EUR', quote='GBP', digits=8546, decimals=4)
    """
    if base == quote:
        raise MalformedEvent(field="quote", shape="the currency of the base", fix="name another currency")
    if not worth.is_finite() or worth <= 0:
        raise MalformedEvent(field="rate", shape="no number above zero", fix="write what one unit of base is worth")
    _, digits, exponent = worth.as_tuple()
    number, decimals = int("".join(map(str, digits))), -int(exponent)
    while number % 10 == 0 and decimals > 0:
        number, decimals = number // 10, decimals - 1
    if worth.adjusted() + max(decimals, 0) >= _MAX_DIGITS or decimals > _MAX_DECIMALS:
        fix = f"write at most {_MAX_DIGITS} digits, {_MAX_DECIMALS} of them decimals"
        raise MalformedEvent(field="rate", shape="a number beyond any rate", fix=fix)
    return DailyRate(day, base, quote, number * 10 ** max(-decimals, 0), max(decimals, 0))


class _Series(NamedTuple):
    """What a table said of one pair, sorted by day and then by the entry that said it."""

    days: array[int]
    entries: array[int]
    digits: array[int]
    decimals: array[int]


class ReferenceRates:
    """All that reference tables said up to an entry ``n`` of the bank's journal; it never changes.

    Examples
    --------
    >>> pounds = daily_rate(Day(3), "EUR", "GBP", Decimal("0.8"))
    >>> rates = ReferenceRates().after([(7, "ECB", [pounds])], n=7)
    >>> pair = Pair("ECB", "EUR", "GBP")
    >>> rates.told(pair, Day(3), upto=7) == pounds, rates.told(pair, Day(3), upto=6)
    (True, None)
    """

    def __init__(self, series: Mapping[Pair, _Series] | None = None, *, n: int = 0) -> None:
        self.n = n
        self._series = series or {}

    def after(self, told: Iterable[tuple[int, str, Iterable[DailyRate]]], *, n: int) -> ReferenceRates:
        """Give what tables said after further entries, each with its number, its table and its rates, up to ``n``."""
        rows: dict[Pair, list[tuple[int, int, int, int]]] = {}
        for entry, table, rates in told:
            for rate in rates:
                row = rate.day, entry, rate.digits, rate.decimals
                rows.setdefault(Pair(table, rate.base, rate.quote), []).append(row)
        changed = {pair: _sorted(more, before=self._series.get(pair)) for pair, more in rows.items()}
        return ReferenceRates({**self._series, **changed}, n=n)

    def told(self, pair: Pair, day: Day, *, upto: int) -> DailyRate | None:
        """Give what a table said about a pair and a day, as of an entry."""
        series = self._series.get(pair)
        if series is None:
            return None
        first, end = bisect_left(series.days, day), bisect_right(series.days, day)
        at = bisect_right(series.entries, upto, first, end) - 1
        if at < first:
            return None
        return DailyRate(day, pair.base, pair.quote, series.digits[at], series.decimals[at])

    def days(self, pair: Pair, *, upto: int) -> Iterator[Day]:
        """Give the days on which a pair is quoted, from one day on backwards."""
        days = self._series[pair].days
        return map(Day, reversed(days[: bisect_right(days, upto)]))

    def ways(self, of: str, to: str) -> Iterator[tuple[Step, ...]]:
        """Give the ways from one currency to another, each within one table, in one step or in two."""
        pairs = self._series.keys()
        for table in {pair.table for pair in pairs}:
            yield from ((step,) for step in _steps(table, of, to) if step.pair in pairs)
            for middle in {pair.base for pair in pairs if pair.table == table} - {of, to}:
                for way in product(_steps(table, of, middle), _steps(table, middle, to)):
                    if all(step.pair in pairs for step in way):
                        yield way


def _sorted(rows: list[tuple[int, int, int, int]], *, before: _Series | None) -> _Series:
    if before is not None:
        rows = [*zip(*before, strict=True), *rows]
    days, entries, digits, decimals = zip(*sorted(rows), strict=True)
    return _Series(array("i", days), array("i", entries), array("q", digits), array("b", decimals))


def _steps(table: str, of: str, to: str) -> tuple[Step, Step]:
    return Step(Pair(table, of, to), back=False), Step(Pair(table, to, of), back=True)


@dataclass(frozen=True)
class KnownRates:
    """What reference tables said as of an entry of the bank's journal; nothing as of 0."""

    n: int = 0
    rates: ReferenceRates = field(default_factory=ReferenceRates)

    def told(self, pair: Pair, day: Day) -> DailyRate | None:
        """Give what a table said about a pair and a day."""
        return self.rates.told(pair, day, upto=self.n)

    def newest(self, of: str, to: str, *, day: int) -> Rate | None:
        """Give the newest rate up to a day, however old.

        Of those of one day that of fewer steps counts, then that of the first table, as their names are sorted; a pair
        that is quoted both ways counts as it is asked for, and of two currencies in the middle the first.

        Examples
        --------
        >>> worth = {"GBP": Decimal("0.8"), "JPY": Decimal(160)}
        >>> said = [daily_rate(Day(3), "EUR", quote, worth[quote]) for quote in worth]
        >>> rates = ReferenceRates().after([(1, "ECB", said)], n=1)
        >>> KnownRates(1, rates).newest("GBP", "JPY", day=5).text
        'GBP at 200 JPY of 1970-01-04, ECB'
        """
        found = [(way, told) for way in self.rates.ways(of, to) if (told := self._on(way, day))]
        if not found:
            return None
        way, told = min(found, key=_rank)
        over, under = 1, 1
        for step, one in zip(way, told, strict=True):
            worth, unit = one.digits, 10**one.decimals
            over, under = (over * unit, under * worth) if step.back else (over * worth, under * unit)
        return Rate(way[0].pair.table, told[0].day, of, to, over, under)

    def _on(self, way: tuple[Step, ...], day: int) -> list[DailyRate]:
        """Give what is quoted on the newest day on which every step is; nothing where there is none."""
        for on in self.rates.days(way[0].pair, upto=day):
            told = [one for step in way if (one := self.told(step.pair, on)) is not None]
            if len(told) == len(way):
                return told
        return []


def _rank(found: tuple[tuple[Step, ...], list[DailyRate]]) -> tuple[object, ...]:
    way, told = found
    return -told[0].day, len(way), way[0].pair.table, [step.back for step in way], way


def is_fresh(rate: Rate, *, day: int) -> bool:
    """Say whether a rate holds on a day still."""
    return day - rate.day <= MAX_AGE

"""Reference tables of daily rates: in the wide layout of the European Central Bank, and in a long one.

- *Wide*: a date, and a column for each currency: how much of it one unit of the base was worth that day. The base is
  the euro, unless another is named.
- *Long*: a row for each rate: date, base, quote and rate, in any order, under names that such columns have; so as well
  the series that the statistical data portal of the same bank gives.

A row gives all its rates or none. A cell in which nothing is quoted is no rate; a row of such cells only is a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.domain.moment import Day, day_number
from marketofone.domain.money import CURRENCIES
from marketofone.domain.rates import DailyRate, daily_rate
from marketofone.importers.rows import BadRow
from marketofone.importers.tables.amounts import AmountStyle, amount_reader, amount_style
from marketofone.importers.tables.cells import is_empty, text_of
from marketofone.importers.tables.dates import DateStyle, date_reader, date_style
from marketofone.importers.tables.delimited import lines_of
from marketofone.importers.tables.tabular import TableRow
from marketofone.importers.tables.vocabulary import folded

T = TypeVar("T", date, Decimal)
EURO = "EUR"
ECB = "ECB"
OTHERWISE = "reference"
"""What a table is called where neither a person nor its layout says it."""

_CODES = frozenset(CURRENCIES)
_NOTHING = frozenset({"", "-", "–", "n/a", "na", "n.a.", "nan", "null", "none"})  # noqa: RUF001 - people write it
_NAMES = {
    "date": ("date", "day", "time period", "datum", "fecha", "valid on", "rate date"),
    "base": ("base", "base currency", "currency denom", "from", "from currency", "source currency"),
    "quote": ("quote", "quote currency", "currency", "to", "to currency", "target currency", "counter currency"),
    "rate": ("rate", "exchange rate", "obs value", "value", "mid", "price"),
}
_SERIES_OF_THE_ECB = frozenset({"time period", "obs value"})
_SEARCHED_ROWS, _SAMPLE_ROWS = 100, 500


class _Wide(NamedTuple):
    """Which cell holds the date, and of which currencies the other cells hold rates."""

    date: int
    base: str
    quotes: tuple[tuple[int, str], ...]

    def rates(self, cells: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Give base, quote and rate of each cell in which something is quoted."""
        return ((self.base, quote, cells[at]) for at, quote in self.quotes if cells[at].lower() not in _NOTHING)


class _Long(NamedTuple):
    """Which cells hold the date, both currencies, and the rate."""

    date: int
    base: int
    quote: int
    rate: int

    def rates(self, cells: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Give base, quote and rate, where something is quoted."""
        if cells[self.rate].lower() not in _NOTHING:
            yield (
                _currency(cells[self.base], field="base"),
                _currency(cells[self.quote], field="quote"),
                cells[self.rate],
            )


class RatesFile:
    """The rows of a file of rates, each with its line; ``notes`` counts rows in which nothing is quoted.

    ``publisher`` is what the table is called, and ``unsure`` says what in it can be read in two ways. The rows stand
    below ``header_line``.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or is no table of rates.
    """

    def __init__(self, path: Path, *, base: str = EURO) -> None:
        self._path = path
        header, self._layout = _layout(path, base=base)
        self.header_line, self._width = header.line, len(header.cells)
        sample = list(islice(self._below(), _SAMPLE_ROWS))
        dates, amounts = _styles(sample, self._layout, width=self._width)
        self._date, self._amount = date_reader(dates.order), amount_reader(amounts.decimal)
        self.publisher = ECB if base == EURO and _is_of_the_ecb(header, self._layout) else OTHERWISE
        self.unsure = tuple(_unsure(dates, amounts))
        self.notes = 0

    def __iter__(self) -> Iterator[tuple[int, tuple[DailyRate, ...] | BadRow]]:
        self.notes = 0
        said: dict[tuple[str, str, int], DailyRate] = {}
        for row in self._below(whole=True):
            if isinstance(row, BadRow):
                yield row.line, row
                continue
            try:
                rates = self._rates(row)
                _check_agreement(rates, said)
            except MalformedEvent as why:
                yield row.line, BadRow(line=row.line, raw=row.raw, why=why)
                continue
            if rates:
                yield row.line, rates
            else:
                self.notes += 1

    def _below(self, *, whole: bool = False) -> Iterator[TableRow | BadRow]:
        """Give the rows below the header; where the file breaks off, only a reading of the whole says so."""
        rows = (row for row in lines_of(self._path) if isinstance(row, BadRow) or self._is_row(row))
        if whole:
            yield from rows
        else:
            with suppress(MalformedDocument):
                yield from rows

    def _is_row(self, row: TableRow) -> bool:
        return row.line > self.header_line and not is_empty(row.cells)

    def _rates(self, row: TableRow) -> tuple[DailyRate, ...]:
        cells = _filled(row, width=self._width)
        day = _read(cells[self._layout.date], self._date, field="date", fix="write a date, as 2026-06-30")
        fix = "write what one unit of the base was worth, as 0.8546"
        return tuple(
            daily_rate(Day(day_number(day)), base, quote, _read(rate, self._amount, field="rate", fix=fix))
            for base, quote, rate in self._layout.rates(cells)
        )


def _check_agreement(rates: Sequence[DailyRate], said: dict[tuple[str, str, int], DailyRate]) -> None:
    """Check that a row says nothing else than an earlier one of the file about the same day and pair."""
    if any(said.get((rate.base, rate.quote, rate.day), rate) != rate for rate in rates):
        shape = "another rate than an earlier row has for this day and pair"
        raise MalformedEvent(field="rate", shape=shape, fix="keep one of them, and import the file again")
    said.update(((rate.base, rate.quote, rate.day), rate) for rate in rates)


def _layout(path: Path, *, base: str) -> tuple[TableRow, _Wide | _Long]:
    for row in islice(lines_of(path), _SEARCHED_ROWS):
        if isinstance(row, TableRow) and (found := _long(row) or _wide(row, base=base, name=path.name)) is not None:
            return row, found
    fix = "begin with the columns date, base, quote, rate; or with a date and a column for each currency"
    raise MalformedDocument(field=path.name, shape="no table of rates", fix=fix)


def _long(header: TableRow) -> _Long | None:
    names = [folded(text_of(cell).replace("_", " ")) for cell in header.cells]
    found = {role: at for role, words in _NAMES.items() if (at := _first(names, words)) is not None}
    return _Long(**found) if len(found) == len(_NAMES) else None


def _first(names: Sequence[str], words: Sequence[str]) -> int | None:
    return next((names.index(word) for word in words if word in names), None)


def _wide(header: TableRow, *, base: str, name: str) -> _Wide | None:
    """Find a date beside codes of currencies.

    Raises
    ------
    MalformedDocument
        When a column is called like no currency, or two like one.
    """
    texts = [text_of(cell) for cell in header.cells]
    if not texts or folded(texts[0]) not in _NAMES["date"]:
        return None
    quotes = tuple((at, text) for at, text in enumerate(texts) if at and text)
    wrong = [at for at, text in quotes if text not in _CODES or text == base]
    if 2 * len(wrong) >= len(quotes):
        return None
    wrong += [at for at, text in quotes if texts.index(text) < at]
    if wrong:
        shape = f"column {wrong[0] + 1} is called like no other currency"
        raise MalformedDocument(field=name, shape=shape, fix="name it by a code of ISO 4217, or take it out")
    return _Wide(0, base, quotes)


def _is_of_the_ecb(header: TableRow, layout: _Wide | _Long) -> bool:
    names = {folded(text_of(cell).replace("_", " ")) for cell in header.cells}
    return isinstance(layout, _Wide) or names >= _SERIES_OF_THE_ECB


def _filled(row: TableRow, *, width: int) -> list[str]:
    """Give the cells of a row as texts, as many as the header has.

    Raises
    ------
    MalformedEvent
        When a row has cells beyond the header.
    """
    cells = [text_of(cell) for cell in row.cells]
    if any(cells[width:]):
        raise MalformedEvent(field="row", shape=f"{len(cells)} columns", fix=f"write {width} columns")
    return cells + [""] * (width - len(cells))


def _styles(sample: Sequence[TableRow | BadRow], layout: _Wide | _Long, *, width: int) -> tuple[DateStyle, AmountStyle]:
    dates: list[str] = []
    amounts: list[str] = []
    for row in sample:
        with suppress(MalformedEvent):
            if isinstance(row, TableRow):
                cells = _filled(row, width=width)
                dates.append(cells[layout.date])
                amounts += [rate for _, _, rate in layout.rates(cells)]
    return date_style(dates), amount_style(amounts)


def _unsure(dates: DateStyle, amounts: AmountStyle) -> Iterator[str]:
    if not dates.sure:
        yield f"date: read as {dates.order}, and another order fits as well"
    if not amounts.sure:
        yield f'decimal: read as "{amounts.decimal}", and the other sign fits as well'


def _currency(text: str, *, field: str) -> str:
    if text not in _CODES:
        raise MalformedEvent(
            field=field, shape=f"text of {len(text)} characters", fix="write a code of ISO 4217, as EUR"
        )
    return text


def _read(cell: str, reader: Callable[[str], T], *, field: str, fix: str) -> T:
    try:
        return reader(cell)
    except (ValueError, ArithmeticError) as error:
        raise MalformedEvent(field=field, shape=f"text of {len(cell)} characters", fix=fix) from error

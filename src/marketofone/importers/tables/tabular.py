"""Tables that others wrote, whatever the file: what stands above the header, the header, and rows with their lines.

Banks print lines above their header (a name, an account, a period) and below their rows (totals). The header is the
line with the words that headers have; a file may have none. ``delimited.py`` reads text, ``spreadsheet.py``
spreadsheets, and ``columnar.py`` Parquet and Arrow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, pairwise
from typing import NamedTuple

from msgspec import Struct

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rows import BadRow
from marketofone.importers.tables.amounts import is_amount
from marketofone.importers.tables.cells import Cell, is_empty, text_of
from marketofone.importers.tables.dates import date_style
from marketofone.importers.tables.vocabulary import roles_of

SAMPLE_ROWS = 500
_SEARCHED_ROWS = 100  # for a header
_WEIGHTS = {"booked": 2.0, "value_date": 2.0, "amount": 2.0, "debit": 2.0, "credit": 2.0, "text": 1.5}
_ENOUGH = 2.5  # a header names at least a date or an amount, and something else
_CLEAR = 0.5  # the weight of a word from which on a cell is taken for a header's


class TableRow(NamedTuple):
    """One row: its line, counted from 1, its cells, and the bytes it was read from."""

    line: int
    cells: Sequence[Cell]
    raw: bytes


class Layout(NamedTuple):
    """Where a table lies in a file: its columns, what stands above them, and the last line that is no row."""

    columns: tuple[str, ...]
    above: tuple[tuple[str, ...], ...]
    header_line: int


class Table(Struct, frozen=True, kw_only=True):
    """A table as it lies in a file.

    ``above`` are the lines above the header. ``rows`` reads all rows that are not blank, anew each time. Text was split
    at ``separator``, and decoded by ``encoding``, which is None where no guess was needed.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[TableRow | BadRow]]
    above: tuple[tuple[str, ...], ...] = ()
    separator: str | None = None
    encoding: str | None = None

    def sample(self) -> list[TableRow]:
        """Give the first rows, from which a mapping is proposed; where the file breaks off, those before."""
        found: list[TableRow | BadRow] = []
        with suppress(MalformedDocument):  # the reader of all rows says so
            found.extend(islice(self.rows(), SAMPLE_ROWS))
        return [row for row in found if isinstance(row, TableRow)]


def layout_of(rows: Sequence[TableRow]) -> Layout:
    """Find where the table lies in the first rows of a file.

    Examples
    --------
    >>> lines = [["My bank"], [], ["Date", "Amount"], ["2026-06-01", "5"]]
    >>> layout_of([TableRow(line, cells, b"") for line, cells in enumerate(lines, start=1)])
    Layout(columns=('Date', 'Amount'), above=(('My bank',),), header_line=3)
    """
    rows = [row for row in rows if not is_empty(row.cells)]
    at = _header_at(rows[:_SEARCHED_ROWS])
    if at is None:
        first = _first_row_at(rows)
        width = max((len(row.cells) for row in rows[first:]), default=0)
        names = tuple(unnamed_column(number) for number in range(1, width + 1))
        return Layout(names, _texts(rows[:first]), rows[first].line - 1 if rows else 0)
    header = rows[at]
    last_line = header.line + header.raw.count(b"\n")
    return Layout(_unique([text_of(cell) for cell in header.cells]), _texts(rows[:at]), last_line)


def header_first(rows: Sequence[TableRow]) -> Layout:
    """Take the first line on which anything stands for the header, whatever its words."""
    header = next((row for row in rows if not is_empty(row.cells)), None)
    if header is None:
        return Layout((), (), 0)
    names = tuple(text_of(cell) or unnamed_column(number) for number, cell in enumerate(header.cells, start=1))
    return Layout(names, (), header.line)


def unnamed_column(number: int) -> str:
    """Name a column that has no header."""
    return f"column {number}"


def _header_at(rows: Sequence[TableRow]) -> int | None:
    scores = [_header_score(row.cells) for row in rows]
    best = max(scores, default=0.0)
    if best >= _ENOUGH:
        return scores.index(best)
    # Words that are not known are a header still, where they stand above rows that look otherwise.
    for at, (above, below) in enumerate(pairwise(rows)):
        if len(above.cells) == len(below.cells) > 1 and _are_words(above.cells) and _holds_data(below.cells):
            return at
    return None


def _header_score(cells: Sequence[Cell]) -> float:
    """Weigh how many different things the words of a line call columns; numbers and dates call nothing."""
    if len(cells) < 2 or any(_is_data(cell) for cell in cells):  # noqa: PLR2004 - one column is no table
        return 0.0
    roles = [max(found, key=found.__getitem__) for cell in cells if (found := _clear_roles(cell))]
    return sum(_WEIGHTS.get(role, 1.0) for role in set(roles))


def _clear_roles(cell: Cell) -> dict[str, float]:
    return {role: weight for role, weight in roles_of(text_of(cell)).items() if weight >= _CLEAR}


def _is_data(cell: Cell) -> bool:
    return not isinstance(cell, str) or is_amount(cell) or date_style([cell]).share > 0


def _are_words(cells: Sequence[Cell]) -> bool:
    texts = [text_of(cell) for cell in cells]
    return all(texts) and len(set(texts)) == len(texts) and not any(map(_is_data, cells))


def _holds_data(cells: Sequence[Cell]) -> bool:
    return any(_is_data(cell) for cell in cells)


def _first_row_at(rows: Sequence[TableRow]) -> int:
    """Find the first row of a table without header: the first that is as wide as most."""
    widths = Counter(len(row.cells) for row in rows if len(row.cells) > 1)
    usual = widths.most_common(1)[0][0] if widths else 0
    return next((at for at, row in enumerate(rows) if len(row.cells) == usual and _holds_data(row.cells)), 0)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Name every column, each in its own way."""
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        told = name or unnamed_column(number)
        found.append(told if told not in found else f"{told} ({number})")
    return tuple(found)


def _texts(rows: Sequence[TableRow]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(text_of(cell) for cell in row.cells) for row in rows)


def rows_below(rows: Iterator[TableRow | BadRow], *, layout: Layout) -> Iterator[TableRow | BadRow]:
    """Give the rows below the header that are not blank, and no header that is printed again."""
    for row in rows:
        if isinstance(row, BadRow) or _is_below(row, layout):
            yield row


def _is_below(row: TableRow, layout: Layout) -> bool:
    if row.line <= layout.header_line or is_empty(row.cells):
        return False
    return row.cells[0] != layout.columns[0] or tuple(text_of(cell) for cell in row.cells) != layout.columns

"""Tables as text: CSV in all its kinds, with whatever separator, encoding and lines above the header.

A quoted cell may hold separators and line ends. A quote that is never closed stands for itself: it swallows no rows.
"""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers.encoding import TextLines, encoding_of
from marketofone.importers.rows import BadRow
from marketofone.importers.tables.tabular import SAMPLE_ROWS, Layout, Table, TableRow, layout_of, rows_below

SEPARATORS = (";", ",", "\t", "|")
_NAMED_SEPARATOR = "sep="  # how a spreadsheet program is told
_LINES_OF_A_ROW = 40
_CERTAIN = frozenset({"utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"})


def read(
    path: Path,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    lay_out: Callable[[Sequence[TableRow]], Layout] = layout_of,
) -> Table:
    """Find the table in a file of text; what is not said is found out.

    Parameters
    ----------
    encoding
        Taken where the bytes leave it open; a mark, or UTF-8 throughout, counts more.
    lay_out
        Finds the header in the first rows; without it words of statements tell.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or holds no table.
    """
    lines = TextLines(path, encoding=encoding_of(path, expected=encoding))
    sample = _sample(lines)
    separator = separator or _separator_of(sample)
    rows = _split(sample, separator=separator)
    layout = lay_out([row for row in rows if not row.raw.startswith(_NAMED_SEPARATOR.encode())])
    if len(layout.columns) < 2:  # noqa: PLR2004 - one column is no table
        raise MalformedDocument(field=path.name, shape="no table", fix="name a file of rows with at least two columns")
    return Table(
        name=path.name,
        columns=layout.columns,
        above=layout.above,
        rows=partial(_rows, lines, separator, layout),
        separator=separator,
        encoding=None if lines.encoding in _CERTAIN else lines.encoding,
    )


def _sample(lines: TextLines) -> list[str]:
    found: list[str] = []
    try:
        found.extend(islice(lines, SAMPLE_ROWS))
    except MalformedDocument:
        if not found:  # where it breaks off later, the rows before count
            raise
    return found


def lines_of(path: Path) -> Iterator[TableRow | BadRow]:
    """Give every line of a file of text as cells, whatever it is for.

    Raises
    ------
    MalformedDocument
        When the file cannot be read; or, once all that could be read was given, when it breaks off.
    """
    lines = TextLines(path, encoding=encoding_of(path))
    return _until_broken(lines, _split(lines, separator=_separator_of(_sample(lines))))


def _rows(lines: TextLines, separator: str, layout: Layout) -> Iterator[TableRow | BadRow]:
    split = _split(lines, separator=separator, width=len(layout.columns))
    return _until_broken(lines, rows_below(split, layout=layout))


def _until_broken(lines: TextLines, rows: Iterable[TableRow | BadRow]) -> Iterator[TableRow | BadRow]:
    last = 0
    try:
        for row in rows:
            last = row.line
            yield row
    except MalformedDocument:
        if lines.cut:
            why = MalformedEvent(field="row", shape="cut off", fix="fetch the file again, and import it again")
            yield BadRow(line=last + 1, raw=lines.cut.encode(), why=why)
        raise


def _separator_of(lines: Sequence[str]) -> str:
    """Choose the separator that splits most lines into the same number of cells, and of equals the most cells."""
    named = lines[0][len(_NAMED_SEPARATOR) :][:1] if lines and lines[0].lower().startswith(_NAMED_SEPARATOR) else ""
    if named and not named.isalnum() and named not in '" ':
        return named
    return max(SEPARATORS, key=partial(_evenness, lines))


def holds_a_table(lines: Sequence[str]) -> bool:
    """Say whether lines look like a table: most of those below its header have the same number of cells.

    Examples
    --------
    >>> holds_a_table(["Date,Amount", "2026-06-01,5"]), holds_a_table(["tea", "milk"])
    (True, False)
    """
    rows = list(_split(lines, separator=_separator_of(lines)))
    layout = layout_of(rows)
    widths = Counter(len(row.cells) for row in rows_below(iter(rows), layout=layout) if isinstance(row, TableRow))
    (width, count) = max(widths.items(), key=lambda item: item[1], default=(0, 0))
    return width > 1 and 2 * count > widths.total()


def _evenness(lines: Sequence[str], separator: str) -> float:
    widths = Counter(len(row.cells) for row in _split(lines, separator=separator) if row.raw.strip())
    usual, count = max(widths.items(), key=lambda item: item[1] * min(item[0] - 1, 3), default=(1, 0))
    return count * (usual - 1) ** 0.5 if usual > 1 else 0.0


class _Ahead:
    """Lines one after the other, of which some may be looked at before they are taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._seen: deque[str] = deque()
        self.broken: MalformedDocument | None = None
        """Why there are no more lines, where the file breaks off."""

    def take(self) -> str | None:
        return self._seen.popleft() if self._seen else self._pulled()

    def look(self, place: int) -> str | None:
        if place == len(self._seen) and (line := self._pulled()) is not None:
            self._seen.append(line)
        return self._seen[place] if place < len(self._seen) else None

    def _pulled(self) -> str | None:
        try:
            return next(self._lines, None)
        except MalformedDocument as error:
            self.broken = error
            return None


def _split(lines: Iterable[str], *, separator: str, width: int | None = None) -> Iterator[TableRow]:
    """Split lines into rows; with a ``width`` a row that is not so wide takes no further line.

    Raises
    ------
    MalformedDocument
        When the file breaks off: once all that could be read was given.
    """
    ahead = _Ahead(iter(lines))
    number = 1
    while (line := ahead.take()) is not None:
        if '"' not in line:
            yield TableRow(number, line.split(separator), line.encode())
            number += 1
            continue
        cells, taken = _quoted(line, ahead, separator=separator, width=width)
        yield TableRow(number, cells, "\n".join(taken).encode())
        number += len(taken)
    if ahead.broken is not None:
        raise ahead.broken


def _quoted(line: str, ahead: _Ahead, *, separator: str, width: int | None) -> tuple[list[str], list[str]]:
    """Split a row with quotes, which may go on over the next lines; gives its cells, and the lines it took."""
    if line.count('"') % 2 == 0:
        return _cells(line, separator=separator), [line]
    taken = [line]
    while len(taken) < _LINES_OF_A_ROW and (more := ahead.look(len(taken) - 1)) is not None:
        taken.append(more)
        if '"' in more and (cells := _closed(taken, separator=separator)) is not None:
            if width is not None and len(cells) != width:
                break
            for _ in taken[1:]:
                ahead.take()
            return cells, taken
    plain = line.split(separator)
    return plain if width in {None, len(plain)} else _cells(line, separator=separator), [line]


def _closed(lines: Sequence[str], *, separator: str) -> list[str] | None:
    """Split a row of several lines whose quotes are all in their places; None where one is not."""
    try:
        rows = list(csv.reader([f"{line}\n" for line in lines], delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _cells(line: str, *, separator: str) -> list[str]:
    try:
        (cells,) = csv.reader((line,), delimiter=separator)
    except (csv.Error, ValueError):  # a cell beyond what the reader holds
        return line.split(separator)
    return cells

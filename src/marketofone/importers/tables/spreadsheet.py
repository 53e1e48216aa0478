"""Tables in spreadsheets: the sheet that holds one, its values as the program that made it keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import msgspec

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.encoding import bytes_in
from marketofone.importers.tables.cells import Cell, cell_of, is_empty, text_of
from marketofone.importers.tables.tabular import SAMPLE_ROWS, Table, TableRow, layout_of, rows_below


def read(path: Path, *, sheet: str | None = None) -> Table:
    """Find the table in a spreadsheet: in the sheet of this name, or in the one with the most rows.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, holds no such sheet, or holds no table; or where the extra is missing.
    """
    rows = _rows_in(path, sheet=sheet)
    layout = layout_of(rows[:SAMPLE_ROWS])
    if len(layout.columns) < 2:  # noqa: PLR2004 - one column is no table
        raise MalformedDocument(field=path.name, shape="no table", fix="name a file of rows with at least two columns")
    below = partial(rows_below, layout=layout)
    return Table(name=path.name, columns=layout.columns, above=layout.above, rows=lambda: below(iter(rows)))


def _rows_in(path: Path, *, sheet: str | None) -> list[TableRow]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        fix = "install marketofone[statements]"
        raise MalformedDocument(
            field=path.name, shape=f"a spreadsheet, and {error.name} is missing", fix=fix
        ) from error
    content = BytesIO(b"".join(bytes_in(path)))
    try:
        book = CalamineWorkbook.from_filelike(content)
        names = book.sheet_names if sheet is None else [sheet]
        sheets = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names]
    except CalamineError as error:  # broken, protected by a password, or no such sheet
        raise MalformedDocument(
            field=path.name, shape="no spreadsheet that can be read", fix="save it again, without a password"
        ) from error
    largest = max(sheets, key=len, default=[])
    return list(_numbered([[cell_of(value) for value in row] for row in largest]))


def _numbered(rows: list[list[Cell]]) -> Iterator[TableRow]:
    for line, cells in enumerate(rows, start=1):
        if not is_empty(cells):
            yield TableRow(line, cells, msgspec.json.encode([text_of(cell) for cell in cells]))

"""Tables of columns: Parquet and Arrow files, read in batches, each value as the type that the file gives it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.tables.cells import cell_of, is_empty, text_of
from marketofone.importers.tables.tabular import Table, TableRow

PARQUET, ARROW = b"PAR1", b"ARROW1"
UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def read(path: Path) -> Table:
    """Open a Parquet or Arrow file as a table; its lines are its rows, counted from 1.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or where the extra is missing.
    """
    names: tuple[str, ...] = ()
    for columns, _ in _batches(path):
        names = columns
        break
    if not names:
        raise MalformedDocument(field=path.name, shape="no rows", fix="name a file of rows")
    return Table(name=path.name, columns=names, rows=partial(_rows, path))


def _rows(path: Path) -> Iterator[TableRow]:
    line = 0
    for _, batch in _batches(path):
        for values in zip(*batch, strict=True):
            line += 1
            cells = [cell_of(value) for value in values]
            if not is_empty(cells):
                yield TableRow(line, cells, msgspec.json.encode([text_of(cell) for cell in cells]))


def _batches(path: Path) -> Iterator[tuple[tuple[str, ...], list[list[Any]]]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        fix = "install marketofone[statements]"
        raise MalformedDocument(
            field=path.name, shape=f"a table of columns, and {error.name} is missing", fix=fix
        ) from error
    try:
        for batch in _opened(path):
            batch.validate(full=True)  # a damaged file may point beyond its own memory
            yield tuple(batch.schema.names), [_values(column, pa) for column in batch.columns]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise MalformedDocument(
            field=path.name, shape="no Parquet or Arrow file that can be read", fix="write it again"
        ) from error


def _opened(path: Path) -> Iterator[Any]:
    """Give the batches of a file, by how it begins: Parquet, an Arrow file, or else an Arrow stream."""
    from pyarrow import ipc, parquet  # noqa: PLC0415 - an extra

    with path.open("rb") as file:
        head = file.read(len(ARROW))
        file.seek(0)
        if head.startswith(PARQUET):
            yield from parquet.ParquetFile(file).iter_batches()
        elif head == ARROW:
            opened = ipc.open_file(file)
            yield from (opened.get_batch(number) for number in range(opened.num_record_batches))
        else:
            yield from ipc.open_stream(file)


def _values(column: Any, pa: Any) -> list[Any]:
    """Give the values of a column; nanoseconds are cut to what Python's datetimes hold."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_value(scalar) for scalar in column]


def _value(scalar: Any) -> Any:
    """Give one value; what Python cannot hold, such as a date beyond all years, is told as no letter is."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return UNREADABLE

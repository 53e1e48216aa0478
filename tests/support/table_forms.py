"""Small files of tables, and the law that each line of a file is a row, a bad row, or counted as a note."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.formats import form_of
from marketofone.importers.rows import BadRow, Origin, events_of
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.proposal import propose
from marketofone.importers.tables.tabular import Table
from spreadsheets import write_spreadsheet


def check_table(path: Path, read: Callable[[Path], Table]) -> bool:
    """Assert that no line of a table is lost; say whether the file was not refused."""
    form_of(path)
    try:
        table = read(path)
        lines = sum(1 for _ in table.rows())
        mapped = MappedRows(table, propose(table, otherwise="EUR").mapping)
        rows = list(mapped)
    except MalformedDocument:
        return False
    of_lines = [row for row in rows if isinstance(row, BadRow) or row.raw]
    assert len(of_lines) + mapped.notes == lines
    events = list(events_of(rows, origin=Origin(customer="c", producer="csv")))
    assert len(events) == len(rows)
    return True


def days() -> list[date]:
    return [date(2026, 6, day) for day in range(1, 20)]


@cache
def a_spreadsheet(folder: Path) -> bytes:
    rows: list[list[Any]] = [["Date", "Text", "Amount"], *([day, "tea", -1.5] for day in days())]
    return write_spreadsheet(folder / "whole.xlsx", {"June": rows}).read_bytes()


@cache
def a_parquet_file(folder: Path) -> bytes:
    parquet.write_table(a_table(), folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()


@cache
def an_arrow_file(folder: Path) -> bytes:
    table = a_table()
    with (folder / "whole.arrow").open("wb") as file, ipc.new_file(file, table.schema) as written:
        written.write_table(table)
    return (folder / "whole.arrow").read_bytes()


def a_table() -> Any:
    return pa.table({"date": days(), "amount": [-1.5] * 19, "text": ["tea"] * 19})

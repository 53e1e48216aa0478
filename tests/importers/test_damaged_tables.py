"""Whatever stands in a file: it is refused by its name, or each line is a row, a bad row, or counted as a note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.importers import columnar, delimited, spreadsheet
from marketofone.importers.formats import form_of
from marketofone.importers.mapped import MappedRows
from marketofone.importers.proposal import propose
from marketofone.importers.rows import BadRow, Origin, events_of
from marketofone.importers.tabular import Table
from spreadsheets import write_spreadsheet
from statement_styles import STYLES

pytestmark = pytest.mark.fuzz

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
ipc = pytest.importorskip("pyarrow.ipc")

EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 30), st.sampled_from([
        b"", b'"', b";", b",", b"\n", b"\r", b"\0", b"-", b"1e9", b"NaN", b"\xff\xfe", b"\xc3", b"99999999999999999999",
    ]) | st.binary(max_size=4)),
    max_size=6,
)  # fmt: skip


def damaged(content: bytes, edits: Sequence[tuple[float, int, bytes]]) -> bytes:
    """Replace some bytes, from a place on, by others."""
    for place, length, by in edits:
        at = int(place * len(content))
        content = content[:at] + by + content[at + length :]
    return content


def check(path: Path, read: Callable[[Path], Table]) -> None:
    form_of(path)
    try:
        table = read(path)
        lines = sum(1 for _ in table.rows())
        mapped = MappedRows(table, propose(table, otherwise="EUR").mapping)
        rows = list(mapped)
    except MalformedDocument:
        return
    of_lines = [row for row in rows if isinstance(row, BadRow) or row.raw]
    assert len(of_lines) + mapped.notes == lines
    events = list(events_of(rows, origin=Origin(customer="c", producer="csv")))
    assert len(events) == len(rows)


@settings(max_examples=40)
@given(edits=EDITS)
@pytest.mark.parametrize("style", list(STYLES)[::4])
def test_a_damaged_statement_loses_no_line(
    tmp_path_factory: pytest.TempPathFactory, style: str, edits: Sequence[tuple[float, int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "table.csv"
    path.write_bytes(damaged(STYLES[style].content, edits))

    check(path, delimited.read)


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


@settings(max_examples=60)
@given(edits=EDITS)
@pytest.mark.parametrize(
    ("make", "read"),
    [(a_spreadsheet, spreadsheet.read), (a_parquet_file, columnar.read), (an_arrow_file, columnar.read)],
)
def test_a_damaged_spreadsheet_or_table_of_columns_breaks_nothing(
    tmp_path_factory: pytest.TempPathFactory, make: Any, read: Any, edits: Sequence[tuple[float, int, bytes]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = folder / "damaged.bin"
    path.write_bytes(damaged(make(folder), edits))

    check(path, read)

"""Spreadsheets, Parquet and Arrow files are read with the types that they keep, by the same mapping as text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.formats import form_of
from marketofone.importers.rows import Row
from marketofone.importers.tables import columnar, spreadsheet
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.proposal import propose
from marketofone.importers.tables.tabular import Table
from spreadsheets import Value, write_spreadsheet

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
ipc = pytest.importorskip("pyarrow.ipc")

MEANT = [
    (date(2026, 6, 1), Decimal("2345.6")),
    (date(2026, 6, 2), Decimal("-0.3")),
    (date(2026, 6, 3), Decimal("-45.05")),
]


def movements(table: Table) -> list[tuple[Any, Any]]:
    rows = MappedRows(table, propose(table, otherwise="EUR").mapping)
    return [(row.on, row.facts["amount"]) for row in rows if isinstance(row, Row) and row.what == "movement"]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    rows: list[list[Value]] = [
        ["My bank", None, None],
        ["Account", "DE02100100100006820101"],
        [],
        ["Date", "Description", "Amount", "Number"],
        [date(2026, 6, 1), "pay", 2345.6, 12345678.0],
        [date(2026, 6, 2), "tea", -0.1 - 0.2, 1.0],
        [],
        ["03.06.2026", "food", "-45.05", 2.0],
        ["Total", None, 2300.25],
    ]
    return write_spreadsheet(tmp_path / "june.xlsx", {"Notes": [["nothing"]], "June": rows})


def test_a_spreadsheet_is_read_with_its_dates_numbers_and_texts(sheet: Path) -> None:
    table = spreadsheet.read(sheet)

    assert table.columns == ("Date", "Description", "Amount", "Number")
    assert movements(table) == MEANT
    assert propose(table, otherwise="EUR").mapping.account == "DE02100100100006820101"
    assert [row.line for row in table.rows()] == [5, 6, 8, 9]


def test_the_sheet_that_a_mapping_names_is_read(sheet: Path) -> None:
    assert spreadsheet.read(sheet, sheet="June").columns[0] == "Date"
    with pytest.raises(MalformedDocument, match="no table"):
        spreadsheet.read(sheet, sheet="Notes")
    with pytest.raises(MalformedDocument, match="no spreadsheet that can be read"):
        spreadsheet.read(sheet, sheet="July")


def table_of_columns() -> Any:
    return pa.table(
        {
            "booked_at": pa.array(
                [datetime(2026, 6, day, 9, tzinfo=UTC) for day in (1, 2, 3)], pa.timestamp("ns", tz="UTC")
            ),
            "amount": pa.array([2345.6, -0.1 - 0.2, -45.05], pa.float64()),
            "balance": pa.array([Decimal("2345.60"), Decimal("2345.30"), Decimal("2300.25")], pa.decimal128(12, 2)),
            "description": pa.array(["pay", "tea", "food"]).dictionary_encode(),
            "currency": pa.array(["EUR", "EUR", "EUR"]),
        }
    )


def as_parquet(path: Path) -> None:
    parquet.write_table(table_of_columns(), path, row_group_size=2)


def as_arrow_file(path: Path) -> None:
    table = table_of_columns()
    with ipc.new_file(path, table.schema) as file:
        file.write_table(table, max_chunksize=2)


def as_arrow_stream(path: Path) -> None:
    table = table_of_columns()
    with path.open("wb") as file, ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


@pytest.mark.parametrize("write", [as_parquet, as_arrow_file, as_arrow_stream])
def test_a_table_of_columns_is_read_batch_by_batch_with_its_types(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "june"
    write(path)
    table = columnar.read(path)

    assert [row.line for row in table.rows()] == [1, 2, 3]
    assert movements(table) == MEANT
    assert propose(table, otherwise="CHF").mapping.columns.currency == "currency"


@pytest.mark.parametrize(
    ("read", "content"),
    [(spreadsheet.read, b"PK\x03\x04tea"), (columnar.read, b"PAR1teaPAR1"), (columnar.read, b"tea")],
)
def test_what_is_broken_is_refused_by_its_name(tmp_path: Path, read: Any, content: bytes) -> None:
    path = tmp_path / "june.bin"
    path.write_bytes(content)

    with pytest.raises(MalformedDocument, match=r"june\.bin"):
        read(path)


def test_they_are_known_by_how_they_begin_whatever_they_are_called(tmp_path: Path, sheet: Path) -> None:
    as_parquet(tmp_path / "a.csv")
    as_arrow_file(tmp_path / "b.csv")

    assert [form_of(path) for path in (sheet, tmp_path / "a.csv", tmp_path / "b.csv")] == ["xlsx", "parquet", "parquet"]

"""Bad rows of a table that are read again, once the mapping was mended, become what the whole file makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketofone.domain.event import Event
from marketofone.domain.moment import instant_of
from marketofone.importers.rows import BadRow, events_of, origin_of
from marketofone.importers.tables.cells import Cell
from marketofone.importers.tables.kept import RowKeeper, kept_table, reader_of
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import FOLDER, Columns, Mapping, to_toml
from marketofone.importers.tables.tabular import Table, TableRow
from marketofone.projection.kept_rows import KeptRow, kept_row_of

COLUMNS = ("Date", "Text", "Amount", "Balance", "Cur")
SAID = Columns(booked=("Date",), text=("Text",), amount="Amount", balance="Balance")
MENDED = Mapping(columns=SAID, decimal=",", account="main", currency="EUR")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out a bank's folder in which the mended mapping is saved, and a file."""
    made = tmp_path_factory.mktemp("bank")
    (made / FOLDER).mkdir()
    (made / "june.csv").write_text("whose digest is taken", "utf-8")
    return made


def table_of(rows: Sequence[Sequence[Cell]]) -> Table:
    read = [TableRow(line, row, b"row") for line, row in enumerate(rows, start=2)]
    return Table(name="june.csv", columns=COLUMNS, rows=lambda: iter(read))


def read(table: Table, how: Mapping, *, institution: str | None, folder: Path) -> tuple[list[Event], list[KeptRow]]:
    """Read a table; gives its events, and its bad rows as they are kept."""
    origin = origin_of("csv", customer="anna", institution=institution)
    of_table = kept_table(table, how, form="csv", name="june", account=None, currency=None)
    keeper = RowKeeper(folder / "june.csv", of_table, origin=origin)
    mapped = MappedRows(table, how, elsewhere=institution is not None)
    events, kept = list[Event](), list[KeptRow]()
    for told in events_of(mapped.rows(), origin=origin):
        if isinstance(told, Event):
            events.append(told)
            continue
        assert mapped.row is not None
        row = kept_row_of(keeper.write(mapped.row, before=mapped.before))
        assert row is not None
        kept.append(row)
    return events, kept


def read_again(kept: Sequence[KeptRow], how: Mapping, *, folder: Path) -> list[tuple[int, Event | BadRow]]:
    (folder / FOLDER / "june.toml").write_text(to_toml(how, made_from="june.csv"), "utf-8")
    return list(reader_of(folder)(kept))


def as_told(events: Sequence[Any]) -> list[tuple[str, int, object]]:
    return sorted((event.id, event.at, event.data) for event in events)


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["2026-06-01", "2026-06-01 09:30", "2026-06-02"]),
            st.sampled_from(["Coffee", "Tea"]),
            st.sampled_from(["-3", "-4", "-3,50", "-4,25"]),
            st.sampled_from(["", "100", "90"]),
        ),
        max_size=12,
    ),
    order=st.sampled_from(["oldest first", "newest first"]),
    institution=st.sampled_from([None, "Other"]),
    data=st.data(),
)
def test_what_was_bad_and_what_was_good_are_together_what_the_mended_file_gives(
    folder: Path, rows: list[tuple[str, ...]], order: Any, institution: str | None, data: st.DataObject
) -> None:
    how = replace(MENDED, order=order)
    table = table_of([(*row, "") for row in rows])
    good, kept = read(table, replace(how, decimal="."), institution=institution, folder=folder)

    again = [told for _, told in read_again(data.draw(st.permutations([*kept, *kept])), how, folder=folder)]

    whole, bad = read(table, how, institution=institution, folder=folder)
    assert bad == []
    assert as_told([*good, *again]) == as_told(whole)


def test_numbers_dates_and_moments_of_a_spreadsheet_are_kept_as_what_they_are(folder: Path) -> None:
    moment = datetime(2026, 6, 2, 9, 30, 15, tzinfo=UTC)
    rows: list[Sequence[Cell]] = [
        (date(2026, 6, 1), "Rent", Decimal("-1234.567"), Decimal("1E+2"), "EUR"),
        (moment, Decimal(7), Decimal("-3.5"), Decimal(90), "EUR"),
        (moment.replace(tzinfo=None), moment, Decimal("-3.50"), "", "EUR"),
    ]
    without = replace(MENDED, currency=None, columns=replace(SAID, currency="Text"))
    good, kept = read(table_of(rows), without, institution=None, folder=folder)
    assert good == []

    mended = replace(MENDED, date="DMY", currency="KWD")
    again = [told for _, told in read_again(kept, mended, folder=folder)]

    assert again == read(table_of(rows), mended, institution=None, folder=folder)[0]
    assert len(again) == len(rows)


def test_rows_of_two_files_are_not_told_apart_by_occurrence(folder: Path) -> None:
    table = table_of([("2026-06-01", "Coffee", "-3,50", "", "")] * 2)
    _, kept = read(table, replace(MENDED, decimal="."), institution=None, folder=folder)
    other = [replace(row, table=replace(row.table, file="another"), line=row.line + 7) for row in kept]

    first, second, third, fourth = (told for _, told in read_again([*kept, *other], MENDED, folder=folder))

    assert isinstance(first, Event)
    assert first != second
    assert [third, fourth] == [first, second]


def test_a_row_that_is_none_as_it_is_read_now_is_told_so(folder: Path) -> None:
    table = table_of([("Total", "2026-06-01", "x", "", ""), ("2026-06-02", "2026-06-02", "-3,50", "", "")])
    by_text = replace(MENDED, decimal=".", columns=replace(SAID, booked=("Text",)))
    _, kept = read(table, by_text, institution=None, folder=folder)

    (_, tea), (line, total) = read_again(kept, MENDED, folder=folder)

    assert isinstance(tea, Event)
    assert isinstance(total, BadRow)
    assert (line, total.fix) == (2, "leave it: it is no row")


def test_the_years_of_dates_come_from_the_period_that_stood_above_the_table(folder: Path) -> None:
    table = replace(table_of([("02.01.", "Tea", "-3,50", "", "")]), above=(("Statement", "1.12.2025 - 31.1.2026"),))
    _, kept = read(table, replace(MENDED, date="DMY"), institution=None, folder=folder)

    ((_, tea),) = read_again(kept, replace(MENDED, date="DMY", period="above"), folder=folder)

    assert isinstance(tea, Event)
    assert tea.at == instant_of(datetime(2026, 1, 2, tzinfo=UTC))


def test_a_row_longer_than_any_event_is_not_kept(folder: Path) -> None:
    table = table_of([("2026-06-01", "x" * 70_000, "-3,50", "", "")])
    of_table = kept_table(table, MENDED, form="csv", name="june", account=None, currency=None)
    keeper = RowKeeper(folder / "june.csv", of_table, origin=origin_of("csv", customer="anna", institution=None))
    (row,) = table.rows()
    assert isinstance(row, TableRow)
    assert keeper.write(row, before=None) == b""

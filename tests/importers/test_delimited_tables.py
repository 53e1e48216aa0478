"""Tables of text are split as they were written; a quote that is never closed costs no row but its own."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rows import BadRow
from marketofone.importers.tables import delimited
from marketofone.importers.tables.tabular import Table, TableRow

HEADER = ("Date", "Text", "Amount")
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc"]), min_size=1).map(
    lambda cell: f"{cell}x\n{cell}"
)


def table_of(folder: Path, content: bytes | str, *, separator: str | None = None) -> Table:
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return delimited.read(path, separator=separator)


def rows_of(table: Table) -> list[tuple[int, list[object]]]:
    return [(row.line, list(row.cells)) for row in table.rows() if isinstance(row, TableRow)]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_what_a_writer_of_csv_writes_is_read_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, separator: str, rows: list[tuple[str, str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(
        [HEADER, *(("2026-06-01", *row) for row in rows)]
    )
    table = table_of(tmp_path_factory.mktemp("table"), text.getvalue(), separator=separator)

    assert table.columns == HEADER
    assert [tuple(cells[1:]) for _, cells in rows_of(table)] == rows


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    lines = [separator.join(HEADER), separator.join(("2026-06-01", "a, b; c", "5"))]

    assert (
        table_of(
            tmp_path, "\n".join(f'"{line.replace(separator, f"{chr(34)}{separator}{chr(34)}")}"' for line in lines)
        ).separator
        == separator
    )


def test_a_separator_that_the_file_names_counts(tmp_path: Path) -> None:
    table = table_of(tmp_path, "sep=^\nDate^Amount\n2026-06-01^5,00\n")

    assert (table.columns, rows_of(table)) == (("Date", "Amount"), [(3, ["2026-06-01", "5,00"])])


def test_a_quote_that_is_never_closed_swallows_no_row(tmp_path: Path) -> None:
    lines = [
        "Date;Text;Amount",
        '2026-06-01;"tea;1',
        "2026-06-02;milk;2",
        '2026-06-03;12" pizza;3',
        '2026-06-04;"a ""b""";4',
    ]

    assert rows_of(table_of(tmp_path, "\n".join(lines))) == [
        (2, ["2026-06-01", '"tea', "1"]),
        (3, ["2026-06-02", "milk", "2"]),
        (4, ["2026-06-03", '12" pizza', "3"]),
        (5, ["2026-06-04", 'a "b"', "4"]),
    ]


def test_a_quoted_cell_goes_on_over_lines_and_the_next_row_knows_its_line(tmp_path: Path) -> None:
    table = table_of(tmp_path, 'Date;Text;Amount\n2026-06-01;"one\ntwo; three";1\n2026-06-02;milk;2\n')

    assert rows_of(table) == [(2, ["2026-06-01", "one\ntwo; three", "1"]), (4, ["2026-06-02", "milk", "2"])]


def test_blank_lines_and_a_header_that_is_printed_again_are_no_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, "Date;Amount\n\n2026-06-01;5\n;;\nDate;Amount\n2026-06-02;6\n\x00;\xa0\n")

    assert [line for line, _ in rows_of(table)] == [3, 6]


def test_a_header_of_unknown_words_is_one_where_the_rows_below_look_otherwise(tmp_path: Path) -> None:
    assert table_of(tmp_path, "Llama;Tapir\n2026-06-01;5\n").columns == ("Llama", "Tapir")


def test_columns_of_the_same_name_are_told_apart_and_those_without_a_name_are_numbered(tmp_path: Path) -> None:
    assert table_of(tmp_path, "Date;Amount;;Amount\n2026-06-01;5;;6\n").columns == (
        "Date", "Amount", "column 3", "Amount (4)",
    )  # fmt: skip


def test_a_packed_table_that_breaks_off_gives_whole_rows_and_says_that_the_last_is_cut(tmp_path: Path) -> None:
    lines = [f"2026-06-01;{number};{number * 7919 % 10_007}" for number in range(5000)]
    table = table_of(tmp_path, gzip.compress("\n".join(["Date;Text;Amount", *lines]).encode())[:-500])
    found: list[TableRow | BadRow] = []

    with pytest.raises(MalformedDocument, match="breaks off"):
        found.extend(table.rows())

    *whole, last = found
    assert [";".join(map(str, row.cells)) for row in whole if isinstance(row, TableRow)] == lines[: len(whole)]
    assert isinstance(last, BadRow)
    assert (last.shape, last.line) == ("cut off", len(whole) + 2)


@pytest.mark.parametrize("content", ["", "tea\nmilk\n", "\n\n\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(MalformedDocument, match="no table"):
        table_of(tmp_path, content)

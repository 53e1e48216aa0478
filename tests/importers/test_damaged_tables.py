"""Whatever stands in a file: it is refused by its name, or each line is a row, a bad row, or counted as a note."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.importers.tables import columnar, delimited, spreadsheet
from statement_styles import STYLES
from table_forms import a_parquet_file, a_spreadsheet, an_arrow_file, check_table

pytestmark = pytest.mark.fuzz

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


@settings(max_examples=40)
@given(edits=EDITS)
@pytest.mark.parametrize("style", list(STYLES)[::4])
def test_a_damaged_statement_loses_no_line(
    tmp_path_factory: pytest.TempPathFactory, style: str, edits: Sequence[tuple[float, int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "table.csv"
    path.write_bytes(damaged(STYLES[style].content, edits))

    check_table(path, delimited.read)


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

    check_table(path, read)

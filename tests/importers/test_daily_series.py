"""A table of daily figures is read as it stands, and one with a gap is refused."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import day_number
from marketofone.importers.tables import series


def test_series_are_rows_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "table.csv.gz"
    file.write_bytes(gzip.compress(b"date,a,b\n2026-02-28,1.5,\n2026-03-01,2,0\n"))
    first, read = series.read(file)
    assert first == day_number(date(2026, 2, 28))
    np.testing.assert_array_equal(read, [[1.5, 2.0], [np.nan, 0.0]])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "date,a\n",
        "date\n2026-01-01\n",
        "date,a\n2026-01-01,1\n2026-01-03,1\n",
        "date,a\n2026-01-01,one\n",
        "date,a\n2026-01-01,1,2\n",
        "date,a\nyesterday,1\n",
    ],
)
def test_what_is_no_table_of_days_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MalformedDocument, match=r"table\.csv"):
        series.read(file)


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv.gz"
    file.write_bytes(b"no archive")
    with pytest.raises(MalformedDocument):
        series.read(file)

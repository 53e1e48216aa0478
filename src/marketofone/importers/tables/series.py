"""Daily series as a table: a column of dates, one row a day without gaps, and a column for each series."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import day_number


def read(file: Path) -> tuple[int, NDArray[np.float64]]:
    """Read a table, gzipped or not, as its first day (since 1970-01-01) and its series.

    Shapes
    ------
    result : float64[series, days]
        NaN where a cell is empty.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or is no such table.
    """
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if file.suffix.lower() == ".gz" else content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise MalformedDocument(field=file.name, shape="not to be read", fix="copy the file again") from error
    header, *rows = list(csv.reader(text.splitlines())) or [[]]
    try:
        days = [day_number(date.fromisoformat(row[0])) for row in rows]
        series = np.array([_cells(row, columns=len(header)) for row in rows]).T
    except (ValueError, IndexError) as error:
        raise MalformedDocument(
            field=file.name,
            shape="not a table of daily figures",
            fix="give a date and a figure per series in each row",
        ) from error
    if not days or len(header) == 1 or days != list(range(days[0], days[0] + len(days))):
        raise MalformedDocument(
            field=file.name, shape=f"{len(days)} rows that are not day after day", fix="give one row for each day"
        )
    return int(days[0]), series


def _cells(row: Sequence[str], *, columns: int) -> list[float]:
    if len(row) != columns:
        raise ValueError(columns)
    return [float(cell) if cell else float("nan") for cell in row[1:]]

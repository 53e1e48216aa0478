"""Tables as text: files in a folder (gzipped or not, one or several, with a header), rows, and what stands in cells."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.domain.moment import Day, day_number
from marketofone.importers.encoding import bytes_in

_ENDINGS = (".asc", ".csv", ".asc.gz", ".csv.gz")
_NUMBER = re.compile(r"[0-9]{1,12}")
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{0,2})0*)?")
_DATE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")
_FIGURE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_OPTIONAL = frozenset({"order", "loan", "card", "district"})


def read_table(folder: Path, table: str, *, columns: int) -> list[bytes]:
    """Read the data rows of all files of a table, in the order of the files' names.

    Raises
    ------
    MalformedDocument
        When a table that everything hangs on is missing, or a file cannot be read or has another header.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.name.lower().endswith(_ENDINGS))
    except OSError as error:
        raise MalformedDocument(field=folder.name, shape="not a folder to be read", fix="name the folder") from error
    files = [path for path in files if path.name.lower().startswith(table)]
    if not files and table not in _OPTIONAL:
        raise MalformedDocument(field=table, shape="no such file", fix=f"put {table}.asc into the folder")
    return [row for path in files for row in _rows(path, columns=columns)]


def _rows(path: Path, *, columns: int) -> list[bytes]:
    lines = b"".join(bytes_in(path, wanted="the folder again, with this file")).splitlines()
    header = lines[0].split(b";") if lines else []
    if len(header) != columns or header[0].strip(b'" ').isdigit():
        raise MalformedDocument(
            field=path.name,
            shape=f"a header of {len(header)} columns",
            fix=f"begin with the names of {columns} columns",
        )
    return [line for line in lines[1:] if line.strip()]


def cells_of(raw: bytes, *, columns: int) -> list[str]:
    """Split a row; "empty" is spelt as nothing, as ``""`` and as a blank, and is always given as nothing."""
    try:
        cells = next(csv.reader((raw.decode("utf-8"),), delimiter=";", strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedEvent(field="row", shape="not readable as text", fix="write it as quoted text") from error
    if len(cells) != columns:
        raise MalformedEvent(field="row", shape=f"{len(cells)} columns", fix=f"write {columns} columns")
    return [cell.strip() for cell in cells]


def number_in(cell: str, *, field: str) -> int:
    """Read a whole number."""
    return int(_match(_NUMBER, cell, field=field, fix="write a whole number")[0])


def minor_in(cell: str, *, field: str, signed: bool = False) -> int:
    """Read an amount into minor units exactly, digit by digit.

    Examples
    --------
    >>> minor_in("8033.00", field="amount"), minor_in("-14.6", field="balance", signed=True)
    (803300, -1460)
    """
    below = signed and cell.startswith("-")
    fix = f"write a number with at most two decimals and {'a sign where it is below zero' if signed else 'no sign'}"
    match = _match(_AMOUNT, cell[below:], field=field, fix=fix)
    minor = 100 * int(match[1]) + int((match[2] or "").ljust(2, "0"))
    return -minor if below else minor


def day_in(cell: str, *, field: str) -> Day:
    """Read a date of the last century written as ``YYMMDD``."""
    fix = "write a date as YYMMDD"
    year, month, day = _match(_DATE, cell, field=field, fix=fix).groups()
    try:
        return day_number(date(1900 + int(year), int(month), int(day)))
    except ValueError as error:
        raise _broken(cell, field=field, fix=fix) from error


def word_in(cell: str, *, among: Mapping[str, str], field: str) -> str:
    """Translate a code."""
    if cell not in among:
        raise _broken(cell, field=field, fix="use a code of the bank's guide")
    return among[cell]


def figure_in(cell: str, *, field: str) -> float | None:
    """Read a statistic; a question mark is one that is not known."""
    if cell in {"", "?"}:
        return None
    return float(_match(_FIGURE, cell, field=field, fix="write a number, or ? when it is not known")[0])


def _match(pattern: re.Pattern[str], cell: str, *, field: str, fix: str) -> re.Match[str]:
    match = pattern.fullmatch(cell)
    if match is None:
        raise _broken(cell, field=field, fix=fix)
    return match


def _broken(cell: str, *, field: str, fix: str) -> MalformedEvent:
    return MalformedEvent(field=field, shape=f"text of {len(cell)} characters", fix=fix)

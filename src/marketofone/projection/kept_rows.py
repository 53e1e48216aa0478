"""A row of a table as it is kept with a dead letter, so that it can be read again once its mapping was mended.

Version 1 is a JSON object. ``subject`` and ``type`` say whose row it is and what it was to become: by them the bank is
asked whether it may be kept, as it is asked of events. ``table`` is what all rows of one import have in common.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from marketofone.domain.cloudevents import CustomerName
from marketofone.domain.decoding import json_decoder


class KeptTable(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where rows stood, and how they were read.

    ``form`` is the format of the file, and ``file`` a digest of it: rows of one file are told apart by occurrence.
    ``mapping`` is a name under ``mappings/``, or the path of a file; ``header`` and ``sheet`` are what it said then.
    ``separator`` and ``encoding`` are those of the text. ``period`` stood above the table; it may tell the years of
    dates. ``account`` and ``currency`` were typed, ``institution`` too.
    """

    form: str
    file: str
    mapping: str
    columns: tuple[str, ...]
    header: tuple[str, ...] = ()
    sheet: str | None = None
    separator: str | None = None
    encoding: str | None = None
    period: str | None = None
    institution: str | None = None
    account: str | None = None
    currency: str | None = None


class KeptValue(Struct, frozen=True, omit_defaults=True):
    """What stood in a cell that is no text: a number, a date, or a date with a time."""

    number: Decimal | None = None
    date: date | None = None
    moment: datetime | None = None


class KeptRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row: its line, its cells, and how many rows of its moment stood before it, where its date could be read."""

    subject: CustomerName
    type: str
    version: Literal[1]
    table: KeptTable
    line: int
    cells: tuple[str | KeptValue, ...]
    before: int | None = None


_ROW = json_decoder(KeptRow)
_ENCODE = msgspec.json.Encoder().encode


def kept_row_bytes(row: KeptRow) -> bytes:
    """Write a row as it is kept."""
    return _ENCODE(row)


def kept_row_of(raw: bytes) -> KeptRow | None:
    """Read a row that was kept; None for what is no row of a table.

    Examples
    --------
    >>> table = KeptTable(form="csv", file="9f", mapping="june", columns=("Date", "Amount"))
    >>> row = KeptRow(subject="anna", type="transaction.booked", version=1, table=table, line=2, cells=("1.6.", "-3"))
    >>> kept_row_of(kept_row_bytes(row)) == row, kept_row_of(b'{"specversion": "1.0"}')
    (True, None)
    """
    try:
        return _ROW.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

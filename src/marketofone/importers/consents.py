"""Consents in bulk: what customers said elsewhere, a row for each thing that one of them said.

A file is a table as text with a header, or JSON: lines, an array, one object after the other. What a row says stands in
``services/rights/consent_rows.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.domain.moment import Calendar, Instant
from marketofone.importers import cloudevents
from marketofone.importers.encoding import TextLines, bytes_in, encoding_of
from marketofone.importers.rows import BadRow
from marketofone.importers.tables import delimited
from marketofone.importers.tables.cells import text_of
from marketofone.importers.tables.delimited import SEPARATORS
from marketofone.importers.tables.tabular import header_first
from marketofone.services.rights.consent_rows import ConsentRows, check_columns

ACTOR = "importer"


class ConsentRow(NamedTuple):
    """One thing that a customer said: where it stands in the file, what is recorded, and how it is recognised again."""

    line: int
    change: ConsentChange
    key: bytes


class _Place(NamedTuple):
    """One row as it lies in the file: cells by their columns, or JSON."""

    line: int
    raw: bytes
    cells: Mapping[str, str] | None


def read(
    path: Path, *, calendar: Calendar, now: Instant, authority: str | None = None
) -> Iterator[ConsentRow | BadRow]:
    r"""Read a file; ``authority`` is that of rows that name none.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or its header names other columns; or, once all that could be read was given, when
        it breaks off.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "said.csv"
    ...     _ = path.write_text("customer,change,authority\nc-1,withdraw,letter of 3 May\nc-2,forget,letter")
    ...     one, other = read(path, calendar=Calendar("UTC"), now=Instant(0))
    >>> one.line, one.change.purposes, other.field
    (2, ('*',), 'change')
    """
    reader = ConsentRows(calendar=calendar, now=now, actor=ACTOR, authority=authority)
    for place in _json_rows(path) if _is_json(path) else _table_rows(path):
        if isinstance(place, BadRow):
            yield place
            continue
        try:
            change, key = reader.read(place.raw if place.cells is None else place.cells)
        except MalformedEvent as why:
            yield BadRow(line=place.line, raw=place.raw, why=why)
        else:
            yield ConsentRow(place.line, change, key)


def _is_json(path: Path) -> bool:
    head = next(bytes_in(path, wanted="a file of consents"), b"")
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] in (b"{", b"[")


def _json_rows(path: Path) -> Iterator[_Place]:
    rows = cloudevents.read(path)
    for raw in rows:
        yield _Place(rows.line, raw, None)


def _table_rows(path: Path) -> Iterator[_Place | BadRow]:
    lines = TextLines(path, encoding=encoding_of(path))
    header = next((line for line in lines if line.strip()), "")
    table = delimited.read(path, separator=max(SEPARATORS, key=header.count), lay_out=header_first)
    columns = [column.lower() for column in table.columns]
    if (wrong := check_columns(columns)) is not None:
        raise MalformedDocument(field=path.name, shape=wrong[0], fix=wrong[1])
    for row in table.rows():
        if isinstance(row, BadRow):
            yield row
        elif len(row.cells) > len(columns):
            why = MalformedEvent(field="row", shape=f"{len(row.cells)} cells", fix=f"write {len(columns)} cells")
            yield BadRow(line=row.line, raw=row.raw, why=why)
        else:
            cells = {column: text_of(cell) for column, cell in zip(columns, row.cells, strict=False)}
            yield _Place(row.line, row.raw, {column: text for column, text in cells.items() if text})

"""The body of a request that tells consents in bulk: lines of JSON, or a table as text with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedEvent, MalformedRequest
from marketofone.services.rights.consent_import import Told
from marketofone.services.rights.consent_rows import check_columns
from marketofone.web.api.rows import numbered_lines, too_many

Read = Callable[[bytes | Mapping[str, str]], tuple[ConsentChange, bytes]]


def rows_of_json(body: bytes, *, read: Read, most: int) -> list[Told]:
    """Read the lines of a text, each one row.

    Raises
    ------
    HTTPException
        422 when there are more than ``most``.
    """
    return [_told(line, row, read) for line, row in numbered_lines(body, most=most)]


def rows_of_table(body: bytes, *, read: Read, most: int) -> list[Told]:
    """Read a table with a header, separated by commas.

    Raises
    ------
    HTTPException
        422 when it has more than ``most`` rows.
    MalformedRequest
        When it is no such table, or a column has another name: it could be a limit that is misspelt.
    """
    try:
        rows = _cells(body.decode())
        _, header = next(rows, (0, []))
        columns = [column.strip().lower() for column in header]
        if (wrong := check_columns(columns)) is not None:
            raise MalformedRequest(field="body", shape=wrong[0], fix=wrong[1])
        found = list[Told]()
        for line, cells in rows:
            if len(found) == most:
                raise too_many(most)
            if len(cells) > len(columns):
                fix = f"write {len(columns)} cells"
                found.append(Told(line, MalformedEvent(field="row", shape=f"{len(cells)} cells", fix=fix)))
                continue
            named = zip(columns, (cell.strip() for cell in cells), strict=False)
            found.append(_told(line, {column: cell for column, cell in named if cell}, read))
    except (UnicodeDecodeError, csv.Error) as error:
        fix = "send a table with a header, separated by commas, in UTF-8 or with its charset"
        raise MalformedRequest(field="body", shape="no table", fix=fix) from error
    return found


def _cells(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give the cells of each row in which anything stands, and the line on which it begins."""
    reader, begins = csv.reader(io.StringIO(text, newline="")), 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begins, cells
        begins = reader.line_num + 1


def _told(line: int, row: bytes | Mapping[str, str], read: Read) -> Told:
    try:
        return Told(line, read(row))
    except MalformedEvent as why:
        return Told(line, why)

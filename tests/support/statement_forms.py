"""Each format of statements: how a file of it is written and read, and the law that no damage loses a row unsaid."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

import statement_files
from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.statements import camt, mt940, ofx, qif
from payload_samples import Read
from statement_files import Moved

ORIGIN = Origin(customer="c-1", producer="statements")


class StatementForm(Struct, frozen=True):
    """How a format is written and read, and what begins a row in it."""

    name: str
    write: Callable[[Sequence[Moved]], str]
    read: Read
    row: re.Pattern[bytes]


FORMS = [
    StatementForm("ofx", statement_files.ofx, ofx.read, re.compile(rb"<STMTTRN>")),
    StatementForm("ofx-2", statement_files.ofx_2, ofx.read, re.compile(rb"<STMTTRN>")),
    StatementForm(
        "qif",
        statement_files.qif,
        lambda path: qif.read(path, account="own", currency="EUR", dates="mdy"),
        re.compile(rb"\n\^"),
    ),
    StatementForm("mt940", statement_files.mt940, mt940.read, re.compile(rb"(?:^|[\r\n]):61:")),
    StatementForm("camt", statement_files.camt, camt.read, re.compile(rb"<Ntry>")),
]


def movements(rows: Sequence[Row | BadRow]) -> list[Row]:
    return [row for row in rows if isinstance(row, Row) and row.what in ("movement", "removed")]


def check_statement(form: StatementForm, path: Path) -> bool:
    """Assert that a file is read to its end, each row that begins in it given; say whether it was not refused."""
    content = path.read_bytes()
    try:
        rows = list(form.read(path))
    except MalformedDocument:  # the whole file is refused, in words
        return False
    broken = [row for row in rows if isinstance(row, BadRow)]
    assert all(1 <= row.line <= content.count(b"\n") + content.count(b"\r") + 1 for row in rows)
    assert len(movements(rows)) + len(broken) >= _began(form, content, broken=broken)
    for event in events_of(rows, origin=ORIGIN):
        assert event.line >= 1 if isinstance(event, BadRow) else event.customer == "c-1"
    return True


def _began(form: StatementForm, content: bytes, *, broken: Sequence[BadRow]) -> int:
    """Count the rows that begin in a file; in XML up to the bad row with which it breaks off."""
    if form.name == "qif":
        return len([record for record in content.split(b"\n^")[:-1] if re.search(rb"(?m)^[^!\s^]", record)])
    cut = [row.line for row in broken if row.field == "file"]
    if form.name == "camt" and cut:
        content = b"\n".join(content.split(b"\n")[: cut[0] - 1])
    return len(form.row.findall(content))

"""Every format that is read into rows, by its name on the command line, and how a file of each begins.

A format is one line of ``FORMATS``: its name, and a function that gives the rows of a file. ``TABLES`` are those that
need a mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.encoding import bytes_in, marked_encoding, packed_otherwise
from marketofone.importers.open_banking import berlin, fdx, plaid, uk_ob
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements import camt, mt940, ofx
from marketofone.importers.statements.statement import Report
from marketofone.importers.tables import columnar, delimited, spreadsheet
from marketofone.importers.tables.mapping import Mapping
from marketofone.importers.tables.tabular import Table, header_first

Reader = Callable[[Path], Iterator[Row | BadRow]]

FORMATS: dict[str, Reader] = {
    "ofx": ofx.read,
    "mt940": mt940.read,
    "camt": camt.read,
    "uk-ob": uk_ob.read,
    "berlin": berlin.read,
    "plaid": plaid.read,
    "fdx": fdx.read,
}
_CHECKED = {"mt940": mt940.read, "camt": camt.read}
"""Those whose balances stand before and after the rows between them."""
QIF = "qif"
"""It tells neither account nor currency, so both are asked for."""
ELSEWHERE = frozenset({"uk-ob", "berlin", "plaid", "fdx"})
"""What other banks answer: the accounts are there."""
TABLES = ("csv", "xlsx", "parquet")

_BEGINNINGS = (
    (columnar.PARQUET, "parquet"),
    (columnar.ARROW, "parquet"),
    (b"PK\x03\x04", "xlsx"),
    (b"\xd0\xcf\x11\xe0", "xlsx"),  # spreadsheets of the last century
    (b"OFXHEADER", "ofx"),
    (b"!Type:", "qif"),
    (b"!Account", "qif"),
    (b"{1:F01", "mt940"),
    (b":20:", "mt940"),
)
_HEAD_BYTES = 16_384
_EVENT = b'"specversion"'
_IN_WORKBOOKS = frozenset({"[Content_Types].xml", "mimetype"})
"""What is in a ZIP archive that is a spreadsheet."""
_ARCHIVE = "zip"


def read_rows(form: str, path: Path, *, report: Report) -> Iterator[Row | BadRow]:
    """Read the rows of a file of one of the ``FORMATS``; ``report`` takes statements whose balances do not follow."""
    checked = _CHECKED.get(form)
    return FORMATS[form](path) if checked is None else checked(path, report=report)


def open_table(form: str, path: Path, *, mapping: Mapping | None = None) -> Table:
    """Open a file of one of the ``TABLES``; what a mapping says of it is not found out again.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or holds no table.
    """
    if form == "parquet":
        return columnar.read(path)
    if form == "xlsx":
        return spreadsheet.read(path, sheet=None if mapping is None else mapping.sheet)
    if mapping is None:
        return delimited.read(path)
    return delimited.read(path, separator=mapping.separator, encoding=mapping.encoding)


def open_log(path: Path) -> Table:
    """Open a log that another system wrote: Parquet, Arrow, or text whose first line names the columns.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, or holds no table.
    """
    if next(bytes_in(path, wanted="a log"), b"").startswith((columnar.PARQUET, columnar.ARROW)):
        return columnar.read(path)
    return delimited.read(path, lay_out=header_first)


def form_of(path: Path) -> str | None:
    """Tell by its beginning of which format a file is; None where it shows none, or cannot be read."""
    try:
        head = next(bytes_in(path), b"")[:_HEAD_BYTES]
    except MalformedDocument:
        return None
    encoding = marked_encoding(head)
    text = head if encoding is None else head.decode(encoding, errors="replace").encode()
    begins = text.lstrip()
    for sign, form in _BEGINNINGS:
        if begins.startswith(sign):
            return _ARCHIVE if form == "xlsx" and _only_packs(path) else form
    if begins.startswith(b"<"):
        return "camt" if b":camt.05" in text else "ofx" if b"<OFX" in text else None
    if begins.startswith((b"{", b"[")):
        return "cloudevents" if _EVENT in text else None
    return "csv" if delimited.holds_a_table(text.decode(errors="replace").splitlines()) else None


def _only_packs(path: Path) -> bool:
    """Say whether a file is a ZIP archive of other files, and no spreadsheet."""
    try:
        with ZipFile(path) as archive:
            return _IN_WORKBOOKS.isdisjoint(archive.namelist())
    except (BadZipFile, OSError):
        return False


def check_packed(path: Path) -> None:
    """Check that a file is not packed in a way that is not read; a pipe can be read but once, and is not looked at.

    Raises
    ------
    MalformedDocument
        Also when it cannot be read.
    """
    if not path.is_file():
        return
    next(bytes_in(path, wanted="a file that can be read"), b"")
    if form_of(path) == _ARCHIVE:
        raise packed_otherwise(path.name, "ZIP")


def check_form(form: str, path: Path) -> None:
    """Check that a file does not begin like one of another format.

    Raises
    ------
    MalformedDocument
        Naming the command that reads it, or that it must be unpacked first.
    """
    found = form_of(path)
    if found in {None, _ARCHIVE}:
        check_packed(path)
    known = {*TABLES, *FORMATS, "cloudevents"}
    if found is not None and found != form and found in known:
        fix = f"import it with `marketofone import {found}`"
        raise MalformedDocument(field=path.name, shape=f"a file of the format {found}", fix=fix)

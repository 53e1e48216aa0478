"""What holds of every format of statements: what is written is read back, and no damage loses a row unsaid.

``STATEMENT_EXAMPLES`` sets how many generated files each law is tried on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from marketofone.domain.errors import MalformedDocument
from marketofone.importers import camt, mt940, ofx, qif
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from statement_files import Moved
from statement_files import camt as camt_file
from statement_files import mt940 as mt940_file
from statement_files import ofx as ofx_file
from statement_files import ofx_2 as ofx_2_file
from statement_files import qif as qif_file

EXAMPLES = int(os.environ.get("STATEMENT_EXAMPLES", "25"))
ORIGIN = Origin(customer="c-1", producer="statements")


class Format(Struct, frozen=True):
    """How a format is written and read, and what begins a row in it."""

    name: str
    write: Callable[[Sequence[Moved]], str]
    read: Callable[[Path], Iterator[Row | BadRow]]
    row: re.Pattern[bytes]


FORMATS = [
    Format("ofx", ofx_file, ofx.read, re.compile(rb"<STMTTRN>")),
    Format("ofx-2", ofx_2_file, ofx.read, re.compile(rb"<STMTTRN>")),
    Format(
        "qif", qif_file, lambda path: qif.read(path, account="own", currency="EUR", dates="mdy"), re.compile(rb"\n\^")
    ),
    Format("mt940", mt940_file, mt940.read, re.compile(rb"(?:^|[\r\n]):61:")),
    Format("camt", camt_file, camt.read, re.compile(rb"<Ntry>")),
]
each_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
examples = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])

# What people and shops are called; the signs with which a format marks its own fields stand in tests of their own.
LETTERS = st.text(alphabet="abcXYZ 019.,-äéßŁ漢ع&<>'\"", min_size=1, max_size=54)
TOLD = LETTERS.map(lambda said: " ".join(said.split())).filter(bool)
MOVED = st.builds(
    Moved,
    amount=st.integers(-(10**9), 10**9).filter(bool).map(lambda minor: Decimal(minor).scaleb(-2)),
    booked=st.dates(date(2000, 1, 1), date(2060, 12, 31)),
    party=TOLD,
    text=TOLD,
)


def movements(rows: Sequence[Row | BadRow]) -> list[Row]:
    return [row for row in rows if isinstance(row, Row) and row.what in ("movement", "removed")]


@each_format
@examples
@given(moved=st.lists(MOVED, max_size=6))
def test_what_is_written_is_read_back(form: Format, moved: list[Moved], tmp_path: Path) -> None:
    path = tmp_path / "statement"
    path.write_bytes(form.write(moved).encode())
    rows = list(form.read(path))
    told = [[row.facts[name] for name in ("amount", "booked", "counterparty", "text")] for row in movements(rows)]
    assert told == [[one.amount, one.booked, one.party, one.text] for one in moved]
    events = list(events_of(rows, origin=ORIGIN))
    assert not [event for event in events if isinstance(event, BadRow)]
    assert list(events_of(form.read(path), origin=ORIGIN)) == events  # the same again has the same ids
    assert len({event.id for event in events if not isinstance(event, BadRow)}) == len(events)


class Edit(Struct, frozen=True):
    """One damage: what stands from a place on for some bytes is replaced by others, or by a copy of itself."""

    at: float
    size: int
    instead: bytes
    again: bool

    def of(self, content: bytes) -> bytes:
        start = int(self.at * len(content))
        cut = content[start : start + self.size]
        return content[:start] + (cut + cut if self.again else self.instead) + content[start + self.size :]


SIGNS = st.sampled_from(
    [b"<", b">", b"</", b"&", b"^", b"\n", b"\r", b"!", b":61:", b"-}", b"{1:", b"\0", b"\xff", b"?20", b"]]>"]
)
EDITS = st.lists(
    st.builds(
        Edit,
        at=st.floats(0, 1),
        size=st.one_of(st.integers(0, 12), st.integers(0, 400)),
        instead=st.one_of(st.just(b""), SIGNS, st.binary(max_size=12)),
        again=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@each_format
@examples
@given(moved=st.lists(MOVED, min_size=1, max_size=6), edits=EDITS, whole=st.booleans(), end=st.floats(0, 1))
def test_no_damage_crashes_a_reader_or_loses_a_row_unsaid(
    form: Format, moved: list[Moved], edits: list[Edit], *, whole: bool, end: float, tmp_path: Path
) -> None:
    content = form.write(moved).encode()
    for edit in edits:
        content = edit.of(content)
    content = content if whole else content[: int(end * len(content))]
    path = tmp_path / "statement"
    path.write_bytes(content)
    with suppress(MalformedDocument):  # the whole file is refused, in words
        rows = list(form.read(path))
        broken = [row for row in rows if isinstance(row, BadRow)]
        assert all(1 <= row.line <= content.count(b"\n") + content.count(b"\r") + 1 for row in rows)
        assert len(movements(rows)) + len(broken) >= began(form, content, broken=broken)
        for event in events_of(rows, origin=ORIGIN):
            assert event.line >= 1 if isinstance(event, BadRow) else event.customer == "c-1"


def began(form: Format, content: bytes, *, broken: Sequence[BadRow]) -> int:
    """Count the rows that begin in a file; in XML up to the bad row with which it breaks off."""
    if form.name == "qif":
        return len([record for record in content.split(b"\n^")[:-1] if re.search(rb"(?m)^[^!\s^]", record)])
    cut = [row.line for row in broken if row.field == "file"]
    if form.name == "camt" and cut:
        content = b"\n".join(content.split(b"\n")[: cut[0] - 1])
    return len(form.row.findall(content))

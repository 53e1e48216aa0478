"""What holds of every format of statements: what is written is read back, and no damage loses a row unsaid.

``STATEMENT_EXAMPLES`` sets how many generated files each law is tried on.
"""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from marketofone.importers.rows import BadRow, events_of
from statement_files import Moved
from statement_forms import FORMS, ORIGIN, StatementForm, check_statement, movements

EXAMPLES = int(os.environ.get("STATEMENT_EXAMPLES", "25"))


each_format = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
examples = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

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


@each_format
@examples
@given(moved=st.lists(MOVED, max_size=6))
def test_what_is_written_is_read_back(form: StatementForm, moved: list[Moved], tmp_path: Path) -> None:
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
    form: StatementForm, moved: list[Moved], edits: list[Edit], *, whole: bool, end: float, tmp_path: Path
) -> None:
    content = form.write(moved).encode()
    for edit in edits:
        content = edit.of(content)
    content = content if whole else content[: int(end * len(content))]
    path = tmp_path / "statement"
    path.write_bytes(content)
    check_statement(form, path)

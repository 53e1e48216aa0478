"""CloudEvents as JSON Lines are handed on line by line, as they are."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from marketofone.domain.cloudevents import MAX_EVENT_BYTES, parse_event
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers import cloudevents

LINES = b'{"a":1}\r\n\n  \nnot json\n{"b":2}'


def test_each_line_that_is_not_blank_is_one_event_whatever_it_holds(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(LINES)
    assert list(cloudevents.read(tmp_path / "events.jsonl")) == [b'{"a":1}', b"not json", b'{"b":2}']


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(LINES))
    assert len(list(cloudevents.read(tmp_path / "events.jsonl.gz"))) == 3


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES)))
    assert len(list(cloudevents.read(Path("-")))) == 3


@pytest.mark.parametrize(
    "size", [MAX_EVENT_BYTES + 1, MAX_EVENT_BYTES + 2, 3 * MAX_EVENT_BYTES, 4 * MAX_EVENT_BYTES + 3]
)
def test_an_endless_line_is_cut_so_that_it_is_refused_as_too_long_and_the_next_is_read(
    tmp_path: Path, size: int
) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"x" * size + b"\n{}\n")
    first, second = cloudevents.read(tmp_path / "events.jsonl")
    assert second == b"{}"
    assert len(first) == MAX_EVENT_BYTES + 1
    with pytest.raises(MalformedEvent, match="bytes"):
        parse_event(first)


@pytest.mark.parametrize("content", [None, b"\x1f\x8b\x08broken"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "events.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MalformedDocument):
        list(cloudevents.read(path))

"""Documents of JSON are found in a file however they lie in it, each with its line; what is none is a bad row."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.errors import MalformedDocument
from marketofone.importers.documents import Document, read_documents
from marketofone.importers.rows import BadRow

PAGES = [{"page": 1, "rows": [{"a": 1}, {"a": 2}]}, {"page": 2, "note": "žluť {[,"}]


def found(folder: Path, content: bytes) -> list[Any]:
    """Give the documents of a file as values; of a bad row its line."""
    path = folder / "answers.json"
    path.write_bytes(content)
    return [json.loads(one.body) if isinstance(one, Document) else one.line for one in read_documents(path)]


def lines(folder: Path, text: str) -> list[tuple[int, bool]]:
    path = folder / "answers.json"
    path.write_text(text, "utf-8")
    return [(one.line, isinstance(one, Document)) for one in read_documents(path)]


FORMS = {
    "one a line": "\n".join(map(json.dumps, PAGES)),
    "windows lines": "\r\n".join(map(json.dumps, PAGES)) + "\r\n\r\n",
    "an array": json.dumps(PAGES),
    "an indented array": json.dumps(PAGES, indent=2),
    "indented, one after the other": "\n".join(json.dumps(page, indent=2) for page in PAGES),
    "without anything between": "".join(map(json.dumps, PAGES)),
    "a text sequence": "".join(f"\x1e{json.dumps(page)}\n" for page in PAGES),
    "with commas between": ",\n".join(map(json.dumps, PAGES)),
}


@pytest.mark.parametrize("form", FORMS)
def test_documents_are_found_however_they_lie_in_the_file(tmp_path: Path, form: str) -> None:
    assert found(tmp_path, FORMS[form].encode()) == PAGES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_encoding_and_the_packing_show_by_themselves(tmp_path: Path, encoding: str, packed: bool) -> None:  # noqa: FBT001
    content = json.dumps(PAGES, ensure_ascii=False).encode(encoding)
    assert found(tmp_path, gzip.compress(content) if packed else content) == PAGES


def test_each_document_has_the_line_on_which_it_begins(tmp_path: Path) -> None:
    assert lines(tmp_path, '\n{"a":\n1}\n\n{"b": 2} {"c": 3}\n') == [(2, True), (5, True), (5, True)]
    assert lines(tmp_path, '[\n  {"a": 1},\n  {"b":\n 2},\n {"c": 3}]') == [(2, True), (3, True), (5, True)]


def test_each_part_of_a_document_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text('{"rows": [\n  {"a": 1},\n  {"a": 1}, {"a":\n 2},\n {"a": 1}\n]}', "utf-8")
    (document,) = read_documents(path)
    assert isinstance(document, Document)
    raws = msgspec.json.decode(document.body, type=dict[str, list[msgspec.Raw]])["rows"]
    parts = [(line, json.loads(part)["a"]) for line, part in document.places(raws)]
    assert parts == [(2, 1), (3, 1), (3, 2), (5, 1)]


def test_what_is_no_json_is_a_bad_row_and_reading_goes_on(tmp_path: Path) -> None:
    assert lines(tmp_path, '{"a": 1}\nnonsense\n{"b": 2}\n{"c": \n{"d": 4}') == [
        (1, True),
        (2, False),
        (3, True),
        (4, False),
        (5, True),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"cut \ud83d", "cut \ufffd"),
        (r"\uDE00 cut", "\ufffd cut"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
    ],
)
def test_half_a_letter_costs_no_more_than_itself(tmp_path: Path, written: str, read: str) -> None:
    assert found(tmp_path, f'{{"text": "{written}"}}'.encode()) == [{"text": read}]


@pytest.mark.parametrize("content", ["date;amount\n1.6.2026;-3,50\n", "<xml/>", "\x00\x01", "{", "nan"])
def test_a_file_of_another_kind_is_one_bad_row(tmp_path: Path, content: str) -> None:
    assert lines(tmp_path, content) == [(1, False)]


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file_holds_nothing(tmp_path: Path, content: str) -> None:
    assert lines(tmp_path, content) == []


def test_of_a_packed_file_that_breaks_off_what_is_there_is_read_and_the_rest_told(tmp_path: Path) -> None:
    text = "\n".join(json.dumps({"page": page, "text": "x" * 50}) for page in range(20_000))
    packed = gzip.compress(text.encode())
    (tmp_path / "answers.json.gz").write_bytes(packed[: len(packed) // 2])
    *pages, last = read_documents(tmp_path / "answers.json.gz")
    assert isinstance(last, BadRow)
    assert last.shape == "a packed file that breaks off"
    assert sum(isinstance(page, Document) for page in pages) > 1_000
    assert sum(isinstance(page, BadRow) for page in pages) <= 1


def test_what_is_kept_of_a_broken_document_is_not_longer_than_an_event_may_be(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_bytes(b"{" + b"x" * 10 * MAX_EVENT_BYTES)
    (bad,) = read_documents(tmp_path / "answers.json")
    assert isinstance(bad, BadRow)
    assert len(bad.raw) == MAX_EVENT_BYTES + 1


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedDocument):
        read_documents(tmp_path / "nowhere.json")


def test_what_is_nested_without_end_is_a_bad_row(tmp_path: Path) -> None:
    assert lines(tmp_path, '{"a":' * 100_000) == [(1, False)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=3), max_size=5)


@given(
    documents=DOCUMENTS,
    indent=st.sampled_from([None, 0, 2]),
    between=st.sampled_from(["", "\n", "\r\n", " ", ",", "\n\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
    as_array=st.booleans(),
    packed=st.booleans(),
)
def test_whatever_was_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[dict[str, Any]],
    indent: int | None,
    between: str,
    encoding: str,
    as_array: bool,  # noqa: FBT001
    packed: bool,  # noqa: FBT001
) -> None:
    together = json.dumps(documents, indent=indent, ensure_ascii=False)
    apart = between.join(json.dumps(one, indent=indent, ensure_ascii=False) for one in documents)
    content = (together if as_array else apart).encode(encoding)
    folder = tmp_path_factory.mktemp("documents")
    assert found(folder, gzip.compress(content) if packed else content) == documents


@given(content=st.binary(max_size=300), mark=st.sampled_from([b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b"\x1f\x8b"]))
def test_whatever_bytes_a_file_holds_it_is_read_to_its_end(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, mark: bytes
) -> None:
    path = tmp_path_factory.mktemp("documents") / "answers.json"
    path.write_bytes(mark + content)
    assert all(one.line >= 1 for one in read_documents(path))

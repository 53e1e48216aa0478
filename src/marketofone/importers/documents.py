"""Documents of JSON in a file, each with the line on which it begins.

What an API answered is kept in many ways: one document, a JSON array of them, one a line, or one after the other with
line breaks and indents inside; gzipped or not, as UTF-8 or UTF-16, with a byte order mark or without. What is no JSON
is a bad row, and reading goes on with the next line that begins like a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers.encoding import bytes_in
from marketofone.importers.rows import BadRow

_BETWEEN = re.compile(rb"[\s,\x1e]*")  # 1e begins each document of a JSON text sequence (RFC 7464)
_NEXT = re.compile(rb"\n(?=[{\[])")
_AFTER = re.compile(r"trailing characters \(byte (\d+)\)")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_HALVES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_UNKNOWN = b"\\ufffd"
_RAW = json_decoder(Raw)
_ARRAY = json_decoder(list[Raw])


class Document(Struct, frozen=True, gc=False):
    """One document, and the line on which it begins, counted from 1."""

    line: int
    body: bytes

    def places(self, parts: Iterable[Raw]) -> Iterator[tuple[int, bytes]]:
        """Give parts of the document, in its order, each with the line on which it begins."""
        line, counted, after = self.line, 0, 0
        for raw in parts:
            part = bytes(raw)
            start = self.body.find(part, after)
            if start < 0:  # a list that stands before the one that was read last
                line, counted, start = self.line, 0, self.body.find(part)
            line += self.body.count(b"\n", counted, start)
            counted, after = start, start + len(part)
            yield line, part


def read_documents(path: Path) -> list[Document | BadRow]:
    r"""Read the documents of a file, in its order.

    What breaks off, or is no JSON, is a bad row.

    Raises
    ------
    MalformedDocument
        When there is no such file, or it may not be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "answers.json"
    ...     _ = path.write_text('{"page": 1}\n{"page":\n 2}\nnonsense\n[{"page": 3}]')
    ...     [(found.line, isinstance(found, Document)) for found in read_documents(path)]
    [(1, True), (2, True), (4, False), (5, True)]
    """
    parts: list[bytes] = []
    why: MalformedEvent | None = None
    try:
        parts.extend(bytes_in(path, wanted="a file of JSON"))
    except MalformedDocument as error:
        if isinstance(error.__cause__, OSError):
            raise
        why = MalformedEvent(field=error.field, shape=error.shape, fix=error.fix)
    content = b"".join(parts)
    documents = list(_documents(_whole_letters(_as_utf8(content))))
    if why is not None:
        documents.append(BadRow(line=1 + content.count(b"\n"), raw=b"", why=why))
    return documents


def written_at(path: Path) -> datetime:
    """Give when a file was last written: what stands in it was so then or before."""
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def _as_utf8(content: bytes) -> bytes:
    encoding = json.detect_encoding(content)
    return content if encoding == "utf-8" else content.decode(encoding, errors="replace").encode()


def _whole_letters(content: bytes) -> bytes:
    """Replace halves of letters, which are left where a text was cut within one, and are no JSON."""
    if _HALF.search(content) is None:
        return content
    return _HALVES.sub(lambda found: found[0] if found[1] is None else _UNKNOWN, content)


def _documents(content: bytes) -> Iterator[Document | BadRow]:
    view, line, counted = memoryview(content), 1, 0
    start = _skipped(content, 0)
    while start < len(content):
        line += content.count(b"\n", counted, start)
        counted = start
        end = _end(view[start:])
        if end is None:
            following = _NEXT.search(content, start)
            end = (len(content) if following is None else following.start()) - start
            why = MalformedEvent(field="document", shape="not readable as JSON", fix="write JSON, whole documents only")
            yield BadRow(line=line, raw=content[start : start + min(end, MAX_EVENT_BYTES + 1)], why=why)
        else:
            yield from _elements(Document(line, content[start : start + end].rstrip()))
        start = _skipped(content, start + end)


def _skipped(content: bytes, start: int) -> int:
    between = _BETWEEN.match(content, start)
    return start if between is None else between.end()


def _end(view: memoryview) -> int | None:
    """Find where the document ends that begins here: the decoder says where the next one begins."""
    try:
        _RAW.decode(view)
    except msgspec.DecodeError as error:
        after = _AFTER.search(str(error))
        return None if after is None else int(after[1]) - 1
    except RecursionError:
        return None
    return len(view)


def _elements(document: Document) -> Iterator[Document]:
    """Give the elements of an array as documents of their own."""
    if not document.body.startswith(b"["):
        yield document
        return
    for line, element in document.places(_ARRAY.decode(document.body)):
        yield Document(line, element)

"""CloudEvents as JSON, from a file or standard input: as lines, as an array, or one object after the other.

Events are handed on unread, as UTF-8. A line is one event, whatever it holds. An array, and objects that go on over
several lines, are taken apart by their brackets.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.errors import MalformedDocument
from marketofone.importers.encoding import bytes_in, marked_encoding, pieces_of
from marketofone.importers.json_objects import JsonObjects

STANDARD_INPUT = Path("-")
_BLANK = b" \t\r\n"
_GOES_ON = (b"{", b"[", b",", b":")


class EventLines:
    """Gives the events of a file, one after the other.

    ``line`` is the line on which the one given last begins, counted from 1.
    """

    def __init__(self, path: Path) -> None:
        self.line = 0
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        for line, event in _events(_utf8(_pieces(self._path)), name=self._path.name):
            self.line = line
            yield event


def read(path: Path) -> EventLines:
    """Give the events of a file (``-``: of standard input), unpacked where it is gzip.

    One that is too long is cut one byte beyond the limit: enough for it to be refused as too long, and too little to
    fill the memory.

    Raises
    ------
    MalformedDocument
        When it is walked through and the file cannot be read; or, once all that could be read was given, breaks off.
    """
    return EventLines(path)


def _pieces(path: Path) -> Iterator[bytes]:
    return (
        pieces_of(sys.stdin.buffer, name=path.name)
        if path == STANDARD_INPUT
        else bytes_in(path, wanted="a file of JSON Lines")
    )


def _utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give pieces of JSON as UTF-8, which it is unless a mark or zeros show another encoding."""
    head = next(pieces, b"")
    encoding = marked_encoding(head)
    if encoding is None:
        yield head
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for piece in chain((head,), pieces):
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()


def _events(pieces: Iterator[bytes], *, name: str) -> Iterator[tuple[int, bytes]]:
    head = first = b""
    for piece in pieces:
        head += piece
        first, ended, _ = head.lstrip(_BLANK).partition(b"\n")
        if ended or len(first) > MAX_EVENT_BYTES:
            break
    pieces = chain((head,), pieces)
    if first.startswith(b"[") or (first.startswith(b"{") and first.rstrip(_BLANK).endswith(_GOES_ON)):
        yield from JsonObjects(pieces, name=name)
    else:
        yield from _lines(pieces)


def _lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the lines that are not blank; the last one also where the file breaks off in it."""
    rest, number = b"", 0
    broken: MalformedDocument | None = None
    try:
        for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                number += 1
                if line.strip():
                    yield number, line[: MAX_EVENT_BYTES + 1].rstrip(b"\r")
            rest = rest[: MAX_EVENT_BYTES + 1]
    except MalformedDocument as error:
        broken = error
    if rest.strip():
        yield number + 1, rest.rstrip(b"\r")
    if broken is not None:
        raise broken

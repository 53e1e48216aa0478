"""CloudEvents as JSON Lines, from a file or standard input: one event a line, handed on unread."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.errors import MalformedDocument

STANDARD_INPUT = Path("-")


def read(path: Path) -> Iterator[bytes]:
    """Give the lines of a file (``-``: of standard input) that are not blank; ``.gz`` files are unpacked.

    A line that is too long for an event is cut one byte beyond the limit: enough for it to be refused as too long,
    and too little to fill the memory.

    Raises
    ------
    MalformedDocument
        When the file cannot be read.
    """
    if path == STANDARD_INPUT:
        yield from _lines(sys.stdin.buffer)
        return
    try:
        with path.open("rb") as file:
            yield from _lines(gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file)
    except (OSError, EOFError) as error:
        raise MalformedDocument(field=path.name, shape="not to be read", fix="name a file of JSON Lines") from error


def _lines(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while line := stream.readline(MAX_EVENT_BYTES + 1):
        rest = line
        while len(rest) > MAX_EVENT_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_EVENT_BYTES + 1)
        if line.strip():
            yield line.rstrip(b"\r\n")

"""The rows of an array or of lines: how many, before memory is taken for each; each alone, where one is no JSON."""

from __future__ import annotations

import io
import re

from starlette.exceptions import HTTPException

PLENTY = 200_000  # so many commas of any kind cost little: rows are counted once they were read
_PARTS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},"]', re.DOTALL)
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_OPENED = {b"]": b"[", b"}": b"{"}
_BLANK = b" \t\r\n"


def check_rows(body: bytes, *, most: int) -> None:
    """Check that an array whose text could hold very many rows holds at most ``most``; stops at the first too many.

    Raises
    ------
    HTTPException
        422 when it holds more.

    Examples
    --------
    >>> check_rows(b"[" + b"1," * 300_000 + b"1]", most=10_000)
    Traceback (most recent call last):
    starlette.exceptions.HTTPException: 422: send at most 10000 rows at once
    """
    if body.count(b",") < PLENTY:
        return
    depth, rows = 0, 1
    for found in _PARTS.finditer(body):
        part = found[0]
        if part == b'"':  # it has no end
            return
        depth += _DEEPER.get(part, 0)
        if depth == 1 and part == b",":
            rows += 1
            if rows > most:
                raise too_many(most)


def split(body: bytes) -> list[bytes] | None:
    r"""Split an array into the texts of its rows, whatever they are; None when it is no array.

    Examples
    --------
    >>> split(b'[{"a": "\\ud800"}, NaN, [1, 2]]')
    [b'{"a": "\\ud800"}', b'NaN', b'[1, 2]']
    >>> split(b"[1, 2") is split(b"[1,]") is split(b"[1}") is split(b"[1] 2") is None
    True
    """
    inner, opened = body.strip(_BLANK), list[bytes]()
    if not inner.startswith(b"["):
        return None
    rows, start = list[bytes](), 1
    for found in _PARTS.finditer(inner):
        part = found[0]
        if part in (b"[", b"{"):
            opened.append(part)
        elif part == b'"' or (part in _OPENED and (not opened or opened.pop() != _OPENED[part])):
            return None
        elif (part == b"," and len(opened) == 1) or not opened:
            rows.append(inner[start : found.start()].strip(_BLANK))
            start = found.end()
            if not opened:
                break
    return rows if not opened and start == len(inner) and all(rows) else None


def lines(body: bytes, *, most: int) -> list[bytes]:
    r"""Give the lines of a text on which anything stands, at most ``most``.

    Raises
    ------
    HTTPException
        422 when there are more.

    Examples
    --------
    >>> lines(b'{"id": "1"}\r\n\n  \n{"id": "2"}', most=2)
    [b'{"id": "1"}', b'{"id": "2"}']
    """
    return [row for _, row in numbered_lines(body, most=most)]


def numbered_lines(body: bytes, *, most: int) -> list[tuple[int, bytes]]:
    """Give the lines of a text on which anything stands with their numbers. Raises as :func:`lines` does."""
    found: list[tuple[int, bytes]] = []
    for number, line in enumerate(io.BytesIO(body), start=1):
        if stripped := line.strip(_BLANK):
            found.append((number, stripped))
            if len(found) > most:
                raise too_many(most)
    return found


def too_many(most: int) -> HTTPException:
    """Make the refusal of a batch that holds too many rows."""
    return HTTPException(422, f"send at most {most} rows at once")

"""How many rows an array holds, before memory is taken for each of them."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException

PLENTY = 200_000  # so many commas of any kind cost little: rows are counted once they were read
_PARTS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


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
    starlette.exceptions.HTTPException: 422: send at most 10000 events at once
    """
    if body.count(b",") < PLENTY:
        return
    depth, rows = 0, 1
    for found in _PARTS.finditer(body):
        part = found[0]
        depth += _DEEPER.get(part, 0)
        if depth == 1 and part == b",":
            rows += 1
            if rows > most:
                raise too_many(most)


def too_many(most: int) -> HTTPException:
    """Make the refusal of a batch that holds too many rows."""
    return HTTPException(422, f"send at most {most} events at once")

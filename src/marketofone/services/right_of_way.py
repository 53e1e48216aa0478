"""The right of way: bulk work of a process rests while a person waits for an answer.

The threads of one interpreter share one processor. An answer takes milliseconds, and bulk work that goes on beside it
would make it take many times as long. So bulk work asks between two short steps whether somebody waits, and rests until
they are answered. It never rests longer than ``_REST_SECONDS`` before a step: where answers never end, it goes on more
slowly.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_REST_SECONDS = 0.01
_STEP = 16  # things between two looks

T = TypeVar("T")


class RightOfWay:
    """Who waits for an answer, and the rest that bulk work takes meanwhile."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._waiting = 0

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Have the right of way while the block runs."""
        with self._free:
            self._waiting += 1
        try:
            yield
        finally:
            with self._free:
                self._waiting -= 1
                if not self._waiting:
                    self._free.notify_all()

    def paced(self, things: Iterable[T]) -> Iterator[T]:
        """Go through things in bulk, and give way before every few of them."""
        for number, thing in enumerate(things):
            if self._waiting and not number % _STEP:
                with self._free:
                    self._free.wait_for(lambda: not self._waiting, timeout=_REST_SECONDS)
            yield thing

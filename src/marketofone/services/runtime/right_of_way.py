"""The right of way: bulk work of a process rests while a person waits for an answer.

The threads of one interpreter share one processor. An answer takes milliseconds, and bulk work that goes on beside it
would make it take many times as long. So bulk work asks between two short steps whether somebody waits, and rests until
they are answered. It never rests longer than ``_REST_SECONDS`` before a step: where answers never end, it goes on more
slowly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_REST_SECONDS = 0.01
_STEP = 16  # things between two looks
_LATELY_SECONDS = 1.0

T = TypeVar("T")


class RightOfWay:
    """Who waits for an answer, and the rest that bulk work takes meanwhile."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._waiting = 0
        self._answered = -_LATELY_SECONDS

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
                self._answered = time.monotonic()
                if not self._waiting:
                    self._free.notify_all()

    @property
    def is_asked(self) -> bool:
        """Whether a person waits, or did lately: then what cannot rest in its middle should be short."""
        return self._waiting > 0 or time.monotonic() - self._answered < _LATELY_SECONDS

    def paced(self, things: Iterable[T]) -> Iterator[T]:
        """Go through things in bulk, and give way before every few of them."""
        for number, thing in enumerate(things):
            if self._waiting and not number % _STEP:
                with self._free:
                    self._free.wait_for(lambda: not self._waiting, timeout=_REST_SECONDS)
            yield thing

"""A fair lock between processes: who waits longest is not passed by who comes again.

SQLite's own lock is asked for by trying again and again; of four processes that write without a pause one starves. Here
a process first takes the *queue*, then the lock itself, then leaves the queue. What waits for the lock holds the
queue, so the one that just had the lock cannot take it again before. The kernel drops both when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from marketofone.domain.errors import StoreBusy

LOCK, QUEUE = "bank.lock", "bank.queue"
_SECONDS = 0.000_3


class FileLock:
    """Two files in a folder. Nothing stands in them."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._queue, self._lock = (os.open(folder / name, flags, 0o600) for name in (QUEUE, LOCK))

    @contextmanager
    def held(self, *, until: float) -> Iterator[None]:
        """Hold the lock; wait for it until a moment of the monotonic clock.

        Raises
        ------
        StoreBusy
            When another process holds it for longer.
        """
        _take(self._queue, until=until)
        try:
            _take(self._lock, until=until)
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close both files."""
        os.close(self._queue)
        os.close(self._lock)


def _take(file: int, *, until: float) -> None:
    while True:
        with suppress(BlockingIOError):
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.monotonic() > until:
            raise StoreBusy(f"another process holds {LOCK} for too long")
        time.sleep(_SECONDS)

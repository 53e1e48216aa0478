"""Copying the log back into the file, beside the writer: no commit waits for it.

A commit leaves its pages in the log. Once in a while a thread copies them into the file, as far as no reader needs the
file as it was. A page that several commits wrote is copied once, so waiting for a larger log saves writing. When the
copy has caught up, the next commit begins the log anew. Should the writer be faster for long, it copies itself when the
log reaches ``wal_autocheckpoint``.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

_SECONDS = 0.5
_ENOUGH_BYTES = 48 * 2**20  # a log of this size is copied at once ...
_IDLE_ROUNDS = 20  # ... and a smaller one after ten seconds
_PASSES = 3  # each copies what was committed during the one before


class Checkpoints:
    """One thread with a connection of its own."""

    def __init__(self, connection: sqlite3.Connection, log: Path) -> None:
        self._connection = connection
        self._log = log
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="store-checkpoints", daemon=True)

    def start(self) -> None:
        """Begin; called once, with the first commit."""
        self._thread.start()

    def close(self) -> None:
        """End, and close the connection."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        rounds = 0
        while not self._closing.wait(_SECONDS):
            rounds += 1
            with suppress(sqlite3.Error, OSError):  # whatever it is, the writer meets it, too, and tells its callers
                if rounds >= _IDLE_ROUNDS or self._log.stat().st_size > _ENOUGH_BYTES:
                    rounds = 0
                    self._copy()

    def _copy(self) -> None:
        for _ in range(_PASSES):
            _, logged, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if copied == logged:
                break

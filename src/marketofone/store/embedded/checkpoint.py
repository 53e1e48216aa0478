"""Copying the log back into the file, beside the writer: no commit waits for it.

A commit leaves its pages in the log. Once in a while a thread copies them into the file, as far as no reader needs the
file as it was. When it has caught up, the next commit begins the log anew. Should the writer be faster for long, it
copies itself when the log reaches ``wal_autocheckpoint``.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress

_SECONDS = 0.5
_PASSES = 3  # each copies what was committed during the one before


class Checkpoints:
    """One thread with a connection of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
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
        while not self._closing.wait(_SECONDS):
            with suppress(sqlite3.Error):  # whatever it is, the writer meets it, too, and tells its callers
                for _ in range(_PASSES):
                    _, logged, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if copied == logged:
                        break

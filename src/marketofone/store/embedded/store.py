"""The embedded store: one file, one writer thread, as many readers as ask."""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from marketofone.domain.errors import StoreError
from marketofone.store.embedded.checkpoint import Checkpoints
from marketofone.store.embedded.connection import FILE, in_our_words, open_reader, open_writer
from marketofone.store.embedded.group import GroupCommit
from marketofone.store.embedded.reader import SqliteReader
from marketofone.store.embedded.writer import Salts
from marketofone.store.ports import Reader, Writer

T = TypeVar("T")


def random_salt() -> bytes:
    """Give a salt nobody can guess."""
    return os.urandom(16)


class EmbeddedStore:
    """What :class:`marketofone.store.ports.Store` promises, in one SQLite file.

    Safe for any number of threads and for several processes; a process that forks must open it again in the child.
    A process whose threads compute in Python should lower ``sys.setswitchinterval``: each statement gives the
    interpreter away, and waits for it up to that interval.

    Parameters
    ----------
    folder
        Where ``bank.sqlite`` lies; created, for its owner only, when missing.
    patience_ms
        How long to wait for another process that writes.
    salts
        Gives the salt of each journal entry. Anything but random salts is for tests.

    Raises
    ------
    StoreError
        When the file is no bank, or one of another release.
    StoreBusy
        When another process holds the file for longer than the patience.
    """

    def __init__(self, folder: Path, *, patience_ms: int = 5_000, salts: Salts = random_salt) -> None:
        self._path = folder / FILE
        self._patience_ms = patience_ms
        writer, beside = (open_writer(self._path, patience_ms=patience_ms) for _ in range(2))
        self._group = GroupCommit(writer, salts=salts, checkpoints=Checkpoints(beside))
        self._idle: deque[sqlite3.Connection] = deque()  # its pop and append are atomic: no lock is needed
        self._closed = False

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent snapshot, as of this call's ``with``."""
        return _Snapshot(self)

    def commit(self, work: Callable[[Writer], T]) -> T:
        """Run a unit of work alone and give its result once it is durable.

        Raises
        ------
        StoreBusy
            When another process holds the store for too long.
        """
        return self._group.submit(work)

    def close(self) -> None:
        """Finish what is waiting and close."""
        self._closed = True
        self._drain()
        self._group.close()

    def lend(self) -> sqlite3.Connection:
        """Give a connection for one snapshot."""
        if self._closed:
            raise StoreError("the store is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return open_reader(self._path, patience_ms=self._patience_ms)

    def take_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next snapshot."""
        self._idle.append(connection)
        if self._closed:
            self._drain()

    def _drain(self) -> None:
        with suppress(IndexError):  # the last may be taken by another thread
            while True:
                self._idle.pop().close()


class _Snapshot:
    """A context manager by hand: a generator would cost as much as the reading itself."""

    __slots__ = ("_connection", "_reader", "_store")

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store

    def __enter__(self) -> SqliteReader:
        self._connection = self._store.lend()
        try:
            self._connection.execute("BEGIN")
            # A deferred transaction sees what its first statement sees: asking for the position pins it here.
            position = self._connection.execute("SELECT max(seq) FROM journal").fetchone()[0] or 0
        except sqlite3.Error as error:
            self._connection.close()
            raise in_our_words(error) from error
        self._reader = SqliteReader(self._connection, position=position)
        return self._reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self._connection.rollback()
        self._store.take_back(self._connection)
        if isinstance(error, sqlite3.Error):
            raise in_our_words(error) from error

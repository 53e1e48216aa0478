"""The embedded store: one file, one writer thread, as many readers as ask."""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from marketofone.domain.errors import BankNotFound, StoreError
from marketofone.store.folders import make_folder
from marketofone.store.ports import BANK, Guards, Head, Reader, Sealed, Unit
from marketofone.store.sqlite.checkpoint import Checkpoints
from marketofone.store.sqlite.connection import (
    FILE,
    at_rest,
    create,
    in_our_words,
    move,
    open_at_rest,
    open_reader,
    open_writer,
    recognise,
)
from marketofone.store.sqlite.group import GroupCommit
from marketofone.store.sqlite.lock import FileLock
from marketofone.store.sqlite.reader import SqliteReader, read_guards, read_head
from marketofone.store.sqlite.units import applying, sealing


class SqliteStore:
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
    read_only
        Open what is there, and never write a byte: for copies, and for media that cannot be written.

    Raises
    ------
    StoreError
        When the file is no bank, is damaged, or is one of another release.
    BankNotFound
        When there is no file, and it is opened to read only.
    StoreBusy
        When another process holds the file for longer than the patience.
    """

    def __init__(self, folder: Path, *, patience_ms: int = 5_000, read_only: bool = False) -> None:
        self._path = folder / FILE
        self._patience_ms = patience_ms
        self._process = os.getpid()
        self._idle: deque[sqlite3.Connection] = deque()  # its pop and append are atomic: no lock is needed
        self._closed = False
        self._group = None if read_only else _start_writer(folder, patience_ms=patience_ms)
        if read_only:
            if not self._path.exists():
                why = "nothing was recorded in this bank yet, or its data lie elsewhere"
                raise BankNotFound(f"there is no {FILE} in the folder: {why}")
            recognise(self._path)

    @classmethod
    def open_to_read(cls, folder: Path) -> Self:
        """Open what is there, and never write a byte."""
        return cls(folder, read_only=True)

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent snapshot, as of this call's ``with``."""
        return _Snapshot(self)

    def guards(self, subject: int) -> Guards:
        """Give the guards as they are now, of one moment. A single statement needs no transaction."""
        if self._group is None:
            with self.read() as reader:
                return Guards.of(reader.heads((BANK, subject)), subject)
        connection = self.lend()
        try:
            guards = read_guards(connection.execute, subject)
        except sqlite3.Error as error:
            connection.close()
            raise in_our_words(error) from error
        self.take_back(connection)
        return guards

    def commit(self, unit: Unit) -> list[Head]:
        """Carry out a unit of work and give, for each draft, the head right after it; durable when it returns.

        Raises
        ------
        Moved
            When something it expects does not stand any more, or an event key is taken. Nothing of it is kept.
        StoreBusy
            When another process holds the store for too long.
        """
        return self._writer().submit(applying(unit))

    def seal(self, *, limit: int = 100_000) -> Sealed:
        """Give leaf numbers to entries that wait, ascending n within a journal.

        Hashes are made beside the writer, which only compares and replaces the edge of the log.
        """
        while True:
            with _Snapshot(self) as reader:
                before, longer = reader.lengthened(limit=limit)
            sealed = self._writer().submit(sealing(before, longer))
            if sealed is not None:
                return sealed

    def copy_to(self, target: str) -> None:
        """Write a copy of the data into a new folder, without keys.

        Raises
        ------
        StoreError
            When a bank lies there already, or the copy cannot be written.
        """
        folder = Path(target)
        make_folder(folder)
        place, new = folder / FILE, folder / f"{FILE}.new"
        if place.exists():
            raise StoreError(f"there is a {FILE} in the folder already: name a new folder")
        source = self.lend()
        try:
            new.unlink(missing_ok=True)
            os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(sqlite3.connect(new, isolation_level=None)) as copy:
                copy.execute("PRAGMA synchronous = FULL")
                source.backup(copy)
        except sqlite3.Error as error:
            raise in_our_words(error) from error
        finally:
            self.take_back(source)
        move(new, place)

    def close(self) -> None:
        """Finish what is waiting and close."""
        self._closed = True
        self._drain()
        if self._group is not None and self._process == os.getpid():
            self._group.close()

    def lend(self) -> sqlite3.Connection:
        """Give a connection for one snapshot."""
        self._refuse_strangers()
        try:
            return self._idle.pop()
        except IndexError:
            open_it = open_at_rest if self._group is None else open_reader
            return open_it(self._path, patience_ms=self._patience_ms)

    def take_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next snapshot; one that must not write is closed, for a log may appear."""
        if self._group is None:
            connection.close()
            return
        self._idle.append(connection)
        if self._closed:
            self._drain()

    def mark(self) -> tuple[int, int] | None:
        """Give what must not change while a snapshot is read, None where nothing does harm."""
        return at_rest(self._path) if self._group is None else None

    def _writer(self) -> GroupCommit:
        self._refuse_strangers()
        if self._group is None:
            raise StoreError("the store is open to read only")
        return self._group

    def _refuse_strangers(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")
        if self._process != os.getpid():
            raise StoreError("the store was opened before this process forked: open it again")

    def _drain(self) -> None:
        with suppress(IndexError):  # the last may be taken by another thread
            while True:
                self._idle.pop().close()


def _start_writer(folder: Path, *, patience_ms: int) -> GroupCommit:
    make_folder(folder)
    lock, path = FileLock(folder), folder / FILE
    try:
        create(folder, lock=lock, patience_ms=patience_ms)
        writer, beside = (open_writer(path, patience_ms=patience_ms) for _ in range(2))
    except BaseException:
        lock.close()
        raise
    checkpoints = Checkpoints(beside, path.with_name(f"{FILE}-wal"))
    return GroupCommit(path, writer, lock=lock, checkpoints=checkpoints, patience_ms=patience_ms)


class _Snapshot:
    """A context manager by hand: a generator would cost as much as the reading itself."""

    __slots__ = ("_connection", "_mark", "_reader", "_store")

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> SqliteReader:
        self._mark = self._store.mark()
        self._connection = self._store.lend()
        try:
            self._connection.execute("BEGIN")
            # A deferred transaction sees what its first statement sees: this one, which nearly all need, pins it here.
            bank = read_head(self._connection.execute, BANK)
        except sqlite3.Error as error:
            self._connection.close()
            raise in_our_words(error) from error
        self._reader = SqliteReader(self._connection, bank=bank)
        return self._reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self._connection.rollback()
        self._store.take_back(self._connection)
        if isinstance(error, sqlite3.Error):
            raise in_our_words(error) from error
        if self._mark is not None and self._mark != self._store.mark():
            raise StoreError(f"{FILE} was written while it was read as a copy: read again")

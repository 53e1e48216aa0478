"""The store on a PostgreSQL server."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import TypeVar

import psycopg
from psycopg import errors

from marketofone.domain.errors import Moved, StoreBusy, StoreError
from marketofone.store.ports import BANK, Guards, Head, Reader, Sealed, Unit
from marketofone.store.postgres import locking, writing
from marketofone.store.postgres.connection import (
    AGAIN,
    SECOND_MS,
    TOO_LARGE,
    Connection,
    Pool,
    connect,
    in_our_words,
    is_gone,
)
from marketofone.store.postgres.copying import load_copy, write_copy
from marketofone.store.postgres.locking import Locks
from marketofone.store.postgres.reader import PostgresReader, known
from marketofone.store.postgres.schema import prepare
from marketofone.store.postgres.sealing import seal

READERS = 8
WRITERS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.2  # seconds
T = TypeVar("T")


class PostgresStore:
    """What :class:`marketofone.store.ports.Store` promises, in the schema ``marketofone`` of a PostgreSQL database.

    Safe for any number of threads and processes; a process that forks must open it again in the child. It opens up to
    eight connections for reading and eight for writing.

    Parameters
    ----------
    address
        Of the database, as libpq reads it: ``postgresql://user@host/name``. The tables are created when missing.
    patience_ms
        How long to wait for each lock, for a connection, and for another try.
    read_only
        Whether nothing is ever written, not even the tables.

    Raises
    ------
    StoreError
        When the server cannot be reached, or the database holds a bank of another release.
    StoreBusy
        When others hold the database for longer than the patience.
    """

    def __init__(self, address: str, *, patience_ms: int = 5_000, read_only: bool = False) -> None:
        self._patience = patience_ms / SECOND_MS
        self._read_only = read_only
        self._readers, self._writers = (
            Pool(address, size=size, patience_ms=patience_ms, read_only=read_only) for size in (READERS, WRITERS)
        )
        try:
            self._with_patience(lambda connection: prepare(connection, create=not read_only))
        except BaseException:
            self.close()
            raise

    @staticmethod
    def load_from(folder: str, *, address: str, patience_ms: int = 5_000) -> None:
        """Fill an empty database from a folder that :meth:`copy_to` wrote.

        Raises
        ------
        StoreError
            When the folder is no copy of this format, or the database is not empty.
        """
        with closing(connect(address, patience_ms=patience_ms, read_only=False)) as connection:
            try:
                prepare(connection, create=True)
                load_copy(connection, Path(folder))
            except psycopg.Error as error:
                raise in_our_words(error) from error

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent snapshot, as of this call's ``with``."""
        return _Snapshot(self._readers)

    def guards(self, subject: int) -> Guards:
        """Give the guards as they are now, of one moment."""
        with self.read() as reader:
            return Guards.of(reader.heads((BANK, subject)), subject)

    def commit(self, unit: Unit) -> list[Head]:
        """Carry out a unit of work and give, for each draft, the head right after it; durable when it returns.

        Raises
        ------
        Moved
            When something it expects does not stand any more, or an event key is taken. Nothing of it is kept.
        StoreBusy
            When others hold what it needs for longer than the patience.
        StoreError
            When a value cannot be kept, or the server went away. If that was while it committed, the unit may have been
            kept all the same.
        """
        locks = Locks.of(unit)
        return self._with_patience(lambda connection: _carry_out(connection, unit, locks=locks))

    def seal(self, *, limit: int = 100_000) -> Sealed:
        """Give leaf numbers to entries that wait, ascending n within a journal."""
        return self._with_patience(lambda connection: seal(connection, limit=limit))

    def copy_to(self, target: str) -> None:
        """Write a copy of the data into a new folder, without keys; :meth:`load_from` reads it.

        Raises
        ------
        StoreError
            When the folder exists or cannot be written.
        """
        with self._readers.lent() as connection:
            try:
                _begin_reading(connection)
                write_copy(connection, Path(target))
                connection.execute(b"COMMIT")
            except psycopg.Error as error:
                connection.close()
                raise in_our_words(error) from error

    def close(self) -> None:
        """Finish the units that are under way and close; snapshots that are open end by themselves."""
        self._writers.close(wait=True)
        self._readers.close(wait=False)

    def _with_patience(self, work: Callable[[Connection], T]) -> T:
        """Do work on a connection, and again while others are in the way or a kept connection turns out to be dead."""
        until = monotonic() + self._patience
        for attempt in count():
            try:
                with self._writers.lent() as connection:
                    return work(connection)
            except (StoreBusy, *AGAIN) as error:
                if monotonic() > until:
                    raise in_our_words(error) from error
                sleep(random.uniform(0.5, 1) * min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))  # noqa: S311
            except psycopg.Error as error:
                if not is_gone(error) or monotonic() > until:
                    raise in_our_words(error) from error
            except TOO_LARGE as error:
                raise in_our_words(error) from error
        raise AssertionError("counting ends")


def _carry_out(connection: Connection, unit: Unit, *, locks: Locks) -> list[Head]:
    held = locking.begin(connection, unit, locks=locks)
    locking.compare(unit, held=held)
    appended = writing.append(unit, held=held)
    try:
        writing.write(connection, unit, held=held, appended=appended)
    except psycopg.Error as error:
        if isinstance(error, errors.UniqueViolation) and error.diag.table_name == "events":
            raise _taken(connection, unit) from error
        if is_gone(error):  # trying again might keep it twice
            raise StoreError("the connection was lost while a unit was written: it may be kept, or not") from error
        raise
    return appended.heads


def _taken(connection: Connection, unit: Unit) -> Moved:
    """Say whose event keys are taken, after the unit was stopped: keys are only ever added."""
    connection.execute("ROLLBACK")
    keys = writing.event_keys(unit)
    pairs = known(connection.execute, keys) | locking.twice(keys)
    connection.close()  # see `Pool.lent`
    return Moved(subjects=frozenset(subject for subject, _ in pairs))


def _begin_reading(connection: Connection) -> None:
    # A transaction sees what its first statement sees: a statement right here pins it.
    connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1")


class _Snapshot:
    """A context manager by hand: a generator would cost as much as a small reading itself."""

    __slots__ = ("_connection", "_pool", "_reader")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __enter__(self) -> PostgresReader:
        while True:  # a connection that was kept and died is replaced
            self._connection = self._pool.lend()
            try:
                _begin_reading(self._connection)
            except psycopg.Error as error:
                self._connection.close()
                self._pool.take_back(self._connection)
                if not is_gone(error):
                    raise in_our_words(error) from error
            else:
                self._reader = PostgresReader(self._connection)
                return self._reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        try:
            self._connection.execute(b"COMMIT")  # nothing was written; a rollback would drop what is prepared
        except psycopg.Error:
            self._connection.close()
        self._pool.take_back(self._connection)
        if isinstance(error, psycopg.Error):
            raise in_our_words(error) from error

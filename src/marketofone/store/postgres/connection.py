"""Connections: how they are opened, lent and given back, and what their errors mean."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore
from typing import Any, TypeAlias

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper

from marketofone.domain.errors import MarketOfOneError, StoreBusy, StoreError

Row: TypeAlias = tuple[Any, ...]
Connection: TypeAlias = psycopg.Connection[Row]
Execute: TypeAlias = Callable[[bytes, Sequence[Any]], psycopg.Cursor[Row]]
SECOND_MS = 1_000

AGAIN = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.TooManyConnections,
    errors.CannotConnectNow,
)
"""Errors that may be gone the next time."""
_GONE = ("08", "25P03", "57P01", "57P02", "57P05")  # codes with which the server ends a session
# What Python says of a number that does not fit 64 bits.
TOO_LARGE = (OverflowError, ValueError, struct.error)

# A server may be set to acknowledge before the disk has it; a stricter setting than ours stays. Every table is ours, so
# the path holds our schema alone.
_SESSION = """
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                  WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
       set_config('lock_timeout', %s, false),
       set_config('default_transaction_read_only', %s, false),
       set_config('search_path', 'marketofone', false)
"""


def is_gone(error: psycopg.Error) -> bool:
    """Say whether an error means that the connection ended: the server said so, or it said nothing."""
    ended = error.sqlstate is None or error.sqlstate.startswith(_GONE)
    return isinstance(error, psycopg.OperationalError) and ended


def in_our_words(error: Exception) -> StoreError:
    """Say what went wrong in the engine, without what the server quotes."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, AGAIN):
        return StoreBusy("others hold the database for too long")
    if isinstance(error, psycopg.Error):
        return StoreError(f"the database cannot be used: {type(error).__name__}")
    return StoreError(f"a value cannot be kept: {type(error).__name__}")


def _turned_away(error: psycopg.Error) -> StoreError:
    """Say why no connection came about, without the server's words: they quote the address."""
    if isinstance(error, AGAIN):
        return in_our_words(error)
    if error.pgconn is not None and error.pgconn.needs_password:
        return StoreError("the database wants a password: give it in PGPASSWORD or in ~/.pgpass")
    return StoreError(
        "the database cannot be reached, or turns this user away: see `engine` in bank.toml, and try the same address "
        "with psql"
    )


def connect(address: str, *, patience_ms: int, read_only: bool) -> Connection:
    """Open a connection, in which every whole number is sent with 64 bits.

    A store that writes talks to the primary server only: a replica may not know yet what a customer just withdrew.
    """
    ours: dict[str, Any] = {
        "application_name": "marketofone",
        "client_encoding": "UTF8",
        "connect_timeout": max(2, -(-patience_ms // SECOND_MS)),  # whole seconds, of which libpq wants two
    }
    if not read_only:
        ours["target_session_attrs"] = "read-write"
    try:
        connection = psycopg.connect(make_conninfo(**(ours | conninfo_to_dict(address))), autocommit=True)
    except psycopg.Error as error:
        raise _turned_away(error) from error
    try:
        # One type for all numbers keeps one prepared statement for each text.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        connection.execute(_SESSION, (f"{patience_ms}ms", "on" if read_only else "off"))
    except psycopg.Error as error:
        raise in_our_words(error) from error
    return connection


class Pool:
    """Connections that are lent to one caller at a time; at most ``size`` are open.

    Parameters
    ----------
    address
        As libpq reads it.
    size
        How many may be lent at once; more askers wait for as long as the patience.
    """

    def __init__(self, address: str, *, size: int, patience_ms: int, read_only: bool) -> None:
        self._address = address
        self._size = size
        self._patience_ms = patience_ms
        self._read_only = read_only
        self._idle: deque[Connection] = deque()  # its pop and append are atomic: no lock is needed
        self._permits = BoundedSemaphore(size)
        self._closed = False

    def lend(self) -> Connection:
        """Give a connection, which must be given back.

        Raises
        ------
        StoreBusy
            When all are lent for longer than the patience.
        StoreError
            When the pool is closed, or the server cannot be reached.
        """
        self._refuse_when_closed()
        if not self._permits.acquire(timeout=self._patience_ms / SECOND_MS):
            raise StoreBusy("all connections are in use for too long")
        try:
            self._refuse_when_closed()
            with suppress(IndexError):
                return self._idle.pop()
            return connect(self._address, patience_ms=self._patience_ms, read_only=self._read_only)
        except BaseException:
            self._permits.release()
            raise

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next asker, unless it is broken or in the middle of something."""
        if self._closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        else:
            self._idle.append(connection)
        self._permits.release()

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """Lend a connection for as long as the block lasts; what is left open in it is rolled back.

        After an error of the engine the connection is closed: psycopg counts what was to be prepared behind the error
        as prepared, and would use it.
        """
        connection = self.lend()
        try:
            yield connection
        except MarketOfOneError:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise
        except BaseException:
            connection.close()
            raise
        finally:
            self.take_back(connection)

    def close(self, *, wait: bool) -> None:
        """Lend no more, and close what is idle; ``wait`` until what is lent came back, as long as the patience."""
        self._closed = True
        held = 0
        while wait and held < self._size and self._permits.acquire(timeout=self._patience_ms / SECOND_MS):
            held += 1
        with suppress(IndexError):  # the last may be taken by another thread
            while True:
                self._idle.pop().close()
        for _ in range(held):
            self._permits.release()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

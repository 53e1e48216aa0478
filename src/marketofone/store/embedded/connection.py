"""How the file is opened: for one writer, and for any number of readers.

WAL lets readers see the last commit while the next is written; ``synchronous = FULL`` flushes the log to disk before a
commit returns. Transactions are begun and ended by our own statements (``isolation_level=None``), so what is one unit
stands in the code and not in the driver.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from marketofone.domain.errors import StoreBusy, StoreError
from marketofone.store.embedded.schema import APPLICATION, TABLES, VERSION

FILE = "bank.sqlite"
_WRITING = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what is dropped is overwritten, not only forgotten
    "wal_autocheckpoint = 16384",  # 64 MB of log: a fifth more events/s than the default of 4 MB
    "cache_size = -65536",  # KiB
)
_READER_CACHE_KIB = 8_192  # a commit empties a reader's cache, so more would not stay
_STATEMENTS = 256
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def in_our_words(error: sqlite3.Error) -> StoreError:
    """Say what went wrong in the engine."""
    code = getattr(error, "sqlite_errorcode", None)  # absent when Python's driver itself complains
    if code is not None and code & 0xFF in _BUSY:
        return StoreBusy(f"another process holds {FILE} for too long")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreError(f"{FILE} cannot be used: {name}")


def open_writer(path: Path, *, patience_ms: int) -> sqlite3.Connection:
    """Open the file for writing; create it, readable by its owner only, where there is none.

    Raises
    ------
    StoreError
        When the file is no bank, or one of another release.
    StoreBusy
        When another process holds it for longer than the patience.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # a file that is there is left alone: closing it drops this process's locks on it
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = _connect(path, mode="rw", patience_ms=patience_ms)
    try:
        _recognise(connection)  # before anything of a stranger's file is changed
        for setting in _WRITING:
            _insist(connection, f"PRAGMA {setting}", patience_ms=patience_ms)
    except sqlite3.Error as error:
        connection.close()
        raise in_our_words(error) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _insist(connection: sqlite3.Connection, statement: str, *, patience_ms: int) -> None:
    # The switch to WAL of a new file answers "locked" at once, whatever busy timeout is set: so we ask again ourselves.
    until = time.monotonic() + patience_ms / 1_000
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() > until:
                raise
            time.sleep(0.002)
        else:
            return


def open_reader(path: Path, *, patience_ms: int) -> sqlite3.Connection:
    """Open the file for reading only.

    Raises
    ------
    StoreError
        When the file cannot be opened.
    """
    try:
        connection = _connect(path, mode="ro", patience_ms=patience_ms)
        connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
    except sqlite3.Error as error:
        raise in_our_words(error) from error
    return connection


def _connect(path: Path, *, mode: str, patience_ms: int) -> sqlite3.Connection:
    # Connections pass from thread to thread, but only one thread at a time holds one.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=patience_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _recognise(connection: sqlite3.Connection) -> None:
    """Lay out the tables in an empty file; refuse a file that this release does not know."""
    if _empty(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _empty(connection):  # another process may have been faster
                for statement in TABLES.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.rollback()  # does nothing after the commit
    if _number(connection, "PRAGMA application_id") != APPLICATION:
        raise StoreError(f"{FILE} is a database of another program")
    version = _number(connection, "PRAGMA user_version")
    if version != VERSION:
        raise StoreError(f"{FILE} has schema version {version}; this release knows version {VERSION} only")


def _empty(connection: sqlite3.Connection) -> bool:
    return _number(connection, "SELECT count(*) FROM sqlite_master") == 0


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])

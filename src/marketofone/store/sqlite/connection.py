"""How the file is opened: for one writer, for any number of readers, and for those who must not write a byte.

WAL lets readers see the last commit while the next is written; ``synchronous = FULL`` flushes the log to disk before a
commit returns. Transactions are begun and ended by our own statements (``isolation_level=None``), so what is one unit
stands in the code and not in the driver.

A new file is laid out beside its place and moved there when it is whole. So a file that is empty, cut or a stranger's
is never one that another process is just making: it is refused, and left as it was.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path

from marketofone.domain.errors import StoreBusy, StoreError
from marketofone.store.folders import flush
from marketofone.store.sqlite.lock import FileLock
from marketofone.store.sqlite.schema import APPLICATION, OLD_APPLICATION, OLD_VERSION, PAGE_BYTES, TABLES, VERSION

FILE = "bank.sqlite"
_WRITING = (
    "journal_mode = WAL",  # it is in the file since it was laid out
    "synchronous = FULL",
    "secure_delete = ON",  # what is dropped is overwritten, not only forgotten
    "wal_autocheckpoint = 32768",  # pages, 128 MB of log: the thread beside the writer copies them long before
    "cache_size = -65536",  # KiB
)
_READER_CACHE_KIB = 8_192  # a commit empties a reader's cache, so more would not stay
_STATEMENTS = 256
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_OLDEST = (3, 37, 0)  # the first release with STRICT tables
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\0"
_WORD = struct.Struct(">I")
_NEW_BANK = "lay out a new one with `marketofone init` and import its sources again"


def in_our_words(error: sqlite3.Error) -> StoreError:
    """Say what went wrong in the engine."""
    code = getattr(error, "sqlite_errorcode", None)  # absent when Python's driver itself complains
    if code is not None and code & 0xFF in _BUSY:
        return StoreBusy(f"another process holds {FILE} for too long")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreError(f"{FILE} cannot be used: {name}")


def create(folder: Path, *, lock: FileLock, patience_ms: int) -> None:
    """Lay out a new file, readable by its owner only, where there is none; recognise the one that is there.

    Raises
    ------
    StoreError
        When the file that is there is no bank, is damaged, or is one of another release.
    StoreBusy
        When another process holds the folder for longer than the patience.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or later is needed")
    with lock.held(until=time.monotonic() + patience_ms / 1_000):
        if not (folder / FILE).exists():
            _lay_out(folder)
    recognise(folder / FILE)


def _lay_out(folder: Path) -> None:
    if (folder / f"{FILE}-wal").exists():
        raise StoreError(f"{FILE} is missing, but its log {FILE}-wal is there: restore {FILE}, or remove the log")
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)  # somebody died while laying out
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(_connect(new, "mode=rw", patience_ms=0)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA synchronous = OFF")  # it is flushed once, when it is whole
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("BEGIN IMMEDIATE")
            for statement in TABLES:
                connection.execute(statement)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise in_our_words(error) from error
    move(new, folder / FILE)


def move(new: Path, place: Path) -> None:
    """Flush a file that is whole, move it to its place, and flush the folder's memory of it."""
    flush(new)
    new.rename(place)
    flush(place.parent)


def recognise(path: Path) -> None:
    """Refuse a file that this release does not know, by its header alone.

    Raises
    ------
    StoreError
        When it is no bank, is damaged, or is one of another release.
    """
    try:
        with path.open("rb") as file:
            header, size = file.read(_HEADER_BYTES), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise StoreError(f"{FILE} cannot be read: {error.strerror}") from error
    if not header:
        raise StoreError(f"{FILE} is empty (0 bytes): restore it from a copy, or remove it to begin a new bank")
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreError(f"{FILE} is no SQLite database (NOTADB): restore it from a copy")
    application, version = _word(header, 68), _word(header, 60)
    if (application, version) == (OLD_APPLICATION, OLD_VERSION):
        raise StoreError(f"this bank was written by release 0.1, which kept one journal for everybody: {_NEW_BANK}")
    if application not in (APPLICATION, OLD_APPLICATION):
        raise StoreError(f"{FILE} is a database of another program")
    if version != VERSION:
        raise StoreError(f"{FILE} has format version {version}; this release knows version {VERSION} only")
    _refuse_cut(path, header, size=size)


def _refuse_cut(path: Path, header: bytes, *, size: int) -> None:
    # While a log lies beside the file, a checkpoint may have been interrupted after it wrote the new size.
    page = int.from_bytes(header[16:18], "big")
    right = (65_536 if page == 1 else page) * _word(header, 28)
    if size < right and not _bytes_of(path.with_name(f"{FILE}-wal")):
        raise StoreError(f"{FILE} is cut: it has {size} of {right} bytes; restore it from a copy")


def _word(header: bytes, place: int) -> int:
    return int(_WORD.unpack_from(header, place)[0])


def _bytes_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def open_writer(path: Path, *, patience_ms: int) -> sqlite3.Connection:
    """Open the file for writing.

    Raises
    ------
    StoreError
        When the file cannot be used.
    StoreBusy
        When another process holds it for longer than the patience.
    """
    connection = _connect(path, "mode=rw", patience_ms=patience_ms)
    try:
        for setting in _WRITING:
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error as error:
        connection.close()
        raise in_our_words(error) from error
    return connection


def open_reader(path: Path, *, patience_ms: int) -> sqlite3.Connection:
    """Open the file for reading, beside those who write.

    Raises
    ------
    StoreError
        When the file cannot be opened.
    """
    return _reading(path, "mode=ro", patience_ms=patience_ms)


def open_at_rest(path: Path, *, patience_ms: int) -> sqlite3.Connection:
    """Open the file without ever writing, also on a medium that cannot be written.

    1. A bank that is in use has its log and the index of the log beside it: it is read with both.
    2. Without a log the file is complete, and read as one that does not change.
    3. A log without an index (a copy of a bank that was in use): the index is made in memory.

    Raises
    ------
    StoreError
        When the file cannot be opened.
    """
    log, index = path.with_name(f"{FILE}-wal"), path.with_name(f"{FILE}-shm")
    if not _bytes_of(log):
        return _reading(path, "mode=ro&immutable=1", patience_ms=patience_ms)
    if index.exists():
        return _reading(path, "mode=ro", patience_ms=patience_ms)
    return _reading(path, "mode=ro&vfs=unix-none", "locking_mode = EXCLUSIVE", patience_ms=patience_ms)


def at_rest(path: Path) -> tuple[int, int] | None:
    """Give the mark of a file that is read as one that does not change; None while it has a log."""
    if _bytes_of(path.with_name(f"{FILE}-wal")):
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _reading(path: Path, how: str, *settings: str, patience_ms: int) -> sqlite3.Connection:
    try:
        connection = _connect(path, how, patience_ms=patience_ms)
        for setting in (*settings, f"cache_size = -{_READER_CACHE_KIB}"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error as error:
        raise in_our_words(error) from error
    return connection


def _connect(path: Path, how: str, *, patience_ms: int) -> sqlite3.Connection:
    # Connections pass from thread to thread, but only one thread at a time holds one.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=patience_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection

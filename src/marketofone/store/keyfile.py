"""The file of the key store: its tables, how it is opened, and whether its layout and its list of the forgotten hold.

The list has a sum beside it, sealed under the bank's key: a keyed digest of each row, added up. So a row that was
altered, added or taken out is found although no row can be made again, and one more row costs one digest.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from marketofone.domain.errors import StoreError
from marketofone.domain.moment import Instant
from marketofone.store.folders import make_folder

FILE = "keys.sqlite"
APPLICATION = 0x6D4F664B  # "mOfK"
VERSION = 1
SYNCHRONOUS = "EXTRA"
"""A change is whole when its journal is removed: so the folder is flushed after that, which FULL leaves out."""
_SUM_BYTES = 32
_LAYOUT = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_TABLES = """
CREATE TABLE customers (
    subject INTEGER PRIMARY KEY, mark BLOB NOT NULL UNIQUE, name BLOB NOT NULL, wrapped BLOB NOT NULL
);
CREATE TABLE bank (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE erased (
    mark BLOB PRIMARY KEY, subject INTEGER, ground TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL
);
"""

Row = tuple[bytes, int | None, str, int, int]
"""What is kept of somebody who was forgotten: mark, subject number, ground, instant and end."""
ERASED = "SELECT mark, subject, ground, at, until FROM erased"
"""Asks for such rows."""


class Erased(NamedTuple):
    """A customer was forgotten: on what ground, until when late arrivals are turned away, and whose journal it was."""

    ground: str
    at: Instant
    until: Instant
    subject: int | None


def open_file(path: Path | None, *, read_only: bool) -> sqlite3.Connection:
    """Open the file, or something in memory in its place; what is new is laid out.

    Raises
    ------
    StoreError
        When there is none to read, or it is of another program or format.
    """
    if path is None:
        return _laid_out(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))
    if read_only:
        if not path.is_file():
            raise StoreError(f"there is no {FILE} beside the data")
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    make_folder(path.parent)
    fresh = not path.exists()
    if fresh:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    connection.execute("PRAGMA secure_delete = ON")
    return _laid_out(connection)


def _laid_out(connection: sqlite3.Connection) -> sqlite3.Connection:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
    application, version = _numbers(connection)
    if application != APPLICATION:
        connection.close()
        raise StoreError(f"{FILE} is a database of another program")
    if version != VERSION:
        connection.close()
        raise StoreError(f"{FILE} has a format that this release does not know")
    return connection


def _numbers(connection: sqlite3.Connection) -> tuple[int, ...]:
    return tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))


def layout_damage(connection: sqlite3.Connection) -> list[str]:
    """Say in words what is wrong with the file itself; empty when it is sound."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)").fetchall()]
    layout = set(connection.execute(_LAYOUT).fetchall())
    with closing(_laid_out(sqlite3.connect(":memory:", isolation_level=None))) as empty:
        expected = set(empty.execute(_LAYOUT).fetchall())
    problems = [f"{FILE} is damaged: {line}" for line in found if line != "ok"]
    if _numbers(connection) != (APPLICATION, VERSION):
        problems.append(f"{FILE} has the number of another program or format")
    return problems + [
        f"the layout of {FILE} was changed: {name}" for name in sorted({row[1] for row in layout ^ expected})
    ]


def sum_of(rows: Iterable[Row], *, key: bytes, without: Iterable[Row] = (), before: bytes = bytes(_SUM_BYTES)) -> bytes:
    """Give the sum of a list of the forgotten, or how it goes on from an earlier one; the order does not count."""
    total = int.from_bytes(before, "big") + sum(_digest(row, key=key) for row in rows)
    total -= sum(_digest(row, key=key) for row in without)
    return (total % (1 << 8 * _SUM_BYTES)).to_bytes(_SUM_BYTES, "big")


def _digest(row: Row, *, key: bytes) -> int:
    return int.from_bytes(blake2b(msgspec.json.encode(row), digest_size=_SUM_BYTES, key=key).digest(), "big")

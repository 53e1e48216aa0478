"""A copy of the data as a folder, and a database made from such a folder.

The folder holds a file for each table, ``<table>.copy``, as PostgreSQL's ``COPY ... (FORMAT binary)`` writes it, and
``format.json``: the format, the columns of each table in order, and for each table whose rows PostgreSQL numbers the
last number that was given. ``format.json`` is written last: a folder without it is no copy.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import StoreError
from marketofone.store.postgres.connection import Connection
from marketofone.store.postgres.schema import COLUMNS, NUMBERED, VERSION

CONTENTS = "format.json"
_PIECE = 1 << 20


class Contents(Struct, frozen=True):
    """What ``format.json`` says."""

    version: int
    tables: dict[str, str]
    numbers: dict[str, int]


def write_copy(connection: Connection, target: Path) -> None:
    """Write all tables, as the open transaction sees them, into a new folder that only its owner may read.

    Raises
    ------
    StoreError
        When the folder exists or cannot be written.
    """
    try:
        target.mkdir(mode=0o700, parents=True)
        for table, columns in COLUMNS.items():
            _write_table(connection, target / f"{table}.copy", f"COPY {table} ({columns}) TO STDOUT (FORMAT binary)")
        numbers = {table: _last_number(connection, table) for table in NUMBERED}
        contents = Contents(version=VERSION, tables=COLUMNS, numbers=numbers)
        with (target / CONTENTS).open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(contents)))
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"the copy cannot be written: {type(error).__name__}") from error


def load_copy(connection: Connection, source: Path) -> None:
    """Fill the empty tables of a database from a folder, in one transaction.

    Raises
    ------
    StoreError
        When the folder is no copy of this format, or the database is not empty.
    """
    try:
        contents = json_decoder(Contents).decode((source / CONTENTS).read_bytes())
        if contents.version != VERSION or contents.tables != COLUMNS:
            raise StoreError(f"this copy is of another release; this one reads format {VERSION}")
        with connection.transaction():
            _empty(connection)
            for table, columns in COLUMNS.items():
                _read_table(
                    connection, source / f"{table}.copy", f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
                )
            for table, number in contents.numbers.items():
                statement = f"SELECT setval(pg_get_serial_sequence('{table}', 'row'), %b, true)"
                connection.execute(statement.encode(), (max(number, 1),))
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"this folder is no copy: {type(error).__name__}") from error


def _empty(connection: Connection) -> None:
    for table in COLUMNS:
        connection.execute(f"LOCK TABLE {table}".encode())
    if connection.execute(b"SELECT 1 FROM heads WHERE n > 0 LIMIT 1").fetchone():
        raise StoreError("a copy is loaded into an empty database, and this one holds journals")
    for table in ("heads", "log"):  # rows that every new bank has
        connection.execute(b"DELETE FROM " + table.encode())


def _write_table(connection: Connection, path: Path, statement: str) -> None:
    with path.open("xb") as file:
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for piece in copy:
                file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _read_table(connection: Connection, path: Path, statement: str) -> None:
    with path.open("rb") as file, connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        while piece := file.read(_PIECE):
            copy.write(piece)


def _last_number(connection: Connection, table: str) -> int:
    (name,) = connection.execute(f"SELECT pg_get_serial_sequence('{table}', 'row')".encode()).fetchone() or ("",)
    row = connection.execute(b"SELECT last_value FROM " + name.encode()).fetchone()  # a name the server gave
    return 1 if row is None else int(row[0])

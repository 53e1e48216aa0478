"""The tables, and how a file of this release is recognised.

Entries stand in the order of arrival, so a commit appends to the end of the file; what is looked up by customer goes
through narrow indexes. ``row`` has no gaps: the leaf of an entry in the Merkle log is its row less one, and needs no
table. Every table is STRICT: a text cannot stand where a number belongs, and a sum that leaves 64 bits is refused.
"""

from __future__ import annotations

from marketofone.audit.merkle import Frontier

APPLICATION = 0x6D4F6632
"""Stands in the header of the file: ``mOf2``."""
VERSION = 2
OLD_APPLICATION, OLD_VERSION = 0x6D4F6631, 1
PAGE_BYTES = 4_096

QUIET = "(1, 8)"
"""Codes of the kinds that come in masses (ingest, use). The others are found by kind through indexes of their own."""


def _twice(name: str, within: str, more: str = "") -> tuple[str, str]:
    """Give a table of what is found by customer, and the small one in which it is noted first: see ``settle``."""
    columns = f"subject INTEGER NOT NULL, {within} INTEGER NOT NULL, {more} PRIMARY KEY (subject, {within})"
    small, large = (f"CREATE TABLE {table} ({columns}) STRICT, WITHOUT ROWID" for table in (f"fresh_{name}", name))
    return small, large


TABLES = (
    """
    CREATE TABLE entries (
        row INTEGER PRIMARY KEY,
        subject INTEGER NOT NULL,
        n INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        stamp INTEGER NOT NULL,
        at INTEGER NOT NULL,
        recorded INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        hash BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT
    """,
    *_twice("places", "n", "row INTEGER NOT NULL,"),
    # Two for the kinds that do not come in masses: those of one journal, and the newest of all.
    f"CREATE INDEX kinds ON entries (subject, kind, n) WHERE kind NOT IN {QUIET}",
    f"CREATE INDEX recents ON entries (kind) WHERE kind NOT IN {QUIET}",
    """
    CREATE TABLE heads (
        subject INTEGER PRIMARY KEY,
        n INTEGER NOT NULL,
        hash BLOB NOT NULL,
        guard INTEGER NOT NULL,
        stamp INTEGER NOT NULL,
        recorded INTEGER NOT NULL
    ) STRICT
    """,
    *_twice("keys", "key"),
    """
    CREATE TABLE snapshots (
        subject INTEGER NOT NULL,
        name TEXT NOT NULL,
        n INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (subject, name)
    ) STRICT
    """,
    """
    CREATE TABLE links (
        key BLOB NOT NULL,
        subject INTEGER NOT NULL,
        PRIMARY KEY (key, subject)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX links_of ON links (subject)",
    """
    CREATE TABLE names (
        name BLOB NOT NULL,
        subject INTEGER NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (name, subject, n)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE letters (
        row INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        field TEXT NOT NULL,
        shape TEXT NOT NULL,
        fix TEXT NOT NULL,
        raw BLOB
    ) STRICT
    """,
    "CREATE TABLE lessons (row INTEGER PRIMARY KEY AUTOINCREMENT, subject INTEGER NOT NULL, n INTEGER NOT NULL) STRICT",
    "CREATE TABLE states (digest BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT",
    "CREATE TABLE tallies (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE seal (one INTEGER PRIMARY KEY CHECK (one = 1), frontier BLOB NOT NULL) STRICT",
    f"INSERT INTO seal (one, frontier) VALUES (1, x'{Frontier().to_bytes().hex()}')",  # noqa: S608 - our own bytes
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)

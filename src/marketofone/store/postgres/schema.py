"""The tables, in a schema of their own.

``entries`` and ``heads`` are the truth; an entry is never changed. Rows lie in the order of arrival, with narrow
indexes beside them. What many units add to at once has a row for each addition (``tallies``, ``waiting``), because a
row that all of them changed would make all of them wait for each other.

- ``heads`` is what units lock: a row for each journal that was written, read or expected.
- ``waiting`` holds runs of entries (first to last) that are no leaves yet.
- ``leaves`` says which entry a leaf stands for; its hash is the entry's.
- Bodies are encrypted, so PostgreSQL is told not to try and compress them (``EXTERNAL``).
"""

from __future__ import annotations

from marketofone.audit.journal_chain import GENESIS
from marketofone.audit.merkle import Frontier
from marketofone.domain.errors import StoreError
from marketofone.store.ports import BANK
from marketofone.store.postgres.connection import Connection

VERSION = 2
SCHEMA = "marketofone"
# The class of this engine's advisory locks of two numbers; those of one number are hashes of strong keys.
LOCKS = 0x6D4F6631
POLICY, SEALER, CREATION, ALL_KEYS = range(4)

COLUMNS: dict[str, str] = {
    "heads": "subject, n, hash, guard, stamp, recorded",
    "entries": "row, subject, n, stamp, kind, at, recorded, body, commitment, hash",
    "waiting": "row, subject, first, last",
    "leaves": "leaf, subject, n",
    "log": "frontier",
    "events": "subject, key",
    "snapshots": "subject, name, n, body",
    "links": "key, subject",
    "names": "name, subject, n",
    "lessons": "row, subject, n",
    "states": "digest, body",
    "letters": 'row, at, field, shape, fix, "raw"',
    "tallies": "name, n",
}
"""Every table that holds data, and its columns."""
INDEXES = frozenset(f"{table}_pkey" for table in COLUMNS if table not in ("log", "tallies")) | {
    "entries_newest",
    "entries_but_ingest",
    "leaves_subject_n_key",
    "links_of_subject",
}
"""Every index, by the name that PostgreSQL gave it."""
NUMBERED = ("entries", "waiting", "lessons", "letters")
"""Tables whose rows PostgreSQL numbers."""

_TABLES = b"""
CREATE SCHEMA IF NOT EXISTS marketofone;
CREATE TABLE marketofone.format (version bigint NOT NULL);
CREATE TABLE heads (
    subject bigint PRIMARY KEY, n bigint NOT NULL, hash bytea NOT NULL,
    guard bigint NOT NULL, stamp bigint NOT NULL, recorded bigint NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE entries (
    row bigint GENERATED ALWAYS AS IDENTITY, subject bigint NOT NULL, n bigint NOT NULL, stamp bigint NOT NULL,
    kind smallint NOT NULL, at bigint NOT NULL, recorded bigint NOT NULL,
    body bytea NOT NULL, commitment bytea NOT NULL, hash bytea NOT NULL, PRIMARY KEY (subject, n)
);
CREATE INDEX entries_newest ON entries (kind, row);
CREATE INDEX entries_but_ingest ON entries (subject, kind, n) WHERE kind > 1;
CREATE TABLE waiting (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject bigint NOT NULL, first bigint NOT NULL, last bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE TABLE leaves (leaf bigint PRIMARY KEY, subject bigint NOT NULL, n bigint NOT NULL, UNIQUE (subject, n));
CREATE TABLE log (frontier bytea NOT NULL);
CREATE TABLE events (subject bigint NOT NULL, key bigint NOT NULL, PRIMARY KEY (subject, key));
CREATE TABLE snapshots (
    subject bigint NOT NULL, name text COLLATE "C" NOT NULL, n bigint NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (subject, name)
);
CREATE TABLE links (key bytea NOT NULL, subject bigint NOT NULL, PRIMARY KEY (key, subject));
CREATE INDEX links_of_subject ON links (subject);
CREATE TABLE names (name bytea NOT NULL, subject bigint NOT NULL, n bigint NOT NULL, PRIMARY KEY (name, subject, n));
CREATE TABLE lessons (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subject bigint NOT NULL, n bigint NOT NULL
);
CREATE TABLE states (digest bytea PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE letters (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, field text COLLATE "C" NOT NULL,
    shape text COLLATE "C" NOT NULL, fix text COLLATE "C" NOT NULL, "raw" bytea
);
CREATE TABLE tallies (name text COLLATE "C" NOT NULL, n numeric NOT NULL);
ALTER TABLE entries ALTER body SET STORAGE EXTERNAL;
ALTER TABLE snapshots ALTER body SET STORAGE EXTERNAL;
ALTER TABLE states ALTER body SET STORAGE EXTERNAL;
"""


def prepare(connection: Connection, *, create: bool) -> None:
    """Check that the database holds a bank of this format; create its tables where there are none.

    Raises
    ------
    StoreError
        When it holds a bank of another release, or none and none may be created.
    """
    if not _exists(connection):
        if not create:
            raise StoreError("this database holds no bank")
        _create(connection)
    found = connection.execute("SELECT version FROM format").fetchall()
    if found != [(VERSION,)]:
        raise StoreError(f"this database holds a bank of another release; this one reads format {VERSION}")


def _exists(connection: Connection) -> bool:
    # Not `to_regclass`: it may remember, within a transaction, that there was no such table.
    statement = b"SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'marketofone' AND tablename = 'format'"
    return connection.execute(statement).fetchone() is not None


def _create(connection: Connection) -> None:
    with connection.transaction():
        # Two processes may come here at once: the second waits, and then finds the tables.
        connection.execute("SELECT pg_advisory_xact_lock(%b::int, %b::int)", (LOCKS, CREATION))
        if _exists(connection):
            return
        connection.execute(_TABLES)
        connection.execute("INSERT INTO heads VALUES (%b, 0, %b, 0, 0, 0)", (BANK, GENESIS))
        connection.execute("INSERT INTO log VALUES (%b)", (Frontier().to_bytes(),))
        connection.execute("INSERT INTO format VALUES (%b)", (VERSION,))

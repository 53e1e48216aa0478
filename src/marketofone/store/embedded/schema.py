"""The tables of ``bank.sqlite``.

The journal is the truth, and its rows are never changed but for the body and the salt of an erased entry. Events hang
on their ingest entry. The other tables are views of the journal that can be rebuilt from it.

Measured (two cores, batches of 1,000 events with 300 states of 3 kB, 300,000 events kept): customer ids stand as text,
because integers gain a tenth in writing and cost a look-up in every read; states have a rowid, because blobs of some
kilobytes overflow the leaves of a table without one (a tenth slower). Limit: event keys are random, so in a big bank
nearly every event touches a page of their unique index, and writing slows down with size.
"""

from __future__ import annotations

VERSION = 2
# "mOf1" in the header of the file: tells a bank from any other SQLite database.
APPLICATION = 0x6D4F6631

TABLES = """
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, customer TEXT,
    salt BLOB, commitment BLOB NOT NULL, hash BLOB NOT NULL, body BLOB
);
CREATE INDEX journal_of_customer ON journal (customer, seq, kind) WHERE customer IS NOT NULL;
CREATE INDEX journal_of_kind ON journal (kind, seq);
CREATE TABLE events (
    row INTEGER PRIMARY KEY, seq INTEGER NOT NULL REFERENCES journal (seq),
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 16), customer TEXT NOT NULL, source TEXT NOT NULL,
    kind TEXT NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL, body BLOB, reading BLOB
);
CREATE INDEX events_of_customer ON events (customer, row);
CREATE TABLE letters (
    row INTEGER PRIMARY KEY, at INTEGER NOT NULL,
    field TEXT NOT NULL, shape TEXT NOT NULL, fix TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE decisions (id TEXT PRIMARY KEY, seq INTEGER NOT NULL REFERENCES journal (seq)) WITHOUT ROWID;
CREATE TABLE customers (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE links (
    key_kind TEXT NOT NULL, key TEXT NOT NULL, customer TEXT NOT NULL, PRIMARY KEY (key_kind, key, customer)
) WITHOUT ROWID;
CREATE INDEX links_of_customer ON links (customer);
CREATE TABLE consents (person TEXT PRIMARY KEY, epoch INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE states (person TEXT NOT NULL, source TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (person, source));
CREATE TABLE models (name TEXT PRIMARY KEY, seq INTEGER NOT NULL REFERENCES journal (seq), body BLOB NOT NULL);
CREATE INDEX models_by_change ON models (seq);
CREATE TABLE documents (name TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE tallies (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""

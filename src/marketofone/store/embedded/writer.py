"""A unit of work: reads that see their own writes, and the writes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import astuple

from marketofone.audit.chain import GENESIS, forge
from marketofone.domain.errors import DecisionExists
from marketofone.domain.moment import Instant
from marketofone.store.embedded.reader import Row, SqliteReader
from marketofone.store.ports import DeadLetter, Entry, EntryKind, NewEvent

Salts = Callable[[], bytes]


class Head(NamedTuple):
    """The end of the journal: its last entry's sequence number and hash."""

    seq: int
    hash: bytes


BEGINNING = Head(0, GENESIS)


class SqliteWriter(SqliteReader):
    """What :class:`marketofone.store.ports.Writer` promises, inside one savepoint of the writer's transaction."""

    __slots__ = ("_run_many", "_salts", "head")

    def __init__(self, connection: sqlite3.Connection, *, head: Head, salts: Salts) -> None:
        super().__init__(connection, position=head.seq)
        self._run_many: Callable[[str, Iterable[Row]], sqlite3.Cursor] = connection.executemany
        self._salts = salts
        self.head = head

    def close(self) -> None:
        """Refuse any further use: the unit is over."""
        super().close()
        self._run_many = self._run

    def append(self, kind: EntryKind, *, at: Instant, customer: str | None, body: bytes) -> Entry:
        """Append an entry to the journal and to its chain."""
        seq = self.head.seq + 1
        link = forge(
            seq=seq, kind=kind, at=at, customer=customer, body=body, salt=self._salts(), previous=self.head.hash
        )
        self._run(
            "INSERT INTO journal (seq, kind, at, customer, salt, commitment, hash, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, kind, at, customer, link.salt, link.commitment, link.hash, body),
        )
        self._count(f"entries.{kind}", 1)
        if kind == "consent" and customer is not None:
            self._meet((customer,))
        self.head, self._position = Head(seq, link.hash), seq
        return Entry(seq=seq, kind=kind, at=at, customer=customer, body=body, link=link)

    def index_decision(self, decision_id: str, *, seq: int) -> None:
        """Make a decision's entry findable by its id.

        Raises
        ------
        DecisionExists
            When the id is taken.
        """
        try:
            self._run("INSERT INTO decisions (id, seq) VALUES (?, ?)", (decision_id, seq))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise
            raise DecisionExists from error

    def add_events(self, events: Sequence[NewEvent], *, seq: int) -> None:
        """Keep events under the ingest entry ``seq``. Their keys must be new (ask :meth:`known` first)."""
        self._run_many(
            "INSERT INTO events (seq, key, customer, source, kind, at, verdict, body, reading)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((seq, *astuple(event)) for event in events),  # the columns stand in the order of the fields
        )
        for verdict, n in sorted(Counter(event.verdict for event in events).items()):
            self._count(f"events.{verdict}", n)
        self._meet(sorted({event.customer for event in events}))

    def add_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters."""
        self._run_many(
            "INSERT INTO letters (at, field, shape, fix, raw) VALUES (?, ?, ?, ?, ?)",
            map(astuple, letters),
        )
        self._count("letters", len(letters))

    def link(self, *, key_kind: str, key: str, customer: str) -> None:
        """Link a customer to a strong key."""
        self._run("INSERT OR IGNORE INTO links (key_kind, key, customer) VALUES (?, ?, ?)", (key_kind, key, customer))

    def unlink(self, *, key_kind: str, key: str, customer: str) -> None:
        """Take such a link back."""
        self._run("DELETE FROM links WHERE key_kind = ? AND key = ? AND customer = ?", (key_kind, key, customer))

    def put_consents(self, person: str, *, epoch: int, body: bytes) -> None:
        """Put a person's consents as they stand."""
        self._run("INSERT OR REPLACE INTO consents (person, epoch, body) VALUES (?, ?, ?)", (person, epoch, body))
        self._meet((person,))

    def put_state(self, person: str, source: str, body: bytes) -> None:
        """Put a person's live state of one source."""
        self._run(
            "INSERT INTO states (person, source, body) VALUES (?, ?, ?)"
            " ON CONFLICT (person, source) DO UPDATE SET body = excluded.body",
            (person, source, body),
        )

    def drop_state(self, person: str, source: str) -> None:
        """Remove a person's live state of one source."""
        self._run("DELETE FROM states WHERE person = ? AND source = ?", (person, source))

    def put_model(self, name: str, body: bytes, *, seq: int) -> None:
        """Put a model state, changed by the entry ``seq``."""
        self._run("INSERT OR REPLACE INTO models (name, seq, body) VALUES (?, ?, ?)", (name, seq, body))

    def put_document(self, name: str, text: str) -> None:
        """Put the text of a document."""
        self._run("INSERT OR REPLACE INTO documents (name, text) VALUES (?, ?)", (name, text))

    def _meet(self, customers: Sequence[str]) -> None:
        met = self._run_many("INSERT OR IGNORE INTO customers (name) VALUES (?)", ((name,) for name in customers))
        if met.rowcount > 0:
            self._count("customers", met.rowcount)

    def _count(self, name: str, n: int) -> None:
        self._run(
            "INSERT INTO tallies (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + ?", (name, n, n)
        )


def read_head(connection: sqlite3.Connection) -> Head:
    """Read the end of the journal."""
    row = connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return BEGINNING if row is None else Head(*row)

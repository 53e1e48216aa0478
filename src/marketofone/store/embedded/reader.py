"""A consistent snapshot, read from one connection.

Walks go page by page, each page asking for what follows the last row seen: no statement stays open, so a walk that is
left half way holds nothing back, and a unit of work may write while it walks. A walk over several customers or kinds
merges one ordered walk for each, so nothing is ever sorted as a whole. What orders a walk is its rows' last column.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice, starmap
from operator import itemgetter
from typing import Any, TypeVar

from marketofone.audit.chain import Link
from marketofone.domain.errors import StoreError
from marketofone.store.ports import DeadLetter, Entry, EntryKind, StoredEvent

Row = tuple[Any, ...]
V = TypeVar("V")

_LAST = 2**63 - 1
_KEY: Callable[[Row], Any] = itemgetter(-1)
_PAGE = 256
_ENTRY = "SELECT kind, at, customer, body, salt, commitment, hash, seq FROM journal"
# Whoever alters a body by hand may leave text where bytes were: it is read all the same, so that it can be found out.
# The columns stand in the order of a StoredEvent's fields.
_EVENT = """
SELECT key, customer, source, kind, at, verdict, CAST(body AS BLOB), CAST(reading AS BLOB), seq, row FROM events"""
_KNOWN_FEW, _KNOWN_MANY = (
    (size, f"SELECT key FROM events WHERE key IN ({', '.join('?' * size)})")  # noqa: S608 - nothing but marks
    for size in (16, 256)
)
_SHARED = """
SELECT 1 FROM links AS mine JOIN links AS other ON other.key_kind = mine.key_kind AND other.key = mine.key
WHERE mine.customer = ?1 AND other.customer <> ?1 LIMIT 1
"""
# The connected component of one customer: from a customer to the keys it holds, to whoever else holds them.
_MEMBERS = """
WITH RECURSIVE member (customer) AS (
    VALUES (?1)
    UNION
    SELECT other.customer
    FROM member
    JOIN links AS mine ON mine.customer = member.customer
    JOIN links AS other ON other.key_kind = mine.key_kind AND other.key = mine.key
)
SELECT customer FROM member ORDER BY customer
"""


class SqliteReader:
    """What :class:`marketofone.store.ports.Reader` promises, on one connection inside one transaction."""

    __slots__ = ("_position", "_run")

    def __init__(self, connection: sqlite3.Connection, *, position: int) -> None:
        self._run: Callable[..., sqlite3.Cursor] = connection.execute
        self._position = position

    def close(self) -> None:
        """Refuse any further reading: the connection goes to somebody else."""
        self._run = _refuse

    def position(self) -> int:
        """Give the sequence number of the last entry, 0 when there is none."""
        return self._position

    def entry(self, seq: int) -> Entry | None:
        """Give one entry."""
        row = self._run(_ENTRY + " WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else _entry(row)

    def entries(
        self,
        *,
        kinds: Sequence[EntryKind] | None = None,
        customers: Sequence[str] | None = None,
        after: int = 0,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Walk through the journal in order, or from its end; ``after`` is exclusive."""
        if customers is not None:
            among = "" if kinds is None else f"kind IN ({', '.join('?' * len(kinds))}) AND"
            wanted = [(f"customer = ? AND {among}", (name, *(kinds or ()))) for name in dict.fromkeys(customers)]
        elif kinds is not None:
            wanted = [("kind = ? AND", (kind,)) for kind in dict.fromkeys(kinds)]
        else:
            wanted = [("", ())]
        page = _PAGE if limit is None else min(limit, _PAGE)
        walks = (
            self._walk(_ENTRY, where, values, key="seq", after=after, newest_first=newest_first, page=page)
            for where, values in wanted
        )
        rows = merge(*walks, key=_KEY, reverse=newest_first)
        return map(_entry, islice(rows, limit))

    def changes(self, *, after: int) -> list[tuple[EntryKind, str | None]]:
        """Say of every entry after a sequence number what it is and whom it is about."""
        return self._run("SELECT kind, customer FROM journal WHERE seq > ? ORDER BY seq", (after,)).fetchall()

    def decision(self, decision_id: str) -> Entry | None:
        """Give the journal entry of a decision."""
        seq = self._value(int, "SELECT seq FROM decisions WHERE id = ?", decision_id)
        return None if seq is None else self.entry(seq)

    def events(
        self, *, customers: Sequence[str] | None = None, after: int = 0, upto: int | None = None
    ) -> Iterator[StoredEvent]:
        """Walk through events by row (``after`` exclusive), of entries up to the sequence number ``upto``."""
        until = _LAST if upto is None else upto
        if customers is None:
            return starmap(StoredEvent, self._walk(_EVENT, "seq <= ? AND", (until,), key="row", after=after))
        where = "customer = ? AND seq <= ? AND"
        walks = (self._walk(_EVENT, where, (name, until), key="row", after=after) for name in dict.fromkeys(customers))
        rows = merge(*walks, key=_KEY)
        return starmap(StoredEvent, rows)

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Say which event keys were seen before."""
        found: set[bytes] = set()
        size, statement = _KNOWN_MANY if len(keys) > _KNOWN_FEW[0] else _KNOWN_FEW
        for start in range(0, len(keys), size):
            some = list(keys[start : start + size])
            # Filled up by repeating the last, so that two statements serve every length and stay prepared.
            some.extend(some[-1:] * (size - len(some)))
            found.update(row[0] for row in self._run(statement, some))
        return found

    def customers(self) -> Iterator[str]:
        """List every customer an event or a consent names, in a stable order."""
        return map(_KEY, self._walk("SELECT name FROM customers", "", (), key="name", after=""))

    def person(self, customer: str) -> str:
        """Give the person a customer is: the smallest customer id linked with it, itself when there is none."""
        return self.members(customer)[0]

    def members(self, person: str) -> tuple[str, ...]:
        """Give every customer id of a person, sorted."""
        if self._run(_SHARED, (person,)).fetchone() is None:
            return (person,)
        return tuple(row[0] for row in self._run(_MEMBERS, (person,)))

    def holder(self, key_kind: str, key: str) -> str | None:
        """Give the smallest customer id linked to a strong key."""
        return self._value(str, "SELECT min(customer) FROM links WHERE key_kind = ? AND key = ?", key_kind, key)

    def epoch(self, person: str) -> int:
        """Give the consent epoch of a person, 0 when nothing was ever said."""
        return self._value(int, "SELECT epoch FROM consents WHERE person = ?", person) or 0

    def consents(self, person: str) -> bytes | None:
        """Give a person's consents as they stand, as they were put."""
        return self._value(bytes, "SELECT body FROM consents WHERE person = ?", person)

    def states(self, person: str) -> dict[str, bytes]:
        """Give a person's live state by source."""
        return dict(self._run("SELECT source, body FROM states WHERE person = ? ORDER BY source", (person,)).fetchall())

    def model(self, name: str) -> bytes | None:
        """Give a model state."""
        return self._value(bytes, "SELECT body FROM models WHERE name = ?", name)

    def models(self, *, prefix: str, after: int) -> dict[str, bytes]:
        """Give the model states of a name prefix that changed after a sequence number."""
        changed = self._run(
            "SELECT name, body FROM models WHERE seq > ? AND substr(name, 1, ?) = ? ORDER BY name",
            (after, len(prefix), prefix),
        )
        return dict(changed.fetchall())

    def document(self, name: str) -> str | None:
        """Give the text of a document of the bank project as last recorded."""
        return self._value(str, "SELECT text FROM documents WHERE name = ?", name)

    def letters(self, *, limit: int) -> Iterator[DeadLetter]:
        """Give dead letters, newest first."""
        rows = self._run("SELECT at, field, shape, fix, raw FROM letters ORDER BY row DESC LIMIT ?", (limit,))
        return starmap(DeadLetter, rows.fetchall())

    def counts(self) -> Mapping[str, int]:
        """Count what is kept: events by verdict, entries by kind, letters, customers."""
        return dict(self._run("SELECT name, n FROM tallies ORDER BY name").fetchall())

    def _value(self, kind: type[V], statement: str, *values: object) -> V | None:
        row = self._run(statement, values).fetchone()
        if row is None or row[0] is None:
            return None
        if not isinstance(row[0], kind):
            raise StoreError("a value was altered from outside")
        return row[0]

    def _walk(
        self,
        select: str,
        where: str,
        values: Row,
        *,
        key: str,
        after: int | str,
        newest_first: bool = False,
        page: int = _PAGE,
    ) -> Iterator[Row]:
        order = f"{key} > ? AND {key} < ? ORDER BY {key} DESC" if newest_first else f"{key} > ? ORDER BY {key}"
        statement = f"{select} WHERE {where} {order} LIMIT ?"
        edges: Row = (after, _LAST) if newest_first else (after,)
        while True:
            rows = self._run(statement, (*values, *edges, page)).fetchall()
            yield from rows
            if len(rows) < page:
                return
            last = _KEY(rows[-1])
            edges = (after, last) if newest_first else (last,)


def _refuse(*_: object) -> sqlite3.Cursor:
    raise AssertionError("this snapshot is closed")


def _entry(row: Row) -> Entry:
    kind, at, customer, body, salt, commitment, link_hash, seq = row
    link = Link(salt=salt, commitment=commitment, hash=link_hash)
    return Entry(seq=seq, kind=kind, at=at, customer=customer, body=body, link=link)

"""A consistent snapshot: one read-only transaction, in which every statement sees the same moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NoReturn

import psycopg

from marketofone.audit.merkle import Frontier
from marketofone.domain.moment import Instant
from marketofone.store.inspection import Sizes
from marketofone.store.ports import BANK, CODES, DeadLetter, Entry, EntryKind, Head, Kept, Lesson, Reason, Sealed
from marketofone.store.postgres.connection import Connection, Execute, Row
from marketofone.store.postgres.inspection import damage_of, sizes_of

_PAGE = 500
_LAST = 2**63 - 1
_KINDS: dict[int, EntryKind] = {code: kind for kind, code in CODES.items()}
_ENTRY = b"e.subject, e.n, e.stamp, e.kind, e.at, e.recorded, e.body, e.commitment, e.hash"
_WALK = b"SELECT " + _ENTRY + b" FROM entries AS e WHERE e.subject = %b AND e.n > %b AND e.n <= %b"
_TALLIES = b"SELECT name, sum(n) FROM tallies WHERE starts_with(name, %b::text) GROUP BY name"
_REASONS = b"""
SELECT field, shape, fix, count(*), max(at) FROM letters
GROUP BY field, shape, fix ORDER BY count(*) DESC, field, shape, fix"""
_HEAD = b"SELECT subject, n, hash, guard, stamp, recorded FROM heads"


class PostgresReader:
    """What :class:`marketofone.store.ports.Reader` promises. Its caller begins and ends the transaction."""

    __slots__ = ("_run",)

    def __init__(self, connection: Connection) -> None:
        def run(statement: bytes, values: Sequence[Any]) -> psycopg.Cursor[Row]:
            return connection.execute(statement, values, binary=True)

        self._run: Execute = run

    def close(self) -> None:
        """Refuse any further use: the snapshot is over."""
        self._run = _refuse

    # Journals

    def head(self, subject: int) -> Head:
        """Give where a journal ends; one that has no entry ends at 0."""
        row = self._run(_HEAD + b" WHERE subject = %b", (subject,)).fetchone()
        return Head(subject) if row is None else Head(*row)

    def heads(self, subjects: Sequence[int]) -> dict[int, Head]:
        """Give where several journals end."""
        rows = self._run(_HEAD + b" WHERE subject = ANY(%b::bigint[])", (list(subjects),)).fetchall()
        found = {row[0]: Head(*row) for row in rows}
        return {subject: found.get(subject) or Head(subject) for subject in subjects}

    def entries(
        self,
        subject: int,
        *,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[EntryKind] | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Walk through one journal in order, or from its end; ``after`` is exclusive, ``upto`` inclusive."""
        order = b" ORDER BY e.n DESC LIMIT %b" if newest_first else b" ORDER BY e.n LIMIT %b"
        statement = _WALK + _of(kinds) + order
        last = _LAST if upto is None else upto
        while True:
            rows = self._run(statement, (subject, after, last, _PAGE)).fetchall()
            yield from map(_entry, rows)
            if len(rows) < _PAGE:
                return
            if newest_first:
                last = rows[-1][1] - 1
            else:
                after = rows[-1][1]

    def subjects(self, *, after: int = BANK, limit: int) -> list[int]:
        """List customers that have a journal, ascending; ``after`` is exclusive."""
        statement = b"SELECT subject FROM heads WHERE subject > %b AND n > 0 ORDER BY subject LIMIT %b"
        return [subject for (subject,) in self._run(statement, (after, limit))]

    def known(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Say which (subject, event key) pairs were kept before."""
        return known(self._run, keys)

    def last(self, subjects: Sequence[int], *, kinds: Sequence[EntryKind]) -> dict[int, Instant]:
        """Give when the last entry of some kinds was recorded, by journal; one that has none is left out."""
        statement = (
            b"SELECT j.subject, e.recorded FROM unnest(%b::bigint[]) AS j (subject) CROSS JOIN LATERAL"
            b" (SELECT * FROM entries AS e WHERE e.subject = j.subject"
            + _of(kinds)
            + b" ORDER BY e.n DESC LIMIT 1) AS e"
        )
        return {subject: Instant(at) for subject, at in self._run(statement, (list(subjects),))}

    def recent(self, *, kinds: Sequence[EntryKind], limit: int) -> list[Entry]:
        """Give the newest entries of some kinds over all journals, newest first."""
        statement = (
            b"SELECT " + _ENTRY + b" FROM unnest(%b::bigint[]) AS k (kind) CROSS JOIN LATERAL"
            b" (SELECT * FROM entries WHERE kind = k.kind ORDER BY row DESC LIMIT %b) AS e ORDER BY e.row DESC LIMIT %b"
        )
        codes = sorted({CODES[kind] for kind in kinds})
        return [_entry(row) for row in self._run(statement, (codes, limit, limit))]

    # The Merkle log

    def sealed(self) -> Sealed:
        """Say how far the log goes."""
        statement = b"SELECT frontier, (SELECT coalesce(sum(last - first + 1), 0)::bigint FROM waiting) FROM log"
        ((encoded, waiting),) = self._run(statement, ()).fetchall()
        frontier = Frontier.from_bytes(encoded)
        return Sealed(size=frontier.size, root=frontier.root(), waiting=waiting)

    def leaves(self, *, after: int = 0, limit: int) -> list[bytes]:
        """Give entry hashes of leaves in order; ``after`` counts the leaves that are passed over."""
        statement = (
            b"SELECT e.hash FROM leaves AS l JOIN entries AS e USING (subject, n)"
            b" WHERE l.leaf >= %b AND l.leaf < %b ORDER BY l.leaf"
        )
        return [entry_hash for (entry_hash,) in self._run(statement, (after, after + limit))]

    def leaf_of(self, subject: int, n: int) -> int | None:
        """Give the number (from 0) of an entry's leaf, None while it waits."""
        row = self._run(b"SELECT leaf FROM leaves WHERE subject = %b AND n = %b", (subject, n)).fetchone()
        return None if row is None else int(row[0])

    def places(self, *, after: int = 0, limit: int) -> list[tuple[int, int]]:
        """Give (subject, n) of leaves in order."""
        statement = b"SELECT subject, n FROM leaves WHERE leaf >= %b AND leaf < %b ORDER BY leaf"
        return [(subject, n) for subject, n in self._run(statement, (after, after + limit))]

    # What is kept beside the journals

    def snapshots(self, subject: int, *, names: Sequence[str] | None = None) -> dict[str, Kept]:
        """Give the snapshots of a journal by name."""
        statement = b"SELECT subject, name, n, body FROM snapshots WHERE subject = %b"
        if names is None:
            rows = self._run(statement, (subject,))
        else:
            rows = self._run(statement + b" AND name = ANY(%b::text[])", (subject, list(names)))
        return {row[1]: Kept(*row) for row in rows}

    def keys_of(self, subject: int) -> list[bytes]:
        """Give the strong keys that a customer is linked with, sorted."""
        rows = self._run(b"SELECT key FROM links WHERE subject = %b ORDER BY key", (subject,))
        return [key for (key,) in rows]

    def holders(self, key: bytes, *, limit: int) -> list[int]:
        """Give customers that are linked with a key, ascending, at most ``limit``."""
        rows = self._run(b"SELECT subject FROM links WHERE key = %b ORDER BY subject LIMIT %b", (key, limit))
        return [subject for (subject,) in rows]

    def decisions(self, name: bytes) -> list[tuple[int, int]]:
        """Give (subject, n) of the decisions that have a name."""
        rows = self._run(b"SELECT subject, n FROM names WHERE name = %b ORDER BY subject, n", (name,))
        return [(subject, n) for subject, n in rows]

    def named(self, names: Collection[bytes]) -> set[bytes]:
        """Give those of some names that a decision has."""
        rows = self._run(b"SELECT DISTINCT name FROM names WHERE name = ANY(%b::bytea[])", (list(names),))
        return {name for (name,) in rows}

    def state(self, digest: bytes) -> bytes | None:
        """Give a sealed state by its SHA-256."""
        row = self._run(b"SELECT body FROM states WHERE digest = %b", (digest,)).fetchone()
        return None if row is None else bytes(row[0])

    def lessons(self, *, limit: int) -> list[Lesson]:
        """Give the lessons that wait, in the order in which they came."""
        return [
            Lesson(*row) for row in self._run(b"SELECT row, subject, n FROM lessons ORDER BY row LIMIT %b", (limit,))
        ]

    def letters(self, *, limit: int) -> list[DeadLetter]:
        """Give dead letters, newest first."""
        statement = b'SELECT at, field, shape, fix, "raw" FROM letters ORDER BY row DESC LIMIT %b'
        return [DeadLetter(*row) for row in self._run(statement, (limit,))]

    def reasons(self) -> list[Reason]:
        """Give why there are dead letters, each reason once, the most frequent first."""
        return [Reason(*row) for row in self._run(_REASONS, ())]

    def tallies(self, *, of: str = "") -> dict[str, int]:
        """Give the counts that units of work added up, exactly, however large they became."""
        return {name: int(total) for name, total in self._run(_TALLIES, (of,))}

    # What a verification asks

    def sizes(self) -> Sizes:
        """Count all rows."""
        return sizes_of(self._run)

    def damage(self) -> list[str]:
        """Say in words what is wrong with the tables themselves; empty when they are sound."""
        return damage_of(self._run)


def known(run: Execute, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Say which (subject, event key) pairs are kept."""
    statement = (
        b"SELECT subject, key FROM events"
        b" JOIN unnest(%b::bigint[], %b::bigint[]) AS k (subject, key) USING (subject, key)"
    )
    asked = [list(column) for column in zip(*keys, strict=True)] or [[], []]
    return {(subject, key) for subject, key in run(statement, asked)}


def _of(kinds: Sequence[EntryKind] | None) -> bytes:
    """Write the kinds into the statement: only then can PostgreSQL see that the index without ingest serves it."""
    if kinds is None:
        return b""
    codes = ", ".join(str(CODES[kind]) for kind in sorted(set(kinds)))
    return b" AND e.kind IN (%s)" % codes.encode() if codes else b" AND false"


def _entry(row: Row) -> Entry:
    subject, n, stamp, code, at, recorded, body, commitment, entry_hash = row
    return Entry(subject, n, stamp, _KINDS[code], Instant(at), Instant(recorded), body, commitment, entry_hash)


def _refuse(*_: object) -> NoReturn:
    raise AssertionError("this snapshot is closed")

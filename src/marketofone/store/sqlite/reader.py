"""A consistent snapshot, read from one connection.

Walks go page by page, each page asking for what follows the last row seen: no statement stays open, so a walk that is
left half way holds nothing back. What is asked for many customers is asked in pieces of a few hundred.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, islice, starmap
from operator import itemgetter
from typing import Any

from marketofone.audit.merkle import Frontier, leaf_hash
from marketofone.domain.errors import StoreError
from marketofone.domain.moment import Instant
from marketofone.store.inspection import Sizes
from marketofone.store.ports import (
    BANK,
    CODES,
    DeadLetter,
    Entry,
    EntryKind,
    Guards,
    Head,
    Kept,
    Lesson,
    Reason,
    Sealed,
)
from marketofone.store.sqlite.damage import damage_of
from marketofone.store.sqlite.schema import QUIET

Row = tuple[Any, ...]
Run = Callable[..., sqlite3.Cursor]

_LAST = 2**63 - 1
_PAGE = 256
_KINDS: dict[object, EntryKind] = {code: kind for kind, code in CODES.items()}
_COLUMNS = "e.subject, e.n, e.stamp, e.kind, e.at, e.recorded, e.body, e.commitment, e.hash, e.row"
_ENTRY = f"SELECT {_COLUMNS} FROM entries AS e"  # noqa: S608 - our own words
_PLACED, _THERE = f"SELECT {_COLUMNS} FROM", "CROSS JOIN entries AS e ON e.row = p.row"
_MASSES = frozenset(int(code) for code in QUIET.strip("()").split(","))
_FEW = 2  # customers are asked for one by one: the engine takes longer to make a list of them
_PIECES = (2, 16, 256)  # three lengths of a list serve all, so that their statements stay prepared


def _lists(mark: str) -> list[tuple[int, str]]:
    return [(size, ", ".join([mark] * size)) for size in _PIECES]


_HEAD = "SELECT subject, n, hash, guard, stamp, recorded FROM heads WHERE subject"
_GUARDS = """
SELECT coalesce((SELECT guard FROM heads WHERE subject = 0), 0), guard, recorded
FROM (SELECT 1) LEFT JOIN heads ON subject = ?"""
_HEADS = [(size, f"{_HEAD} IN ({marks})") for size, marks in _lists("?")]
# A join in this order, and no IN: for that the planner would walk through the whole table.
_KNOWN = "WITH a (s, k) AS (VALUES {}) SELECT s, k FROM a CROSS JOIN {} ON subject = s AND key = k"
_SETTLED, _FRESH = (
    [(size, _KNOWN.format(marks, table)) for size, marks in _lists("(?, ?)")] for table in ("keys", "fresh_keys")
)
_PLACE = " UNION ALL ".join(
    f"SELECT row FROM {table} WHERE subject = ?1 AND n = ?2"  # noqa: S608
    for table in ("places", "fresh_places")
)
_LAST_OF = (
    "SELECT e.recorded FROM {table} AS p CROSS JOIN entries AS e ON e.row = p.row"
    " WHERE p.subject = ? AND e.kind IN ({kinds}) ORDER BY p.n DESC LIMIT 1"
)
_NAMED = [(size, f"SELECT DISTINCT name FROM names WHERE name IN ({marks})") for size, marks in _lists("?")]  # noqa: S608
_TALLIES = "SELECT name, n FROM tallies WHERE name >= ? AND name < ? ORDER BY name"
_LAST_LETTER = "\U0010ffff"
_REASONS = """
SELECT field, shape, fix, count(*), max(at) FROM letters
GROUP BY field, shape, fix ORDER BY count(*) DESC, field, shape, fix"""
_PLACES = ("places", "fresh_places")  # in the order of a journal: see ``settle``


def _in_pieces(run: Run, statements: list[tuple[int, str]], rows: Sequence[Row]) -> Iterator[Row]:
    size, statement = next((one for one in statements if len(rows) <= one[0]), statements[-1])
    for start in range(0, len(rows), size):
        some = list(rows[start : start + size])
        some.extend(some[-1:] * (size - len(some)))  # filled up by repeating the last
        yield from run(statement, list(chain.from_iterable(some))).fetchall()


def read_head(run: Run, subject: int) -> Head:
    """Read where a journal ends; one that has no entry ends at 0."""
    row = run(f"{_HEAD} = ?", (subject,)).fetchone()
    return Head(subject) if row is None else Head(*row)


def read_guards(run: Run, subject: int) -> Guards:
    """Read the guard of the bank's journal and of another, and when its last entry was recorded."""
    bank, own, recorded = run(_GUARDS, (subject,)).fetchone()
    return Guards(bank, own or 0, recorded or Instant(0))


def read_heads(run: Run, subjects: Iterable[int]) -> dict[int, Head]:
    """Read where journals end; one that has no entry ends at 0."""
    wanted = sorted(set(subjects))
    if len(wanted) <= _FEW:
        return {subject: read_head(run, subject) for subject in wanted}
    found = {row[0]: Head(*row) for row in _in_pieces(run, _HEADS, [(subject,) for subject in wanted])}
    return {subject: found.get(subject) or Head(subject) for subject in wanted}


def read_known(run: Run, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Say which (subject, event key) pairs are there."""
    return read_settled(run, keys) | set(_in_pieces(run, _FRESH, keys))


def read_settled(run: Run, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Say which (subject, event key) pairs have settled."""
    return set(_in_pieces(run, _SETTLED, keys))


def frontier(run: Run) -> Frontier:
    """Read the right edge of the Merkle log.

    Raises
    ------
    StoreError
        When it was altered from outside.
    """
    row = run("SELECT frontier FROM seal").fetchone()
    try:
        return Frontier.from_bytes(row[0])
    except (TypeError, ValueError) as error:
        raise StoreError("the seal was altered from outside") from error


class SqliteReader:
    """What :class:`marketofone.store.ports.Reader` promises, on one connection inside one transaction."""

    __slots__ = ("_bank", "_run")

    def __init__(self, connection: sqlite3.Connection, *, bank: Head) -> None:
        self._run: Run = connection.execute
        self._bank = bank

    def close(self) -> None:
        """Refuse any further reading: the connection goes to another reader."""
        self._run = _refuse

    # Journals

    def head(self, subject: int) -> Head:
        """Give where a journal ends; one that has no entry ends at 0."""
        return self._bank if subject == BANK else read_head(self._run, subject)

    def heads(self, subjects: Sequence[int]) -> dict[int, Head]:
        """Give where several journals end."""
        return read_heads(self._run, subjects)

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
        edges = after, _LAST if upto is None else upto
        codes = None if kinds is None else {CODES[kind] for kind in kinds}
        if codes is None or codes & _MASSES:
            tables = _PLACES[::-1] if newest_first else _PLACES
            walks = [self._walk(table, subject, edges, codes=codes, newest_first=newest_first) for table in tables]
            return map(_entry, chain.from_iterable(walks))
        # One walk a kind through the index of kinds: the masses between are never touched.
        walks = [self._walk(None, subject, edges, codes={code}, newest_first=newest_first) for code in codes]
        return map(_entry, merge(*walks, key=itemgetter(1), reverse=newest_first))

    def _walk(
        self, table: str | None, subject: int, edges: tuple[int, int], *, codes: set[int] | None, newest_first: bool
    ) -> Iterator[Row]:
        """Walk through entries that one table of places leads to, or the index of kinds where none is named."""
        select, at = (_ENTRY, "e") if table is None else (f"{_PLACED} {table} AS p {_THERE}", "p")
        where = f"{at}.subject = ? AND {at}.n > ? AND {at}.n <= ? {_among(codes)}"
        statement = f"{select} WHERE {where} ORDER BY {at}.n {'DESC' if newest_first else 'ASC'} LIMIT ?"
        low, high = edges
        while True:
            rows = self._run(statement, (subject, low, high, *(codes or ()), _PAGE)).fetchall()
            yield from rows
            if len(rows) < _PAGE:
                return
            if newest_first:
                high = rows[-1][1] - 1
            else:
                low = rows[-1][1]

    def subjects(self, *, after: int = BANK, limit: int) -> list[int]:
        """List customers that have a journal, ascending; ``after`` is exclusive."""
        return self._column("SELECT subject FROM heads WHERE subject > ? ORDER BY subject LIMIT ?", after, limit)

    def known(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Say which (subject, event key) pairs were kept before."""
        return read_known(self._run, keys)

    def last(self, subjects: Sequence[int], *, kinds: Sequence[EntryKind]) -> dict[int, Instant]:
        """Give when the last entry of some kinds was recorded, by journal; one that has none is left out."""
        among = ", ".join(str(CODES[kind]) for kind in kinds)
        found: dict[int, Instant] = {}
        for table in _PLACES:  # what is fresh comes after what has settled
            statement = _LAST_OF.format(table=table, kinds=among)
            for subject in subjects:
                row = self._run(statement, (subject,)).fetchone()
                if row is not None:
                    found[subject] = Instant(row[0])
        return found

    def recent(self, *, kinds: Sequence[EntryKind], limit: int) -> list[Entry]:
        """Give the newest entries of some kinds over all journals, newest first."""
        found: list[list[Row]] = []
        for code in {CODES[kind] for kind in kinds}:
            statement = f"{_ENTRY} WHERE true {_among({code})} ORDER BY e.row DESC LIMIT ?"
            found.append(self._run(statement, (code, limit)).fetchall())
        return list(map(_entry, islice(merge(*found, key=itemgetter(-1), reverse=True), limit)))

    # The Merkle log

    def sealed(self) -> Sealed:
        """Say how far the log goes."""
        edge = frontier(self._run)
        last = self._run("SELECT max(row) FROM entries").fetchone()[0] or 0
        return Sealed(size=edge.size, root=edge.root(), waiting=last - edge.size)

    def lengthened(self, *, limit: int) -> tuple[Frontier, Frontier]:
        """Give the right edge of the log, and what it is after at most so many more entries."""
        before = frontier(self._run)
        hashes = self._run("SELECT hash FROM entries WHERE row > ? ORDER BY row LIMIT ?", (before.size, limit))
        return before, before.extended(leaf_hash(row[0]) for row in hashes)

    def leaves(self, *, after: int = 0, limit: int) -> list[bytes]:
        """Give entry hashes of leaves in order; ``after`` counts the leaves that are passed over."""
        return self._column(
            "SELECT hash FROM entries WHERE row > ? AND row <= ? ORDER BY row LIMIT ?", after, self._size(), limit
        )

    def leaf_of(self, subject: int, n: int) -> int | None:
        """Give the number (from 0) of an entry's leaf, None while it waits."""
        row = self._run(_PLACE, (subject, n)).fetchone()
        return None if row is None or row[0] > self._size() else int(row[0]) - 1

    def places(self, *, after: int = 0, limit: int) -> list[tuple[int, int]]:
        """Give (subject, n) of leaves in order."""
        return self._run(
            "SELECT subject, n FROM entries WHERE row > ? AND row <= ? ORDER BY row LIMIT ?",
            (after, self._size(), limit),
        ).fetchall()

    def _size(self) -> int:
        return frontier(self._run).size

    # What is kept beside

    def snapshots(self, subject: int, *, names: Sequence[str] | None = None) -> dict[str, Kept]:
        """Give the snapshots of a journal by name."""
        among = "" if names is None else f"AND name IN ({', '.join('?' * len(names))})"
        select = "SELECT subject, name, n, body FROM snapshots WHERE subject = ?"
        statement = f"{select} {among} ORDER BY name"
        rows = self._run(statement, (subject, *(names or ()))).fetchall()
        return {row[1]: Kept(*row) for row in rows}

    def keys_of(self, subject: int) -> list[bytes]:
        """Give the strong keys that a customer is linked with, sorted."""
        return self._column("SELECT key FROM links WHERE subject = ? ORDER BY key", subject)

    def holders(self, key: bytes, *, limit: int) -> list[int]:
        """Give customers that are linked with a key, ascending, at most ``limit``."""
        return self._column("SELECT subject FROM links WHERE key = ? ORDER BY subject LIMIT ?", key, limit)

    def decisions(self, name: bytes) -> list[tuple[int, int]]:
        """Give (subject, n) of the decisions that have a name."""
        return self._run("SELECT subject, n FROM names WHERE name = ? ORDER BY subject, n", (name,)).fetchall()

    def named(self, names: Collection[bytes]) -> set[bytes]:
        """Give those of some names that a decision has."""
        return {name for (name,) in _in_pieces(self._run, _NAMED, [(name,) for name in sorted(names)])}

    def state(self, digest: bytes) -> bytes | None:
        """Give a sealed state by its SHA-256."""
        row = self._run("SELECT body FROM states WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else bytes(row[0])

    def lessons(self, *, limit: int) -> list[Lesson]:
        """Give the lessons that wait, in the order in which they came."""
        rows = self._run("SELECT row, subject, n FROM lessons ORDER BY row LIMIT ?", (limit,)).fetchall()
        return list(starmap(Lesson, rows))

    def letters(self, *, limit: int) -> list[DeadLetter]:
        """Give dead letters, newest first."""
        rows = self._run("SELECT at, field, shape, fix, raw FROM letters ORDER BY row DESC LIMIT ?", (limit,))
        return list(starmap(DeadLetter, rows.fetchall()))

    def reasons(self) -> list[Reason]:
        """Give why there are dead letters, each reason once, the most frequent first."""
        return list(starmap(Reason, self._run(_REASONS).fetchall()))

    def tallies(self, *, of: str = "") -> dict[str, int]:
        """Give the counts that units of work added up, those whose names begin so."""
        return dict(self._run(_TALLIES, (of, of + _LAST_LETTER)).fetchall())

    def sizes(self) -> Sizes:
        """Count all rows."""
        counts = {name: self._column(f"SELECT count(*) FROM {name}")[0] for name in Sizes.__struct_fields__}  # noqa: S608
        counts["keys"] += self._column("SELECT count(*) FROM fresh_keys")[0]
        return Sizes(**counts)

    def damage(self) -> list[str]:
        """Say in words what is wrong with the files or tables themselves; empty when they are sound."""
        return damage_of(self._run)

    def _column(self, statement: str, *values: object) -> list[Any]:
        return [row[0] for row in self._run(statement, values).fetchall()]


def _among(codes: set[int] | None) -> str:
    """Write the condition that a kind is one of some. Their codes are bound in the order of the set."""
    if codes is None:
        return ""
    # The planner takes the indexes of kinds only where their condition stands word for word.
    indexed = "" if codes & _MASSES else f"AND e.kind NOT IN {QUIET}"
    marks = f"e.kind IN ({', '.join('?' * len(codes))})" if len(codes) > 1 else "e.kind = ?"
    return f"AND {marks} {indexed}"


def _refuse(*_: object) -> sqlite3.Cursor:
    raise AssertionError("this snapshot is closed")


def _entry(row: Row) -> Entry:
    subject, n, stamp, code, at, recorded, body, commitment, link, _ = row
    kind = _KINDS.get(code)
    if kind is None:
        raise StoreError(f"entry {n} of a journal was altered from outside: there is no kind {code!r}")
    return Entry(subject, n, stamp, kind, Instant(at), Instant(recorded), body, commitment, link)

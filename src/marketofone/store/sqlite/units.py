"""Carrying out a unit of work: compare, append, keep beside.

Everything that is looked up is looked up for the whole unit at once: a unit may name thousands of customers.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

from msgspec.structs import astuple

from marketofone.audit.journal_chain import Header, entry_hash
from marketofone.audit.merkle import Frontier
from marketofone.domain.errors import Moved
from marketofone.store.counting import added_by, exceeds
from marketofone.store.ports import CODES, GUARDING, Head, Sealed, Unit
from marketofone.store.sqlite.group import End, Work
from marketofone.store.sqlite.reader import frontier, read_heads, read_known, read_settled

# SQLite numbers the rows itself, each one more than the last. Nothing is ever deleted here, so there are no gaps.
_ENTRY = """
INSERT INTO entries (subject, n, kind, stamp, at, recorded, commitment, hash, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_PLACE = "INSERT INTO fresh_places (subject, n, row) VALUES (?, ?, ?)"
_KEY = "INSERT OR IGNORE INTO fresh_keys (subject, key) VALUES (?, ?)"
# The columns stand in the order of a Head's fields.
_HEAD = "INSERT OR REPLACE INTO heads (subject, n, hash, guard, stamp, recorded) VALUES (?, ?, ?, ?, ?, ?)"
_SNAPSHOT = """
INSERT INTO snapshots (subject, name, n, body) VALUES (?, ?, ?, ?)
ON CONFLICT (subject, name) DO UPDATE SET n = excluded.n, body = excluded.body WHERE excluded.n >= n"""
_TALLY = "INSERT INTO tallies (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n"
_COUNT = "SELECT name, n FROM tallies WHERE name = ?"
_LINK = "INSERT OR IGNORE INTO links (key, subject) VALUES (?, ?)"
_UNLINK = "DELETE FROM links WHERE key = ? AND subject = ?"
# So here, too: the columns of a snapshot and of a dead letter.
_BESIDE = ("snapshots", "links", "names", "keys", "fresh_keys", "lessons")
_STATE = "INSERT OR IGNORE INTO states (digest, body) VALUES (?, zeroblob(?))"
_LETTER = "INSERT INTO letters (at, field, shape, fix, raw) VALUES (?, ?, ?, ?, ?)"


def applying(unit: Unit) -> Work[list[Head]]:
    """Make the work that carries out a unit."""
    return partial(_apply, unit)


def sealing(before: Frontier, longer: Frontier) -> Work[Sealed | None]:
    """Make the work that lengthens the log, where it still ends as before; it gives None where another has sealed."""
    return partial(_seal, before, longer)


def _apply(unit: Unit, connection: sqlite3.Connection, end: End) -> tuple[list[Head], End]:
    subjects = {draft.subject for draft in unit.drafts} | unit.expects.keys()
    subjects.update(*(unit.together[subject] for subject in subjects & unit.together.keys()))
    heads = read_heads(connection.execute, subjects)
    _compare(unit, connection, heads)
    _take_keys(unit, connection)
    after, end = _append(unit, connection, heads, end)
    _keep(unit, connection, after)
    return after, end


def _compare(unit: Unit, connection: sqlite3.Connection, heads: Mapping[int, Head]) -> None:
    moved = {
        subject
        for subject, expected in unit.expects.items()
        if expected.guard != heads[subject].guard or (expected.n is not None and expected.n != heads[subject].n)
    }
    for key, count in unit.holders.items():
        found = connection.execute("SELECT subject FROM links WHERE key = ? LIMIT ?", (key, count + 1)).fetchall()
        if len(found) != count:
            concerned = {row[0] for row in found} | {link.subject for link in unit.links if link.key == key}
            moved |= concerned or {*unit.expects, *(draft.subject for draft in unit.drafts)}
    stored = dict(row for name in unit.most for row in connection.execute(_COUNT, (name,)))
    if moved or exceeds(unit, stored):
        raise Moved(subjects=frozenset(moved or {draft.subject for draft in unit.drafts}))


def _take_keys(unit: Unit, connection: sqlite3.Connection) -> None:
    keys = sorted((draft.subject, key) for draft in unit.drafts for key in draft.keys)
    if not keys:
        return
    if connection.executemany(_KEY, keys).rowcount == len(keys) and not read_settled(connection.execute, keys):
        return
    # Only what was there before may count. Where there is no savepoint this fails, and the unit is run under one.
    connection.execute("ROLLBACK TO unit")
    taken = read_known(connection.execute, keys)
    taken.update(pair for pair, times in Counter(keys).items() if times > 1)
    raise Moved(subjects=frozenset(subject for subject, _ in taken))


def _append(unit: Unit, connection: sqlite3.Connection, heads: dict[int, Head], end: End) -> tuple[list[Head], End]:
    """Chain the drafts, insert them, and give the head after each, and the end of all entries."""
    after: list[Head] = []
    rows: list[tuple[Any, ...]] = []
    now, together = unit.now, unit.together
    for draft in unit.drafts:
        subject, kind, at, committed = draft.subject, draft.kind, draft.at, draft.commitment
        before = heads[subject]
        stamp, n, recorded = before.stamp + 1, before.n + 1, max(before.recorded, now)
        if subject in together:
            stamp = max(stamp, *(heads[other].stamp + 1 for other in together[subject]))
        header = Header(subject, n, stamp, kind, at, recorded)
        link = entry_hash(header, body_digest=draft.digest, commitment=committed, previous=before.hash)
        heads[subject] = head = Head(subject, n, link, before.guard + (kind in GUARDING), stamp, recorded)
        after.append(head)
        rows.append((subject, n, CODES[kind], stamp, at, recorded, committed, link, draft.body))
    rows.sort(key=itemgetter(0))  # n stays ascending; neighbours in the indexes come one after the other
    connection.executemany(_ENTRY, rows)
    connection.executemany(_PLACE, ((values[0], values[1], row) for row, values in enumerate(rows, end.row + 1)))
    last = sorted({head.subject for head in after})
    connection.executemany(_HEAD, (astuple(heads[subject]) for subject in last))
    return after, End(end.row + len(rows), rows[-1][7]) if rows else end


def _keep(unit: Unit, connection: sqlite3.Connection, after: list[Head]) -> None:
    """Do what a unit asks for beside the journals, in this order. Most units ask for little of it."""
    waiting = [after[draft] for draft in unit.lessons]
    named = [(name.name, after[name.draft]) for name in unit.names]
    asked: tuple[tuple[str, Collection[tuple[object, ...]]], ...] = (
        ("DELETE FROM snapshots WHERE subject = ? AND name = ?", unit.drop),
        (_SNAPSHOT, [astuple(kept) for kept in unit.snapshots]),
        ("INSERT OR IGNORE INTO names (name, subject, n) VALUES (?, ?, ?)", [(x, h.subject, h.n) for x, h in named]),
        (_LETTER, [astuple(letter) for letter in unit.letters]),
        ("INSERT INTO lessons (subject, n) VALUES (?, ?)", [(head.subject, head.n) for head in waiting]),
        ("DELETE FROM lessons WHERE row = ?", [(row,) for row in unit.learned]),
        ("DELETE FROM states WHERE digest = ?", [(digest,) for digest in unit.destroyed]),
        (_TALLY, added_by(unit, after)),
        *((f"DELETE FROM {table} WHERE subject = ?", [(of,) for of in unit.forgotten]) for table in _BESIDE),  # noqa: S608
    )
    for digest, body in unit.states.items():
        _keep_state(connection, digest, body)
    for statement, rows in asked:
        if rows:
            connection.executemany(statement, rows)
    for link in unit.links:
        connection.execute(_LINK if link.linked else _UNLINK, (link.key, link.subject))


def _keep_state(connection: sqlite3.Connection, digest: bytes, body: bytes) -> None:
    """Write a state into its place: bound as a value, tens of megabytes would be copied twice on their way."""
    added = connection.execute(_STATE, (digest, len(body)))
    if added.rowcount and added.lastrowid is not None:
        with connection.blobopen("states", "body", added.lastrowid) as place:
            place.write(body)


def _seal(before: Frontier, longer: Frontier, connection: sqlite3.Connection, end: End) -> tuple[Sealed | None, End]:
    if longer.size > before.size:
        change = "UPDATE seal SET frontier = ? WHERE frontier = ?"
        if not connection.execute(change, (longer.to_bytes(), before.to_bytes())).rowcount:
            return None, end
    elif frontier(connection.execute) != before:
        return None, end
    return Sealed(size=longer.size, root=longer.root(), waiting=end.row - longer.size), end

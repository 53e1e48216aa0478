"""Entries that wait become leaves of the Merkle log.

Transactions commit in another order than they draw numbers in, so no number tells what is complete. A run of entries
stays in ``waiting`` until the one sealer takes it: what commits late is taken later, and nothing is passed over. Within
a journal runs are numbered under its lock, so a later run has a larger number and is seen no earlier.
"""

from __future__ import annotations

from marketofone.audit.journal_chain import leaf_hash
from marketofone.audit.merkle import Frontier
from marketofone.domain.errors import StoreError
from marketofone.store.ports import Sealed
from marketofone.store.postgres.connection import Connection, Row
from marketofone.store.postgres.schema import LOCKS, SEALER

_LOCK = f"SELECT pg_advisory_xact_lock({LOCKS}, {SEALER})".encode()
_MANY_TALLIES = 1_000
_ENTRIES = b"""
SELECT e.subject, e.n, e.hash
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) WITH ORDINALITY AS run (subject, first, last, place)
JOIN entries AS e ON e.subject = run.subject AND e.n BETWEEN run.first AND run.last ORDER BY run.place, e.n
"""
_TALLIES = b"SELECT count(*), count(DISTINCT name) FROM tallies"
_GATHER = b"""
WITH gone AS (DELETE FROM tallies RETURNING name, n) INSERT INTO tallies SELECT name, sum(n) FROM gone GROUP BY name
"""


def seal(connection: Connection, *, limit: int) -> Sealed:
    """Give leaf numbers to at most ``limit`` entries that wait, in one transaction."""
    connection.execute(b"BEGIN ISOLATION LEVEL READ COMMITTED")
    connection.execute(_LOCK)
    ((encoded,),) = connection.execute(b"SELECT frontier FROM log", binary=True).fetchall()
    frontier = Frontier.from_bytes(encoded)
    runs = _runs(connection, limit=limit)
    if runs:
        frontier = _append(connection, runs, frontier=frontier)
        _take(connection, runs)
    _gather_tallies(connection)
    statement = b"SELECT coalesce(sum(last - first + 1), 0)::bigint FROM waiting"
    ((waiting,),) = connection.execute(statement, binary=True).fetchall()
    connection.execute(b"COMMIT")
    return Sealed(size=frontier.size, root=frontier.root(), waiting=waiting)


def _runs(connection: Connection, *, limit: int) -> list[Row]:
    """Give (row, subject, first, last) of the oldest runs; the last is cut where the limit lies."""
    statement = b"SELECT row, subject, first, last FROM waiting ORDER BY row LIMIT %b"
    runs: list[Row] = []
    left = limit
    for row, subject, first, last in connection.execute(statement, (limit,), binary=True):
        if not left:
            break
        until = min(last, first + left - 1)
        runs.append((row, subject, first, until))
        left -= until - first + 1
    return runs


def _append(connection: Connection, runs: list[Row], *, frontier: Frontier) -> Frontier:
    _, *places = ([run[column] for run in runs] for column in range(4))
    entries = connection.execute(_ENTRIES, places, binary=True).fetchall()
    if len(entries) != sum(last - first + 1 for _, _, first, last in runs):
        raise StoreError("an entry that waits to be sealed is missing")
    with (
        connection.cursor() as cursor,
        cursor.copy(b"COPY leaves (leaf, subject, n) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(["int8", "int8", "int8"])
        for leaf, (subject, n, _) in enumerate(entries, frontier.size):
            copy.write_row((leaf, subject, n))
    frontier = frontier.extended(leaf_hash(entry) for _, _, entry in entries)
    connection.execute(b"UPDATE log SET frontier = %b", (frontier.to_bytes(),))
    return frontier


def _take(connection: Connection, runs: list[Row]) -> None:
    row, _, _, until = runs[-1]
    whole = b"DELETE FROM waiting WHERE row = ANY(%b::bigint[]) AND (row <> %b OR last = %b)"
    connection.execute(whole, ([run[0] for run in runs], row, until))
    connection.execute(b"UPDATE waiting SET first = %b + 1 WHERE row = %b", (until, row))


def _gather_tallies(connection: Connection) -> None:
    ((rows, names),) = connection.execute(_TALLIES, binary=True).fetchall()
    if rows > _MANY_TALLIES and rows > 2 * names:
        connection.execute(_GATHER)

"""Two tables for each thing that is found by customer: a small one for what is fresh, a large one for the rest.

A commit that touches thousands of customers changes a page of each index for nearly each of them. Were there one index,
the pages written per entry would grow with the bank. So entries and event keys are first noted in a small table. Once
that is full, each further step moves the customers of one stretch into the large table, as many rows as were added:
their neighbours stand on the same pages.

A customer is moved as a whole. So of one journal, what is fresh always comes after what has settled.
"""

from __future__ import annotations

import sqlite3

FRESH_ROWS = 65_536
STEP_ROWS = 1_000
_STEPS_UNTIL_COUNTED = 32  # other processes add and move as well
_FIRST, _LAST = -1, 2**63 - 1

_COUNT = "SELECT count(*) FROM fresh_places"
_UNTIL = "SELECT subject FROM fresh_places WHERE subject > ? ORDER BY subject LIMIT 1 OFFSET ?"
_MOVES = tuple(
    statement
    for table, columns in (("places", "subject, n, row"), ("keys", "subject, key"))
    for statement in (
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM fresh_{table} WHERE subject > ? AND subject <= ?",  # noqa: S608
        f"DELETE FROM fresh_{table} WHERE subject > ? AND subject <= ?",  # noqa: S608
    )
)


class Settling:
    """Moves stretch after stretch, for one writer."""

    def __init__(self) -> None:
        self._added = 0
        self._steps = 0
        self._fresh = 0  # as far as this process knows
        self._after = _FIRST

    def step(self, connection: sqlite3.Connection, *, added: int) -> None:
        """Note that rows were added, and move about as many when there are too many; inside the same transaction."""
        self._added += added
        if self._added < STEP_ROWS:
            return
        self._fresh += self._added
        if self._steps % _STEPS_UNTIL_COUNTED == 0:
            self._fresh = connection.execute(_COUNT).fetchone()[0]
        self._steps += 1
        if self._fresh > FRESH_ROWS:
            self._move(connection)
        self._added = 0

    def _move(self, connection: sqlite3.Connection) -> None:
        found = connection.execute(_UNTIL, (self._after, self._added)).fetchone()
        until = _LAST if found is None else found[0]
        moved = [connection.execute(move, (self._after, until)).rowcount for move in _MOVES]
        self._fresh -= moved[0]
        self._after = _FIRST if found is None else until

"""Group commit: many units of work, one flush to disk.

1. A caller puts its unit into the queue and waits.
2. One thread takes a unit, begins a transaction, and runs it and whatever else is waiting, each under a savepoint:
   a unit that raises is rolled back alone.
3. One COMMIT flushes them together. Only then does any caller learn its result, and also its error: an error may rest
   on what another unit of the same group wrote.

A group ends when nobody is waiting, after ``_UNITS`` units, or after ``_SECONDS``: nobody's answer waits long for
others. When the flush fails, everybody in the group is told and nothing of it is kept.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from marketofone.domain.errors import ChainBroken, StoreError
from marketofone.store.embedded.checkpoint import Checkpoints
from marketofone.store.embedded.connection import in_our_words
from marketofone.store.embedded.writer import BEGINNING, Head, Salts, SqliteWriter, read_head

T = TypeVar("T")

_UNITS = 256
_SECONDS = 0.005


class _Unit:
    """One caller's work, and what came of it. ``done`` is held until it is settled."""

    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Callable[[SqliteWriter], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class GroupCommit:
    """The one writer of this process, on a thread of its own that starts with the first unit."""

    def __init__(self, connection: sqlite3.Connection, *, salts: Salts, checkpoints: Checkpoints) -> None:
        self._connection = connection
        self._checkpoints = checkpoints
        self._salts = salts
        self._trusted = BEGINNING  # the end of the journal as this process last saw it
        self._waiting: SimpleQueue[_Unit | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[SqliteWriter], T]) -> T:
        """Run a unit of work alone and give its result once it is durable."""
        unit = _Unit(work)
        with self._gate:
            if self._closed:
                raise StoreError("the store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
                self._thread.start()
                self._checkpoints.start()
            elif self._thread is threading.current_thread():
                raise AssertionError("a unit of work must not commit another: it would wait for itself")
            self._waiting.put(unit)
        unit.done.acquire()
        if unit.error is not None:
            raise unit.error
        return unit.result  # type: ignore[no-any-return]  # a unit's result has the type its work gives

    def close(self) -> None:
        """Finish what is waiting; refuse what comes later."""
        with self._gate:
            self._closed = True
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
        self._checkpoints.close()
        self._connection.close()

    def _serve(self) -> None:
        while (unit := self._waiting.get()) is not None:
            group = [unit]
            try:
                self._commit(group)
            except BaseException as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                for unsettled in group:
                    unsettled.error = _told(error)
            self._connection.rollback()  # does nothing after the commit
            for settled in group:
                settled.done.release()

    def _commit(self, group: list[_Unit]) -> None:
        """Run the first unit of a group and all that join it, and flush once."""
        head = self._begin(group)
        until = monotonic() + _SECONDS
        unit: _Unit | None = group[0]
        while unit is not None:
            head = self._run(unit, head)
            unit = self._next() if len(group) < _UNITS and monotonic() < until else None
            if unit is not None:
                group.append(unit)
        self._connection.execute("COMMIT")
        self._trusted = head

    def _begin(self, group: list[_Unit]) -> Head:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            # Whoever waits by now would meet the same, one patience after the other: tell them together.
            while len(group) < _UNITS and (unit := self._next()) is not None:
                group.append(unit)
            raise
        head = read_head(self._connection)
        if head != self._trusted and self._trusted is not BEGINNING:  # another process wrote: on top of what we wrote?
            row = self._connection.execute("SELECT hash FROM journal WHERE seq = ?", (self._trusted.seq,)).fetchone()
            if row is None or row[0] != self._trusted.hash:
                raise ChainBroken(seq=self._trusted.seq)
        return head

    def _next(self) -> _Unit | None:
        try:
            unit = self._waiting.get_nowait()
        except Empty:
            return None
        if unit is None:
            self._waiting.put(None)  # the end stays the end
        return unit

    def _run(self, unit: _Unit, head: Head) -> Head:
        """Run one unit under its savepoint and give the end of the journal after it."""
        self._connection.execute("SAVEPOINT unit")
        writer = SqliteWriter(self._connection, head=head, salts=self._salts)
        try:
            unit.result = unit.work(writer)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise  # the engine gave up the whole transaction (a full disk): all of the group must know
            unit.error = _told(error) if isinstance(error, sqlite3.Error) else error
            self._connection.execute("ROLLBACK TO unit")
            self._connection.execute("RELEASE unit")
            return head
        finally:
            writer.close()
        self._connection.execute("RELEASE unit")
        return writer.head


def _told(error: BaseException) -> StoreError:
    """Make the error one caller gets; each gets its own, for raising changes it."""
    if isinstance(error, ChainBroken):
        return ChainBroken(seq=error.seq)
    told = in_our_words(error) if isinstance(error, sqlite3.Error) else StoreError("the writer failed")
    told.__cause__ = error
    return told

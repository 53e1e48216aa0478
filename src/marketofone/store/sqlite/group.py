"""Group commit: many units of work, one flush to disk.

1. A caller puts its work into the queue and waits.
2. One thread takes the lock between processes, begins a transaction, and runs the work and whatever else is waiting:
   a unit that raises is rolled back alone.
3. One COMMIT flushes them together. Only then does any caller learn its result, and also its error: an error may rest
   on what another unit of the same group wrote.

A group ends when none is waiting, after ``_UNITS`` units, or after ``_SECONDS``: an answer waits long for no other.
When the flush fails, all callers of the group are told, and nothing of it is kept.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from marketofone.audit.journal_chain import GENESIS
from marketofone.domain.errors import ChainBroken, Moved, StoreBusy, StoreError
from marketofone.store.sqlite.checkpoint import Checkpoints
from marketofone.store.sqlite.connection import FILE, in_our_words
from marketofone.store.sqlite.lock import FileLock
from marketofone.store.sqlite.settle import Settling

T = TypeVar("T")


class End(NamedTuple):
    """The last row of all entries, and its hash."""

    row: int
    hash: bytes


Work = Callable[[sqlite3.Connection, End], tuple[T, End]]
"""What runs inside the transaction: from the end of the entries to a result and the end after it."""

_UNITS = 256
_SECONDS = 0.005
_START = End(0, GENESIS)


class _Job:
    """One caller's work, and what came of it. ``done`` is held until it is settled."""

    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Work[Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class GroupCommit:
    """The one writer of this process, on a thread of its own that starts with the first work."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, *, lock: FileLock, checkpoints: Checkpoints, patience_ms: int
    ) -> None:
        self._path = path
        self._connection = connection
        self._lock = lock
        self._checkpoints = checkpoints
        self._patience_ms = patience_ms
        self._file = path.stat().st_ino
        self._settling = Settling()
        self._tenths = -1  # how long the engine waits for others
        self._trusted = _START  # the end of all entries as this process last saw it
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Work[T]) -> T:
        """Run work alone and give its result once it is durable."""
        job = _Job(work)
        with self._gate:
            if self._closed:
                raise StoreError("the store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
                self._thread.start()
                self._checkpoints.start()
            self._waiting.put(job)
        job.done.acquire()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[no-any-return]  # the result has the type that its work gives

    def close(self) -> None:
        """Finish what is waiting; refuse what comes later."""
        with self._gate:
            again, self._closed = self._closed, True
        if again:
            return
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
        self._checkpoints.close()
        self._connection.close()
        self._lock.close()

    def _serve(self) -> None:
        while (job := self._waiting.get()) is not None:
            group = [job]
            try:
                self._commit(group)
            except BaseException as error:  # noqa: BLE001 - whatever it is, no caller may wait for ever
                for unsettled in group:
                    unsettled.error = _told(error)
            for settled in group:
                settled.done.release()

    def _commit(self, group: list[_Job]) -> None:
        """Run the first work of a group and all that join it, and flush once."""
        until = monotonic() + self._patience_ms / 1_000
        try:
            with self._lock.held(until=until):
                self._wait_at_most(until - monotonic())
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    before = self._end()
                    end = self._run_all(group, before)
                    self._settling.step(self._connection, added=end.row - before.row)
                    self._connection.execute("COMMIT")
                finally:
                    self._connection.rollback()  # does nothing after the commit
        except (StoreBusy, sqlite3.OperationalError):
            # All that wait by now would meet the same, one patience after the other: tell them together.
            while len(group) < _UNITS and (job := self._next()) is not None:
                group.append(job)
            raise
        self._trusted = end

    def _wait_at_most(self, seconds: float) -> None:
        """Let the engine wait for others only so long, to a tenth of a second: what is set already is not set again."""
        tenths = max(0, math.ceil(10 * seconds))
        if tenths != self._tenths:
            self._tenths = tenths
            self._connection.execute(f"PRAGMA busy_timeout = {100 * tenths}")

    def _end(self) -> End:
        """Find the end of the entries; it must lie on top of what this process wrote."""
        try:
            replaced = self._path.stat().st_ino != self._file
        except FileNotFoundError:
            replaced = True
        if replaced:
            raise StoreError(f"{FILE} was removed or replaced while it was open: stop, and look at the folder")
        trusted = self._trusted
        row = self._connection.execute("SELECT row, hash FROM entries ORDER BY row DESC LIMIT 1").fetchone()
        end = _START if row is None else End(*row)
        if end != trusted and trusted.row:  # another process wrote: on top of what we wrote?
            kept = self._connection.execute("SELECT hash FROM entries WHERE row = ?", (trusted.row,)).fetchone()
            if kept is None or kept[0] != trusted.hash:
                raise ChainBroken(seq=trusted.row)
        return end

    def _run_all(self, group: list[_Job], end: End) -> End:
        until = monotonic() + _SECONDS
        end = self._run_first(group[0], end)
        while len(group) < _UNITS and monotonic() < until and (job := self._next()) is not None:
            group.append(job)
            end = self._run(job, end)
        return end

    def _next(self) -> _Job | None:
        try:
            job = self._waiting.get_nowait()
        except Empty:
            return None
        if job is None:
            self._waiting.put(None)  # the end stays the end
        return job

    def _run_first(self, job: _Job, end: End) -> End:
        """Run the first work of a group without a savepoint, which would copy each page before it changes.

        Should it fail after it may have written, the transaction begins anew, and it is run again as all others are.
        """
        changes = self._connection.total_changes
        try:
            job.result, end = job.work(self._connection, end)
        except Moved as error:
            if self._connection.total_changes == changes:
                job.error = error
                return end
        except Exception:  # noqa: BLE001, S110 - it is run again, and raises again
            pass
        else:
            return end
        self._connection.rollback()
        self._connection.execute("BEGIN IMMEDIATE")
        return self._run(job, end)

    def _run(self, job: _Job, end: End) -> End:
        """Run one piece of work under its savepoint and give the end of the entries after it."""
        self._connection.execute("SAVEPOINT unit")
        try:
            job.result, end = job.work(self._connection, end)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise  # the engine gave up the whole transaction (a full disk): all of the group must know
            job.error = error if isinstance(error, Moved) else _told(error)
            self._connection.execute("ROLLBACK TO unit")
        self._connection.execute("RELEASE unit")
        return end


def _told(error: BaseException) -> StoreError:
    """Make the error one caller gets; each gets its own, for raising changes it."""
    told: StoreError
    match error:
        case ChainBroken():
            told = ChainBroken(seq=error.seq)
        case StoreError():
            told = type(error)(*error.args)
        case sqlite3.Error():
            told = in_our_words(error)
        case OverflowError() | ValueError():
            told = StoreError("a number does not fit 64 bits, or a hash has not 32 bytes: nothing of it is kept")
        case _:
            told = StoreError(f"the writer of process {os.getpid()} failed: {type(error).__name__}")
    told.__cause__ = error
    return told

"""Snapshots are renewed beside the way: nobody waits for it, and nothing rests on it."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue

from marketofone.domain.errors import MarketOfOneError, Moved
from marketofone.domain.moment import Instant
from marketofone.store.ports import Expectation, Kept, Store, Unit

_SECONDS = 0.25  # what comes within it is kept in one unit
_TOGETHER = 200


class Renewal:
    """Keeps snapshots, on a thread of its own that starts with the first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: SimpleQueue[tuple[Kept, int]] = SimpleQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, snapshot: Kept, guard: int) -> None:
        """Take a snapshot that should be kept while the guard of its journal stands where it stood."""
        self._waiting.put((snapshot, guard))
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._serve, name="snapshot-renewal", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Keep what is waiting, and end."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while not self._closing.wait(_SECONDS):
            self._keep()
        self._keep()

    def _keep(self) -> None:
        while some := self._next():
            moved: frozenset[int] = frozenset()
            while some := [(kept, guard) for kept, guard in some if kept.subject not in moved]:
                expects = {kept.subject: Expectation(guard) for kept, guard in some}
                unit = Unit(now=Instant(0), snapshots=[kept for kept, _ in some], expects=expects)
                try:
                    self._store.commit(unit)
                except Moved as error:  # what moved is folded again when somebody looks
                    moved = error.subjects
                except MarketOfOneError:
                    return
                else:
                    break

    def _next(self) -> list[tuple[Kept, int]]:
        some: list[tuple[Kept, int]] = []
        with suppress(Empty):
            while len(some) < _TOGETHER:
                some.append(self._waiting.get_nowait())
        return some

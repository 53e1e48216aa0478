"""Snapshots are renewed beside the way: no caller waits for it, and nothing rests on it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from marketofone.domain.errors import MarketOfOneError, Moved
from marketofone.domain.moment import Instant
from marketofone.store.ports import EntryKind, Expectation, Kept, Store, Unit

_SECONDS = 0.25  # what comes within it is kept in one unit
_TOGETHER = 200
_ATTEMPTS = 3
_ENDING: tuple[EntryKind, ...] = ("consent", "identity", "amendment", "erasure")
"""After one of these a snapshot may hold what must not be kept any more, or not stand for what it did."""


class Renewal:
    """Keeps snapshots, on a thread of its own that starts with the first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: SimpleQueue[Kept] = SimpleQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, snapshot: Kept) -> None:
        """Take a snapshot that should be kept, unless consent or identity have changed since."""
        self._waiting.put(snapshot)
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
            for _ in range(_ATTEMPTS):  # what still is not kept then is folded again when somebody looks
                try:
                    self._store.commit(self._unit(some))
                except Moved:
                    continue
                except MarketOfOneError:
                    return
                break

    def _unit(self, some: Sequence[Kept]) -> Unit:
        with self._store.read() as reader:
            heads = reader.heads([kept.subject for kept in some])
            standing = [kept for kept in some if not any(reader.entries(kept.subject, after=kept.n, kinds=_ENDING))]
        expects = {kept.subject: Expectation(heads[kept.subject].guard) for kept in standing}
        return Unit(now=Instant(0), snapshots=standing, expects=expects)

    def _next(self) -> list[Kept]:
        some: list[Kept] = []
        with suppress(Empty):
            while len(some) < _TOGETHER:
                some.append(self._waiting.get_nowait())
        return some

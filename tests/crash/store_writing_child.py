"""The process that is killed: four threads that commit batches and say what was acknowledged.

It imports once and forks one writer per line read, so that thirty lives cost thirty forks. A line gives the number each
thread starts with, and after how many pages the log is copied into the file.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from hashlib import blake2b
from pathlib import Path

from marketofone.domain.moment import Instant
from marketofone.store.embedded.store import EmbeddedStore
from marketofone.store.ports import NewEvent, Writer

EVENTS = 5
BATCHES = 2_000


def say(*words: object) -> None:
    # One small write to a pipe is whole or absent, also when the process dies.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def batch(thread: int, number: int) -> list[NewEvent]:
    names = [f"{thread}-{number}-{index}" for index in range(EVENTS)]
    return [
        NewEvent(
            key=blake2b(name.encode(), digest_size=16).digest(),
            customer=f"c-{thread}",
            source="app",
            kind="app.opened",
            at=Instant(number),
            verdict="admitted",
            body=name.encode(),
            reading=None,
        )
        for name in names
    ]


def ingest_batch(writer: Writer, *, thread: int, number: int) -> int:
    events = batch(thread, number)
    known = writer.known([event.key for event in events])
    entry = writer.append("ingest", at=Instant(number), customer=None, body=f"{thread} {number}".encode())
    writer.add_events([event for event in events if event.key not in known], seq=entry.seq)
    writer.put_state(f"c-{thread}", "app", str(number).encode() + bytes(2_000))
    return entry.seq


def write_on(store: EmbeddedStore, thread: int, first: int) -> None:
    for number in range(first, first + BATCHES):
        seq = store.commit(partial(ingest_batch, thread=thread, number=number))
        say("acknowledged", thread, number, seq)


def live(folder: Path, firsts: list[int], pages: int) -> None:
    say("born", os.getpid())
    store = EmbeddedStore(folder)
    store._group._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
    threads = [threading.Thread(target=write_on, args=(store, thread, first)) for thread, first in enumerate(firsts)]
    for started in threads:
        started.start()
    for started in threads:
        started.join()


def main() -> None:
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        *firsts, pages = map(int, line.split())
        child = os.fork()
        if child == 0:
            try:
                live(folder, firsts, pages)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()

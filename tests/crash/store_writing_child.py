"""The process that is killed: four threads that commit batches and say what was acknowledged.

It imports once and forks one writer per line read, so that thirty lives cost thirty forks. A line gives the number each
thread starts with, and after how many pages the log is copied into the file.
"""

from __future__ import annotations

import os
import sys
import threading
from hashlib import sha256
from pathlib import Path

from marketofone.domain.errors import Moved
from marketofone.domain.moment import Instant
from marketofone.store.ports import Draft, Kept, Unit
from marketofone.store.sqlite.store import SqliteStore

EVENTS = 5
BATCHES = 2_000


def say(*words: object) -> None:
    # One small write to a pipe is whole or absent, also when the process dies.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def batch(thread: int, number: int) -> Unit:
    body = f"{thread} {number}".encode()
    digest = sha256(body).digest()
    keys = tuple(EVENTS * number + index for index in range(EVENTS))
    return Unit(
        now=Instant(number),
        drafts=[
            Draft(thread, "ingest", Instant(number), body, digest, digest, keys),
            Draft(100 + number % 50, "ingest", Instant(number), body, digest, digest),
        ],
        snapshots=[Kept(thread, "app", number, body + bytes(2_000))],
        tallies={"events": EVENTS},
    )


def write_on(store: SqliteStore, thread: int, first: int) -> None:
    for number in range(first, first + BATCHES):
        try:
            heads = store.commit(batch(thread, number))
        except Moved:  # a batch sent again that was kept before
            continue
        say("acknowledged", thread, number, heads[0].n)
        if number % 20 == 0:
            store.seal()


def live(folder: Path, firsts: list[int], pages: int) -> None:
    say("born", os.getpid())
    store = SqliteStore(folder)
    store._writer()._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
    threads = [threading.Thread(target=write_on, args=(store, thread, first)) for thread, first in enumerate(firsts, 1)]
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

"""Durable ingest through the Python face, beside a plain SQLite file that takes the same bodies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time

from bench.figures import Aim, Figure, rate
from bench.town import Town, batches
from marketofone.bank import Bank

AIM = Aim(of="rate", bound=20_000, above=True)
UNIT = "events/s"


def measure(bank: Bank, town: Town, *, folder: Path, sizes: Sequence[int]) -> Iterator[Figure]:
    """Ingest what is coming, in batches of each size: parsed, judged, folded, chained and flushed to disk."""
    share = len(town.coming) // len(sizes)
    for number, size in enumerate(sizes):
        coming = town.coming[number * share : (number + 1) * share]
        began, busy = perf_counter(), process_time()
        count = sum(bank.ingest(batch, now=town.now).rows for batch in batches(coming, size=size))
        seconds, cpu = perf_counter() - began, process_time() - busy
        yield Figure(
            own=rate(f"durable ingest, batches of {size:,}", UNIT, count=count, seconds=seconds),
            yardsticks=(
                rate("the same in a second of CPU, whoever else is busy", UNIT, count=count, seconds=cpu),
                rate(
                    "raw SQLite, WAL, synchronous=FULL, the same bodies",
                    UNIT,
                    count=count,
                    seconds=_raw(coming, size=size, path=folder / f"raw-{size}.sqlite"),
                ),
            ),
            aim=AIM,
        )


def _raw(events: Sequence[bytes], *, size: int, path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE events (row INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    began = perf_counter()
    for batch in batches(events, size=size):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO events (body) VALUES (?)", ((body,) for body in batch))
        connection.execute("COMMIT")
    seconds = perf_counter() - began
    connection.close()
    return seconds

"""Durable ingest for five thousand people: CPU of everything for each event, and what the kernel writes for it.

Beside it, alternated, a plain SQLite file that takes the same bodies. Both run as a process does that serves or
imports: with collections of garbage kept short. Figures before 2026-11-28 were taken without that, and it was chosen
after looking at them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time

from bench.crowd import Crowd, batches
from bench.figures import Aim, Figure, Row
from marketofone.bank import Bank
from marketofone.services.runtime.short_collections import short_collections

MICROSECONDS = 1e6
SETTLING_SECONDS = 1.5  # what is written beside the way counts as well
_AIMS = {5_000: (60.0, 30.0), 1_000: (80.0, 35.0), 1: (600.0, 300.0)}
_BYTES = {5_000: (5_000.0, 2_500.0)}


def measure(bank: Bank, crowd: Crowd, *, folder: Path, events: dict[int, int]) -> Iterator[Figure]:
    """Ingest so many events in batches of each size: parsed, judged, sealed, chained and flushed to disk."""
    bank.ingest(crowd.of_each(seed=0))  # each person's consents are known after it, as in use
    for size, count in events.items():
        coming = crowd.coming(count, seed=size)
        with short_collections():
            cpu, written = _taken(bank, coming, size=size)
            raw_cpu, raw_written = _raw(coming, size=size, path=folder / f"raw-{size}.sqlite")
        must, aim = _AIMS.get(size, (None, 0.0))
        name = f"ingest, {len(crowd.names):,} people, batches of {size:,}"
        yield Figure(
            own=Row(name=f"{name}: CPU, everything", unit="us/event", values={"mean": cpu}),
            yardsticks=(Row(name="raw SQLite, the same bodies", unit="us/event", values={"mean": raw_cpu}),),
            aim=Aim(of="mean", bound=aim, must=must, above=False) if aim else None,
        )
        must, aim = _BYTES.get(size, (None, 0.0))
        yield Figure(
            own=Row(name=f"{name}: written by the kernel", unit="bytes/event", values={"mean": written}),
            yardsticks=(Row(name="raw SQLite, the same bodies", unit="bytes/event", values={"mean": raw_written}),),
            aim=Aim(of="mean", bound=aim, must=must, above=False) if aim else None,
        )


def _taken(bank: Bank, coming: Sequence[bytes], *, size: int) -> tuple[float, float]:
    before, busy = written_bytes(), process_time()
    count = sum(bank.ingest(batch).rows for batch in batches(coming, size=size))
    time.sleep(SETTLING_SECONDS)
    return MICROSECONDS * (process_time() - busy) / count, max(written_bytes() - before, 1) / count


def _raw(events: Sequence[bytes], *, size: int, path: Path) -> tuple[float, float]:
    before, busy = written_bytes(), process_time()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE events (row INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    for batch in batches(events, size=size):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO events (body) VALUES (?)", ((body,) for body in batch))
        connection.execute("COMMIT")
    connection.close()
    count = len(events)
    return MICROSECONDS * (process_time() - busy) / count, max(written_bytes() - before, 1) / count


def written_bytes() -> int:
    """Give what this process made the kernel write to disk so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(next(line.partition(": ")[2] for line in lines if line.startswith("write_bytes")))

"""Decisions over HTTP by one worker process and by two: how many a second, and what one costs the processor.

On PostgreSQL the client, the workers and the database share the cores: there a request should cost what it costs one
worker, and no request should wait for a lock, for those under way are about different customers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import psycopg

import postgres_server
from bench import crowd as crowds
from bench.crowd import Crowd
from bench.figures import Aim, Figure, Row, absent
from bench.over_http import Client, decision_request, server
from bench.processes import cpu_seconds
from marketofone.store.postgres.schema import LOCKS, SEALER

AT_ONCE = 8  # questions under way
MILLISECONDS = 1_000.0
_LOOK_SECONDS = 0.005
_WAITING = "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
_SEALS = f"pg_advisory_xact_lock({LOCKS}, {SEALER})"


class Asked(NamedTuple):
    """How many questions were answered, in how many seconds, and the processor time of the server."""

    answers: int
    seconds: float
    cpu: float

    def and_more(self, other: Asked) -> Asked:
        """Add another turn."""
        return Asked(self.answers + other.answers, self.seconds + other.seconds, self.cpu + other.cpu)

    def row(self, workers: int) -> Row:
        """Give it as a line of the table."""
        values = {"decisions/s": self.answers / self.seconds, "CPU ms each": MILLISECONDS * self.cpu / self.answers}
        return Row(name=f"{workers} worker(s)", unit="", values=values)


def measure(crowd: Crowd, *, seconds: float, turns: int) -> Iterator[Figure]:
    """Ask as fast as answers come; turns of one and of two workers alternate."""
    one, two = _alternating(crowd, seconds=seconds, turns=turns)
    yield Figure(
        own=Row(
            name="decisions/s over HTTP, two workers against one, SQLite",
            unit="x",
            values={"times": two.answers / two.seconds / (one.answers / one.seconds)},
        ),
        yardsticks=(one.row(1), two.row(2)),
        aim=Aim(of="times", bound=1.8, must=1.4, above=True),
    )


def measure_server(folder: Path, *, people: int, past: int, seconds: float, turns: int) -> Iterator[Figure]:
    """Do the same on a PostgreSQL of its own, and look at who waits for a lock."""
    name = "CPU of a decision over HTTP, two workers against one, PostgreSQL"
    with postgres_server.running() as database:
        if database is None:
            yield Figure(own=absent(name, why="there is no PostgreSQL on this machine"))
            return
        address = database.create(stays=True)
        crowd = crowds.build(folder, people=people, events=past, forecasts=True, engine=address)
        with _watching(address) as looks:
            one, two = _alternating(crowd, seconds=seconds, turns=turns)
    yield Figure(
        own=Row(name=name, unit="x", values={"times": two.cpu / two.answers / (one.cpu / one.answers)}),
        yardsticks=(one.row(1), two.row(2)),
        aim=Aim(of="times", bound=1.1, must=1.1, above=False),
    )
    requests, sealers = (
        100.0 * sum(any((_SEALS in query) is seals for query in look) for look in looks) / len(looks)
        for seals in (False, True)
    )
    yield Figure(
        own=Row(
            name="requests that wait for a lock of another, PostgreSQL",
            unit="% of looks",
            values={"waiting": requests},
        ),
        yardsticks=(
            Row(name="sealers that wait for another, for no request", unit="% of looks", values={"sealing": sealers}),
        ),
        aim=Aim(of="waiting", bound=0.0, must=0.0, above=False),
    )


def _alternating(crowd: Crowd, *, seconds: float, turns: int) -> tuple[Asked, Asked]:
    asked = {1: Asked(0, 0.0, 0.0), 2: Asked(0, 0.0, 0.0)}
    for turn in range(turns):
        for workers, before in asked.items():
            more = _turn(crowd, workers=workers, seconds=seconds / turns, first=turn * 997)
            asked[workers] = before.and_more(more)
    return asked[1], asked[2]


def _turn(crowd: Crowd, *, workers: int, seconds: float, first: int) -> Asked:
    with server("bank", crowd.folder, workers=workers) as serving:
        asyncio.run(_asked(crowd, serving.port, seconds=1.0, first=first))
        began, busy = perf_counter(), cpu_seconds(serving.pid)
        count = asyncio.run(_asked(crowd, serving.port, seconds=seconds, first=first + 500))
        return Asked(count, perf_counter() - began, cpu_seconds(serving.pid) - busy)


@contextmanager
def _watching(address: str) -> Iterator[list[list[str]]]:
    """Look again and again which statements wait for a lock, for as long as the block lasts."""
    looks: list[list[str]] = []
    ended = threading.Event()

    def watch() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            while not ended.wait(_LOOK_SECONDS):
                looks.append([str(query) for (query,) in connection.execute(_WAITING)])

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield looks
    finally:
        ended.set()
        watching.join()


async def _asked(crowd: Crowd, port: int, *, seconds: float, first: int) -> int:
    """Ask with several questions under way; gives how many were answered."""
    clients = [Client(port, per_second=1e9) for _ in range(AT_ONCE)]
    until = perf_counter() + seconds

    async def one(number: int) -> int:
        done = 0
        while perf_counter() < until:
            name = crowd.names[(first + number + done * AT_ONCE) % len(crowd.names)]
            await clients[number].ask([decision_request(name, port=port)])
            done += 1
        return done

    return sum(await asyncio.gather(*(one(number) for number in range(AT_ONCE))))

"""Decisions over HTTP by one worker process and by two: how many a second, and what one costs the processor."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from time import perf_counter

from bench.crowd import Crowd
from bench.figures import Aim, Figure, Row
from bench.over_http import Client, decision_request, server

AT_ONCE = 8  # questions under way


def measure(crowd: Crowd, *, seconds: float, engine: str, turns: int = 2) -> Iterator[Figure]:
    """Ask as fast as answers come; turns of one and of two workers alternate."""
    asked = {workers: [0, 0.0, 0.0] for workers in (1, 2)}
    for number in range(turns):
        for workers, sums in asked.items():
            count, took, cpu = _round(crowd, workers=workers, seconds=seconds / turns, first=number * 997)
            sums[0], sums[1], sums[2] = sums[0] + count, sums[1] + took, sums[2] + cpu
    speed = {workers: count / took for workers, (count, took, _) in asked.items()}
    cost = {workers: 1_000.0 * cpu / count for workers, (count, _, cpu) in asked.items()}
    yield Figure(
        own=Row(
            name=f"decisions/s over HTTP, two workers against one, {engine}",
            unit="x",
            values={"times": speed[2] / speed[1]},
        ),
        yardsticks=tuple(
            Row(
                name=f"{workers} worker(s)",
                unit="",
                values={"decisions/s": speed[workers], "CPU ms each": cost[workers]},
            )
            for workers in asked
        ),
        aim=Aim(of="times", bound=1.8, must=1.4, above=True) if engine == "SQLite" else None,
    )


def _round(crowd: Crowd, *, workers: int, seconds: float, first: int) -> tuple[int, float, float]:
    before = _children()
    with server("bank", crowd.folder, workers=workers) as port:
        asyncio.run(_asked(crowd, port, seconds=1.0, first=first))
        began = perf_counter()
        count = asyncio.run(_asked(crowd, port, seconds=seconds, first=first + 500))
        took = perf_counter() - began
    return count, took, _children() - before


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


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

"""Decisions over HTTP while batches of 1,000 events arrive in the same process, beside the same decisions alone.

Rounds alternate: alone, beside, alone, beside. An answer's time counts from the moment its question was due.
"""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bench.crowd import Crowd
from bench.figures import Aim, Figure, Row
from bench.over_http import MILLISECONDS, Client, decision_request, server
from bench.serving import HOST

PER_SECOND = 20
BATCH = 1_000
ROUNDS = 4
_QUANTILES = (50, 99)
_MORE = {"p50": (8.0, 2.0), "p99": (25.0, 8.0)}  # milliseconds more than alone: must, aim
_TIMES = {"p50": (3.0, 1.5), "p99": (6.0, 3.0)}  # or in multiples of it


def measure(crowd: Crowd, *, seconds: float) -> Iterator[Figure]:
    """Ask for decisions at a fixed rate, with and without arrivals."""
    alone: list[float] = []
    beside: list[float] = []
    with server("bank", crowd.folder) as serving:
        port = serving.port
        _ask(crowd, port, seconds=1.0, first=0)
        for number in range(ROUNDS):
            first = 1_000 * (number + 1)
            alone += _ask(crowd, port, seconds=seconds / ROUNDS, first=first)
            with _arriving(crowd, port, seed=number):
                beside += _ask(crowd, port, seconds=seconds / ROUNDS, first=first + 500)
    calm, busy = (
        dict(zip(("p50", "p99"), np.percentile(of, _QUANTILES).tolist(), strict=True)) for of in (alone, beside)
    )
    about = f"decide over HTTP while batches of {BATCH:,} arrive"
    for name, (must, aim) in _MORE.items():
        more = max(busy[name] - calm[name], 0.001)
        yield Figure(
            own=Row(name=f"{about}, {name}: more than alone", unit="ms", values={"more": more}),
            yardsticks=(
                Row(name="alone, in the same run", unit="ms ", values={name: calm[name]}),
                Row(name="beside arrivals", unit="ms ", values={name: busy[name]}),
            ),
            aim=Aim(of="more", bound=aim, must=must, above=False),
        )
        most, wished = _TIMES[name]
        yield Figure(
            own=Row(name=f"{about}, {name}: against alone", unit="x", values={"times": busy[name] / calm[name]}),
            aim=Aim(of="times", bound=wished, must=most, above=False),
        )


def _ask(crowd: Crowd, port: int, *, seconds: float, first: int) -> list[float]:
    count = int(seconds * PER_SECOND)
    names = (crowd.names[(first + number) % len(crowd.names)] for number in range(count))
    requests = [decision_request(name, port=port) for name in names]
    return [MILLISECONDS * each for each in asyncio.run(Client(port, per_second=PER_SECOND).ask(requests))]


@contextmanager
def _arriving(crowd: Crowd, port: int, *, seed: int) -> Iterator[None]:
    """Post batches one after the other, as fast as they are taken, until the end."""
    ended = threading.Event()
    posting = threading.Thread(target=_post, args=(crowd, port, 1_000 + seed, ended))
    posting.start()
    try:
        yield
    finally:
        ended.set()
        posting.join()


def _post(crowd: Crowd, port: int, seed: int, ended: threading.Event) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    number = 0
    while not ended.is_set():
        body = b"[" + b",".join(crowd.coming(BATCH, seed=1_000 * seed + number)) + b"]"
        connection.request("POST", "/v1/events", body, {"Content-Type": "application/cloudevents-batch+json"})
        connection.getresponse().read()
        number += 1
    connection.close()

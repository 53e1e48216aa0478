"""Decisions over HTTP on loopback, asked at a fixed rate whatever the answers take; beside a plain ASGI echo.

An answer's time counts from the moment its question was *due*, so a server that falls behind cannot hide it. A question
that is refused, or not answered within half a minute, counts as half a minute.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.figures import Aim, Figure, Row, quantiles
from bench.serving import HOST
from bench.town import ACTIONS, OCCASION, Town

ROOT = Path(__file__).parents[1]
PER_SECOND = 200
MILLISECONDS = 1_000.0
WARM_UP_SECONDS = 2.0
LOST_SECONDS = 30.0
_OK = b"HTTP/1.1 200"


def measure(town: Town, people: Sequence[str], *, seconds: float) -> Iterator[Figure]:
    """Ask the bank, then the echo, the same questions."""
    asked = f"{PER_SECOND} requests/s"
    own = _asked("bank", f"decide over HTTP, {ACTIONS} eligible actions, {asked}", town, people, seconds=seconds)
    echo = _asked("echo", f"plain ASGI echo on uvicorn, {asked}", town, people, seconds=seconds)
    yield Figure(own=own, yardsticks=(echo,), aim=Aim(of="p50", bound=2.0, must=4.0, above=False))
    yield Figure(own=own, aim=Aim(of="p99", bound=6.0, must=10.0, above=False))


def _asked(what: str, name: str, town: Town, people: Sequence[str], *, seconds: float) -> Row:
    warm, count = int(WARM_UP_SECONDS * PER_SECOND), int((WARM_UP_SECONDS + seconds) * PER_SECOND)
    with server(what, town.folder) as serving:
        requests = [decision_request(people[number % len(people)], port=serving.port) for number in range(count)]
        took = asyncio.run(Client(serving.port, per_second=PER_SECOND).ask(requests))[warm:]
    lost = took.count(LOST_SECONDS)
    name += f" ({lost} of {len(took)} refused or lost)" if lost else ""
    return quantiles(name, "ms", [MILLISECONDS * each for each in took])


class Serving(NamedTuple):
    """A server that runs: where it listens, and its process."""

    port: int
    pid: int


@contextmanager
def server(what: str, folder: Path, *, workers: int = 1) -> Iterator[Serving]:
    """Start a server in a process of its own, and end it."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-m", "bench.serving", what, folder, str(port), str(workers)], cwd=ROOT)
    try:
        _await_answer(port, child)
        yield Serving(port, child.pid)
    finally:
        child.terminate()
        child.wait(LOST_SECONDS)


def _await_answer(port: int, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + LOST_SECONDS
    while time.monotonic() < until and child.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


def decision_request(person: str, *, port: int) -> bytes:
    """Write a question about a person as the bytes of a request."""
    body = json.dumps({"customer": person, "occasion": OCCASION}).encode()
    head = (
        f"POST /v1/decisions HTTP/1.1\r\nHost: {HOST}:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """Sends each request when it is due, on a connection that is idle, or on a new one."""

    def __init__(self, port: int, *, per_second: float) -> None:
        self._port = port
        self._per_second = per_second
        self._idle: deque[_Line] = deque()

    async def ask(self, requests: Sequence[bytes]) -> list[float]:
        """Ask, each at its time; gives how long each answer took, in seconds."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        asked = []
        for number, request in enumerate(requests):
            due = start + number / self._per_second
            await asyncio.sleep(due - loop.time())
            asked.append(asyncio.create_task(self._one(request, due)))
        answered, lost = await asyncio.wait(asked, timeout=LOST_SECONDS)
        for task in lost:
            task.cancel()
        for line in self._idle:
            line.transport.close()
        return [task.result() if task in answered else LOST_SECONDS for task in asked]

    async def _one(self, request: bytes, due: float) -> float:
        loop = asyncio.get_running_loop()
        line = next((line for line in self._popped() if not line.transport.is_closing()), None)
        if line is None:
            _, line = await loop.create_connection(_Line, HOST, self._port)
        accepted = await line.ask(request)
        took = loop.time() - due
        self._idle.append(line)
        return took if accepted else LOST_SECONDS

    def _popped(self) -> Iterator[_Line]:
        while self._idle:
            yield self._idle.pop()


class _Line(asyncio.Protocol):
    """One connection that is kept open: a request, then its whole answer."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[bool]:
        self._heard = bytearray()
        self._whole: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._whole

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) == length:
            self._whole.set_result(head.startswith(_OK))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever the reason, nothing was answered
        if not self._whole.done():
            self._whole.set_result(False)

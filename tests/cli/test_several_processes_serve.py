"""`serve --workers N`: several processes on one socket, one bank, and a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

import marketofone
from ports import kept_port

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-c", "from marketofone.cli import main; main()")
PATIENCE = 120  # seconds: more than a loaded machine takes


def children(pid: int) -> set[int]:
    """Give the processes that answer: children that were begun to work, and not the one that tidies up."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return {int(one) for one in found if b"spawn_main" in line_of(one)}


def line_of(pid: str) -> bytes:
    """Give the command line of a process; none once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@contextmanager
def served(project: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    with kept_port() as port:
        process = subprocess.Popen([*COMMAND, "serve", "--bank", str(project), "--port", str(port), *words])
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
                wait_for_health(client)
                yield process, client
        finally:
            process.kill()
            process.wait()


def wait_for_health(client: httpx.Client) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server never answered")


def fresh(client: httpx.Client, method: str, path: str, **more: object) -> httpx.Response:
    """Ask through a connection of its own, so that any process may answer."""
    return client.request(method, path, headers={"Connection": "close"}, **more)  # type: ignore[arg-type]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts processes by /proc")
def test_two_processes_answer_for_one_bank_replace_each_other_and_end_cleanly(project: Path) -> None:
    with served(project, "--workers", "2") as (server, client):
        until(lambda: len(children(server.pid)) == 2)
        workers = children(server.pid)
        statuses = Counter(
            fresh(client, "PUT", f"/v1/customers/c-{number % 5}/consents", json={"change": "grant"}).status_code
            for number in range(40)
        )
        assert statuses == {200: 40}
        assert {fresh(client, "GET", "/v1/customers/c-1/consents").json()["epoch"] for _ in range(20)} == {8}
        link = fresh(client, "POST", "/v1/customers/c-1/links", json={}).json()["path"]
        assert fresh(client, "GET", link).status_code == 303
        cookie = fresh(client, "GET", "/customer/c-1")
        token = cookie.cookies["marketofone-form"]
        said = {"say": "withdraw * * *", "token": token}
        for _ in range(8):  # a form that one process handed out is taken by the other
            assert fresh(client, "POST", "/customer/c-1/consents", data=said).status_code == 303

        os.kill(min(workers), signal.SIGKILL)
        until(lambda: len(children(server.pid) - workers) == 1)
        now = children(server.pid)
        wait_for_health(client)

        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
        assert not any(Path(f"/proc/{one}").exists() for one in now | workers)
    with marketofone.open(project) as bank:
        assert {cell.state for cell in bank.consents("c-1").cells} == {"withdrawn"}


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_one_process_ends_cleanly_too(project: Path, ending: signal.Signals) -> None:
    with served(project) as (server, client):
        assert client.put("/v1/customers/c-1/consents", json={"change": "grant"}).status_code == 200
        server.send_signal(ending)
        assert server.wait(PATIENCE) == 0
    assert not (project / "data" / "bank.sqlite-wal").exists()  # the store was closed

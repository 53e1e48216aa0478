"""``serve --workers 2``: several processes answer on one socket, and a person stays one person."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from people import ordinary_months

import marketofone
from bank_projects import Projects
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import Instant
from ports import kept_port

SAME, MARKETING, CONTACTS = 2, 3, 8  # a day, as the template of a bank says
STARTS = 120.0  # seconds: more than a loaded machine takes
MAIN = "from marketofone.cli import main; main()"


@pytest.fixture(scope="module")
def served(lasting_projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bank that knows two people."""
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("served") / "bank")
    with marketofone.open(folder) as bank:
        now = bank.now()
        for who in ("c-1", "c-2"):
            every = {"purposes": ("*",), "sources": ("*",), "channels": ("*",)}
            bank.consent(ConsentChange(customer=who, change="grant", since=now, **every), now=now)  # type: ignore[arg-type]
            bank.ingest(ordinary_months(who, until=Instant(now - 1), days=90), now=now)
    return folder


class Server(NamedTuple):
    """Where a server answers, and the process that watches over those that answer."""

    port: int
    watching: int


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[Server]:
    """Serve it by two processes."""
    with kept_port() as number:
        command = [sys.executable, "-c", MAIN, "serve", "--workers", "2", "--bank", str(served), "--port", str(number)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                wait_for(number, process)
                yield Server(number, process.pid)
            finally:
                process.send_signal(signal.SIGINT)
                said = process.communicate(timeout=STARTS)[1]
    assert process.returncode == 0, said
    assert "Traceback" not in said


@pytest.fixture
def port(server: Server) -> int:
    return server.port


def wait_for(port: int, server: subprocess.Popen[str]) -> None:
    until = time.monotonic() + STARTS
    while time.monotonic() < until and server.poll() is None:
        try:
            if asked(port, "GET", "/health")[0] == HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("the server did not start")


def asked(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask over a connection of its own, so that any of the processes may answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=STARTS)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def processes(port: int) -> set[int]:
    """Find the processes below this one that hold the listening socket."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        place, state, inode = (line.split()[at] for at in (1, 3, 9))
        if place.endswith(f":{port:04X}") and state == "0A":
            inodes.add(f"socket:[{inode}]")
    found = set()
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(fd.readlink()) in inodes:
                found.add(int(fd.parts[2]))
        except OSError:
            continue
    return found


def until_there_are_three(port: int, *, without: int = 0) -> None:
    until = time.monotonic() + STARTS
    while len(processes(port) - {without}) < 3:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_parallel_decisions_for_one_person_keep_every_cap_and_health_answers(port: int, served: Path) -> None:
    until_there_are_three(port)  # the two that answer, and the one that watches over them
    question = {"customer": "c-1", "occasion": "app.opened"}
    with ThreadPoolExecutor(9) as pool:
        pending = [pool.submit(asked, port, "POST", "/v1/decisions", question) for _ in range(40)]
        health = [pool.submit(asked, port, "GET", "/health") for _ in range(5)]
        assert {one.result()[0] for one in health} == {HTTPStatus.OK}
        answers = [one.result() for one in pending]

    assert {status for status, _ in answers} == {HTTPStatus.OK}
    with marketofone.open(served) as bank:
        actions = {action.id: action for action in bank.catalogue.actions}
        said = [actions[answer["action"]] for _, answer in answers if answer["action"] != "nothing"]
        assert said
        assert max(Counter(one.id for one in said).values()) <= SAME
        assert sum(one.marketing for one in said) <= MARKETING
        assert sum(one.kind not in ("alert", "outreach") for one in said) <= CONTACTS
        assert bank.replay().differences == 0
        report = bank.verify()
        assert report.ok, report.problems


def test_a_no_heard_by_one_process_is_obeyed_by_all(port: int) -> None:
    status, _ = asked(port, "PUT", "/v1/customers/c-2/consents", {"change": "withdraw"})
    assert status == HTTPStatus.OK
    for _ in range(8):
        status, decision = asked(port, "POST", "/v1/decisions", {"customer": "c-2", "occasion": "app.opened"})
        assert status == HTTPStatus.OK
        assert {source for _, source in decision["uses"]} <= {"protection"}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="finds the processes as Linux lists them")
def test_a_process_that_is_killed_is_replaced_and_others_go_on(server: Server) -> None:
    port = server.port
    killed = min(processes(port) - {server.watching})
    os.kill(killed, signal.SIGKILL)
    for _ in range(20):
        try:
            assert asked(port, "GET", "/health")[0] == HTTPStatus.OK
        except (ConnectionError, TimeoutError):  # it was in the hands of the one that was killed
            continue
    until_there_are_three(port, without=killed)
    assert server.watching in processes(port)

"""However little sense a request makes, however slowly it comes: it is refused with words, and others are answered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from starlette.exceptions import HTTPException

from marketofone.bank import Bank
from marketofone.domain.errors import MalformedRequest
from marketofone.web import connections, request_data
from marketofone.web.api import rows
from marketofone.web.app import build_app
from marketofone.web.server import config_of

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
MOST = 10_000
PATIENCE = 120  # seconds: more than a loaded machine takes; a test that holds waits for none of them
Connect = Callable[[], socket.socket]


@pytest.fixture
def port(bank: Bank) -> Iterator[int]:
    """Serve a bank as the command does, but in a thread."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        server = uvicorn.Server(config_of(build_app(bank), host="127.0.0.1", port=number))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield number
        server.should_exit = True
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def connect(port: int) -> Iterator[Connect]:
    with ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)))

        yield connect


@pytest.fixture
def door(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
        yield client


def heard(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def test_four_posts_of_millions_of_rows_are_refused_and_health_answers_meanwhile(door: httpx.Client) -> None:
    body = b"[" + b"1," * 4_000_000 + b"1]"
    with ThreadPoolExecutor(4) as pool:
        began = time.process_time()
        posts = [pool.submit(door.post, "/v1/events", content=body, headers=BATCH) for _ in range(4)]
        while not all(post.done() for post in posts):
            assert door.get("/health").status_code == 200
        seconds = time.process_time() - began
    for post in posts:
        answer = post.result()
        assert answer.status_code == 422
        assert answer.json()["detail"] == f"send at most {MOST} rows at once"
    assert seconds < 20  # of the processor: what others do on the machine does not count


def test_ten_thousand_rows_are_taken_and_one_more_is_refused(door: httpx.Client, bank: Bank) -> None:
    row = {"specversion": "1.0", "source": "/door", "type": "app.opened", "subject": "c-1",
           "time": "2026-01-05T08:00:00Z", "data": {}}  # fmt: skip
    sent = [json.dumps({**row, "id": str(number)}) for number in range(MOST + 1)]
    taken = door.post("/v1/events", content=f"[{','.join(sent[:MOST])}]", headers=BATCH)
    assert (taken.status_code, taken.json()["rows"], taken.json()["events"]) == (202, MOST, MOST)
    before = bank.counts()
    refused = door.post("/v1/events", content=f"[{','.join(sent)}]", headers=BATCH)
    assert (refused.status_code, refused.json()["detail"]) == (422, f"send at most {MOST} rows at once")
    assert bank.counts() == before


@pytest.mark.parametrize("text", ["1,[1,1],", '{"a":[1,2,3]},', '"a,b,\\",[",'])
def test_rows_are_counted_whatever_stands_in_them(text: str) -> None:
    most = 400_000
    rows.check_rows(f"[{text * (most // text.count(','))}1]".encode(), most=most)
    with pytest.raises(HTTPException, match="at most"):
        rows.check_rows(f"[{text * (most + 1)}1]".encode(), most=most)


def test_a_text_without_end_is_looked_through_once() -> None:
    body = b"[[" + b"," * rows.PLENTY + b'"' + b'\\"' * 500_000
    began = time.thread_time()
    rows.check_rows(body, most=MOST)
    assert rows.split(body) is None
    assert time.thread_time() - began < 5  # once for each of its quotes would take an hour


def test_a_body_that_never_ends_is_not_waited_for(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_data, "BODY_SECONDS", 0.3)
    connection = connect()
    connection.sendall(
        b"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99\r\n\r\n{"
    )
    answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not end in time" in answer


def drip(connection: socket.socket) -> None:
    """Begin a head, and send it line by line without an end."""
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
    end = time.perf_counter() + PATIENCE
    while time.perf_counter() < end:
        connection.sendall(b"X-Drop: 1\r\n")
        time.sleep(0.05)


def test_half_a_head_is_not_waited_for_however_it_drips(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    silent, dripping = connect(), connect()
    with pytest.raises(OSError, match=r"reset|pipe|aborted"):
        drip(dripping)
    assert heard(silent) == b""


def test_whoever_sends_whole_requests_is_answered_beside_many_who_do_not(
    connect: Connect, door: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 8)
    for number in range(30):
        connection = connect()
        if number % 2:
            connection.sendall(
                b"PUT /v1/customers/c/consents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 99\r\n\r\n"
            )
    assert door.get("/health").status_code == 200


def test_too_many_bytes_at_once_are_asked_to_come_again(door: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_data, "MAX_HELD_BYTES", 10)
    answer = door.put("/v1/customers/c-1/consents", json={"change": "grant"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    monkeypatch.undo()
    assert door.put("/v1/customers/c-1/consents", json={"change": "grant"}).status_code == 200


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", ".", "..", "\N{SNOWMAN}", "a" * 129, "a?b", "a#b"])
def test_an_id_that_no_address_can_carry_is_refused_at_every_door(door: httpx.Client, bank: Bank, name: str) -> None:
    bank.ingest([json.dumps({"specversion": "1.0", "id": "1", "source": "/door", "type": "app.opened", "subject": "c-1",
                             "time": "2026-01-05T08:00:00Z", "data": {}}).encode()])  # fmt: skip
    asked = {"customer": "c-1", "occasion": "app.opened", "id": name}
    answer = door.post("/v1/decisions", json=asked)
    assert (answer.status_code, answer.json()["field"]) == (400, "id")
    if name:  # the Python face makes an id where none is given
        with pytest.raises(MalformedRequest, match=r"id: .*letters, digits"):
            bank.decide("c-1", occasion="app.opened", id=name)


@pytest.mark.parametrize("name", [".", ".."])
def test_a_customer_that_no_address_can_carry_is_kept_aside(bank: Bank, name: str) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/door", "type": "app.opened", "subject": name,
             "time": "2026-01-05T08:00:00Z", "data": {}}  # fmt: skip
    assert bank.ingest([json.dumps(event).encode()]).dead_letters == 1


@pytest.mark.parametrize("name", ["a/b:c", "...", "a.b", "x-1_2", "a" * 128])
def test_every_id_that_is_taken_can_be_asked_for(door: httpx.Client, bank: Bank, name: str) -> None:
    bank.ingest([json.dumps({"specversion": "1.0", "id": "1", "source": "/door", "type": "app.opened", "subject": "c-1",
                             "time": "2026-01-05T08:00:00Z", "data": {}}).encode()])  # fmt: skip
    door.post("/v1/decisions", json={"customer": "c-1", "occasion": "app.opened", "id": name})
    assert door.get(f"/v1/decisions/{quote(name, safe='')}").json()["id"] == name

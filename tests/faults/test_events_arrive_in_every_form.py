"""Events arrive as the HTTP binding of CloudEvents says, and as lines: in any charset, packed or not."""

from __future__ import annotations

import codecs
import gzip
import json
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from situations import NOW, said_in, says

import marketofone
from bank_projects import Projects
from marketofone.bank import Bank
from marketofone.domain.cloudevents import parse_event
from marketofone.web.app import build_app

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

JSON, EVENT, BATCH, LINES = (
    f"application/{name}" for name in ("json", "cloudevents+json", "cloudevents-batch+json", "x-ndjson")
)
PACKED = {"Content-Encoding": "gzip"}
LIMIT = 8 * 1024 * 1024
BINARY = {
    "ce-specversion": "1.0",
    "ce-source": "/forms",
    "ce-type": "transaction.booked",
    "ce-subject": "c-1",
    "ce-time": "2026-01-05T07:00:00Z",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[Bank]:
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("forms") / "bank")
    with marketofone.open(folder, clock=lambda: NOW) as bank:
        says(bank, "c-1")
        yield bank


@pytest.fixture(scope="module")
def door(house: Bank) -> Iterator[TestClient]:
    with TestClient(build_app(house), base_url="http://localhost") as client:
        yield client


def event(id: str, **facts: Any) -> dict[str, Any]:  # noqa: A002
    data = {"account": "a", "amount_minor": -100, "currency": "EUR", **facts}
    named = {name.removeprefix("ce-"): value for name, value in BINARY.items()}
    return {**named, "id": id, "datacontenttype": JSON, "data": data}


def post(
    door: TestClient, body: bytes, media: str = JSON, headers: dict[str, str] | None = None, *, status: int = 202
) -> dict[str, Any]:
    answer = door.post("/v1/events", content=body, headers={"Content-Type": media, **(headers or {})})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["status"] == status
    return told


def last(house: Bank) -> Any:
    kept = said_in(house, "c-1")[-1].events[-1]  # type: ignore[attr-defined]
    return parse_event(kept.body)


def test_binary_mode_keeps_the_event_that_structured_mode_would(door: TestClient, house: Bank) -> None:
    told = event("b-1", merchant="Zürich")
    body = json.dumps(told["data"]).encode()
    more = {"ce-id": "b%2D1", "ce-partitionkey": "7", "ce-data": "ignored", "Content-Encoding": "identity"}
    assert post(door, body, f"{JSON}; charset=utf-8", {**BINARY, **more})["events"] == 1
    assert last(house) == parse_event(json.dumps(told).encode())
    assert post(door, json.dumps(told).encode(), EVENT)["duplicates"] == 1
    assert post(door, json.dumps([told]).encode(), BATCH, BINARY)["duplicates"] == 1  # its headers are a copy


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Z%c3%bcrich%20%E2%82%AC%20%F0%9F%98%80", "Z\u00fcrich \u20ac \U0001f600"),
        ('"a \\"b\\" \\\\ %25"', 'a "b" \\ %'),
        ("100%", "100%"),
        ("%2541", "%41"),  # once only
        ("%61bc", "abc"),
    ],
)
def test_header_values_are_unquoted_and_percent_decoded_once(
    door: TestClient, house: Bank, written: str, meant: str
) -> None:
    body = json.dumps(event("x")["data"]).encode()
    assert post(door, body, JSON, {**BINARY, "ce-id": f"v-{len(meant)}", "ce-source": written})["events"] == 1
    assert last(house).producer == meant


@pytest.mark.parametrize("source", ["%C0%A0", "%ED%A0%80", "%ff"])
def test_a_header_that_is_no_utf8_is_refused(door: TestClient, source: str) -> None:
    told = post(door, b"{}", JSON, {**BINARY, "ce-id": "1", "ce-source": source}, status=400)
    assert (told["field"], told["shape"]) == ("ce-source", "no UTF-8")


def test_what_is_wrong_in_binary_mode_is_told_by_its_field(door: TestClient) -> None:
    body = json.dumps(event("x")["data"]).encode()
    without = {name: value for name, value in BINARY.items() if name != "ce-subject"}
    assert post(door, body, JSON, {**without, "ce-id": "w-1"})["errors"][0]["field"] == "subject"
    assert post(door, b"", JSON, {**BINARY, "ce-id": "w-2"})["errors"][0]["field"] == "data"
    assert post(door, b'{"a":', JSON, {**BINARY, "ce-id": "w-3"}, status=400)["field"] == "body"
    older = {**BINARY, "ce-id": "w-4", "ce-specversion": "0.3"}
    assert post(door, body, JSON, older)["errors"][0]["field"] == "specversion"
    assert post(door, body, "text/plain", BINARY, status=415)["title"] == "Unsupported Media Type"
    twice = [("Content-Type", JSON), *BINARY.items(), ("ce-id", "1"), ("ce-id", "2")]
    answer = door.post("/v1/events", content=body, headers=twice)
    assert (answer.status_code, answer.json()["field"]) == (400, "ce-id")


def test_lines_are_judged_one_by_one(door: TestClient) -> None:
    rows = [json.dumps(event("l-1")).encode(), b"", b"no event", b"  ", json.dumps(event("l-2")).encode(), b'"\xff"']
    told = post(door, b"\r\n".join(rows) + b"\n", LINES)
    assert (told["rows"], told["events"], told["dead_letters"]) == (4, 2, 2)
    assert [error["row"] for error in told["errors"]] == [1, 3]
    assert post(door, b"\n" * 20_000, LINES)["rows"] == 0
    assert "at most" in post(door, b"1\n" * 10_001, LINES, status=422)["detail"]


@pytest.mark.parametrize("media", [EVENT, BATCH, JSON, LINES])
def test_a_body_may_be_marked_packed_and_in_other_letters(door: TestClient, house: Bank, media: str) -> None:
    def body(number: int) -> str:
        told = json.dumps(event(f"c-{media}-{number}", merchant="Łódź"), ensure_ascii=False)
        return f"[{told}]" if media == BATCH else told

    marked = codecs.BOM_UTF8 + body(1).encode()
    assert post(door, marked, media)["events"] == 1
    assert last(house).data.merchant == "Łódź"
    for number, charset in enumerate(("utf-16", "utf-32-be", "ISO-8859-2", '"Windows-1250"'), start=2):
        packed = gzip.compress(body(number).encode(charset.strip('"')))
        assert post(door, packed, f"{media}; charset={charset}", PACKED)["events"] == 1
        assert last(house).data.merchant == "Łódź"
    assert post(door, body(2).encode("utf-16"), media)["duplicates"] == 1  # its mark says so


def test_other_requests_may_be_packed_and_in_other_letters_too(door: TestClient) -> None:
    said = json.dumps({"change": "grant", "purposes": ["insights"]}).encode("utf-16-le")
    headers = {"Content-Type": f"{JSON};charset=UTF-16LE", "Content-Encoding": "gzip"}
    answer = door.put("/v1/customers/c-9/consents", content=gzip.compress(said), headers=headers)
    assert answer.status_code == 200


def bomb(*, times: int) -> bytes:
    """Pack the most that may be sent some times over: once, and its bytes again and again, so that it is quick.

    The sum at the end is that of one time: who reads so far has failed.
    """
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(LIMIT)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + times * block + packer.flush()


def test_a_bomb_is_refused_before_it_fills_the_memory(door: TestClient) -> None:
    told = post(door, bomb(times=200), JSON, PACKED, status=413)
    assert told["detail"] == f"send at most {LIMIT} bytes, unpacked"
    within = gzip.compress(json.dumps(event("bomb-1")).encode()) + bytes(64)
    assert post(door, within, JSON, {"Content-Encoding": "x-gzip"})["events"] == 1


@pytest.mark.parametrize(
    "body",
    [b"{}", b"", b"\0\0", gzip.compress(b"{}", mtime=0)[:-3], gzip.compress(b"{}", mtime=0) + b"more", b"\x1f\x8b"],
    ids=["plain", "nothing", "zeros", "cut off", "with more behind it", "its beginning"],
)
def test_what_is_not_packed_as_it_says_is_refused(door: TestClient, body: bytes) -> None:
    assert post(door, body, JSON, PACKED, status=400)["shape"] == "no whole gzip"


@pytest.mark.parametrize(
    ("media", "headers"),
    [
        (f"{JSON}; charset=punycode", {}),
        (f"{JSON}; charset=rot13", {}),
        (f"{JSON}; charset=no-such", {}),
        (JSON, {"Content-Encoding": "br"}),
        (JSON, {"Content-Encoding": "gzip, gzip"}),
        ("application/ndjson+zip", {}),
    ],
)
def test_other_charsets_and_encodings_are_refused_with_those_that_are_taken(
    door: TestClient, media: str, headers: dict[str, str]
) -> None:
    answer = door.post("/v1/events", content=b"{}", headers={"Content-Type": media, **headers})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip")
    assert LINES in answer.headers["accept-post"]


def test_a_body_that_is_no_text_of_its_charset_is_refused(door: TestClient) -> None:
    told = post(door, b'"\xff"', f"{JSON}; charset=ascii", status=400)
    assert (told["field"], told["shape"]) == ("body", "no text in ascii")

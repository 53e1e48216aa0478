"""Whatever headers and bodies say: an event in binary mode is taken, kept aside or refused with words, never a 500."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import marketofone
from marketofone import wiring
from marketofone.domain.event import KINDS
from marketofone.web.app import build_app

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

pytestmark = pytest.mark.fuzz

EXAMPLES = 600
VALUES = st.one_of(
    st.binary(max_size=30).map(lambda raw: raw.translate(None, b"\r\n\0").strip()),
    st.text(max_size=20).map(lambda text: "".join(f"%{byte:02x}" for byte in text.encode(errors="replace")).encode()),
    st.sampled_from((b"1.0", b"c-1", b"/a", b"2026-01-05T07:00:00Z", b'"', b'"\\', b'"\\""', b"%", b"%C0%A0")),
    st.sampled_from([kind.encode() for kind in KINDS]),
)
NAMES = st.sampled_from(
    ("ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "CE-TIME", "ce-data", "ce-", "ce-a_b", "ce-x")
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=60) | JSONS.map(lambda value: json.dumps(value).encode())
MEDIA = st.sampled_from(
    ("application/json", "application/json; charset=utf-16", "application/x-ndjson", "application/")
)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("binary")
    wiring.lay_out(folder)
    with (
        marketofone.open(folder) as bank,
        TestClient(build_app(bank), base_url="http://localhost", raise_server_exceptions=False) as client,
    ):
        yield client


def test_an_event_in_headers_is_always_answered_with_sense(door: TestClient) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        headers=st.lists(st.tuples(NAMES, VALUES), max_size=9),
        body=BODIES,
        media=MEDIA,
        packed=st.sampled_from(("", "gzip", "lie")),
    )
    def attack(headers: list[tuple[str, bytes]], body: bytes, media: str, packed: str) -> None:
        sent = [(name.encode(), value) for name, value in headers]
        sent += [(b"content-type", media.encode())] + ([(b"content-encoding", b"gzip")] if packed else [])
        answer = door.post("/v1/events", content=gzip.compress(body) if packed == "gzip" else body, headers=sent)
        assert answer.status_code in {202, 400, 415, 422}, answer.text
        told = answer.json()
        if answer.status_code == 202:
            assert told["rows"] == told["events"] + told["dead_letters"] + told["duplicates"]
        else:
            assert answer.headers["content-type"] == "application/problem+json"
            assert told["status"] == answer.status_code

    attack()

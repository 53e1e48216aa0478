"""Consents come in bulk through the door as by the command: a table or lines, and the same rows once."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import marketofone
from marketofone.bank import Bank
from marketofone.importers import consents
from marketofone.services.rights.consent_import import Told, import_consents
from marketofone.web.app import build_app
from proofs import proven

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from httpx import Response
    from starlette.testclient import TestClient

HEADER = "customer,change,purposes,sources,channels,until,since,authority"
END = (datetime.now(tz=UTC) + timedelta(days=90)).date().isoformat()
TABLE = "\r\n".join(
    [
        HEADER,
        f'c-1,grant,"insights, care",transactions,*,{END},,notice 7',
        "",
        "c-2,grant,resale,*,*,,,letter",
        "c-1,withdraw,care,,,,,letter",
    ]
)
LINES = "\n".join(
    json.dumps(one)
    for one in (
        {"customer": "c-1", "change": "grant", "purposes": "insights care", "sources": "*", "channels": "*"},
        {"customer": "c-2", "change": "forbid"},
    )
)
Post = Callable[..., Response]


@pytest.fixture
def house(project: Path) -> Iterator[Bank]:
    with marketofone.open(project) as bank:
        yield bank


@pytest.fixture
def post(house: Bank) -> Iterator[Post]:
    with TestClient(build_app(house), base_url="http://localhost") as client:

        def post(body: str | bytes, media: str = "text/csv", query: str = "") -> Response:
            answer: Response = client.post(f"/v1/consents{query}", content=body, headers={"Content-Type": media})
            return answer

        yield post


def counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    assert told["rows"] == told["changes"] + told["duplicates"] + told["dead_rows"]
    return told["rows"], told["changes"], told["duplicates"], told["dead_rows"]


def standing(house: Bank, purpose: str) -> set[str]:
    return {
        cell.state for cell in house.consents("c-1").cells if (cell.purpose, cell.source) == (purpose, "transactions")
    }


def test_a_table_is_taken_row_by_row_with_authority_and_end(house: Bank, post: Post) -> None:
    told = post(TABLE).json()
    assert counts(told) == (3, 2, 0, 1)
    assert told["granted_until"].startswith(END)
    assert [(one["field"], one["rows"], one["line"]) for one in told["reasons"]] == [("purposes", 1, 4)]
    assert (standing(house, "insights"), standing(house, "care")) == ({"granted"}, {"withdrawn"})

    assert counts(post(TABLE).json()) == (3, 0, 2, 1)
    proven(house)


def test_lines_take_their_authority_from_the_address_where_they_name_none(house: Bank, post: Post) -> None:
    media = "application/x-ndjson"
    assert [one["field"] for one in post(LINES, media).json()["reasons"]] == ["authority", "change"]
    told = post(LINES, media, "?authority=notice%207").json()
    assert counts(told) == (2, 1, 0, 1)
    assert [(one["field"], one["line"]) for one in told["reasons"]] == [("change", 2)]
    assert standing(house, "insights") == {"granted"}


def test_what_came_by_a_file_is_known_at_the_door(house: Bank, post: Post, tmp_path: Path) -> None:
    file = tmp_path / "said.csv"
    file.write_bytes(TABLE.encode())
    now = house.now()
    rows = [
        Told(row.line, (row.change, row.key))
        for row in consents.read(file, calendar=house.calendar, now=now)
        if isinstance(row, consents.ConsentRow)
    ]
    import_consents(house.context, rows, record=house.consents_told, now=now)
    assert counts(post(TABLE).json()) == (3, 0, 2, 1)


@pytest.mark.parametrize(
    ("body", "media", "status", "field"),
    [
        (TABLE.replace("until", "untill", 1), "text/csv", 400, "body"),
        ("", "text/csv", 400, "body"),
        (b"\xff\x00", "text/csv", 400, "body"),
        (TABLE, "text/plain", 415, None),
        ("\n".join("{}" for _ in range(10_001)), "application/x-ndjson", 422, None),
        ("\n".join([HEADER, *(f"c-{number}" for number in range(10_001))]), "text/csv", 422, None),
    ],
    ids=["a misspelt column", "nothing", "no text", "another type", "too many lines", "too many rows"],
)
def test_what_is_no_such_body_is_refused_before_anything_is_recorded(
    house: Bank, post: Post, body: str | bytes, media: str, status: int, field: str | None
) -> None:
    answer = post(body, media)
    assert answer.status_code == status
    assert answer.json().get("field") == field
    assert house.epoch("c-1") == 0


@pytest.mark.parametrize("query", ["?authority=", "?authority=" + "x" * 201])
def test_an_authority_that_says_nothing_or_too_much_is_refused(post: Post, query: str) -> None:
    assert post(TABLE, query=query).json()["field"] == "authority"

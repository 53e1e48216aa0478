"""Programs at the door: events in, decisions out, outcomes back, consents, and an answer to everything else."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import anyio
import pytest
from starlette.types import Message

import marketofone
from bank_projects import Projects
from marketofone.bank import Bank
from marketofone.domain.moment import DAY, Instant
from marketofone.web.app import build_app

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/journey",
    "type": "app.opened",
    "subject": "c-1",
    "time": "2026-01-05T08:00:00Z",
    "data": {},
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[Bank]:
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("house") / "bank")
    with marketofone.open(folder) as bank:
        known = [{**EVENT, "id": f"known-{number}", "subject": f"c-{number}"} for number in range(2, 7)]
        bank.ingest(json.dumps(event).encode() for event in known)
        yield bank


@pytest.fixture
def door(house: Bank) -> Iterator[TestClient]:
    with TestClient(build_app(house), base_url="http://localhost") as client:
        yield client


def events(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**EVENT, "id": f"e-{number}", **changes} for number in numbers]


def test_one_event_and_a_batch_are_taken_in(door: TestClient) -> None:
    door.put("/v1/customers/c-1/consents", json={"change": "grant", "sources": ["app"]})
    one = door.post("/v1/events", content=json.dumps(events(1)[0]), headers={"Content-Type": "application/json"})
    assert one.status_code == HTTPStatus.ACCEPTED
    counts = {"rows": 1, "events": 1, "dead_letters": 0, "duplicates": 0, "refused": 0, "gaps": 0}
    answer = one.json()
    assert {name: answer[name] for name in (*counts, "errors")} == {**counts, "errors": []}
    many = door.post("/v1/events", content=json.dumps(events(1, 2, 3)), headers=BATCH).json()
    assert (many["rows"], many["events"], many["duplicates"]) == (3, 2, 1)


def test_every_acknowledgement_names_the_entries_that_prove_it(house: Bank, door: TestClient) -> None:
    said = door.put("/v1/customers/c-9/consents", json={"change": "grant"}).json()
    taken = door.post("/v1/events", content=json.dumps([*events(91, 92, subject="c-9"), {}]), headers=BATCH).json()
    asked = {"customer": "c-9", "occasion": "app.opened", "id": "proved"}
    decided, again = (door.post("/v1/decisions", json=asked).json() for _ in range(2))
    heard = door.post("/v1/outcomes", json={"decision": "proved", "verdict": "ignored"}).json()
    question = door.post("/v1/decisions", json={**asked, "as_of": "2026-01-06", "id": "question"}).json()
    refused = door.post("/v1/events", content=json.dumps(events(91, subject="c-9")), headers=BATCH).json()

    proofs = [said["entry"], *taken["entries"], decided["entry"], heard["entry"]]
    with house.context.store.read() as reader:
        kept = [next(iter(reader.entries(one["subject"], after=one["n"] - 1, upto=one["n"]))) for one in proofs]
    assert [entry.hash.hex() for entry in kept] == [one["hash"] for one in proofs]
    assert [entry.kind for entry in kept] == ["consent", "letters", "ingest", "decision", "outcome"]
    assert again["entry"] == decided["entry"]
    assert question["entry"] is None
    assert (refused["duplicates"], refused["entries"]) == (1, [])


def test_what_may_not_be_kept_burns_no_id_and_may_be_sent_again(door: TestClient) -> None:
    first = door.post("/v1/events", content=json.dumps(events(20, subject="c-shy")), headers=BATCH).json()
    assert (first["events"], first["refused"], first["duplicates"]) == (1, 1, 0)
    door.put("/v1/customers/c-shy/consents", json={"change": "grant", "sources": ["app"]})
    again = door.post("/v1/events", content=json.dumps(events(20, subject="c-shy")), headers=BATCH).json()
    assert (again["events"], again["refused"], again["duplicates"]) == (1, 0, 0)


@pytest.mark.parametrize(
    "bad",
    [
        b'{"subject": "\\ud800"}',
        b'{"subject": "\xff"}',
        b'{"subject": "a\nb"}',
        b'{"subject": "\\q, ]"}',
        b'{"data": {"amount_minor": NaN}}',
        b'{"data": [1, 2,]}',
        b"tea",
    ],
)
def test_a_row_that_is_no_json_is_kept_aside_and_the_others_are_taken(door: TestClient, bad: bytes) -> None:
    good = [json.dumps(one).encode() for one in events(101, 102, subject=f"c-{bad.hex()}")]

    answer = door.post("/v1/events", content=b" [ %b , %b,%b]\n" % (good[0], bad, good[1]), headers=BATCH)

    assert answer.status_code == HTTPStatus.ACCEPTED
    told = answer.json()
    assert (told["rows"], told["events"], told["dead_letters"]) == (3, 2, 1)
    assert [(error["row"], bool(error["shape"] and error["fix"])) for error in told["errors"]] == [(1, True)]


@pytest.mark.parametrize(
    "body", [b"[1, NaN", b"[1, NaN,]", b"[,NaN]", b"[NaN}", b'["tea]', b"[NaN] 1", b"[NaN]]", b"NaN", b"[{]}", b"[1 2"]
)
def test_what_is_no_array_is_refused_whole(door: TestClient, body: bytes) -> None:
    answer = door.post("/v1/events", content=body, headers=BATCH)

    assert (answer.status_code, answer.json()["field"]) == (HTTPStatus.BAD_REQUEST, "body")


def test_each_bad_row_is_named_and_the_rest_is_kept(door: TestClient) -> None:
    rows = [
        *events(10),
        *events(11, type="tea.spilled"),
        5,
        *events(12, time="2199-01-01T00:00:00Z"),
        *events(13, data={"device": 7}),
        *events(14),
        *events(15, data={"i lost my job, pregnant": 1}),
    ]
    answer = door.post("/v1/events", content=json.dumps(rows), headers=BATCH).json()
    assert (answer["rows"], answer["events"], answer["dead_letters"]) == (7, 2, 5)
    assert [(error["row"], error["field"]) for error in answer["errors"]] == [
        (1, "type"),
        (2, "event"),
        (3, "time"),
        (4, "data.device"),
        (6, "data"),
    ]
    assert "pregnant" not in str(answer), "the name of a field may be what somebody wrote"
    assert all(error["shape"] and error["fix"] for error in answer["errors"])


def test_a_decision_is_made_recalled_answered_and_given_again(door: TestClient) -> None:
    asked = {"customer": "c-2", "occasion": "app.opened", "id": "j-1"}
    made = door.post("/v1/decisions", json=asked)
    assert made.status_code == HTTPStatus.OK
    decision = made.json()
    assert decision["because"]
    assert decision["propensity"] > 0
    assert {"id", "customer", "occasion", "action", "not_used", "seconds", "title"} <= set(decision)
    again = door.post("/v1/decisions", json=asked).json()
    assert {**again, "seconds": 0} == {**decision, "seconds": 0}
    traced = door.get("/v1/decisions/j-1").json()
    assert "instead" not in decision, "it is found when somebody asks"
    assert traced["instead"] is None or set(traced["instead"]) == {"change", "action"}
    assert traced["untold"] == ""
    assert sum(candidate["propensity"] for candidate in traced["candidates"]) == pytest.approx(1.0, abs=1e-3)
    assert door.post("/v1/outcomes", json={"decision": "j-1", "verdict": "ignored"}).status_code == HTTPStatus.OK
    assert [outcome["verdict"] for outcome in door.get("/v1/decisions/j-1").json()["outcomes"]] == ["ignored"]
    other = door.post("/v1/decisions", json={**asked, "channel": "email"})
    assert other.status_code == HTTPStatus.CONFLICT


def test_an_answer_is_changed_at_the_door_and_both_are_told_with_their_moments(door: TestClient) -> None:
    door.post("/v1/decisions", json={"customer": "c-6", "occasion": "app.opened", "id": "changed"})
    said = {"decision": "changed", "verdict": "declined", "why": "too often"}
    first, again = (door.post("/v1/outcomes", json=said).json() for _ in range(2))
    other = door.post("/v1/outcomes", json={"decision": "changed", "verdict": "accepted"}).json()
    before = door.post("/v1/outcomes", json={**said, "as_of": "2026-01-06T08:00:00Z"}).json()

    assert [one["changes"] for one in (first, again, other, before)] == [None, "nothing", "answer", "nothing"]
    assert [one["entry"] is None for one in (first, again, other)] == [False, False, False]
    told = door.get("/v1/decisions/changed").json()["outcomes"]
    assert [(one["verdict"], one.get("changes")) for one in told] == [
        ("declined", None),
        ("declined", "nothing"),
        ("accepted", "answer"),
        ("declined", "nothing"),
    ]


def test_an_answer_that_comes_too_late_is_refused_at_the_door(house: Bank, door: TestClient) -> None:
    at = Instant(house.now() - 40 * DAY)
    house.ingest([json.dumps({**EVENT, "subject": "c-40"}).encode()], now=at)
    house.decide("c-40", occasion="app.opened", id="late", now=at)

    refused = door.post("/v1/outcomes", json={"decision": "late", "verdict": "accepted"})

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert (refused.json()["field"], "30 days" in refused.json()["shape"]) == ("at", True)
    assert door.post("/v1/outcomes", json={"decision": "late", "verdict": "ignored"}).status_code == HTTPStatus.OK


def test_an_id_names_one_decision_of_each_customer(door: TestClient) -> None:
    for customer in ("c-3", "c-5"):
        made = door.post("/v1/decisions", json={"customer": customer, "occasion": "app.opened", "id": "both"})
        assert made.status_code == HTTPStatus.OK
    unnamed = door.get("/v1/decisions/both")
    assert (unnamed.status_code, unnamed.json()["field"]) == (HTTPStatus.BAD_REQUEST, "customer")
    assert "several customers have one" in unnamed.json()["fix"]
    assert door.get("/v1/decisions/both?customer=c-3").json()["customer"] == "c-3"
    heard = {"decision": "both", "verdict": "ignored"}
    assert door.post("/v1/outcomes", json=heard).json()["field"] == "customer"
    assert door.post("/v1/outcomes", json={**heard, "customer": "c-5"}).status_code == HTTPStatus.OK
    assert door.get("/v1/decisions/both?customer=c-3").json()["outcomes"] == []
    assert len(door.get("/v1/decisions/both?customer=c-5").json()["outcomes"]) == 1


def test_consents_are_put_and_hold_at_once(door: TestClient) -> None:
    path = "/v1/customers/c%2F4/consents"
    assert {cell["state"] for cell in door.get(path).json()["cells"]} == {"never"}
    granted = door.put(path, json={"change": "grant", "purposes": ["insights"]}).json()
    assert granted["customer"] == "c/4"
    assert {cell["state"] for cell in granted["cells"] if cell["purpose"] == "insights"} == {"granted"}
    withdrawn = door.put(path, json={"change": "withdraw", "sources": ["location"]}).json()
    states = {(cell["purpose"], cell["source"]): cell["state"] for cell in withdrawn["cells"]}
    assert states["insights", "location"] == "withdrawn"
    assert states["insights", "transactions"] == "granted"
    assert door.get("/v1/customers/c%2F4/profile").status_code == HTTPStatus.OK
    assert door.get("/v1/customers/c%2F4/insights").json() == []
    assert door.get("/v1/customers/c%2F4/forecast").json()["total"] is None
    assert door.get("/v1/customers/c%2F4/uses").json()[0]["purpose"] == "insights"


def test_an_objection_is_put_without_words_and_beats_a_grant_until_it_is_lifted(door: TestClient) -> None:
    path = "/v1/customers/c%2F4/consents"

    def states(change: str) -> set[str]:
        answer = door.put(path, json={"change": change})
        assert answer.status_code == HTTPStatus.OK
        return {cell["state"] for cell in answer.json()["cells"] if cell["purpose"] == "marketing"}

    assert [states(change) for change in ("grant", "object", "grant", "lift", "withdraw")] == [
        {"granted"}, {"objected"}, {"objected"}, {"granted"}, {"withdrawn"}
    ]  # fmt: skip


def test_a_pause_is_put_with_its_end_and_resumed(door: TestClient) -> None:
    path = "/v1/customers/c%2F5/consents"
    door.put(path, json={"change": "grant"})
    until = (datetime.now(tz=UTC) + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    paused = door.put(path, json={"change": "pause", "purposes": ["care"], "until": until}).json()
    assert (paused["until"], paused["paused_until"]) == (until, until)
    stands = {one["purpose"]: (one["standing"], one["paused_until"]) for one in paused["purposes"]}
    assert (stands["care"], stands["insights"]) == (("off", until), ("on", None))
    assert paused["on"] < paused["of"]
    resumed = door.put(path, json={"change": "resume"}).json()
    assert (resumed["until"], resumed["paused_until"], resumed["objected"]) == (None, None, False)
    assert resumed["on"] == resumed["of"]


def test_a_refusal_is_a_problem_with_its_reason(door: TestClient) -> None:
    door.put("/v1/customers/c-5/consents", json={"change": "withdraw"})
    answer = door.get("/v1/customers/c-5/forecast")
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:marketofone:problem:consent-refused",
        "title": "The person did not allow it",
        "status": 403,
        "detail": "no forecast: you said no",
    }


JSON = {"Content-Type": "application/json"}
DECISIONS = "/v1/decisions"
GOOD = '{"customer":"c-6","occasion":"app.opened"}'


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "field"),
    [
        ("POST", DECISIONS, JSON, "", 400, "body"),
        ("POST", DECISIONS, JSON, "{", 400, "body"),
        ("POST", DECISIONS, JSON, '{"customer":"c-6"}', 400, "occasion"),
        ("POST", DECISIONS, JSON, '{"customer":"c-6","occasion":"app.opened","colour":1}', 400, "colour"),
        ("POST", DECISIONS, JSON, '{"customer":"c 6","occasion":"app.opened"}', 400, "customer"),
        ("POST", DECISIONS, JSON, '{"customer":"\\ud800","occasion":"app.opened"}', 400, "body"),
        ("POST", DECISIONS, JSON, '{"customer":"c-6","occasion":"tea.time"}', 400, "occasion"),
        ("POST", DECISIONS, JSON, GOOD[:-1] + ',"as_of":"9999-12-31"}', 400, "as_of"),
        ("POST", DECISIONS, JSON, GOOD[:-1] + ',"as_of":"0001-01-01"}', 400, "as_of"),
        ("POST", DECISIONS, JSON, "[" * 60_000, 400, None),
        ("POST", DECISIONS, JSON, b'{"customer":"\xff"}', 400, "body"),
        ("POST", DECISIONS, JSON, "\x00", 400, "body"),
        ("POST", DECISIONS, JSON, " " * 70_000, 413, None),
        ("POST", DECISIONS, {"Content-Type": "text/plain"}, GOOD, 415, None),
        ("POST", DECISIONS, {"Content-Type": "application/json; charset=rot13"}, GOOD, 415, None),
        ("POST", DECISIONS, {**JSON, "Content-Encoding": "br"}, GOOD, 415, None),
        ("POST", DECISIONS, {**JSON, "Content-Encoding": "gzip"}, GOOD, 400, "body"),
        ("POST", DECISIONS, JSON, '{"customer":"nobody","occasion":"app.opened"}', 404, None),
        ("POST", "/v1/outcomes", JSON, '{"decision":"none","verdict":"accepted"}', 404, None),
        ("POST", "/v1/outcomes", JSON, f'{{"decision":"j","verdict":"valued","value_minor":{9 * 10**30}}}', 400,
         "value_minor"),
        ("POST", "/v1/events", JSON, "5", 400, "body"),
        ("POST", "/v1/events", BATCH, json.dumps(EVENT), 400, "body"),
        ("POST", "/v1/events", JSON, "[" * 60_000, 400, None),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"grant","purposes":[]}', 400, "purposes"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"grant","purposes":["protection"]}', 400, "purposes"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"withdraw","until":"2199-01-01"}', 400, "until"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"object","until":"2199-01-01"}', 400, "until"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"object","purposes":["marketing"]}', 400, "purposes"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"lift","channels":["push"]}', 400, "channels"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"pause","sources":["app"]}', 400, "sources"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"pause","until":"2199-01-01"}', 400, "until"),
        ("PUT", "/v1/customers/c-6/consents", JSON, '{"change":"resume","until":"2199-01-01"}', 400, "until"),
        ("GET", "/v1/decisions/none", {}, "", 404, None),
        ("GET", "/v1/customers/nobody/uses", {}, "", 404, None),
        ("GET", "/v1/customers/%00/uses", {}, "", 400, "address"),
        ("GET", "/v1/customers/%ff/uses", {}, "", 400, "address"),
        ("GET", "/v1/customers/a%20b/uses", {}, "", 400, "address"),
        ("GET", "/v1/customers/c-6/consents?as_of=tomorrow", {}, "", 400, "as_of"),
        ("GET", "/v1/nowhere", {}, "", 404, None),
        ("DELETE", DECISIONS, {}, "", 405, None),
        ("GET", "/v1/events/", {}, "", 404, None),
    ],
)  # fmt: skip
def test_bad_input_is_answered_with_a_problem(
    door: TestClient, method: str, path: str, headers: dict[str, str], body: str | bytes, status: int, field: str | None
) -> None:
    answer = door.request(method, path, headers=headers, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:marketofone:problem:")
    if field is not None:
        assert problem["field"] == field
        assert problem["shape"]
        assert problem["fix"]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("days", ["", "x", "-1", "1.5"])
def test_days_of_a_period_are_a_whole_number_where_they_are_given(door: TestClient, days: str) -> None:
    refused = door.get("/v1/funnel", params={"days": days})
    assert (refused.status_code, refused.json()["field"]) == (400, "days")


def test_an_endless_batch_is_refused_as_soon_as_it_is_too_long(house: Bank) -> None:
    asked, statuses = 0, []

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * 1024 * 1024, "more_body": True}

    async def send(message: Message) -> None:
        statuses.append(message.get("status"))

    headers = [(b"host", b"localhost"), (b"content-type", BATCH["Content-Type"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/events", "query_string": b"", "headers": headers}
    anyio.run(build_app(house), scope, receive, send)
    assert statuses[0] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert asked == 9


def test_only_loopback_names_are_answered(door: TestClient) -> None:
    assert door.get("/health", headers={"Host": "rebound.example"}).status_code == HTTPStatus.MISDIRECTED_REQUEST
    assert door.get("/health", headers={"Host": "[::1]:8000"}).status_code == HTTPStatus.OK


def test_health_and_measures_tell_nothing_about_people(door: TestClient) -> None:
    assert door.get("/health").json()["status"] == "ok"
    door.get("/v1/customers/c-secret/uses")
    text = door.get("/metrics").text
    assert 'marketofone_http_requests_total{route="/v1/customers/{customer}/uses",method="GET",status="404"} 1' in text
    assert 'le="+Inf"' in text
    assert "c-secret" not in text


def test_an_unexpected_fault_is_answered_and_not_told(house: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("c-secret wrote something")

    monkeypatch.setattr(house, "uses", broken)
    with TestClient(build_app(house), base_url="http://localhost") as client:
        answer = client.get("/v1/customers/c-secret/uses")
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "secret" not in answer.text


def test_who_comes_when_everybody_is_busy_is_asked_to_come_again(
    door: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketofone.web.app.BACKLOG", 0)
    answer = door.get("/health")
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["retry-after"] == "1"


def test_the_description_is_complete(door: TestClient) -> None:
    document = door.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    promised = {
        "/v1/events", "/v1/consents",
        "/v1/decisions", "/v1/decisions/{decision}", "/v1/outcomes", "/health",
        "/v1/impact", "/v1/funnel",
        "/v1/customers/{customer}/merchants", "/v1/customers/{customer}/links", "/v1/customers/{customer}/export",
            "/v1/customers/{customer}/permit", "/v1/customers/{customer}/delegates",
            "/v1/customers/{customer}/inferences",
            "/v1/customers/{customer}/consents/{entry}/receipt", "/v1/customers/{customer}/proof",
        *(f"/v1/customers/{{customer}}/{what}" for what in ("consents", "profile", "insights", "forecast", "uses")),
    }  # fmt: skip
    assert set(document["paths"]) == promised
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


def test_a_merchant_is_corrected_and_taken_back(door: TestClient) -> None:
    door.put("/v1/customers/c-9/consents", json={"change": "grant"})
    paid = {"account": "a", "amount_minor": -900, "currency": "EUR", "text": "LEHNER MARKT SAGT DANKE 4711"}
    (event,) = events(9, subject="c-9", type="transaction.booked", data=paid)
    door.post("/v1/events", json=event)
    at = "/v1/customers/c-9/merchants"
    (before,) = door.get(at).json()

    said = {"merchant": before["merchant"], "name": "Lehner", "category": "health"}
    (after,) = door.put(at, json=said).json()

    assert (after["name"], after["category"], after["payments"]) == ("Lehner", "health", 1)
    assert door.get(at).json() == [after]
    assert door.put(at, json={"merchant": before["merchant"]}).json() == [before]
    assert door.put(at, json={**said, "category": "grocery"}).status_code == HTTPStatus.BAD_REQUEST
    assert door.put("/v1/customers/c-2/merchants", json=said).status_code == HTTPStatus.FORBIDDEN
    assert door.put("/v1/customers/nobody/merchants", json=said).status_code == HTTPStatus.NOT_FOUND

"""A slate from the door to its proof: asked for, shown, answered place by place, learned from, replayed, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from page_visitor import NOW, Visitor, client_of, clock, year_of
from starlette.testclient import TestClient

import marketofone
from bank_projects import Projects
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import NOTHING
from marketofone.domain.errors import DecisionExists, MalformedRequest
from marketofone.domain.moment import HOUR, Instant

HEAD = """
[placements.home]
slots = 4
most_of_a_kind = 2
seen = [1.0, 0.8, 0.55, 0.3]
fallback = { title = "Good morning", text = "Your accounts are up to date." }

"""
EVERY = ("*",)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[Bank]:
    """A bank with a placement of four places, and somebody who allows everything."""
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("slates") / "bank")
    declare_placements(folder)
    with marketofone.open(folder, clock=clock) as bank:
        for customer in ("c-1", "c-2", "c-3"):
            join(bank, customer)
        yield bank


def declare_placements(folder: Path) -> None:
    actions = folder / "actions.toml"
    text = actions.read_text(encoding="utf-8")
    actions.write_text(text.replace("[[actions]]", f"{HEAD}[[actions]]", 1), encoding="utf-8")


def join(bank: Bank, customer: str) -> None:
    """Let somebody join who allows everything, and whose last months are known."""
    now = bank.now()
    bank.consent(
        ConsentChange(customer=customer, change="grant", purposes=EVERY, sources=EVERY, channels=EVERY, since=now),
        now=now,
    )
    bank.ingest(list(year_of(customer, until=NOW))[-250:])


@pytest.fixture
def door(town: Bank) -> Iterator[TestClient]:
    with client_of(town) as client:
        yield client


def ask(door: TestClient, *, id: str, customer: str = "c-1", **more: Any) -> Any:  # noqa: A002
    return door.post("/v1/decisions", json={"customer": customer, "occasion": "app.opened", "id": id, **more})


@pytest.fixture(scope="module")
def slate(town: Bank) -> dict[str, Any]:
    """Give a slate that shows more than one thing."""
    with client_of(town) as door:
        for number in range(20):
            made = ask(door, id=f"s-{number}", placement="home", customer=f"c-{1 + number % 3}").json()
            if len(shown(made)) > 1:
                return dict(made)
    raise AssertionError("twenty slates showed nothing together")


def shown(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [place for place in made["slate"] if place["action"] != NOTHING]


def test_a_placement_is_filled_from_the_top(slate: dict[str, Any]) -> None:
    assert slate["placement"] == "home"
    assert [place["slot"] for place in slate["slate"]] == list(range(1, 1 + len(slate["slate"])))
    assert len(slate["slate"]) <= 4
    first = slate["slate"][0]
    assert {name: slate[name] for name in first if name != "slot"} == {k: v for k, v in first.items() if k != "slot"}
    kinds = [place["kind"] for place in shown(slate)]
    assert max(map(kinds.count, kinds)) <= 2


def test_a_decision_of_one_place_has_the_keys_it_had(door: TestClient) -> None:
    made = ask(door, id="single").json()
    assert not {"slate", "slots", "placement", "below", "fallback"} & made.keys()


def test_the_trace_says_how_every_candidate_fared_at_every_place(door: TestClient, slate: dict[str, Any]) -> None:
    traced = door.get(f"/v1/decisions/{slate['id']}", params={"customer": slate["customer"]}).json()
    for place in traced["slate"]:
        assert abs(sum(one["propensity"] for one in place["candidates"]) - 1.0) < 1e-6
        chosen = [one["action"] for one in place["candidates"] if one["stage"] == "chosen"]
        assert chosen == [place["action"]]


def test_the_same_id_asks_for_the_same_places(town: Bank, door: TestClient, slate: dict[str, Any]) -> None:
    again = ask(door, id=slate["id"], customer=slate["customer"], placement="home").json()
    assert again["slate"] == slate["slate"]
    assert ask(door, id=slate["id"], customer=slate["customer"]).status_code == HTTPStatus.CONFLICT
    with pytest.raises(DecisionExists):
        town.decide(slate["customer"], occasion="app.opened", id=slate["id"], placement="home", slots=2)


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"slots": 0}, "slots"), ({"slots": 21}, "slots"), ({"placement": "attic"}, "placement")],
)
def test_what_nobody_can_show_is_refused_by_name(door: TestClient, asked: dict[str, Any], field: str) -> None:
    refused = ask(door, id="never", **asked)
    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert field in refused.text
    more = ask(door, id="never", placement="home", slots=5)
    assert more.status_code == HTTPStatus.BAD_REQUEST
    assert "at most 4" in more.text


def test_an_outcome_names_its_place_and_each_place_is_answered_by_itself(
    town: Bank, door: TestClient, slate: dict[str, Any]
) -> None:
    told = {"decision": slate["id"], "customer": slate["customer"]}
    unnamed = door.post("/v1/outcomes", json={**told, "verdict": "accepted"})
    assert unnamed.status_code == HTTPStatus.BAD_REQUEST
    assert "slot" in unnamed.text
    beyond = door.post("/v1/outcomes", json={**told, "verdict": "accepted", "slot": 19})
    assert beyond.status_code == HTTPStatus.BAD_REQUEST

    second = door.post("/v1/outcomes", json={**told, "verdict": "accepted", "slot": 2}).json()
    assert (second["learned"], second["action"]) == (True, slate["slate"][1]["action"])
    first = door.post("/v1/outcomes", json={**told, "verdict": "declined", "why": "not now", "slot": 1}).json()
    assert (first["learned"], first["action"]) == (True, slate["slate"][0]["action"])
    again = door.post("/v1/outcomes", json={**told, "verdict": "ignored", "slot": 2}).json()
    assert (again["learned"], again["why_not"]) == (False, "duplicate")

    traced = door.get(f"/v1/decisions/{slate['id']}", params={"customer": slate["customer"]}).json()
    assert [(one["slot"], one["verdict"]) for one in traced["outcomes"]] == [
        (2, "accepted"),
        (1, "declined"),
        (2, "ignored"),
    ]
    town.learn()
    assert sum(version.lessons for version in town.versions()) == 2


def test_a_no_to_one_place_keeps_away_that_action_and_no_other(town: Bank, slate: dict[str, Any]) -> None:
    declined, accepted = slate["slate"][0]["action"], slate["slate"][1]["action"]
    later = town.decide(slate["customer"], occasion="app.opened", now=Instant(town.now() + HOUR))
    why = {one.action: one.why for one in later.candidates}
    assert "not now" in why[declined]
    assert "you said" not in why[accepted]


def test_one_place_is_answered_otherwise_and_the_others_stay(
    town: Bank, door: TestClient, slate: dict[str, Any]
) -> None:
    told, (first, second) = {"decision": slate["id"], "customer": slate["customer"]}, slate["slate"][:2]
    held_back = []
    for verdict in ("declined", "accepted"):
        changed = door.post("/v1/outcomes", json={**told, "verdict": verdict, "slot": 2}).json()
        assert changed["changes"] == "answer"
        later = town.decide(slate["customer"], occasion="app.opened", now=Instant(town.now() + HOUR))
        why = {one.action: one.why for one in later.candidates}
        held_back.append(["you said" in why[place["action"]] for place in (first, second)])
    assert held_back == [[True, True], [True, False]]
    town.learn()
    assert town.debt() == 0


def test_everything_shown_in_a_slate_counts_as_a_contact(town: Bank, door: TestClient) -> None:
    join(town, "c-9")
    caps = town.config.compiled.guardrails.caps
    actions: list[str] = []
    for number in range(12):
        made = ask(door, id=f"n-{number}", customer="c-9", placement="home").json()
        actions += [place["action"] for place in shown(made) if place["kind"] not in caps.exempt]
    assert caps.contacts.per_day - 1 <= len(actions) <= caps.contacts.per_day
    assert max(map(actions.count, actions)) <= caps.same_action.per_day


def test_what_stands_in_an_empty_placement_is_the_same_for_everybody(door: TestClient) -> None:
    made = ask(door, id="empty", customer="c-9", placement="home").json()
    assert [place["action"] for place in made["slate"]] == [NOTHING]
    assert made["fallback"] == {"title": "Good morning", "text": "Your accounts are up to date."}


def test_each_place_has_a_page_that_says_why_and_hears_the_answer(door: TestClient) -> None:
    visitor = Visitor(door)
    slates = (ask(door, id=f"p-{number}", customer="c-2", placement="home").json() for number in range(9))
    made = next(one for one in slates if len(shown(one)) > 1)
    path = f"/customer/c-2/decisions/{made['id']}"
    for place in shown(made):
        page = visitor.page(f"{path}?slot={place['slot']}")
        assert place["title"] in page.text
        traced = visitor.look(f"/console/decisions/{made['id']}?customer=c-2&slot={place['slot']}")
        assert f"Place {place['slot']} of a slate" in traced.text
    said = visitor.say(visitor.page(f"{path}?slot=2"), "Yes, this is for me")
    assert "You said yes" in said.text
    assert "You said yes" not in visitor.page(path).text


@pytest.mark.usefixtures("slate")
def test_all_of_it_replays_to_the_byte_and_verifies(town: Bank) -> None:
    replayed = town.replay()
    assert (replayed.differences, replayed.unreplayable) == (0, 0)
    assert town.verify().ok


def test_after_a_no_no_place_is_shown_again(town: Bank, door: TestClient) -> None:
    join(town, "c-7")
    made = ask(door, id="taken-back", customer="c-7", placement="home").json()
    now = town.now()
    no = ConsentChange(customer="c-7", change="withdraw", purposes=EVERY, sources=EVERY, channels=EVERY, since=now)
    town.consent(no, now=now)
    assert door.get("/v1/decisions/taken-back", params={"customer": "c-7"}).status_code == HTTPStatus.FORBIDDEN
    page = Visitor(door).page("/customer/c-7/decisions/taken-back")
    assert not any(place["title"] in page.text for place in shown(made))
    listed = Visitor(door).page("/customer/c-7")
    assert not any(place["title"] in listed.text for place in shown(made))


def test_the_face_in_python_takes_the_same(town: Bank) -> None:
    made = town.decide("c-3", occasion="app.opened", placement="home", slots=2, id="face")
    assert len(made.places) <= 2
    with pytest.raises(MalformedRequest, match="slot"):
        town.outcome("face", "ignored")
    heard = town.outcome("face", "ignored", slot=1)
    assert heard.decision == "face"

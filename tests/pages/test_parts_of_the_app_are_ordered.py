"""The order of an app's parts is decided for a person: all parts are there, and what is pinned stays where it is."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from page_visitor import client_of, clock
from starlette.testclient import TestClient

import marketofone
from allowing import everything
from bank_projects import Projects
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.decide.catalogue import parse_actions
from marketofone.domain.action import NOTHING
from marketofone.domain.errors import MalformedDocument

PARTS = ("pay", "cards", "savings", "help")
HEAD = """
channels = ["app"]
most_of_a_kind = 1

[placements.tabs]
slots = 4
orders = true
pinned = ["home"]

[placements.card]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"
"""


def action(name: str, kind: str, *, places: str = '["tabs"]') -> str:
    plain = f'[[actions]]\nid = "{name}"\nkind = "{kind}"\ntitle = "{name}"\ntext = "A part."\n'
    return f"{plain}value_minor = 900\nchance = 0.2\nplacements = {places}\n"


ACTIONS = HEAD + "".join(action(name, "feature") for name in PARTS) + action("round_up", "nudge", places="[]")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[Bank]:
    folder = lasting_projects.lay_out(tmp_path_factory.mktemp("ordered") / "bank")
    (folder / "actions.toml").write_text(ACTIONS, encoding="utf-8")
    with marketofone.open(folder, clock=clock) as bank:
        bank.consent(everything("c-1", since=bank.now()), now=bank.now())
        yield bank


@pytest.fixture
def door(town: Bank) -> Iterator[TestClient]:
    with client_of(town) as client:
        yield client


def ordered(door: TestClient, *, customer: str = "c-1", **more: Any) -> dict[str, Any]:
    asked = {"customer": customer, "occasion": "app.opened", "placement": "tabs", **more}
    answer = door.post("/v1/decisions", json=asked)
    assert answer.status_code == HTTPStatus.OK
    return dict(answer.json())


def test_every_part_is_in_the_order_once_and_what_is_pinned_comes_first(door: TestClient) -> None:
    orders = [tuple(ordered(door)["order"]) for _ in range(12)]
    assert {order[0] for order in orders} == {"home"}
    assert {tuple(sorted(order[1:])) for order in orders} == {tuple(sorted(PARTS))}
    assert len(set(orders)) > 1


def test_the_order_is_that_of_the_slate_and_then_as_declared(door: TestClient) -> None:
    made = ordered(door, slots=2)
    chosen = [place["action"] for place in made["slate"] if place["action"] != NOTHING]
    assert made["order"] == ["home", *chosen, *(part for part in PARTS if part not in chosen)]


def test_putting_in_order_is_no_contact_and_no_cap_ends_it(town: Bank, door: TestClient) -> None:
    caps = town.config.compiled.guardrails.caps
    for _ in range(caps.contacts.per_day + 1):
        made = ordered(door)
    assert made["slate"][0]["action"] != NOTHING or made["slate"][0]["propensity"] < 1.0
    whys = [one.why for one in town.decision(made["id"]).candidates]
    assert not any(why.startswith(("cap_", "cool_off")) for why in whys)
    single = town.decide("c-1", occasion="app.opened")
    assert {one.action: one.why for one in single.candidates}["round_up"] == ""


def test_nothing_else_is_put_in_order_and_no_part_stands_elsewhere(town: Bank) -> None:
    whys = {one.action: one.why for one in town.decide("c-1", occasion="app.opened", placement="tabs").candidates}
    assert whys["round_up"] == "placement: no part of the app that is put in order"
    whys = {one.action: one.why for one in town.decide("c-1", occasion="app.opened", placement="card").candidates}
    assert {whys[part] for part in PARTS} == {"placement: only in tabs"}


def test_whoever_does_not_allow_it_has_the_app_as_it_is(town: Bank, door: TestClient) -> None:
    every, now = ("*",), town.now()
    town.consent(everything("c-2", since=now), now=now)
    no = ConsentChange(
        customer="c-2", change="withdraw", purposes=("personalisation",), sources=every, channels=every, since=now
    )
    town.consent(no, now=now)
    made = ordered(door, customer="c-2")
    assert [place["action"] for place in made["slate"]] == [NOTHING]
    assert made["order"] == ["home", *PARTS]


def test_what_is_opened_comes_sooner(town: Bank, door: TestClient) -> None:
    def expected(part: str) -> float:
        made = town.decide("c-1", occasion="app.opened", placement="tabs")
        return next(one.mean for one in made.candidates if one.action == part)

    before = expected("help")
    for _ in range(6):
        made = ordered(door)
        for place in made["slate"]:
            verdict = "accepted" if place["action"] == "help" else "ignored"
            told = {"decision": made["id"], "slot": place["slot"], "verdict": verdict}
            assert door.post("/v1/outcomes", json=told).status_code == HTTPStatus.OK
    town.learn()
    assert expected("help") > before > expected("pay")


def test_it_replays_to_the_byte(town: Bank) -> None:
    assert town.replay().differences == 0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (action("plan", "offer"), "no feature"),
        (action("budget", "feature", places='["tabs", "card"]'), "elsewhere"),
        (action("home", "feature"), "pinned"),
        (action("attic", "feature", places='["attic"]'), "not declared"),
    ],
)
def test_what_cannot_be_put_in_order_is_refused_when_it_is_read(town: Bank, wrong: str, named: str) -> None:
    with pytest.raises(MalformedDocument, match=named):
        parse_actions(ACTIONS + wrong, features=town.config.features)

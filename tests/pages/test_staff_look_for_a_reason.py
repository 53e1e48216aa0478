"""Staff see a customer to read only, and only for a reason, which stands in the customer's own log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_visitor import NOW, Visitor, client_of, clock, year_of
from starlette.testclient import TestClient

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import NOTHING
from marketofone.projection import codec
from marketofone.projection.records import UseRecord

WHO, PAGE = "c-1", "/console/customers/c-1"


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    every = ("*",)
    with marketofone.open(project, clock=clock) as opened:
        grant = ConsentChange(
            customer=WHO, change="grant", since=opened.now(), purposes=every, sources=every, channels=every
        )
        opened.consent(grant)
        opened.ingest(year_of(WHO, until=NOW))
        opened.decide(WHO, occasion="app.opened", id="d-1")
        yield opened


def uses_of(bank: Bank, who: str = WHO) -> list[UseRecord]:
    owner = bank.context.keys.find((who,))[who]
    with bank.context.store.read() as reader:
        return [codec.read(entry, box=owner.box) for entry in reader.entries(owner.subject, kinds=("use",))]


def token_of(client: TestClient) -> str:
    fields = Visitor(client).page(PAGE).all("input")
    return next(one.attributes["value"] for one in fields if one.attributes["name"] == "token")


def test_before_a_reason_is_given_nothing_of_the_customer_is_shown_or_read(bank: Bank) -> None:
    with client_of(bank) as client:
        page = Visitor(client).page(PAGE)

    assert page.all("table") == []
    assert uses_of(bank) == []


def test_a_look_is_written_into_the_customers_log_with_who_and_why(bank: Bank) -> None:
    with client_of(bank) as client:
        token = token_of(client)
        said = {"by": "Ada", "reason": "complaint", "more": "a fee", "token": token}
        seen = client.post(PAGE, data=said)

    assert seen.status_code == 200
    assert {use.actor for use in uses_of(bank)} == {"staff: Ada, because a complaint is looked into (a fee)"}
    assert {use.what for use in uses_of(bank)} == {"standing", "profile", "decisions"}


def test_staff_have_no_switch_to_press(bank: Bank) -> None:
    with client_of(bank) as client:
        token = token_of(client)
        seen = client.post(PAGE, data={"by": "Ada", "reason": "asked", "token": token})

    assert "<form" not in seen.text
    assert "<button" not in seen.text


@pytest.mark.parametrize(
    "said",
    [
        {"by": "", "reason": "asked"},
        {"by": "Ada"},
        {"by": "Ada", "reason": "curious"},
        {"by": "A\0da", "reason": "asked"},
        {"by": "\N{ZERO WIDTH SPACE}", "reason": "asked"},
        {"by": "Ada\nYou", "reason": "asked"},
        {"by": "Ada", "reason": "asked", "more": "\N{RIGHT-TO-LEFT OVERRIDE}eef a"},
    ],
)
def test_without_a_name_and_a_reason_nothing_is_shown(bank: Bank, said: dict[str, str]) -> None:
    with client_of(bank) as client:
        token = token_of(client)
        seen = client.post(PAGE, data={**said, "token": token})

    assert seen.status_code == 400
    assert uses_of(bank) == []


def test_a_decision_is_traced_for_a_reason_that_stands_in_the_log(bank: Bank) -> None:
    with client_of(bank) as client:
        visitor = Visitor(client)
        before = visitor.page("/console/decisions/d-1")
        assert before.all("table") == []
        assert uses_of(bank) == []
        traced = visitor.look("/console/decisions/d-1", reason="complaint", more="a fee")

    assert "candidates stood" in traced.text
    assert [(use.what, use.actor) for use in uses_of(bank)] == [
        ("decision", "staff: Ada, because a complaint is looked into (a fee)")
    ]


def test_a_decision_that_does_not_exist_is_not_found_and_who_names_no_reason_traces_none(bank: Bank) -> None:
    with client_of(bank) as client:
        visitor = Visitor(client)
        assert "Answer 404" in visitor.look("/console/decisions/none", status=404).text
        assert "Answer 400" in visitor.look("/console/decisions/d-1", status=400, reason="curious").text
    assert uses_of(bank) == []


@pytest.mark.parametrize(
    ("path", "what"),
    [("/console", "decisions"), ("/console/gates", "funnel")],
)
def test_a_list_of_people_is_shown_for_a_reason_that_stands_in_the_log_of_each(
    bank: Bank, path: str, what: str
) -> None:
    every, who = ("*",), "c-none"
    no = ConsentChange(customer=who, change="withdraw", since=bank.now(), purposes=every, sources=every, channels=every)
    bank.consent(no)
    assert bank.decide(who, occasion="app.opened").action == NOTHING, "so the page of the gates names them"
    before = uses_of(bank, who)
    with client_of(bank) as client:
        visitor = Visitor(client)
        assert who not in visitor.page(path).text
        assert uses_of(bank, who) == before
        assert who in visitor.look(path, reason="check").text

    assert [(use.what, use.actor) for use in uses_of(bank, who)[len(before) :]] == [
        (what, "staff: Ada, because a check that the law or the review board asks for")
    ]


def test_a_customer_is_found_by_their_id_and_a_reason_is_asked_there(bank: Bank) -> None:
    with client_of(bank) as client:
        answer = client.get("/console", params={"customer": WHO}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert uses_of(bank) == []


def test_the_customer_reads_in_their_log_who_looked_and_why(bank: Bank) -> None:
    with client_of(bank) as client:
        client.post(PAGE, data={"by": "Ada", "reason": "complaint", "token": token_of(client)})
        log = Visitor(client).page(f"/customer/{WHO}/uses")

    assert "staff: Ada, because a complaint is looked into" in log.text


def test_a_look_at_somebody_who_allows_nothing_stands_in_their_log_too(bank: Bank) -> None:
    every, who = ("*",), "c-none"
    no = ConsentChange(customer=who, change="withdraw", since=bank.now(), purposes=every, sources=every, channels=every)
    bank.consent(no)
    with client_of(bank) as client:
        said = {"by": "Ada", "reason": "check", "token": token_of(client)}
        seen = client.post(f"/console/customers/{who}", data=said)
        log = Visitor(client).page(f"/customer/{who}/uses")

    assert "Written into the customer" in seen.text
    assert "Showing what you allow staff: Ada, because a check" in log.text

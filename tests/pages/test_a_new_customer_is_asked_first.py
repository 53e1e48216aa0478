"""A new customer meets a short first consent: nothing is chosen beforehand, and a no is as easy as a yes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from page_check import Element, Page
from page_visitor import HTML, NOW, Visitor, client_of, cloudevent

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.services.rights.consent_history import consent_entries

FIRST = "/customer/new/first"


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def asked(bank: Bank) -> list[str]:
    return [name for name, of in bank.config.policy.purposes.items() if of.basis == "consent"]


def inputs(page: Page, kind: str) -> list[Element]:
    return [item for item in page.all("input") if item.attributes.get("type") == kind]


def on(bank: Bank, customer: str = "new") -> set[tuple[str, str, str]]:
    return {(of.purpose, of.source, of.channel) for of in bank.consents(customer).cells if of.state == "granted"}


@pytest.mark.parametrize("page", ["", "/purposes/care", "/purposes/care/allow", "/uses", "/forecast", "/insights"])
def test_whoever_nobody_heard_of_is_led_there_from_every_page(visitor: Visitor, page: str) -> None:
    answer = visitor.client.get(f"/customer/new{page}", headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, FIRST)
    assert visitor.page(FIRST).heading == "What may we use?"


def test_looking_at_it_records_nothing(bank: Bank, visitor: Visitor) -> None:
    visitor.page(FIRST)
    assert bank.context.keys.find(("new",)) == {}


def test_nothing_is_chosen_beforehand_and_each_purpose_has_its_notice(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(FIRST)
    assert not any("checked" in item.attributes for item in page.all("input"))
    assert len(inputs(page, "radio")) == 2 * len(asked(bank))
    for name in asked(bank):
        assert bank.config.policy.purposes[name].notice in page.text
    assert "Protect you" not in page.text  # a duty asks nobody


def test_a_no_stands_beside_the_yes_as_large_and_costs_as_many_presses(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(FIRST)
    pairs = [item for item in page.all("fieldset") if item.attributes["class"] == "pair equal"]
    assert len(pairs) == len(asked(bank))
    for pair in pairs:
        yes, no = (item for item in pair.children if item.tag == "div")
        assert yes.attributes == no.attributes
        assert (yes.text[:3], no.text[:2]) == ("Yes", "No")
        assert [child.tag for child in yes.children] == [child.tag for child in no.children] == ["input", "label"]
    save, refuse = page.all("button")
    assert save.parent is refuse.parent
    assert save.attributes.keys() == refuse.attributes.keys() == {"name", "value"}  # neither stands out
    assert refuse.text == "No to everything"  # one press; a yes takes at least three


def test_a_no_to_everything_is_one_press_and_has_a_receipt(bank: Bank, visitor: Visitor) -> None:
    page = visitor.say(visitor.page(FIRST), "No to everything")
    assert "You said no on 5 January 2026" in page.text
    assert on(bank) == set()
    states = bank.consents("new")
    assert {of.state for of in states.cells} == {"withdrawn"}
    assert not any(of.may_ask for of in states.purposes)
    assert visitor.page("/customer/new").heading == "My data"
    assert "You were never asked" not in visitor.page("/customer/new").text


def test_a_yes_opens_what_its_notice_names_and_no_more(bank: Bank, visitor: Visitor) -> None:
    choice = {"purpose.care@1": "yes", "purpose.marketing@1": "no", "channel.app": "yes"}
    page = visitor.say(press_none(visitor.page(FIRST)), "Save what I said", **choice)
    assert "You said yes on 5 January 2026" in page.text
    policy = bank.config.policy
    assert on(bank) == {("care", source, "app") for source in policy.sources_of("care")}
    may = {of.purpose: of.may_ask for of in bank.consents("new").purposes}
    assert may["marketing"] is False
    assert may["insights"] is True  # nothing was said of it
    said = consent_entries(bank.context, "new", limit=9)
    assert [one.change.change for one in said] == ["grant", "withdraw"]  # newest first: the no came before
    assert said[0].actor == "customer"


def press_none(page: Page) -> Page:
    """Leave away what a browser does not send: choices that were not made."""
    for form in page.all("form"):
        for item in form.all("input"):
            if item.attributes.get("type") in ("radio", "checkbox"):
                item.attributes["name"] = "left"
    return page


@pytest.mark.parametrize(
    ("choice", "fault"),
    [
        ({}, "no purpose has a yes or a no"),
        ({"purpose.care@1": "yes"}, "a yes needs at least one channel"),
        ({"channel.app": "yes"}, "no purpose has a yes or a no"),
    ],
    ids=["nothing", "no channel", "a channel alone"],
)
def test_what_is_missing_is_said_and_what_was_chosen_stays(
    bank: Bank, visitor: Visitor, choice: dict[str, str], fault: str
) -> None:
    token = {item.attributes["name"]: item.attributes["value"] for item in visitor.page(FIRST).all("input")}["token"]
    data = {"token": token, "say": "these", **choice}
    page = Page(visitor.client.post(FIRST, data=data, headers=HTML).text)
    assert fault in page.text
    kept = {(of.attributes["name"], of.attributes["value"]) for of in page.all("input") if "checked" in of.attributes}
    assert kept == set(choice.items())
    assert bank.context.keys.find(("new",)) == {}


def test_it_is_said_once(bank: Bank, visitor: Visitor) -> None:
    page = press_none(visitor.page(FIRST))
    visitor.say(page, "Save what I said", **{"purpose.care@1": "yes", "channel.app": "yes"})
    bank.consent(
        ConsentChange(customer="new", change="withdraw", purposes=("*",), sources=("*",), channels=("*",),
                      since=bank.now())
    )  # fmt: skip
    visitor.say(page, "Save what I said", **{"purpose.care@1": "yes", "channel.app": "yes"})
    assert on(bank) == set()
    answer = visitor.client.get(FIRST, headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/customer/new")


def test_who_is_known_and_was_never_asked_finds_it_on_their_page(bank: Bank, visitor: Visitor) -> None:
    bank.ingest([cloudevent(0, "app.opened", NOW, "new")])
    assert FIRST in visitor.page("/customer/new").links
    assert visitor.page(FIRST).heading == "What may we use?"


def test_a_word_that_is_no_button_is_refused(bank: Bank, visitor: Visitor) -> None:
    token = {item.attributes["name"]: item.attributes["value"] for item in visitor.page(FIRST).all("input")}["token"]
    answer = visitor.client.post(FIRST, data={"token": token, "say": "everything"}, headers=HTML)
    assert answer.status_code == 400
    assert bank.context.keys.find(("new",)) == {}


def test_who_was_forgotten_is_not_asked_anew(bank: Bank, visitor: Visitor) -> None:
    visitor.say(visitor.page(FIRST), "No to everything")
    bank.erase("new", ground="asked", now=bank.now())
    visitor.page("/customer/new", status=404)
    answer = visitor.client.get(FIRST, headers=HTML, follow_redirects=False)
    assert answer.headers["location"] == "/customer/new"

"""Why this: what mattered is recomputed, each button really stops it, and nobody in distress reads money terms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_check import Page
from page_visitor import NOW, Visitor, client_of, clock, cloudevent, year_of

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.decision import Decision
from marketofone.services.decisions.mattering import Mattered, Without
from marketofone.services.decisions.visible import HIDDEN_ACTION
from marketofone.services.rights.consequence import consequence
from marketofone.services.rights.history import explained
from marketofone.web.customer.why import without_offers

EVERY = ("*",)
MONEY_AND_LOT = ("EUR", "twelve months", "by lot", "luck", "possibilit", "would be chosen", "cost")


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    with marketofone.open(project, clock=clock) as opened:
        yield opened


def decided(bank: Bank, who: str, *events: bytes) -> Decision:
    say(bank, who, "grant", EVERY, EVERY)
    bank.ingest([*year_of(who, until=NOW), *events])
    return bank.decide(who, occasion="app.opened", id=f"d-{who}")


def say(bank: Bank, who: str, what: What, purposes: tuple[str, ...], sources: tuple[str, ...]) -> int:
    said = ConsentChange(
        customer=who, change=what, purposes=purposes, sources=sources, channels=EVERY, since=bank.now()
    )
    return bank.consent_given(said).entry.n


def page_of(bank: Bank, decision: Decision) -> Page:
    with client_of(bank) as client:
        return Visitor(client).page(f"/customer/{decision.customer}/decisions/{decision.id}")


@pytest.mark.parametrize("who", ["c-1", "c-2"])
def test_what_mattered_is_what_a_withdrawal_before_it_would_have_changed(bank: Bank, who: str) -> None:
    made = decided(bank, who, cloudevent(1000, "app.opened", NOW, who))
    found = explained(bank.context, made.id, customer=who, now=bank.now(), changes=False, slot=1).mattered
    assert found is not None
    told = {one.sources[0]: one.action for one in found.each} | dict.fromkeys(found.did_not, made.action)
    purposes = bank.config.policy.purposes
    free = [(name, source) for name, source in made.uses if purposes[name].basis == "consent"]
    assert set(told) == {source for _, source in free}
    for source in told:
        used_for = tuple(name for name, of in free if of == source)
        entry = say(bank, who, "withdraw", used_for, (source,))
        after = consequence(bank.context, who, entry, now=bank.now())
        assert after.untold == 0
        assert [one.instead for one in after.differ] == [(told[source],)] * (told[source] != made.action)
        say(bank, who, "grant", used_for, (source,))
    assert set(told.values()) != {made.action}


def test_a_button_stops_what_mattered_and_leads_to_its_receipt(bank: Bank) -> None:
    made = decided(bank, "c-1")
    with client_of(bank) as client:
        visitor = Visitor(client)
        page = visitor.page(f"/customer/c-1/decisions/{made.id}")
        assert "What mattered: accounts and payments here" in page.text
        button = next(one.text for one in page.all("button") if one.text.startswith("Stop using accounts"))
        receipt = visitor.say(page, button)
    assert receipt.heading == "Stopped"
    states = {(of.purpose, of.source): of.state for of in bank.consents("c-1").cells}
    stopped = {place for place, state in states.items() if state == "withdrawn"}
    assert {source for _, source in stopped} == {"transactions"}
    assert len(stopped) == 1


def test_the_possibilities_are_those_that_the_decision_had(bank: Bank) -> None:
    made = decided(bank, "c-1")
    possible = [one.action for one in made.candidates if one.stage in ("scored", "chosen")]
    assert "nothing" in possible
    assert f"There were {len(possible)} possibilities, doing nothing among them." in page_of(bank, made).text


def test_who_is_bereaved_reads_no_money_terms_and_finds_a_person(bank: Bank) -> None:
    made = decided(bank, "c-1", cloudevent(1001, "life.declared", NOW, "c-1", event="bereavement"))
    page = page_of(bank, made)
    assert not [words for words in MONEY_AND_LOT if words in page.text]
    assert "Call me back" in [one.text for one in page.all("button")]
    assert [link for link in page.links if link.startswith("tel:")] == ["tel:+420000000000"]


def test_who_is_below_zero_reads_no_money_terms_also_where_no_offer_was_judged(bank: Bank) -> None:
    decided(bank, "c-1")
    say(bank, "c-1", "withdraw", ("marketing", "care"), EVERY)
    before = bank.decide("c-1", occasion="app.opened", id="before")
    spent = {"account": "a1", "amount_minor": -1_700_000, "currency": "EUR", "balance_minor": -90_000}
    bank.ingest([cloudevent(1002, "transaction.booked", NOW, "c-1", **spent)])
    after = bank.decide("c-1", occasion="app.opened", id="after")
    assert [
        bool([words for words in MONEY_AND_LOT if words in page_of(bank, one).text]) for one in (before, after)
    ] == [
        True,
        False,
    ]


def test_who_may_be_in_distress_is_named_no_offer_that_it_would_have_been_instead(bank: Bank) -> None:
    made = decided(bank, "c-1")
    offers = [action.id for action in bank.catalogue.offered if action.marketing]
    found = Mattered(each=(Without(sources=("app",), action=offers[0], decision=made),), did_not=("location",))
    gentle = without_offers(found, catalogue=bank.catalogue)
    assert gentle is not None
    assert [one.action for one in gentle.each] == [HIDDEN_ACTION]
    assert gentle.did_not == found.did_not


def test_who_is_bereaved_reads_of_no_lot_in_whatever_group_they_are(bank: Bank) -> None:
    groups = set()
    for number in range(40):
        who = f"mourns-{number}"
        made = decided(bank, who, cloudevent(1001, "life.declared", NOW, who, event="bereavement"))
        if made.assignment not in groups:
            groups.add(made.assignment)
            page = page_of(bank, made)
            assert not [words for words in ("by lot", "at random", "fixed order") if words in page.text], (
                made.assignment
            )
        if {"policy", "control"} <= groups:
            return
    pytest.fail("nobody came into the control group")


def test_what_is_asked_on_the_page_is_a_case_about_the_decision(bank: Bank) -> None:
    made = decided(bank, "c-1", cloudevent(1001, "life.declared", NOW, "c-1", event="bereavement"))
    form = next(of for of in page_of(bank, made).all("form") if of.attributes["action"].endswith("/cases"))
    fields = {item.attributes["name"]: item.attributes.get("value", "") for item in form.all("input")}
    assert fields["about"] == f"decision {made.id}"


def test_a_yes_says_what_happens_next_before_and_after_it(bank: Bank) -> None:
    made = decided(bank, "c-1")
    told = bank.catalogue.action(made.action).next
    assert told is not None
    with client_of(bank) as client:
        visitor = Visitor(client)
        page = visitor.page(f"/customer/c-1/decisions/{made.id}")
        assert told[1:] in page.text
        assert told[1:] in visitor.say(page, "Yes, this is for me").text


def test_every_action_of_a_new_project_says_what_happens_after_a_yes(bank: Bank) -> None:
    assert [action.id for action in bank.catalogue.offered if action.next is None] == []

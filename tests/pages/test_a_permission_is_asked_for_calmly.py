"""A page that asks for a permission: what it gives with its number, what is read, until when, and a no like the yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_check import Page
from page_visitor import NOW, Visitor, client_of, clock, year_of

import marketofone
from bank_projects import keep_nobody_for_control
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.help import Help
from marketofone.services.rights.help_service import record_help

WHO = "c-1"
ACTIONS = """
channels = ["app"]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"

[[actions]]
id = "ask_banks"
kind = "nudge"
title = "Your accounts at other banks, too?"
text = "If you like, we look at them for your month."
value_minor = 900_000
chance = 0.95
asks = "open_banking"
"""


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    """Open a bank that asks somebody who allows their payments for what they have at other banks."""
    keep_nobody_for_control(project)
    (project / "actions.toml").write_text(ACTIONS, encoding="utf-8")
    with marketofone.open(project, clock=clock) as bank:
        bank.consent(
            ConsentChange(
                customer=WHO,
                change="grant",
                purposes=("insights",),
                sources=("transactions",),
                channels=("app",),
                since=bank.now(),
            )
        )
        bank.ingest(year_of(WHO, until=NOW)[:20])
        measured = Help(
            purpose="insights",
            source="open_banking",
            at=bank.now(),
            level=0.95,
            gain=0.062,
            low=0.031,
            high=0.09,
            decisions=1_900,
            people=1_200,
            lacks=(),
        )
        record_help(bank.context, [measured], now=bank.now())
        tried = (bank.decide(WHO, occasion="app.opened", id=f"d-{number}") for number in range(50))
        assert next(made for made in tried if made.asks).action == "ask_banks"  # now and then the lot leaves in peace
        yield bank


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def asking(bank: Bank) -> str:
    """Give the id of the decision that asked."""
    with bank.context.store.read() as reader:
        (said,) = bank.context.snapshot(reader).person(WHO).contacts
    return said.decision


def asked(bank: Bank, visitor: Visitor) -> Page:
    return visitor.page(f"/customer/{WHO}/decisions/{asking(bank)}")


def state(bank: Bank, channel: str = "app") -> str:
    cells = {(one.purpose, one.source, one.channel): one.state for one in bank.consents(WHO).cells}
    return cells["insights", "open_banking", channel]


def verdicts(bank: Bank) -> list[str]:
    with bank.context.store.read() as reader:
        person = bank.context.snapshot(reader).person(WHO)
    return [heard.verdict for said in person.contacts for _, heard in said.answers]


def test_it_says_what_it_gives_what_is_read_and_until_when_with_a_no_beside_the_yes(
    bank: Bank, visitor: Visitor
) -> None:
    page = asked(bank, visitor)

    assert "Do you want to allow this?" in page.text
    assert "6.2 more got a yes that they kept" in page.text
    assert "measured on 1,200 people" in page.text
    assert "Accounts at other banks: Balances and payments at other banks that you connected." in page.text
    assert "then it ends by itself" in page.text
    assert "You are asked this once." in page.text
    assert "Not for me, because" not in page.text


def test_a_no_is_recorded_as_a_no_and_answers_it(bank: Bank, visitor: Visitor) -> None:
    receipt = visitor.say(asked(bank, visitor), "No, do not use it")

    assert receipt.heading == "Stopped"
    assert (state(bank), verdicts(bank)) == ("withdrawn", ["declined"])
    may = {one.purpose: one for one in bank.consents(WHO).purposes}["insights"]
    assert not may.may_ask
    page = asked(bank, visitor)
    assert "You said it is not for you" in page.text
    assert "No, do not use it" not in page.text


def test_a_yes_leads_to_the_page_before_a_grant_and_is_said_there(bank: Bank, visitor: Visitor) -> None:
    page = asked(bank, visitor)
    (way,) = [link for link in page.links if "/allow" in link]
    before = visitor.page(way)

    assert state(bank) == "never"
    assert "What we would do" in before.text
    receipt = visitor.say(before, "Yes, allow it", **{"channel.app": "yes"})
    assert receipt.heading == "Allowed"
    assert (state(bank), verdicts(bank)) == ("granted", ["accepted"])
    assert bank.replay().differences == 0


def test_who_reads_on_and_says_no_there_has_said_no(bank: Bank, visitor: Visitor) -> None:
    (way,) = [link for link in asked(bank, visitor).links if "/allow" in link]

    visitor.say(visitor.page(way), "No, do not use it")

    assert (state(bank), verdicts(bank)) == ("withdrawn", ["declined"])


def test_programs_read_what_is_asked_for_and_cannot_answer_but_by_consent(bank: Bank, visitor: Visitor) -> None:
    told = visitor.client.get(f"/v1/decisions/{asking(bank)}").json()
    refused = visitor.client.post("/v1/outcomes", json={"decision": asking(bank), "verdict": "accepted"})

    assert told["asks"] == [{"purpose": "insights", "source": "open_banking"}]
    assert refused.status_code == 400
    assert "consent" in refused.text

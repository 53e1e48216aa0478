"""A purpose that changed says what changed, old beside new, and asks anew with nothing chosen; not soon after a no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_visitor import HTML, Visitor, client_of, clock

import marketofone
from allowing import everything
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.services.rights.consent_history import consent_entries

HOME = "/customer/c-1"
CARE = f"{HOME}/purposes/care"
NEW = "We notice signs of hard days in your messages, payments, use of the app, places and life events."


def widened(text: str) -> str:
    """Let care ask for places, under a new version, and say so in German too."""

    def change(block: re.Match[str]) -> str:
        plain = re.sub(r"(?m)^(notice|sources) = .*\n", "", block[0]).rstrip("\n")
        sources = '["transactions", "app", "location", "life_events", "messages"]'
        return f'{plain}\nnotice = "{NEW}"\nsources = {sources}\nversion = 2\n\n'

    text = text.replace("App-Nutzung und Lebensereignissen, damit", "App-Nutzung, Orten und Lebensereignissen, damit")
    return re.sub(r"(?ms)^\[purposes\.care\]\n.*?(?=^\[)", change, text)


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    with marketofone.open(project, clock=clock) as before:
        for customer in ("c-1", "c-2"):
            before.consent(everything(customer, since=before.now()))
    path = project / "consent.toml"
    path.write_text(widened(path.read_text(encoding="utf-8")), encoding="utf-8")
    with marketofone.open(project, clock=clock) as opened:
        yield opened


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def test_the_page_of_the_purpose_shows_what_it_was_and_what_it_is(visitor: Visitor) -> None:
    page = visitor.page(CARE)
    assert "Off: what it is for changed since you said yes" in page.text
    (changed,) = [item for item in page.all("section") if item.attributes["aria-labelledby"] == "changed"]
    assert "When you said yes We notice signs of hard days in your messages, payments, use of the app" in changed.text
    assert f"Now {NEW}" in changed.text
    assert "It would use accounts and payments here, how you use the app, places" in changed.text
    assert "changed since you said yes, so it is off" in visitor.page(HOME).text
    assert "What changed" not in visitor.page(f"{HOME}/purposes/insights").text


def test_it_is_asked_anew_with_nothing_chosen_and_the_yes_is_to_what_was_shown(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(f"{CARE}/allow")
    assert "When you said yes" in page.text
    assert not any("checked" in item.attributes for item in page.all("input"))
    visitor.say(page, "Yes, allow it")
    (said,) = consent_entries(bank.context, "c-1", limit=1)
    assert (said.change.purposes, said.change.versions) == (("care",), (2,))
    assert "What changed" not in visitor.page(CARE).text
    assert "changed since you said yes" not in visitor.page(HOME).text


def test_a_form_that_shows_an_older_meaning_is_no_yes_to_the_new_one(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(f"{CARE}/allow")
    token = {item.attributes["name"]: item.attributes["value"] for item in page.all("input")}["token"]
    before = bank.epoch("c-1")
    data = {"token": token, "say": "grant care@1", "source.app": "yes", "channel.app": "yes"}
    answer = visitor.client.post(f"{HOME}/consents", data=data, headers=HTML)
    assert "changed meanwhile; here is what it is now" in answer.text
    assert bank.epoch("c-1") == before


def test_who_said_no_is_not_pointed_to_it_for_as_long_as_nobody_asks_again(bank: Bank, visitor: Visitor) -> None:
    no = ConsentChange(
        customer="c-2", change="withdraw", purposes=("care",), sources=("*",), channels=("*",), since=bank.now()
    )
    assert "changed since you said yes" in visitor.page("/customer/c-2").text
    bank.consent(no)
    assert "changed since you said yes" not in visitor.page("/customer/c-2").text
    assert "What changed" not in visitor.page("/customer/c-2/purposes/care").text

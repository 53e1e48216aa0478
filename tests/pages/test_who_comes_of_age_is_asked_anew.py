"""A minor's pages say what is closed to them; who came of age lands on the first consent, and nothing carries over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_visitor import HTML, NOW, Time, Visitor, client_of, cloudevent

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import HOUR, Instant, instant_of
from marketofone.services.rights.customer_links import CustomerLinks

START = instant_of(NOW)
OF_AGE = Instant(START + 12 * HOUR)  # midnight in Prague, where the bank of these tests is
PAGE = "/customer/c-1"
TOLD = "You are of age now. What was allowed before has ended, also what somebody allowed for you."


@pytest.fixture
def time() -> Time:
    return Time(START)


@pytest.fixture
def bank(project: Path, time: Time) -> Iterator[Bank]:
    with marketofone.open(project, now=START, clock=time) as opened:
        every = ("*",)
        yes = ConsentChange(customer="c-1", change="grant", purposes=every, sources=every, channels=every, since=START)
        opened.consent(yes)
        opened.ingest([cloudevent(1, "customer.born", NOW, "c-1", born="2008-01-06")])
        yield opened


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def landing(bank: Bank, visitor: Visitor, page: str = "") -> str:
    link = CustomerLinks.of(bank.context).link("c-1", page)
    answer = visitor.client.get(link.path, headers=HTML, follow_redirects=False)
    location: str = answer.headers["location"]
    return location


def test_a_minors_pages_say_what_is_closed_and_have_no_button_that_would_open_it(visitor: Visitor) -> None:
    purpose = visitor.page(f"{PAGE}/purposes/marketing")
    assert "Closed: it is not open to anybody under age" in purpose.text
    assert not any("/allow" in link.attributes.get("href", "") for link in purpose.all("a"))
    data = visitor.page(PAGE)
    assert not any("marketing/allow" in link.attributes.get("href", "") for link in data.all("a"))
    answer = visitor.client.get(f"{PAGE}/purposes/marketing/allow", headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}/purposes/marketing")


def test_a_yes_that_is_sent_all_the_same_is_refused_in_words(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(PAGE)
    token = next(item.attributes["value"] for item in page.all("input") if item.attributes.get("name") == "token")
    form = {"say": "grant marketing@1", "source.app": "yes", "channel.app": "yes", "token": token}
    answer = visitor.client.post(f"{PAGE}/consents", data=form, headers=HTML, follow_redirects=False)
    assert answer.status_code == 400
    assert "barred for who is under age" in answer.text
    assert not bank.permit("c-1", purpose="marketing").sources


def test_who_came_of_age_lands_on_the_first_consent_until_they_said_something(
    bank: Bank, visitor: Visitor, time: Time
) -> None:
    assert landing(bank, visitor) == PAGE
    time.now = OF_AGE
    assert landing(bank, visitor) == f"{PAGE}/first"
    assert landing(bank, visitor, "uses") == f"{PAGE}/uses"  # a page that was asked for is that page
    assert TOLD in visitor.page(PAGE).text
    first = visitor.page(f"{PAGE}/first")
    assert TOLD in first.text
    assert not any("checked" in item.attributes for item in first.all("input"))
    asked = {name for name, of in bank.config.policy.purposes.items() if of.basis == "consent"}
    assert {item.attributes["id"] for item in first.all("h2")} == asked
    visitor.say(first, "No to everything")
    assert landing(bank, visitor) == PAGE
    assert TOLD not in visitor.page(PAGE).text
    assert visitor.client.get(f"{PAGE}/first", headers=HTML, follow_redirects=False).headers["location"] == PAGE


def test_a_first_consent_of_a_minor_asks_for_nothing_that_is_barred(bank: Bank, visitor: Visitor) -> None:
    bank.ingest([cloudevent(2, "customer.born", NOW, "young", born="2015-01-06")])
    page = visitor.page("/customer/young/first")
    assert "marketing" not in {item.attributes["id"] for item in page.all("h2")}
    visitor.say(page, "No to everything")
    assert {cell.state for cell in bank.consents("young").cells if cell.purpose == "insights"} == {"withdrawn"}

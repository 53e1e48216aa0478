"""A delegate opens a person's pages by a link of their own, sees for whom they act, and stands in the log by name."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from page_check import Page
from page_visitor import HTML, NOW, Time, Visitor, cloudevent

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.delegation import Delegation, May
from marketofone.domain.moment import DAY, HOUR, Instant, instant_of
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.services.rights.use_log import recorded_uses
from marketofone.web.app import build_app
from marketofone.web.customer.pages import PAGES
from marketofone.web.security import COOKIE as FORM

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

START = instant_of(NOW)
WHO = "c-1"
HOME = f"/customer/{WHO}"
NAME = "Ann Müller"
ACTS = f"acting for you: {NAME}, named by yourself"


@pytest.fixture
def time() -> Time:
    return Time(START)


@pytest.fixture
def bank(project: Path, time: Time) -> Iterator[Bank]:
    with marketofone.open(project, now=START, clock=time) as opened:
        every = ("*",)
        opened.consent(
            ConsentChange(customer=WHO, change="grant", purposes=every, sources=every, channels=every, since=START)
        )
        opened.ingest([cloudevent(1, "app.opened", NOW, WHO)])
        yield opened


@pytest.fixture
def client(bank: Bank) -> Iterator[TestClient]:
    with TestClient(build_app(bank), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def visits(bank: Bank, client: TestClient) -> Callable[..., Visitor]:
    """Let somebody act, and open the person's pages as them."""

    def come(may: May = "change", *, until: int = START + 30 * DAY, language: Any = "en") -> Visitor:
        bank.rights.appoint(WHO, Delegation(name=NAME, authority="named", may=may, until=Instant(until)))
        link = CustomerLinks.of(bank.context).link(WHO, language=language, delegate=NAME)
        assert client.get(link.path, follow_redirects=False).status_code == 303
        return Visitor(client)

    return come


def log(bank: Bank) -> list[tuple[str, str]]:
    found = recorded_uses(bank.context, WHO, since=Instant(0), until=Instant(2**62))
    return [(one.what, one.actor) for one in found]


def pressed(page: Page) -> set[str]:
    return {item.text for item in page.all("button")}


def refused(visitor: Visitor, path: str, *, method: str = "GET", token: str = "") -> str:
    data = {"token": token} if method == "POST" else None
    answer = visitor.client.request(method, path, headers=HTML, follow_redirects=False, data=data)
    assert answer.status_code == 403, path
    return Page(answer.text).text


def test_each_page_says_who_acts_for_whom_and_each_is_a_use_by_name(bank: Bank, visits: Callable[..., Visitor]) -> None:
    visitor = visits("view")
    for page in ("", "/purposes/insights", "/purposes/insights/allow", "/consents/1", "/uses", "/delegates"):
        before = len(log(bank))
        shown = visitor.page(HOME + page)
        assert f"You are {NAME}, and act for customer {WHO}. You may look, and change nothing." in shown.text
        assert ("delegate", ACTS) in log(bank)[: len(log(bank)) - before], page
    assert {actor for what, actor in log(bank) if what != "message"} == {ACTS}
    owner = Visitor(visitor.client)
    owner.client.get(CustomerLinks.of(bank.context).link(WHO).path, follow_redirects=False)
    text = owner.page(HOME + "/uses").text
    assert "Somebody who acts for you opened a page" in text
    assert ACTS in text


def test_who_may_only_look_meets_no_button_and_no_form_takes_their_word(
    bank: Bank, visits: Callable[..., Visitor]
) -> None:
    visitor = visits("view")
    for page in ("", "/purposes/insights", "/purposes/insights/allow", "/consents/1", "/delegates"):
        shown = visitor.page(HOME + page)
        assert pressed(shown) == set(), page
        assert not any(item.attributes.get("method") == "post" and pressed(shown) for item in shown.all("form"))
    before = bank.epoch(WHO)
    token = _token(visitor)
    for path in ("/consents", "/consents/1", "/first", "/delegates"):
        assert "more than you may do for them" in refused(visitor, HOME + path, method="POST", token=token)
    assert bank.epoch(WHO) == before


def _token(visitor: Visitor) -> str:
    """Give what a form of a page would bring: it is the visitor's, whether a form stands there or not."""
    visitor.page(HOME)
    return str(visitor.client.cookies[FORM])


@pytest.mark.parametrize("may", ["view", "change"])
def test_what_is_the_persons_alone_stays_closed(visits: Callable[..., Visitor], may: May) -> None:
    visitor = visits(may)
    token = _token(visitor)
    closed = [page for page in PAGES if page.open_to == "customer"]
    assert {"/customer/{customer}/take/file", "/customer/{customer}/forget"} < {page.path for page in closed}
    for page in closed:
        path = page.path.format(customer=WHO, decision="d-1", entry="1", purpose="insights")
        refused(visitor, path, method=page.method, token=token)
    data = visitor.page(HOME)
    hrefs = {link.attributes.get("href", "") for link in data.all("a")}
    assert not any(href.startswith(HOME + part) for href in hrefs for part in ("/take", "/forecast", "/cases"))


def test_what_they_say_is_recorded_with_their_name_and_the_person_reads_it(
    bank: Bank, visits: Callable[..., Visitor]
) -> None:
    visitor = visits()
    receipt = visitor.say(visitor.page(HOME), "Stop everything")
    assert {cell.state for cell in bank.consents(WHO).cells} == {"withdrawn"}
    assert f"It was said by {ACTS}" in receipt.text
    visitor.client.get(CustomerLinks.of(bank.context).link(WHO).path, follow_redirects=False)
    assert f"(said by {ACTS})" in Visitor(visitor.client).page(HOME + "/purposes/insights").text


def test_undo_by_a_delegate_is_theirs_too(bank: Bank, visits: Callable[..., Visitor]) -> None:
    visitor = visits()
    receipt = visitor.say(visitor.page(HOME), "Stop everything")
    visitor.say(receipt, "Allow it again")
    assert {cell.state for cell in bank.consents(WHO).cells} == {"granted"}
    assert bank.rights.receipt(WHO).events[0].expressed_by == f"by {NAME}, for the person"


def test_who_is_ended_meets_a_closed_page_at_once(bank: Bank, visits: Callable[..., Visitor]) -> None:
    visitor = visits()
    visitor.page(HOME)
    bank.rights.end_delegate(WHO, NAME)
    assert "What you may do for this customer has ended" in refused(visitor, HOME)


def test_an_end_by_date_closes_the_page_by_itself(visits: Callable[..., Visitor], time: Time) -> None:
    visitor = visits(until=START + HOUR)
    time.now = Instant(START + HOUR - 1)
    visitor.page(HOME)
    time.now = Instant(START + HOUR)
    assert "What you may do for this customer has ended" in refused(visitor, HOME)


def test_a_link_names_nobody_else_than_whom_the_bank_wrote_there(bank: Bank, client: TestClient) -> None:
    made = CustomerLinks.of(bank.context).link(WHO, delegate=NAME).path
    other = made.replace(NAME.encode().hex(), b"Bob".hex())
    assert other != made
    bare = re.sub(r"\.-[0-9a-f]+", "", made)
    for forged in (other, bare):
        assert client.get(forged, follow_redirects=False).status_code == 403


def test_the_person_names_somebody_and_ends_it_on_a_page(bank: Bank, client: TestClient) -> None:
    client.get(CustomerLinks.of(bank.context).link(WHO).path, follow_redirects=False)
    visitor = Visitor(client)
    page = visitor.page(HOME + "/delegates")
    assert "Nobody." in page.text
    assert not any("checked" in item.attributes for item in page.all("input"))
    page = visitor.say(page, "Let them act for me", name="Bob", may="view", until="2026-03-31")
    (named,) = bank.rights.delegates(WHO)
    assert (named.delegation.name, named.delegation.may, named.delegation.authority) == ("Bob", "view", "named")
    assert "Only sees it, until 31 Mar 2026" in page.text
    visitor.say(page, "End it for Bob")
    assert bank.rights.delegates(WHO) == []


def test_no_name_that_a_person_gives_takes_the_place_of_a_guardian(bank: Bank, client: TestClient) -> None:
    until = Instant(START + 30 * DAY)
    told = Delegation(name="Gerda", authority="guardian", may="change", until=until, evidence="order 5")
    bank.rights.appoint(WHO, told)
    client.get(CustomerLinks.of(bank.context).link(WHO).path, follow_redirects=False)
    visitor = Visitor(client)
    page = visitor.page(HOME + "/delegates")
    assert not any("End it" in text for text in pressed(page))
    form = {"token": _token(visitor), "say": "name", "name": "Gerda", "may": "view", "until": "2026-01-20"}
    refusal = client.post(HOME + "/delegates", data=form, headers=HTML, follow_redirects=False)
    assert refusal.status_code == 400
    assert "whose authority the bank recorded" in refusal.text
    assert [one.delegation for one in bank.rights.delegates(WHO)] == [told]


def test_a_delegate_reads_of_no_other_delegate(bank: Bank, visits: Callable[..., Visitor]) -> None:
    other = Delegation(name="Ben", authority="named", may="view", until=Instant(START + 30 * DAY))
    bank.rights.appoint(WHO, other)
    page = visits().page(f"{HOME}/delegates")
    assert NAME in page.text
    assert "Ben" not in page.text


def test_a_receipt_tells_a_delegate_nothing_of_what_was_decided(bank: Bank, visits: Callable[..., Visitor]) -> None:
    bank.decide(WHO, occasion="app.opened")
    every = ("*",)
    no = ConsentChange(customer=WHO, change="withdraw", purposes=every, sources=every, channels=every, since=bank.now())
    path = f"{HOME}/consents/{bank.consent_given(no).entry.n}"
    receipt = visits().page(path)
    assert "What stops" in receipt.text
    assert "Your last decisions" not in receipt.text
    assert not any("/decisions/" in link.attributes.get("href", "") for link in receipt.all("a"))
    assert ("receipt", ACTS) not in log(bank)


def test_a_form_that_shows_its_page_again_is_a_use_too(bank: Bank, visits: Callable[..., Visitor]) -> None:
    visitor = visits()
    form, before = {"token": _token(visitor), "say": "grant insights@1"}, log(bank)
    again = visitor.client.post(HOME + "/consents", data=form, headers=HTML, follow_redirects=False)
    assert again.status_code == 200
    assert log(bank) == [("delegate", ACTS), *before]


def test_a_delegate_reads_german_and_their_name_stays_as_it_is(visits: Callable[..., Visitor]) -> None:
    shown = visits(language="de").page(HOME)
    assert f"Sie sind {NAME} und handeln für Kunde {WHO}." in shown.text


def test_a_program_names_a_delegate_and_makes_their_link(bank: Bank, client: TestClient) -> None:
    about = f"/v1/customers/{quote(WHO)}"
    told = {"name": NAME, "authority": "guardian", "evidence": "order 5", "may": "change", "until": "2026-12-31"}
    (named,) = client.put(about + "/delegates", json=told).json()
    assert (named["name"], named["authority"], named["may"]) == (NAME, "guardian", "change")
    assert client.get(about + "/delegates").json() == [named]
    said = client.put(about + "/consents", json={"change": "withdraw", "delegate": NAME}).json()
    assert {cell["state"] for cell in said["cells"]} == {"withdrawn"}
    link = client.post(about + "/links", json={"delegate": NAME}).json()
    assert client.get(link["path"], follow_redirects=False).status_code == 303
    assert f"You are {NAME}" in client.get(HOME, headers=HTML).text
    assert client.put(about + "/delegates", json={"name": NAME, "ended": True}).json() == []
    for path, method, body in (
        ("/links", "POST", {"delegate": NAME}),
        ("/consents", "PUT", {"change": "grant", "delegate": NAME}),
        ("/delegates", "PUT", {"name": NAME, "ended": True}),
    ):
        problem = client.request(method, about + path, json=body)
        assert (problem.status_code, problem.json()["field"]) == (400, "delegate")
    assert bank.context.actor == "http"

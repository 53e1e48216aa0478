"""A customer reads what is concluded about them, from what, and says that it is wrong; or asks a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from page_check import Page
from page_visitor import HTML, NOW, Visitor, client_of, clock, cloudevent

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.services.rights.cases import answer_case, cases_of

WHO, PAGE = "c-1", "/customer/c-1/wrong"
NOBODY = ("ask merchant", "ask merchant ", "ask merchant nobody-ever", "ask merchant kiosk ")


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    with marketofone.open(project, clock=clock) as opened:
        every = {"purposes": ("*",), "sources": ("*",), "channels": ("*",)}
        opened.consent(ConsentChange(customer=WHO, change="grant", since=opened.now(), **every))  # type: ignore[arg-type]
        at = NOW - timedelta(days=2)
        paid = {"account": "a1", "amount_minor": -900, "currency": "EUR", "merchant": "Kiosk", "category": "dining"}
        opened.ingest(
            [
                cloudevent(1, "life.declared", at, WHO, event="child"),
                cloudevent(2, "app.searched", at, WHO, query="travel insurance for my holiday abroad"),
                cloudevent(3, "message.received", at, WHO, text="i lost my card"),
                cloudevent(4, "place.visited", at, WHO, venue="airport"),
                cloudevent(5, "transaction.booked", at, WHO, **paid),
                cloudevent(6, "care.flagged", at, WHO, driver="health"),
            ]
        )
        yield opened


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def test_each_conclusion_stands_with_what_for_and_from_what(visitor: Visitor) -> None:
    page = visitor.page(PAGE)
    told = {row.text for row in page.all("li") if row.attributes.get("id", "").startswith("i-")}
    for words in (
        ("You have a child, or expect one.", "Offers", "on 3 Jan 2026"),
        ("This is on your mind: travel.", "One search in the app, on 3 Jan 2026."),
        ("You need this: a lost card blocked and replaced.", "One message to us"),
        ("You were at an airport.", "Fit the app to me", "One visit"),
        ("You need special care because of your health.", "It only ever stops offers of credit."),
    ):
        assert any(all(word in row for word in words) for row in told), words
    assert f"We conclude {len(told)} things about you." in page.text


def test_what_is_wrong_is_confirmed_by_the_journal_and_can_be_right_after_all(visitor: Visitor, bank: Bank) -> None:
    page = visitor.say(visitor.page(PAGE), "That is wrong : You have a child, or expect one.")
    assert "that this is wrong. Nothing uses it." in page.text
    assert "things about you. Of one more you said that it is wrong." in page.text
    assert "life_child_days" not in {one.name for one in bank.profile(WHO).known}
    assert "that this is wrong" in visitor.page(PAGE).text, "it is read from the journal, whatever the address says"
    assert (
        "that this is wrong" not in visitor.say(page, "It was right after all : You have a child, or expect one.").text
    )
    assert bank.verify().ok


def test_who_asks_a_person_sees_by_when_and_staff_sees_it(visitor: Visitor) -> None:
    page = visitor.say(visitor.page(PAGE), "Ask a person : You were at an airport.")
    row = next(row.text for row in page.all("li") if "You were at an airport." in row.text)
    assert "You have an answer by" in row
    assert "Ask a person" not in row, "it is asked once"
    assert "place.airport" in visitor.page("/console/cases").text
    assert "A person looks at this: You were at an airport." in visitor.page(f"/customer/{WHO}/cases").text
    visitor.say(visitor.page(PAGE), "Ask a person : Kiosk")
    assert "A person looks at this: What you buy at “Kiosk”." in visitor.page(f"/customer/{WHO}/cases").text


def test_staff_see_the_evidence_of_what_they_are_asked_about_and_the_customer_sees_that_they_looked(
    visitor: Visitor, bank: Bank
) -> None:
    visitor.say(visitor.page(PAGE), "Ask a person : You were at an airport.")
    form = visitor.page(f"/console/customers/{WHO}").all("input")
    token = next(one.attributes["value"] for one in form if one.attributes["name"] == "token")
    said = {"by": "Ada", "reason": "asked", "token": token}
    seen = Page(visitor.client.post(f"/console/customers/{WHO}", data=said, headers=HTML).text)
    assert seen.faults == []
    assert "You were at an airport." in seen.text
    assert "One visit, on 3 Jan 2026." in seen.text
    assert "on your mind" not in seen.text, "nobody asked about that"
    assert ("work of the staff", "location") in {(use.purpose, use.source) for use in bank.uses(WHO)}


def test_what_nothing_may_use_is_not_counted_and_says_so(visitor: Visitor, bank: Bank) -> None:
    visitor.say(visitor.page(PAGE), "That is wrong : You have a child, or expect one.")
    visitor.say(visitor.page(PAGE), "It was right after all : You have a child, or expect one.")
    every = {"purposes": ("*",), "sources": ("*",), "channels": ("*",)}
    bank.consent(ConsentChange(customer=WHO, change="withdraw", since=bank.now(), **every))  # type: ignore[arg-type]
    page = visitor.page(PAGE)
    assert "Used for: ." not in page.text
    assert "You allow no purpose that may use it." in page.text
    assert "We conclude one thing about you." in page.text


def test_an_interest_that_is_wrong_says_what_of_payments_still_counts(visitor: Visitor) -> None:
    page = visitor.say(visitor.page(PAGE), "That is wrong : This is on your mind: travel.")
    row = next(row.text for row in page.all("li") if "on your mind: travel" in row.text)
    assert "Nothing uses it" not in row
    assert "Nothing fits you better because of it any more." in row
    assert "What you pay still counts as money that you spend" in row


def test_what_came_on_one_day_is_told_of_one_day_and_the_look_has_a_title(visitor: Visitor, bank: Bank) -> None:
    at = NOW - timedelta(days=2)
    bank.ingest([cloudevent(9, "place.visited", at + timedelta(minutes=1), WHO, venue="airport")])
    assert "2 visits, on 3 Jan 2026." in visitor.page(PAGE).text
    assert "Showing what we conclude about you" in visitor.page(f"/customer/{WHO}/uses?day=2026-01-05").text


def test_a_german_page_says_topics_needs_and_kinds_of_stress_in_german(visitor: Visitor) -> None:
    page = Page(visitor.client.get(PAGE, headers={**HTML, "Accept-Language": "de"}).text)
    assert "eine verlorene Karte gesperrt und ersetzt" in page.text


def test_what_protects_asks_a_person_and_goes_on_protecting(visitor: Visitor) -> None:
    page = visitor.say(visitor.page(PAGE), "That is wrong : You need special care because of your health.")
    row = next(row.text for row in page.all("li") if "because of your health" in row.text)
    assert "It protects you until a person looked at it." in row
    assert "You have an answer by" in row


def test_who_had_an_answer_reads_it_and_not_that_a_person_will_look(visitor: Visitor, bank: Bank) -> None:
    visitor.say(visitor.page(PAGE), "That is wrong : You need special care because of your health.")
    (case,) = cases_of(bank.context, WHO)
    answer_case(bank.context, WHO, case.n, by="Ada", reason="We keep it for now.", now=bank.now())
    row = next(row.text for row in visitor.page(PAGE).all("li") if "because of your health" in row.text)
    assert "until a person looked" not in row
    assert "It is still on record and goes on protecting you." in row
    assert "by Ada: We keep it for now." in row
    assert "Ask a person" in row


def test_what_is_bought_somewhere_is_corrected_on_the_same_page(visitor: Visitor, bank: Bank) -> None:
    page = visitor.page(PAGE)
    assert "Kiosk: dining." in page.text
    page = visitor.say(page, "Save : Kiosk", category="health")
    assert "Kiosk: health. You said so." in page.text
    assert "Kiosk: dining. We took it so." in visitor.say(page, "It was right after all : Kiosk").text
    page = visitor.say(page, "Ask a person : Kiosk")
    assert "You have an answer by" in next(row.text for row in page.all("li") if "Kiosk" in row.text)
    assert bank.verify().ok


def test_who_allows_nothing_is_concluded_nothing_about(visitor: Visitor, bank: Bank) -> None:
    every = {"purposes": ("*",), "sources": ("*",), "channels": ("*",)}
    bank.consent(ConsentChange(customer=WHO, change="withdraw", since=bank.now(), **every))  # type: ignore[arg-type]
    page = visitor.page(PAGE)
    assert "We conclude one thing about you." in page.text, "what protects by law stays"
    assert "on your mind" not in page.text


def test_a_past_day_shows_what_was_concluded_then_and_no_button(visitor: Visitor, bank: Bank) -> None:
    past = text_of(Instant(bank.now() - DAY))
    visitor.say(visitor.page(PAGE), "That is wrong : You were at an airport.")
    page = visitor.page(f"{PAGE}?as_of={past}")
    assert not page.all("button")
    assert "that this is wrong" not in page.text


@pytest.mark.parametrize("say", ["", "sing", "wrong", "wrong star sign", "ask star sign", "ask", *NOBODY])
def test_what_the_form_does_not_say_changes_nothing(visitor: Visitor, bank: Bank, say: str) -> None:
    token = next(
        one.attributes["value"] for one in visitor.page(PAGE).all("input") if one.attributes["name"] == "token"
    )
    before = [one.wrong for one in bank.rights.inferences(WHO)]
    assert visitor.client.post(PAGE, data={"say": say, "token": token}, headers=HTML).status_code == 400
    assert [one.wrong for one in bank.rights.inferences(WHO)] == before
    assert not cases_of(bank.context, WHO)


def test_programs_read_and_correct_the_same(visitor: Visitor) -> None:
    path = f"/v1/customers/{WHO}/inferences"
    told = {one["inference"]: one for one in visitor.client.get(path).json()}
    assert told["life.child"]["evidence"] == [
        {
            "source": "life_events",
            "kind": "life.declared",
            "times": 1,
            "first_day": "2026-01-03",
            "last_day": "2026-01-03",
            "unit": "count",
        }
    ]
    assert not told["life.child"]["wrong"]
    said = visitor.client.put(path, json={"inference": "life.child", "page": "our app"}).json()
    assert {one["inference"] for one in said if one["wrong"]} == {"life.child"}
    assert visitor.client.put(path, json={"inference": "star sign"}).status_code == 400
    assert visitor.client.put("/v1/customers/nobody/inferences", json={"inference": "stress"}).status_code == 404

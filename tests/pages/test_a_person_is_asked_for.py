"""A customer asks for a person: staff see it with its day, answer it once, and the customer reads the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_check import Page
from page_visitor import HTML, NOW, Visitor, client_of, clock, cloudevent

import marketofone
from marketofone.bank import Bank
from marketofone.domain.case import due_on
from marketofone.domain.errors import MalformedRequest, UnknownCustomer, UnknownDecision, UnknownEntry
from marketofone.domain.moment import DAY, Calendar, Instant, parse_instant, text_of
from marketofone.services.rights import cases

WHO, PAGE = "c-1", "/customer/c-1/cases"


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    with marketofone.open(project, clock=clock) as opened:
        for number, who in enumerate((WHO, "c-2")):
            opened.ingest([cloudevent(number, "app.opened", NOW, who)])
        yield opened


def test_who_asks_to_be_called_back_is_seen_by_staff_and_reads_the_answer(bank: Bank) -> None:
    with client_of(bank) as client:
        visitor = Visitor(client)
        asked = _press(visitor, visitor.page(PAGE), words="after six")
        assert "We call you by 6 Jan 2026." in asked.text
        console = visitor.page("/console/cases")
        assert "1 waiting" in console.text
        for words in ("Call back: c-1", "after six", "Due by 6 Jan 2026"):
            assert words in console.text
        _press(visitor, console, by="Ada", reason="we spoke, all is settled")
        assert "Nobody waits." in visitor.page("/console/cases").text
        assert "by Ada: we spoke, all is settled" in visitor.page(PAGE).text
    assert bank.verify().ok


def test_a_case_opens_once_while_it_waits_and_is_answered_once(bank: Bank) -> None:
    first = cases.open_case(bank.context, WHO, "call back", words="after six", now=bank.now())
    for words in ("", "after six"):
        assert cases.open_case(bank.context, WHO, "call back", words=words, now=bank.now()).n == first.n
    cases.answer_case(bank.context, WHO, first.n, by="Ada", reason="done", now=bank.now())
    with pytest.raises(MalformedRequest, match="answered already"):
        cases.answer_case(bank.context, WHO, first.n, by="Bob", reason="done", now=bank.now())
    assert cases.open_case(bank.context, WHO, "call back", now=bank.now()).n > first.n


def test_other_words_beside_a_case_that_waits_are_kept_and_checked(bank: Bank) -> None:
    first = cases.open_case(bank.context, WHO, "call back", words="after six", now=bank.now())
    assert cases.open_case(bank.context, WHO, "call back", words="it is urgent", now=bank.now()).n > first.n
    assert [one.words for one in cases.cases_of(bank.context, WHO)] == ["it is urgent", "after six"]
    with pytest.raises(MalformedRequest):
        cases.open_case(bank.context, WHO, "call back", words="a\nb", now=bank.now())


def test_a_case_is_its_customer_s_and_about_what_is_theirs(bank: Bank) -> None:
    bank.decide("c-2", occasion="app.opened", id="d-2")
    with pytest.raises(UnknownDecision):
        cases.open_case(bank.context, WHO, "call back", about=("decision", "d-2"), now=bank.now())
    with pytest.raises(UnknownCustomer):
        cases.open_case(bank.context, "nobody", "call back", now=bank.now())
    n = cases.open_case(bank.context, WHO, "call back", now=bank.now()).n
    with pytest.raises(UnknownEntry):
        cases.answer_case(bank.context, "c-2", n, by="Ada", reason="done", now=bank.now())
    assert cases.cases_of(bank.context, "c-2") == []


def test_what_is_due_first_stands_first_and_who_was_forgotten_nowhere(bank: Bank) -> None:
    slow = cases.open_case(bank.context, WHO, "ask a person", about=("inference", "life_stage"), now=bank.now())
    fast = cases.open_case(bank.context, "c-2", "call back", now=bank.now())
    assert [one.n for one in cases.open_cases(bank.context)] == [fast.n, slow.n]
    bank.erase("c-2", ground="asked")
    assert [one.customer for one in cases.open_cases(bank.context)] == [WHO]


def test_a_past_day_shows_the_cases_of_that_day(bank: Bank) -> None:
    before = bank.now()
    case = cases.open_case(bank.context, WHO, "call back", now=bank.now())
    opened = bank.now()
    cases.answer_case(bank.context, WHO, case.n, by="Ada", reason="done", now=bank.now())
    assert cases.cases_of(bank.context, WHO, until=before) == []
    assert [one.answer for one in cases.cases_of(bank.context, WHO, until=opened)] == [None]


def test_cases_are_taken_along(bank: Bank) -> None:
    cases.open_case(bank.context, WHO, "call back", words="after six", now=bank.now())
    (told,) = bank.rights.export(WHO).cases
    assert (told.kind, told.words, told.due) == ("call back", "after six", "2026-01-06T22:59:59.999999Z")


@pytest.mark.parametrize("said", [{"kind": "sing"}, {"about": "customer c-2"}, {"words": "a\nb"}, {"words": "x" * 201}])
def test_what_the_form_does_not_say_opens_no_case(bank: Bank, said: dict[str, str]) -> None:
    with client_of(bank) as client:
        (token,) = {
            one.attributes["value"] for one in Visitor(client).page(PAGE).all("input")
            if one.attributes["name"] == "token"
        }  # fmt: skip
        data = {"kind": "call back", "token": token, **said}
        assert client.post(PAGE, data=data, headers=HTML).status_code == 400
    assert cases.cases_of(bank.context, WHO) == []


@pytest.mark.parametrize(("counted", "due"), [("working", "2026-01-06"), ("plain", "2026-01-04")])
def test_working_days_leave_out_the_end_of_the_week(counted: str, due: str) -> None:
    friday = parse_instant("2026-01-02T09:00:00Z", field="asked")
    found = due_on(friday, days=2, counted="working" if counted == "working" else "plain", calendar=Calendar("UTC"))
    assert text_of(Instant(found - DAY + 1))[:10] == due


def _press(visitor: Visitor, page: Page, **fields: str) -> Page:
    """Fill in the one form of a page, press its button, and read the page that follows."""
    (form,) = page.all("form")
    kept = {item.attributes["name"]: item.attributes.get("value", "") for item in form.all("input")}
    response = visitor.client.post(
        form.attributes["action"], data={**kept, **fields}, headers=HTML, follow_redirects=False
    )
    assert response.status_code == 303, response.text
    return visitor.page(response.headers["location"].partition("#")[0])

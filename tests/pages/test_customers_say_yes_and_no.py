"""What a customer does on the pages is recorded at once, and shows in the next decision, forecast and log."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from page_visitor import HTML, NOW, Visitor, cloudevent

from marketofone.bank import Bank
from marketofone.services.rights.history import outcomes_of

PERSON = quote("a/b:c", safe="")
HOME = f"/customer/{PERSON}"


def state(bank: Bank, purpose: str, source: str) -> set[str]:
    scopes = bank.consents("a/b:c").cells
    return {scope.state for scope in scopes if (scope.purpose, scope.source) == (purpose, source)}


def _switch(source: str, purpose: str) -> str:
    return f"{source} for \N{LEFT DOUBLE QUOTATION MARK}{purpose}\N{RIGHT DOUBLE QUOTATION MARK}"


def test_nothing_is_on_by_default(town: Bank, visitor: Visitor) -> None:
    town.ingest([cloudevent(0, "app.opened", NOW, "newcomer")])
    switches = [button for button in visitor.page("/customer/newcomer").all("button") if "role" in button.attributes]
    assert len(switches) > 100
    assert {switch.attributes["aria-checked"] for switch in switches} == {"false"}


def test_granting_and_withdrawing_are_the_same_click(town: Bank, visitor: Visitor) -> None:
    name = _switch("Places", "Offers")
    page = visitor.say(visitor.page(HOME), name)
    assert state(town, "marketing", "location") == {"granted"}
    assert "Saved, and it holds from now on: allowed" in page.text
    page = visitor.say(page, name)
    assert state(town, "marketing", "location") == {"withdrawn"}
    assert "no longer allowed" in page.text


def test_what_was_allowed_at_another_bank_is_shown_with_its_end(town: Bank, visitor: Visitor) -> None:
    for number, (institution, until) in enumerate((("First Bank", "2100-03-01"), ("Second Bank", "2020-03-01"))):
        facts = {"institution": institution, "scopes": ["balances"], "until": f"{until}T00:00:00Z"}
        town.ingest([cloudevent(number, "openbanking.licensed", NOW, "elsewhere", **facts)])
    text = visitor.page("/customer/elsewhere").text
    assert "Balances, until 1 Mar 2100. Not for offers." in text
    assert "Ended on 1 Mar 2020: nothing of it is used any more." in text


def test_one_channel_can_be_switched_alone(town: Bank, visitor: Visitor) -> None:
    name = _switch("Life events", "Offers")
    page = visitor.say(visitor.page(HOME), f"{name}: E-mail")
    assert state(town, "marketing", "life_events") == {"granted", "never"}
    switch = next(button for button in page.all("button") if button.text.endswith(name))
    assert switch.attributes["aria-checked"] == "mixed"


def test_a_withdrawal_shows_in_the_next_decision_forecast_and_page(town: Bank, visitor: Visitor) -> None:
    assert visitor.page(f"{HOME}/forecast").all("svg") != []
    name = _switch("Accounts and payments here", "Understand my money")
    visitor.say(visitor.page(HOME), name)
    decision = town.decide("a/b:c", occasion="app.opened")
    assert ("insights", "transactions") not in decision.uses
    page = visitor.page(f"{HOME}/decisions/{decision.id}")
    assert "you said no (Understand my money)" in page.text
    visitor.say(visitor.page(HOME), "Stop all 6")
    assert "So we did not look" in visitor.page(f"{HOME}/forecast").text
    visitor.say(visitor.page(HOME), "Allow all 6")
    assert visitor.page(f"{HOME}/forecast").all("svg") != []


def test_an_answer_is_heard_once_and_shown(town: Bank, visitor: Visitor, shown: Callable[[], str]) -> None:
    why = visitor.page(shown())
    page = visitor.say(why, "Not relevant")
    assert "\N{LEFT DOUBLE QUOTATION MARK}not relevant\N{RIGHT DOUBLE QUOTATION MARK}" in page.text
    assert "not for 180 days; what is of its kind counts 30 % less for 30 days" in page.text
    assert [button for button in page.all("button") if button.attributes.get("name") == "say"] == []
    path = shown()
    yes = visitor.say(visitor.page(path), "Yes, this is for me")
    assert "You said yes" in yes.text
    because = visitor.say(visitor.page(shown()), "Good moment")
    assert "You said yes: \N{LEFT DOUBLE QUOTATION MARK}good moment" in because.text
    assert [outcome.verdict for outcome in outcomes_of(town.context, town.decision(path.split("/")[-1]))] == [
        "accepted"
    ]


def test_reasons_are_drawn_and_told_with_the_same_numbers(visitor: Visitor, shown: Callable[[], str]) -> None:
    page = visitor.page(shown())
    drawn = [text.text for text in page.all("text") if text.attributes["class"] == "value"]
    told = [
        scope.text for row in page.all("tbody") for scope in row.all("td") if scope.attributes.get("class") == "number"
    ]
    assert drawn == told != []


def test_a_forged_form_changes_nothing(town: Bank, visitor: Visitor) -> None:
    before = town.consents("a/b:c").epoch
    said = {"say": "grant * * *"}
    assert visitor.client.post(f"{HOME}/consents", data=said, headers=HTML).status_code == 403
    visitor.page(HOME)
    assert visitor.client.post(f"{HOME}/consents", data={**said, "token": "x"}, headers=HTML).status_code == 403
    token = visitor.client.cookies["marketofone-form"]
    foreign = {**HTML, "Sec-Fetch-Site": "cross-site"}
    assert visitor.client.post(f"{HOME}/consents", data={**said, "token": token}, headers=foreign).status_code == 403
    forged = {"token": "abc.def", **said}
    cookie = {**HTML, "Cookie": "marketofone-form=abc.def"}
    assert visitor.client.post(f"{HOME}/consents", data=forged, headers=cookie).status_code == 403
    assert town.consents("a/b:c").epoch == before


def test_the_board_approves_stops_and_resumes(town: Bank, visitor: Visitor) -> None:
    standing = {item.action: item.standing for item in town.board()}
    action = next(name for name, how in standing.items() if how == "not_approved")
    for button, expected in (("Approve for 180 days", "approved"), ("Stop", "stopped"), ("Resume", "approved")):
        visitor.say(visitor.page("/console/board"), button, by="Ada", action=action)
        assert {item.action: item.standing for item in town.board()}[action] == expected


def test_staff_see_every_candidate_and_chances_that_sum_to_one(town: Bank, visitor: Visitor) -> None:
    decision = town.decision("d-0")
    page = visitor.page("/console/decisions/d-0")
    assert "All chances together 100.0 %" in page.text
    assert f"{len(decision.candidates)} candidates stood" in page.text
    assert decision.documents in page.text

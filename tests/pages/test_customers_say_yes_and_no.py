"""What a customer does on the pages is recorded at once, and shows in the next decision, forecast and log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

from msgspec import UNSET
from page_check import Page
from page_visitor import HTML, NOW, Visitor, cloudevent, year_of

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.rights.consent_history import consent_entries
from marketofone.services.rights.history import outcomes_of
from marketofone.web import formatting

PERSON = quote("a/b:c", safe="")
HOME = f"/customer/{PERSON}"


def state(bank: Bank, purpose: str, source: str) -> set[str]:
    scopes = bank.consents("a/b:c").cells
    return {scope.state for scope in scopes if (scope.purpose, scope.source) == (purpose, source)}


def purpose(visitor: Visitor, name: str, customer: str = PERSON) -> Page:
    return visitor.page(f"/customer/{customer}/purposes/{name}")


def allow(visitor: Visitor, name: str, **what: str) -> Page:
    """Go from the link of a purpose to the page before a yes, and say yes; all that stands there is ticked."""
    asked = "&".join(f"{field}={word}" for field, word in what.items())
    (link,) = [of for of in purpose(visitor, name).links if of.endswith("/allow" + (f"?{asked}" if asked else ""))]
    return visitor.say(visitor.page(link), "Yes, allow it")


def _of(source: str, title: str) -> str:
    return f"{source} for \N{LEFT DOUBLE QUOTATION MARK}{title}\N{RIGHT DOUBLE QUOTATION MARK}"


def test_nothing_is_on_by_default(town: Bank, visitor: Visitor) -> None:
    town.ingest([cloudevent(0, "app.opened", NOW, "newcomer")])
    text = visitor.page("/customer/newcomer").text
    assert "This month we used nothing of yours, and showed you nothing. 0 of 23 permissions are on." in text
    for name, of in town.config.policy.purposes.items():
        boxes = [item for item in purpose(visitor, name, "newcomer").all("button") if item.text.startswith("Stop")]
        assert boxes == []
        if of.basis == "consent":
            asked = visitor.page(f"/customer/newcomer/purposes/{name}/allow")
            ticked = [item for item in asked.all("input") if item.attributes.get("type") == "checkbox"]
            assert len(ticked) == len(of.sources) + 4
            assert not any("checked" in item.attributes for item in ticked)


def test_before_a_yes_stand_notice_gain_channels_and_end_and_a_no_as_large(visitor: Visitor) -> None:
    page = visitor.page(f"{HOME}/purposes/marketing/allow?source=location")
    for words in ("choose offers of this bank", "Fewer, better offers", "never your position", "5 Jan 2027", "E-mail"):
        assert words in page.text
    (pair,) = [of for of in page.all("div") if of.attributes.get("class") == "pair equal"]
    assert [(of.tag, of.text) for of in pair.children] == [
        ("button", "Yes, allow it"),
        ("a", "No, leave it as it is"),
    ]


def test_a_yes_needs_what_was_ticked_and_means_no_more(town: Bank, visitor: Visitor) -> None:
    page = visitor.page(f"{HOME}/purposes/care/allow")
    before = town.epoch("a/b:c")
    token = visitor.client.cookies["marketofone-form"]

    def post(*ticked: str) -> str:
        data = {"token": token, "say": "grant care", **dict.fromkeys(ticked, "yes")}
        return str(visitor.client.post(f"{HOME}/consents", data=data, headers=HTML).text)

    for some in ((), ("source.app",), ("channel.app",)):
        assert "Nothing was allowed" in post(*some)
    assert town.epoch("a/b:c") == before
    assert "Nothing was allowed" not in page.text
    assert "You said yes" in post("source.app", "source.messages", "channel.push")
    on = {
        (of.source, of.channel) for of in town.consents("a/b:c").cells if of.purpose == "care" and of.state == "granted"
    }
    assert on == {("app", "push"), ("messages", "push")}


def test_a_no_is_one_click_and_a_yes_is_asked_back_once(town: Bank, visitor: Visitor) -> None:
    page = allow(visitor, "marketing", source="location")
    assert state(town, "marketing", "location") == {"granted"}
    assert "You said yes" in page.text
    assert "It ends by itself on 5 Jan 2027" in page.text
    page = visitor.say(purpose(visitor, "marketing"), _of("Places", "Offers"))
    assert state(town, "marketing", "location") == {"withdrawn"}
    assert "You said no" in page.text
    assert "Off since 5 Jan 2026" in purpose(visitor, "marketing").text


def test_what_is_confirmed_is_read_from_the_journal_and_never_from_the_address(town: Bank, visitor: Visitor) -> None:
    town.ingest([cloudevent(0, "app.opened", NOW, "sure")])
    home = "/customer/sure"
    visitor.say(visitor.page(f"{home}/purposes/marketing/allow?source=location"), "Yes, allow it")
    for lie in ("changed=withdraw%20*%20*%20*", "said=no", "until=2100-01-01"):
        for path in (home, f"{home}/purposes/marketing", f"{home}/merchants"):
            page = visitor.page(f"{path}?{lie}")
            assert "2100" not in page.text
            assert [of for of in page.all("p") if of.attributes.get("role") == "status"] == []
    said = consent_entries(town.context, "sure", limit=1)[0]
    assert "You said yes" in visitor.page(f"{home}/consents/{said.n}?changed=withdraw%20*%20*%20*").text


def test_a_receipt_is_its_owner_s_and_of_a_consent_entry_only(town: Bank, visitor: Visitor) -> None:
    town.ingest([cloudevent(0, "app.opened", NOW, "other")])
    n = consent_entries(town.context, "a/b:c", limit=1)[0].n
    visitor.page(f"/customer/other/consents/{n}", status=404)
    visitor.page("/customer/other/consents/1", status=404)


def test_a_person_of_two_ids_is_led_to_no_page_that_does_not_open(town: Bank, visitor: Visitor) -> None:
    every = ("*",)
    for who in ("two-a", "two-b"):
        town.consent(
            ConsentChange(customer=who, change="grant", since=town.now(), purposes=every, sources=every, channels=every)
        )
        town.ingest([cloudevent(0, "identity.linked", NOW, who, key_kind="email_hash", key="two")])
        town.decide(who, occasion="app.opened", id=f"d-{who}")
    for path in ("/customer/two-a", "/customer/two-a/purposes/insights"):
        page = visitor.page(path)
        assert {link.partition("?")[0].split("/")[2] for link in page.links if link.startswith("/customer/")} == {
            "two-a"
        }
        assert "under another customer number of yours" in page.text


def test_what_was_allowed_at_another_bank_is_shown_with_its_end(town: Bank, visitor: Visitor) -> None:
    for number, (institution, until) in enumerate((("First Bank", "2100-03-01"), ("Second Bank", "2020-03-01"))):
        facts = {"institution": institution, "scopes": ["balances"], "until": f"{until}T00:00:00Z"}
        town.ingest([cloudevent(number, "openbanking.licensed", NOW, "elsewhere", **facts)])
    text = visitor.page("/customer/elsewhere").text
    assert "Balances, until 1 Mar 2100. Not for offers." in text
    assert "Ended on 1 Mar 2020: nothing of it is used any more." in text


def test_one_channel_can_be_switched_alone(town: Bank, visitor: Visitor) -> None:
    page = allow(visitor, "marketing", source="life_events", channel="email")
    assert state(town, "marketing", "life_events") == {"granted", "never"}
    assert "life events; e-mail" in page.text
    assert "On for some channels, until 5 Jan 2027" in purpose(visitor, "marketing").text


def test_a_withdrawal_shows_in_the_next_decision_forecast_and_page(town: Bank, visitor: Visitor) -> None:
    assert visitor.page(f"{HOME}/forecast").all("svg") != []
    visitor.say(purpose(visitor, "insights"), _of("Accounts and payments here", "Understand my money"))
    decision = town.decide("a/b:c", occasion="app.opened")
    assert ("insights", "transactions") not in decision.uses
    page = visitor.page(f"{HOME}/decisions/{decision.id}")
    assert "you said no (Understand my money)" in page.text
    title = "\N{LEFT DOUBLE QUOTATION MARK}Understand my money\N{RIGHT DOUBLE QUOTATION MARK}"
    visitor.say(visitor.page(HOME), f"Stop {title}")
    assert "So we did not look" in visitor.page(f"{HOME}/forecast").text
    allow(visitor, "insights")
    assert visitor.page(f"{HOME}/forecast").all("svg") != []


def test_an_answer_is_shown_with_the_moment_until_which_it_may_be_changed(
    town: Bank, visitor: Visitor, shown: Callable[[], str]
) -> None:
    why = visitor.page(shown())
    page = visitor.say(why, "Not relevant")
    assert "\N{LEFT DOUBLE QUOTATION MARK}not relevant\N{RIGHT DOUBLE QUOTATION MARK}" in page.text
    assert "not for 180 days; what is of its kind counts 30 % less for 30 days" in page.text
    (answer,) = [of for of in page.all("section") if of.attributes.get("id") == "answer"]
    assert "You can until 4 February 2026, 12:00." in answer.text
    assert "Not relevant" not in {button.text for button in answer.all("button")}
    path = shown()
    yes = visitor.say(visitor.page(path), "Yes, this is for me")
    assert "You said yes" in yes.text
    because = visitor.say(visitor.page(shown()), "Good moment")
    assert "You said yes: \N{LEFT DOUBLE QUOTATION MARK}good moment" in because.text
    assert [outcome.verdict for outcome in outcomes_of(town.context, town.decision(path.split("/")[-1]))] == [
        "accepted"
    ]


def test_an_answer_is_changed_by_a_plain_form_and_read_from_the_journal(
    town: Bank, visitor: Visitor, shown: Callable[[], str]
) -> None:
    path = shown()
    no = visitor.say(visitor.page(path), "Too often")
    assert "Yes, this is for me" in {button.text for button in no.all("button")}

    yes = visitor.say(no, "Yes, this is for me")

    (answer,) = [of for of in yes.all("section") if of.attributes.get("id") == "answer"]
    (status,) = [of for of in answer.all("p") if of.attributes.get("role") == "status"]
    assert "You said yes" in status.text
    (before,) = answer.all("li")
    assert "You said it is not for you: \N{LEFT DOUBLE QUOTATION MARK}too often" in before.text
    heard = outcomes_of(town.context, town.decision(path.split("/")[-1]))
    assert [(outcome.verdict, outcome.changes) for outcome in heard] == [("declined", UNSET), ("accepted", "answer")]
    assert "another answer than before" in visitor.look(f"/console/decisions/{path.split('/')[-1]}").text
    lie = visitor.page(f"{path}?said=declined&changed=declined")
    assert "You said yes" in lie.text


def test_what_was_taken_back_counts_on_the_page_until_it_is_said_again(
    town: Bank, visitor: Visitor, shown: Callable[[], str]
) -> None:
    path = shown()
    visitor.say(visitor.page(path), "Easy")
    town.outcome(path.split("/")[-1], "taken_back")

    page = visitor.page(path)

    (status,) = [of for of in page.all("p") if of.attributes.get("role") == "status"]
    assert "You gave it up again on" in status.text
    assert "You will not see it again for a while." in status.text
    assert "does not count any more" not in page.text
    again = visitor.say(page, "Easy")
    (status,) = [of for of in again.all("p") if of.attributes.get("role") == "status"]
    assert "You gave it up again" not in status.text
    assert "does not count any more" in again.text


def test_after_its_last_day_an_answer_has_no_buttons_and_says_what_still_works(town: Bank, visitor: Visitor) -> None:
    since, every = Instant(town.now() - 40 * DAY), ("*",)
    town.consent(
        ConsentChange(customer="late", change="grant", purposes=every, sources=every, channels=every, since=since),
        now=since,
    )
    town.ingest(year_of("late", until=NOW - timedelta(days=40)), now=since)
    made = next(
        made
        for hours in range(50)
        if (made := town.decide("late", occasion="app.opened", now=Instant(since + hours * HOUR))).action != "nothing"
    )
    path = f"/customer/late/decisions/{made.id}"

    (answer,) = [of for of in visitor.page(path).all("section") if of.attributes.get("id") == "answer"]

    last = formatting.moment_of(Instant(made.at + 30 * DAY), calendar=town.calendar)
    assert answer.all("button") == []
    assert f"It could be answered until {last}." in answer.text
    said = {"token": visitor.client.cookies["marketofone-form"], "say": "yes"}
    refused = visitor.client.post(f"{path}/answer", data=said, headers=HTML)
    assert (refused.status_code, "30 days after the decision" in refused.text) == (400, True)
    assert outcomes_of(town.context, made) == []


def test_reasons_are_drawn_and_told_with_the_same_numbers(visitor: Visitor, shown: Callable[[], str]) -> None:
    page = visitor.page(shown())
    drawn = [text.text for text in page.all("text") if text.attributes["class"] == "value"]
    told = [
        scope.text for row in page.all("tbody") for scope in row.all("td") if scope.attributes.get("class") == "number"
    ]
    assert drawn == told != []


def test_a_forged_form_changes_nothing(town: Bank, visitor: Visitor) -> None:
    before = town.consents("a/b:c").epoch
    said = {"say": "grant marketing", "source.app": "yes", "channel.app": "yes"}
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
    page = visitor.look("/console/decisions/d-0")
    assert "All chances together 100.0 %" in page.text
    assert f"{len(decision.candidates)} candidates stood" in page.text
    assert decision.documents in page.text

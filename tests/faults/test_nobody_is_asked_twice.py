"""A permission is asked for once, seldom, only where it was measured to help, and never soon after a no."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from situations import NOW, at_once, sent, shares

import marketofone
from marketofone import Bank, wiring
from marketofone.consent.ledger import ConsentChange, What
from marketofone.decide.reasons import tells_of_help
from marketofone.domain.decision import Decision
from marketofone.domain.delegation import Delegation
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.help import Help
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.rights.first_consent import FirstChoice, say_first
from marketofone.services.rights.help_service import record_help
from proofs import proven

ACTIONS = """
channels = ["app"]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"

[occasions."weekly.mail"]
channel = "app"
begun_by = "bank"

[[actions]]
id = "ask_banks"
kind = "nudge"
title = "Your accounts at other banks, too?"
text = "If you like, we look at them for your month."
value_minor = 90_000
chance = 0.9
asks = "open_banking"

[[actions]]
id = "ask_messages"
kind = "nudge"
title = "Your messages, too?"
text = "If you like, we look at them for your month."
value_minor = 90_000
chance = 0.9
asks = "messages"

[[actions]]
id = "ask_places"
kind = "feature"
title = "The kind of place, too?"
text = "If you like, we look at it for the app."
value_minor = 90_000
chance = 0.9
asks = "location"

[[actions]]
id = "tip"
kind = "insight"
title = "A tip"
text = "Your month so far."
value_minor = 100
chance = 0.3
"""
BANKS, MESSAGES, PLACES = ("insights", "open_banking"), ("insights", "messages"), ("personalisation", "location")
ASKED = {"ask_banks": BANKS, "ask_messages": MESSAGES, "ask_places": PLACES}


def helpful(scope: tuple[str, str], *, at: int = NOW) -> Help:
    purpose, source = scope
    return Help(
        purpose=purpose,
        source=source,
        at=Instant(at),
        level=0.95,
        gain=0.06,
        low=0.03,
        high=0.09,
        decisions=900,
        people=200,
        lacks=(),
    )


def measured(bank: Bank, *scopes: tuple[str, str], at: int = NOW) -> None:
    record_help(bank.context, [helpful(scope, at=at) for scope in scopes], now=Instant(at))


def asks(bank: Bank, customer: str = "anna", *, now: int = NOW, slots: int = 1) -> Decision:
    return bank.decide(customer, occasion="app.opened", slots=slots, now=Instant(now))


def whys(made: Decision) -> dict[str, str]:
    return {one.action: one.why for one in made.candidates if one.action in ASKED}


def allows(
    bank: Bank,
    customer: str = "anna",
    *,
    purposes: tuple[str, ...] = ("insights", "personalisation"),
    sources: tuple[str, ...] = ("transactions", "app"),
    channels: tuple[str, ...] = ("*",),
    now: int = NOW,
) -> None:
    bank.consent(
        ConsentChange(
            customer=customer,
            change="grant",
            purposes=purposes,
            sources=sources,
            channels=channels,
            since=Instant(now),
        ),
        now=Instant(now),
    )


def no(
    bank: Bank, change: What, *, now: int, purposes: tuple[str, ...] = ("insights",), customer: str = "anna"
) -> None:
    words = {} if change in ("object", "pause") else {"sources": ("*",), "channels": ("*",)}
    named = () if change == "object" else purposes
    said = ConsentChange(customer=customer, change=change, purposes=named, since=Instant(now), **words)  # type: ignore[arg-type]
    bank.consent(said, now=Instant(now))


def set_up(project: Path) -> None:
    (project / "actions.toml").write_text(ACTIONS, encoding="utf-8")
    path = project / "bank.toml"
    plain = path.read_text(encoding="utf-8").replace("exploration = 0.02", "exploration = 0.0001")
    path.write_text(plain.replace("control_share = 0.1", "control_share = 0.0"), encoding="utf-8")


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    """Open a bank that would rather ask than do anything else, with somebody who allows a little."""
    set_up(project)
    with marketofone.open(project, now=NOW) as bank:
        bank.learning.by_itself = False
        allows(bank)
        yield bank


def test_without_a_measured_help_nothing_is_asked_and_the_funnel_says_why(bank: Bank) -> None:
    made = asks(bank)

    assert made.action not in ASKED
    assert made.asks == ()
    assert set(whys(made).values()) == {"asking: no measured help"}
    told = {of.action: of for of in bank.funnel(now=NOW).actions}["ask_banks"]
    assert [(stop.gate, stop.why) for stop in told.stops] == [("eligible", "asking: no measured help")]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"low": 0.009}, "asking: no measured help: not shown to be enough"),
        ({"low": 0.01}, "asking: no measured help: not shown to be enough"),
        ({"people": 99}, "asking: no measured help: on too few people"),
        ({"lacks": ("few",)}, "asking: no measured help: on too few people"),
    ],
)
def test_what_was_measured_has_to_be_enough(bank: Bank, other: dict[str, Any], why: str) -> None:
    record_help(bank.context, [replace(helpful(BANKS), **other)], now=NOW)

    assert whys(asks(bank))["ask_banks"] == why


def test_what_was_measured_long_ago_counts_no_more(bank: Bank) -> None:
    measured(bank, BANKS)

    assert whys(asks(bank, now=NOW + 35 * DAY))["ask_banks"] == "asking: no measured help"


def test_what_helps_is_asked_once_with_what_was_measured(bank: Bank) -> None:
    measured(bank, BANKS)
    made = asks(bank)

    assert (made.action, made.asks) == ("ask_banks", (BANKS,))
    (told,) = [one.text for one in made.reasons if tells_of_help(one)]
    assert told == (
        "of 100 things chosen for people who allow it, 6.0 more got a yes that they kept, to something that helps and "
        "sells nothing; at least 3.0 more, measured on 200 people"
    )
    again = asks(bank, now=NOW + HOUR)
    assert again.action == "tip"
    assert whys(again)["ask_banks"] == "asking: it was asked before, and nothing is asked twice"
    proven(bank)


def test_however_long_after_it_is_not_asked_again_though_it_was_never_answered(bank: Bank) -> None:
    measured(bank, BANKS)
    asks(bank)
    for years in range(1, 4):
        later = NOW + years * 360 * DAY
        allows(bank, now=later)
        measured(bank, BANKS, at=later)
        assert whys(asks(bank, now=later))["ask_banks"] == "asking: it was asked before, and nothing is asked twice"


@pytest.mark.parametrize("days", [1, 130, 400])
def test_who_leaves_for_another_bank_is_not_asked_there_again(bank: Bank, tmp_path: Path, days: int) -> None:
    measured(bank, BANKS)
    assert asks(bank).asks == (BANKS,)
    later = Instant(NOW + days * DAY)
    allows(bank, now=later)
    asks(bank, now=later)
    taken = msgspec.json.encode(bank.rights.export("anna", now=later))
    wiring.lay_out(tmp_path / "other")
    set_up(tmp_path / "other")
    with marketofone.open(tmp_path / "other", now=later) as other:
        other.learning.by_itself = False
        other.rights.bring(taken, now=later)
        measured(other, BANKS, at=later)
        made = asks(other, now=later)
        assert made.asks == ()
        assert whys(made)["ask_banks"] == "asking: it was asked before, and nothing is asked twice"
        proven(other)


def test_one_thing_is_asked_in_ninety_days_and_one_in_a_slate(bank: Bank) -> None:
    measured(bank, BANKS, MESSAGES, PLACES)

    slate = asks(bank, slots=4)
    assert len(slate.asks) == 1
    (first,) = [place.action for place in slate.places if place.action in ASKED]
    for day in (1, 89):
        measured(bank, BANKS, MESSAGES, PLACES, at=NOW + day * DAY)
        made = asks(bank, now=NOW + day * DAY)
        assert {why for name, why in whys(made).items() if name != first} == {
            "asking: something was asked within 90 days"
        }
    measured(bank, BANKS, MESSAGES, PLACES, at=NOW + 90 * DAY)
    second = asks(bank, now=NOW + 90 * DAY)
    assert second.action in ASKED.keys() - {first}
    proven(bank)


def test_who_allows_it_already_is_not_asked(bank: Bank) -> None:
    measured(bank, BANKS)
    allows(bank, purposes=("insights",), sources=("open_banking",), channels=("email",))

    assert whys(asks(bank))["ask_banks"] == "asking: it is allowed already"


def test_who_allows_nothing_for_the_purpose_is_not_asked_for_more_of_it(bank: Bank) -> None:
    measured(bank, BANKS)
    allows(bank, "bert", purposes=("personalisation",), sources=("app",))

    assert whys(asks(bank, "bert"))["ask_banks"] == "nothing is allowed for insights"


@pytest.mark.parametrize("change", ["withdraw", "pause", "object"])
def test_after_a_no_nothing_of_the_purpose_is_asked_for_half_a_year(bank: Bank, change: What) -> None:
    no(bank, change, now=NOW)
    allows(bank, now=NOW + HOUR)  # who changed their mind asks for more themselves
    measured(bank, BANKS, at=NOW + 179 * DAY)
    ended: dict[What, What] = {"pause": "resume", "object": "lift"}
    if change in ended:
        bank.consent(ConsentChange(customer="anna", change=ended[change], since=NOW), now=Instant(NOW + HOUR))

    early = asks(bank, now=NOW + 179 * DAY)
    assert whys(early)["ask_banks"] == "asking: a no, a pause or an objection stands against it"
    assert asks(bank, now=NOW + 181 * DAY).action == "ask_banks"
    proven(bank)


def test_nothing_is_asked_on_an_occasion_that_the_bank_begins(bank: Bank) -> None:
    measured(bank, BANKS)

    made = bank.decide("anna", occasion="weekly.mail", now=NOW)

    assert not whys(made)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("arrears.changed", {"in_arrears": True}),
        ("care.flagged", {"driver": "health"}),
        ("life.declared", {"event": "bereavement"}),
    ],
)
def test_on_hard_days_nothing_is_asked(bank: Bank, kind: str, data: dict[str, Any]) -> None:
    allows(bank, purposes=("insights",), sources=("life_events",))
    measured(bank, BANKS)
    bank.ingest([sent(kind, "anna", at=NOW - HOUR, **data)], now=NOW)

    assert whys(asks(bank))["ask_banks"] == "asking: these may be hard days"


@pytest.mark.parametrize(
    ("kind", "facts"), [("person.described", {"birth_year": 2010}), ("customer.born", {"born": "2010-05-01"})]
)
def test_a_minor_is_asked_for_nothing(bank: Bank, kind: str, facts: dict[str, Any]) -> None:
    measured(bank, BANKS)
    bank.ingest([sent(kind, "anna", at=NOW - HOUR, **facts)], now=NOW)

    assert whys(asks(bank))["ask_banks"] == "asking: a minor is asked for nothing"


def test_what_is_said_about_consent_is_the_answer(bank: Bank) -> None:
    measured(bank, BANKS)
    made = asks(bank)
    with pytest.raises(MalformedRequest, match="asks for a permission"):
        bank.outcome(made.id, "accepted", now=NOW)

    allows(bank, now=NOW + HOUR, purposes=("insights",), sources=("open_banking",))
    assert answers(bank) == ["accepted"]
    allows(bank, now=NOW + HOUR + 1, purposes=("insights",), sources=("open_banking",))
    assert answers(bank) == ["accepted"]
    no(bank, "withdraw", now=NOW + 2 * HOUR)
    assert answers(bank) == ["accepted", "declined"]
    allows(bank, now=NOW + 3 * HOUR, purposes=("personalisation",), sources=("location",))
    assert answers(bank) == ["accepted", "declined"]
    proven(bank)


def says_yes(bank: Bank, *, now: int, **words: Any) -> int:
    scope = {"purposes": ("insights",), "sources": ("open_banking",), "channels": ("*",), **words}
    said = ConsentChange(customer="anna", change="grant", since=Instant(now), **scope)
    return bank.consent_given(said, now=Instant(now)).entry.n


def test_an_undone_yes_is_a_no_to_what_was_asked(bank: Bank) -> None:
    measured(bank, BANKS)
    asks(bank)
    bank.rights.undo("anna", says_yes(bank, now=NOW + HOUR), now=Instant(NOW + 2 * HOUR))

    assert answers(bank) == ["accepted", "declined"]
    proven(bank)


def test_what_is_said_on_the_first_consent_is_the_answer_too(bank: Bank) -> None:
    measured(bank, BANKS)
    asks(bank)
    bank.ingest([sent("customer.born", "anna", born="2008-01-06")], now=Instant(NOW + HOUR))
    later = Instant(NOW + 16 * HOUR)  # after the midnight in Prague on which she comes of age
    said = FirstChoice(no=("insights",))
    say_first(partial(bank.consent_given, now=later), "anna", said, shown=bank.config.policy, now=later)

    assert answers(bank) == ["declined"]


def test_a_yes_that_opens_nothing_is_no_answer(bank: Bank) -> None:
    measured(bank, BANKS)
    allows(bank, "anna-2")
    asks(bank)
    no(bank, "pause", now=NOW)
    says_yes(bank, now=NOW + HOUR)
    bank.consent(ConsentChange(customer="anna", change="resume", since=NOW), now=Instant(NOW + HOUR))
    shares(bank, "one@example.org", "anna", "anna-2")
    says_yes(bank, now=NOW + 2 * HOUR)  # of which the other id says nothing

    assert answers(bank) == []


def test_no_delegate_accepts_what_the_person_refused(bank: Bank) -> None:
    measured(bank, BANKS)
    asks(bank)
    no(bank, "withdraw", now=NOW)
    until = Instant(NOW + 90 * DAY)
    bank.rights.appoint("anna", Delegation(name="Ann", authority="named", may="change", until=until), now=NOW)
    says_yes(bank, now=NOW + HOUR, purposes=("*",), sources=("*",), delegate="Ann")

    assert answers(bank) == ["declined"]


def test_a_no_that_leaves_another_channel_open_takes_no_yes_back(bank: Bank) -> None:
    measured(bank, BANKS)
    asks(bank)
    says_yes(bank, now=NOW + HOUR)
    one: dict[str, Any] = {"purposes": ("insights",), "sources": ("open_banking",), "channels": ("email",)}
    said = ConsentChange(customer="anna", change="withdraw", since=Instant(NOW + HOUR), **one)
    bank.consent(said, now=Instant(NOW + 2 * HOUR))

    assert answers(bank) == ["accepted"]


def answers(bank: Bank) -> list[str]:
    with bank.context.store.read() as reader:
        person = bank.context.snapshot(reader).person("anna")
    return [heard.verdict for said in person.contacts for _, heard in said.answers]


def test_who_is_recognised_by_another_id_is_not_asked_there_again(bank: Bank) -> None:
    measured(bank, BANKS)
    allows(bank, "anna-2")
    asks(bank)
    shares(bank, "one@example.org", "anna", "anna-2")

    assert whys(asks(bank, "anna-2"))["ask_banks"] == "asking: it was asked before, and nothing is asked twice"


def test_a_no_by_another_id_is_the_persons_no(bank: Bank) -> None:
    measured(bank, BANKS)
    allows(bank, "anna-2")
    shares(bank, "one@example.org", "anna", "anna-2")
    no(bank, "pause", now=NOW, customer="anna-2")
    bank.consent(ConsentChange(customer="anna-2", change="resume", since=NOW), now=NOW)

    assert whys(asks(bank))["ask_banks"] == "asking: a no, a pause or an objection stands against it"


def test_many_who_decide_at_once_ask_once(bank: Bank) -> None:
    measured(bank, BANKS, MESSAGES, PLACES)

    made = at_once([lambda: asks(bank) for _ in range(8)])

    assert sum(len(one.asks) for one in made) == 1


@pytest.mark.parametrize("seed", range(6))
def test_no_history_asks_twice_too_often_after_a_no_or_without_a_measure(bank: Bank, seed: int) -> None:
    """Live through random months, and hold each ask against the plainest statement of when one is allowed."""
    draw, now = random.Random(seed), int(NOW)
    asked: dict[tuple[str, str], int] = {}
    noes: dict[str, int] = {}
    measures: dict[tuple[str, str], int] = {}
    granted: dict[tuple[str, str], int] = {}
    for _ in range(40):
        now += draw.randrange(45) * DAY
        scope = draw.choice([BANKS, MESSAGES, PLACES])
        match draw.choice(["decide", "decide", "slate", "measure", "measure", "few", "grant", "withdraw", "pause"]):
            case "measure":
                measured(bank, scope, at=now)
                measures[scope] = now
            case "few":
                allows(bank, now=now)
            case "grant" if draw.random() < 0.2:
                allows(bank, now=now, purposes=scope[:1], sources=scope[1:])
                granted[scope] = now + 365 * DAY
            case "withdraw" | "pause" as said if draw.random() < 0.2:
                no(bank, said, now=now, purposes=scope[:1])
                noes[scope[0]] = now
                granted = {of: until for of, until in granted.items() if said == "pause" or of[0] != scope[0]}
            case "decide" | "slate" as how:
                made = asks(bank, now=now, slots=4 if how == "slate" else 1)
                assert len(made.asks) <= 1
                for ask in made.asks:
                    assert ask not in asked, "never twice"
                    assert all(now >= before + 90 * DAY for before in asked.values()), "seldom"
                    assert now >= noes.get(ask[0], 0) + 180 * DAY, "never soon after a no"
                    assert now < measures[ask] + 35 * DAY, "never without a measure"
                    assert now >= granted.get(ask, 0), "never what is allowed"
                    asked[ask] = now
    assert asked, "a history in which nothing is asked says nothing"
    proven(bank)

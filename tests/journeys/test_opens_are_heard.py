"""What a person opens in the app says where its parts belong, and nobody has to tell it a second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from people import happened

import marketofone
from allowing import everything
from bank_projects import keep_nobody_for_control
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision
from marketofone.domain.event import AppFeatureUsed, AppScreen, Event
from marketofone.domain.fields import EventData
from marketofone.domain.moment import HOUR, MINUTE, Instant
from marketofone.domain.outcome import Outcome
from marketofone.projection import codec

PARTS = ("pay", "cards", "savings", "help")
HEAD = """
channels = ["app"]

[placements.tabs]
slots = 4
orders = true

[occasions."app.opened"]
channel = "app"
begun_by = "customer"
"""
PART = """
[[actions]]
id = "NAME"
kind = "feature"
feature = "the-NAME"
title = "NAME"
text = "A part."
value_minor = 90_000
chance = 0.5
placements = ["tabs"]
"""


@pytest.fixture
def town(project: Path, now: Instant) -> Iterator[Bank]:
    keep_nobody_for_control(project)
    (project / "actions.toml").write_text(HEAD + "".join(PART.replace("NAME", name) for name in PARTS))
    with marketofone.open(project, now=now) as bank:
        bank.learning.by_itself = False
        bank.consent(everything("c-1", since=now), now=now)
        yield bank


def ordered(bank: Bank, at: int, *, id: str = "d-1") -> Decision:  # noqa: A002 - the word of the contract
    """Put the app in order until all four parts stand in the slate."""
    for step in range(20):
        made = bank.decide("c-1", occasion="app.opened", placement="tabs", id=f"{id}-{step}", now=Instant(at + step))
        if len(made.places) == len(PARTS) and made.places[-1].action != "nothing":
            return made
    raise AssertionError("no slate was full")


def opened(made: Decision, *slots: int, after: int = MINUTE, data: type[EventData] = AppScreen) -> list[Event]:
    names = [f"the-{made.place(slot).action}" for slot in slots]
    told = [AppScreen(screen=name) if data is AppScreen else AppFeatureUsed(feature=name) for name in names]
    return [happened("c-1", one, at=Instant(made.at + after + n)) for n, one in enumerate(told)]


def heard(bank: Bank) -> list[Outcome]:
    owner = bank.context.keys.find({"c-1"})["c-1"]
    with bank.context.store.read() as reader:
        entries = reader.entries(owner.subject, kinds=("outcome",))
        return [codec.read(entry, box=owner.box).outcome for entry in entries]


def verdicts(bank: Bank) -> dict[int, str]:
    return {outcome.place: outcome.verdict for outcome in heard(bank)}


@pytest.mark.parametrize("data", [AppScreen, AppFeatureUsed])
def test_what_was_opened_was_wanted_and_what_stands_above_it_was_passed_over(
    town: Bank, now: Instant, data: type[EventData]
) -> None:
    made = ordered(town, now)
    town.ingest(opened(made, 3, data=data), now=Instant(now + HOUR))

    assert verdicts(town) == {1: "ignored", 2: "ignored", 3: "accepted"}
    assert len(heard(town)) == 3


def test_what_is_opened_comes_sooner_and_all_of_it_is_proved(town: Bank, now: Instant) -> None:
    def expected(part: str, at: int) -> float:
        made = town.decide("c-1", occasion="app.opened", placement="tabs", now=Instant(at))
        return next(one.mean for one in made.candidates if one.action == part)

    before = expected("help", now)
    for visit in range(1, 5):
        made = ordered(town, now + visit * HOUR, id=f"v-{visit}")
        slot = next(n for n, place in enumerate(made.places, start=1) if place.action == "help")
        town.ingest(opened(made, slot), now=Instant(made.at + 2 * MINUTE))
    town.learn()

    assert expected("help", now + 6 * HOUR) > before
    assert town.replay().differences == 0
    assert town.verify().problems == ()


def test_what_the_app_told_already_is_not_heard_again_and_what_was_heard_is_not_learned_again(
    town: Bank, now: Instant
) -> None:
    made = ordered(town, now)
    town.outcome(made.id, "declined", slot=1, now=Instant(made.at + MINUTE))
    town.ingest(opened(made, 2), now=Instant(now + HOUR))
    assert verdicts(town) == {1: "declined", 2: "accepted"}

    assert town.outcome(made.id, "accepted", slot=2, now=Instant(now + HOUR)).why_not == "duplicate"
    before = heard(town)
    town.ingest(opened(made, 2), now=Instant(now + HOUR))  # the same events once more
    town.ingest(opened(made, 2, after=2 * MINUTE), now=Instant(now + HOUR))  # and the same part once more
    assert heard(town) == before


@pytest.mark.parametrize("after", [-MINUTE, 31 * MINUTE])
def test_what_is_opened_before_the_order_or_in_another_visit_says_nothing_of_it(
    town: Bank, now: Instant, after: int
) -> None:
    made = ordered(town, now + HOUR)
    town.ingest(opened(made, 1, after=after), now=Instant(now + 3 * HOUR))

    assert heard(town) == []


def test_it_is_not_heard_from_who_does_not_allow_learning_from_the_app(town: Bank, now: Instant) -> None:
    made = ordered(town, now)
    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=("learning",), sources=("app",), channels=("*",), since=made.at
    )
    town.consent(no, now=made.at)
    town.ingest(opened(made, 2), now=Instant(now + HOUR))

    assert heard(town) == []


def test_a_screen_that_is_no_part_says_nothing(town: Bank, now: Instant) -> None:
    made = ordered(town, now)
    at = Instant(made.at + MINUTE)
    town.ingest([happened("c-1", AppScreen(screen="elsewhere"), at=at)], now=Instant(now + HOUR))

    assert heard(town) == []


def test_a_part_that_is_opened_far_more_often_than_declared_is_not_distrusted(town: Bank) -> None:
    """What an app puts in order is there anyway: who opens it takes no offer that may not be what it seems."""
    assert town.context.config.settings.distrust is not None
    care = {action.id for action in town.catalogue.offered if action.role == "care"}
    assert town.config.compiled.policy.start.trusted == set(PARTS) | care

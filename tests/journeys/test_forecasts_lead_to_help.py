"""From forecast to action: looked again when money moved, told once, on what is allowed, and all of it replayed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from people import happened, paid, rent_uncovered

import marketofone
from bank_projects import explore_hardly_ever
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision
from marketofone.domain.event import IdentityLinked
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.decisions.intervene import intervene
from marketofone.services.foresight.look_again import look_again
from proofs import proven, recorded

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
NIGHT = Instant(NOW + 18 * HOUR)


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    explore_hardly_ever(project)
    with marketofone.open(project, now=NOW) as bank:
        yield bank


@pytest.fixture
def people(bank: Bank) -> list[str]:
    """Let six people run out of money, all consents given, none of them in the control group."""
    names: list[str] = []
    for name in map("c-{}".format, range(40)):
        say(bank, name, "grant")
        asked = bank.decide(name, occasion="app.opened", now=NOW, as_of=NOW)  # a question: it enrols nobody
        if asked.assignment == "policy" and len(names) < 6:
            bank.ingest(rent_uncovered(name, until=NOW), now=NOW)
            names.append(name)
    assert len(names) == 6
    return names


def say(bank: Bank, customer: str, change: str, *, purpose: str = "*") -> None:
    told = {"customer": customer, "change": change, "purposes": (purpose,), "sources": ("*",), "channels": ("*",)}
    lasts = {"since": NOW, "until": NOW + 365 * DAY if change == "grant" else None}
    bank.consent(msgspec.convert({**told, **lasts}, ConsentChange), now=NOW)


def asked(bank: Bank, people: list[str], *, at: Instant) -> list[Decision]:
    for name in people:
        bank.forecast(name, now=at)
    return intervene(bank.context, people, now=at)


def test_who_will_run_short_hears_of_help_once_and_of_nothing_that_is_sold(bank: Bank, people: list[str]) -> None:
    first = asked(bank, people, at=NOW)
    assert [decision.customer for decision in first] == people
    told = {decision.customer: decision.notification for decision in first if decision.notification is not None}
    assert list(told) == people
    assert all(not bank.catalogue.action(c.action).marketing for made in first for c in made.candidates)

    for days in (1, 2, 3):
        again = asked(bank, people, at=Instant(NOW + days * DAY))
        assert [
            made.customer for made in again if made.notification and made.notification == told.get(made.customer)
        ] == []
    assert bank.replay().differences == 0


def test_the_same_forecast_is_asked_about_once_however_often_this_runs(bank: Bank, people: list[str]) -> None:
    made = asked(bank, people, at=NOW)
    later = intervene(bank.context, people, now=Instant(NOW + HOUR))
    assert {decision.id for decision in later} <= {decision.id for decision in made}
    assert recorded(bank, "decision") == len(made)


def test_at_night_nothing_interrupts_and_the_answer_waits(bank: Bank, people: list[str]) -> None:
    assert {made.channel for made in asked(bank, people, at=NOW)} == {"push"}
    assert {made.channel for made in asked(bank, people, at=NIGHT)} <= {"app", "email"}


def test_whoever_takes_their_yes_back_is_passed_over(bank: Bank, people: list[str]) -> None:
    for name in people:
        bank.forecast(name, now=NOW)
    say(bank, people[0], "withdraw", purpose="insights")
    assert people[0] not in {made.customer for made in intervene(bank.context, people, now=NOW)}


def test_what_was_told_is_still_known_when_two_customers_turn_out_to_be_one_person(
    bank: Bank, people: list[str]
) -> None:
    made = next(made for made in asked(bank, people, at=NOW) if made.notification)
    seen = [
        happened(name, IdentityLinked(key_kind="email_hash", key="d-9"), at=NOW, name=f"link-{name}")
        for name in (made.customer, "z-9")
    ]
    bank.ingest(seen, now=NOW)
    with bank.context.store.read() as reader:
        contacts = bank.context.snapshot(reader).person("z-9").contacts
    assert [said.notification for said in contacts] == [made.notification]
    assert bank.replay().differences == 0


def test_a_decision_looks_ahead_again_when_money_moved_and_only_then(bank: Bank, people: list[str]) -> None:
    name = people[0]
    bank.decide(name, occasion="app.opened", id="d-0", now=NOW)
    assert recorded(bank, "forecast") == 0, "nobody was ever looked ahead for"
    bank.forecast(name, now=NOW)
    bank.decide(name, occasion="app.opened", id="d-1", now=Instant(NOW + 1))
    assert recorded(bank, "forecast") == 1

    late = paid(name, -1_000, "dining", at=Instant(NOW - DAY), balance=None)
    bank.ingest([late], now=Instant(NOW + 2))
    for number in (2, 3):
        bank.decide(name, occasion="app.opened", id=f"d-{number}", now=Instant(NOW + 3))
        assert recorded(bank, "forecast") == 2

    say(bank, name, "withdraw", purpose="insights")
    bank.ingest([paid(name, -2_000, "dining", at=NOW)], now=Instant(NOW + 4))
    blind = bank.decide(name, occasion="app.opened", id="d-4", now=Instant(NOW + 5))
    assert "insights" not in {purpose for purpose, _ in blind.uses}
    assert recorded(bank, "forecast") == 2
    assert bank.replay().differences == 0


def test_where_a_thread_looks_ahead_beside_the_way_no_decision_does_and_none_waits(
    bank: Bank, people: list[str]
) -> None:
    name, woken = people[0], list[int]()
    bank.forecast(name, now=NOW)
    bank.context.looks_ahead = partial(woken.append, 1)
    bank.ingest([paid(name, -1_000, "dining", at=Instant(NOW - DAY), balance=None)], now=Instant(NOW + 2))
    assert woken, "who looks ahead is told when money moves"

    bank.decide(name, occasion="app.opened", id="d-1", now=Instant(NOW + 3))
    assert recorded(bank, "forecast") == 1
    assert look_again(bank.context, now=Instant(NOW + 4)) == 1
    assert look_again(bank.context, now=Instant(NOW + 4)) == 0
    bank.decide(name, occasion="app.opened", id="d-2", now=Instant(NOW + 5))
    assert recorded(bank, "forecast") == 2

    proven(bank)


def test_the_thread_beside_looks_ahead_for_whose_money_moved_and_for_nobody_who_said_no(
    bank: Bank, people: list[str]
) -> None:
    for name in people[:2]:
        bank.forecast(name, now=NOW)
    say(bank, people[1], "withdraw", purpose="insights")
    with bank.learning.beside():
        for name in people[:3]:  # the third was never looked ahead for
            bank.ingest([paid(name, -1_000, "dining", at=Instant(NOW - DAY), balance=None)], now=Instant(NOW + 2))

    assert [recorded(bank, "forecast", name) for name in people[:3]] == [2, 1, 0]
    proven(bank)

"""Lives are reproducible, valid, and no easy world: seasons, pay days, missing balances, many forms of consent."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.cloudevents import cloudevent, parse_event
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Calendar, Day, datetime_of, day_number
from marketofone.domain.money_events import TransactionBooked
from marketofone.lab.simulate.life import Life, lives_of
from marketofone.lab.simulate.span import Span, span_of
from marketofone.lab.simulate.voice import events_of

CALENDAR = Calendar("Europe/Prague")
PEOPLE = 60


@pytest.fixture(scope="module")
def span() -> Span:
    return span_of(CALENDAR, first=day_number(date(2024, 7, 1)), days=400)


@pytest.fixture(scope="module")
def lives(span: Span) -> list[Life]:
    return lives_of(PEOPLE, seed=7, span=span)


@pytest.fixture(scope="module")
def events(lives: list[Life]) -> list[Event]:
    return told(lives)


def told(lives: list[Life]) -> list[Event]:
    people = [life.person for life in lives]
    return [event for life in lives for event in events_of(life.rows, people)]


def booked(events: list[Event]) -> list[tuple[Event, TransactionBooked]]:
    return [(event, event.data) for event in events if isinstance(event.data, TransactionBooked)]


def test_the_same_seed_gives_the_same_events_to_the_byte(span: Span, events: list[Event]) -> None:
    assert msgspec.json.encode(told(lives_of(PEOPLE, seed=7, span=span))) == msgspec.json.encode(events)


def test_another_seed_gives_other_events(span: Span, events: list[Event]) -> None:
    assert msgspec.json.encode(told(lives_of(PEOPLE, seed=8, span=span))) != msgspec.json.encode(events)


@settings(max_examples=10, deadline=None)
@given(customers=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_a_life_does_not_depend_on_who_else_is_there(customers: int, seed: int) -> None:
    span = span_of(CALENDAR, first=day_number(date(2025, 1, 1)), days=90)

    few, more = lives_of(customers, seed=seed, span=span), lives_of(customers + 3, seed=seed, span=span)

    assert [life.rows.tobytes() for life in few] == [life.rows.tobytes() for life in more[:customers]]
    assert [life.person for life in few] == [life.person for life in more[:customers]]


def test_every_event_keeps_the_contract_and_survives_the_wire(events: list[Event]) -> None:
    kinds = {event.kind: event for event in events}
    for event in (*events[::23], *kinds.values()):
        assert parse_event(msgspec.json.encode(cloudevent(event))) == event


def test_every_source_speaks(events: list[Event]) -> None:
    assert {event.source for event in events} == {
        *("transactions", "app", "open_banking", "location", "life_events", "messages", "protection")
    }


def test_events_arrive_after_they_happened_some_late_some_twice(lives: list[Life]) -> None:
    rows = np.concatenate([life.rows for life in lives])

    assert (rows["arrives"] >= rows["at"]).all()
    assert 0.005 < (rows["arrives"] > rows["at"]).mean() < 0.02
    assert (rows["arrives"] - rows["at"]).max() < 5 * DAY
    assert 0 < len(rows) - len(np.unique(rows[["person", "number"]])) < 0.01 * len(rows)


def test_nothing_happens_before_a_person_has_joined(lives: list[Life], span: Span) -> None:
    for life in lives:
        assert life.rows["at"].min() >= span.starts[life.person.joined]


def test_balances_run_on_and_some_are_missing(lives: list[Life]) -> None:
    checked = 0
    for life in lives:
        own = [data for _, data in booked(events_of(np.sort(life.rows, order="number"), [life.person] * PEOPLE))]
        here = [data for data in own if data.account.endswith("current")]
        for before, after in pairwise(here):
            if before.balance_minor is not None and after.balance_minor is not None:
                checked += before.balance_minor + after.amount_minor == after.balance_minor
    everything = [data for life in lives for _, data in booked(events_of(life.rows, [life.person] * PEOPLE))]
    missing = [data for data in everything if data.balance_minor is None]
    assert checked > 0.5 * len(everything)
    assert 0.1 < len(missing) / len(everything) < 0.4


def test_people_spend_more_after_pay_day(lives: list[Life], span: Span) -> None:
    after, before = 0, 0
    for life in lives:
        if life.person.cycle != "monthly":
            continue
        days = Counter(
            CALENDAR.day_of(event.at) for event, data in booked(events_of(life.rows, [life.person] * PEOPLE))
        )
        first = CALENDAR.day_of(span.at(0, minute=60))
        for pay in life.pay_days:
            after += sum(days[Day(first + int(pay) + wait)] for wait in range(1, 5))
            before += sum(days[Day(first + int(pay) - wait)] for wait in range(1, 5))
    assert after > 1.1 * before


def test_december_shops_more_than_july(events: list[Event]) -> None:
    months = Counter(datetime_of(event.at).month for event, data in booked(events) if data.category == "shopping")
    assert months[12] > months[2]


def test_consents_differ_and_some_change_midway(lives: list[Life]) -> None:
    said = [life.person.consents for life in lives]

    assert any(not changes for changes in said)
    assert any(change.change == "withdraw" for changes in said for change in changes)
    assert len({(change.purposes, change.sources) for changes in said for change in changes}) >= 5


def test_people_write_upset_messages_more_often_under_stress(span: Span) -> None:
    moods: dict[bool, list[bool]] = {True: [], False: []}
    for life in lives_of(250, seed=3, span=span):
        for event in events_of(life.rows, [life.person] * 250):
            if event.kind == "message.received":
                day = int(np.searchsorted(span.starts, event.at, side="right")) - 1
                words = getattr(event.data, "text", "")
                moods[bool(life.chronicle.stress[day] > 0.4)].append("upset" in words or "desperate" in words)
    assert np.mean(moods[True]) > 2 * np.mean(moods[False])

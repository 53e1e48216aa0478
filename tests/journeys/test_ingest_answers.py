"""Whatever arrives gets its documented answer, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from people import ordinary_months, paid

from marketofone.bank import Bank
from marketofone.domain.cloudevents import cloudevent
from marketofone.domain.moment import DAY, HOUR, Instant, text_of

Allow = Callable[..., None]


def raw(**changes: object) -> bytes:
    document: dict[str, object] = {
        "specversion": "1.0",
        "id": "1",
        "source": "/core",
        "type": "transaction.booked",
        "subject": "c-1",
        "time": "2026-01-05T07:00:00Z",
        "data": {"account": "a-1", "amount_minor": -1200, "currency": "EUR"},
    }
    document.update(changes)
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("event", b"{not json"),
        ("event", b"[]"),
        ("id", raw(id=None)),
        ("subject", raw(subject="")),
        ("type", raw(type="salary.guessed")),
        ("time", raw(time="2026-01-05T07:00:00")),
        ("time", raw(time="2027-01-05T07:00:00Z")),
        ("specversion", raw(specversion="0.3")),
        ("data.amount_minor", raw(data={"account": "a-1", "amount_minor": 1.5, "currency": "EUR"})),
        ("data.amount_minor", raw(data={"account": "a-1", "amount_minor": 10**18, "currency": "EUR"})),
        ("data.currency", raw(data={"account": "a-1", "amount_minor": 1, "currency": "euro"})),
        ("data.account", raw(data={"amount_minor": 1, "currency": "EUR"})),
        ("data", raw(data={"account": "a-1", "amount_minor": 1, "currency": "EUR", "personal": "x"})),
        ("event", raw(data={"account": "a-1", "amount_minor": 1, "currency": "EUR", "merchant": "x" * 70_000})),
    ],
)
def test_a_bad_event_becomes_a_dead_letter_naming_its_field(bank: Bank, now: Instant, field: str, sent: bytes) -> None:
    report = bank.ingest([raw(), sent], now=now)

    with bank.context.store.read() as reader:
        letters = list(reader.letters(limit=10))
    assert (report.rows, report.events, report.dead_letters) == (2, 1, 1)
    assert letters[0].field == field
    must_be_kept = b"transaction.booked" in sent and field != "subject"  # payments of a customer who can be read
    assert (letters[0].raw is not None) == must_be_kept
    assert letters[0].fix


def test_an_error_never_repeats_what_was_sent(bank: Bank, now: Instant) -> None:
    personal = "Petra-Novakova-19800101"
    bank.ingest(
        [raw(type=personal), raw(data={"event": personal}, type="life.declared"), raw(subject=personal * 20)], now=now
    )

    with bank.context.store.read() as reader:
        letters = list(reader.letters(limit=10))
    assert len(letters) == 3
    assert not any(personal in letter.field + letter.shape + letter.fix for letter in letters)


def test_a_duplicate_is_counted_and_changes_nothing(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    first = bank.ingest([raw(), raw()], now=now)
    profile = bank.profile("c-1", now=now).known
    again = bank.ingest([raw()], now=now)

    assert (first.events, first.duplicates) == (1, 1)
    assert (again.events, again.duplicates) == (0, 1)
    assert bank.profile("c-1", now=now).known == profile


def test_an_event_a_year_late_still_counts_where_a_window_holds_its_day(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest([paid("c-1", -100, "dining", at=now)], now=now)
    report = bank.ingest(
        [
            paid("c-1", -700, "dining", at=Instant(now - 29 * DAY)),
            paid("c-1", -5_000, "dining", at=Instant(now - 370 * DAY)),
        ],
        now=now,
    )

    known = {item.name: item.value for item in bank.profile("c-1", now=now).known}
    assert report.events == 2
    assert known["dining_30d"] == 800


def test_the_order_of_arrival_does_not_matter(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    events = ordinary_months("c-1", until=now)
    bank.ingest(events[1::2], now=now)
    bank.ingest(reversed(events[::2]), now=now)
    scattered = bank.profile("c-1", now=now).known

    allow("c-2")
    theirs = [
        json.dumps({**cloudevent(event), "subject": "c-2", "id": f"again-{event.id}"}).encode() for event in events
    ]
    bank.ingest(theirs, now=now)

    assert [(item.name, item.value) for item in bank.profile("c-2", now=now).known] == [
        (item.name, item.value) for item in scattered
    ]


def test_the_past_can_be_asked_about(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    then = Instant(now - 60 * DAY)
    asked_later = bank.profile("c-1", now=now, as_of=then).known

    allow("c-2")
    past = [
        json.dumps({**cloudevent(event), "subject": "c-2", "id": f"past-{event.id}"}).encode()
        for event in ordinary_months("c-1", until=now)
        if event.at <= then
    ]
    bank.ingest(past, now=now)

    assert [(item.name, item.value) for item in asked_later] == [
        (item.name, item.value) for item in bank.profile("c-2", now=now, as_of=then).known
    ]


def test_an_event_a_little_ahead_of_the_clock_is_taken(bank: Bank, now: Instant) -> None:
    ahead = text_of(Instant(now + 100_000_000))

    assert bank.ingest([raw(time=ahead)], now=now).events == 1
    assert bank.ingest([raw(id="2", time=text_of(Instant(now + HOUR)))], now=now).dead_letters == 1

"""Of each event is kept what was sent first and what may be known, no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people import happened, kept_events, paid, searched, wrote

from marketofone import Bank
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.event import AppScreen, AppSearched, Event, MessageReceived
from marketofone.domain.moment import Instant
from marketofone.projection.records import REFUSED, KeptEvent

Allow = Callable[..., None]


def kept(bank: Bank) -> list[KeptEvent]:
    return kept_events(bank, "c-1")


def twice(customer: str, *, now: Instant) -> tuple[Event, Event]:
    """Give two events that a producer sent under one id."""
    first, second = (AppScreen(screen="home", dwell_ms=dwell) for dwell in (700, 9))
    return (
        happened(customer, first, at=now, name="one-and-the-same"),
        happened(customer, second, at=now, name="one-and-the-same"),
    )


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two batches"])
def test_what_was_sent_first_under_an_id_stands_but_for_money(
    bank: Bank, allow: Allow, now: Instant, *, together: bool
) -> None:
    allow("c-1")
    first, second = twice("c-1", now=now)
    batches = [[first, second]] if together else [[first], [second]]
    reports = [bank.ingest(batch, now=now) for batch in batches]

    assert sum(report.duplicates for report in reports) == 1
    assert [parse_event(row.body or b"") for row in kept(bank)] == [first]
    assert {known.name: known.value for known in bank.profile("c-1", now=now).known}["mean_dwell_30d"] == 700


def test_nobody_reads_what_a_person_who_did_not_agree_wrote_or_searched_for(bank: Bank, now: Instant) -> None:
    report = bank.ingest(
        [
            wrote("c-1", "I am furious, nobody helps me!", at=now),
            searched("c-1", "baby crib", at=now),
            happened("c-1", AppSearched(query="travel insurance"), at=now),
        ],
        now=now,
    )

    assert report.refused == 3
    assert [(row.verdict, row.body, row.reading) for row in kept(bank)] == [(REFUSED, None, None)] * 3


def test_what_a_person_wrote_before_they_agreed_stays_unread_until_it_is_sent_again(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    message = happened("c-1", MessageReceived(text="I am furious, nobody helps me!"), at=now)
    bank.ingest([message], now=now)
    allow("c-1")

    assert not any("messages" in known.sources for known in bank.profile("c-1", now=now).known)
    assert bank.ingest([message], now=now).events == 1  # what was not kept burns no id
    assert any("messages" in known.sources for known in bank.profile("c-1", now=now).known)
    assert bank.ingest([message], now=now).duplicates == 1


def test_what_was_read_is_kept_beside_the_words(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest([wrote("c-1", "I am furious, nobody helps me!", at=now), paid("c-1", -5, "dining", at=now)], now=now)

    readings = {row.kind: row.reading for row in kept(bank)}
    assert b"negative" in (readings["message.received"] or b"")
    assert b"dining" in (readings["transaction.booked"] or b"")

"""However events arrive, in whatever batches, order and repetition, the store holds the same person, to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import happened, live_states

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import (
    AppFailed,
    AppOpened,
    AppScreen,
    AppSearched,
    ArrearsChanged,
    CareFlagged,
    Event,
    LifeDeclared,
    MessageReceived,
    PersonDescribed,
    PlaceVisited,
)
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, MINUTE, Instant
from marketofone.domain.money_events import (
    OpenBankingBalance,
    OpenBankingTransaction,
    ProductClosed,
    ProductOpened,
    TransactionBooked,
)
from proofs import proven, recorded

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
FACTS: list[EventData] = [
    *(
        TransactionBooked(
            account=account, amount_minor=amount, currency="EUR", category=category, balance_minor=50 * amount
        )
        for account in ("a", "b")
        for amount, category in ((-4_000, "groceries"), (-1_800, "dining"), (280_000, "salary"), (-99, None))
    ),
    PersonDescribed(birth_year=1980),
    ProductOpened(product="credit_card"),
    ProductClosed(product="credit_card"),
    AppOpened(),
    AppScreen(screen="home", dwell_ms=900),
    AppFailed(code="e1"),
    AppSearched(query="travel insurance"),
    OpenBankingBalance(institution="x", account="y", balance_minor=7_000, currency="EUR"),
    OpenBankingTransaction(institution="x", account="y", amount_minor=-70, currency="EUR", category="dining"),
    PlaceVisited(venue="airport"),
    LifeDeclared(event="move"),
    LifeDeclared(event="child", confidence=0.4),
    MessageReceived(text="I am furious, nobody helps me!"),
    MessageReceived(text="where is my card?"),
    ArrearsChanged(in_arrears=True),
    ArrearsChanged(in_arrears=False),
    CareFlagged(driver="health"),
]
AGES = st.integers(0, 400 * 24 * 60) | st.integers(0, 180) | st.sampled_from([24 * 60, 30 * 24 * 60])  # minutes
LIVES = st.lists(st.tuples(st.sampled_from(FACTS), AGES), min_size=1, max_size=40)
CUSTOMERS = (f"c-{number}" for number in count())
few = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[tuple[Bank, Bank]]:
    """Open two banks with the same documents: one meets disorder, the other is told everything in order."""
    folders = [lasting_projects.lay_out(tmp_path_factory.mktemp("twins") / name) for name in ("scattered", "ordered")]
    with marketofone.open(folders[0], now=NOW) as scattered, marketofone.open(folders[1], now=NOW) as ordered:
        yield scattered, ordered


def grant(bank: Bank, customer: str) -> None:
    yes = ConsentChange(
        customer=customer,
        change="grant",
        purposes=("*",),
        sources=("*",),
        channels=("*",),
        since=NOW,
        until=Instant(NOW + 365 * DAY),
    )
    bank.consent(yes, now=NOW)


def live_through(life: list[tuple[EventData, int]], *, customer: str) -> list[Event]:
    return [
        happened(customer, data, at=Instant(NOW - ago * MINUTE), name=f"{customer}-{number}")
        for number, (data, ago) in enumerate(life)
    ]


def kept(bank: Bank, customer: str) -> dict[str, bytes]:
    return live_states(bank, customer, now=NOW)


@few
@given(data=st.data(), life=LIVES)
def test_disorder_and_repetition_leave_no_trace(
    banks: tuple[Bank, Bank], data: st.DataObject, life: list[tuple[EventData, int]]
) -> None:
    scattered, ordered = banks
    customer = next(CUSTOMERS)
    events = live_through(life, customer=customer)
    waiting = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=8))))
    grant(scattered, customer)
    rows = duplicates = 0
    while waiting:
        size = data.draw(st.integers(1, len(waiting)))
        report = scattered.ingest(waiting[:size], now=NOW)
        rows, duplicates, waiting = rows + report.events, duplicates + report.duplicates, waiting[size:]

    grant(ordered, customer)
    in_order: list[Event] = sorted(events, key=lambda event: event.at)
    ordered.ingest(in_order, now=NOW)

    assert rows == len(events)
    assert kept(scattered, customer) == kept(ordered, customer) != {}
    for ago in (0, data.draw(AGES)):
        moment = Instant(NOW - ago * MINUTE)
        assert (
            scattered.profile(customer, now=NOW, as_of=moment).known
            == ordered.profile(customer, now=NOW, as_of=moment).known
        )


@few
@given(data=st.data(), life=LIVES)
def test_when_a_person_agreed_does_not_matter_for_what_the_bank_must_keep(
    banks: tuple[Bank, Bank], data: st.DataObject, life: list[tuple[EventData, int]]
) -> None:
    scattered, ordered = banks
    customer = next(CUSTOMERS)
    must = [event for event in live_through(life, customer=customer) if event.source in ("transactions", "protection")]
    agreed = data.draw(st.integers(0, len(must)))
    scattered.ingest(must[:agreed], now=NOW)
    grant(scattered, customer)
    scattered.ingest(must[agreed:], now=NOW)

    grant(ordered, customer)
    ordered.ingest(must, now=NOW)

    assert kept(scattered, customer) == kept(ordered, customer)
    assert scattered.profile(customer, now=NOW).known == ordered.profile(customer, now=NOW).known


@few
@given(data=st.data(), life=LIVES)
def test_a_past_moment_looks_as_it_did_when_it_was_the_present(
    banks: tuple[Bank, Bank], data: st.DataObject, life: list[tuple[EventData, int]]
) -> None:
    later, then = banks
    customer = next(CUSTOMERS)
    events = live_through(life, customer=customer)
    moment = Instant(NOW - data.draw(AGES) * MINUTE)
    for bank in (later, then):
        grant(bank, customer)
    later.ingest(events, now=NOW)
    then.ingest([event for event in events if event.at <= moment], now=NOW)

    assert later.profile(customer, now=NOW, as_of=moment).known == then.profile(customer, now=NOW, as_of=moment).known


def test_what_was_lived_through_in_disorder_is_proven(banks: tuple[Bank, Bank]) -> None:
    scattered, _ = banks
    customer = next(CUSTOMERS)
    grant(scattered, customer)
    for number in range(6):
        some = [(data, 60 * number) for data in FACTS]
        scattered.ingest(reversed(live_through(some, customer=customer)), now=NOW)
        scattered.decide(customer, occasion="app.opened", now=Instant(NOW + number * DAY))

    assert recorded(scattered, "decision") >= 6
    proven(scattered)

"""What a person's own spending says reaches them in kind words, and rests only on what they allow."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from marketofone.bank import Bank
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Instant, datetime_of
from marketofone.domain.money_events import OpenBankingTransaction, TransactionBooked

DAYS = 400
URGENT = re.compile(r"\b(must|should|now|immediately|hurry|warning|too much|bad|waste|overspen\w*)\b", re.IGNORECASE)


def life(customer: str, *, until: Instant, elsewhere: bool = False) -> list[Event]:
    """Write some of a life: rent, a dearer film stream, a twin of a song stream, and more dining out of late."""
    events: list[Event] = []

    def pay(ago: int, amount: int, category: str, whom: str, *, order: int = 0) -> None:
        at = Instant(until - ago * DAY - order)
        data = (
            OpenBankingTransaction(
                institution="second-bank", account="x", amount_minor=-amount, currency="EUR", category=category,
                counterparty=whom,
            )
            if elsewhere
            else TransactionBooked(
                account="a1", amount_minor=-amount, currency="EUR", category=category, operation="card", merchant=whom
            )
        )  # fmt: skip
        events.append(
            Event(
                producer="/spending",
                id=f"{customer}-{elsewhere}-{len(events)}",
                kind="openbanking.transaction" if elsewhere else "transaction.booked",
                customer=customer,
                at=at,
                data=data,
            )
        )

    for ago in range(DAYS):
        day = datetime_of(Instant(until - ago * DAY)).day
        if day == 1:
            pay(ago, 90_000, "rent", "Housing Association")
        if day == 20:
            pay(ago, 1_599 if ago < 50 else 1_299, "subscriptions", f"FILMSTREAM.COM {1000 + ago}")
        if day == 12 or (day == 14 and ago < 130):
            pay(ago, 1_099, "subscriptions", f"Song Stream AB {1000 + ago}", order=ago)
        if ago % (2 if ago < 30 else 7) == 0 or ago % 11 == 0:
            pay(ago, 1_900 + 31 * (ago % 13), "dining", f"Place {ago % 4}", order=1)
        if ago % (15 if ago < 30 else 3) == 0:
            pay(ago, 2_400 + 41 * (ago % 17), "groceries", f"Market {ago % 3}", order=2)
    return events


@pytest.fixture
def told(bank: Bank, allow: Callable[..., None], now: Instant) -> Bank:
    allow("c-1", purposes=("insights",))
    bank.ingest(life("c-1", until=now), now=now)
    return bank


def test_standing_payments_shifts_and_a_check_in_are_told_with_their_numbers(told: Bank, now: Instant) -> None:
    seen = told.spending("c-1", now=now)
    states = {(payment.what, payment.state) for payment in seen.standing}
    assert {
        ("Housing Association", "active"),
        ("Filmstream.com", "changed_price"),
        ("Song Stream", "duplicate"),
    } <= states
    names = {insight.name for insight in seen.insights}
    assert {"subscription_price", "subscription_duplicate", "spending_shift", "check_in"} <= names
    (price,) = (insight for insight in seen.insights if insight.name == "subscription_price")
    assert (price.now_minor, price.usual_minor, price.currency) == (1_599, 1_299, "EUR")
    assert price.text == "Filmstream.com takes 15.99 EUR since 20 November 2025; before, it was 12.99 EUR"


def test_the_words_are_kind_and_urge_nobody(told: Bank, now: Instant) -> None:
    texts = [insight.text for insight in told.insights("c-1", now=now)]
    assert texts
    assert [text for text in texts if URGENT.search(text)] == []


def test_the_ratios_that_were_told_before_are_told_still(told: Bank, now: Instant) -> None:
    names = [insight.name for insight in told.insights("c-1", now=now)]
    assert {"dining_vs_habit", "groceries_vs_habit"} <= set(names)
    ids = [insight.id for insight in told.insights("c-1", now=now) if insight.id]
    assert len(ids) == len(set(ids)) > 3


def test_nothing_is_told_from_what_is_not_allowed(bank: Bank, allow: Callable[..., None], now: Instant) -> None:
    allow("c-2", purposes=("insights",), sources=("open_banking",))
    bank.ingest([*life("c-2", until=now), *life("c-2", until=now, elsewhere=True)], now=now)
    seen = bank.spending("c-2", now=now)
    assert seen.sources == ("open_banking",)
    assert {payment.account for payment in seen.standing} == {"second-bank/x"}
    assert seen.notes == ("transactions not used: you have not allowed it",)


def test_accounts_elsewhere_are_seen_together_with_those_here(
    bank: Bank, allow: Callable[..., None], now: Instant
) -> None:
    allow("c-3", purposes=("insights",))
    bank.ingest([*life("c-3", until=now), *life("c-3", until=now, elsewhere=True)], now=now)
    twins = [payment for payment in bank.spending("c-3", now=now).standing if payment.state == "duplicate"]
    assert "Housing Association" in {payment.what for payment in twins}


def test_a_withdrawal_silences_it_at_once(told: Bank, allow: Callable[..., None], now: Instant) -> None:
    allow("c-4", purposes=("marketing",))
    told.ingest(life("c-4", until=now), now=now)
    seen = told.spending("c-4", now=now)
    assert (seen.standing, seen.habits, seen.insights, seen.sources) == ((), (), (), ())


def test_the_past_is_seen_as_it_was_then(told: Bank, now: Instant) -> None:
    before = told.spending("c-1", now=now, as_of=Instant(now - 60 * DAY))
    assert "check_in" not in {insight.name for insight in before.insights}
    assert "changed_price" not in {payment.state for payment in before.standing}


def test_somebody_unknown_is_unknown(bank: Bank, now: Instant) -> None:
    with pytest.raises(UnknownCustomer):
        bank.spending("nobody", now=now)

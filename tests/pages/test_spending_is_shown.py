"""The page of a person's spending: tables, a small chart and plain words; nothing without consent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from page_visitor import NOW, Visitor, cloudevent

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import instant_of

DAYS = 400


@pytest.fixture(scope="module")
def spender(town: Bank) -> str:
    """Somebody who allows insights, with a subscription whose price rose and much dining out of late."""
    customer, since = "spender", instant_of(NOW - timedelta(days=30))
    change = ConsentChange(
        customer=customer, change="grant", purposes=("insights",), sources=("*",), channels=("*",), since=since
    )
    town.consent(change, now=since)
    events: list[bytes] = []

    def pay(ago: int, amount: int, category: str, whom: str) -> None:
        at = NOW - timedelta(days=ago)
        booked = {"account": "a1", "amount_minor": -amount, "currency": "EUR", "category": category, "merchant": whom}
        events.append(cloudevent(len(events), "transaction.booked", at, customer, **booked))

    for ago in range(DAYS):
        if ago % 30 == 10:
            pay(ago, 1_599 if ago < 40 else 1_299, "subscriptions", f"FILMSTREAM.COM {1000 + ago}")
        if ago % (2 if ago < 30 else 7) == 0 or ago % 11 == 0:
            pay(ago, 1_900 + 31 * (ago % 13), "dining", f"<b>Place</b> {ago % 4}")
        if ago % (15 if ago < 30 else 3) == 0:
            pay(ago, 2_400 + 41 * (ago % 17), "groceries", f"Market {ago % 3}")
    town.ingest(events)
    return customer


def test_a_subscription_stands_in_a_table_with_its_price_its_date_and_its_state(visitor: Visitor, spender: str) -> None:
    page = visitor.page(f"/customer/{spender}/insights")
    row = next(row.text for row in page.all("tr") if "Filmstream" in row.text)
    assert "15.99 EUR" in row
    assert "New price, was 12.99 EUR" in row


def test_shifts_are_drawn_with_the_same_numbers_in_a_table_beside(visitor: Visitor, spender: str) -> None:
    page = visitor.page(f"/customer/{spender}/insights")
    (chart,) = page.all("svg")
    assert "Dining" in chart.text
    row = next(row.text for row in page.all("tr") if row.text.startswith("Dining"))
    assert "Yes" in row
    assert "Dining: " in page.text


def test_a_check_in_is_an_offer_to_listen(visitor: Visitor, spender: str) -> None:
    page = visitor.page(f"/customer/{spender}/insights")
    assert "we are glad to listen" in page.text


def test_a_merchant_is_named_anew_by_its_form_and_taken_back(visitor: Visitor, spender: str) -> None:
    def row(name: str) -> str:
        page = visitor.page(f"/customer/{spender}/merchants")
        return next((row.text for row in page.all("tr") if row.text.startswith(name)), "")

    page = visitor.page(f"/customer/{spender}/merchants")
    option = next(option for option in page.all("option") if option.text == "Market")
    chosen = option.attributes["value"]
    assert row("Market").split()[:3] == ["Market", "Groceries", "Us"]

    visitor.say(page, "Save", merchant=chosen, name="Corner <shop>", category="")
    page = visitor.say(page, "Save", merchant=chosen, name="", category="health")
    assert row("Corner <shop>").split()[:4] == ["Corner", "<shop>", "Health", "You"]
    assert not row("Market")

    visitor.say(page, "Take back what I said of it", merchant=chosen)
    assert row("Market").split()[:3] == ["Market", "Groceries", "Us"]


def test_without_consent_the_page_says_that_nobody_looked(visitor: Visitor, town: Bank) -> None:
    town.ingest([cloudevent(0, "app.opened", NOW, "silent")])
    page = visitor.page("/customer/silent/insights")
    assert "we did not look" in page.text
    assert page.all("table") == []


def test_somebody_too_young_to_have_a_habit_hears_no_guess(visitor: Visitor, town: Bank, spender: str) -> None:
    past = NOW - timedelta(days=DAYS - 60)
    page = visitor.page(f"/customer/{spender}/insights?as_of={past.date().isoformat()}")
    assert town.counts()
    assert "Nothing changed" not in page.text

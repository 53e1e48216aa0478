"""A source that was on for ninety days and not read is named beside its switch; nothing else is, nobody is urged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from page_visitor import NOW, Visitor, client_of, year_of

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.moment import DAY, Instant, instant_of
from marketofone.services.rights.purposes import UNNEEDED_DAYS, purposes, unneeded
from marketofone.services.rights.use_log import recorded_uses

WHO, EVERY = "c-1", ("*",)
SENTENCE = f"It was not read for this in the last {UNNEEDED_DAYS} days"


def at(days: int) -> Instant:
    return Instant(instant_of(NOW) - days * DAY)


def says(bank: Bank, change: What, *, days: int, sources: tuple[str, ...] = EVERY) -> None:
    said = ConsentChange(
        customer=WHO, change=change, purposes=("insights",), sources=sources, channels=EVERY, since=at(days)
    )
    bank.consent(said, now=at(days))


@pytest.fixture
def bank(bank: Bank) -> Bank:
    """A bank that was allowed everything for insights 120 days ago, and has read some of it once since, at first."""
    says(bank, "grant", days=120)
    bank.ingest(year_of(WHO, until=NOW - timedelta(days=119))[:100], now=at(119))
    bank.profile(WHO, now=at(100))
    return bank


@pytest.fixture
def visitor(bank: Bank) -> Iterator[Visitor]:
    with client_of(bank) as client:
        yield Visitor(client)


def of_insights(bank: Bank, *, days: int = 0) -> frozenset[str]:
    standing = purposes(bank.context, WHO, now=at(days))["insights"]
    return unneeded(bank.context, WHO, standing, now=at(days))


def read_since(bank: Bank, *, days: int) -> set[str]:
    every = recorded_uses(bank.context, WHO, since=at(days), until=bank.now(), purpose="insights")
    return {source for one in every for _, source in one.scopes}


def test_what_was_not_read_in_ninety_days_is_named_and_what_was_read_is_not(bank: Bank) -> None:
    every = set(bank.config.policy.purposes["insights"].sources)
    assert of_insights(bank) == every
    bank.profile(WHO, now=at(UNNEEDED_DAYS - 1))
    read = read_since(bank, days=UNNEEDED_DAYS)
    assert read
    assert of_insights(bank) == every - read


def test_what_was_allowed_lately_or_is_off_is_not_named(bank: Bank) -> None:
    says(bank, "withdraw", days=50, sources=("app",))
    says(bank, "grant", days=40, sources=("transactions",))
    assert of_insights(bank) == set(bank.config.policy.purposes["insights"].sources) - {"app", "transactions"}
    assert of_insights(bank, days=30 - UNNEEDED_DAYS) >= {"transactions"}


def test_a_yes_of_today_that_names_a_day_long_ago_was_not_on_all_the_time(bank: Bank) -> None:
    said = ConsentChange(
        customer=WHO, change="grant", purposes=("insights",), sources=("app",), channels=EVERY, since=at(200)
    )
    bank.consent(said, now=at(0))
    assert "app" not in of_insights(bank)
    assert "messages" in of_insights(bank)


def test_what_was_paused_meanwhile_is_not_named(bank: Bank) -> None:
    pause = ConsentChange(customer=WHO, change="pause", since=at(80), until=at(20))
    bank.consent(pause, now=at(80))
    assert of_insights(bank) == frozenset()


def test_the_page_says_so_beside_the_switch_and_the_switch_stops_it(bank: Bank, visitor: Visitor) -> None:
    page = visitor.page(f"/customer/{WHO}/purposes/insights")
    row = next(item for item in page.all("li") if item.attributes.get("id") == "app")
    assert SENTENCE in row.text
    assert "Stop" in row.text
    says(bank, "withdraw", days=0, sources=("app",))
    page = visitor.page(f"/customer/{WHO}/purposes/insights")
    assert SENTENCE not in next(item for item in page.all("li") if item.attributes.get("id") == "app").text


def test_a_page_of_a_past_day_and_a_purpose_that_is_off_propose_nothing(visitor: Visitor) -> None:
    assert SENTENCE not in visitor.page(f"/customer/{WHO}/purposes/insights?as_of=2025-12-30").text
    assert SENTENCE not in visitor.page(f"/customer/{WHO}/purposes/marketing").text

"""A living bank and a visitor whose every page is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from page_visitor import NOW, Visitor, client_of, clock, year_of

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import instant_of


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    with marketofone.open(project, clock=clock) as opened:
        yield opened


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """A bank with one person who allowed some things, a year of their account, and three decisions."""
    folder = tmp_path_factory.mktemp("town")
    wiring.lay_out(folder)
    since = instant_of(NOW - timedelta(days=30))
    with marketofone.open(folder, clock=clock) as bank:
        for purpose, sources in (("insights", ("*",)), ("personalisation", ("app", "transactions"))):
            bank.consent(
                ConsentChange(customer="a/b:c", change="grant", purposes=(purpose,), sources=sources, channels=("*",),
                              since=since),
                now=since,
            )  # fmt: skip
        bank.ingest(year_of("a/b:c", until=NOW))
        for number in range(3):
            at = instant_of(NOW - timedelta(days=3 - number))
            bank.decide("a/b:c", occasion="app.opened", id=f"d-{number}", now=at)
        yield bank


@pytest.fixture
def visitor(town: Bank) -> Iterator[Visitor]:
    with client_of(town) as client:
        yield Visitor(client)


@pytest.fixture
def shown(town: Bank) -> Callable[[], str]:
    """Give the page of a fresh decision that showed something to somebody new who allows everything."""

    def decide() -> str:
        for number in range(20):
            customer, now = f"newcomer-{uuid4().hex[:8]}", town.now()
            town.consent(
                ConsentChange(
                    customer=customer,
                    change="grant",
                    purposes=("*",),
                    sources=("*",),
                    channels=("*",),
                    since=now,
                ),
                now=now,
            )
            town.ingest(year_of(customer, until=NOW), now=now)
            decision = town.decide(customer, occasion="app.opened", id=f"{customer}-{number}")
            if decision.action != "nothing":
                return f"/customer/{customer}/decisions/{decision.id}"
        pytest.fail("nothing was ever shown")

    return decide

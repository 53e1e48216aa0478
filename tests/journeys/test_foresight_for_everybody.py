"""The nightly run gives everybody the forecast they would get alone, recorded as a use, or says why it gives none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people import happened, ordinary_months, paid

from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import DistrictDescribed
from marketofone.domain.moment import DAY, Instant
from marketofone.projection.records import ForecastSummary
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.foresight.forecast_population import LeftOut
from proofs import proven, recorded

Allow = Callable[..., None]


def withdraw(bank: Bank, customer: str, *, since: Instant) -> None:
    no = ConsentChange(
        customer=customer, change="withdraw", purposes=("insights",), sources=("*",), channels=("*",), since=since
    )
    bank.consent(no, now=since)


def move_in(bank: Bank, allow: Allow, *customers: str, now: Instant) -> None:
    for customer in customers:
        allow(customer)
        bank.ingest(ordinary_months(customer, until=now), now=now)


def known_ahead(bank: Bank, customer: str) -> ForecastSummary | None:
    with bank.context.store.read() as reader:
        return bank.context.snapshot(reader).person(customer).forecast


def test_everybody_gets_the_forecast_they_would_get_alone(bank: Bank, allow: Allow, now: Instant) -> None:
    move_in(bank, allow, "c-2", "c-1", now=now)
    alone = [bank.forecast(customer, now=now) for customer in ("c-1", "c-2")]

    assert list(bank.forecast_all(now=now)) == alone
    assert all(ahead.accounts[0].days for ahead in alone)


def test_everybody_may_be_looked_ahead_for_at_the_moment_of_another_clock(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    move_in(bank, allow, "c-1", "c-2", now=now)
    moment = Instant(now + 20 * DAY)
    alone = [bank.forecast(customer, now=moment) for customer in ("c-1", "c-2")]

    assert list(bank.forecast_all(now=moment)) == alone


def test_who_allows_no_forecast_is_left_out_with_the_reason_and_nothing_is_recorded(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    move_in(bank, allow, "c-1", "c-2", now=now)
    withdraw(bank, "c-2", since=now)
    bank.ingest([paid("c-3", -100, "dining", at=now)], now=now)
    district = DistrictDescribed(name="d", region="r", figures={})
    bank.ingest([happened("district-1", district, at=now)], now=now)  # about no person

    ahead = list(bank.forecast_all(now=now))

    assert isinstance(ahead[0], CustomerForecast)
    assert ahead[1:] == [
        LeftOut(customer="c-2", why="you said no"),
        LeftOut(customer="c-3", why="you have not allowed it"),
    ]
    assert recorded(bank, "forecast") == 1
    assert [(use.purpose, use.source, use.count) for use in bank.uses("c-1")] == [
        ("insights", "transactions", 1),
        ("insights", "open_banking", 1),
    ]
    assert bank.uses("c-2") == []
    proven(bank)


def test_a_no_said_while_the_run_goes_on_is_heard(bank: Bank, allow: Allow, now: Instant) -> None:
    people = [f"c-{number:03}" for number in range(300)]
    for customer in people:
        allow(customer)
    run = bank.forecast_all(now=now)
    assert isinstance(next(run), CustomerForecast)
    withdraw(bank, people[-1], since=now)

    ahead = list(run)

    assert ahead[-1] == LeftOut(customer=people[-1], why="you said no")
    assert sum(isinstance(one, CustomerForecast) for one in ahead) == len(people) - 2
    assert recorded(bank, "forecast") == len(people) - 1
    proven(bank)


def test_looking_back_never_takes_the_place_of_what_decisions_know_by_now(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    move_in(bank, allow, "c-1", now=now)
    bank.forecast("c-1", now=now)
    before = known_ahead(bank, "c-1")

    for ago in (0, 9, 400):
        bank.forecast("c-1", now=now, as_of=Instant(now - ago * DAY))
        bank.show_forecast("c-1", now=now)

    assert known_ahead(bank, "c-1") == before
    assert recorded(bank, "forecast") == 1
    bank.decide("c-1", occasion="app.opened", now=now)
    proven(bank)


@pytest.mark.parametrize("ahead", [1, 360 * DAY])
def test_nobody_asks_what_will_be_known_at_a_moment_that_lies_ahead(
    bank: Bank, allow: Allow, now: Instant, ahead: int
) -> None:
    move_in(bank, allow, "c-1", now=now)
    for question in (bank.forecast, bank.show_forecast):
        with pytest.raises(MalformedRequest) as raised:
            question("c-1", now=now, as_of=Instant(now + ahead))
        assert raised.value.field == "as_of"
    assert known_ahead(bank, "c-1") is None

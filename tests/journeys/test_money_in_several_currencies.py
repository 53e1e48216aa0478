"""A person with euros, pounds and yen: the parts stand apart, and are added by a rate with a name, or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from people import happened

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Day, Instant, date_of
from marketofone.domain.money import Rate, converted
from marketofone.domain.money_events import AccountOpened, OrderPlaced, TransactionBooked
from marketofone.domain.rates import DailyRate, daily_rate
from marketofone.projection import codec
from marketofone.projection.records import ForecastRecord, ForecastSummary
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.intake.rates import RatesImport
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.store.ports import Unit
from marketofone.web.app import build_app
from proofs import proven, recorded

with warnings.catch_warnings():  # Starlette would rather have httpx2; its test client works with httpx
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
TODAY = Day(NOW // DAY)
ACCOUNTS = {"EUR": 400_000, "GBP": 300_000, "JPY": 90_000}
POUND = "GBP at 1.25 EUR of 2026-01-02, ECB"  # a Friday
YEN = "JPY at 0.00625 EUR of 2026-01-02, ECB"


def months(customer: str, balances: dict[str, int], *, main: str = "EUR") -> Iterator[Event]:
    """Live six months on an account in each currency up to a balance, most payments being in one of them."""
    for currency, last in balances.items():
        balance = last
        moves = [(90_000, "salary", "Works"), (-60_000, "rent", f"{currency} Landlord")]
        moves += [(-5_000 - number, "groceries", "Market") for number in range(4 if currency == main else 2)]
        for month in range(6):
            for order, (amount, category, whom) in enumerate(reversed(moves)):
                data = TransactionBooked(
                    account=f"{currency.lower()}-account",
                    amount_minor=amount,
                    currency=currency,
                    category=category,
                    merchant=whom,
                    balance_minor=balance,
                )
                balance -= amount
                yield happened(customer, data, at=Instant(NOW - (2 + 30 * month) * DAY - order))


def lives(bank: Bank, customer: str, balances: dict[str, int], *, main: str = "EUR") -> None:
    every = ("*",)
    yes = ConsentChange(customer=customer, change="grant", purposes=every, sources=every, channels=every, since=NOW)
    bank.consent(yes, now=NOW)
    bank.ingest(months(customer, balances, main=main), now=NOW)


def ecb(quote: str, worth: str, *, ago: int = 3) -> DailyRate:
    return daily_rate(Day(TODAY - ago), "EUR", quote, Decimal(worth))


def told(bank: Bank, *rates: DailyRate) -> None:
    RatesImport(bank.context, table="ECB", now=NOW).take([rates])


def recorded_rates(bank: Bank, customer: str) -> list[tuple[Rate, ...]]:
    """Give by which rates each forecast of a customer counted."""
    owner = bank.context.keys.find((customer,))[customer]
    with bank.context.store.read() as reader:
        entries = list(reader.entries(owner.subject, kinds=("forecast",)))
    return [codec.read(entry, box=owner.box).summary.rates for entry in entries]


def middle(ahead: CustomerForecast) -> int:
    assert ahead.total is not None
    return ahead.total.days[-1].quantiles[4]


@pytest.fixture
def bank(projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with marketofone.open(projects.lay_out(tmp_path_factory.mktemp("several") / "bank"), clock=lambda: NOW) as opened:
        lives(opened, "anna", ACCOUNTS)
        yield opened


def test_without_a_table_the_parts_stand_apart_and_nothing_is_added(bank: Bank) -> None:
    ahead, spent, known = bank.forecast("anna", now=NOW), bank.spending("anna", now=NOW), bank.profile("anna", now=NOW)

    assert [(one.account, one.currency) for one in ahead.accounts] == [("eur-account", "EUR")]
    assert ahead.notes[:2] == ("accounts in GBP are not in this forecast", "accounts in JPY are not in this forecast")
    for liquid in (ahead.liquid, known.liquid):
        assert {part.currency: part.balance_minor for part in liquid.parts} == ACCOUNTS
        assert (liquid.total_minor, {part.rate for part in liquid.parts}) == (None, {None})
    rents = {(one.currency, one.amount_minor) for one in spent.standing if one.category == "rent"}
    assert rents == {(currency, 60_000) for currency in ACCOUNTS}
    assert spent.notes[:2] == tuple(f"payments in {one} are shown apart, and are in no sum" for one in ("GBP", "JPY"))
    assert recorded_rates(bank, "anna") == [()]
    proven(bank)


def test_with_a_table_the_parts_are_added_by_rates_that_are_named(bank: Bank) -> None:
    apart = bank.forecast("anna", now=NOW)
    told(bank, ecb("GBP", "0.8"), ecb("JPY", "160"))

    ahead, spent, known = bank.forecast("anna", now=NOW), bank.spending("anna", now=NOW), bank.profile("anna", now=NOW)
    bank.decide("anna", occasion="app.opened", now=NOW)

    assert ahead.liquid == known.liquid
    assert ahead.liquid.total_minor == 400_000 + 375_000 + 56_250
    assert [(part.counted_minor, part.rate) for part in ahead.liquid.parts] == [
        (400_000, None),
        (375_000, POUND),
        (56_250, YEN),
    ]
    assert ahead.notes[:2] == spent.notes[:2] == (f"sums count {POUND}", f"sums count {YEN}")
    assert [one.currency for one in ahead.accounts] == ["EUR", "GBP", "JPY"]
    assert ahead.accounts[0] == apart.accounts[0]
    own = [one.days[0].quantiles[4] for one in ahead.accounts]  # each in its own currency
    assert all(abs(day - balance) < 0.2 * balance for day, balance in zip(own, ACCOUNTS.values(), strict=True))
    assert middle(ahead) > middle(apart)
    assert {one.currency for one in spent.standing} == set(ACCOUNTS)
    (groceries,) = (one for one in spent.habits if one.category == "groceries")
    assert groceries.now_minor == (
        sum(5_000 + number for number in range(4)) + converted(5_000, rate_of("GBP", 8, 10)) +
        converted(5_001, rate_of("GBP", 8, 10)) + converted(5_000, rate_of("JPY", 160, 1)) +
        converted(5_001, rate_of("JPY", 160, 1))
    )  # fmt: skip
    assert [[rate.text for rate in rates] for rates in recorded_rates(bank, "anna")] == [[], [POUND, YEN]]
    proven(bank)


def rate_of(currency: str, digits: int, unit: int) -> Rate:
    return Rate("ECB", Day(TODAY - 3), currency, "EUR", unit, digits)


def test_programs_and_pages_show_the_parts_and_the_sum_with_the_names_of_the_rates(bank: Bank) -> None:
    told(bank, ecb("GBP", "0.8"), ecb("JPY", "160"))

    with TestClient(build_app(bank), base_url="http://localhost") as client:
        client.get(CustomerLinks.of(bank.context).link("anna").path)
        answers = [client.get(f"/v1/customers/anna/{what}").json() for what in ("forecast", "profile")]
        page = client.get("/customer/anna/forecast").text
        spent = client.get("/customer/anna/insights").text

    for answer in answers:
        assert answer["liquid"]["total_minor"] == 831_250
        assert [part["rate"] for part in answer["liquid"]["parts"]] == [None, POUND, YEN]
    assert f"3,000.00 GBP, counted as 3,750.00 EUR: {POUND}" in page
    assert "together 8,312.50 EUR" in page
    assert "600.00 GBP" in spent
    assert f"Sums count {POUND}" in spent


def test_an_old_table_adds_nothing_and_the_day_of_its_newest_rate_is_said(bank: Bank) -> None:
    told(bank, ecb("GBP", "0.8", ago=8), ecb("JPY", "160", ago=7))

    ahead = bank.forecast("anna", now=NOW)

    assert [one.currency for one in ahead.accounts] == ["EUR", "JPY"]
    assert ahead.notes[0] == (
        "accounts in GBP are not in this forecast: the newest rate is of 2025-12-28, ECB, and a rate holds for 7 days"
    )
    assert ahead.notes[1] == "sums count JPY at 0.00625 EUR of 2025-12-29, ECB"
    assert ahead.liquid.total_minor is None
    proven(bank)


def test_what_counted_at_a_rate_stays_when_the_rate_is_corrected(bank: Bank) -> None:
    told(bank, ecb("GBP", "0.8"), ecb("JPY", "160"))
    before = bank.forecast("anna", now=NOW)
    bank.decide("anna", occasion="app.opened", now=NOW)
    again = RatesImport(bank.context, table="ECB", now=NOW)

    report = again.take([(ecb("GBP", "0.5"), ecb("JPY", "160"))])

    assert (report.events, report.duplicates, again.corrections) == (1, 0, 1)
    assert again.take([(ecb("GBP", "0.5"), ecb("JPY", "160"))]).duplicates == 1
    after = bank.forecast("anna", now=NOW)
    bank.decide("anna", occasion="app.opened", now=NOW)
    assert (before.liquid.total_minor, after.liquid.total_minor) == (831_250, 400_000 + 600_000 + 56_250)
    assert [[rate.figure for rate in rates] for rates in recorded_rates(bank, "anna")] == [
        ["1.25", "0.00625"],
        ["2", "0.00625"],
    ]
    assert recorded(bank, "rates") == 2
    proven(bank)


def test_a_forecast_that_counts_at_a_rate_that_no_table_said_is_found(bank: Bank) -> None:
    told(bank, ecb("GBP", "0.8"), ecb("JPY", "160"))
    bank.forecast("anna", now=NOW)
    owner = bank.context.keys.find(("anna",))["anna"]
    with bank.context.store.read() as reader:
        (entry,) = reader.entries(owner.subject, kinds=("forecast",))
    record: ForecastRecord = codec.read(entry, box=owner.box)
    rate = replace(record.summary.rates[0], numerator=record.summary.rates[0].numerator + 1)
    false = replace(record, summary=replace(record.summary, rates=(rate,)))
    early = replace(record, rests_on=replace(record.rests_on, bank=record.rests_on.bank - 1))

    for wrong in (false, early):
        draft = codec.draft("forecast", wrong, subject=owner.subject, box=owner.box, at=NOW)
        bank.context.store.commit(Unit(now=NOW, drafts=[draft]))

    problems = [problem for problem in bank.verify().problems if "rate that no table said" in problem]
    assert len(problems) == 2


def test_decisions_count_in_the_currency_of_the_bank_where_a_rate_is_known(bank: Bank) -> None:
    lives(bank, "ben", {"GBP": 300_000}, main="GBP")
    plain = bank.forecast("ben", now=NOW)
    assert (low_point(bank, "ben"), idle(bank, "ben")) == (None, None)  # pounds are no euros
    told(bank, ecb("GBP", "0.5"))

    ahead = bank.forecast("ben", now=NOW)

    assert (ahead.currency, ahead.total, ahead.notes) == ("GBP", plain.total, plain.notes)
    assert ahead.total is not None
    assert low_point(bank, "ben") == 2 * min(day.quantiles[4] for day in ahead.total.days)
    proven(bank)


def test_a_limit_in_a_currency_without_money_is_said_to_limit_nothing(bank: Bank) -> None:
    opened = AccountOpened(account="eur-account", product="giro", currency="GBP", limit_minor=50_000)
    bank.ingest([happened("anna", opened, at=Instant(NOW - DAY))], now=NOW)

    ahead = bank.forecast("anna", now=NOW)

    assert ahead.limit_minor == 0
    assert "the limit of your current account 1 is told in GBP, and its money is not: it does not count" in ahead.notes


def test_an_order_in_another_currency_counts_at_a_named_rate_or_is_said_to_be_left_out(bank: Bank) -> None:
    plain = bank.forecast("anna", now=NOW)
    terms: dict[str, Any] = {
        "account": "eur-account",
        "order": "school",
        "next_on": date_of(Day(TODAY + 9)),
        "category": "tuition",
    }
    order = OrderPlaced(**terms, amount_minor=40_000, currency="CHF")
    bank.ingest([happened("anna", order, at=NOW)], now=NOW)
    without = bank.forecast("anna", now=NOW)
    assert (without.total, without.payments) == (plain.total, plain.payments)
    assert "orders in CHF are not in this forecast" in without.notes

    told(bank, ecb("CHF", "0.8"))
    ahead = bank.forecast("anna", now=NOW)
    assert [(one.day, one.amount_minor) for one in ahead.payments if one.ordered] == [("2026-01-14", -50_000)]
    assert "orders count CHF at 1.25 EUR of 2026-01-02, ECB" in ahead.notes
    assert [[rate.of for rate in rates] for rates in recorded_rates(bank, "anna")] == [[], [], ["CHF"]]
    proven(bank)


def test_an_order_between_own_accounts_in_two_currencies_spends_nothing(bank: Bank) -> None:
    told(bank, ecb("GBP", "0.8"), ecb("JPY", "160"))
    before = bank.forecast("anna", now=NOW)
    terms: dict[str, Any] = {"account": "eur-account", "order": "saving", "next_on": date_of(Day(TODAY + 9))}
    order = OrderPlaced(**terms, amount_minor=40_000, currency="EUR", counterparty_account="gbp-account")
    bank.ingest([happened("anna", order, at=NOW)], now=NOW)
    after = bank.forecast("anna", now=NOW)
    assert abs(middle(after) - middle(before)) <= 1
    assert sorted(one.amount_minor for one in after.payments if one.ordered) == [-40_000, 40_000]
    proven(bank)


def low_point(bank: Bank, customer: str) -> int | None:
    return summary(bank, customer).low_point_minor


def idle(bank: Bank, customer: str) -> int | None:
    return summary(bank, customer).idle_minor


def summary(bank: Bank, customer: str) -> ForecastSummary:
    with bank.context.store.read() as reader:
        found = bank.context.projection.person(reader, customer).forecast
    assert found is not None
    return found

"""What money is: its currency and decimals, what can be spent of it, and what a movement turned out to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from situations import NOW, pays, says, sent, values

import marketofone
from marketofone import Bank
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import DAY, Instant, parse_instant
from proofs import proven

RENT, MONTHS = 150_000, 7


def monthly(customer: str, minor: int, *, currency: str = "EUR") -> list[bytes]:
    """Pay the same on the eighth of each of the last months: the next is due in three days."""
    days = [parse_instant(f"2025-{month:02}-08T10:00:00Z", field="time") for month in range(13 - MONTHS, 13)]
    return [
        pays(customer, minor, "rent", at=day, currency=currency, merchant="Landlord", balance_minor=900_000)
        for day in days
    ]


@pytest.mark.parametrize(
    ("currency", "written"), [("JPY", "150,000 JPY"), ("KWD", "150.000 KWD"), ("HUF", "1,500.00 HUF")]
)
def test_an_amount_is_said_with_the_decimals_of_its_currency(bank: Bank, currency: str, written: str) -> None:
    says(bank, "anna")
    bank.ingest(monthly("anna", -RENT, currency=currency), now=NOW)

    said = bank.spending("anna", now=NOW).insights

    assert any(written in insight.text for insight in said), said


def test_a_currency_that_does_not_exist_is_refused(bank: Bank) -> None:
    says(bank, "anna")
    assert bank.ingest(monthly("anna", -RENT, currency="XXQ"), now=NOW).dead_letters == MONTHS


def test_amounts_of_two_currencies_are_never_added(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        pays("anna", -1_500, "dining"),
        pays("anna", -3_000_000, "dining", currency="HUF"),
        pays("anna", -38_500, "dining", currency="JPY"),
    ]
    bank.ingest(rows, now=NOW)

    known = values(bank, "anna")

    assert (known["spend_30d"], known["dining_30d"]) == (1_500, 1_500)
    proven(bank)


def test_what_comes_in_another_currency_only_is_unknown_and_not_nothing(bank: Bank) -> None:
    says(bank, "anna")
    salaries = [pays("anna", 500_000, "salary", at=NOW - ago * DAY, currency="CHF") for ago in (65, 35, 5)]
    bank.ingest([*salaries, pays("anna", -1_500, "groceries", currency="CHF")], now=NOW)
    says(bank, "ben")
    bank.ingest([pays("ben", -1_500, "groceries", at=NOW - 40 * DAY), pays("ben", 100_000, "salary")], now=NOW)

    known = values(bank, "anna")

    unknown = {"income_30d", "income_90d", "salary_trend", "spend_30d", "net_30d", "mean_spend_90d", "savings_rate_90d"}
    assert not unknown & known.keys()
    assert (known["days_since_income"], known["dining_30d"]) == (5, 0)
    ben = values(bank, "ben")
    assert (ben["spend_30d"], ben["spend_90d"], ben["income_30d"]) == (0, 1_500, 100_000)
    proven(bank)


def test_a_bank_keeps_the_currency_it_has_counted_its_money_in(project: Path) -> None:
    toml = project / "bank.toml"
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "anna")
    toml.write_text(toml.read_text("utf-8").replace('currency = "EUR"', 'currency = "CZK"'), "utf-8")

    with pytest.raises(MalformedDocument) as raised:
        marketofone.open(project, now=NOW)

    assert "currency" in str(raised.value)


DEBTS = (
    *("mortgage", "credit_card", "consumer_loan", "Hypothek", "Baufinanzierung 2021", "VISA Gold", "Ratenkredit"),
    *("prêt immobilier", "carte de crédit", "student loan", "line_of_credit", "mutuo", "kredyt hipoteczny", "ипотека"),
    *("住宅ローン", "Kreditkarte"),
)


@pytest.mark.parametrize("product", DEBTS)
@pytest.mark.parametrize("told_first", [True, False])
def test_what_is_owed_is_no_balance_and_makes_no_shortfall(bank: Bank, product: str, *, told_first: bool) -> None:
    says(bank, "anna")
    opened = [
        sent("account.opened", "anna", at=NOW - 300 * DAY, account=name, product=of, currency="EUR")
        for name, of in (("account-anna", "current_account"), ("debt", product))
    ]
    rows = [
        row
        for month in range(MONTHS)
        for row in (
            pays("anna", 300_000, "salary", at=NOW - (2 + 30 * month) * DAY, balance_minor=1_500_000),
            pays("anna", -60_000, "groceries", at=NOW - (1 + 30 * month) * DAY, balance_minor=1_440_000),
            pays("anna", 90_000, "loan", at=NOW - (2 + 30 * month) * DAY, account="debt", balance_minor=-18_000_000),
        )
    ]
    bank.ingest([*opened, *rows] if told_first else [*rows, *opened], now=NOW)

    assert values(bank, "anna")["balance_last"] == 1_440_000
    ahead = bank.forecast("anna", now=NOW)
    assert {event.event: event.probability for event in ahead.events}.get("below_zero", 0.0) < 0.05
    assert ahead.total is not None
    assert min(day.quantiles[4] for day in ahead.total.days) > 0
    proven(bank)


@pytest.mark.parametrize(
    "product", ["Girokonto mit Dispokredit", "compte courant", "Visa Debit", "Tagesgeld", "Livret A"]
)
def test_an_account_to_pay_with_or_to_save_on_counts_whatever_its_bank_calls_it(bank: Bank, product: str) -> None:
    says(bank, "anna")
    rows = [
        sent("account.opened", "anna", at=NOW - 300 * DAY, account="account-anna", product=product, currency="EUR"),
        pays("anna", 300_000, "salary", balance_minor=1_500_000),
    ]
    assert bank.ingest(rows, now=NOW).dead_letters == 0

    assert values(bank, "anna")["balance_last"] == 1_500_000


@pytest.mark.parametrize("product", ["life_events move", "line\nbreak", ""])
def test_a_product_is_called_like_no_item_of_another_source(bank: Bank, product: str) -> None:
    says(bank, "anna")
    report = bank.ingest([sent("product.opened", "anna", product=product)], now=NOW)
    assert report.dead_letters == 1


def test_a_balance_of_years_ago_is_not_served_as_one_of_now(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([pays("anna", 100, "salary", at=NOW - 1_600 * DAY, balance_minor=1_250_000)], now=NOW)

    assert not values(bank, "anna").get("balance_last")


def understood(customer: str, id: str, **said: object) -> bytes:  # noqa: A002 - the word of CloudEvents
    event = json.loads(sent("transaction.understood", customer))
    return json.dumps({**event, "data": {"id": id, **said}}).encode()


def test_what_a_movement_turned_out_to_be_counts_from_then_on_and_a_person_has_the_last_word(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([pays("anna", 150_000, "salary", id="1"), pays("anna", 10_000, "salary", id="2")], now=NOW)
    assert values(bank, "anna")["income_30d"] == 160_000

    bank.ingest([understood("anna", "1", nature="loan_paid_out")], now=NOW)
    assert values(bank, "anna")["income_30d"] == 10_000
    bank.ingest([understood("anna", "1", nature="salary", by="person")], now=NOW)
    assert values(bank, "anna")["income_30d"] == 160_000
    bank.ingest([understood("anna", "1", nature="own_transfer")], now=NOW)
    assert values(bank, "anna", now=Instant(NOW + 1))["income_30d"] == 160_000
    proven(bank)


def test_a_purchase_that_comes_back_nets_to_nothing(bank: Bank) -> None:
    says(bank, "anna")
    rows = [
        pays("anna", 200_000, "salary", at=NOW - 5 * DAY),
        pays("anna", -90_000, "household", at=NOW - 4 * DAY),
        pays("anna", 90_000, "household", at=NOW - 2 * DAY, nature="refund"),
    ]
    bank.ingest(rows, now=NOW)

    known = values(bank, "anna")

    assert (known["income_30d"], known["spend_30d"]) == (200_000, 0)

"""A payment that is known ahead is in the forecast on its day, as long as it stands and may be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from people import happened, live_states, ordinary_months

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Day, Instant, date_of
from marketofone.domain.money_events import (
    AccountOpened,
    OpenBankingBalance,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
    ProductOpened,
)
from marketofone.importers.open_banking import uk_ob
from marketofone.importers.rows import Origin, events_of
from marketofone.services.foresight.forecast import CustomerForecast

Allow = Callable[..., None]
HERE = "account-c-1"


def in_days(now: Instant, days: int) -> date:
    return date_of(Day(now // DAY + days))


def placed(now: Instant, *, at: Instant | None = None, **facts: Any) -> Event:
    """Place an order for a tuition of 400, first paid in nine days."""
    terms = {"amount_minor": 40_000, "category": "education", "next_on": in_days(now, 9), "every": "month"}
    data = OrderPlaced(currency="EUR", **{"account": HERE, "order": "so-1", **terms, **facts})
    return happened("c-1", data, at=now if at is None else at)


def ordered(found: CustomerForecast) -> list[tuple[str, int, str]]:
    return [(one.day, one.amount_minor, one.what) for one in found.payments if one.ordered]


def chance(found: CustomerForecast, name: str, within: int) -> float:
    return next(one.probability for one in found.events if (one.event, one.horizon_days) == (name, within))


def test_an_order_is_paid_on_its_day_until_it_is_told_otherwise(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    before = bank.forecast("c-1", now=now)
    assert ordered(before) == []

    bank.ingest([placed(now)], now=now)
    first = bank.forecast("c-1", now=now)
    assert ordered(first)[0] == (in_days(now, 9).isoformat(), -40_000, "education")
    assert len(ordered(first)) == 3
    assert before.total is not None
    assert first.total is not None
    moved = [new.quantiles[4] - old.quantiles[4] for old, new in zip(before.total.days, first.total.days, strict=True)]
    assert [round(moved[day], -2) for day in (7, 8, -1)] == [0, -40_000, -120_000]

    bank.ingest([placed(now, at=Instant(now + 1), amount_minor=45_000)], now=Instant(now + 1))
    assert {amount for _, amount, _ in ordered(bank.forecast("c-1", now=Instant(now + 1)))} == {-45_000}
    bank.ingest([placed(now, at=Instant(now + 2), ended=True)], now=Instant(now + 2))
    after = bank.forecast("c-1", now=Instant(now + 2))
    assert (ordered(after), after.payments, after.total) == ([], before.payments, before.total)


def test_a_large_payment_ahead_is_told_with_its_order_as_the_cause(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    calm = bank.forecast("c-1", now=now)
    kitchen: dict[str, Any] = {
        "amount_minor": 3_000_000,
        "counterparty": "Kitchens & Co",
        "category": None,
        "every": None,
    }
    bank.ingest([placed(now, next_on=in_days(now, 40), **kitchen)], now=now)
    found = bank.forecast("c-1", now=now)
    assert chance(calm, "below_zero", 60) < 0.1
    assert chance(found, "below_zero", 60) > 0.9
    assert chance(found, "large_expense", 60) > 0.9
    large = next(one for one in found.events if (one.event, one.horizon_days) == ("large_expense", 60))
    assert large.drivers[0].startswith("scheduled payment to Kitchens & Co: 30,000.00 EUR on ")


def test_what_is_ordered_is_shown_where_too_little_is_known_to_look_ahead(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    loan = ProductOpened(product="consumer_loan", account="new", payment_minor=30_000, months=36)
    pay = placed(now, order="pay", account="new", direction="in", category="salary", amount_minor=250_000)
    bank.ingest([placed(now), pay, happened("c-1", loan, at=now)], now=now)

    found = bank.forecast("c-1", now=now)
    assert (found.total, [one.account for one in found.accounts]) == (None, [HERE, "new"])
    assert [one.abstains for one in found.accounts] == ["0 movements in 0 days are not enough history"] * 2
    assert {what for _, _, what in ordered(found)} == {"education", "salary", "consumer loan payment"}

    bank.ingest(ordinary_months("c-1", until=now)[-3:], now=now)
    known = bank.forecast("c-1", now=now)
    assert (known.total, ordered(known)) == (None, ordered(found))


def test_where_data_stopped_arriving_nothing_has_ended_and_every_surface_says_since_when(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    last = Instant(now - 34 * DAY)
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=last), now=now)

    ahead, spent = bank.forecast("c-1", now=now), bank.spending("c-1", now=now)

    since = max(event.at for event in ordinary_months("c-1", until=last))
    on = date_of(Day(since // DAY))
    said = f"nothing was heard of your current account since {on}: what was due there since then may have been"
    for notes in (ahead.notes, spent.notes):
        assert [note for note in notes if note.startswith(said)]
    assert {one.state for one in spent.standing} <= {"active", "new"}
    assert not [one for one in spent.insights if one.name in ("subscription_ended", "spending_shift", "check_in")]
    assert not [one for one in ahead.events if one.event.startswith("income")]
    assert any(payment.amount_minor > 0 for payment in ahead.payments)


def elsewhere(now: Instant) -> list[Event]:
    """Keep an account at another bank: 100 come in and go out now and then, and 250 are to be paid in ten days."""
    there: dict[str, Any] = {"institution": "other-bank", "account": "there", "currency": "EUR"}
    moves = [
        OpenBankingTransaction(**there, amount_minor=amount, booked=in_days(now, -ago), category="other")
        for ago in range(5, 100, 7)
        for amount in (10_000, -10_000)
    ]
    told = OpenBankingBalance(**there, balance_minor=20_000, limit_minor=50_000)
    order = OpenBankingOrder(**there, amount_minor=25_000, category="tax", order="x", next_on=in_days(now, 10))
    return [happened("c-1", data, at=now) for data in (*moves, told, order)]


def test_an_order_and_a_limit_at_another_bank_count_only_while_that_bank_may_be_looked_at(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    bank.ingest([*ordinary_months("c-1", until=now), *elsewhere(now)], now=now)
    found = bank.forecast("c-1", now=now)
    assert ordered(found) == [(in_days(now, 10).isoformat(), -25_000, "tax")]
    assert found.limit_minor == 50_000
    there = next(one for one in found.accounts if one.account == "other-bank/there")
    assert there.days

    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=("*",), sources=("open_banking",), channels=("*",), since=now
    )
    bank.consent(no, now=now)
    hidden = bank.forecast("c-1", now=now)
    assert (ordered(hidden), hidden.limit_minor) == ([], 0)


def test_two_other_banks_that_tell_of_one_account_tell_each_order_once_and_lose_none(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    def order(institution: str, name: str, **facts: Any) -> Event:
        told = {"amount_minor": 80_000, "counterparty": "A Landlord", "next_on": in_days(now, 9), "every": "month"}
        one = {"institution": institution, "account": "DE89370400440532013000", "currency": "EUR", "order": name}
        return happened("c-1", OpenBankingOrder(**{**one, **told, **facts}), at=now)

    gym: dict[str, Any] = {"amount_minor": 3_000, "counterparty": "Gym"}
    dearer = order("y", "rent", amount_minor=85_000, counterparty="LANDLORD A.", next_on=in_days(now, 10))
    allow("c-1")
    bank.ingest([*ordinary_months("c-1", until=now), order("x", "1"), dearer, order("y", "1", **gym)], now=now)
    found = ordered(bank.forecast("c-1", now=now))
    assert [amount for _, amount, _ in found] == [-80_000, -3_000] * 3


def test_what_open_banking_tells_of_the_future_is_paid_on_its_days(
    bank: Bank, allow: Allow, now: Instant, tmp_path: Path
) -> None:
    def on(days: int) -> str:
        return f"{in_days(now, days)}T00:00:00Z"

    told = {"AccountId": "1", "InstructedAmount": {"Amount": "250.00", "Currency": "EUR"}}
    debit = {"PreviousPaymentAmount": {"Amount": "31.00", "Currency": "EUR"}, "PreviousPaymentDateTime": on(-4)}
    mandate = {"MandateIdentification": "M-2", "Frequency": {"Type": "WEEK"}}
    data = {
        "Balance": [
            {
                "AccountId": "1",
                "CreditDebitIndicator": "Credit",
                "Type": "ITBD",
                "DateTime": on(0),
                "Amount": {"Amount": "900.00", "Currency": "EUR"},
            }
        ],
        "ScheduledPayment": [{**told, "ScheduledPaymentId": "s-1", "ScheduledPaymentDateTime": on(10)}],
        "DirectDebit": [{**debit, "AccountId": "1", "Name": "Water", "MandateRelatedInformation": mandate}],
    }
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"Data": data}))
    origin = Origin(customer="c-1", producer="uk-ob/other", institution="other")
    events = [one for one in events_of(uk_ob.read(path), origin=origin) if isinstance(one, Event)]
    allow("c-1")
    bank.ingest([*ordinary_months("c-1", until=now), *events], now=now)
    found = ordered(bank.forecast("c-1", now=now))
    assert (in_days(now, 10).isoformat(), -25_000, "scheduled payment") in found
    water = [day for day, amount, _ in found if amount == -3_100]
    assert water[:2] == [in_days(now, 3).isoformat(), in_days(now, 10).isoformat()]


def test_what_is_due_on_a_loan_leaves_the_account_that_can_be_spent(bank: Bank, allow: Allow, now: Instant) -> None:
    loan = AccountOpened(account="loan-1", product="home_loan", currency="EUR")
    due = placed(now, account="loan-1", direction="in", category="loan_payment", amount_minor=120_000, every=None)
    allow("c-1")
    bank.ingest([*ordinary_months("c-1", until=now), happened("c-1", loan, at=now), due], now=now)
    found = bank.forecast("c-1", now=now)
    assert ordered(found) == [(in_days(now, 9).isoformat(), -120_000, "loan payment")]
    assert found.total is not None
    assert found.total.days[8].quantiles[4] < found.total.days[7].quantiles[4] - 100_000


def test_a_limit_moves_the_floor_and_a_loan_is_paid_as_agreed_whatever_came_first(
    bank: Bank, allow: Allow, now: Instant, projects: Projects, tmp_path: Path
) -> None:
    opened = AccountOpened(account=HERE, product="giro", currency="EUR", limit_minor=200_000)
    loan = ProductOpened(
        product="consumer_loan", account=HERE, principal_minor=900_000, payment_minor=30_000, months=36
    )
    facts = [happened("c-1", data, at=Instant(now - 3 * DAY)) for data in (opened, loan)]
    events = [*ordinary_months("c-1", until=now), *facts, placed(now), placed(now, at=Instant(now - DAY), ended=True)]
    allow("c-1")
    bank.ingest(events, now=now)
    found = bank.forecast("c-1", now=now)
    assert found.limit_minor == 200_000
    assert {what for _, _, what in ordered(found)} == {"education", "consumer loan payment"}

    with marketofone.open(projects.lay_out(tmp_path / "other"), now=now) as other:
        other.consent(
            ConsentChange(
                customer="c-1",
                change="grant",
                purposes=("*",),
                sources=("*",),
                channels=("*",),
                since=now,
                until=Instant(now + 365 * DAY),
            ),
            now=now,
        )
        for some in (events[::-2], events[::-1]):
            other.ingest(some, now=now)
        assert live_states(other, "c-1", now=now) == live_states(bank, "c-1", now=now)
        assert other.forecast("c-1", now=now) == found
        assert other.verify().ok

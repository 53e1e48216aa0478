"""The same salary on the last working day of each month is no change on any day, and is expected on working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from situations import pays, says, values

from marketofone import Bank
from marketofone.domain.moment import DAY, Instant, parse_instant
from proofs import proven

PAID = [date(2025, month, day) for month, day in ((9, 30), (10, 31), (11, 28), (12, 31))] + [
    date(2026, month, day) for month, day in ((1, 30), (2, 27), (3, 31), (4, 30), (5, 29), (6, 30))
]


def morning(of: date) -> Instant:
    return parse_instant(f"{of}T08:00:00Z", field="day")


def salary(of: date, minor: int = 300_000) -> bytes:
    return pays("anna", minor, "salary", at=morning(of), counterparty="ACME GmbH", balance_minor=400_000)


@pytest.fixture
def paid(bank: Bank) -> Bank:
    says(bank, "anna", now=morning(PAID[0]))
    return bank


def test_on_no_day_has_the_salary_changed_and_a_month_has_one(paid: Bank) -> None:
    waiting = list(PAID)
    seen = set()
    for on in (PAID[3] + timedelta(at) for at in range(75)):
        while waiting and waiting[0] <= on:
            paid.ingest([salary(waiting.pop(0))], now=morning(on))
        known = values(paid, "anna", now=Instant(morning(on) + DAY // 3))
        seen.add((known["salary_trend"], known["income_30d"]))
    assert seen == {(0.0, 300_000)}
    proven(paid)


def test_the_next_ones_are_expected_on_the_last_working_days(paid: Bank) -> None:
    paid.ingest([salary(day) for day in PAID if day < date(2026, 4, 15)], now=morning(date(2026, 4, 15)))
    ahead = paid.forecast("anna", now=morning(date(2026, 4, 15)))
    assert [one.day for one in ahead.payments if one.amount_minor > 0] == ["2026-04-30", "2026-05-29", "2026-06-30"]


def test_a_raise_shows_on_payday_and_a_salary_that_stays_away_after_a_week(paid: Bank) -> None:
    paid.ingest([salary(day) for day in PAID[:-1]], now=morning(PAID[-1]))
    paid.ingest([salary(PAID[-1], 330_000)], now=morning(PAID[-1]))

    def trend(on: date) -> float:
        return values(paid, "anna", now=morning(on))["salary_trend"]

    assert trend(date(2026, 7, 1)) == pytest.approx(0.1)
    assert trend(date(2026, 8, 4)) == pytest.approx(0.1)
    assert trend(date(2026, 8, 8)) == -1.0

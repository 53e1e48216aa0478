"""Sums are exact, and an amount that could make them leave their bounds is refused with the limit named."""

from __future__ import annotations

import numpy as np
import pytest
from situations import NOW, pays, says, sent, values

from marketofone import Bank
from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.features.windows import read, reduced
from marketofone.learn.values import from_bytes, learn_value, prior_value, to_bytes
from proofs import proven

MANY = 10_000


@pytest.mark.parametrize("amount", [MAX_MINOR + 1, -MAX_MINOR - 1, 10**15, -(10**15), 2**63, 10**30])
def test_an_amount_beyond_the_limit_is_refused_at_the_door_with_the_field_and_the_limit(
    bank: Bank, amount: int
) -> None:
    says(bank, "rich")
    rows = [
        pays("rich", amount, "salary"),
        pays("rich", 1, "salary", balance_minor=amount),
        sent("openbanking.balance", "rich", institution="x", account="y", balance_minor=amount, currency="EUR"),
    ]
    report = bank.ingest(rows, now=NOW)
    assert (report.events, report.dead_letters) == (0, 3)
    with bank.context.store.read() as reader:
        letters = list(reader.letters(limit=3))
    assert {letter.field for letter in letters} == {"data.amount_minor", "data.balance_minor"}
    if abs(amount) < 2**63:
        assert all(str(MAX_MINOR) in letter.shape + letter.fix for letter in letters)


@pytest.mark.parametrize(
    ("spread", "sign"),
    [
        ("over a year", 1),
        ("in one day", -1),
        pytest.param("over a year", -1, marks=pytest.mark.slow),
        pytest.param("in one day", 1, marks=pytest.mark.slow),
    ],
)
def test_ten_thousand_of_the_largest_amounts_add_up_exactly(bank: Bank, sign: int, spread: str) -> None:
    says(bank, "rich")
    step = DAY // 40 if spread == "over a year" else 1
    rows = [
        pays(
            "rich",
            sign * MAX_MINOR,
            "salary" if sign > 0 else "dining",
            at=NOW - number * step,
            balance_minor=MAX_MINOR,
        )
        for number in range(MANY)
    ]
    for start in range(0, MANY, 1_000):
        bank.ingest(rows[start : start + 1_000], now=NOW)
    known = values(bank, "rich")
    within = sum(number * step < 30 * DAY - 9 * HOUR for number in range(MANY))
    name = "income_30d" if sign > 0 else "dining_30d"
    assert abs(known[name] / MAX_MINOR - within) <= 40
    assert known[name] % MAX_MINOR == 0
    if spread == "in one day":
        assert known[name] == MANY * MAX_MINOR
    assert all(np.isfinite(value) for value in known.values())
    assert not [name for name, value in known.items() if name.endswith("_30d") and value < 0 and "net" not in name]
    bank.forecast("rich", now=NOW)
    assert bank.decide("rich", occasion="app.opened", now=NOW).reasons
    bank.insights("rich", now=NOW)
    proven(bank)


def test_amounts_of_both_signs_cancel_exactly(bank: Bank) -> None:
    says(bank, "alt")
    rows = [pays("alt", MAX_MINOR * (-1) ** number, "rent", at=NOW - number * HOUR) for number in range(600)]
    bank.ingest(rows, now=NOW)
    assert {name: value for name, value in values(bank, "alt").items() if "net" in name and value} == {}
    bank.forecast("alt", now=NOW)


def test_window_sums_are_exact_up_to_nine_hundred_thousand_of_the_largest_amounts() -> None:
    rows = np.array([[5], [MAX_MINOR], [1]], dtype=np.int64).repeat(900_000, axis=1)
    added = reduced(rows, marks=np.zeros(900_000, dtype=np.bool_))
    assert added.tolist() == [[5], [900_000 * MAX_MINOR], [900_000]]
    one = read(added, edges=np.array([[0], [9]]))
    assert one.ravel().tolist() == [900_000 * MAX_MINOR, 900_000, 1]


def test_what_everybody_reports_together_may_be_larger_than_any_register() -> None:
    belief = prior_value(0)
    for _ in range(3):
        belief = learn_value(belief, value_minor=2**62)
    assert from_bytes(to_bytes(belief)) == belief
    assert belief.expected_minor == (3 * 2**62 + 11) // 23


def test_an_event_of_any_age_that_can_be_written_is_taken_or_refused_and_harms_nothing(bank: Bank) -> None:
    says(bank, "old")
    ages = [
        "0001-01-01T00:00:00Z",
        "1799-12-31T23:59:59Z",
        "1800-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "9999-12-31T23:59:59Z",
    ]
    for age in ages:
        row = pays("old", -100, "rent").replace(b"2026-01-05T08:00:00Z", age.encode())
        report = bank.ingest([row], now=NOW)
        assert report.events + report.dead_letters == 1
    assert bank.decide("old", occasion="app.opened", now=NOW).reasons
    assert bank.profile("old", now=NOW, as_of=Instant(NOW - 80_000 * DAY)).known is not None
    proven(bank)

"""What a person says of a merchant holds for all their payments there: past and to come, here and elsewhere."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from situations import NOW, says, sent, values

from marketofone import Bank
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.intake.merchants import MerchantSaid
from proofs import proven

SHOP = "LEHNER MARKT SAGT DANKE 4711//WIEN/AT"


def paid(minor: int, *, ago: int, who: str = "anna", id: str | None = None, text: str = SHOP, **more: str) -> bytes:  # noqa: A002
    facts: dict[str, Any] = {"account": "a", "amount_minor": minor, "currency": "EUR", "text": text, **more}
    return sent("transaction.booked", who, at=NOW - ago * DAY, id=id, **facts)


def elsewhere(minor: int, *, ago: int) -> bytes:
    facts: dict[str, Any] = {
        "institution": "other",
        "account": "x",
        "amount_minor": minor,
        "currency": "EUR",
        "text": SHOP,
    }
    return sent("openbanking.transaction", "anna", at=NOW - ago * DAY, **facts)


def correction(of: str, /, *, at: int = NOW, **said: str) -> bytes:
    event = json.loads(sent("transaction.understood", "anna", at=at))
    return json.dumps({**event, "data": {"id": of, "scope": "merchant", "by": "person", **said}}).encode()


def as_shown(bank: Bank, *, now: int = NOW) -> dict[str, tuple[str | None, int]]:
    return {one.name: (one.category, one.payments) for one in bank.merchants("anna", now=Instant(now))}


def test_it_holds_for_all_payments_there_before_and_after_and_for_nobody_else(bank: Bank) -> None:
    for who in ("anna", "ben"):
        says(bank, who)
    bank.ingest([paid(-4_000, ago=9), paid(-700, ago=8, text="KIOSK AM ECK"), paid(-900, ago=5, who="ben")], now=NOW)
    name = next(
        one.merchant for one in bank.merchants("anna", now=NOW) if one.payments == 1 and "Kiosk" not in one.name
    )

    bank.correct_merchant("anna", MerchantSaid(merchant=name, name="Our corner shop", category="health"), now=NOW)
    assert as_shown(bank)["Our corner shop"] == ("health", 1)
    bank.ingest([paid(-500, ago=1, text=SHOP.replace("4711", "0815"))], now=Instant(NOW + HOUR))
    bank.ingest([paid(200, ago=0)], now=Instant(NOW + HOUR))

    assert as_shown(bank, now=NOW + HOUR)["Our corner shop"] == ("health", 3)
    assert values(bank, "anna", now=Instant(NOW + HOUR))["spend_30d"] == 4_000 + 700 + 500 - 200
    assert {one.name for one in bank.merchants("ben", now=NOW)} == {name}
    proven(bank)


def test_live_is_the_same_as_replay_in_whatever_order_it_is_said(bank: Bank) -> None:
    told = [
        paid(-1_000, ago=3, id="paid"),
        correction("Lehner Markt", merchant="Lehner", category="groceries"),
        correction("lehner  MARKT", at=NOW - HOUR, category="dining"),
    ]
    for number, order in enumerate(permutations(told)):
        who = f"anna-{number}"
        says(bank, who)
        for row in order:
            bank.ingest([json.dumps({**json.loads(row), "subject": who}).encode()], now=NOW)
        known = values(bank, who)
        assert (known["groceries_30d"], known["dining_30d"]) == (1_000, 0)
    proven(bank)


@pytest.mark.parametrize("single_first", [True, False])
def test_what_is_said_of_one_payment_stands_over_it(bank: Bank, *, single_first: bool) -> None:
    says(bank, "anna")
    bank.ingest([paid(-1_000, ago=3, id="p-1"), paid(-300, ago=2)], now=NOW)
    single = sent("transaction.understood", "anna", id="u-1", category="gifts", by="person")
    single = json.dumps({**json.loads(single), "data": {"id": "p-1", "category": "gifts", "by": "person"}}).encode()
    rows = [single, correction("Lehner Markt", category="groceries")]
    for row in rows if single_first else reversed(rows):
        bank.ingest([row], now=NOW)
    assert values(bank, "anna")["groceries_30d"] == 300
    proven(bank)


def test_it_holds_in_both_sources_that_are_allowed_and_can_be_taken_back(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([paid(-1_000, ago=3), elsewhere(-2_000, ago=2)], now=NOW)
    before = as_shown(bank)
    bank.correct_merchant("anna", MerchantSaid(merchant="Lehner Markt", name="Lehner", category="health"), now=NOW)
    assert as_shown(bank) == {"Lehner": ("health", 2)}
    bank.ingest([elsewhere(-500, ago=1)], now=NOW)
    assert as_shown(bank) == {"Lehner": ("health", 3)}

    bank.correct_merchant("anna", MerchantSaid(merchant="Lehner Markt", name=None, category=None), now=Instant(NOW + 1))
    assert as_shown(bank, now=NOW + 1) == {name: (category, 3) for name, (category, _) in before.items()}
    proven(bank)


def test_a_salary_from_the_shop_stays_a_salary(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([paid(200_000, ago=3, text="GEHALT", counterparty="Lehner Markt", purpose_code="SALA")], now=NOW)
    bank.ingest([correction("Lehner Markt", category="groceries")], now=NOW)
    known = values(bank, "anna")
    assert (known["income_30d"], known["groceries_30d"]) == (200_000, 0)


def test_a_category_that_does_not_exist_is_refused(bank: Bank) -> None:
    says(bank, "anna")
    with pytest.raises(MalformedRequest, match="category"):
        bank.correct_merchant("anna", MerchantSaid(merchant="Lehner Markt", name=None, category="grocery"), now=NOW)

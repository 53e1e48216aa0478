"""What a movement turned out to be by data of another bank counts as long as that data may be used, and comes back."""

from __future__ import annotations

from typing import Literal

import pytest
from situations import NOW, pays, says, sent, values

from marketofone import Bank
from marketofone.domain.moment import DAY, Instant, text_of
from proofs import proven

MOVED, SPENT = 50_000, 2_000


def pair(customer: str, *, institution: str = "x", minor: int = MOVED, ago: int = 3) -> list[bytes]:
    """Move money to an account at another bank: here it looks like a payment to some shop."""
    at = NOW - ago * DAY
    return [
        sent(
            "transaction.booked",
            customer,
            at=at,
            account="giro",
            amount_minor=-minor,
            currency="EUR",
            counterparty="Zq Pool",
        ),
        sent(
            "openbanking.transaction",
            customer,
            at=at,
            institution=institution,
            account="pot",
            amount_minor=minor,
            currency="EUR",
            counterparty="Zq Pool",
        ),
    ]


def licence(customer: str, institution: str, *, until: int) -> bytes:
    scopes, end = ["accounts", "balances", "transactions", "orders"], text_of(Instant(until))
    return sent("openbanking.licensed", customer, at=NOW - 9 * DAY, institution=institution, scopes=scopes, until=end)


@pytest.mark.parametrize("read_before", [True, False])
def test_a_no_holds_for_the_next_reader_without_looking_again(bank: Bank, *, read_before: bool) -> None:
    says(bank, "anna")
    bank.ingest([*pair("anna"), pays("anna", -SPENT, "groceries")], now=NOW)
    if read_before:
        assert values(bank, "anna")["spend_30d"] == SPENT

    says(bank, "anna", "withdraw", source="open_banking")

    assert values(bank, "anna")["spend_30d"] == SPENT + MOVED
    assert any("Zq Pool" in one.name for one in bank.merchants("anna", now=NOW))
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)
    says(bank, "anna", source="open_banking")
    assert values(bank, "anna")["spend_30d"] == SPENT
    proven(bank)


@pytest.mark.parametrize("turn", [1, -1])
def test_what_another_bank_tells_is_found_without_the_accounts_here_whatever_came_first(bank: Bank, turn: int) -> None:
    says(bank, "anna")
    there, here = pair("anna", minor=-MOVED)[::-1]
    for row in (there, here)[::turn]:
        bank.ingest([row], now=NOW)
    assert values(bank, "anna")["other_bank_spend_30d"] == 0

    says(bank, "anna", "withdraw", source="transactions")

    assert values(bank, "anna")["other_bank_spend_30d"] == MOVED
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


def test_a_purpose_without_the_other_source_sees_what_it_is_without_it(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([*pair("anna"), pays("anna", -SPENT, "groceries")], now=NOW)
    says(bank, "anna", "withdraw", source="open_banking", purpose="insights")

    assert values(bank, "anna")["spend_30d"] == SPENT + MOVED
    bank.decide("anna", occasion="app.opened", now=NOW)
    proven(bank)


def test_the_end_of_one_licence_takes_what_rests_on_that_bank_only(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([licence("anna", "x", until=NOW + DAY), licence("anna", "y", until=NOW + 30 * DAY)], now=NOW)
    rows = [*pair("anna"), *pair("anna", institution="y", minor=70_000, ago=8), pays("anna", -SPENT, "groceries")]
    bank.ingest(rows, now=NOW)
    assert values(bank, "anna")["spend_30d"] == SPENT

    assert values(bank, "anna", now=NOW + 2 * DAY)["spend_30d"] == SPENT + MOVED
    bank.decide("anna", occasion="app.opened", now=Instant(NOW + 2 * DAY))
    proven(bank)


def test_looking_again_after_a_no_says_nothing_twice(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([*pair("anna"), pays("anna", -SPENT, "groceries")], now=NOW)
    says(bank, "anna", "withdraw", source="open_banking")
    bank.learning.understand(now=NOW)
    before = bank.verify().entries
    changes: tuple[Literal["grant", "withdraw"], ...] = ("grant", "withdraw", "grant")
    for change in changes:
        says(bank, "anna", change, source="open_banking")
        bank.learning.understand(now=NOW)

    assert bank.verify().entries == before + 3
    assert values(bank, "anna")["spend_30d"] == SPENT


def test_a_licence_ends_what_was_found_by_it_however_it_writes_the_bank(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([*pair("anna", institution="Bank X"), licence("anna", "BANK  x", until=NOW + DAY)], now=NOW)
    assert values(bank, "anna")["spend_30d"] == 0

    assert values(bank, "anna", now=NOW + 2 * DAY)["spend_30d"] == MOVED
    proven(bank)


@pytest.mark.parametrize("turn", [1, -1])
def test_the_number_of_an_account_is_known_whichever_event_tells_it(bank: Bank, turn: int) -> None:
    says(bank, "anna")
    number, there = "DE02120300000000202051", {"institution": "x", "account": "pot", "currency": "EUR"}
    told = [
        sent("openbanking.balance", "anna", at=NOW - 5 * DAY, balance_minor=1, number=number, **there),
        sent("openbanking.balance", "anna", at=NOW - 4 * DAY, balance_minor=1, **there),
    ]
    by_movement = [sent("openbanking.transaction", "bo", at=NOW - 5 * DAY, amount_minor=-1, number=number, **there)]
    for customer, known in (("anna", told[::turn]), ("bo", by_movement)):
        says(bank, customer)
        giro = sent("account.opened", customer, at=NOW - 9 * DAY, account="giro", product="current", currency="EUR")
        payment = pays(customer, -MOVED, "groceries", account="giro", counterparty_account=number)
        bank.ingest([giro, *known, payment], now=NOW)
        assert values(bank, customer)["spend_30d"] == 0
    proven(bank)

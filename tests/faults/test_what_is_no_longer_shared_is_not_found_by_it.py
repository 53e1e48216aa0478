"""What was found by data that may not be used any more, or of an id that is another person now, counts no more.

That holds for the next reader, before anything is looked at again: a process may end between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from situations import NOW, gives_up, pays, says, sent, shares, values

from marketofone import Bank
from marketofone.domain.moment import DAY, HOUR, Instant
from proofs import proven

LATER = Instant(NOW + HOUR)
BEFORE_ALL = NOW - 300 * DAY
MOVED, KEPT = 50_000, 30_000
EVERYTHING = ["accounts", "balances", "transactions", "orders"]
NUMBER = "DE02120300000000202051"


def opens(customer: str, account: str, **more: Any) -> bytes:
    return sent("account.opened", customer, at=BEFORE_ALL, account=account, product="current", currency="EUR", **more)


def moves(customer: str, minor: int, account: str, **more: Any) -> bytes:
    """Move money without a word about what it is."""
    facts: dict[str, Any] = {"account": account, "amount_minor": minor, "currency": "EUR", **more}
    return sent("transaction.booked", customer, at=NOW - 3 * DAY, **facts)


def there(customer: str, kind: str, institution: str, **more: Any) -> bytes:
    facts: dict[str, Any] = {"institution": institution, "account": "pot", "currency": "EUR", **more}
    return sent(f"openbanking.{kind}", customer, at=NOW - 3 * DAY, **facts)


def licence(customer: str, scopes: list[str], *, at: int) -> bytes:
    return sent("openbanking.licensed", customer, at=at, institution="x", scopes=scopes)


def spent(bank: Bank, customer: str, *, now: int = LATER) -> float:
    return values(bank, customer, now=now)["spend_30d"]


@contextmanager
def no_look(bank: Bank) -> Iterator[None]:
    """Let what waits for a look be lost, as where the process ends before it."""
    bank.learning.by_itself = False
    yield
    bank.context.left_open.clear()
    bank.learning.by_itself = True


def one_person(bank: Bank) -> None:
    """Let two ids of one person move money between them, and one of them between own accounts of its own."""
    for who in ("anna", "ann"):
        says(bank, who)
    alone = [opens("anna", "own"), moves("anna", -KEPT, "giro"), moves("anna", KEPT, "own")]
    pair = [opens("anna", "giro"), opens("ann", "pot", number=NUMBER), moves("ann", MOVED, "pot")]
    numbered = pays("anna", -MOVED, "groceries", at=NOW - 3 * DAY, account="giro", counterparty_account=NUMBER)
    bank.ingest([*alone, *pair, numbered], now=NOW)
    shares(bank, "mail", "anna", "ann")
    assert (spent(bank, "anna"), spent(bank, "ann")) == (0, 0)


def parts(bank: Bank) -> None:
    gives_up(bank, "mail", "ann", now=LATER)


def is_forgotten(bank: Bank) -> None:
    bank.erase("ann", ground="asked", now=LATER)


@pytest.mark.parametrize("leaves", [parts, is_forgotten])
def test_money_moved_to_an_id_that_is_another_person_now_was_spent(bank: Bank, leaves: Callable[[Bank], None]) -> None:
    one_person(bank)
    with no_look(bank):
        leaves(bank)

    assert spent(bank, "anna") == MOVED  # and what moved between its own accounts still did
    bank.decide("anna", occasion="app.opened", now=LATER)

    bank.ingest([moves("anna", -1, "giro")], now=LATER)
    assert spent(bank, "anna") == MOVED + 1
    if leaves is parts:
        proven(bank)
        with no_look(bank):
            shares(bank, "mail", "ann", now=LATER)
        assert spent(bank, "anna") == 1  # it is the same person again
        proven(bank)


def test_a_forgotten_id_is_looked_at_no_more_by_the_others(bank: Bank) -> None:
    one_person(bank)
    is_forgotten(bank)
    assert spent(bank, "anna") == MOVED
    assert not bank.context.left_open


@pytest.mark.parametrize("less", [{"scopes": ["balances"]}, {"scopes": EVERYTHING, "since": "2026-01-04"}])
def test_what_was_found_by_what_a_licence_covers_no_more_counts_no_more(bank: Bank, less: dict[str, Any]) -> None:
    says(bank, "anna")
    rows = [moves("anna", -MOVED, "giro"), there("anna", "transaction", "x", amount_minor=MOVED)]
    others = [moves("anna", -KEPT, "giro"), there("anna", "transaction", "y", amount_minor=KEPT)]
    bank.ingest([licence("anna", EVERYTHING, at=BEFORE_ALL), *rows, *others], now=NOW)
    assert spent(bank, "anna") == 0

    with no_look(bank):
        bank.ingest([sent("openbanking.licensed", "anna", at=LATER, institution="X", **less)], now=LATER)

    assert spent(bank, "anna") == MOVED
    bank.decide("anna", occasion="app.opened", now=LATER)
    bank.learning.understand(now=LATER)
    proven(bank)


def test_what_a_narrower_licence_still_covers_is_found_again(bank: Bank) -> None:
    says(bank, "anna")
    number = there("anna", "balance", "x", balance_minor=1, number=NUMBER)
    payment = pays("anna", -MOVED, "groceries", at=NOW - 3 * DAY, account="giro", counterparty_account=NUMBER)
    bank.ingest([licence("anna", EVERYTHING, at=BEFORE_ALL), opens("anna", "giro"), number, payment], now=NOW)
    assert spent(bank, "anna") == 0

    bank.ingest([licence("anna", ["balances"], at=LATER)], now=LATER)
    assert spent(bank, "anna") == 0
    again = bank.verify().entries
    bank.ingest([licence("anna", ["balances"], at=LATER + 1)], now=Instant(LATER + 1))

    assert bank.verify().entries == again + 1  # and nothing is found a second time
    bank.ingest([licence("anna", ["orders"], at=LATER + 2)], now=Instant(LATER + 2))
    assert spent(bank, "anna", now=LATER + 2) == MOVED
    proven(bank)

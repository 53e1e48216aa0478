"""A payment that another bank tells several times counts once: pending, changed, booked, modified or removed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count, permutations
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import NOW, says, values

from marketofone import Bank
from marketofone.domain.moment import SECOND
from marketofone.importers.open_banking import berlin, fdx, plaid, uk_ob
from marketofone.importers.rows import BadRow, Origin, events_of
from payload_samples import (
    Part,
    Read,
    berlin_answer,
    berlin_transaction,
    fdx_account,
    fdx_transaction,
    file_of,
    plaid_sync,
    plaid_transaction,
    uk_answer,
    uk_transaction,
)
from proofs import proven

DAY_ONE = "2026-01-02"
_NAMES = count()


class Seen(NamedTuple):
    """How a payment was seen when a file was fetched."""

    payment: int
    cents: int
    booked: bool


Fetch = Sequence[Seen]


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def uk_file(fetch: Fetch) -> list[Part]:
    money = [{"Amount": euros(one.cents), "Currency": "EUR"} for one in fetch]
    parts = [
        uk_transaction(
            TransactionId=f"t-{one.payment}",
            Status="BOOK" if one.booked else "PDNG",
            BookingDateTime=f"{DAY_ONE}T00:00:00Z",
            Amount=amount,
        )
        for one, amount in zip(fetch, money, strict=True)
    ]
    return [uk_answer(Transaction=parts)]


def berlin_file(fetch: Fetch) -> list[Part]:
    booked, pending = list[Part](), list[Part]()
    for one in fetch:
        amount = {"currency": "EUR", "amount": f"-{euros(one.cents)}"}
        part = berlin_transaction(transactionId=f"t-{one.payment}", transactionAmount=amount, bookingDate=DAY_ONE)
        (booked if one.booked else pending).append(part)
    return [berlin_answer(booked=booked, pending=pending)]


def fdx_file(fetch: Fetch) -> list[Part]:
    parts = [
        {
            "locTransaction": fdx_transaction(
                transactionId=f"t-{one.payment}",
                status="POSTED" if one.booked else "PENDING",
                postedTimestamp=f"{DAY_ONE}T00:00:00Z" if one.booked else None,
                transactionTimestamp=f"{DAY_ONE}T00:00:00Z",
                amount=one.cents / 100,
            )
        }
        for one in fetch
    ]
    account = fdx_account(currency={"currencyCode": "EUR"}, currentBalance=None, balanceAsOf=None)
    return [{"accounts": [{"locAccount": account}]}, {"transactions": parts}]


def plaid_file(fetch: Fetch) -> list[Part]:
    added = [
        plaid_transaction(
            transaction_id=f"b-{one.payment}" if one.booked else f"p-{one.payment}",
            pending_transaction_id=f"p-{one.payment}" if one.booked else None,
            pending=not one.booked,
            amount=one.cents / 100,
            iso_currency_code="EUR",
            date=DAY_ONE,
        )
        for one in fetch
    ]
    return [plaid_sync(added=added)]


FORMATS = {
    "uk": (uk_ob.read, uk_file),
    "berlin": (berlin.read, berlin_file),
    "fdx": (fdx.read, fdx_file),
    "plaid": (plaid.read, plaid_file),
}


def takes_in(bank: Bank, customer: str, read: Read, path: Path) -> None:
    os.utime(path, (NOW / SECOND, NOW / SECOND))  # of what is told without a date
    origin = Origin(customer=customer, producer="feed", institution="other-bank")
    events = list(events_of(read(path), origin=origin))
    assert not any(isinstance(event, BadRow) for event in events)
    assert bank.ingest(events, now=NOW).dead_letters == 0


def spent(bank: Bank, customer: str) -> float:
    return values(bank, customer).get("other_bank_spend_30d", 0)


def somebody(bank: Bank) -> str:
    customer = f"person-{next(_NAMES)}"
    says(bank, customer)
    return customer


COFFEE = Seen(1, 450, booked=True)
WAITS, DEARER, BOOKED = Seen(2, 4_000, booked=False), Seen(2, 4_400, booked=False), Seen(2, 4_450, booked=True)


@pytest.mark.parametrize("name", FORMATS)
def test_a_payment_that_changes_while_it_waits_counts_once_when_it_is_booked(
    bank: Bank, tmp_path: Path, name: str
) -> None:
    read, written = FORMATS[name]
    customer = somebody(bank)
    for fetch, total in (([COFFEE, WAITS], 4_450), ([COFFEE, DEARER], 4_850), ([COFFEE, BOOKED], 4_900)):
        takes_in(bank, customer, read, file_of(tmp_path, *written(fetch)))
        assert spent(bank, customer) == total
    proven(bank)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_files_may_come_in_any_order_and_lie_in_one(
    bank: Bank, tmp_path: Path, name: str, order: tuple[int, ...]
) -> None:
    read, written = FORMATS[name]
    files = [written([COFFEE, one]) for one in (WAITS, DEARER, BOOKED)]
    one_by_one, together = somebody(bank), somebody(bank)
    for place in (*order, order[0]):
        takes_in(bank, one_by_one, read, file_of(tmp_path, *files[place]))
    takes_in(bank, together, read, file_of(tmp_path, *(page for place in order for page in files[place])))

    assert spent(bank, one_by_one) == spent(bank, together) == COFFEE.cents + BOOKED.cents


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_is_fetched_each_payment_counts_once_as_it_was_booked(bank: Bank, tmp_path: Path, name: str) -> None:
    read, written = FORMATS[name]

    @settings(max_examples=12)
    @given(
        payments=st.lists(st.lists(st.integers(1, 99_999), min_size=1, max_size=4), min_size=1, max_size=4),
        data=st.data(),
    )
    def law(payments: list[list[int]], data: st.DataObject) -> None:
        seen = [
            Seen(payment, cents, booked=place == len(amounts) - 1)
            for payment, amounts in enumerate(payments)
            for place, cents in enumerate(amounts)
        ]
        customer = somebody(bank)
        for one in data.draw(st.permutations(seen)):
            takes_in(bank, customer, read, file_of(tmp_path, *written([one])))
        assert spent(bank, customer) == sum(amounts[-1] for amounts in payments)

    law()


def test_a_modified_payment_counts_as_it_was_told_last_and_a_removed_one_not_at_all(bank: Bank, tmp_path: Path) -> None:
    customer = somebody(bank)

    def part(cents: int) -> Part:
        return plaid_transaction(amount=cents / 100, iso_currency_code="EUR", date=DAY_ONE)

    pages = [
        (plaid_sync(added=[part(4_000)]), 4_000),
        (plaid_sync(modified=[part(4_100)]), 4_100),
        (plaid_sync(modified=[part(4_200)]), 4_200),
        (plaid_sync(removed=[{"transaction_id": "t-1", "account_id": "a-1"}]), 0),
    ]
    for page, total in pages:
        takes_in(bank, customer, plaid.read, file_of(tmp_path, page))
        assert spent(bank, customer) == total
    proven(bank)

    at_once = somebody(bank)
    takes_in(bank, at_once, plaid.read, file_of(tmp_path, *(page for page, _ in pages[:3])))
    assert spent(bank, at_once) == 4_200


def test_a_rejected_payment_counts_no_more(bank: Bank, tmp_path: Path) -> None:
    customer = somebody(bank)
    takes_in(bank, customer, uk_ob.read, file_of(tmp_path, *uk_file([COFFEE, WAITS])))
    (page,) = uk_file([WAITS])
    page["Data"]["Transaction"][0]["Status"] = "RJCT"
    takes_in(bank, customer, uk_ob.read, file_of(tmp_path, page))
    assert spent(bank, customer) == COFFEE.cents


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_file_again_adds_nothing(bank: Bank, tmp_path: Path, name: str) -> None:
    read, written = FORMATS[name]
    customer = somebody(bank)
    path = file_of(tmp_path, *written([COFFEE, WAITS]), *written([BOOKED]))
    origin = Origin(customer=customer, producer="feed", institution="other-bank")
    events = [event for event in events_of(read(path), origin=origin) if not isinstance(event, BadRow)]
    bank.ingest(events, now=NOW)
    again = bank.ingest(events, now=NOW)
    assert (again.events, again.duplicates) == (0, len(events))

"""Invented open-banking payloads: a builder for each part of each specification, and what a file of them is read as."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from marketofone.domain.event import Event
from marketofone.domain.money_events import Movement
from marketofone.importers.rows import BadRow, Origin, Row, events_of

Part = dict[str, Any]
Read = Callable[[Path], Iterator[Row | BadRow]]
ORIGIN = Origin(customer="c-1", producer="feed", institution="other-bank")


def uk_transaction(**changes: Any) -> Part:
    """Make a card payment of 12.50 on the first of June."""
    return {
        "AccountId": "22289",
        "TransactionId": "t-1",
        "CreditDebitIndicator": "Debit",
        "Status": "BOOK",
        "BookingDateTime": "2026-06-01T00:00:00+01:00",
        "Amount": {"Amount": "12.50", "Currency": "GBP"},
        **changes,
    }


def uk_account(account_id: str = "22289", *, number: str = "60-16-13 31926819", **changes: Any) -> Part:
    scheme = {"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": number, "Name": "A Holder"}
    return {"AccountId": account_id, "AccountTypeCode": "CACC", "Currency": "GBP", "Account": [scheme], **changes}


def uk_balance(amount: str = "100.00", **changes: Any) -> Part:
    return {
        "AccountId": "22289",
        "CreditDebitIndicator": "Credit",
        "Type": "ITBD",
        "DateTime": "2026-06-02T08:00:00+00:00",
        "Amount": {"Amount": amount, "Currency": "GBP"},
        **changes,
    }


def uk_statement(due: str = "2026-07-01", **amounts: str) -> Part:
    """Make a statement of an account, on which 250.00 are collected unless it tells other amounts."""
    told = amounts or {"DirectDebitPaymentDue": "250.00"}
    return {
        "AccountId": "22289",
        "StatementId": f"s-{due}",
        "StatementDateTime": [{"Type": "UK.OBIE.PaymentDue", "DateTime": f"{due}T00:00:00Z"}],
        "StatementAmount": [
            {
                "Type": f"UK.OBIE.{name}",
                "CreditDebitIndicator": "Debit",
                "Amount": {"Amount": amount, "Currency": "GBP"},
            }
            for name, amount in told.items()
        ],
    }


def uk_answer(**lists: list[Part]) -> Part:
    return {"Data": lists, "Links": {"Self": "https://bank.example/answers"}, "Meta": {"TotalPages": 1}}


def berlin_transaction(**changes: Any) -> Part:
    return {
        "transactionId": "t-1",
        "transactionAmount": {"currency": "EUR", "amount": "-12.50"},
        "bookingDate": "2026-06-01",
        **changes,
    }


IBAN = "DE89370400440532013000"


def berlin_answer(*, account: Part | None = None, **reports: list[Part]) -> Part:
    return {"account": account or {"iban": IBAN}, "transactions": {**reports, "_links": {}}}


def plaid_transaction(**changes: Any) -> Part:
    return {
        "account_id": "a-1",
        "transaction_id": "t-1",
        "amount": 12.5,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        "date": "2026-06-01",
        "authorized_date": None,
        "name": "KIOSK 7",
        "merchant_name": "Kiosk",
        "pending": False,
        "pending_transaction_id": None,
        **changes,
    }


def plaid_account(**changes: Any) -> Part:
    balances = {"current": 110.25, "available": 100.0, "limit": None, "iso_currency_code": "USD"}
    return {
        "account_id": "a-1",
        "balances": balances | changes.pop("balances", {}),
        "mask": "0000",
        "type": "depository",
        "subtype": "checking",
        **changes,
    }


def plaid_sync(**lists: list[Part]) -> Part:
    empty: dict[str, list[Part]] = {"accounts": [], "added": [], "modified": [], "removed": []}
    return {**empty, **lists, "next_cursor": "c", "has_more": False}


def fdx_transaction(**changes: Any) -> Part:
    return {
        "accountId": "a-1",
        "transactionId": "t-1",
        "amount": 12.5,
        "debitCreditMemo": "DEBIT",
        "status": "POSTED",
        "postedTimestamp": "2026-06-02T04:00:00.000Z",
        "transactionTimestamp": "2026-06-01T17:00:00.000Z",
        "description": "KIOSK 7",
        **changes,
    }


def fdx_account(**changes: Any) -> Part:
    return {
        "accountId": "a-1",
        "accountType": "CHECKING",
        "currency": {"currencyCode": "USD"},
        "currentBalance": 110.25,
        "balanceAsOf": "2026-06-03T00:00:00Z",
        **changes,
    }


def file_of(folder: Path, *documents: object) -> Path:
    """Write documents into a file, one a line."""
    path = folder / "answers.json"
    path.write_text("\n".join(map(json.dumps, documents)), "utf-8")
    return path


def rows_of(read: Read, folder: Path, *documents: object) -> list[Row]:
    """Read documents, of which every part is good."""
    rows = list(read(file_of(folder, *documents)))
    bad = [str(row) for row in rows if isinstance(row, BadRow)]
    assert bad == []
    return [row for row in rows if isinstance(row, Row)]


def only(rows: Iterable[Row], what: str = "movement") -> Row:
    """Give the one row of a kind."""
    (row,) = [row for row in rows if row.what == what]
    return row


def bad_rows_of(read: Read, folder: Path, *documents: object) -> list[BadRow]:
    return [row for row in read(file_of(folder, *documents)) if isinstance(row, BadRow)]


def events_in(read: Read, path: Path) -> list[Event]:
    """Read a file into events, of which every one is good."""
    events = list(events_of(read(path), origin=ORIGIN))
    bad = [str(event) for event in events if isinstance(event, BadRow)]
    assert bad == []
    return [event for event in events if isinstance(event, Event)]


def total_minor(events: Iterable[Event]) -> int:
    """Add the amounts of movements."""
    return sum(event.data.amount_minor for event in events if isinstance(event.data, Movement))

"""A valid file of each open-banking specification, where its transactions stand, and what is hard to read in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from marketofone.importers.open_banking import berlin, fdx, plaid, uk_ob
from payload_samples import (
    Part,
    Read,
    berlin_answer,
    berlin_transaction,
    fdx_account,
    fdx_transaction,
    plaid_account,
    plaid_sync,
    plaid_transaction,
    uk_account,
    uk_answer,
    uk_balance,
    uk_statement,
    uk_transaction,
)


class PayloadSample(NamedTuple):
    """A valid file: answers beside transactions, an answer with transactions, and where these stand in it."""

    read: Read
    beside: list[Part]
    answer: Part
    lists: list[tuple[str, ...]]


UK_PARTY = {"SchemeName": "UK.OBIE.IBAN", "Identification": "GB29NWBK60161331926819", "Name": "Shop"}
UK = PayloadSample(
    uk_ob.read,
    [uk_answer(Account=[uk_account()], Balance=[uk_balance(CreditLine=[{"Included": False}])])],
    uk_answer(
        Transaction=[
            uk_transaction(CreditorAccount=UK_PARTY, MerchantDetails={"MerchantName": "Shop"}),
            uk_transaction(
                TransactionId="t-2",
                Status="PDNG",
                CurrencyExchange={
                    "ExchangeRate": 1.1,
                    "InstructedAmount": {"Amount": "1", "Currency": "EUR"},
                },
            ),
            uk_transaction(TransactionId="t-3", Status="FUTR", BookingDateTime="2027-01-01T00:00:00Z"),
        ],
        StandingOrder=[],
        Statement=[uk_statement()],
    ),
    [("Data", "Transaction")],
)
BERLIN = PayloadSample(
    berlin.read,
    [{"accounts": [{"resourceId": "r-1", "iban": "DE89370400440532013000", "currency": "EUR"}]}],
    berlin_answer(
        booked=[
            berlin_transaction(creditorName="Shop", creditorAccount={"iban": "NL76RABO0359400371"}),
            berlin_transaction(transactionId="t-2", currencyExchange=[{"exchangeRate": "1.1"}]),
        ],
        pending=[berlin_transaction(transactionId="t-3", bookingDate=None)],
        information=[
            berlin_transaction(
                additionalInformationStructured={
                    "standingOrderDetails": {"startDate": "2026-01-01", "frequency": "Monthly"}
                }
            )
        ],
    ),
    [("transactions", "booked"), ("transactions", "pending"), ("transactions", "information")],
)
PLAID_DUE = {"account_id": "a-1", "next_payment_due_date": "2026-07-01", "minimum_payment_amount": 0}
PLAID_LIABILITIES = {
    "credit": [PLAID_DUE],
    "mortgage": [{**PLAID_DUE, "next_monthly_payment": 900}],
    "student": [PLAID_DUE],
}
PLAID = PayloadSample(
    plaid.read,
    [{**plaid_sync(accounts=[plaid_account()]), "liabilities": PLAID_LIABILITIES}],
    plaid_sync(
        added=[
            plaid_transaction(counterparties=[{"name": "Shop", "type": "merchant"}], category=["Shops"]),
            plaid_transaction(transaction_id="t-2", personal_finance_category={"detailed": "INCOME_WAGES"}),
        ],
        modified=[plaid_transaction(amount=7)],
        removed=[{"transaction_id": "t-3", "account_id": "a-1"}],
    ),
    [("added",), ("modified",), ("removed",)],
)
FDX_DUE = {"nextPaymentDate": "2026-07-01", "nextPaymentAmount": 900.5, "minimumPaymentAmount": 20}
FDX = PayloadSample(
    fdx.read,
    [{"accounts": [{"depositAccount": fdx_account()}, {"loanAccount": fdx_account(accountId="a-2", **FDX_DUE)}]}],
    {
        "transactions": [
            {"depositTransaction": fdx_transaction(foreignAmount=1, foreignCurrency="EUR")},
            fdx_transaction(transactionId="t-2", status="PENDING"),
        ]
    },
    [("transactions",)],
)
SAMPLES = {"uk": UK, "berlin": BERLIN, "plaid": PLAID, "fdx": FDX}

HARD = [
    *("", " ", "\x00", "\ud800", "\u2028", "x" * 5_000, "NaN", "sNaN", "Infinity", "-0", "1e999999", "-1E-999999"),
    *("0001-01-01", "9999-12-31T23:59:59.999999-23:59", "2026-02-31", "20260601", "2026-W23-1", "24:00"),
    *("EUR", "XXX", "Debit", "BOOK", "GB29", "-", "٣", "1_0"),
]


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the paths to all values within a value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*at, name))


def within(value: Any, at: tuple[str | int, ...]) -> Any:
    for name in at:
        value = value[name]
    return value

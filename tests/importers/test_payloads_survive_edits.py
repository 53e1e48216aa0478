"""However a payload is edited, reading it ends, and each transaction in it is one row or one bad row."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.importers import berlin, fdx, plaid, uk_ob
from marketofone.importers.rows import BadRow, events_of
from payload_samples import (
    ORIGIN,
    Part,
    Read,
    berlin_answer,
    berlin_transaction,
    fdx_account,
    fdx_transaction,
    file_of,
    plaid_account,
    plaid_sync,
    plaid_transaction,
    uk_account,
    uk_answer,
    uk_balance,
    uk_transaction,
)

pytestmark = pytest.mark.fuzz


class Sample(NamedTuple):
    """A valid file: answers beside transactions, an answer with transactions, and where these stand in it."""

    read: Read
    beside: list[Part]
    answer: Part
    lists: list[tuple[str, ...]]


UK_PARTY = {"SchemeName": "UK.OBIE.IBAN", "Identification": "GB29NWBK60161331926819", "Name": "Shop"}
UK = Sample(
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
    ),
    [("Data", "Transaction")],
)
BERLIN = Sample(
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
PLAID = Sample(
    plaid.read,
    [plaid_sync(accounts=[plaid_account()])],
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
FDX = Sample(
    fdx.read,
    [{"accounts": [{"depositAccount": fdx_account()}]}],
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
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(HARD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


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


@pytest.mark.parametrize("name", SAMPLES)
def test_each_transaction_is_one_row_or_one_bad_row_whatever_stands_in_it(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sample, folder = SAMPLES[name], tmp_path_factory.mktemp(name)
    beside = len(list(sample.read(file_of(folder, *sample.beside))))

    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        answer = copy.deepcopy(sample.answer)
        transactions = [
            (within(answer, at), number) for at in sample.lists for number in range(len(within(answer, at)))
        ]
        for _ in range(data.draw(st.integers(1, 3))):
            parts, number = data.draw(st.sampled_from(transactions))
            at = data.draw(st.sampled_from(list(places(parts[number]))))
            value = data.draw(ANYTHING)
            if not at:
                parts[number] = value
            else:
                within(parts[number], at[:-1])[at[-1]] = value
        found = list(sample.read(file_of(folder, *sample.beside, answer)))
        assert len(found) == beside + len(transactions)
        made = list(events_of(found, origin=ORIGIN))
        assert len(made) == len(found)
        assert all(row.line in (1, 2) and row.fix and row.field for row in made if isinstance(row, BadRow))

    law()


@pytest.mark.parametrize("name", SAMPLES)
def test_whatever_stands_anywhere_in_an_answer_reading_ends(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sample, folder = SAMPLES[name], tmp_path_factory.mktemp(name)
    whole = [*sample.beside, sample.answer]
    paths = [at for at in places(whole) if at]

    @given(at=st.sampled_from(paths), value=ANYTHING)
    def law(at: tuple[str | int, ...], value: object) -> None:
        documents = copy.deepcopy(whole)
        within(documents, at[:-1])[at[-1]] = value
        list(events_of(sample.read(file_of(folder, *documents)), origin=ORIGIN))

    law()


@pytest.mark.parametrize("name", SAMPLES)
def test_however_its_bytes_are_damaged_a_file_is_read_to_its_end(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sample = SAMPLES[name]
    path = tmp_path_factory.mktemp(name) / "answers.json"
    written = json.dumps([*sample.beside, sample.answer], indent=1).encode()

    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        content = written
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(content)))
            end = data.draw(st.integers(start, min(len(content), start + 40)))
            content = content[:start] + data.draw(st.binary(max_size=6)) + content[end:]
        path.write_bytes(content)
        list(events_of(sample.read(path), origin=ORIGIN))

    law()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_valid_file_has_no_bad_row(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    made = events_of(sample.read(file_of(tmp_path, *sample.beside, sample.answer)), origin=ORIGIN)
    assert [str(row) for row in made if isinstance(row, BadRow)] == []

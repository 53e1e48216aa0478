"""A ledger holds every movement of the last fifteen months, whatever order and batches they arrive in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.consent.gate import Admitted
from marketofone.domain.event import Event
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Day, Instant
from marketofone.domain.money_events import OpenBankingBalance, OpenBankingTransaction, ProductOpened, TransactionBooked
from marketofone.profile.ledger import (
    LEDGER_DAYS,
    NO_LEDGER,
    UNTOLD,
    Kind,
    Ledger,
    accounts,
    fold_ledger,
    from_bytes,
    to_bytes,
)

KIND_OF = {
    TransactionBooked: "transaction.booked",
    OpenBankingTransaction: "openbanking.transaction",
    OpenBankingBalance: "openbanking.balance",
    ProductOpened: "product.opened",
}
Told = tuple[EventData, int]

MONEY = st.integers(-500, 500) | st.sampled_from(
    [edge + by for edge in (-(2**31), 2**31) for by in (-1, 0, 1)] + [10**13, -(10**13)]
)
ACCOUNTS = {"account": st.sampled_from(["a", "b"]), "currency": st.sampled_from(["EUR", "EUR", "CZK"])}
WORDS = st.sampled_from([None, "rent", "\0", "ž"])
FACTS = st.one_of(
    st.builds(
        TransactionBooked,
        **ACCOUNTS,
        amount_minor=st.integers(-3, 3) | MONEY,
        category=WORDS,
        operation=WORDS,
        merchant=st.sampled_from([None, "m", "n"]),
        counterparty=st.sampled_from([None, "x"]),
        balance_minor=st.none() | st.integers(0, 2) | MONEY,
    ),
    st.builds(OpenBankingTransaction, **ACCOUNTS, institution=st.just("i"), amount_minor=MONEY, category=WORDS),
    st.builds(OpenBankingBalance, **ACCOUNTS, institution=st.sampled_from(["i", "j"]), balance_minor=MONEY),
    st.just(ProductOpened(product="card")),
)
DAYS = st.integers(0, 9) | st.sampled_from([LEDGER_DAYS - 1, LEDGER_DAYS, LEDGER_DAYS + 1]) | st.integers(-900, 900)
LIVES = st.lists(st.tuples(FACTS, DAYS), max_size=40)


def folded(ledger: Ledger, told: Iterable[Told]) -> Ledger:
    heard = list(told)
    events = [
        Event(id=str(number), producer="test", kind=KIND_OF[type(data)], customer="c-1", at=Instant(0), data=data)
        for number, (data, _) in enumerate(heard)
    ]
    return fold_ledger(ledger, [Admitted(event=event) for event in events], days=[Day(day) for _, day in heard])


def booked(day: int, amount: int, *, category: str | None = None, merchant: str | None = None) -> Told:
    facts = TransactionBooked(account="a", currency="EUR", amount_minor=amount, category=category, merchant=merchant)
    return facts, day


Row = tuple[str, str, Kind, int, int, int]


def rows_in(ledger: Ledger) -> list[Row]:
    """Read every movement of every account."""
    return [
        (account.name, account.currency, account.kinds[kind], day, amount, balance)
        for account in accounts([ledger])
        for day, amount, kind, balance in zip(
            *(column.tolist() for column in (account.days, account.amounts, account.of, account.balances)), strict=True
        )
    ]


def told_by(life: Sequence[Told]) -> Counter[Row]:
    """Say what a life moved, event by event, without any ledger."""
    rows: list[Row] = []
    for data, day in life:
        match data:
            case TransactionBooked():
                kind = Kind(data.operation, data.category, data.counterparty or data.merchant)
                balance = UNTOLD if data.balance_minor is None else data.balance_minor
                rows.append((data.account, data.currency, kind, day, data.amount_minor, balance))
            case OpenBankingTransaction():
                kind = Kind(None, data.category, data.counterparty)
                rows.append((f"i/{data.account}", data.currency, kind, day, data.amount_minor, UNTOLD))
            case OpenBankingBalance():
                name = f"{data.institution}/{data.account}"
                rows.append((name, data.currency, Kind(None, None, None), day, 0, data.balance_minor))
    newest = max((row[3] for row in rows), default=0)
    return Counter(row for row in rows if newest - row[3] <= LEDGER_DAYS)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), life=LIVES)
def test_any_order_in_any_batches_gives_the_same_bytes(data: st.DataObject, life: list[Told]) -> None:
    blob, waiting = b"", data.draw(st.permutations(life))
    while waiting:
        size = data.draw(st.integers(1, 5))
        blob, waiting = to_bytes(folded(from_bytes(blob), waiting[:size])), waiting[size:]

    assert blob == to_bytes(folded(NO_LEDGER, life))


@settings(max_examples=300, deadline=None)
@given(life=LIVES)
def test_a_ledger_tells_every_movement_of_the_last_fifteen_months_and_no_other(life: list[Told]) -> None:
    ledger = folded(NO_LEDGER, life)

    assert Counter(rows_in(ledger)) == told_by(life)
    assert rows_in(from_bytes(to_bytes(ledger))) == rows_in(ledger)
    read = accounts([ledger])
    assert [account.name for account in read] == sorted(account.name for account in read)
    assert all((np.diff(account.days) >= 0).all() for account in read)
    assert all(set(account.of.tolist()) == set(range(len(account.kinds))) for account in read)


def test_what_moves_no_money_leaves_the_ledger_as_it_is() -> None:
    ledger = folded(NO_LEDGER, [booked(500, -1)])

    assert folded(ledger, [(ProductOpened(product="card"), 2_000), booked(500 - LEDGER_DAYS - 1, -7)]) is ledger
    assert to_bytes(NO_LEDGER) == b""


def test_a_kind_is_forgotten_with_its_last_movement() -> None:
    ledger = folded(NO_LEDGER, [booked(0, -1, category="rent"), booked(1, -2, category="dining")])

    later = folded(ledger, [booked(LEDGER_DAYS + 1, -3, category="dining")])

    (account,) = accounts([later])
    assert account.kinds == (Kind(None, "dining", None),)
    assert account.days.tolist() == [1, LEDGER_DAYS + 1]


@pytest.mark.slow
def test_a_person_may_have_more_kinds_of_movements_than_two_bytes_can_number() -> None:
    many = [booked(0, -1, merchant=f"m-{number}") for number in range(2**16 + 1)]
    ledger = folded(folded(NO_LEDGER, many[:-1]), many[-1:])

    (account,) = accounts([ledger])
    assert len(account.kinds) == len(set(account.of.tolist())) == len(many)
    assert to_bytes(ledger) == to_bytes(folded(NO_LEDGER, many))
    assert to_bytes(folded(ledger, [booked(LEDGER_DAYS + 1, 5)])) == to_bytes(folded(NO_LEDGER, [booked(457, 5)]))


def test_accounts_of_several_sources_stand_side_by_side() -> None:
    here = folded(NO_LEDGER, [booked(3, -1)])
    there = folded(NO_LEDGER, [(OpenBankingBalance(institution="A", account="b", balance_minor=7, currency="EUR"), 4)])

    assert [account.name for account in accounts([here, there])] == ["A/b", "a"]
    assert [account.name for account in accounts([here])] == ["a"]
    assert accounts([there])[0].balances.tolist() == [7]


def test_an_account_as_known_on_a_day_ends_with_that_day() -> None:
    (account,) = accounts([folded(NO_LEDGER, [booked(day, day) for day in (1, 2, 2, 5)])])

    assert account.until(2).amounts.tolist() == [1, 2, 2]
    assert account.until(0).days.size == 0
    assert account.until(9).amounts.tolist() == account.amounts.tolist()

"""A person's ledger is part of their live state: it goes with consent, merges with the person, and knows its moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import happened, live_states, ordinary_months, paid

import marketofone
from bank_projects import Projects
from marketofone import Bank, wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import AppOpened, Event, IdentityLinked, IdentityUnlinked
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.money_events import OpenBankingBalance, OpenBankingTransaction, TransactionBooked
from marketofone.profile.ledger import to_bytes
from marketofone.services.runtime.population import DataScope, population

Allow = Callable[..., None]
MONEY = frozenset({"transactions", "open_banking"})


def ledgers(bank: Bank, customer: str) -> Mapping[str, bytes]:
    """Give the ledgers as they are folded, by source; a source without movements has none."""
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        states = snapshot.states(snapshot.person(customer), now=NOW)
    return {source: to_bytes(state.ledger) for source, state in states.items() if state.ledger.records}


def elsewhere(customer: str, *, at: Instant) -> list[Event]:
    bank, account = "other-bank", "there"
    paid = OpenBankingTransaction(
        institution=bank, account=account, amount_minor=-700, currency="EUR", category="dining"
    )
    told = OpenBankingBalance(institution=bank, account=account, balance_minor=9_000, currency="EUR")
    return [happened(customer, paid, at=at), happened(customer, told, at=at)]


def known(bank: Bank, *, now: Instant, purpose: str = "insights") -> dict[str, dict[str, bytes]]:
    """Give everybody's ledgers, as a purpose may read them."""
    people = population(bank.context, DataScope(purpose, MONEY, now, NOW))
    return {one.person.name: {name: to_bytes(told.ledger) for name, told in one.told.items()} for one in people}


def test_a_withdrawn_source_takes_only_its_own_ledger_along_and_a_yes_brings_it_back(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    bank.ingest([*ordinary_months("c-1", until=now), *elsewhere("c-1", at=Instant(now - DAY))], now=now)
    before = ledgers(bank, "c-1")
    assert set(before) == MONEY

    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=("*",), sources=("open_banking",), channels=("*",), since=now
    )
    bank.consent(no, now=now)
    assert ledgers(bank, "c-1") == {"transactions": before["transactions"]}
    assert [account.account for account in bank.forecast("c-1", now=now).accounts] == ["account-c-1"]

    later = now  # the later entry counts
    yes = ConsentChange(
        customer="c-1", change="grant", purposes=("*",), sources=("open_banking",), channels=("*",), since=later
    )
    bank.consent(yes, now=later)
    assert ledgers(bank, "c-1") == before


def test_two_customers_found_to_be_one_person_have_one_ledger_until_they_are_told_apart(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    for customer in ("c-1", "c-2"):
        allow(customer)
        bank.ingest(ordinary_months(customer, until=now), now=now)
    apart = [ledgers(bank, customer) for customer in ("c-1", "c-2")]

    key = {"key_kind": "email_hash", "key": "d-1"}
    bank.ingest([happened(customer, IdentityLinked(**key), at=now) for customer in ("c-1", "c-2")], now=now)  # type: ignore[arg-type]
    assert [account.account for account in bank.forecast("c-2", now=now).accounts] == ["account-c-1", "account-c-2"]
    assert ledgers(bank, "c-2") == ledgers(bank, "c-1")
    assert set(known(bank, now=now)) == {"c-1"}

    bank.ingest([happened("c-2", IdentityUnlinked(**key), at=now)], now=now)  # type: ignore[arg-type]
    assert [ledgers(bank, customer) for customer in ("c-1", "c-2")] == apart


@pytest.mark.sqlite
def test_a_snapshot_that_cannot_be_read_is_folded_again(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as bank:
        yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
        bank.consent(yes, now=now)
        for event in ordinary_months("c-1", until=now):
            bank.ingest([event], now=now)
        before, ahead = ledgers(bank, "c-1"), bank.forecast("c-1", now=now)
    with closing(sqlite3.connect(project / wiring.DATA / "bank.sqlite")) as connection:
        assert connection.execute("UPDATE snapshots SET body = zeroblob(50)").rowcount > 0
        connection.commit()

    with marketofone.open(project, now=now) as bank:
        assert ledgers(bank, "c-1") == before
        assert bank.forecast("c-1", now=now) == ahead


def test_what_is_remembered_is_what_another_process_folds_from_the_beginning(
    project: Path, bank: Bank, allow: Allow, now: Instant
) -> None:
    for customer in ("c-1", "c-2"):
        allow(customer)
        bank.ingest([*ordinary_months(customer, until=now, days=40), *elsewhere(customer, at=now)], now=now)
    bank.ingest([happened("c-2", IdentityLinked(key_kind="email_hash", key="d"), at=now)], now=now)
    bank.ingest([paid("c-1", -1, "dining", at=Instant(now - 30 * DAY))], now=now)
    bank.ingest([happened("c-1", IdentityLinked(key_kind="email_hash", key="d"), at=now)], now=now)
    bank.forecast("c-1", now=now)
    bank.ingest([paid("c-2", -2, "dining", at=now)], now=now)

    with marketofone.open(project, now=now) as other:
        assert live_states(other, "c-1", now=now) == live_states(bank, "c-1", now=now)
    assert set(ledgers(bank, "c-1")) == MONEY


FACTS: list[EventData] = [
    TransactionBooked(account="a", amount_minor=-300, currency="EUR", category="dining", balance_minor=5),
    TransactionBooked(account="b", amount_minor=900, currency="EUR", category="salary"),
    OpenBankingBalance(institution="x", account="y", balance_minor=7_000, currency="EUR"),
    AppOpened(),
]
NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
NUMBERS = count()
LIVES = st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from(FACTS), st.integers(0, 40)), max_size=30)


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[tuple[Bank, Bank]]:
    """Open two banks with the same documents."""
    folders = [lasting_projects.lay_out(tmp_path_factory.mktemp("twins") / name) for name in ("later", "then")]
    with marketofone.open(folders[0], now=NOW) as later, marketofone.open(folders[1], now=NOW) as then:
        yield later, then


@settings(max_examples=40, deadline=None)
@given(life=LIVES, ago=st.integers(0, 40), allowed=st.sampled_from(["*", "open_banking"]))
def test_everybody_is_known_at_a_past_moment_as_they_were_then(
    banks: tuple[Bank, Bank], life: list[tuple[int, EventData, int]], ago: int, allowed: str
) -> None:
    later, then = banks
    customers = [f"c-{next(NUMBERS)}" for _ in range(3)]
    moment = Instant(NOW - ago * DAY)
    events = [
        happened(customers[who], data, at=Instant(NOW - days * DAY), name=f"{customers[0]}-{number}")
        for number, (who, data, days) in enumerate(life)
    ]
    for bank in banks:
        for customer in customers:
            yes = ConsentChange(
                customer=customer,
                change="grant",
                purposes=("*",),
                sources=(allowed,),
                channels=("*",),
                since=NOW,
            )
            bank.consent(yes, now=NOW)
    later.ingest(events, now=NOW)
    then.ingest([event for event in events if event.at <= moment], now=NOW)

    looked_back, lived = known(later, now=moment), known(then, now=moment)
    assert {name: looked_back[name] for name in customers} == {name: lived[name] for name in customers}

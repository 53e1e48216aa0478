"""What was folded of a person is used again: by the next look, by the next process, and by no reader who may not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from people import happened, ordinary_months

import marketofone
from marketofone.bank import Bank
from marketofone.domain.event import Event, EventRemoved, IdentityLinked, IdentityUnlinked
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.money_events import OpenBankingLicensed, OpenBankingTransaction, TransactionBooked
from marketofone.features.state_form import to_bytes
from marketofone.projection import codec, live, several
from marketofone.projection.lineage import Withheld
from marketofone.projection.live import RENEW_AFTER, Projection
from marketofone.projection.parted import with_withheld
from marketofone.store.ports import Expectation, Kept, Unit

pytestmark = pytest.mark.slow

Allow = Callable[..., None]
NUMBER = "DE89370400440532013000"
EVERYTHING = ("balances", "transactions", "orders")


def booked(customer: str, minor: int, *, at: Instant, name: str | None = None, to: str | None = None) -> Event:
    data = TransactionBooked(
        account="account", amount_minor=minor, currency="EUR", text="Transfer", counterparty_account=to
    )
    return happened(customer, data, at=at, name=name)


def elsewhere(customer: str, minor: int, *, at: Instant, name: str | None = None) -> Event:
    data = OpenBankingTransaction(
        institution="Other", account="there", number=NUMBER, amount_minor=minor, currency="EUR", text="Transfer"
    )
    return happened(customer, data, at=at, name=name)


def moves_money_between_banks(customer: str, *, until: Instant) -> list[Event]:
    """Move money to an own account at another bank, so that what is found here rests on what is told there."""
    days = [Instant(until - ago * DAY) for ago in range(9, 3, -1)]
    out = [booked(customer, -77_700 - n, at=at, to=NUMBER) for n, at in enumerate(days)]
    there = [elsewhere(customer, 77_700 + n, at=at) for n, at in enumerate(days)]
    return [*ordinary_months(customer, until=until, days=150), *out, *there]


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how many events are folded by each fold."""
    counts: list[int] = []

    def counted(original: Callable[..., object], events: Iterable[object], **kwargs: object) -> object:
        counts.append(len(some := list(events)))
        return original(some, **kwargs)

    for module in (live, several):
        monkeypatch.setattr(module, "admitted", partial(counted, module.admitted))
    return counts


def anew(bank: Bank, customer: str, *, now: Instant) -> dict[str, bytes]:
    """Fold all that a person's journals say from the beginning, for a reader of both sources and of each alone."""
    return states_of(bank, customer, projection=Projection(bank.context.keys), now=now)


def states_of(bank: Bank, customer: str, *, projection: Projection, now: Instant) -> dict[str, bytes]:
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader, projection=projection)
        states = snapshot.states(snapshot.person(customer), now=now, alone=True)
    alone = {f"{source} alone": to_bytes(state.alone) for source, state in states.items() if state.alone is not None}
    return alone | {source: to_bytes(state) for source, state in states.items()}


def test_the_next_process_folds_nothing_again_also_where_a_source_rests_on_another(
    bank: Bank, project: Path, allow: Allow, now: Instant, folded: list[int]
) -> None:
    allow("c-1")
    bank.ingest(moves_money_between_banks("c-1", until=now), now=now)
    bank.decide("c-1", occasion="app.opened", now=now)
    bank.close()
    folded.clear()

    with marketofone.open(project, now=now) as again:
        again.decide("c-1", occasion="app.opened", now=now)
        in_time = sum(folded)
        told = states_of(again, "c-1", projection=again.context.projection, now=now)

        assert in_time < RENEW_AFTER  # what is so little is not kept
        assert "transactions alone" in told
        assert told == anew(again, "c-1", now=now)
        assert again.verify().problems == ()


def test_who_narrowed_a_licence_once_is_not_folded_anew_by_each_decision(
    bank: Bank, allow: Allow, now: Instant, folded: list[int]
) -> None:
    allow("c-1")
    bank.ingest(moves_money_between_banks("c-1", until=now), now=now)
    for number, scopes in enumerate((EVERYTHING, ("transactions",))):
        told = OpenBankingLicensed(institution="Other", scopes=scopes, marketing=True)  # type: ignore[arg-type]
        bank.ingest([happened("c-1", told, at=Instant(now - 2 + number))], now=now)
    bank.decide("c-1", occasion="app.opened", now=now)
    assert sum(folded) > RENEW_AFTER
    folded.clear()
    bank.decide("c-1", occasion="app.opened", now=now)

    assert sum(folded) == 0
    assert states_of(bank, "c-1", projection=bank.context.projection, now=now) == anew(bank, "c-1", now=now)


def test_a_parted_snapshot_that_says_something_else_is_found(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(moves_money_between_banks("c-1", until=now), now=now)
    bank.decide("c-1", occasion="app.opened", now=now)
    bank.context.renewal.close()
    owner = bank.context.keys.find(("c-1",))["c-1"]
    with bank.context.store.read() as reader:
        kept = reader.snapshots(owner.subject)
        head = reader.head(owner.subject)
    whole = codec.kept(kept["transactions"], box=owner.box)
    assert whole is not None

    name = "transactions.alone"
    told = with_withheld(whole, Withheld(frozenset({"open_banking/Other"})))
    false: Kept = codec.keep(name, told, subject=owner.subject, n=kept[name].n + 1, box=owner.box)
    expects = {owner.subject: Expectation(head.guard)}
    bank.context.store.commit(Unit(now=now, snapshots=[false], expects=expects))

    found = bank.verify()
    assert [problem for problem in found.problems if name in problem]


def test_who_has_several_ids_is_folded_once_and_not_for_each_decision(
    bank: Bank, allow: Allow, now: Instant, folded: list[int]
) -> None:
    for customer in ("c-1", "c-2"):
        allow(customer)
        bank.ingest(moves_money_between_banks(customer, until=now), now=now)
        bank.ingest([happened(customer, IdentityLinked(key_kind="email_hash", key="e"), at=now)], now=now)
    bank.decide("c-1", occasion="app.opened", now=now)
    assert sum(folded) > RENEW_AFTER
    folded.clear()

    for customer in ("c-1", "c-2"):
        bank.decide(customer, occasion="app.opened", now=now)
    assert sum(folded) == 0
    bank.ingest([booked("c-2", -700, at=now)], now=now)
    bank.decide("c-1", occasion="app.opened", now=now)

    assert sum(folded) <= len(folded)
    assert states_of(bank, "c-1", projection=bank.context.projection, now=now) == anew(bank, "c-1", now=now)


@pytest.mark.parametrize("seed", range(6))
def test_what_several_ids_say_is_the_same_however_often_it_was_looked_at(
    bank: Bank, allow: Allow, now: Instant, seed: int
) -> None:
    dice = Random(seed)
    both = ("c-1", "c-2")
    link = {"key_kind": "email_hash", "key": "e"}
    for customer in both:
        allow(customer)
        bank.ingest([happened(customer, IdentityLinked(**link), at=now)], now=now)  # type: ignore[arg-type]

    def step(customer: str, at: Instant) -> Event:
        name, minor = f"e-{dice.randrange(12)}", dice.randrange(1, 9) * 1_000
        then = Instant(now - dice.randrange(20) * DAY)
        told: list[Callable[[], Event]] = [
            lambda: booked(customer, -minor, at=then, name=f"b-{name}", to=NUMBER),
            lambda: elsewhere(customer, minor, at=then, name=f"o-{name}"),
            lambda: booked(customer, -minor, at=then, name=f"b-{name}"),
            lambda: happened(customer, EventRemoved(type="transaction.booked", id=f"b-{name}"), at=at),
            lambda: happened(
                customer,
                OpenBankingLicensed(
                    institution="Other", scopes=("transactions",) if minor < 4_000 else (), marketing=True
                )
                if dice.random() < 0.3
                else OpenBankingLicensed(institution="Other", scopes=EVERYTHING, marketing=True),  # type: ignore[arg-type]
                at=at,
            ),
            lambda: happened(
                customer,
                (IdentityUnlinked if dice.random() < 0.3 else IdentityLinked)(**link),  # type: ignore[arg-type]
                at=at,
            ),
        ]
        return dice.choices(told, weights=(4, 4, 4, 1, 1, 1))[0]()

    for minutes in range(40):
        at = Instant(now + minutes * HOUR)
        bank.ingest([step(dice.choice(both), at)], now=at)
        for customer in both:
            warm = states_of(bank, customer, projection=bank.context.projection, now=at)
            assert warm == anew(bank, customer, now=at), minutes
    assert bank.verify().problems == ()

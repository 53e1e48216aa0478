"""A fit that was learned from somebody who is forgotten is destroyed, and learned again from all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from people import happened, ordinary_months

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import Refused, UnknownCustomer
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.money_events import ProductOpened, TransactionBooked
from marketofone.models.forecast import Model
from marketofone.projection.codec import open_state
from marketofone.projection.versions import AFFINITY, BANDS, FORECAST
from marketofone.services.foresight.forecast import model_of
from marketofone.services.learning.learn import record_version
from marketofone.services.rights import erase

NAMES = ("c-1", "c-2", "c-3")


def digests(bank: Bank) -> dict[str, bytes]:
    """Give the digests of the fits that are active."""
    with bank.context.store.read() as reader:
        state = bank.context.snapshot(reader).bank
    found = bank.context.versions.version(state, state.version).digests
    return {name: found[name] for name in (AFFINITY, FORECAST, BANDS) if name in found}


def kept(bank: Bank, digest: bytes) -> bytes | None:
    """Give the sealed bytes of a state, None where they are kept no more."""
    with bank.context.store.read() as reader:
        return reader.state(digest)


def held_together(bank: Bank) -> bytes:
    """Give the plain bytes of what is held together."""
    return open_state(AFFINITY, kept(bank, digests(bank)[AFFINITY]) or b"", box=bank.context.keys.bank)


def looks_ahead_with(bank: Bank) -> Model:
    with bank.context.store.read() as reader:
        return model_of(bank.context, reader, bank.context.snapshot(reader))


def say(bank: Bank, customer: str, change: Literal["grant", "withdraw"], *, now: Instant) -> None:
    """Say yes or no to everything."""
    said = ConsentChange(customer=customer, change=change, purposes=("*",), sources=("*",), channels=("*",), since=now)
    bank.consent(said, now=now)


def live(bank: Bank, names: tuple[str, ...] = NAMES, *, now: Instant) -> None:
    """Let people say yes and live; each holds a product that all share, and one of their own."""
    for customer in names:
        say(bank, customer, "grant", now=now)
        bank.ingest(ordinary_months(customer, until=now), now=now)
        held = ("savings_plan", f"product-{customer[2:]}")
        bank.ingest(
            [happened(customer, ProductOpened(product=one), at=Instant(now - DAY - n)) for n, one in enumerate(held)],
            now=now,
        )


def long_history(bank: Bank, customer: str, *, now: Instant, accounts: int = 6) -> None:
    """Let a customer live with some accounts for so long that forecasts can be learned from them alone."""
    say(bank, customer, "grant", now=now)
    for account in range(accounts):
        payments = [
            TransactionBooked(
                account=f"{customer}-{account}",
                amount_minor=-1_000 * (1 + (account * week) % 7),
                currency="EUR",
                category="groceries",
                balance_minor=900_000 - 3_000 * week,
            )
            for week in range(46, -1, -1)
        ]
        moments = [Instant(now - (7 * week + 1) * DAY) for week in range(46, -1, -1)]
        events = [happened(customer, paid, at=at) for paid, at in zip(payments, moments, strict=True)]
        bank.ingest(events, now=now)


def test_what_is_learned_again_is_what_a_bank_learns_that_never_met_them(
    bank: Bank, projects: Projects, project: Path, tmp_path: Path, now: Instant
) -> None:
    live(bank, now=now)
    bank.train(now=now, tasks=("recommend",))
    before, version = digests(bank)[AFFINITY], bank.versions()[0].version
    assert b"product-2" in held_together(bank)

    erasure = bank.erase("c-2", ground="asked", now=Instant(now + HOUR))

    with marketofone.open(projects.twin(project, tmp_path / "twin"), now=now) as twin:
        live(twin, ("c-1", "c-3"), now=now)
        twin.train(now=now, tasks=("recommend",))
        assert held_together(bank) == held_together(twin)
    assert erasure.learned_again == (AFFINITY,)
    assert kept(bank, before) is None
    with pytest.raises(Refused):
        bank.roll_back(version, now=Instant(now + 2 * HOUR))
    assert bank.verify().problems == ()


@pytest.mark.usefixtures("few_trees")
def test_a_model_that_looks_ahead_is_destroyed_with_all_that_follows_it(bank: Bank, now: Instant) -> None:
    for customer in ("c-1", "c-2"):
        long_history(bank, customer, now=now)
    learned = bank.train(now=now, tasks=("forecast",))
    bank.train(now=Instant(now + DAY), tasks=("bands",))
    before = digests(bank)
    assert set(before) == {FORECAST, BANDS}

    erasure = bank.erase("c-1", ground="asked", now=Instant(now + 2 * DAY))

    assert erasure.learned_again == (BANDS, FORECAST)
    assert [kept(bank, digest) for digest in before.values()] == [None, None]
    assert 0 < looks_ahead_with(bank).windows < learned.past_days
    assert bank.verify().problems == ()


def test_others_decisions_that_used_what_is_destroyed_are_unreplayable_and_no_difference(
    bank: Bank, now: Instant
) -> None:
    live(bank, now=now)
    bank.decide("c-1", occasion="app.opened", now=now)
    bank.train(now=now, tasks=("recommend",))
    bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR))
    bank.erase("c-3", ground="asked", now=Instant(now + 2 * HOUR))
    bank.decide("c-1", occasion="app.opened", now=Instant(now + 3 * HOUR))

    replayed = bank.replay()

    assert (replayed.decisions, replayed.unreplayable, replayed.differences) == (3, 1, 0)


def test_a_fit_that_never_read_somebody_stays_when_they_are_forgotten(bank: Bank, now: Instant) -> None:
    live(bank, now=now)
    bank.train(now=now, tasks=("recommend",))
    before = digests(bank)
    live(bank, ("c-4",), now=Instant(now + DAY))

    erasure = bank.erase("c-4", ground="asked", now=Instant(now + 2 * DAY))

    assert erasure.learned_again == ()
    assert digests(bank) == before


def test_an_older_fit_that_is_not_active_any_more_is_destroyed_as_well(bank: Bank, now: Instant) -> None:
    live(bank, now=now)
    bank.train(now=now, tasks=("recommend",))
    older = digests(bank)[AFFINITY]
    say(bank, "c-2", "withdraw", now=Instant(now + DAY))
    bank.train(now=Instant(now + DAY), tasks=("recommend",))
    active = digests(bank)

    erasure = bank.erase("c-2", ground="asked", now=Instant(now + 2 * DAY))

    assert kept(bank, older) is None
    assert digests(bank) == active
    assert erasure.learned_again == ()


def test_somebody_forgotten_while_a_training_runs_is_in_nothing_that_it_learned(
    bank: Bank, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(bank, now=now)

    def erase_first(*args: Any, **kwargs: Any) -> int:
        if bank.context.keys.find(("c-2",)):
            bank.erase("c-2", ground="asked", now=now)
        return record_version(*args, **kwargs)

    monkeypatch.setattr("marketofone.services.learning.train.record_version", erase_first)

    trained = bank.train(now=now, tasks=("recommend",))

    assert trained.people == 2
    assert b"product-2" not in held_together(bank)
    assert bank.verify().problems == ()


@pytest.mark.parametrize("step", ["destroy", "pay"])
def test_what_an_interrupted_erasure_had_destroyed_is_learned_again_by_whoever_comes_next(
    bank: Bank, now: Instant, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    live(bank, now=now)
    bank.train(now=now, tasks=("recommend",))
    with monkeypatch.context() as patch:
        owner = bank.context.keys if step == "destroy" else erase
        patch.setattr(owner, step, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            bank.erase("c-2", ground="asked", now=Instant(now + HOUR))
    assert digests(bank) == {}

    if step == "destroy":  # the key is there still, so the same erasure finishes it
        assert bank.erase("c-2", ground="asked", now=Instant(now + 2 * HOUR)).learned_again == (AFFINITY,)
    else:  # nobody can name them any more: the next process does
        with pytest.raises(UnknownCustomer):
            bank.erase("c-2", ground="asked", now=Instant(now + 2 * HOUR))
        bank.learn(now=Instant(now + 2 * HOUR))

    assert b"product-2" not in held_together(bank)
    versions = len(bank.versions())
    bank.learning.owe_everything(now=Instant(now + 3 * HOUR))
    assert len(bank.versions()) == versions
    assert bank.verify().problems == ()

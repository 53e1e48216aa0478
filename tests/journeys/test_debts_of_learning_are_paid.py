"""What was learned from somebody goes with their yes: beliefs are learned again without them, and the debt is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from learned import beliefs
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.errors import Refused
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.learning.owing import Owing

NAMES = ("c-1", "c-2", "c-3")


def say(bank: Bank, customer: str, change: str, *, now: Instant, purpose: str = "*") -> None:
    said = ConsentChange(
        customer=customer,
        change="grant" if change == "grant" else "withdraw",
        purposes=(purpose,),
        sources=("*",),
        channels=("*",),
        since=now,
    )
    bank.consent(said, now=now)


def teach(bank: Bank, names: tuple[str, ...], *, now: Instant) -> int:
    """Let people answer; gives how many lessons each of them taught."""
    for customer in names:
        say(bank, customer, "grant", now=now)
        bank.ingest(ordinary_months(customer, until=now), now=now)
    taught = 0
    for step in range(8):
        at = Instant(now + (step + 1) * DAY)
        for customer in names:
            decision = bank.decide(customer, occasion="app.opened", now=at)
            if decision.action != "nothing":
                taught += bank.outcome(decision.id, "declined", now=Instant(at + HOUR)).learned
    return taught


def test_a_no_to_learning_is_followed_by_a_version_without_them(bank: Bank, now: Instant) -> None:
    assert teach(bank, NAMES, now=now)
    later = Instant(now + 20 * DAY)
    before = beliefs(bank)
    bank.learning.by_itself = False
    say(bank, "c-2", "withdraw", now=later, purpose="learning")

    owed = bank.debt(now=later)
    bank.learn(now=later)

    assert owed > 0
    assert bank.debt(now=later) == 0
    assert beliefs(bank) != before
    assert bank.versions()[0].why == "without what may not be used any more"
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def test_nothing_more_is_learned_again_than_what_is_owed(bank: Bank, now: Instant) -> None:
    teach(bank, NAMES, now=now)
    versions = len(bank.versions())
    later = Instant(now + 20 * DAY)
    say(bank, "c-2", "withdraw", now=later, purpose="marketing")

    assert len(bank.versions()) == versions


def test_the_beliefs_without_somebody_are_those_of_a_bank_that_never_met_their_lessons(
    bank: Bank, now: Instant
) -> None:
    teach(bank, ("c-1",), now=now)
    alone = beliefs(bank)
    later = Instant(now + 20 * DAY)
    assert teach(bank, ("c-2",), now=later)
    assert beliefs(bank) != alone

    bank.erase("c-2", ground="asked", now=Instant(later + 20 * DAY))

    assert beliefs(bank) == alone


def test_what_contains_somebody_forgotten_is_destroyed(bank: Bank, now: Instant) -> None:
    teach(bank, NAMES, now=now)
    old = bank.versions()[0].version

    bank.erase("c-3", ground="asked", now=Instant(now + 20 * DAY))

    assert bank.debt(now=Instant(now + 20 * DAY)) == 0
    with pytest.raises(Refused):
        bank.roll_back(old, now=Instant(now + 21 * DAY))
    replayed = bank.replay()
    assert replayed.differences == 0
    assert 8 < replayed.unreplayable < replayed.decisions
    assert bank.verify().problems == ()
    bank.decide("c-2", occasion="app.opened", now=Instant(now + 22 * DAY))
    assert bank.replay().unreplayable == replayed.unreplayable


def test_a_debt_that_a_process_left_is_paid_by_the_next(project: Path, now: Instant) -> None:
    later = Instant(now + 20 * DAY)
    with marketofone.open(project, now=now) as bank:
        teach(bank, NAMES, now=now)
        bank.learning.by_itself = False
        say(bank, "c-2", "withdraw", now=later, purpose="learning")
        assert bank.debt(now=later)
    with marketofone.open(project, now=later, clock=lambda: later) as bank:
        with bank.learning.beside():
            pass
        assert bank.debt(now=later) == 0


def learning_means_something_else(project: Path) -> None:
    """Give the purpose of learning a new version."""
    path = project / "consent.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[purposes.learning]\n", "[purposes.learning]\nversion = 2\n"), encoding="utf-8")


def test_a_new_version_of_the_purpose_of_learning_drops_what_was_learned_under_the_one_before(
    project: Path, now: Instant
) -> None:
    later = Instant(now + 20 * DAY)
    with marketofone.open(project, now=now) as bank:
        taught = teach(bank, NAMES, now=now)
    learning_means_something_else(project)
    with marketofone.open(project, now=later) as bank:
        assert bank.debt(now=later) == 0
        assert taught
        assert bank.versions()[0].why == "without what may not be used any more"
        assert bank.replay().differences == 0
        assert bank.verify().problems == ()


def test_a_process_that_is_running_follows_a_new_version_of_the_purpose_of_learning(
    project: Path, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Instant(now + 20 * DAY)
    with marketofone.open(project, now=now) as bank:
        teach(bank, NAMES, now=now)
        bank.learn(now=later)
        learning_means_something_else(project)
        with monkeypatch.context() as patch:
            patch.setattr(wiring, "pay", lambda *_, **__: 0)  # the process that brings it dies right after
            marketofone.open(project, now=later).close()
        owed = bank.debt(now=later)
        bank.learn(now=later)
        assert owed > 0
        assert bank.debt(now=later) == 0


def test_who_may_owe_is_asked_again_after_a_fault() -> None:
    owing, policy = Owing(), ConsentPolicy(purposes={}, sources={}, channels={})
    with owing.taken(policy) as subjects:
        assert subjects is None
    owing.add([7])
    with pytest.raises(ZeroDivisionError), owing.taken(policy):
        raise ZeroDivisionError
    owing.add([8])
    with owing.taken(policy) as subjects:
        assert subjects == {7, 8}

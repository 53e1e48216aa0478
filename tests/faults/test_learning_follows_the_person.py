"""What a person taught goes with the no of any of their ids, with a link, and stays gone after a roll-back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from situations import NOW, gives_up, runs_short, says, shares, spends

import marketofone
from bank_projects import keep_nobody_for_control
from learned import beliefs
from marketofone import Bank
from marketofone.domain.errors import MalformedRequest, Refused
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Outcome
from marketofone.services.learning import learn
from marketofone.services.learning.lessons import moved_states

LATER = NOW + 20 * DAY


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    keep_nobody_for_control(project)
    with marketofone.open(project, now=Instant(NOW), clock=lambda: Instant(LATER)) as opened:
        yield opened


def answers(bank: Bank, customer: str, *, first: int = 1, now: int = NOW) -> int:
    """Let a customer answer on eight days; gives how many answers taught."""
    taught = 0
    for day in range(first, first + 8):
        at = Instant(now + day * DAY)
        decision = bank.decide(customer, occasion="app.opened", now=at)
        if decision.action != "nothing":
            taught += bank.outcome(decision.id, "declined", now=Instant(at + HOUR)).learned
    return taught


def knows(bank: Bank, customer: str) -> None:
    """Let the bank know somebody who allows everything."""
    says(bank, customer)
    bank.ingest(spends(customer), now=Instant(NOW))


def active(bank: Bank) -> int:
    return next(one.version for one in bank.versions() if one.active)


def proven(bank: Bank) -> None:
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def a_person_of_two_ids(bank: Bank) -> None:
    """Let the answers of one id teach, while the other says yes and has no answer."""
    knows(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    assert answers(bank, "a")
    assert beliefs(bank)


def test_the_no_of_another_id_takes_back_what_the_person_taught(bank: Bank) -> None:
    a_person_of_two_ids(bank)

    says(bank, "b", "withdraw", purpose="learning", now=LATER)

    assert bank.debt() == 0
    assert beliefs(bank) == {}
    assert bank.versions()[0].why == "without what may not be used any more"
    proven(bank)


def test_the_no_of_another_id_is_owed_until_the_next_learning(bank: Bank) -> None:
    a_person_of_two_ids(bank)
    bank.learn()  # what an earlier process owed is paid
    bank.learning.by_itself = False

    says(bank, "b", "withdraw", purpose="learning", now=LATER)

    assert bank.debt() > 0
    bank.learn()
    assert bank.debt() == 0


def test_the_thread_beside_pays_for_the_no_of_another_id(bank: Bank) -> None:
    a_person_of_two_ids(bank)
    with bank.learning.beside():
        with bank.learning._learner._owing.taken(bank.config.policy):  # type: ignore[union-attr]
            pass  # as after its first round
        says(bank, "b", "withdraw", purpose="learning", now=LATER)
    assert bank.debt() == 0


def test_a_link_with_an_id_that_never_allowed_learning_takes_it_back(bank: Bank) -> None:
    knows(bank, "a")
    assert answers(bank, "a")

    shares(bank, "k", "a", "silent", now=LATER)

    assert bank.debt() == 0
    assert beliefs(bank) == {}
    proven(bank)


def test_a_link_is_owed_until_the_next_learning_where_that_waits(bank: Bank) -> None:
    knows(bank, "a")
    assert answers(bank, "a")
    bank.learn()
    bank.learning.by_itself = False

    shares(bank, "k", "a", "silent", now=LATER)

    assert bank.debt() > 0
    bank.learn()
    assert bank.debt() == 0


def test_a_roll_back_brings_no_lesson_back_that_may_not_be_used(bank: Bank) -> None:
    knows(bank, "a")
    knows(bank, "c")
    assert answers(bank, "c")
    without = beliefs(bank)
    assert answers(bank, "a", first=10)
    before = active(bank)
    says(bank, "a", "withdraw", now=LATER)
    assert beliefs(bank) == without

    bank.roll_back(before)

    assert active(bank) != before
    assert bank.debt() == 0
    assert beliefs(bank) == without
    proven(bank)


def test_a_roll_back_names_the_debt_of_the_version_until_the_next_learning(bank: Bank) -> None:
    knows(bank, "a")
    taught = answers(bank, "a")
    before = active(bank)
    says(bank, "a", "withdraw", now=LATER)
    bank.learn()
    bank.learning.by_itself = False

    bank.roll_back(before)

    assert [(one.version, one.debt) for one in bank.versions() if one.active] == [(before, taught)]
    bank.learn()
    assert bank.debt() == 0
    assert beliefs(bank) == {}


def test_what_somebody_taught_who_said_no_stays_owed_in_no_other_version(bank: Bank) -> None:
    knows(bank, "a")
    knows(bank, "c")
    assert answers(bank, "c")
    before, without = active(bank), beliefs(bank)
    assert answers(bank, "a", first=10)
    says(bank, "a", "withdraw", now=LATER)

    bank.roll_back(before)

    assert (active(bank), bank.debt()) == (before, 0)
    assert beliefs(bank) == without


def test_an_erasure_destroys_what_another_id_of_the_person_taught(bank: Bank) -> None:
    knows(bank, "a")
    says(bank, "b")
    knows(bank, "c")
    shares(bank, "k", "a", "b")
    assert answers(bank, "c")
    without = beliefs(bank)
    assert answers(bank, "b", first=10)
    before = active(bank)

    bank.erase("a", ground="asked", now=Instant(LATER))

    assert bank.debt() == 0
    assert beliefs(bank) == without
    with pytest.raises(Refused):
        bank.roll_back(before)
    proven(bank)


def test_an_erasure_destroys_what_a_no_had_taken_back_before(bank: Bank) -> None:
    knows(bank, "a")
    assert answers(bank, "a")
    before = active(bank)
    says(bank, "a", "withdraw", now=LATER)

    bank.erase("a", ground="asked", now=Instant(LATER))

    with pytest.raises(Refused):
        bank.roll_back(before)
    assert bank.debt() == 0
    proven(bank)


def test_what_rests_on_an_id_that_is_unlinked_teaches_no_more(bank: Bank) -> None:
    knows(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    assert answers(bank, "b")
    shown = bank.decide("b", occasion="app.opened", now=Instant(NOW + 15 * DAY))

    gives_up(bank, "k", "a", now=LATER)
    says(bank, "a", "withdraw", now=LATER)

    assert bank.debt() == 0
    assert beliefs(bank) == {}
    assert bank.outcome(shown.id, "declined", now=Instant(LATER)).why_not in ("not_permitted", "nothing_shown")
    proven(bank)


def test_an_answer_that_waits_teaches_nothing_of_an_id_that_is_erased_meanwhile(bank: Bank) -> None:
    knows(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    bank.learning.by_itself = False
    assert answers(bank, "b")

    bank.erase("a", ground="asked", now=Instant(LATER))

    assert bank.learn() == 0
    assert bank.debt() == 0


def test_an_erasure_destroys_nothing_that_was_made_without_them(bank: Bank) -> None:
    knows(bank, "a")
    knows(bank, "c")
    assert answers(bank, "a")
    bank.roll_back(0)
    assert answers(bank, "c", first=10)
    before, without = active(bank), beliefs(bank)

    bank.erase("a", ground="asked", now=Instant(LATER))
    bank.roll_back(before)

    assert (active(bank), bank.debt()) == (before, 0)
    assert beliefs(bank) == without
    proven(bank)


def test_the_no_of_another_id_while_a_version_is_made_is_paid_at_once(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows(bank, "a")
    says(bank, "b")
    shares(bank, "k", "a", "b")
    bank.learn()
    bank.learning.by_itself = False
    assert answers(bank, "a")
    made = moved_states

    def made_meanwhile(*given: Any, **more: Any) -> Any:
        states = made(*given, **more)
        says(bank, "b", "withdraw", purpose="learning", now=LATER)
        return states

    monkeypatch.setattr("marketofone.services.learning.learn.moved_states", made_meanwhile)
    assert learn.learn(bank.context, now=Instant(LATER))

    assert bank.debt() == 0
    assert beliefs(bank) == {}


@pytest.mark.usefixtures("few_trees")
def test_no_roll_back_looks_ahead_with_what_a_training_gave_up(bank: Bank) -> None:
    people = [f"c-{number}" for number in range(6)]
    for customer in people:
        says(bank, customer)
        bank.ingest(runs_short(customer), now=Instant(NOW))
    assert bank.train(now=Instant(NOW), tasks=("forecast",)).past_days > 0
    trained = active(bank)
    bank.train(now=Instant(NOW), tasks=("recommend",))
    bank.roll_back(trained)  # which no training has given up yet
    for customer in people:
        says(bank, customer, "withdraw", purpose="learning", now=LATER)
    assert bank.train(now=Instant(LATER), tasks=("forecast",)).given_up
    given_up = active(bank)

    with pytest.raises(Refused, match="too few allow it"):
        bank.roll_back(trained)
    bank.roll_back(0)
    bank.roll_back(given_up)

    for customer in people:
        says(bank, customer, now=LATER)
    assert bank.train(now=Instant(LATER), tasks=("forecast",)).past_days > 0
    again = active(bank)
    bank.train(now=Instant(LATER), tasks=("recommend",))
    bank.roll_back(again)
    assert active(bank) == again


def test_many_outcomes_of_the_future_are_refused_before_the_first_is_written(bank: Bank) -> None:
    knows(bank, "a")
    days = [Instant(NOW + day * DAY) for day in range(1, 9)]
    decisions = ((at, bank.decide("a", occasion="app.opened", now=at)) for at in days)
    at, shown = next((at, decision) for at, decision in decisions if decision.action != "nothing")
    good = Outcome(decision=shown.id, verdict="accepted", at=at)
    ahead = Outcome(decision=shown.id, verdict="accepted", at=Instant(LATER + 10_000 * DAY))

    for send in (
        lambda: bank.record_outcomes([ahead]),
        lambda: bank.record_outcomes([good, ahead]),
        lambda: bank.record_outcomes([good], now=Instant(NOW)),
        lambda: bank.record_outcome(ahead),
    ):
        with pytest.raises(MalformedRequest) as raised:
            send()
        assert raised.value.field == "at"

    assert bank.consents("a", now=Instant(LATER)).cells[0].state == "granted"
    assert bank.record_outcomes([good])[0].learned

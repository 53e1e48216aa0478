"""A source may be used without being learned from: the purpose that serves learning has a switch of its own for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from situations import NOW, says, spends

import marketofone
from bank_projects import keep_nobody_for_control
from learned import beliefs
from marketofone import Bank
from marketofone.domain.moment import DAY, HOUR, Instant

LATER = NOW + 20 * DAY


@pytest.fixture
def bank(project: Path) -> Iterator[Bank]:
    keep_nobody_for_control(project)
    with marketofone.open(project, now=Instant(NOW), clock=lambda: Instant(LATER)) as opened:
        yield opened


def knows(bank: Bank, customer: str) -> None:
    says(bank, customer)
    bank.ingest(spends(customer), now=Instant(NOW))


def answers(bank: Bank, customer: str) -> tuple[int, set[tuple[str, str]]]:
    """Let a customer answer on eight days; gives how many answers taught, and what the decisions read."""
    taught, read = 0, set[tuple[str, str]]()
    for day in range(1, 9):
        at = Instant(NOW + day * DAY)
        made = bank.decide(customer, occasion="app.opened", now=at)
        read |= set(made.uses)
        if made.action != "nothing":
            taught += bank.outcome(made.id, "declined", now=Instant(at + HOUR)).learned
    return taught, read


def test_what_may_be_used_and_not_learned_from_is_used_and_never_learned_from(bank: Bank) -> None:
    knows(bank, "a")
    says(bank, "a", "withdraw", purpose="learning", source="transactions")

    taught, read = answers(bank, "a")
    bank.learn()

    assert ("insights", "transactions") in read
    assert ("learning", "transactions") not in {(use.purpose, use.source) for use in bank.uses("a", days=40)}
    assert taught == 0  # every decision read it, so no answer to one teaches anything
    assert bank.versions() == []
    assert bank.replay().differences == 0


def test_switching_training_off_later_leaves_exactly_what_was_learned_from_others(bank: Bank) -> None:
    for customer in ("a", "b"):
        knows(bank, customer)
    assert answers(bank, "b")[0]
    bank.learn()
    without = beliefs(bank)
    assert answers(bank, "a")[0]
    bank.learn()
    assert beliefs(bank) != without

    says(bank, "a", "withdraw", purpose="learning", source="transactions", now=LATER)

    assert beliefs(bank) == without
    made = bank.decide("a", occasion="app.opened", now=Instant(LATER + HOUR))
    assert ("insights", "transactions") in made.uses  # it is used as before
    assert bank.replay().differences == 0


@pytest.mark.parametrize("purpose", ["learning", "insights", "marketing"])
def test_taking_one_of_them_back_never_opens_anything(bank: Bank, purpose: str) -> None:
    def on() -> set[tuple[str, str, str]]:
        cells = bank.consents("a", now=Instant(NOW)).cells
        return {(of.purpose, of.source, of.channel) for of in cells if of.state == "granted"}

    knows(bank, "a")
    before = on()
    says(bank, "a", "withdraw", purpose=purpose, source="transactions")
    assert before - on() == {one for one in before if one[:2] == (purpose, "transactions")}
    assert on() < before

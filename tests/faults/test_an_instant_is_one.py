"""What a caller names as an instant is a whole number of microseconds, or nothing of it is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from situations import NOW, pays, says

import marketofone
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Request
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.governance.board import Ruling
from proofs import proven

NONE: dict[str, Any] = {
    "a float": NOW / 1.0,
    "a gap": float("nan"),
    "numpy's": np.int64(NOW),
    "a boolean": True,
    "a text": "2026-01-05",
    "nanoseconds": NOW * 1_000,
}

DOORS: dict[str, Callable[[Bank, Any], object]] = {
    "an event": lambda bank, at: bank.ingest([b"{"], now=at),
    "a decision": lambda bank, at: bank.decide("anna", occasion="app.opened", now=at),
    "a request": lambda bank, at: bank.decide_all(
        [Request(id="d-1", customer="anna", occasion="app.opened", channel="app", at=at)]
    ),
    "a question": lambda bank, at: bank.decide("anna", occasion="app.opened", as_of=at),
    "a profile": lambda bank, at: bank.profile("anna", as_of=at),
    "a forecast": lambda bank, at: bank.forecast("anna", now=at),
    "training": lambda bank, at: bank.train(tasks=("bands",), now=at),
    "a checkpoint": lambda bank, at: bank.checkpoint(now=at),
    "an erasure": lambda bank, at: bank.erase("anna", ground="asked", now=at),
}


@pytest.fixture
def told(bank: Bank) -> Bank:
    says(bank, "anna")
    bank.ingest([pays("anna", 240_000, "salary", id="s-1")], now=NOW)
    return bank


@pytest.mark.parametrize("what", list(NONE))
def test_nothing_of_it_is_taken_through_any_door(told: Bank, what: str) -> None:
    for door, go in DOORS.items():
        with pytest.raises(MalformedRequest, match=r"now|at|as_of"):
            pytest.fail(f"{door} took {go(told, NONE[what])}")

    assert told.profile("anna", now=NOW).known
    proven(told)


@pytest.mark.parametrize("wrong", [NOW / 1.0, NOW * 1_000])
def test_a_clock_that_tells_no_instant_is_refused(project: Path, wrong: Any) -> None:
    told: list[Any] = [NOW]
    with marketofone.open(project, clock=lambda: told[-1]) as bank:
        told.append(wrong)
        with pytest.raises(MalformedRequest, match="clock"):
            bank.ingest([b"{"])
        proven(bank)

    with pytest.raises(MalformedRequest, match="clock"):
        marketofone.open(project, clock=lambda: wrong)


def test_what_a_clock_gives_is_taken(told: Bank) -> None:
    assert told.decide("anna", occasion="app.opened", now=Instant(NOW + DAY)).at == NOW + DAY


def test_an_erasure_states_its_ground(told: Bank) -> None:
    with pytest.raises(MalformedRequest, match="ground"):
        told.erase("anna", ground=" ", now=NOW)

    assert told.profile("anna", now=NOW).known


NEVER = (Instant(-(10**18)), Instant(10**18))  # of the years before 1800, and after 2199


@pytest.mark.parametrize("at", NEVER)
@pytest.mark.parametrize("what", ["ruling", "end of an approval", "consent", "no", "outcome"])
def test_what_is_told_of_a_moment_that_no_calendar_has_is_refused_and_all_can_still_be_shown(
    told: Bank, what: str, at: Instant
) -> None:
    everything: dict[str, Any] = {"customer": "anna", "purposes": ("*",), "sources": ("*",), "channels": ("*",)}
    action = told.catalogue.actions[1].id
    made = told.decide("anna", occasion="app.opened", now=Instant(NOW))
    tell: dict[str, Callable[[], object]] = {
        "ruling": lambda: told.rule(Ruling(ruling="stop", scope=action, by="board", at=at)),
        "end of an approval": lambda: told.rule(
            Ruling(ruling="approve", scope=action, by="board", at=Instant(NOW), until=at)
        ),
        "consent": lambda: told.consent(ConsentChange(change="grant", since=at, **everything), now=Instant(NOW)),
        "no": lambda: told.consent(ConsentChange(change="withdraw", since=at, **everything), now=Instant(NOW)),
        "outcome": lambda: told.record_outcome(
            Outcome(decision=made.id, verdict="ignored", at=at), now=Instant(NOW + DAY)
        ),
    }
    with pytest.raises(MalformedRequest, match=r"at|until|since"):
        tell[what]()
    assert told.board(now=Instant(NOW))
    proven(told)

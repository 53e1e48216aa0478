"""A bank may change its policy on any day: it keeps what was learned, and every decision is made again as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from bank_projects import decide_by
from marketofone.bank import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import HOUR, MINUTE, Instant

Allow = Callable[..., None]


def answered(bank: Bank, *, now: Instant, times: int) -> list[Decision]:
    """Ask some times, and say yes to all that is proposed."""
    made = [bank.decide("c-1", occasion="app.opened", now=Instant(now + of * HOUR)) for of in range(times)]
    for decision in made:
        if decision.action != "nothing":
            bank.outcome(decision.id, "accepted", now=Instant(decision.at + MINUTE))
    return made


def states(bank: Bank) -> set[str]:
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        return set(bank.context.versions.version(snapshot.bank, snapshot.bank.version).digests)


def spreads(decision: Decision) -> dict[str, float]:
    return {of.action: of.spread for of in decision.candidates if of.stage in ("scored", "chosen")}


def test_another_policy_keeps_what_was_learned_and_replays_to_the_byte(
    project: Path, allow: Allow, bank: Bank, now: Instant
) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    before = answered(bank, now=now, times=4)
    learned = states(bank)
    bank.close()

    decide_by(project, "independent")
    later = Instant(now + 10 * HOUR)
    with marketofone.open(project, now=later) as again:
        assert states(again) == learned
        after = answered(again, now=later, times=4)
        replayed = again.replay()

    assert (replayed.differences, replayed.decisions) == (0, 8)
    narrow, wide = spreads(before[-1]), spreads(after[0])
    both = [action for action in narrow.keys() & wide.keys() if narrow[action]]
    assert both
    assert all(wide[action] > narrow[action] for action in both)  # all of what is not known is drawn


def test_a_policy_that_nobody_knows_is_refused_by_name(project: Path, now: Instant) -> None:
    decide_by(project, "greedy")

    with pytest.raises(MalformedDocument, match="policy"), marketofone.open(project, now=now):
        pass

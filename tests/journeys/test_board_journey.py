"""The review board rules and the software obeys: tier 3 needs an approval, and a stop works at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people import ordinary_months

from marketofone.bank import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest, UnknownAction
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.governance.board import Ruling

Allow = Callable[..., None]


@pytest.fixture
def asked(bank: Bank, allow: Allow, now: Instant) -> Callable[[Instant], Decision]:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    bank.forecast("c-1", now=now)
    return lambda at: bank.decide("c-1", occasion="app.opened", now=at)


def stages(decision: Decision) -> dict[str, str]:
    return {candidate.action: candidate.stage for candidate in decision.candidates}


def sensitive(bank: Bank, decision: Decision) -> list[str]:
    tiers = {row.action: row.tier for row in bank.board(now=decision.at)}
    reached = [name for name, stage in stages(decision).items() if stage in ("scored", "chosen", "not_approved")]
    return [name for name in reached if tiers[name] == 3]


def test_credit_needs_an_approval_that_stands(bank: Bank, asked: Callable[[Instant], Decision], now: Instant) -> None:
    before = asked(now)
    names = sensitive(bank, before)
    assert names
    assert {stages(before)[name] for name in names} == {"not_approved"}

    for name in names:
        approval = Ruling(ruling="approve", scope=name, by="the board", at=now, until=Instant(now + 10 * DAY))
        bank.rule(approval)

    while_it_stands = stages(asked(Instant(now + HOUR)))
    assert {while_it_stands[name] for name in names} <= {"scored", "chosen"}
    when_it_ended = stages(asked(Instant(now + 11 * DAY)))
    assert {when_it_ended.get(name, "not_approved") for name in names} <= {"not_approved", "not_eligible", "guarded"}


def test_a_stop_works_on_the_next_decision_and_a_resumption_too(
    bank: Bank, asked: Callable[[Instant], Decision], now: Instant
) -> None:
    open_before = next(name for name, stage in stages(asked(now)).items() if stage == "scored" and name != "nothing")
    bank.rule(Ruling(ruling="stop", scope="*", by="the board", at=now, note="an incident"))
    stopped = asked(Instant(now + 1))
    assert stopped.action == "nothing"
    assert stages(stopped)[open_before] == "not_approved"

    bank.rule(Ruling(ruling="resume", scope="*", by="the board", at=Instant(now + 2)))
    assert stages(asked(Instant(now + 3)))[open_before] in ("scored", "chosen")
    assert bank.replay().differences == 0


def test_of_an_earlier_moment_only_what_was_ruled_by_then_is_told(bank: Bank, now: Instant) -> None:
    late = Instant(now + 2 * DAY)
    bank.rule(Ruling(ruling="stop", scope="*", by="the board", at=late), now=late)
    bank.rule(Ruling(ruling="stop", scope="*", by="the board", at=now), now=late)  # as if it had been said before

    assert {row.standing for row in bank.board(now=late)} == {"free", "stopped"}
    assert "stopped" not in {row.standing for row in bank.board(now=late, as_of=Instant(now + DAY))}
    with pytest.raises(MalformedRequest):
        bank.board(now=now, as_of=late)


def test_only_what_exists_can_be_ruled_over(bank: Bank, now: Instant) -> None:
    with pytest.raises(UnknownAction):
        bank.rule(Ruling(ruling="stop", scope="free_money", by="the board", at=now))


def test_an_approval_without_an_end_is_refused(bank: Bank, now: Instant) -> None:
    tier_3 = next(row.action for row in bank.board(now=now) if row.tier == 3)
    with pytest.raises(MalformedRequest):
        bank.rule(Ruling(ruling="approve", scope=tier_3, by="the board", at=now))
    assert {row.standing for row in bank.board(now=now) if row.action == tier_3} == {"not_approved"}


@pytest.mark.parametrize("field", [{"by": ""}, {"by": "x" * 10_000}, {"ruling": "zap"}, {"note": "n" * 100_000}])
def test_a_ruling_that_could_not_be_read_again_is_refused_and_leaves_no_trace(
    bank: Bank, asked: Callable[[Instant], Decision], now: Instant, field: dict[str, str]
) -> None:
    ruling = Ruling(**{"ruling": "stop", "scope": "*", "by": "the board", "at": now, **field})  # type: ignore[arg-type]
    with pytest.raises(MalformedRequest):
        bank.rule(ruling)

    assert asked(now).reasons
    assert bank.replay().differences == 0

"""What changes between reading and releasing is in the decision that is released; a no said meanwhile holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people import happened, ordinary_months, searched

from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import MARKETING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.event import IdentityLinked
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.governance.board import Ruling
from marketofone.store.ports import Head, Unit
from proofs import recorded

Allow = Callable[..., None]
Interruption = Callable[[Bank, Instant], object]


def refuse(bank: Bank, *, now: Instant, purpose: str = "*", source: str = "*") -> None:
    no = ConsentChange(
        customer="c-1", change="withdraw", purposes=(purpose,), sources=(source,), channels=("*",), since=now
    )
    bank.consent(no, now=now)


def objects(bank: Bank, *, now: Instant, customer: str = "c-1") -> None:
    bank.consent(ConsentChange(customer=customer, change="object", since=now), now=now)


def pauses(bank: Bank, *, now: Instant, purposes: tuple[str, ...] = ()) -> None:
    bank.consent(ConsentChange(customer="c-1", change="pause", purposes=purposes, since=now), now=now)


@pytest.fixture
def interrupted(
    bank: Bank, allow: Allow, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Interruption], Decision]:
    """Decide for a person with a life behind them, while something happens just before the decision is released."""
    for customer in ("c-1", "c-2"):
        allow(customer)
        bank.ingest(ordinary_months(customer, until=now), now=now)
    commit = bank.context.store.commit

    def decide(interrupt: Interruption) -> Decision:
        seen: list[int] = []

        def commit_later(unit: Unit) -> list[Head]:
            if not seen:
                seen.append(1)
                interrupt(bank, now)
            return commit(unit)

        monkeypatch.setattr(bank.context.store, "commit", commit_later)
        decision = bank.decide("c-1", occasion="app.opened", id="d-1", now=now)
        assert seen
        return decision

    return decide


def teach(bank: Bank, now: Instant) -> None:
    earlier = Instant(now - DAY)
    for step in range(20):
        decision = bank.decide("c-2", occasion="app.opened", id=f"taught-{step}", now=Instant(earlier + step))
        if decision.action != "nothing":
            bank.outcome(decision.id, "accepted", now=Instant(earlier + HOUR))


INTERRUPTIONS: dict[str, Interruption] = {
    "an event": lambda bank, now: bank.ingest([searched("c-1", "baby crib", at=now)], now=now),
    "a contact": lambda bank, now: bank.decide("c-1", occasion="app.opened", id="d-0", now=now),
    "a lesson from somebody else": teach,
    "a ruling": lambda bank, now: bank.rule(Ruling(ruling="stop", scope="*", by="the board", at=now)),
    "a no to everything": lambda bank, now: refuse(bank, now=now),
    "a no to one source": lambda bank, now: refuse(bank, now=now, source="transactions"),
    "a no to one purpose": lambda bank, now: refuse(bank, now=now, purpose="marketing"),
    "an objection": lambda bank, now: objects(bank, now=now),
    "a pause": lambda bank, now: pauses(bank, now=now),
    "a forecast": lambda bank, now: bank.forecast("c-1", now=now),
    "a merger": lambda bank, now: bank.ingest(
        [happened(who, IdentityLinked(key_kind="email_hash", key="d-9"), at=now) for who in ("a-0", "c-1")], now=now
    ),
}


@pytest.mark.parametrize("what", INTERRUPTIONS)
def test_what_happens_meanwhile_is_in_the_decision(
    bank: Bank, interrupted: Callable[[Interruption], Decision], what: str
) -> None:
    decision = interrupted(INTERRUPTIONS[what])

    assert bank.decision("d-1") == decision
    report = bank.replay()
    assert (report.differences, report.decisions) == (0, recorded(bank, "decision"))


@pytest.mark.parametrize(("purpose", "source"), [("marketing", "*"), ("*", "app"), ("care", "messages")])
def test_what_was_refused_meanwhile_is_not_in_the_decision(
    interrupted: Callable[[Interruption], Decision], purpose: str, source: str
) -> None:
    decision = interrupted(lambda bank, now: refuse(bank, now=now, purpose=purpose, source=source))

    assert decision.epoch == 2
    assert decision.uses
    for used_for, used in decision.uses:
        assert not (purpose in ("*", used_for) and source in ("*", used) and used != "protection")


@pytest.mark.parametrize("customer", ["c-1", "a-0"])
def test_no_offer_is_released_after_an_objection_that_came_meanwhile_under_any_id(
    bank: Bank, interrupted: Callable[[Interruption], Decision], allow: Allow, customer: str
) -> None:
    """The decision that was about to be released is computed again: it saw the objection, as its epoch tells."""

    def interrupt(bank: Bank, now: Instant) -> None:
        if customer != "c-1":  # two ids of one person: the one objects, the other is decided for
            allow(customer)
            linked = IdentityLinked(key_kind="email_hash", key="d-9")
            bank.ingest([happened(who, linked, at=now) for who in (customer, "c-1")], now=now)
        objects(bank, now=now, customer=customer)

    decision = interrupted(interrupt)

    assert decision.epoch == (2 if customer == "c-1" else 3)
    assert "marketing" not in {purpose for purpose, _ in decision.uses}
    kinds = {action.id: action.kind for action in bank.catalogue.actions}
    open_to_choose = {one.action for one in decision.candidates if one.stage in ("scored", "chosen")}
    assert not any(kinds.get(name) in MARKETING for name in open_to_choose)
    assert bank.replay().differences == 0


@pytest.mark.parametrize("purposes", [(), ("insights", "marketing")])
def test_what_was_paused_meanwhile_is_not_in_the_decision(
    interrupted: Callable[[Interruption], Decision], purposes: tuple[str, ...]
) -> None:
    decision = interrupted(lambda bank, now: pauses(bank, now=now, purposes=purposes))

    used = {purpose for purpose, _ in decision.uses}
    assert used.isdisjoint(purposes)
    assert "care" in used if purposes else used <= {"protection"}


def test_a_stop_meanwhile_stops_the_decision(interrupted: Callable[[Interruption], Decision]) -> None:
    assert interrupted(INTERRUPTIONS["a ruling"]).action == "nothing"


def test_the_same_question_meanwhile_gets_the_same_answer_once(
    bank: Bank, interrupted: Callable[[Interruption], Decision]
) -> None:
    twin: list[Decision] = []
    decision = interrupted(lambda bank, now: twin.append(bank.decide("c-1", occasion="app.opened", id="d-1", now=now)))
    assert twin == [decision]
    assert recorded(bank, "decision") == 1


def test_a_forecast_is_made_again_when_a_no_comes_meanwhile(
    bank: Bank, allow: Allow, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    commit = bank.context.store.commit
    said: list[str] = []

    def commit_later(unit: Unit) -> list[Head]:
        if not said:
            said.append("no")
            refuse(bank, now=now, purpose="insights")
        return commit(unit)

    monkeypatch.setattr(bank.context.store, "commit", commit_later)
    with pytest.raises(ConsentRefused):
        bank.forecast("c-1", now=now)
    assert said
    assert recorded(bank, "forecast") == 0
    assert bank.uses("c-1") == []


def test_a_no_to_learning_holds_for_an_answer_that_is_reported_late(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    decisions = [bank.decide("c-1", occasion="app.opened", id=f"d-{step}", now=now) for step in range(20)]
    shown = next(decision for decision in decisions if decision.action != "nothing")
    refuse(bank, now=Instant(now + DAY), purpose="learning")

    assert not bank.outcome(shown.id, "accepted", now=Instant(now + HOUR)).learned

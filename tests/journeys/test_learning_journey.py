"""What people do is heard, joined, learned and measured; and never learned from those who did not allow it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from bank_projects import keep_half_for_control
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.models.bandit import Arm, OwnAnswers
from marketofone.services.decisions.inputs import decision_input_of

Allow = Callable[..., None]


def decided(bank: Bank, customer: str, *, now: Instant) -> Decision:
    """Ask until something is proposed."""
    for attempt in range(50):
        decision = bank.decide(customer, occasion="app.opened", now=Instant(now + attempt))
        if decision.action != "nothing":
            return decision
    raise AssertionError("nothing was ever proposed")


def outcomes_learned(bank: Bank, action: str) -> int:
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        version = bank.context.versions.version(snapshot.bank, snapshot.bank.version)
        arm = bank.context.versions.belief(reader, version, f"chance:{action}", config=snapshot.config)
        return arm.n if isinstance(arm, Arm) else 0


def expected_value(bank: Bank, action: str) -> int:
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        version = bank.context.versions.version(snapshot.bank, snapshot.bank.version)
        return bank.context.versions.value(reader, version, snapshot.config.actions.action(action)).expected_minor


@pytest.fixture
def person(bank: Bank, allow: Allow, now: Instant) -> str:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    return "c-1"


def test_an_answer_teaches_the_action_it_answers(bank: Bank, person: str, now: Instant) -> None:
    decision = decided(bank, person, now=now)

    heard = bank.outcome(decision.id, "accepted", now=Instant(now + HOUR))

    assert (heard.learned, heard.action) == (True, decision.action)
    assert outcomes_learned(bank, decision.action) == 1


def test_only_the_latest_answer_within_the_window_teaches(bank: Bank, person: str, now: Instant) -> None:
    first, second = decided(bank, person, now=now), decided(bank, person, now=Instant(now + HOUR))

    bank.outcome(first.id, "declined", why="not now", now=Instant(now + HOUR))
    again = bank.outcome(first.id, "accepted", now=Instant(now + 2 * HOUR))
    late = bank.outcome(second.id, "ignored", now=Instant(now + 60 * DAY))

    assert (again.learned, again.changes) == (True, "answer")
    assert (late.learned, late.why_not) == (False, "late")
    assert outcomes_learned(bank, first.action) == 1


def test_nothing_is_learned_from_a_person_who_did_not_allow_it(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-2", purposes=("insights", "personalisation", "marketing", "care"))
    bank.ingest(ordinary_months("c-2", until=now), now=now)
    decision = decided(bank, "c-2", now=now)

    heard = bank.outcome(decision.id, "accepted", now=Instant(now + HOUR))

    assert (heard.learned, heard.why_not) == (False, "not_permitted")
    assert outcomes_learned(bank, decision.action) == 0


def own_answers(bank: Bank, customer: str, *, now: Instant) -> OwnAnswers:
    """Give what a decision knows of the answers of the person it is for."""
    request = Request(id="next", customer=customer, occasion="app.opened", channel="app", at=now)
    context = bank.context
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        policy, person = context.policy(reader, snapshot), snapshot.person(customer)
        asked = decision_input_of(snapshot, person, request, policy=policy, secret=context.keys.secret)
    return asked.own_answers


def test_own_answers_count_for_two_years_and_while_learning_is_allowed(bank: Bank, person: str, now: Instant) -> None:
    decision = decided(bank, person, now=now)
    assert own_answers(bank, person, now=now) == OwnAnswers()

    bank.outcome(decision.id, "accepted", now=Instant(now + HOUR))
    bank.outcome(decision.id, "valued", value_minor=900, now=Instant(now + 70 * DAY))

    accepted = ((decision.action, True),)
    assert own_answers(bank, person, now=Instant(now + DAY)) == OwnAnswers(accepted)
    assert own_answers(bank, person, now=Instant(now + 71 * DAY)) == OwnAnswers(accepted, ((decision.action, 900.0),))
    assert own_answers(bank, person, now=Instant(now + 731 * DAY)) == OwnAnswers()

    later = Instant(now + 72 * DAY)
    bank.consent(
        ConsentChange(
            customer=person, change="withdraw", purposes=("learning",), sources=("*",), channels=("*",), since=later
        ),
        now=later,
    )

    assert own_answers(bank, person, now=later) == OwnAnswers()


def test_a_value_that_was_reported_moves_the_belief(bank: Bank, person: str, now: Instant) -> None:
    decision = decided(bank, person, now=now)
    before = expected_value(bank, decision.action)

    bank.outcome(decision.id, "accepted", now=Instant(now + HOUR))
    bank.outcome(decision.id, "valued", value_minor=-100_000, now=Instant(now + 90 * DAY))

    assert expected_value(bank, decision.action) < before


def test_an_outcome_needs_its_decision_and_a_value_its_verdict(bank: Bank, person: str, now: Instant) -> None:
    decision = decided(bank, person, now=now)

    with pytest.raises(UnknownDecision):
        bank.outcome("no-such-decision", "accepted", now=now)
    with pytest.raises(MalformedRequest):
        bank.outcome(decision.id, "accepted", value_minor=5, now=now)
    with pytest.raises(MalformedRequest):
        bank.outcome(decision.id, "valued", now=now)


def test_a_declined_action_is_not_proposed_again_at_once(bank: Bank, person: str, now: Instant) -> None:
    decision = decided(bank, person, now=now)
    bank.outcome(decision.id, "declined", why="not relevant", now=Instant(now + HOUR))

    later = [bank.decide(person, occasion="app.opened", now=Instant(now + 2 * HOUR + step)) for step in range(20)]

    assert decision.action not in {each.action for each in later}


def open_of_kind(bank: Bank, decision: Decision, kind: str) -> set[str]:
    """Give the actions of a kind that passed every gate of a decision."""
    passed = {one.action for one in decision.candidates if one.stage in ("scored", "chosen")}
    return {action.id for action in bank.catalogue.actions if action.kind == kind and action.id in passed}


@pytest.mark.parametrize("why", ["wrong about me", "you do not know me"])
def test_the_reason_of_a_no_changes_what_is_open_next(bank: Bank, person: str, now: Instant, why: str) -> None:
    rails = bank.config.compiled.guardrails
    made = (bank.decide(person, occasion="app.opened", now=Instant(now + step * HOUR)) for step in range(200))
    kinds = {action.id: action.kind for action in bank.catalogue.actions}
    shown = next(
        one for one in made
        if one.action != "nothing" and len(open_of_kind(bank, one, kinds[one.action])) > 1
    )  # fmt: skip
    kind, at = kinds[shown.action], Instant(shown.at + HOUR)
    pause = rails.declines["wrong about me"]
    heard = bank.outcome(shown.id, "declined", why=why, now=at)

    def later(days: int) -> set[str]:
        return open_of_kind(bank, bank.decide(person, occasion="app.opened", now=Instant(at + days * DAY)), kind)

    known = why == "wrong about me"
    assert heard.understood == (why if known else None)
    assert kind not in rails.caps.exempt
    assert bool(later(1)) is not known
    after = later(pause.kind + 1)
    assert after
    assert shown.action not in after
    assert bank.replay().differences == 0


def test_propensities_of_a_decision_sum_to_one(bank: Bank, person: str, now: Instant) -> None:
    for step in range(10):
        decision = bank.decide(person, occasion="app.opened", now=Instant(now + step))
        assert sum(candidate.propensity for candidate in decision.candidates) == pytest.approx(1.0, abs=1e-3)


def test_the_control_group_is_random_among_what_is_allowed_and_measured(project: Path, now: Instant) -> None:
    keep_half_for_control(project)
    with marketofone.open(project, now=now) as bank:
        made = [first_of(bank, f"p-{number}", now=now) for number in range(30)]
        measured = bank.impact()

    assert {one.assignment for one in made} == {"policy", "control"}
    for decision in made:
        if decision.assignment == "control":
            open_to_them = [one for one in decision.candidates if one.stage in ("scored", "chosen")]
            assert decision.propensity == pytest.approx(1 / len(open_to_them))
    assert measured.finding == "not enough evidence"
    assert measured.policy.people + measured.control.people == 30


def first_of(bank: Bank, customer: str, *, now: Instant) -> Decision:
    """Let somebody come to the bank who allows everything, and decide for them for the first time."""
    every = ("*",)
    yes = ConsentChange(customer=customer, change="grant", purposes=every, sources=every, channels=every, since=now)
    bank.consent(yes, now=now)
    bank.ingest(ordinary_months(customer, until=now, days=40), now=now)
    return bank.decide(customer, occasion="app.opened", now=now)

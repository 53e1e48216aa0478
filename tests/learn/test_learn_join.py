"""An outcome teaches what it can, only in time, only once, and only with permission."""

from __future__ import annotations

from importlib.resources import files

import pytest
from msgspec.structs import replace

from marketofone.consent.gate import Permit, permit
from marketofone.consent.ledger import ConsentChange, fold
from marketofone.consent.policy import parse_policy
from marketofone.consent.saying import explicit
from marketofone.domain.decision import Candidates, Decision, Reason
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome, Verdict, reported_value
from marketofone.learn.join import Example, Skipped, ValueLabel, join
from marketofone.learn.rewards import Prices, reward_of

POLICY = parse_policy((files("marketofone") / "template" / "consent.toml").read_text(encoding="utf-8"))
SHOWN = Instant(1_000 * DAY)
DECISION = Decision(
    id="d-1",
    customer="c-1",
    occasion="app.opened",
    channel="app",
    at=SHOWN,
    action="savings_plan",
    propensity=0.4,
    assignment="policy",
    reasons=(Reason(text="your starting point", feature=None, source=None, term=1.0),),
    not_used=(),
    candidates=Candidates(),
    uses=(("marketing", "app"), ("marketing", "transactions"), ("protection", "protection")),
    context=(1.0, 0.5),
    guardrails=(),
    epoch=1,
    position=1,
    documents="0",
)


def allowing(*sources: str, purpose: str = "learning") -> Permit:
    change = ConsentChange(
        customer="c-1",
        change="grant",
        purposes=(purpose,),
        sources=sources,
        channels=("*",),
        since=Instant(0),
    )
    consents = fold([explicit(change, policy=POLICY, now=SHOWN)] if sources else [])
    return permit("learning", consents, customer="c-1", channel="app", policy=POLICY, now=SHOWN)


def heard(verdict: Verdict, *, days: float = 1.0, value_minor: int | None = None) -> Outcome:
    return Outcome(decision="d-1", verdict=verdict, at=Instant(SHOWN + int(days * DAY)), value_minor=value_minor)


def joined(
    outcome: Outcome,
    *,
    decision: Decision | None = DECISION,
    earlier: tuple[Outcome, ...] = (),
    granted: Permit | None = None,
) -> Example | ValueLabel | Skipped:
    granted = allowing("app", "transactions") if granted is None else granted
    return join(outcome, decision=decision, earlier=earlier, permit=granted, window_days=30)


def why(lesson: Example | ValueLabel | Skipped) -> str:
    assert isinstance(lesson, Skipped)
    return lesson.why


@pytest.mark.parametrize(("verdict", "reward"), [("accepted", 1.0), ("declined", 0.0), ("ignored", 0.0)])
def test_a_verdict_teaches_the_context_it_was_chosen_in(verdict: Verdict, reward: float) -> None:
    outcome = heard(verdict)

    assert joined(outcome) == Example(action="savings_plan", context=(1.0, 0.5), reward=reward, at=outcome.at)


def test_decisions_of_the_control_group_teach_too() -> None:
    assert isinstance(joined(heard("declined"), decision=replace(DECISION, assignment="control")), Example)


def test_the_last_moment_of_the_window_still_counts_and_the_next_does_not() -> None:
    outcome = heard("accepted", days=30.0)

    assert isinstance(joined(outcome), Example)
    assert why(joined(replace(outcome, at=Instant(outcome.at + 1)))) == "late"


def test_what_does_not_fit_a_decision_teaches_nothing_and_says_why() -> None:
    assert why(joined(heard("accepted"), decision=None)) == "unknown"
    assert why(joined(heard("accepted"), decision=replace(DECISION, id="d-2"))) == "unknown"
    assert why(joined(heard("accepted"), decision=replace(DECISION, action="nothing"))) == "nothing_shown"
    assert why(joined(heard("accepted", days=-1.0))) == "before"
    assert why(joined(heard("accepted", days=2.0), earlier=(heard("ignored"),))) == "duplicate"


def test_a_value_teaches_once_long_after_the_window_and_only_for_what_was_accepted() -> None:
    value = heard("valued", days=300.0, value_minor=-700)
    accepted = heard("accepted")

    assert joined(value, earlier=(accepted,)) == ValueLabel(
        action="savings_plan", context=DECISION.context, value_minor=-700, at=value.at
    )
    assert why(joined(value)) == "not_accepted"
    assert why(joined(value, earlier=(heard("declined"),))) == "not_accepted"
    assert why(joined(value, earlier=(accepted, value))) == "duplicate"
    assert why(joined(replace(value, value_minor=None), earlier=(accepted,))) == "no_value"
    assert reported_value((accepted, value, replace(value, value_minor=5))) == -700


def test_what_a_decision_was_worth_is_that_of_the_answer_that_stands() -> None:
    prices = Prices(values={DECISION.action: 1_000}, costs={DECISION.action: 20})
    no, yes = heard("declined"), heard("accepted")
    value = heard("valued", days=2.0, value_minor=700)
    now_yes, now_no = replace(yes, changes="answer"), replace(no, changes="answer")

    assert reward_of(DECISION, [no, now_yes], prices=prices) == 980
    assert reward_of(DECISION, [yes, value, now_no], prices=prices) == -20
    assert reward_of(DECISION, [yes, value, now_no, now_yes], prices=prices) == 980
    assert reward_of(DECISION, [no, now_yes, value], prices=prices) == 680
    assert why(joined(value, earlier=(yes, value, now_no))) == "not_accepted"
    assert isinstance(joined(value, earlier=(yes, value, now_no, now_yes)), ValueLabel)


def test_a_changed_answer_teaches_and_the_same_again_does_not() -> None:
    yes = heard("accepted", days=2.0)

    assert isinstance(joined(replace(yes, changes="answer"), earlier=(heard("ignored"),)), Example)
    assert why(joined(replace(yes, changes="nothing"), earlier=(yes,))) == "duplicate"
    assert why(joined(replace(heard("declined"), changes="reason"), earlier=(heard("declined"),))) == "duplicate"
    assert why(joined(heard("taken_back", days=60.0), earlier=(yes,))) == "sign"
    assert why(joined(heard("taken_back", days=60.0), earlier=(heard("declined"),))) == "not_accepted"


@pytest.mark.parametrize(
    "granted",
    [
        allowing(),
        allowing("app"),
        allowing("messages", "location"),
        allowing("app", "transactions", purpose="marketing"),
        replace(allowing("app", "transactions"), serves=frozenset({"marketing"})),
    ],
    ids=["nothing", "one of two sources", "other sources", "another purpose", "a permit for another purpose"],
)
def test_nobody_teaches_without_allowing_every_source_that_was_used(granted: Permit) -> None:
    value = heard("valued", value_minor=5)

    assert why(joined(heard("accepted"), granted=granted)) == "not_permitted"
    assert why(joined(value, earlier=(heard("accepted"),), granted=granted)) == "not_permitted"


def test_a_decision_from_nothing_teaches_only_those_who_allow_learning_at_all() -> None:
    blind = replace(DECISION, uses=())

    assert why(joined(heard("accepted"), decision=blind, granted=allowing())) == "not_permitted"
    assert isinstance(joined(heard("accepted"), decision=blind, granted=allowing("messages")), Example)

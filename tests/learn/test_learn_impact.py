"""The lift is measured person by person against the control group, and silent when there is too little to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.json import encode
from scipy import stats

from marketofone.domain.decision import Decision, Reason
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.learn.impact import Impact, Treated, measure
from marketofone.learn.intervals import Sums, effective_n, welch, wilson
from marketofone.learn.values import prior_value

BELIEFS = {"loan": prior_value(10_000), "tip": prior_value(500)}
COSTS = {"loan": 100, "tip": 0, "nothing": 0}


def treated(
    person: str, verdict: Verdict | None, *, assignment: str = "policy", action: str = "loan", value: int | None = None
) -> Treated:
    decision = Decision(
        id=f"d-{person}-{action}",
        customer=person,
        occasion="app.opened",
        channel="app",
        at=Instant(0),
        action=action,
        propensity=0.5,
        assignment="control" if assignment == "control" else "policy",
        reasons=(Reason(text="your starting point", feature=None, source=None, term=0.0),),
        not_used=(),
        counterfactual=None,
        candidates=(),
        uses=(),
        context=(1.0,),
        guardrails=(),
        epoch=0,
        position=0,
        documents="0",
    )
    outcomes = [] if verdict is None else [Outcome(decision=decision.id, verdict=verdict, at=Instant(DAY))]
    if value is not None:
        outcomes.append(Outcome(decision=decision.id, verdict="valued", at=Instant(90 * DAY), value_minor=value))
    return Treated(person=person, decision=decision, outcomes=outcomes)


def measured(records: Sequence[Treated], *, level: float = 0.95) -> Impact:
    return measure(records, posteriors=BELIEFS, costs=COSTS, marketing={"loan"}, level=level)


def crowd(people: int, *, accepting: int, assignment: str) -> list[Treated]:
    return [
        treated(f"{assignment}-{i}", "accepted" if i < accepting else "declined", assignment=assignment)
        for i in range(people)
    ]


def test_a_better_policy_shows_its_lift_with_an_interval_around_it() -> None:
    found = measured([*crowd(300, accepting=60, assignment="policy"), *crowd(100, accepting=5, assignment="control")])

    assert found.finding == "the policy is worth more"
    assert found.lift_minor is not None
    assert found.low_minor is not None
    assert found.high_minor is not None
    assert found.lift_minor == pytest.approx(10_000 * (60 / 300 - 5 / 100))
    assert 0.0 < found.low_minor < found.lift_minor < found.high_minor
    assert (found.policy.people, found.control.people, found.accepted, found.valued) == (300, 100, 65, 0)
    assert "300 people" in found.text
    assert "95%" in found.text


def test_equal_groups_show_no_difference_and_a_worse_policy_says_so() -> None:
    same = measured([*crowd(200, accepting=20, assignment="policy"), *crowd(100, accepting=10, assignment="control")])
    worse = measured([*crowd(200, accepting=2, assignment="policy"), *crowd(100, accepting=50, assignment="control")])

    assert same.finding == "no difference shown"
    assert worse.finding == "the policy is worth less"


@pytest.mark.parametrize(("policy", "control"), [(200, 29), (29, 200), (0, 0)])
def test_small_groups_are_not_enough_evidence(policy: int, control: int) -> None:
    found = measured(
        [*crowd(policy, accepting=5, assignment="policy"), *crowd(control, accepting=5, assignment="control")]
    )

    assert found.finding == "not enough evidence"
    assert found.lift_minor is None
    assert "not enough evidence" in found.text


def test_a_group_that_never_differs_is_not_enough_evidence() -> None:
    found = measured([*crowd(200, accepting=20, assignment="policy"), *crowd(40, accepting=0, assignment="control")])

    assert found.finding == "not enough evidence"


def test_a_person_counts_once_with_everything_they_were_shown() -> None:
    found = measured(
        [
            treated("a", "accepted", value=-3_000),
            treated("a", "accepted", action="tip"),
            treated("a", None, action="nothing"),
            treated("b", "ignored"),
        ]
    )

    assert found.policy.people == 2
    assert found.policy.value_minor == pytest.approx(((-3_000 - 100) + 500 + (-100)) / 2)
    assert (found.accepted, found.valued) == (2, 1)
    assert found.policy.accepted.n == 3


def test_only_marketing_contacts_count_as_unwelcome() -> None:
    found = measured([treated("a", "declined", action="tip"), treated("b", "declined"), treated("c", "ignored")])

    assert found.policy.declined.n == 2
    assert found.policy.declined.share == 0.5
    assert found.control.declined.share is None
    assert "no contact" in found.text


def test_people_found_in_both_groups_are_left_out_and_counted() -> None:
    found = measured([treated("a", "accepted"), treated("a", "accepted", assignment="control"), treated("b", None)])

    assert found.excluded == 1
    assert found.policy.people == 1
    assert found.control.people == 0
    assert "both groups: 1" in found.text


def test_the_order_of_the_records_does_not_matter_to_the_bit() -> None:
    records = [*crowd(90, accepting=33, assignment="policy"), *crowd(70, accepting=11, assignment="control")]

    assert encode(measured(records)) == encode(measured(records[::-1]))


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(MalformedRequest):
        measured([], level=level)


def test_the_welch_interval_agrees_with_scipy() -> None:
    generator = np.random.default_rng(2)
    one, other = (generator.integers(-50, 200, size=40).tolist(), generator.integers(-400, 500, size=33).tolist())
    sums = [Sums(n=len(xs), total=sum(xs), squares=sum(x * x for x in xs)) for xs in (one, other)]

    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.9)

    assert welch(sums[0], sums[1], level=0.9) == pytest.approx((expected.low, expected.high))


def test_the_wilson_interval_agrees_with_scipy() -> None:
    expected = stats.binomtest(7, 50).proportion_ci(0.95, method="wilson")

    assert wilson(7 / 50, n=50, level=0.95) == pytest.approx((expected.low, expected.high))


def test_when_nothing_differs_the_interval_holds_zero_as_often_as_it_says() -> None:
    generator = np.random.default_rng(8)
    held = 0
    for _ in range(400):
        one, other = (
            [int(generator.random() < 0.2) * int(generator.integers(500, 3_000)) for _ in range(people)]
            for people in (150, 50)
        )
        sums = [Sums(n=len(xs), total=sum(xs), squares=sum(x * x for x in xs)) for xs in (one, other)]
        low, high = welch(sums[0], sums[1], level=0.9)
        held += low <= 0.0 <= high

    assert 0.86 <= held / 400 <= 0.94


def test_contacts_of_people_who_always_answer_alike_count_once_per_person() -> None:
    alike = [(5, 5)] * 20 + [(0, 5)] * 20
    mixed = [(1, 1)] * 100 + [(0, 1)] * 100

    assert effective_n(alike) == pytest.approx(40.0, rel=0.05)
    assert effective_n(mixed) == pytest.approx(200.0, rel=0.05)
    assert effective_n([(0, 3), (0, 4)]) == 7.0

"""The lift is measured person by person against the control group, and silent when there is too little to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec import structs
from msgspec.json import encode
from scipy import stats

from marketofone.domain.decision import Assignment, Candidates, Decision, MoneyLeft, Reason
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.learn.impact import Comparison, Impact, Lift, Measure, measure
from marketofone.learn.intervals import Sums, anytime_reach, difference, effective_n, share_difference, wilson
from marketofone.learn.rewards import Prices
from marketofone.learn.tallies import Treated, Worth

PRICES = Prices(values={"loan": 10_000, "tip": 500}, costs={"loan": 100, "tip": 0, "nothing": 0})
WORTH = Worth(prices=PRICES, marketing={"loan"})
CHANCES = {"loan": 0.2, "tip": 0.2}
SHARES: dict[Assignment, float] = {"policy": 0.75, "control": 0.25}


def treated(
    person: str,
    verdict: Verdict | None,
    *,
    assignment: Assignment = "policy",
    action: str = "loan",
    value: int | None = None,
    guardrails: tuple[str, ...] = (),
    money: MoneyLeft = "not known",
) -> Treated:
    decision = Decision(
        id=f"d-{person}-{action}",
        customer=person,
        occasion="app.opened",
        channel="app",
        at=Instant(0),
        action=action,
        propensity=0.5,
        assignment=assignment,
        reasons=(Reason(text="your starting point", feature=None, source=None, term=0.0),),
        not_used=(),
        candidates=Candidates(),
        uses=(),
        context=(1.0,),
        guardrails=guardrails,
        epoch=0,
        position=0,
        documents="0",
    )
    outcomes = [] if verdict is None else [Outcome(decision=decision.id, verdict=verdict, at=Instant(DAY))]
    if value is not None:
        outcomes.append(Outcome(decision=decision.id, verdict="valued", at=Instant(90 * DAY), value_minor=value))
    return Treated(person=person, decision=decision, outcomes=outcomes, declared=SHARES, money=money)


def measured(records: Sequence[Treated], *, level: float = 0.95) -> Impact:
    return measure(records, worth=WORTH, chances=CHANCES, level=level)


def crowd(
    people: int, *, accepting: int, assignment: Assignment, action: str = "loan", money: MoneyLeft = "not known"
) -> list[Treated]:
    verdicts: list[Verdict] = ["accepted" if number < accepting else "declined" for number in range(people)]
    names = [f"{assignment}-{action}-{money}-{number}" for number in range(people)]
    return [
        treated(name, verdict, assignment=assignment, action=action, money=money)
        for name, verdict in zip(names, verdicts, strict=True)
    ]


def lift_of(found: Comparison, name: Measure) -> Lift:
    return next(lift for lift in found.lifts if lift.measure == name)


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


def test_why_people_said_no_is_counted_by_reason_and_group() -> None:
    said: list[tuple[Assignment, str]] = [("policy", "not now"), ("control", "not now"), ("policy", "my own words")]
    records = [treated(f"p-{number}", "declined", assignment=group) for number, (group, _) in enumerate(said)]
    records = [
        structs.replace(one, outcomes=[structs.replace(one.outcomes[0], why=why)])
        for one, (_, why) in zip(records, said, strict=True)
    ]

    found = measured(records)

    assert [(one.why, one.times) for one in found.reasons] == [
        ("not now", {"policy": 1, "control": 1}),
        ("", {"policy": 1}),
    ]
    assert "said no because: not now 2, no reason given 1" in found.text


def test_reasons_of_a_yes_are_counted_beside_those_of_a_no() -> None:
    records = [
        structs.replace(one, outcomes=[structs.replace(one.outcomes[0], why=why)])
        for why in ("useful", "Useful", "my own words")
        for one in [treated(f"c-{why}", "accepted")]
    ]

    found = measured(records)

    assert [(one.why, one.times) for one in found.agreed] == [("useful", {"policy": 2}), ("", {"policy": 1})]
    assert found.reasons == ()
    assert "said yes because: useful 2, no reason given 1" in found.text


def test_a_group_that_was_shown_nothing_is_worth_nothing_exactly() -> None:
    peace = [treated(f"n-{number}", None, assignment="nothing", action="nothing") for number in range(40)]

    found = measured([*crowd(200, accepting=60, assignment="policy"), *peace])

    left_in_peace = next(one for one in found.comparisons if one.assignment == "nothing")
    lift = lift_of(left_in_peace, "value")
    assert lift.value == pytest.approx(10_000 * 60 / 200 - 100)
    assert lift.low is not None
    assert lift.low > 0.0
    assert "beside nothing (n = 40): +2,900 [+" in found.text


def test_a_declared_group_too_small_for_an_interval_is_named_all_the_same() -> None:
    few = [treated("c-1", "accepted", assignment="catalogue")]

    found = measured([*crowd(200, accepting=60, assignment="policy"), *few])

    assert "beside catalogue (n = 1): not enough evidence" in found.text


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
    assert "none seen" in found.text


def test_people_found_in_both_groups_are_left_out_and_counted() -> None:
    found = measured([treated("a", "accepted"), treated("a", "accepted", assignment="control"), treated("b", None)])

    assert found.excluded == 1
    assert found.policy.people == 1
    assert found.control.people == 0
    assert "several groups: 1" in found.text


def test_the_order_of_the_records_does_not_matter_to_the_bit() -> None:
    records = [*crowd(90, accepting=33, assignment="policy"), *crowd(70, accepting=11, assignment="control")]

    assert encode(measured(records)) == encode(measured(records[::-1]))


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(MalformedRequest):
        measured([], level=level)


def test_the_error_of_a_difference_is_that_of_welch() -> None:
    generator = np.random.default_rng(2)
    one, other = (generator.integers(-50, 200, size=40).tolist(), generator.integers(-400, 500, size=33).tolist())
    expected = stats.ttest_ind(one, other, equal_var=False)

    value, low, high = difference(Sums.of(one), Sums.of(other), reach=1.0)

    assert value / (high - value) == pytest.approx(expected.statistic)
    assert high - value == pytest.approx(value - low)


def test_the_difference_of_shares_is_that_of_newcombe() -> None:
    one, other = ([(1, 1)] * hits + [(0, 1)] * (n - hits) for hits, n in ((56, 70), (48, 80)))

    found = share_difference(one, other, reach=float(stats.norm.ppf(0.975)))

    assert found == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=0.0015
    )  # Newcombe (1998), table II, contrast (a): the same
    # but for the number of people less one


def test_the_wilson_interval_agrees_with_scipy() -> None:
    expected = stats.binomtest(7, 50).proportion_ci(0.95, method="wilson")

    assert wilson(7 / 50, n=50, level=0.95) == pytest.approx((expected.low, expected.high))


def test_contacts_of_people_who_always_answer_alike_count_once_per_person() -> None:
    alike = [(5, 5)] * 20 + [(0, 5)] * 20
    mixed = [(1, 1)] * 100 + [(0, 1)] * 100

    assert effective_n(alike) == pytest.approx(40.0, rel=0.05)
    assert effective_n(mixed) == pytest.approx(200.0, rel=0.05)
    assert effective_n([(0, 3), (0, 4)]) == 7.0


def test_what_sells_is_told_apart_from_what_helps() -> None:
    policy = [*crowd(60, accepting=30, assignment="policy"), *crowd(60, accepting=6, assignment="policy", action="tip")]
    control = [
        *crowd(60, accepting=6, assignment="control"),
        *crowd(60, accepting=30, assignment="control", action="tip"),
    ]

    lifts = {lift.measure: lift.value for lift in measured([*policy, *control]).comparisons[0].lifts}

    assert lifts["sells"] == pytest.approx(24 * 10_000 / 120)
    assert lifts["helps"] == pytest.approx(-24 * 500 / 120)
    assert lifts["value"] == pytest.approx((24 * 10_000 - 24 * 500) / 120)
    assert lifts["accepted"] == pytest.approx(0.0)


def test_signs_of_stress_are_a_share_of_decisions() -> None:
    calm = [treated(f"p-{number}", None) for number in range(200)]
    upset = [
        treated(f"c-{number}", None, assignment="control", guardrails=("stress",) if number < 100 else ())
        for number in range(200)
    ]

    lift = lift_of(measured([*calm, *upset]).comparisons[0], "stressed")

    assert lift.value == -0.5
    assert lift.high is not None
    assert lift.high < 0.0


def test_a_policy_that_is_accepted_less_than_the_lot_is_told_first() -> None:
    worse = measured([*crowd(300, accepting=30, assignment="policy"), *crowd(100, accepting=40, assignment="control")])
    unsure = measured([*crowd(300, accepting=58, assignment="policy"), *crowd(100, accepting=20, assignment="control")])
    better = measured([*crowd(300, accepting=60, assignment="policy"), *crowd(100, accepting=5, assignment="control")])

    assert worse.warnings[0].startswith("people accept less of what the policy chooses")
    assert worse.text.startswith("FIRST: people accept less")
    assert "does not exclude" not in worse.warnings[0]
    assert "does not exclude" in unsure.warnings[0]
    assert not better.warnings


def test_groups_that_are_not_as_large_as_declared_are_told_before_all_else() -> None:
    found = measured([*crowd(300, accepting=30, assignment="policy"), *crowd(300, accepting=90, assignment="control")])

    assert found.ratio.fails
    assert found.warnings[0].startswith("the groups are not as large as declared")
    assert found.warnings[1].startswith("people accept less")
    assert {one.assignment: one.people for one in found.ratio.groups} == {"policy": 300, "control": 300}


def test_a_chance_that_outcomes_contradict_is_named() -> None:
    records = [*crowd(300, accepting=180, assignment="policy"), *crowd(100, accepting=55, assignment="control")]
    tips = [*crowd(300, accepting=60, assignment="policy", action="tip")]

    found = measured([*records, *tips])

    (loan,) = found.contradicted
    assert (loan.action, loan.declared, loan.n) == ("loan", 0.2, 400)
    assert loan.low > 0.2
    assert "1 chance that the catalogue declares is contradicted by outcomes" in found.warnings
    assert loan.text in found.text


def test_what_stands_where_not_everybody_looks_contradicts_no_chance() -> None:
    records = crowd(400, accepting=20, assignment="policy")
    half = [structs.replace(one, decision=structs.replace(one.decision, context=(0.5,))) for one in records]
    seen = crowd(100, accepting=20, assignment="control")

    assert [one.n for one in measured([*records, *seen]).contradicted] == [500]
    assert measured([*half, *seen]).contradicted == ()


def test_people_are_compared_with_people_who_had_as_much_money_left() -> None:
    records = [
        *crowd(90, accepting=45, assignment="policy", money="little"),
        *crowd(30, accepting=3, assignment="control", money="little"),
        *crowd(90, accepting=9, assignment="policy", money="enough"),
        *crowd(30, accepting=3, assignment="control", money="enough"),
    ]

    groups = {of.money: of for of in measured(records).by_money}

    assert (groups["little"].policy, groups["little"].control, groups["not known"].policy) == (90, 30, 0)
    values = {name: {lift.measure: lift.value for lift in of.lifts} for name, of in groups.items()}
    assert values["little"]["value"] == pytest.approx(4_000)
    assert values["enough"]["value"] == pytest.approx(0)
    assert values["not known"]["value"] is None


def test_how_much_money_was_left_is_what_the_first_decision_knew_that_knew_it() -> None:
    later = treated("a", None, action="tip", money="enough")
    first = treated("a", None, money="little")
    moved = structs.replace(later, decision=structs.replace(later.decision, at=Instant(DAY)))

    for records in ([moved, first], [first, moved]):
        assert {of.money: of.policy for of in measured(records).by_money} == {"little": 1, "enough": 0, "not known": 0}


def test_an_interval_for_all_looks_is_wider_than_one_for_a_single_look() -> None:
    one = float(stats.norm.ppf(0.975))

    assert min(anytime_reach(n, level=0.95) for n in (60, 1_000, 10_000, 10**7)) > one
    assert anytime_reach(2_000, level=0.95) < min(anytime_reach(n, level=0.95) for n in (400, 10_000))

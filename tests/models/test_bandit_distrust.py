"""What people accept far more often than the catalogue says is distrusted, until what it is worth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from five_actions import ACTIONS, DIM
from marketofone.domain.errors import MalformedDocument
from marketofone.models.bandit import MANNERS, Arm, Beliefs, Distrust, Outcome, Policy, Shared, Start
from marketofone.models.bandit.arm import update
from marketofone.models.bandit.policy import State
from marketofone.models.bandit.shared import Spreads, Taught, from_bytes, pool, to_bytes
from marketofone.projection.bank_config import read_settings

STATED = Distrust(above=2.0, whole=4.0, harm=-3.0, actions=3.0)
POLICY = Policy(Start(actions=ACTIONS, dim=DIM, fits=(2,), distrust=STATED))
TRUSTING = Policy(replace(POLICY.start, distrust=None))
CONTEXT = np.array([1.0, 0.0, 0.0, 0.0])
PRIORS = Spreads(level=(0.5, 0.4, 0.8), slope=(0.1, 0.2, 0.3))
NUMBERS = st.floats(-1.0, 1.0, allow_subnormal=False)
REPORTS = st.lists(
    st.tuples(st.integers(0, len(ACTIONS) - 1), st.lists(NUMBERS, min_size=DIM - 1, max_size=DIM - 1), NUMBERS),
    max_size=15,
)


def answers(row: int, *, yes: int, no: int) -> list[Outcome]:
    return [Outcome("chance", ACTIONS[row].id, CONTEXT, float(place < yes)) for place in range(yes + no)]


def reports(row: int, *, times: int, of_stated: float) -> list[Outcome]:
    return [Outcome("worth", ACTIONS[row].id, CONTEXT, of_stated * ACTIONS[row].value_minor)] * times


def learned(outcomes: Sequence[Outcome], *, policy: Policy = POLICY) -> dict[str, State]:
    return {name: policy.read(name, blob) for name, blob in policy.update(outcomes, states=lambda _: None).items()}


def beliefs(outcomes: Sequence[Outcome], *, policy: Policy = POLICY) -> Beliefs:
    states = learned(outcomes, policy=policy)
    return policy.beliefs(states.get, moved=states)


def worth(row: int, outcomes: Sequence[Outcome], *, policy: Policy = POLICY) -> float:
    """Give what an acceptance of an action is believed to be worth, as a part of what is stated."""
    return float(beliefs(outcomes, policy=policy).stacked["worth"].mean[row, 0]) / ACTIONS[row].value_minor


def remaining(outcomes: Sequence[Outcome]) -> float:
    """Give how much of what is stated of distrust is still believed."""
    shared = learned(outcomes)["shared:worth"]
    assert isinstance(shared, Shared)
    return shared.distrust


def test_what_is_accepted_several_times_as_often_as_declared_does_harm_until_its_value_is_known() -> None:
    drawing = answers(0, yes=38, no=2)

    assert worth(0, drawing, policy=TRUSTING) == 1.0
    assert worth(0, drawing[:10]) < 0.5
    assert worth(0, drawing) == pytest.approx(1.0 + STATED.harm)


def test_a_single_yes_is_no_reason_for_distrust_however_rare_it_was_declared() -> None:
    rare = Policy(replace(POLICY.start, actions=(msgspec.structs.replace(ACTIONS[0], acceptance_probability=1e-4),)))

    assert worth(0, answers(0, yes=1, no=0), policy=rare) == 1.0
    assert worth(0, answers(0, yes=3, no=0), policy=rare) < 1.0


def test_nothing_is_distrusted_where_each_action_learns_alone() -> None:
    alone, drawing = Policy(replace(POLICY.start, manner=MANNERS["independent"])), answers(0, yes=38, no=2)

    assert worth(0, drawing, policy=alone) == 1.0
    assert alone.distrusted(learned(drawing, policy=alone).get) == (0.0, {})


def test_what_a_bank_trusts_is_believed_however_often_it_is_accepted() -> None:
    trusting = Policy(replace(POLICY.start, trusted=frozenset({ACTIONS[0].id})))
    drawing = [answer for row in (0, 1) for answer in answers(row, yes=38, no=2)]

    assert worth(0, drawing, policy=trusting) == 1.0
    assert worth(1, drawing, policy=trusting) == pytest.approx(1.0 + STATED.harm)
    assert trusting.distrusted(learned(drawing, policy=trusting).get) == (1.0, {ACTIONS[1].id: 1.0})


def test_what_is_accepted_up_to_twice_as_often_as_declared_is_believed_as_ever() -> None:
    outcomes = [*answers(0, yes=8, no=32), *reports(1, times=3, of_stated=-1.0)]

    trusted, distrusted = (beliefs(outcomes, policy=policy).stacked["worth"].mean for policy in (TRUSTING, POLICY))

    assert distrusted == pytest.approx(trusted, rel=1e-12, abs=1e-9)


def test_reported_values_take_the_place_of_distrust() -> None:
    drawing = answers(0, yes=38, no=2)
    few, many = (worth(0, [*drawing, *reports(0, times=times, of_stated=1.0)]) for times in (2, 60))

    assert few < many
    assert many == pytest.approx(1.0, abs=0.1)


def test_actions_that_were_accepted_often_and_helped_unlearn_it_for_others_and_those_that_harmed_do_not() -> None:
    drawing = [answer for row in (0, 1, 2) for answer in answers(row, yes=95, no=5)]
    helped, harmed = (
        [*drawing, *(report for row in (1, 2) for report in reports(row, times=30, of_stated=of))] for of in (1.0, -2.0)
    )

    assert remaining(helped) < 0.75
    assert remaining(harmed) == pytest.approx(1.0, abs=0.1)
    assert worth(0, helped) > worth(0, harmed)


@settings(deadline=None, max_examples=25)
@given(REPORTS, st.lists(st.floats(-6.0, 0.0), min_size=len(ACTIONS), max_size=len(ACTIONS)))
def test_what_remains_of_distrust_is_the_posterior_mean_of_the_whole_hierarchy(
    told: list[tuple[int, list[float], float]], suspected: list[float]
) -> None:
    certainty, noise, kinds = 40.0, 0.3, sorted({str(action.kind) for action in ACTIONS})
    precisions = [PRIORS.precision(step, dim=DIM) for step in range(3)]
    start = Arm(mean=np.zeros(DIM), covariance=np.diag(noise**2 / precisions[2]), noise=noise, n=0)
    arms, blocks = [start] * len(ACTIONS), 1 + len(kinds) + len(ACTIONS)
    steps = [precisions[0], *[precisions[1]] * len(kinds), *[precisions[2]] * len(ACTIONS)]
    precision, pull = np.diag(np.append(np.concatenate(steps), certainty)), np.zeros(blocks * DIM + 1)
    pull[-1] = certainty  # before anything is known, all of it is believed
    for row, rest, reward in told:
        context, whole = np.array([1.0, *rest]), np.zeros((blocks, DIM))
        arms[row] = update(arms[row], context, reward=reward)
        whole[[0, 1 + kinds.index(str(ACTIONS[row].kind)), 1 + len(kinds) + row]] = context
        along = np.append(whole.ravel(), suspected[row])
        precision += np.outer(along, along)
        pull += along * reward / noise
    means = np.linalg.solve(precision, pull)
    each = zip(ACTIONS, arms, suspected, strict=True)

    taught = [Taught(str(action.kind), noise, start, arm, of) for action, arm, of in each]
    shared = pool(taught, spreads=PRIORS, dim=DIM, certainty=certainty)

    if means[-1] <= 0.0:  # it never becomes trust: the rest is what it is where there is none
        means = np.append(np.linalg.solve(precision[:-1, :-1], pull[:-1]), 0.0)
    assert shared.distrust == pytest.approx(means[-1], abs=1e-8)
    assert np.allclose(shared.everybody, means[:DIM], atol=1e-8)
    for place, kind in enumerate(kinds, start=1):
        assert np.allclose(shared.of(kind), means[:DIM] + means[place * DIM :][:DIM], atol=1e-8)


def test_where_all_of_it_is_unlearned_actions_share_what_they_do_where_none_is_stated() -> None:
    start = Arm(mean=np.zeros(DIM), covariance=np.diag(0.3**2 / PRIORS.precision(2, dim=DIM)), noise=0.3, n=0)
    helped = start
    for _ in range(30):
        helped = update(helped, CONTEXT, reward=1.0)
    taught = [Taught(str(action.kind), 0.3, start, helped, -6.0) for action in ACTIONS]

    unlearned, none = (pool(taught, spreads=PRIORS, dim=DIM, certainty=certainty) for certainty in (0.1, None))

    assert unlearned.distrust == 0.0
    assert np.allclose(unlearned.everybody, none.everybody, atol=1e-12)
    assert all(np.allclose(unlearned.of(kind), part, atol=1e-12) for kind, part in none.kinds.items())


def test_what_remains_of_distrust_survives_as_bytes_and_is_all_of_it_in_those_of_earlier_releases() -> None:
    shared = Shared(everybody=np.ones(DIM), kinds={}, distrust=0.25)
    blob = to_bytes(shared)

    assert from_bytes(blob).distrust == 0.25
    older = bytes([blob[0] - 1]) + blob[1:-9]  # a list of one number less
    assert from_bytes(older).distrust == 1.0


def test_a_distrust_that_is_whole_before_it_begins_is_refused() -> None:
    template = (files("marketofone") / "template" / "bank.toml").read_text(encoding="utf-8")
    with pytest.raises(MalformedDocument) as refused:
        read_settings(template.replace("whole = 4.0", "whole = 2.0"))
    assert refused.value.field == "distrust.whole"


@pytest.mark.parametrize(
    ("stated", "odd"), [("harm = -3.0 ", "harm = -1e-300 "), ("actions = 3 ", "actions = 1e-300 ")]
)
def test_a_distrust_that_says_next_to_nothing_is_refused(stated: str, odd: str) -> None:
    template = (files("marketofone") / "template" / "bank.toml").read_text(encoding="utf-8")
    head, _, distrust = template.partition("[distrust]")
    assert stated in distrust
    with pytest.raises(MalformedDocument, match="distrust"):
        read_settings(f"{head}[distrust]{distrust.replace(stated, odd)}")

"""What every policy promises: to whoever decides, learns or replays, it is names, bytes and scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import NOBODY, NUMBERS, OUTCOMES, POLICIES, SOMEBODY, believed, learned, read
from policy_cases import outcome as outcome_of

from five_actions import ACTIONS, DIM, contexts
from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.models.bandit import MANNERS, Beliefs, Outcome, OwnAnswers, Policy, Start, mix, propensities

few = settings(max_examples=25, deadline=None)
ANSWERS = st.sampled_from([NOBODY, SOMEBODY])
EVERY = np.arange(len(ACTIONS))


@pytest.fixture(params=POLICIES, scope="module")
def policy(request: pytest.FixtureRequest) -> Policy:
    return POLICIES[request.param]


def numbers(beliefs: Beliefs, own: OwnAnswers = NOBODY) -> list[list[float]]:
    return [part.tolist() for part in beliefs.score(contexts(), own=own)]


def test_a_policy_knows_every_action_before_the_first_outcome(policy: Policy) -> None:
    scores = policy.prior.score(contexts(), own=NOBODY)

    assert all(np.isfinite(part).all() for part in scores)
    assert (scores.spread > 0.0).all()


@few
@given(OUTCOMES)
def test_what_moved_has_a_known_name_and_survives_as_bytes(policy: Policy, outcomes: list[Outcome]) -> None:
    states = learned(policy, outcomes)

    assert set(states) <= set(policy.names)
    assert set(states) >= {f"{outcome.head}:{outcome.action}" for outcome in outcomes}
    assert policy.update([], states=read(policy, states).get) == {}
    assert numbers(policy.beliefs(read(policy, states).get, moved=states)) == numbers(believed(policy, outcomes))


@pytest.mark.parametrize("blob", [b"", b"arm2", b"\x92\xc4\x01a\x80"])
def test_bytes_that_are_no_state_are_refused(policy: Policy, blob: bytes) -> None:
    for name in policy.names:
        with pytest.raises(MalformedDocument):
            policy.read(name, blob)


@few
@given(OUTCOMES, st.integers(0, 20))
def test_learning_in_two_steps_is_learning_at_once_to_the_byte(
    policy: Policy, outcomes: list[Outcome], cut: int
) -> None:
    first = learned(policy, outcomes[:cut])

    assert learned(policy, outcomes[cut:], before=first) == learned(policy, outcomes)


@few
@given(OUTCOMES, st.integers(0, 20), ANSWERS)
def test_what_is_laid_out_step_by_step_scores_as_what_is_laid_out_at_once(
    policy: Policy, outcomes: list[Outcome], cut: int, own: OwnAnswers
) -> None:
    first = learned(policy, outcomes[:cut])
    last = learned(policy, outcomes[cut:], before=first)
    moved = {name for name, blob in last.items() if first.get(name) != blob}
    before = policy.beliefs(read(policy, first).get, moved=first)

    after = policy.beliefs(read(policy, last).get, moved=moved, before=before)

    assert numbers(after, own) == numbers(policy.beliefs(read(policy, last).get, moved=last), own)


@few
@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(policy: Policy, outcomes: list[Outcome], shuffle: object) -> None:
    mixed = list(outcomes)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]

    for one, other in zip(numbers(believed(policy, outcomes)), numbers(believed(policy, mixed)), strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6)


@few
@given(OUTCOMES, ANSWERS)
def test_an_action_scores_the_same_whoever_is_asked_beside_it(
    policy: Policy, outcomes: list[Outcome], own: OwnAnswers
) -> None:
    beliefs, seen = believed(policy, outcomes), contexts()
    whole = beliefs.score(seen, own=own)

    for row in EVERY:
        alone = beliefs.score(seen[[row]], own=own, rows=np.array([row]))
        assert [part[0] for part in alone] == [part[row] for part in whole]


@few
@given(OUTCOMES, ANSWERS)
def test_the_parts_of_a_score_add_up_to_it(policy: Policy, outcomes: list[Outcome], own: OwnAnswers) -> None:
    beliefs, seen = believed(policy, outcomes), contexts()
    scores = beliefs.score(seen, own=own)
    for row, context in enumerate(seen):
        terms = beliefs.terms(row, context, mean=float(scores.mean[row]), doubt=float(scores.doubt[row]))
        total = math.fsum((*terms.context.tolist(), terms.own_answers, terms.doubt, terms.cost))
        assert total == pytest.approx(scores.mean[row], rel=1e-9, abs=1e-6)


@few
@given(OUTCOMES, ANSWERS, NUMBERS)
def test_a_score_along_one_entry_is_the_score_with_that_entry_moved(
    policy: Policy, outcomes: list[Outcome], own: OwnAnswers, by: float
) -> None:
    beliefs, seen, rows = believed(policy, outcomes), contexts(), np.array([4, 1])
    steps = np.full((2, DIM - 1, 1), by)
    along = beliefs.score_along(rows, seen[rows], places=slice(1, DIM), steps=steps, own=own)
    for place in range(1, DIM):
        moved = seen[rows].copy()
        moved[:, place] += by
        again = beliefs.score(moved, own=own, rows=rows)
        close = 1e-6 * (1.0 + again.doubt.max())  # a line's variance is a difference of large numbers
        assert np.allclose(along.mean[:, place - 1, 0], again.mean, rtol=1e-6, atol=close)
        assert np.allclose(along.spread[:, place - 1, 0], again.spread, rtol=1e-6, atol=1e-3)


@few
@given(OUTCOMES, ANSWERS)
def test_every_action_has_a_chance_and_the_chances_sum_to_one(
    policy: Policy, outcomes: list[Outcome], own: OwnAnswers
) -> None:
    scores = believed(policy, outcomes).score(contexts(), own=own)
    chances = mix(propensities(scores.mean, scores.spread), floor=0.02)

    assert chances.sum() == pytest.approx(1.0, abs=1e-9)
    assert (chances >= 0.02 / len(ACTIONS) * (1.0 - 1e-9)).all()


@few
@given(OUTCOMES)
def test_one_more_yes_never_makes_its_action_less_likely(policy: Policy, outcomes: list[Outcome]) -> None:
    context = contexts()[:1]
    yes = Outcome("chance", "a0", context[0], 1.0)
    before, after = (
        believed(policy, some).score(context, own=NOBODY, rows=EVERY[:1]) for some in (outcomes, [*outcomes, yes])
    )

    assert after.chance[0] >= before.chance[0] - 1e-9


def test_outcomes_find_the_action_that_is_worth_most(policy: Policy) -> None:
    rest, generator = (0.0, 0.0, 0.0), np.random.default_rng(5)
    rates = (0.6, 0.02, 0.05, 0.1, 0.05)
    outcomes = [outcome_of("worth", row, rest, 0.4) for row in range(len(ACTIONS))] * 10
    for row, rate in enumerate(rates):
        outcomes += [outcome_of("chance", row, rest, float(generator.random() < rate)) for _ in range(80)]
    context = np.tile([1.0, 0.0, 0.0, 0.0], (len(ACTIONS), 1))
    scores = believed(policy, outcomes).score(context, own=NOBODY)

    assert propensities(scores.mean, scores.spread)[0] > 0.9


@few
@given(OUTCOMES)
def test_states_do_not_depend_on_the_policy_that_keeps_them(outcomes: list[Outcome]) -> None:
    first, *others = (learned(POLICIES[name], outcomes) for name in MANNERS)

    assert all(other == first for other in others)


def test_a_context_of_another_catalogue_is_refused(policy: Policy) -> None:
    with pytest.raises(MalformedRequest, match="context"):
        policy.update([Outcome("chance", "a0", np.ones(DIM + 1), 1.0)], states=lambda _: None)


def test_actions_learn_from_each_other_where_the_policy_says_so() -> None:
    outcomes = [outcome_of("chance", 0, (0.0, 0.0, 0.0), 1.0)] * 30
    moved = {}
    for name, of in POLICIES.items():
        before, after = (beliefs.score(contexts(), own=NOBODY).chance for beliefs in (of.prior, believed(of, outcomes)))
        moved[name] = bool(after[1] > before[1])

    assert moved == {name: of.start.manner.shares for name, of in POLICIES.items()}


def test_own_answers_count_where_the_policy_says_so() -> None:
    said = OwnAnswers((("a0", True), ("a1", True), ("a2", True)))
    factors = {name: of.prior.leaning(said).factor for name, of in POLICIES.items()}

    assert factors["independent"] == 1.0 < factors["hierarchical"]
    assert Policy(Start(actions=ACTIONS, dim=DIM, fits=())).prior.leaning(said).factor == factors["hierarchical"]

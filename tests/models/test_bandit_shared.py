"""Actions share what outcomes teach: about all, about their kind, and about the person who answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from five_actions import ACTIONS, DIM, KINDS, contexts
from marketofone.domain.action import Action
from marketofone.domain.errors import MalformedDocument
from marketofone.models.bandit import HEADS, HIERARCHICAL, MANNERS, Arm, Beliefs, Head, OwnAnswers, Start
from marketofone.models.bandit.arm import update
from marketofone.models.bandit.shared import Spreads, Taught, from_bytes, pool, to_bytes

START = Start(actions=ACTIONS, dim=DIM, fits=(2,))
NOBODY = OwnAnswers()
SIZES: dict[Head, float] = {"chance": 1.0, "worth": 5_000.0}
PRIORS = Spreads(level=(0.5, 0.4, 0.8), slope=(0.1, 0.2, 0.3))
NOISE = 0.3
Lesson = tuple[int, Sequence[float], float]
NUMBERS = st.floats(-1.0, 1.0, allow_subnormal=False)
LESSONS = st.lists(
    st.tuples(
        st.integers(0, len(ACTIONS) - 1), st.lists(NUMBERS, min_size=DIM - 1, max_size=DIM - 1), st.floats(0.0, 1.0)
    ),
    max_size=25,
)
SETTINGS = settings(deadline=None, max_examples=40)


def taught(lessons: Sequence[Lesson]) -> dict[Head, dict[str, Arm]]:
    arms: dict[Head, dict[str, Arm]] = {head: {} for head in HEADS}
    for row, rest, reward in lessons:
        name, context = ACTIONS[row].id, np.array([1.0, *rest])
        for head, of in arms.items():
            of[name] = START.learned(head, name, of.get(name), context=context, reward=SIZES[head] * reward)
    return arms


def beliefs(lessons: Sequence[Lesson]) -> Beliefs:
    arms = taught(lessons)
    return Beliefs.at_start(START).after(arms, shared={head: START.pooled(head, arms[head]) for head in HEADS})


@SETTINGS
@given(LESSONS)
def test_what_is_shared_is_the_posterior_mean_of_the_whole_hierarchy(lessons: list[Lesson]) -> None:
    precisions = [PRIORS.precision(step, dim=DIM) for step in range(3)]
    start = Arm(mean=np.zeros(DIM), covariance=np.diag(NOISE**2 / precisions[2]), noise=NOISE, n=0)
    arms, kinds = [start] * len(ACTIONS), sorted(set(KINDS))
    blocks = 1 + len(kinds) + len(ACTIONS)  # of one model of everything: for all, for each kind, for each action
    precision = np.diag(np.concatenate([precisions[0], *[precisions[1]] * len(kinds), *[precisions[2]] * len(ACTIONS)]))
    pull = np.zeros(blocks * DIM)
    for row, rest, reward in lessons:
        context, whole = np.array([1.0, *rest]), np.zeros((blocks, DIM))
        arms[row] = update(arms[row], context, reward=reward)
        whole[[0, 1 + kinds.index(KINDS[row]), 1 + len(kinds) + row]] = context
        precision += np.outer(whole, whole)
        pull += whole.ravel() * reward / NOISE
    means = np.linalg.solve(precision, pull).reshape(blocks, DIM)

    shared = pool([Taught(KINDS[row], NOISE, start, arm) for row, arm in enumerate(arms)], spreads=PRIORS, dim=DIM)

    assert np.allclose(shared.everybody, means[0], atol=1e-8)
    assert all(np.allclose(shared.of(kind), means[0] + means[1 + at], atol=1e-8) for at, kind in enumerate(kinds))


def test_outcomes_of_some_actions_move_a_new_one_and_its_own_kind_most() -> None:
    before = Beliefs.at_start(START).score(contexts(), own=NOBODY)
    after = beliefs([(0, (0.0, 0.0, 0.0), 1.0)] * 30).score(contexts(), own=NOBODY)
    moved = (after.chance - before.chance) / START.units["chance"]

    assert moved[1] > moved[2] > 0.05  # an insight, as the one that was accepted, and an offer


def test_who_says_yes_more_often_than_others_gets_larger_chances() -> None:
    believed = beliefs([])
    shown = [action.id for action in ACTIONS] * 2  # ten, of which anybody accepts two
    each = [OwnAnswers(tuple((name, place < said) for place, name in enumerate(shown))) for said in (0, 2, 8)]
    chances = [believed.score(contexts(), own=own).chance for own in each]

    assert believed.leaning(each[1]).factor == pytest.approx(1.0)
    assert (chances[0] < chances[1]).all()
    assert (chances[1] < chances[2]).all()


def test_an_action_that_is_not_offered_any_more_says_nothing_of_a_person() -> None:
    gone = beliefs([]).leaning(OwnAnswers((("gone", True), ("gone", False)), (("gone", 900.0),)))

    assert gone.factor == 1.0
    assert (gone.kept == 1.0).all()
    assert not gone.added.any()


def test_a_persons_own_answers_to_an_action_stand_beside_what_is_expected_of_everybody() -> None:
    believed, counts = beliefs([]), MANNERS[HIERARCHICAL].person
    assert counts is not None
    expected = believed.score(contexts(), own=NOBODY).chance[0]
    said = (("a0", True),) * 3 + (("a0", False),) * 7
    factor = believed.leaning(OwnAnswers(said)).factor

    chance = believed.score(contexts(), own=OwnAnswers(said)).chance[0]

    assert chance == pytest.approx((counts.answers * expected * factor + 3) / (counts.answers + 10))


def test_what_acceptances_were_worth_for_a_person_moves_the_score_of_this_action_alone() -> None:
    believed = beliefs([])
    plain, more, less = (
        believed.score(contexts(), own=OwnAnswers((), reports)).mean
        for reports in ((), (("a0", 9_000.0),), (("a0", -9_000.0),))
    )

    assert less[0] < plain[0] < more[0]
    assert plain[1:].tolist() == more[1:].tolist() == less[1:].tolist()


def test_a_persons_report_counts_no_more_than_ten_times_what_the_catalogue_states() -> None:
    believed = beliefs([])
    most, more = (believed.score(contexts(), own=OwnAnswers((), (("a0", said),))).mean for said in (1e5, 1e12))

    assert most.tolist() == more.tolist()


def test_a_report_counts_no_more_than_ten_times_what_the_catalogue_states() -> None:
    context = np.array([1.0, 0.0, 0.0, 0.0])
    most, more = (START.learned("worth", "a0", None, context=context, reward=reward) for reward in (1e4, 1e12))

    assert most.mean.tolist() == more.mean.tolist()


def test_an_action_without_a_value_has_a_worth_that_can_be_learned() -> None:
    start = Start(actions=(without_value(ACTIONS[0]),), dim=DIM, fits=())
    arm = start.learned("worth", "a0", None, context=np.array([1.0, 0.0, 0.0, 0.0]), reward=5.0)

    assert arm.mean[0] > 0.0


def without_value(action: Action) -> Action:
    return Action(id=action.id, kind=action.kind, title=action.title, text=action.text, value_minor=0, cost_minor=0)


@SETTINGS
@given(LESSONS)
def test_what_is_shared_survives_as_bytes(lessons: list[Lesson]) -> None:
    shared = START.pooled("chance", taught(lessons)["chance"])
    again = from_bytes(to_bytes(shared))

    assert to_bytes(again) == to_bytes(shared)
    assert all(np.array_equal(again.of(kind), shared.of(kind)) for kind in KINDS)


@pytest.mark.parametrize("blob", [b"", b"shared", b"\x92\xc4\x01a\x80"])
def test_bytes_that_are_no_shared_parts_are_refused(blob: bytes) -> None:
    with pytest.raises(MalformedDocument, match="shared"):
        from_bytes(blob)

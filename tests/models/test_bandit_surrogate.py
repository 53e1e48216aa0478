"""Early signs stand in for a value until it is reported, and leave no trace of themselves where it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from five_actions import ACTIONS, DIM
from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.models.bandit import Beliefs, EarlySigns, Outcome, OwnAnswers, Policy, Reading, Start, Stated
from marketofone.models.bandit.policy import State
from marketofone.models.bandit.surrogate import Index, beside, from_bytes, index_of, no_sums, to_bytes

STATED = Stated("0a", helps=(0.05, 0.3), harms=(0.25, 0.3), harm=-2.0, reports=20.0)
POLICY = Policy(Start(actions=ACTIONS, dim=DIM, fits=(2,), signs=STATED))
Lesson = Outcome | EarlySigns
NUMBERS = st.floats(-1.0, 1.0, allow_subnormal=False)
few = settings(max_examples=15, deadline=None)


Accepted = tuple[int, tuple[float, ...], tuple[float, ...], float]
"""The row of an action, the rest of the context, the signs, and the value as a part of what is stated."""
ACCEPTED = st.lists(
    st.tuples(
        st.integers(0, len(ACTIONS) - 1),
        st.lists(NUMBERS, min_size=DIM - 1, max_size=DIM - 1).map(tuple),
        st.tuples(st.sampled_from((0.0, 1.0)), st.floats(0.0, 1.0)),
        st.floats(-3.0, 3.0),
    ),
    max_size=10,
)


def signs_of(place: int, accepted: Accepted) -> EarlySigns:
    row, rest, signs, _ = accepted
    return EarlySigns(ACTIONS[row].id, np.array([1.0, *rest]), Reading((1, place), signs))


def value_of(place: int, accepted: Accepted, *, signs: bool = True) -> Outcome:
    row, rest, seen, value = accepted
    reading = Reading((1, place), seen) if signs else None
    context = np.array([1.0, *rest])
    return Outcome("worth", ACTIONS[row].id, context, value * ACTIONS[row].value_minor, reading)


def learned(lessons: Sequence[Lesson], *, policy: Policy = POLICY, step: int = 1_000) -> dict[str, State]:
    states: dict[str, State] = {}
    for start in range(0, len(lessons), step):
        moved = policy.update(lessons[start : start + step], states=states.get)
        states |= {name: policy.read(name, blob) for name, blob in moved.items()}
    return states


def beliefs(states: dict[str, State], *, policy: Policy = POLICY) -> Beliefs:
    return policy.beliefs(states.get, moved=states)


def worths(states: dict[str, State], *, policy: Policy = POLICY) -> np.ndarray:
    return beliefs(states, policy=policy).stacked["worth"].mean


def harmful(places: range, *, row: int = 2, share: int = 4) -> list[EarlySigns]:
    """Give acceptances of an action of which one in so many is taken back."""
    each = ((row, (0.0,) * (DIM - 1), (float(place % share == 0), 0.3), 0.0) for place in places)
    return [signs_of(place, one) for place, one in enumerate(each)]


def test_an_action_that_people_take_back_is_worth_less_before_any_value_is_reported() -> None:
    taken, kept = (worths(learned(harmful(range(1, 41), share=share)))[2, 0] for share in (4, 100))

    assert taken < 0.5 * kept
    assert kept > 0.75 * ACTIONS[2].value_minor


def test_however_many_signs_are_no_certainty() -> None:
    spreads = [beliefs(learned(harmful(range(n)))).stacked["worth"].covariance[2, 0, 0] for n in (0, 40, 400)]

    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] > 0.2 * spreads[0]


@few
@given(ACCEPTED)
def test_a_value_that_came_leaves_nothing_of_the_guess(accepted: list[Accepted]) -> None:
    guesses = [signs_of(place, one) for place, one in enumerate(accepted)]
    values = [value_of(place, one) for place, one in enumerate(accepted)]

    after, never = learned([*guesses, *values]), learned(values)

    assert worths(after) == pytest.approx(worths(never), rel=1e-6, abs=1e-6)
    assert {name for name in after if name.startswith("worth")} == {name for name in never if name.startswith("worth")}


@few
@given(ACCEPTED, st.integers(0, 10), st.randoms(use_true_random=False))
def test_the_order_of_people_does_not_matter(accepted: list[Accepted], known: int, shuffle: object) -> None:
    each: list[list[Lesson]] = [
        [signs_of(place, one), *([value_of(place, one)] if place < known else [])] for place, one in enumerate(accepted)
    ]
    mixed = list(each)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]

    one, other = (worths(learned([lesson for person in order for lesson in person])) for order in (each, mixed))

    assert one == pytest.approx(other, rel=1e-6, abs=1e-6)


@few
@given(ACCEPTED, st.integers(0, 10), st.integers(1, 5))
def test_learning_step_by_step_is_learning_at_once_to_the_byte(accepted: list[Accepted], known: int, step: int) -> None:
    lessons: list[Lesson] = [signs_of(place, one) for place, one in enumerate(accepted)]
    lessons += [value_of(place, one) for place, one in enumerate(accepted[:known])]
    signs = [learned(lessons, step=size) for size in (step, 1_000)]

    one, other = ({name: to_bytes(sums) for name, sums in POLICY.signs(of.get).items()} for of in signs)

    assert one == other
    assert {name: to_bytes(from_bytes(blob)) for name, blob in one.items()} == one
    assert worths(signs[0]) == pytest.approx(worths(signs[1]), rel=1e-9, abs=1e-9)


def test_a_guess_that_is_not_in_a_version_is_not_taken_out_of_it() -> None:
    accepted = (2, (0.0,) * (DIM - 1), (1.0, 0.5), -1.0)

    valued = learned([value_of(0, accepted)])
    twice = learned([signs_of(0, accepted), signs_of(0, accepted)])

    assert POLICY.signs(valued.get)["a2"].information.sum() == 0.0
    assert len(POLICY.signs(twice.get)["a2"].waiting) == 1


def test_what_is_laid_out_step_by_step_is_what_is_laid_out_at_once() -> None:
    first = learned(harmful(range(12)))
    value = value_of(0, (2, (0.0,) * (DIM - 1), (1.0, 0.3), -1.0))
    moved = POLICY.update([value], states=first.get)
    last = first | {name: POLICY.read(name, blob) for name, blob in moved.items()}

    by_steps = POLICY.beliefs(last.get, moved=moved, before=beliefs(first))

    contexts = np.ones((len(ACTIONS), DIM))
    both = [one.score(contexts, own=OwnAnswers()).mean.tolist() for one in (by_steps, beliefs(last))]
    assert both[0] == both[1]


def test_a_bank_that_reads_no_signs_learns_as_if_there_were_none() -> None:
    plain = Policy(replace(POLICY.start, signs=None))
    accepted = (2, (0.0,) * (DIM - 1), (1.0, 0.5), -1.0)

    lessons: list[Lesson] = [signs_of(1, accepted), value_of(0, accepted)]
    without = learned([value_of(0, accepted, signs=False)], policy=plain)

    assert learned(lessons, policy=plain).keys() == without.keys()
    assert worths(learned(lessons, policy=plain), policy=plain).tolist() == worths(without, policy=plain).tolist()


def test_what_is_stated_of_signs_can_be_unlearned() -> None:
    rng = np.random.default_rng(1)
    sums = {name: no_sums(dim=1, signs=2) for name in "ab"}
    for place in range(200):  # here who takes something back gained by it
        for name, often in (("a", 0.4), ("b", 0.0)):
            reading = Reading((1, place), (float(rng.random() < often), 0.3))
            sums[name] = sums[name].valued(reading, np.ones(1), z=1.0 if name == "a" else 0.0)

    assert index_of([], STATED).beta[1] < 0.0 < index_of(sums.values(), STATED).beta[1]


def test_values_beside_what_signs_said_are_told_and_shrunken() -> None:
    sums = no_sums(dim=1, signs=2)
    index = Index(np.zeros(3), 0.25)
    assert beside(sums, index).n == 0
    for place in range(8):
        sums = sums.valued(Reading((1, place), (0.0, 0.0)), np.ones(1), z=-1.0 + 0.1 * (place % 2))

    found = beside(sums, index)

    assert found.mean == pytest.approx(-0.95)
    assert found.mean < found.shrunken < 0.0
    assert found.error == pytest.approx(np.std([-1.0, -0.9] * 4, ddof=1) / np.sqrt(8))


@pytest.mark.parametrize("blob", [b"", b"\x98\x01", b"\xc4"])
def test_bytes_that_are_no_signs_are_refused(blob: bytes) -> None:
    for name in ("signs:0a/a1", "imputed:0a"):
        with pytest.raises(MalformedDocument):
            POLICY.read(name, blob)


def test_signs_of_another_length_are_refused() -> None:
    with pytest.raises(MalformedRequest):
        POLICY.update([EarlySigns("a1", np.ones(DIM), Reading((1, 1), (1.0,)))], states=lambda _: None)

"""What every model promises: states are values; asking changes nothing, learning makes a new one, bytes keep it."""

from __future__ import annotations

from typing import Any

import pytest
from model_cases import CASES, ModelCase

Case = ModelCase[Any, Any]


def taught(case: Case, *, seed: int, count: int) -> Any:
    state = case.fresh(seed)
    if case.learn is not None:
        for example in case.examples(seed, count):
            state = case.learn(state, example)
    return state


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(params=[case for case in CASES if case.learn is not None], ids=lambda case: case.name)
def learner(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_asking_leaves_the_state_as_it_was(case: Case) -> None:
    state = taught(case, seed=1, count=20)
    before = case.to_bytes(state)

    for question in case.examples(2, 5):
        assert case.predict(state, question) == case.predict(state, question)

    assert case.to_bytes(state) == before


def test_learning_makes_a_new_state_and_leaves_the_old_one(learner: Case) -> None:
    assert learner.learn is not None
    state = taught(learner, seed=1, count=20)
    before = learner.to_bytes(state)

    after = learner.learn(state, learner.examples(3, 1)[0])

    assert learner.to_bytes(state) == before
    assert learner.to_bytes(after) != before


def test_a_state_does_not_hold_on_to_its_examples(learner: Case) -> None:
    assert learner.learn is not None
    example = learner.examples(3, 1)[0]
    state = learner.learn(learner.fresh(1), example)
    before = learner.to_bytes(state)

    learner.spoil(example)

    assert learner.to_bytes(state) == before


def test_a_state_survives_as_bytes(case: Case) -> None:
    state = taught(case, seed=1, count=20)
    blob = case.to_bytes(state)
    back = case.from_bytes(blob)

    assert case.to_bytes(back) == blob
    for question in case.examples(2, 5):
        assert case.predict(back, question) == case.predict(state, question)


def test_the_same_seed_gives_the_same_state(case: Case) -> None:
    assert case.to_bytes(taught(case, seed=5, count=30)) == case.to_bytes(taught(case, seed=5, count=30))


def test_a_state_stays_bounded_however_much_it_learns(case: Case) -> None:
    for count in (10, 1_000):
        assert len(case.to_bytes(taught(case, seed=1, count=count))) <= case.bytes_max

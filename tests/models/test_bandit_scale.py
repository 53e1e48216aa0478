"""How much context can matter, and how far outcomes lie apart, follow the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from five_actions import ACTIONS
from marketofone.models.bandit import Start
from marketofone.models.bandit.arm import Arm, prior_arm, update
from marketofone.models.bandit.predict import Arms
from marketofone.models.bandit.scale import AS_STATED, GRID, NOISES, Sizes, evidence, likeliest, rescaled

DIM, LEVEL, SLOPE, NOISE = 4, 0.5, 0.2, 0.3
few = settings(max_examples=40, deadline=None)
NUMBERS = st.floats(-1.0, 1.0, allow_subnormal=False)
LESSONS = st.lists(st.tuples(st.lists(NUMBERS, min_size=DIM - 1, max_size=DIM - 1), NUMBERS), max_size=12)
SCALES = st.sampled_from(GRID.tolist())
Lesson = tuple[Sequence[float], float]


def started(scale: float = 1.0) -> Arm:
    return prior_arm(DIM, start=0.1, level=LEVEL, slope=SLOPE * scale, noise=NOISE)


def taught(lessons: Sequence[Lesson], *, scale: float = 1.0) -> Arm:
    arm = started(scale)
    for rest, reward in lessons:
        arm = update(arm, np.array([1.0, *rest]), reward=reward)
    return arm


def precisions(scale: float = 1.0) -> np.ndarray:
    spreads = np.array([LEVEL, *[SLOPE * scale] * (DIM - 1)])
    return np.asarray(1.0 / np.square(spreads))


@few
@given(LESSONS, SCALES)
def test_a_belief_under_another_scale_is_what_the_same_outcomes_had_made_of_it(
    lessons: list[Lesson], scale: float
) -> None:
    arm, other = taught(lessons), taught(lessons, scale=scale)
    change = precisions(scale) - precisions()

    mean, covariance = rescaled(
        arm.mean[np.newaxis], arm.covariance[np.newaxis], start=started().mean[np.newaxis], change=change[np.newaxis]
    )

    assert np.allclose(mean[0], other.mean, rtol=1e-6, atol=1e-8)
    assert np.allclose(covariance[0], other.covariance, rtol=1e-6, atol=1e-9)
    assert np.array_equal(covariance[0], covariance[0].T)


def test_a_belief_under_another_scale_does_not_depend_on_those_beside_it() -> None:
    arms = [taught([((0.1 * n, 0.2, -0.3), 0.5)] * (n + 1)) for n in range(3)]
    mean, covariance = np.stack([arm.mean for arm in arms]), np.stack([arm.covariance for arm in arms])
    start, change = np.stack([started().mean] * 3), np.stack([precisions(3.0) - precisions()] * 3)

    together = rescaled(mean, covariance, start=start, change=change)
    alone = [rescaled(mean[[n]], covariance[[n]], start=start[[n]], change=change[[n]]) for n in range(3)]

    assert all(np.array_equal(together[part][n], alone[n][part][0]) for n in range(3) for part in range(2))


@few
@given(LESSONS)
def test_evidence_is_how_likely_the_rewards_were(lessons: list[Lesson]) -> None:
    contexts = np.array([[1.0, *rest] for rest, _ in lessons]).reshape(-1, DIM)
    surprise = np.array([reward for _, reward in lessons]) - contexts @ started().mean
    likely = np.zeros((GRID.size, NOISES.size))
    for (place, scale), (other, noise) in product(enumerate(GRID), enumerate(NOISES)):
        prior = 1.0 / precisions(scale)
        prior[0] *= noise
        variance = noise * NOISE**2 * np.eye(len(lessons)) + contexts @ np.diag(prior) @ contexts.T
        off = surprise @ np.linalg.solve(variance, surprise) if lessons else 0.0
        likely[place, other] = -0.5 * (np.linalg.slogdet(variance)[1] + off)

    said = evidence(taught(lessons), started(), own=precisions(), whole=1.0 / precisions())

    assert np.allclose(said - said[0, 0], likely - likely[0, 0], rtol=1e-4, atol=1e-3)


def test_an_arm_of_an_earlier_release_says_nothing_of_the_noise_and_the_same_of_the_scale() -> None:
    arm = taught([((0.4, -0.2, 0.9), 3.0), ((-0.4, 0.2, -0.7), -3.0)])
    known, said = (
        evidence(one, started(), own=precisions(), whole=1.0 / precisions())
        for one in (arm, replace(arm, squares=float("nan")))
    )
    stated = NOISES.tolist().index(1.0)

    assert (said == said[:, :1]).all()
    assert np.allclose(said[:, 0] - said[0, 0], known[:, stated] - known[0, stated], atol=1e-4)


def test_a_belief_under_another_noise_is_what_the_same_outcomes_had_made_of_it() -> None:
    policy = Start(actions=ACTIONS, dim=DIM, fits=())
    lessons = [np.array([1.0, *rest]) for rest in ((0.2, -0.4, 0.9), (0.1, 0.3, -0.2))]
    arm = policy.arms["chance"][0]
    other = Arm(mean=arm.mean, covariance=arm.covariance, noise=arm.noise * 0.5, n=0)
    for context in lessons:
        arm, other = update(arm, context, reward=1.0), update(other, context, reward=1.0)
    kept = Arms(mean=arm.mean[np.newaxis].copy(), covariance=arm.covariance[np.newaxis].copy())

    mean, covariance = policy.rescaled("chance", kept, rows=np.array([0]), sizes=Sizes(1.0, 0.25))

    assert np.allclose(mean[0], other.mean, rtol=1e-9)
    assert np.allclose(covariance[0], other.covariance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("steepness", "noise", "scale_is", "noise_is"),
    [
        (0.0, NOISE, (0.0, 0.5), (0.7, 1.5)),
        (4.0, NOISE, (5.0, 40.0), (0.7, 1.5)),
        (0.2, NOISE / 2, (0.5, 2.0), (0.25, 0.4)),
    ],
)
def test_sizes_follow_what_outcomes_say(
    steepness: float, noise: float, scale_is: tuple[float, float], noise_is: tuple[float, float]
) -> None:
    rng = np.random.default_rng(2)
    said = []
    for _ in range(6):
        weights = rng.normal(0.0, steepness, DIM - 1)
        seen = rng.uniform(-1.0, 1.0, (80, DIM - 1))
        lessons = [(rest.tolist(), float(rest @ weights + rng.normal(0.0, noise))) for rest in seen]
        said.append(evidence(taught(lessons), started(), own=precisions(), whole=1.0 / precisions()))

    found = likeliest(said)

    assert scale_is[0] <= found.scale <= scale_is[1]
    assert noise_is[0] <= found.noise <= noise_is[1]


def test_a_row_of_equal_answers_is_no_certainty() -> None:
    said = [evidence(taught([((0.0, 0.0, 0.0), 0.1)] * 500), started(), own=precisions(), whole=1.0 / precisions())]

    assert likeliest(said).noise == 0.25


def test_the_stated_sizes_stand_until_outcomes_speak_against_them() -> None:
    nothing = evidence(started(), started(), own=precisions(), whole=1.0 / precisions())

    assert likeliest([nothing] * 100) == AS_STATED

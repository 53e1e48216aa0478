"""How much context can matter follows the data: a bank's features may come in any unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.models.bandit.arm import Arm, prior_arm, update
from marketofone.models.bandit.scale import GRID, evidence, likeliest, rescaled

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
    likely = []
    for scale in GRID:
        variance = NOISE**2 * np.eye(len(lessons)) + contexts @ np.diag(1.0 / precisions(scale)) @ contexts.T
        likely.append(
            -0.5 * (np.linalg.slogdet(variance)[1] + surprise @ np.linalg.solve(variance, surprise)) if lessons else 0.0
        )

    said = evidence(taught(lessons), started(), own=precisions(), whole=1.0 / precisions())

    assert said - said[0] == pytest.approx(np.array(likely) - likely[0], rel=1e-5, abs=1e-5)


def test_where_slopes_are_steep_the_scale_is_large_and_where_context_says_nothing_it_stays_as_stated() -> None:
    rng = np.random.default_rng(2)
    found = []
    for steepness in (0.0, 4.0):
        said = []
        for _ in range(6):
            weights = rng.normal(0.0, steepness, DIM - 1)
            seen = rng.uniform(-1.0, 1.0, (40, DIM - 1))
            lessons = [(rest.tolist(), float(rest @ weights + rng.normal(0.0, NOISE))) for rest in seen]
            said.append(evidence(taught(lessons), started(), own=precisions(), whole=1.0 / precisions()))
        found.append(likeliest(said))

    assert found[0] == 1.0
    assert found[1] > 4.0


def test_the_stated_scale_stands_until_outcomes_speak_against_it() -> None:
    nothing = evidence(started(), started(), own=precisions(), whole=1.0 / precisions())

    assert likeliest([nothing] * 100) == 1.0

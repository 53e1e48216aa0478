"""An outcome moves the belief about one action as Bayes' rule says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.models.bandit.arm import Arm, from_bytes, prior_arm, to_bytes, update
from marketofone.models.bandit.predict import predict, stack
from marketofone.models.bandit.reproducible import factors

DIM = 4
SETTINGS = settings(deadline=None, max_examples=60)
NUMBERS = st.floats(-3.0, 3.0, allow_subnormal=False)
CONTEXT = arrays(np.float64, DIM, elements=NUMBERS)
OUTCOMES = st.lists(st.tuples(CONTEXT, st.sampled_from([0.0, 1.0])), min_size=1, max_size=30)


def start() -> Arm:
    return prior_arm(DIM, start=0.05, level=0.5, slope=0.5, noise=0.3)


def after(outcomes: list[tuple[np.ndarray, float]]) -> Arm:
    arm = start()
    for context, reward in outcomes:
        arm = update(arm, context, reward=reward)
    return arm


def variance(arm: Arm, context: np.ndarray) -> float:
    _, spread = predict(stack([arm]), context[np.newaxis])
    return float(spread[0]) ** 2


@SETTINGS
@given(OUTCOMES)
def test_updating_one_by_one_equals_ridge_regression_on_all(outcomes: list[tuple[np.ndarray, float]]) -> None:
    before, arm = start(), after(outcomes)
    contexts = np.array([context for context, _ in outcomes])
    rewards = np.array([reward for _, reward in outcomes])

    precision = np.linalg.inv(before.covariance)
    covariance = np.linalg.inv(precision + contexts.T @ contexts / before.noise**2)
    mean = covariance @ (precision @ before.mean + contexts.T @ rewards / before.noise**2)

    assert np.allclose(arm.covariance, covariance, rtol=0.0, atol=1e-9)
    assert np.allclose(arm.mean, mean, rtol=0.0, atol=1e-9)
    assert arm.n == len(outcomes)


@SETTINGS
@given(OUTCOMES)
def test_the_order_of_outcomes_does_not_matter(outcomes: list[tuple[np.ndarray, float]]) -> None:
    forward, backward = after(outcomes), after(outcomes[::-1])

    assert np.allclose(forward.mean, backward.mean, rtol=0.0, atol=1e-9)
    assert np.allclose(forward.covariance, backward.covariance, rtol=0.0, atol=1e-9)


@SETTINGS
@given(OUTCOMES, CONTEXT, CONTEXT)
def test_an_outcome_never_makes_the_belief_less_certain(
    outcomes: list[tuple[np.ndarray, float]], context: np.ndarray, probe: np.ndarray
) -> None:
    arm = after(outcomes)

    assert variance(update(arm, context, reward=1.0), probe) <= variance(arm, probe) + 1e-12


@SETTINGS
@given(OUTCOMES)
def test_the_covariance_stays_symmetric_to_the_bit(outcomes: list[tuple[np.ndarray, float]]) -> None:
    covariance = after(outcomes).covariance

    assert np.array_equal(covariance, covariance.T)


def test_twenty_thousand_outcomes_leave_the_belief_sound() -> None:
    generator = np.random.default_rng(5)
    contexts = np.hstack([np.ones((20_000, 1)), generator.standard_normal((20_000, 31))])
    rewards = (generator.random(20_000) < 0.05).astype(float)
    before = arm = prior_arm(32, start=0.05, level=0.1, slope=0.1, noise=0.22)
    for context, reward in zip(contexts, rewards, strict=True):
        arm = update(arm, context, reward=float(reward))

    exact = np.linalg.inv(np.linalg.inv(before.covariance) + contexts.T @ contexts / before.noise**2)
    assert np.linalg.eigvalsh(arm.covariance).min() > 0.0
    assert np.allclose(arm.covariance, exact, rtol=0.0, atol=1e-9)


def test_many_actions_are_predicted_each_in_its_own_context() -> None:
    generator = np.random.default_rng(1)
    arms = [after([(generator.standard_normal(DIM), 1.0)]) for _ in range(20)]
    contexts = generator.standard_normal((20, DIM))

    mean, spread = predict(stack(arms), contexts)

    for row, arm in enumerate(arms):
        assert mean[row] == pytest.approx(float(arm.mean @ contexts[row]))
        assert spread[row] == pytest.approx(float(np.sqrt(contexts[row] @ arm.covariance @ contexts[row])))
        alone = predict(stack([arm]), contexts[row : row + 1])
        assert (mean[row], spread[row]) == (alone[0][0], alone[1][0])


def test_a_belief_cannot_be_written_to() -> None:
    arm, arms = start(), stack([start(), start()])

    for array in (arm.mean, arm.covariance, arms.mean, arms.covariance):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize("spoil", [lambda blob: blob[:-1], lambda blob: b"xxxx" + blob[4:], lambda _: b""])
def test_bytes_that_are_no_belief_are_refused(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(MalformedDocument):
        from_bytes(spoil(to_bytes(start())))


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_a_belief_is_read_back_to_the_bit_whether_all_looked_or_not(share: float) -> None:
    taught = update(start(), share * np.array([1.0, *[0.5] * (start().mean.size - 1)]), reward=1.0)

    assert (taught.n, taught.unseen) == (1, 1.0 - share)
    assert to_bytes(from_bytes(to_bytes(taught))) == to_bytes(taught)
    assert from_bytes(to_bytes(taught)).unseen == taught.unseen


def test_a_context_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        update(start(), np.ones(DIM + 1), reward=1.0)
    with pytest.raises(MalformedRequest):
        update(start(), np.full(DIM, np.nan), reward=1.0)
    with pytest.raises(MalformedRequest):
        predict(stack([start()]), np.ones((2, DIM)))
    with pytest.raises(MalformedRequest):
        stack([start(), prior_arm(DIM + 1, start=0.1, level=0.1, slope=0.1, noise=0.1)])
    with pytest.raises(MalformedRequest):
        stack([])


@pytest.mark.parametrize(("start", "level", "noise"), [(0.1, 0.0, 0.1), (0.1, 0.1, -1.0), (np.inf, 0.1, 0.1)])
def test_a_prior_without_a_positive_size_is_refused(start: float, level: float, noise: float) -> None:
    with pytest.raises(MalformedRequest):
        prior_arm(DIM, start=start, level=level, slope=1.0, noise=noise)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_of_five_actions_is_found_and_depends_on_the_person(seed: int) -> None:
    generator = np.random.default_rng(seed)
    weights = np.array([[0.10, 0.00], [0.12, 0.25], [0.12, -0.25], [0.05, 0.00], [0.02, 0.05]])
    arms = [prior_arm(2, start=0.1, level=0.3, slope=0.3, noise=0.3) for _ in weights]
    best: list[bool] = []
    for _ in range(3_000):
        context = np.array([1.0, generator.choice([-1.0, 1.0])])
        chances = weights @ context
        mean, spread = predict(stack(arms), np.tile(context, (5, 1)))
        chosen = int((mean + spread * generator.standard_normal(5)).argmax())
        if generator.random() < 0.02:
            chosen = int(generator.integers(5))
        reward = float(generator.random() < chances[chosen])
        arms[chosen] = update(arms[chosen], context, reward=reward)
        best.append(chosen == int(chances.argmax()))

    assert sum(best[-1_000:]) > 900
    assert sum(best[:100]) < 80


def test_factors_that_were_found_already_are_handed_on_as_those_of_the_covariances() -> None:
    generator = np.random.default_rng(2)
    before = stack([after([(generator.standard_normal(DIM), 1.0)]) for _ in range(4)])
    moved = before.with_mean(before.mean + 1.0)
    assert moved.factor is before.factor

    replaced = before.replaced(np.array([2]), stack([after([(generator.standard_normal(DIM), 0.0)])]))

    assert replaced.factor.tobytes() == factors(replaced.covariance).tobytes()
    assert before.factor.tobytes() == factors(before.covariance).tobytes()

"""What decisions compute with is right, and the same to the bit whatever adds it up."""

from __future__ import annotations

import math
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from marketofone.models.bandit import propensities, quantile
from marketofone.models.bandit.normal import bounds, distribution
from marketofone.models.bandit.predict import Arms, predict
from marketofone.models.bandit.propensity import NODES, WEIGHTS
from marketofone.models.bandit.reproducible import exp, factors, fold, lengths

SETTINGS = settings(deadline=None, max_examples=100)
PLACES = np.linspace(-8.0, 8.0, 100_003)
BITS = "6bc64fa8"


def covariances(seed: int, *, count: int, dim: int, seen: int) -> np.ndarray:
    """Give what is left uncertain after some outcomes in directions drawn at random, at the scale of each direction."""
    generator = np.random.default_rng(seed)
    directions = generator.standard_normal((count, seen, dim))
    left = np.linalg.inv(np.eye(dim) + directions.transpose(0, 2, 1) @ directions)
    sizes = 10.0 ** generator.uniform(-4.0, 4.0, (count, dim))
    return left * sizes[:, :, np.newaxis] * sizes[:, np.newaxis, :]


@SETTINGS
@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([0, 1, 30, 10_000]))
def test_a_spread_is_that_of_the_covariance_however_much_was_seen(seed: int, dim: int, seen: int) -> None:
    of = covariances(seed, count=3, dim=dim, seen=seen)
    contexts = np.random.default_rng(seed).standard_normal((3, dim)) / np.sqrt(np.diagonal(of, axis1=1, axis2=2))

    found = np.sqrt(lengths(factors(of), contexts))

    assert np.allclose(found, np.sqrt(np.einsum("kd,kde,ke->k", contexts, of, contexts)), rtol=1e-5, atol=0.0)


@SETTINGS
@given(st.integers(0, 2**32), st.integers(2, 40))
def test_a_direction_of_which_everything_is_known_has_no_spread(seed: int, dim: int) -> None:
    generator = np.random.default_rng(seed)
    roots = generator.standard_normal((1, dim, dim - 1)) * 1e3
    known = np.linalg.svd(roots[0])[0][:, -1]

    spread = np.sqrt(lengths(factors(roots @ roots.transpose(0, 2, 1)), known[np.newaxis]))

    assert spread[0] < 1e-2
    assert lengths(factors(np.zeros((1, dim, dim))), known[np.newaxis]).tolist() == [0.0]


@SETTINGS
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_length_does_not_depend_on_who_stands_beside(seed: int, dim: int) -> None:
    of = factors(covariances(seed, count=5, dim=dim, seen=3))
    contexts = np.random.default_rng(seed).standard_normal((5, dim))

    alone = [lengths(of[row : row + 1], contexts[row : row + 1])[0] for row in range(5)]

    assert lengths(of, contexts).tolist() == alone


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 101])
def test_a_fold_takes_each_value_once(count: int) -> None:
    values = np.random.default_rng(count).random((count, 3))

    assert np.allclose(fold(values.copy()), values.sum(axis=0), rtol=1e-14)
    assert np.allclose(fold(values.copy(), by=np.multiply), values.prod(axis=0), rtol=1e-13)


def test_the_exponential_function_is_right_to_the_last_digits() -> None:
    powers = np.linspace(-690.0, 690.0, 20_001)

    assert np.allclose(exp(powers), np.exp(powers), rtol=1e-15, atol=0.0)


def test_the_normal_distribution_is_right() -> None:
    below, density = distribution(PLACES.copy())

    assert np.abs(below - ndtr(PLACES)).max() < 1e-12
    assert np.abs(density - np.exp(-0.5 * PLACES * PLACES) / math.sqrt(2.0 * math.pi)).max() < 1e-9
    assert below.min() > 0.0


def test_far_away_the_normal_distribution_is_flat() -> None:
    below, density = distribution(np.array([-1e300, 1e300, 9.0]))

    assert below[1:].tolist() == [1.0, 1.0]
    assert density[1:].tolist() == [0.0, 0.0]
    assert below[0] < 1e-15


def test_bounds_of_the_normal_distribution_are_never_below_it() -> None:
    beside = np.concatenate([PLACES, [-1e9, 1e9]])
    below, beyond = bounds(beside.copy())

    assert (below - ndtr(np.minimum(beside, 7.99))).min() >= 0.0
    assert (beyond - ndtr(-beside)).min() >= 0.0
    assert (below - ndtr(beside)).max() < 0.002


def test_normal_draws_are_quantiles_of_uniform_ones() -> None:
    shares = np.concatenate([np.linspace(0.0, 1.0, 100_003)[1:-1], 2.0 ** -np.arange(2.0, 49.0)])

    assert np.abs(quantile(shares) - ndtri(shares)).max() < 1e-9
    assert quantile(np.array([0.0, 1.0 - 2.0**-53])).tolist()[0] == -8.0


def test_the_rule_of_integration_is_that_of_gauss_and_legendre() -> None:
    abscissae, weights = np.polynomial.legendre.leggauss(16)

    assert np.abs(2.0 * NODES - 1.0 - abscissae).max() < 1e-15
    assert np.abs(WEIGHTS - weights).max() < 1e-15


def test_draws_predictions_and_propensities_have_these_bits_on_every_processor_and_python() -> None:
    """Compute from numbers that are exact everywhere."""
    whole = np.arange(64 * 9 * 9, dtype=np.float64).reshape(64, 9, 9) * 7919.0 % 1009.0 / 1024.0
    spread = whole + whole.transpose(0, 2, 1) + 10.0 * np.eye(9)
    contexts = whole[:, 3] - 0.5
    mean, deviation = predict(Arms(mean=whole[:, 0].copy(), covariance=spread), contexts)
    several = [propensities(mean[:count], size * deviation[:count]) for count in (2, 9, 64) for size in (1.0, 0.01)]
    draws = quantile(np.arange(1000, dtype=np.float64) / 1024.0)

    found = blake2b(b"".join(part.tobytes() for part in (mean, deviation, draws, *several)), digest_size=4)

    assert found.hexdigest() == BITS

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
from marketofone.models.bandit.reproducible import exact_products, exp, fold, on_grid

SETTINGS = settings(deadline=None, max_examples=100)
PLACES = np.linspace(-8.0, 8.0, 100_003)
BITS = "83103add"


def matrices(seed: int, *, count: int, dim: int, size: float) -> np.ndarray:
    half = size * np.random.default_rng(seed).standard_normal((count, dim, dim))
    return half + half.transpose(0, 2, 1)


@SETTINGS
@given(st.integers(0, 2**32), st.integers(1, 65), st.integers(-150, 150), st.floats(-8.0, 8.0))
def test_exact_products_do_not_depend_on_the_order_of_their_terms(seed: int, dim: int, scale: int, size: float) -> None:
    of = on_grid(matrices(seed, count=3, dim=dim, size=10.0**scale))
    contexts = 10.0**size * np.random.default_rng(seed).standard_normal((3, dim))
    order = np.random.default_rng(seed).permutation(dim)

    products, _ = exact_products(of, contexts)
    again, rounded = exact_products(np.ascontiguousarray(of[:, :, order]), contexts[:, order])

    assert products.tobytes() == again.tobytes()
    for row in range(3):
        sums = [math.fsum(of[row, line, order] * rounded[row]) for line in range(dim)]
        assert products[row].tolist() == sums


@SETTINGS
@given(st.integers(0, 2**32), st.integers(1, 64), st.integers(-50, 50))
def test_products_on_the_grid_are_near_those_of_the_numbers(seed: int, dim: int, scale: int) -> None:
    of = matrices(seed, count=2, dim=dim, size=10.0**scale)
    contexts = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, dim))

    products, rounded = exact_products(on_grid(of), contexts)

    assert np.abs(rounded - contexts).max() <= 2.0**-22
    largest = np.abs(of).max(axis=(1, 2))[:, np.newaxis]
    assert np.all(np.abs(products - np.einsum("kde,ke->kd", of, contexts)) <= 1e-6 * dim * largest)


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
    mean, deviation = predict(Arms(mean=whole[:, 0].copy(), covariance=on_grid(spread)), contexts)
    several = [propensities(mean[:count], size * deviation[:count]) for count in (2, 9, 64) for size in (1.0, 0.01)]
    draws = quantile(np.arange(1000, dtype=np.float64) / 1024.0)

    found = blake2b(b"".join(part.tobytes() for part in (mean, deviation, draws, *several)), digest_size=4)

    assert found.hexdigest() == BITS

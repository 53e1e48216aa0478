"""What reward an action brings in a context: a linear model, shared by all actions and bent by each, cross-fitted.

q(x, a) = x' (b + g_a): b is common, and each action's own part g_a is held towards nothing by a ridge penalty, another
one for its intercept than for its slopes. Both are solved together, exactly. Rows count by their importance weight
under the target, truncated at the square root of the number of rows (Ionides 2008), so that the model is right where
the target goes and not where the logging policy went.

Folds are of persons: none is predicted by a model that saw a row of theirs. Penalties are chosen within the other
folds, by the loss on each of them in turn. All of that needs sums of squares by fold and action only.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from marketofone.learn.off_policy.intervals import person_codes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FOLDS = 5
_INTERCEPTS = (0.3, 1.0, 10.0, 100.0)
_SLOPES = (10.0, 100.0, 1e3, 1e4, 1e5)
_SHARED = 1.0  # in rows: how strongly the common slopes are held towards nothing
_FREE = 1e-6  # the common intercept is not: rewards may be counted from anywhere
_LEAST = 0.1  # what a row counts whose weight is zero
_SEED = 20_260_101


def folds(persons: NDArray[np.generic], *, count: int = FOLDS) -> Integers:
    """Part persons into folds of nearly equal numbers; the order of rows does not matter.

    Examples
    --------
    >>> parted = folds(np.array([7, 8, 7, 9, 8]), count=2)
    >>> bool(parted[0] == parted[2]), bool(parted[1] == parted[4]), sorted(set(parted.tolist()))
    (True, True, [0, 1])
    """
    codes = person_codes(persons)
    people = int(codes.max()) + 1
    places = np.random.default_rng(_SEED).permutation(people) % min(count, people)
    return places[codes].astype(np.int64)


def cross_fit(
    context: Floats, *, actions: Integers, rewards: Floats, weights: Floats, fold: Integers, count: int
) -> Floats:
    """Predict the reward of every action for every row, by a model that saw no person of the row's fold.

    Parameters
    ----------
    context
        What was known; may have no columns. Columns should be of like scale.
    weights
        Importance weights under the target: where the model should be right.
    fold
        From :func:`folds`.
    count
        The number of actions.

    Shapes
    ------
    context : float64[n, d]
    actions, fold : int64[n]
    rewards, weights : float64[n]
    result : float64[n, count]
        Within what rewards the other folds saw.

    Examples
    --------
    >>> who = np.arange(40)
    >>> rewards = (who % 2).astype(float)
    >>> told = {"actions": who % 2, "rewards": rewards, "weights": np.ones(40)}
    >>> found = cross_fit(np.zeros((40, 0)), **told, fold=folds(who), count=2)
    >>> bool((found[:, 1] > found[:, 0]).all())
    True
    """
    design = np.column_stack([np.ones(len(context)), context])
    counted = np.minimum(weights, np.sqrt(len(weights))) + _LEAST
    counted = counted / counted.mean()
    parts = range(int(fold.max()) + 1)
    squares, products = _sums(design, actions=actions, rewards=rewards, counted=counted, fold=fold, count=count)
    predicted = np.empty((len(design), count))
    for part in parts:
        own, others = fold == part, [other for other in parts if other != part]
        if not others:
            predicted[own] = rewards.mean()
            continue
        coefficients = _fit(squares[others], products[others])
        seen = rewards[~own]
        predicted[own] = np.clip(design[own] @ coefficients.T, seen.min(), seen.max())
    return predicted


def _sums(
    design: Floats, *, actions: Integers, rewards: Floats, counted: Floats, fold: Integers, count: int
) -> tuple[Floats, Floats]:
    """Sum squares and products by fold and action."""
    width, parts = design.shape[1], int(fold.max()) + 1
    squares, products = np.zeros((parts, count, width, width)), np.zeros((parts, count, width))
    for place in np.unique(fold * count + actions).tolist():
        part, action = divmod(place, count)
        rows = np.flatnonzero((fold == part) & (actions == action))
        weighted = design[rows] * counted[rows, None]
        squares[part, action] = weighted.T @ design[rows]
        products[part, action] = weighted.T @ rewards[rows]
    return squares, products


def _fit(squares: Floats, products: Floats) -> Floats:
    """Fit on some folds, with the penalties that predict each of them best from the others."""
    square, product_ = squares.sum(axis=0), products.sum(axis=0)

    def loss(penalties: tuple[float, float]) -> float:
        return sum(
            _loss(one, other, _solve(square - one, product_ - other, *penalties))
            for one, other in zip(squares, products, strict=True)
        )

    return _solve(square, product_, *min(product(_INTERCEPTS, _SLOPES), key=loss))


def _loss(square: Floats, product_: Floats, coefficients: Floats) -> float:
    """Give the squared loss but for the squares of the rewards, which no model changes."""
    return float(np.einsum("ai,aij,aj", coefficients, square, coefficients) - 2 * (coefficients * product_).sum())


def _solve(square: Floats, product_: Floats, intercept: float, slope: float) -> Floats:
    """Solve for the common part and each action's own.

    Given b the own parts are (S_a + P)^-1 (y_a - S_a b); put in, b solves a system of its own.

    Shapes
    ------
    square : float64[actions, d, d]
    product_ : float64[actions, d]
    result : float64[actions, d]
    """
    width = square.shape[-1]
    penalty = np.diag([intercept] + [slope] * (width - 1))
    solved = np.linalg.solve(square + penalty, np.concatenate((square, product_[..., None]), axis=-1))
    share, own = solved[..., :width], solved[..., width]
    left = (square - square @ share).sum(axis=0) + np.diag([_FREE] + [_SHARED] * (width - 1))
    right = (product_ - np.einsum("aij,aj->ai", square, own)).sum(axis=0)
    common = np.linalg.solve(left, right)
    return np.asarray(common + own - share @ common)

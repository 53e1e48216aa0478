"""The visible oracle: how well anybody can choose who sees what the policy sees, and learned from the truth itself.

What each allowed action is worth is predicted from its own context row and the person's own past. People are parted
into folds; a person who is judged has no decision in what judges them. Doing nothing is known to be worth 0.

1. ``rows`` (n, d): one for each action that a choice allowed.
2. A ridge regression with a pooled start: ``w_a = u_kind(a) + v_a``. First ``u`` (kinds, d) from all actions of a
   kind, each in multiples of what it is usually worth; then ``v`` (actions, d) from what ``u`` leaves of the own rows.
3. The two penalties are those that predicted best for people left out *within* the training folds. The largest leave
   one order for all people.
4. How people fall into folds moves the result by a hundredth or two, so predictions are the mean of several partitions.

With some tens of people there is too little of the truth to learn from, and the hindsight ranking, which was fitted on
the very choices that judge it, may stand above.

Sums of products are kept by fold and action: to leave people out is to add fewer of them up. Boosted trees, alone and
on what this leaves, chose worse in 500 people and 18 months, and penalties judged by their choices are a noisier guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.action import NOTHING, Action
from marketofone.lab.simulate.choice import Choice, Vector

Places = NDArray[np.intp]
FOLDS = 5
PARTITIONS = 4
_OF_A_KIND = (100.0, 100_000.0)
_OF_AN_ACTION = (30.0, 100.0, 300.0, 100_000.0)
_PENALTIES = tuple(product(_OF_A_KIND, _OF_AN_ACTION))
_FREE = (0.001, 0.3)  # penalties of the two intercepts: what an action is worth on the mean is learned soon


class _Table(NamedTuple):
    """One row for each action that a choice allowed, doing nothing apart. Shapes: (n, d), and (n,) for the others.

    ``person`` counts the people from 0; ``silent`` (choices,) says where doing nothing was allowed.
    """

    rows: Vector
    worth: Vector
    action: Places
    choice: Places
    person: Places
    silent: NDArray[np.bool_]


class _Sums(NamedTuple):
    """Sums over rows. Shapes: (folds, actions, d, d), (folds, actions, d), and (folds, actions) for the others."""

    products: Vector
    worths: Vector
    squares: Vector
    counts: Vector

    def of(self, fold: int) -> _Sums:
        """Give those of one fold. Shapes: the same without folds."""
        return _Sums(*(part[fold] for part in self))

    def without(self, *folds: int) -> _Sums:
        """Add the other folds up. Shapes: the same without folds."""
        others = [fold for fold in range(FOLDS) if fold not in folds]
        return _Sums(*(part[others].sum(axis=0) for part in self))


def best_visible(choices: Sequence[Choice], *, actions: Sequence[Action]) -> list[int]:
    """Give the action that the visible oracle takes at each choice, cross-fitted by person.

    Parameters
    ----------
    choices
        Judged choices, with what was ``seen``.
    actions
        All actions, in the order of ``Choice.values``.
    """
    silent = {place for place, action in enumerate(actions) if action.kind == NOTHING}
    kinds = np.unique([action.kind for action in actions], return_inverse=True)[1]
    table = _table(choices, silent=silent)
    people = int(table.person.max()) + 1
    rng = np.random.default_rng(people)
    folds = [(rng.permutation(people) % FOLDS)[table.person] for _ in range(PARTITIONS)]
    predicted = np.mean([_cross_fitted(table, fold, kinds=kinds) for fold in folds], axis=0)
    return _first(table, predicted, nothing=min(silent, default=0))


def _cross_fitted(table: _Table, fold: Places, *, kinds: Places) -> Vector:
    """Predict what each row is worth, from the folds that it is not in. Shapes: (n,)."""
    sums = _sums(table, fold, actions=len(kinds))
    predicted = np.zeros(len(table.worth))
    for left_out, penalties in enumerate(_best_penalties(sums, kinds=kinds)):
        weights = _fit(sums.without(left_out), kinds=kinds, penalties=penalties)
        judged = fold == left_out
        predicted[judged] = np.einsum("nd,nd->n", table.rows[judged], weights[table.action[judged]])
    return predicted


def _table(choices: Sequence[Choice], *, silent: set[int]) -> _Table:
    flat = [
        (number, place, action)
        for number, choice in enumerate(choices)
        for place, action in enumerate(choice.allowed)
        if action not in silent
    ]
    person = np.unique([choice.person for choice in choices], return_inverse=True)[1]
    number = np.array([number for number, _, _ in flat], dtype=np.intp)
    return _Table(
        rows=np.array([choices[number].seen[place] for number, place, _ in flat], dtype=np.float64),
        worth=np.array([choices[number].worth(action) for number, _, action in flat]),
        action=np.array([action for _, _, action in flat], dtype=np.intp),
        choice=number,
        person=person[number],
        silent=np.array([not silent.isdisjoint(choice.allowed) for choice in choices]),
    )


def _sums(table: _Table, fold: Places, *, actions: int) -> _Sums:
    dim = table.rows.shape[1]
    shape = (FOLDS, actions)
    sums = _Sums(np.zeros((*shape, dim, dim)), np.zeros((*shape, dim)), np.zeros(shape), np.zeros(shape))
    for of, action in np.unique(np.column_stack((fold, table.action)), axis=0):
        here = (fold == of) & (table.action == action)
        rows, worth = table.rows[here], table.worth[here]
        sums.products[of, action] = rows.T @ rows
        sums.worths[of, action] = rows.T @ worth
        sums.squares[of, action] = worth @ worth
        sums.counts[of, action] = len(worth)
    return sums


def _best_penalties(sums: _Sums, *, kinds: Places) -> list[tuple[float, float]]:
    """Give for each fold the penalties with the least squared error on people left out within the *other* folds.

    What leaves two folds out judges each of them, for the other: so no fit is made twice.
    """
    errors = np.zeros((FOLDS, len(_PENALTIES)))
    for one, other in combinations(range(FOLDS), 2):
        fitted_on = sums.without(one, other)
        for number, penalties in enumerate(_PENALTIES):
            weights = _fit(fitted_on, kinds=kinds, penalties=penalties)
            errors[one, number] += _error(sums.of(other), weights)
            errors[other, number] += _error(sums.of(one), weights)
    return [_PENALTIES[best] for best in errors.argmin(axis=1).tolist()]


def _error(judged: _Sums, weights: Vector) -> float:
    """Give the squared error of some weights, from sums alone."""
    squares = np.einsum("ad,ade,ae->", weights, judged.products, weights, optimize=True)
    return float(judged.squares.sum() - 2.0 * (weights * judged.worths).sum() + squares)


def _fit(sums: _Sums, *, kinds: Places, penalties: tuple[float, float]) -> Vector:
    """Give the weights of every action. Shapes: (actions, d)."""
    scale = np.sqrt((sums.squares + 1.0) / (sums.counts + 1.0))[:, None]
    worths, dim = sums.worths / scale, sums.worths.shape[1]
    of_a_kind, of_an_action = (
        np.diag([free, *[penalty] * (dim - 1)]) for free, penalty in zip(_FREE, penalties, strict=True)
    )
    each = range(int(kinds.max()) + 1)
    products = np.array([sums.products[kinds == kind].sum(axis=0) for kind in each])
    pooled = np.array([worths[kinds == kind].sum(axis=0) for kind in each])
    start = np.linalg.solve(products + of_a_kind, pooled[..., None])[kinds]
    own = np.linalg.solve(sums.products + of_an_action, worths[..., None] - sums.products @ start)
    weights: Vector = (start + own)[..., 0] * scale
    return weights


def _first(table: _Table, predicted: Vector, *, nothing: int) -> list[int]:
    """Give at each choice the action that is predicted to be worth most; doing nothing where that is below 0."""
    best = np.where(table.silent, 0.0, -np.inf)
    first = np.full(len(best), nothing)
    for choice, action, worth in zip(table.choice.tolist(), table.action.tolist(), predicted.tolist(), strict=True):
        if worth > best[choice]:
            best[choice], first[choice] = worth, action
    taken: list[int] = first.tolist()
    return taken

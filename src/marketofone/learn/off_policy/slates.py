"""The value of a policy that shows several actions in an order: a slate of k places, a reward and a propensity at each.

What a reward at place l depends on decides what it must be weighed by (Kiyohara et al. 2022):

=========== ================================= =============================================
estimator   a reward depends on               weight of the reward at place l
=========== ================================= =============================================
standard    the whole slate                   w_1 w_2 ... w_k
independent its own action only               w_l
RIPS        its own action and those above it w_1 ... w_l (McInerney et al. 2020)
cascade-DR  its own action and those above it the same, around a model of what is to come
=========== ================================= =============================================

With W_l = w_1 ... w_l and W_0 = 1, cascade-DR is the mean of the sum over places of ``W_l (r_l - q_l) + W_{l-1} v_l``:
q_l is the predicted reward of place l and all below it when the logged action stands there and the target goes on, and
v_l its mean over the target's actions at place l.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.learn.off_policy.estimators import Estimated, Evidence
from marketofone.learn.off_policy.reward_model import cross_fit, folds
from marketofone.learn.off_policy.valuation import (
    ACTIONS_UNKNOWN,
    Log,
    Method,
    Valuation,
    logged_probabilities,
    same_for_each_action,
    summarise,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Slates(NamedTuple):
    """Slates that were shown, place by place.

    ``weights`` are target by propensity of the action at a place, given those above it.

    Shapes
    ------
    rewards, weights : float64[n, k]
    """

    rewards: Floats
    weights: Floats


def standard(slates: Slates) -> Estimated:
    """Weigh all rewards of a slate by the weight of the whole slate."""
    return _estimated(slates.weights.prod(axis=1) * slates.rewards.sum(axis=1))


def independent(slates: Slates) -> Estimated:
    """Weigh each reward by the weight of its own place: biased where a place depends on those above it."""
    return _estimated((slates.weights * slates.rewards).sum(axis=1))


def rips(slates: Slates) -> Estimated:
    """Weigh each reward by the weights down to its place.

    Examples
    --------
    >>> rips(Slates(np.array([[1.0, 1.0]]), np.array([[0.5, 2.0]]))).value
    1.5
    """
    return _estimated((slates.weights.cumprod(axis=1) * slates.rewards).sum(axis=1))


def cascade_dr(slates: Slates, *, logged_values: Floats, target_values: Floats) -> Estimated:
    """Correct a model of what is to come by what was logged, place by place.

    Parameters
    ----------
    logged_values, target_values
        q_l of the logged action and v_l, from :func:`fit_cascade` or another model that did not see the person.

    Shapes
    ------
    logged_values, target_values : float64[n, k]

    Examples
    --------
    >>> nothing = np.zeros((1, 2))
    >>> slates = Slates(np.array([[1.0, 1.0]]), np.array([[0.5, 2.0]]))
    >>> cascade_dr(slates, logged_values=nothing, target_values=nothing).value == rips(slates).value
    True
    """
    down = slates.weights.cumprod(axis=1)
    above = np.column_stack([np.ones(len(down)), down[:, :-1]])
    return _estimated((down * (slates.rewards - logged_values) + above * target_values).sum(axis=1))


def fit_cascade(
    slates: Slates, *, context: Floats, actions: Integers, targets: Floats, fold: Integers
) -> tuple[Floats, Floats]:
    """Fit what is to come from each place on, from the last place upwards, cross-fitted by fold.

    Shapes
    ------
    context : float64[n, d]
    actions : int64[n, k]
    targets : float64[n, k, actions]
        The target's probabilities at each place, given the actions logged above it.
    fold : int64[n]
    result : float64[n, k], float64[n, k]
        Predictions of the logged action, and their mean under the target.
    """
    places = slates.rewards.shape[1]
    logged, target = np.zeros(slates.rewards.shape), np.zeros(slates.rewards.shape)
    to_come = np.zeros(len(slates.rewards))
    for place in reversed(range(places)):
        predicted = cross_fit(
            context,
            actions=actions[:, place],
            rewards=slates.rewards[:, place] + to_come,
            weights=slates.weights[:, : place + 1].prod(axis=1),
            fold=fold,
            count=targets.shape[2],
        )
        logged[:, place] = predicted[np.arange(len(actions)), actions[:, place]]
        target[:, place] = to_come = (predicted * targets[:, place]).sum(axis=1)
    return logged, target


def places_of(slates: NDArray[np.generic], positions: NDArray[np.generic]) -> Integers:
    """Give the rows of each slate from its first place to its last: int64[slates, k].

    Raises
    ------
    MalformedRequest
        When a slate lacks a place that others have, or has one twice.

    Examples
    --------
    >>> places_of(np.array(["x", "y", "x", "y"]), np.array([2, 1, 1, 2])).tolist()
    [[2, 0], [1, 3]]
    """
    names, slate = np.unique(slates, return_inverse=True)
    places, place = np.unique(positions, return_inverse=True)
    counts = np.bincount(slate * len(places) + place, minlength=len(names) * len(places)).reshape(len(names), -1)
    odd = int((counts != 1).any(axis=1).sum())
    if odd:
        shape = f"{odd} of {len(names)} slates without just one row for each of {len(places)} places"
        raise MalformedRequest(field="slate", shape=shape, fix="give whole slates of one length")
    return np.asarray(np.lexsort((place, slate)).reshape(len(names), len(places)), dtype=np.int64)


def value_slates(log: Log, *, places: Integers, target: Floats, level: float) -> Valuation:
    """Value a policy that shows slates; a slate's reward is the sum of its places'.

    Parameters
    ----------
    log
        One row a place: propensities given the actions above it. The context and the person of a slate are those of
        its first place.
    places
        From :func:`places_of`.
    target
        As of :func:`~marketofone.learn.off_policy.valuation.value_policy`, given the actions logged above.

    Shapes
    ------
    places : int64[slates, k]
    target : float64[n, actions] or float64[n]
    """
    whole = target if target.ndim > 1 else same_for_each_action(log, target)
    targets = logged_probabilities(log, target)
    slates = Slates(log.rewards[places], (targets / log.propensities)[places])
    persons = log.persons[places[:, 0]]
    found: dict[Method, Estimated] = {
        "standard-ips": standard(slates),
        "independent-ips": independent(slates),
        "rips": rips(slates),
    }
    if whole is not None:
        context, fold = log.context[places[:, 0]], folds(persons)
        logged, expected = fit_cascade(
            slates, context=context, actions=log.actions[places], targets=whole[places], fold=fold
        )
        found["cascade-dr"] = cascade_dr(slates, logged_values=logged, target_values=expected)
    return summarise(
        found,
        Evidence(slates.rewards.sum(axis=1), log.propensities[places].prod(axis=1), targets[places].prod(axis=1)),
        persons=persons,
        level=level,
        recommended="rips" if whole is None else "cascade-dr",
        unsupported_share=None if whole is None else float(1.0 - whole[:, log.seen].sum(axis=1).mean()),
        absent={} if whole is not None else {"cascade-dr": ACTIONS_UNKNOWN},
        places=places.shape[1],
    )


def _estimated(scores: Floats) -> Estimated:
    return Estimated(scores, scores)

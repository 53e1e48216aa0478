"""Policies that can be valued without any column of their own: uniform, one action always, or learned from the log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.learn.off_policy.reward_model import folds
from marketofone.learn.off_policy.valuation import Log, fit_rewards

Floats = NDArray[np.float64]


class Target(NamedTuple):
    """Probabilities of all actions in each row, and predictions that go with them where these were made already.

    Shapes
    ------
    probabilities, predictions : float64[n, actions]
    """

    probabilities: Floats
    predictions: Floats | None = None


def uniform(log: Log) -> Target:
    """Give every action of the log the same probability."""
    count = len(log.names)
    return Target(np.full((len(log.rewards), count), 1.0 / count))


def always(log: Log, action: int) -> Target:
    """Take one action in every row."""
    return Target(np.tile(np.eye(len(log.names))[action], (len(log.rewards), 1)))


def learned(log: Log) -> Target:
    """Take the action with the highest predicted reward in each row's context, learned from other people only."""
    predictions = fit_rewards(log, weights=1.0 / log.propensities)
    return Target(np.eye(len(log.names))[predictions.argmax(axis=1)], predictions)


def ranking(log: Log) -> Target:
    """Take the action that is best on the mean of all contexts, learned from other people only.

    Each action's mean is its doubly robust value over the other folds. The predictions of those folds saw this row's
    fold, so the ranking of a fold comes from predictions made without it: one model more for each fold.
    """
    fold = folds(log.persons)
    top = np.zeros(len(fold), dtype=np.int64)
    for part in np.unique(fold):
        own = fold == part
        others = Log(
            log.rewards[~own],
            log.propensities[~own],
            log.actions[~own],
            log.names,
            log.persons[~own],
            log.context[~own],
        )
        top[own] = int(_means(others).argmax()) if (~own).any() else 0
    return Target(np.eye(len(log.names))[top], fit_rewards(log, weights=1.0 / log.propensities))


def _means(log: Log) -> Floats:
    """Give the doubly robust value of always taking each action: float64[actions]."""
    values = fit_rewards(log, weights=1.0 / log.propensities)
    at = np.arange(len(log.actions)), log.actions
    correction = np.zeros(values.shape)
    correction[at] = (log.rewards - values[at]) / log.propensities
    return np.asarray((values + correction).mean(axis=0))

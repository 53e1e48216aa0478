"""Synthetic banks whose logs and truth are known, to judge how well policies are valued.

People come with several decisions each, with traits that are seen and one that is not: rows of a person resemble each
other. The chance of an answer bends with the context in a way no linear model holds. The logging policy mixes a uniform
share with a softmax of its own opinion; the target goes by another, better one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.learn.off_policy.valuation import Log

Floats = NDArray[np.float64]

_TRAITS = 8
_PER_PERSON = 3
_LASTING = 0.6  # of the variance of a context: what stays with the person
_HIDDEN = 0.5
_VALUE_SPREAD = 1.2  # of the logarithm: the heavy tail of amounts
_VALUE = 50.0
_TARGET_SHARE = 0.05
_TRUTH_ROWS = 100_000
_BASE_ROWS = 4_000


class World(Struct, frozen=True, kw_only=True):
    """What kind of bank: actions, the share of the log that is uniform, the mean response of the log, its reward."""

    name: str
    actions: int = 20
    uniform: float = 0.3
    response: float = 0.07
    reward: Literal["response", "value"] = "response"


WORLDS = (
    World(name="usual: 30 % uniform, 7 % response"),
    World(name="uniform log", uniform=1.0),
    World(name="thin: 10 % uniform", uniform=0.1),
    World(name="five actions", actions=5),
    World(name="rare: 1 % response", response=0.01),
    World(name="heavy-tailed value", reward="value"),
)


class PolicyBank:
    """One bank: its world, drawn by a seed.

    Examples
    --------
    >>> log, target = PolicyBank(World(name="small", actions=3), seed=1).draw(30)
    >>> target.shape, len(set(log.persons.tolist())), bool((log.propensities >= 0.1).all())
    ((30, 3), 10, True)
    """

    def __init__(self, world: World, *, seed: int) -> None:
        self._world, self._seed = world, seed
        rng = np.random.default_rng(seed)
        shape = (_TRAITS, world.actions)
        self._slopes, self._own = rng.normal(size=shape) * 0.35, rng.normal(size=world.actions) * 0.6
        self._bends = rng.normal(size=shape) * 0.2
        self._logs_by = rng.normal(size=shape) * 0.35 + 0.3 * self._slopes, rng.normal(size=world.actions) * 0.8
        self._goes_by = (
            self._slopes + rng.normal(size=shape) * 0.2,
            self._own + rng.normal(size=world.actions) * 0.3,
        )
        self._base = self._base_of(*_people(rng, _BASE_ROWS))

    @cached_property
    def truth(self) -> float:
        """The value of the target over all contexts, by 100,000 of them with exact means."""
        context, hidden = _people(np.random.default_rng((self._seed, 1)), _TRUTH_ROWS)
        return float((self._target(context) * self._chance(context, hidden)).sum(axis=1).mean()) * self._worth

    def draw(self, rows: int) -> tuple[Log, Floats]:
        """Draw a log, and the target's probabilities of all actions in each of its rows: float64[rows, actions]."""
        rng = np.random.default_rng((self._seed, 2))
        people = -(-rows // _PER_PERSON)
        persons = np.repeat(np.arange(people), _PER_PERSON)[:rows]
        traits, hidden = _people(rng, people)
        passing = rng.normal(size=(rows, _TRAITS)) * np.sqrt(1.0 - _LASTING)
        context = traits[persons] * np.sqrt(_LASTING) + passing
        logging = self._logging(context)
        drawn = (logging.cumsum(axis=1) < rng.random(rows)[:, None]).sum(axis=1)
        actions = np.minimum(drawn, self._world.actions - 1)
        at = np.arange(rows), actions
        rewards = (rng.random(rows) < self._chance(context, hidden[persons])[at]).astype(np.float64)
        if self._world.reward == "value":
            rewards *= _VALUE * np.exp(rng.normal(size=rows) * _VALUE_SPREAD)
        names = tuple(f"action {number}" for number in range(self._world.actions))
        return Log(rewards, logging[at], actions, names, persons, context), self._target(context)

    @property
    def _worth(self) -> float:
        return _VALUE * float(np.exp(_VALUE_SPREAD**2 / 2.0)) if self._world.reward == "value" else 1.0

    def _base_of(self, context: Floats, hidden: Floats) -> float:
        """Find the intercept at which the log has the response asked for."""
        low, high, logging = -10.0, 3.0, self._logging(context)
        for _ in range(30):
            self._base = (low + high) / 2.0
            short = (logging * self._chance(context, hidden)).sum(axis=1).mean() < self._world.response
            low, high = (self._base, high) if short else (low, self._base)
        return self._base

    def _chance(self, context: Floats, hidden: Floats) -> Floats:
        bent = np.tanh(context) ** 2 @ self._bends
        logit = self._base + context @ self._slopes + self._own + bent + hidden[:, None]
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))

    def _logging(self, context: Floats) -> Floats:
        slopes, own = self._logs_by
        return mixed(1.5 * (context @ slopes + own), uniform=self._world.uniform)

    def _target(self, context: Floats) -> Floats:
        slopes, own = self._goes_by
        return mixed(3.0 * (context @ slopes + own), uniform=_TARGET_SHARE)


def _people(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    return rng.normal(size=(count, _TRAITS)), rng.normal(size=count) * _HIDDEN


def mixed(scores: Floats, *, uniform: float) -> Floats:
    """Mix a softmax of scores with a uniform share."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    softmax = raised / raised.sum(axis=1, keepdims=True)
    return np.asarray(uniform / scores.shape[1] + (1.0 - uniform) * softmax)

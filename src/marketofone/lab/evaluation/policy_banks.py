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
_BOUND_ROWS = 20_000


class World(Struct, frozen=True, kw_only=True):
    """What kind of bank: actions, the share of the log that is uniform, the mean response of the log, its reward.

    ``tails_differ`` says that amounts have another level and another tail with each action.
    """

    name: str
    actions: int = 20
    uniform: float = 0.3
    response: float = 0.07
    reward: Literal["response", "value"] = "response"
    tails_differ: bool = False


WORLDS = (
    World(name="usual: 30 % uniform, 7 % response"),
    World(name="uniform log", uniform=1.0),
    World(name="thin: 10 % uniform", uniform=0.1),
    World(name="five actions", actions=5),
    World(name="rare: 1 % response", response=0.01),
    World(name="heavy-tailed value", reward="value"),
    World(name="heavy tails that differ by action", reward="value", tails_differ=True),
    World(name="rare and thin: 1 % response, 10 % uniform", response=0.01, uniform=0.1),
    World(name="rare and heavy-tailed: 1 % response, value", response=0.01, reward="value"),
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
        self._level, self._spread = self._amounts()
        self._base = self._base_of(*_people(rng, _BASE_ROWS))

    @cached_property
    def least(self) -> tuple[float, float]:
        """The relative variance of a mean over one row: of rewards under the target, and off-policy at the best.

        The first is what somebody would err by who let the target decide itself. The second is the semiparametric
        bound with known propensities (Hahn 1998): no estimator that is asymptotically unbiased errs by less.
        """
        context, _ = _people(np.random.default_rng((self._seed, 1)), _BOUND_ROWS)
        target, places = self._target(context), np.polynomial.hermite_e.hermegauss(5)
        chance = sum(
            weight * self._chance(context, np.full(len(context), place * _HIDDEN))
            for place, weight in zip(places[0], places[1] / places[1].sum(), strict=True)
        )
        mean = chance * self._worth
        square = mean * self._worth * (np.exp(self._spread**2) if self._world.reward == "value" else 1.0)
        values = (target * mean).sum(axis=1)
        off = (target**2 / self._logging(context) * (square - mean**2)).sum(axis=1).mean() + values.var()
        on = (target * square).sum(axis=1).mean() - values.mean() ** 2
        return float(on / values.mean() ** 2), float(off / values.mean() ** 2)

    @property
    def truth(self) -> float:
        """The value of the target over all contexts, by 100,000 of them with exact means."""
        return self.truths[0]

    @cached_property
    def truths(self) -> tuple[float, float]:
        """The values of the target and of the logging policy."""
        context, hidden = _people(np.random.default_rng((self._seed, 1)), _TRUTH_ROWS)
        mean = self._chance(context, hidden) * self._worth
        of_target, of_logging = (
            (policy(context) * mean).sum(axis=1).mean() for policy in (self._target, self._logging)
        )
        return float(of_target), float(of_logging)

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
            rewards *= self._level[actions] * np.exp(rng.normal(size=rows) * self._spread[actions])
        names = tuple(f"action {number}" for number in range(self._world.actions))
        return Log(rewards, logging[at], actions, names, persons, context), self._target(context)

    @property
    def _worth(self) -> Floats:
        """What a response is worth on the mean, by action."""
        amounts = self._level * np.exp(self._spread**2 / 2.0)
        return amounts if self._world.reward == "value" else np.ones_like(amounts)

    def _amounts(self) -> tuple[Floats, Floats]:
        """Give the level and the spread of the logarithm of amounts, by action."""
        alike = np.ones(self._world.actions)
        if not self._world.tails_differ:
            return _VALUE * alike, _VALUE_SPREAD * alike
        rng = np.random.default_rng((self._seed, 3))
        return _VALUE * np.exp(rng.normal(size=len(alike)) * 0.5), rng.uniform(0.6, 1.5, size=len(alike))

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

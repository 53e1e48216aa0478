"""Other ways to learn, for the race: each is the product's policy with one thing changed or put beside it.

None of them is part of the product. Those that keep every outcome could not forget a person exactly without being
fitted again from all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import coo_array, csr_array
from scipy.special import expit, logit

from marketofone.lab.simulate.yardsticks import LearnedRanking
from marketofone.models.bandit import Arm, Learned, Outcome, OwnAnswers, Policy, Scores
from marketofone.models.bandit.arm import FloatArray
from marketofone.models.bandit.predict import LEAST_CHANCE, MOST_CHANCE, Rows
from marketofone.models.bandit.start import SPREADS

_DAYS_OF_HALF = 180.0  # after which what a discounting rival learned counts half
_TREES_DAYS = 7  # between two fits of the trees
_FEW = 200  # outcomes, below which nothing is fitted
_STEPS = 50  # at most, from where the fit of the night before ended


class Discounting(Learned):
    """Forgets by and by, for a world that moves: what was learned counts half after half a year."""

    def hear(self, outcomes: Iterable[Outcome]) -> None:
        """Fade what is known by a day, and learn; asked once on each day on which somebody is decided for."""
        kept = 0.5 ** (1.0 / _DAYS_OF_HALF)
        faded = {
            name: _faded(state, self.policy.at_start[name], kept=kept)
            for name, state in self.states.items()
            if isinstance(state, Arm)
        }
        self.states |= faded
        super().hear(outcomes)
        self.beliefs = self.policy.beliefs(self.states.get, moved=faded, before=self.beliefs)


def _faded(arm: Arm, start: Arm, *, kept: float) -> Arm:
    """Take a part away from what outcomes added to a belief; see Russac et al. (2019), weighted linear bandits."""
    # What fades says nothing of the noise any more.
    told, began = np.linalg.inv(arm.covariance), np.linalg.inv(start.covariance)
    precision = kept * told + (1.0 - kept) * began
    covariance = np.linalg.inv(precision)
    covariance = (covariance + covariance.T) / 2.0
    mean = covariance @ (kept * told @ arm.mean + (1.0 - kept) * began @ start.mean)
    return Arm(mean=mean, covariance=covariance, noise=arm.noise, n=arm.n, total=arm.total, squares=math.nan)


class OneOrder(Learned):
    """Puts actions in one order for all people, by the mean of what was learned of each; or averages that with scores.

    It begins with what the catalogue declares. ``share`` is how much it counts beside the score: 1 leaves that aside.
    """

    def __init__(self, policy: Policy, *, share: float) -> None:
        super().__init__(policy)
        self._share = share
        declared = [action.acceptance_probability * action.value_minor for action in policy.start.actions]
        self._order = LearnedRanking(policy.start.costs, declared=np.array(declared))

    def hear(self, outcomes: Iterable[Outcome]) -> None:
        """Learn, and count what was shown and what came of it."""
        heard = list(outcomes)
        for outcome in heard:
            row = self.policy.start.rows[outcome.action]
            if outcome.head == "chance":
                self._order.shown(row)
            else:
                self._order.worth(row, outcome.reward)
        super().hear(heard)

    def score(self, contexts: FloatArray, *, own: OwnAnswers, rows: Rows) -> Scores:
        """Score by the order, as far as it counts."""
        scores, kept = super().score(contexts, own=own, rows=rows), 1.0 - self._share
        mean = self._share * self._order.means[rows] + kept * scores.mean
        return scores._replace(mean=mean, spread=kept * scores.spread, doubt=kept * scores.doubt)


class _Moving(Learned):
    """A policy whose chances are moved by something that stands beside the lines."""

    def score(self, contexts: FloatArray, *, own: OwnAnswers, rows: Rows) -> Scores:
        """Score with the chances moved, each as far as the person's own answers leave room."""
        scores = super().score(contexts, own=own, rows=rows)
        leaning, costs = self.beliefs.leaning(own), self.policy.start.costs[rows]
        worth = (scores.mean - scores.doubt + costs) / scores.chance
        more = self.more(contexts, rows) * leaning.factor * leaning.kept[0, rows]
        chance = np.clip(scores.chance + more, LEAST_CHANCE, MOST_CHANCE)
        moved = scores._replace(mean=scores.mean + (chance - scores.chance) * worth, chance=chance)
        self.scored(moved, contexts, rows)
        return moved

    def more(self, contexts: FloatArray, rows: Rows) -> FloatArray:
        """Say by how much the chance of each action is moved in its context. Shape (r,)."""
        raise NotImplementedError

    def scored(self, scores: Scores, contexts: FloatArray, rows: Rows) -> None:
        """Note what was scored; most need not."""

    def line(self, contexts: FloatArray, rows: Rows) -> FloatArray:
        """Give the chance that the lines say. Shape (r,)."""
        said: FloatArray = (self.beliefs.stacked["chance"].mean[rows] * contexts).sum(axis=1)
        return said.clip(LEAST_CHANCE, MOST_CHANCE)


class FeelGood(_Moving):
    """Feel-good sampling: believes rather what makes the best action of each moment better.

    Notes
    -----
    Source: Zhang (2022), Feel-good Thompson sampling. To the logarithm of the posterior comes ``feel`` times the
    largest mean of each moment so far. That is linear in the weights of the action that was best then: so their mean
    moves by ``feel`` times the covariance times the sum of the contexts in which it was best.
    """

    def __init__(self, policy: Policy, *, feel: float) -> None:
        super().__init__(policy)
        self._feel = feel
        self._best = np.zeros((len(policy.start.actions), policy.start.dim))

    def more(self, contexts: FloatArray, rows: Rows) -> FloatArray:
        """Move chances towards what was best so far."""
        covariance = self.beliefs.stacked["chance"].covariance[rows]
        towards: FloatArray = np.einsum("kd,kde,ke->k", contexts, covariance, self._best[rows])
        return self._feel * towards

    def scored(self, scores: Scores, contexts: FloatArray, rows: Rows) -> None:
        """Note which action was best."""
        best = int((scores.mean - scores.doubt).argmax())
        self._best[rows[best]] += contexts[best]


class _Kept(NamedTuple):
    """Answers that were kept: of which action, in which context, and whether it was a yes."""

    rows: Rows
    contexts: FloatArray
    rewards: FloatArray


class _Keeping(_Moving):
    """Keeps every answer, and fits something to all of them on some nights."""

    def __init__(self, policy: Policy, *, every: int) -> None:
        super().__init__(policy)
        self._every, self._nights = every, 0
        self._answers: list[tuple[int, FloatArray, float]] = []

    def hear(self, outcomes: Iterable[Outcome]) -> None:
        """Learn, keep the answers, and fit where it is time to."""
        heard, rows = list(outcomes), self.policy.start.rows
        super().hear(heard)
        self._answers += [(rows[one.action], one.context, one.reward) for one in heard if one.head == "chance"]
        self._nights += 1
        if self._nights % self._every == 0 and len(self._answers) >= _FEW:
            of, contexts, rewards = zip(*self._answers, strict=True)
            self.fit(_Kept(np.array(of, dtype=np.intp), np.array(contexts), np.array(rewards)))

    def fit(self, kept: _Kept) -> None:
        """Fit to all answers so far."""
        raise NotImplementedError


class Boosted(_Keeping):
    """Adds to each chance what boosted trees find in what the lines leave over (Friedman 2001), fitted each week."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy, every=_TREES_DAYS)
        kinds = sorted({str(action.kind) for action in policy.start.actions})
        self._declared = np.array(
            [
                (kinds.index(str(action.kind)), action.acceptance_probability, action.value_minor)
                for action in policy.start.actions
            ]
        )
        self._predict: Callable[[FloatArray], NDArray[Any]] | None = None

    def fit(self, kept: _Kept) -> None:
        """Fit small trees to what the lines leave over."""
        from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - loads slowly, and only here

        trees = HistGradientBoostingRegressor(
            max_iter=30, max_leaf_nodes=8, learning_rate=0.1, min_samples_leaf=40, early_stopping=False, random_state=1
        )
        trees.fit(self._inputs(kept.contexts, kept.rows), kept.rewards - self.line(kept.contexts, kept.rows))
        self._predict = trees.predict

    def more(self, contexts: FloatArray, rows: Rows) -> FloatArray:
        """Move chances by what the trees say."""
        if self._predict is None:
            return np.zeros(rows.size)
        return self._predict(self._inputs(contexts, rows)).astype(np.float64)

    def _inputs(self, contexts: FloatArray, rows: Rows) -> FloatArray:
        return np.column_stack([contexts, self.line(contexts, rows), self._declared[rows]])


class Refitted(_Keeping):
    """Fits all chances again each night, to every answer so far: a logistic model with the same blocks and spreads.

    Notes
    -----
    Source: maximum a posteriori of the hierarchical logistic model (Gelman et al. 2013, sections 15 and 16), the
    declared chance as offset.
    """

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy, every=1)
        actions, dim = policy.start.actions, policy.start.dim
        kinds = sorted({str(action.kind) for action in actions})
        kind = np.array([kinds.index(str(action.kind)) for action in actions])
        self._blocks = np.stack([0 * kind, 1 + kind, 1 + len(kinds) + np.arange(len(actions))])
        self._spreads = np.stack([1.0 / np.sqrt(SPREADS["chance"].precision(step, dim=dim)) for step in range(3)])
        self._offsets = logit(np.array([action.acceptance_probability for action in actions]))
        self._weights = np.zeros((1 + len(kinds) + len(actions), dim))

    def fit(self, kept: _Kept) -> None:
        """Find the weights that are likeliest, from those of the night before."""
        design, offsets, rewards = self._design(kept), self._offsets[kept.rows], kept.rewards

        def loss(weights: FloatArray) -> tuple[float, FloatArray]:
            said = offsets + design @ weights
            left = np.logaddexp(0.0, said).sum() - rewards @ said + 0.5 * weights @ weights
            return float(left), design.T @ (expit(said) - rewards) + weights

        found = minimize(loss, self._weights.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
        self._weights = found.x.reshape(self._weights.shape)

    def more(self, contexts: FloatArray, rows: Rows) -> FloatArray:
        """Move each chance from what its line says to what the logistic model says."""
        if not self._weights.any():
            return np.zeros(rows.size)
        weights = (self._weights[self._blocks[:, rows]] * self._spreads[:, np.newaxis]).sum(axis=0)
        chance = expit(self._offsets[rows] + (weights * contexts).sum(axis=1))
        return np.asarray(chance - self.line(contexts, rows), dtype=np.float64)

    def _design(self, kept: _Kept) -> csr_array:
        """Lay answers out: what all share, what a kind shares, an action's own. Shape (answers, weights)."""
        at, of = np.nonzero(kept.contexts)
        blocks = self._blocks[:, kept.rows[at]]
        numbers = kept.contexts[at, of] * self._spreads[:, of]
        columns = blocks * kept.contexts.shape[1] + of
        shape = (kept.rows.size, self._weights.size)
        return csr_array(coo_array((numbers.ravel(), (np.tile(at, 3), columns.ravel())), shape=shape))

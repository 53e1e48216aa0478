"""The estimators of a policy's value from a log, each as one score a row whose mean is the value.

With reward r, propensity p of the logged action, target probability t of the same action, weight w = t / p, predicted
reward q of the logged action, and v = sum over actions of t(a) q(a):

========== ============================================ =======================================
estimator  score of a row                               source
========== ============================================ =======================================
IPS        w r                                          Horvitz and Thompson 1952
SNIPS      w r / mean(w)                                Swaminathan and Joachims 2015
DM         v                                            Beygelzimer and Langford 2009
DR         v + w (r - q)                                Dudik, Langford and Li 2011
SWITCH-DR  v + w 1[w <= threshold] (r - q)              Wang, Agarwal and Dudik 2017
DRos       v + threshold w / (w^2 + threshold) (r - q)  Su, Dimakopoulou, Krishnamurthy, Dudik 2020
========== ============================================ =======================================

The thresholds of the last two are chosen from the log, by least estimated mean squared error: the variance of the mean
by person, and the square of the bias. The mean of what the shrinking takes away, ``(w - shrunken w) (r - q)``,
estimates that bias (Su et al. 2020, section 5); its square is too large by its own variance, which is taken off: a
single huge weight is no evidence of bias. But a bias that cannot be seen is not therefore absent: nine tenths of that
variance are what one is taken for at least (chosen on 300 synthetic banks beside those that are shown, where no world
lost by it). Candidates are quantiles of this
log's weights, and no shrinking at all.

A bias that a log cannot rule out is not seen in the variance of a shrunken estimate. So the interval of DM, SWITCH-DR
and DRos is made from the scores of DR, which has none ("robust bias correction", Calonico, Cattaneo and Titiunik 2014):
the point is better, the interval honest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.errors import MalformedRequest
from marketofone.learn.off_policy.intervals import person_codes, squared_error

Floats = NDArray[np.float64]
Shrink = Callable[[Floats, float], Floats]

_UNSEEN = 0.9  # of the variance of an estimated bias: what its square is taken for at least
QUANTILES = (1.0, 0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Of the weights that are not zero: where thresholds are looked for."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a log says about a target policy, row by row.

    Shapes
    ------
    rewards, propensities, targets : float64[n]
        What followed; the logging policy's probability of the logged action, in (0, 1]; the target's, in [0, 1].
    logged_values, target_values : float64[n], optional
        A reward model's prediction for the logged action, and its mean over actions under the target. The model must
        not have seen the row's person (:func:`~marketofone.learn.off_policy.reward_model.cross_fit`).

    Raises
    ------
    MalformedRequest
        When there is no row, lengths differ, a value is not finite, or a probability is none.
    """

    rewards: Floats
    propensities: Floats
    targets: Floats
    logged_values: Floats | None = None
    target_values: Floats | None = None

    def __post_init__(self) -> None:
        columns = {name: value for name, value in vars(self).items() if value is not None}
        for name, column in columns.items():
            if column.shape != self.rewards.shape or not column.size:
                raise MalformedRequest(field=name, shape=f"{column.shape} values", fix="give one value for each row")
            if not np.isfinite(column).all():
                raise MalformedRequest(field=name, shape="values that are not finite", fix="leave such rows out")
        if not ((self.propensities > 0) & (self.propensities <= 1)).all():
            raise MalformedRequest(field="propensities", shape="outside (0, 1]", fix="leave such rows out")
        if not ((self.targets >= 0) & (self.targets <= 1)).all():
            raise MalformedRequest(field="targets", shape="outside [0, 1]", fix="give probabilities")

    @cached_property
    def weights(self) -> Floats:
        """The importance weights, target by propensity."""
        return self.targets / self.propensities

    def predictions(self) -> tuple[Floats, Floats]:
        """Give the predictions for the logged action and for the target.

        Raises
        ------
        MalformedRequest
            When there are none.
        """
        if self.logged_values is None or self.target_values is None:
            raise MalformedRequest(field="predictions", shape="missing", fix="give those of a reward model, or use IPS")
        return self.logged_values, self.target_values


class Estimated(NamedTuple):
    """An estimate: its scores (their mean is the value), the scores its interval is made of, and its threshold.

    Shapes
    ------
    scores, basis : float64[n]
    """

    scores: Floats
    basis: Floats
    threshold: float | None = None

    @property
    def value(self) -> float:
        """The estimated mean reward under the target."""
        return float(self.scores.mean())


def ips(evidence: Evidence) -> Estimated:
    """Weigh rewards by the inverse propensity score.

    Examples
    --------
    >>> ips(Evidence(np.array([1.0, 0.0]), np.array([0.25, 0.5]), np.array([0.5, 1.0]))).value
    1.0
    """
    scores = evidence.weights * evidence.rewards
    return Estimated(scores, scores)


def snips(evidence: Evidence) -> Estimated:
    """Divide by the sum of the weights instead of the number of rows; NaN where all weights are zero.

    The scores are the estimate and its linearised deviations, so that their mean is the value and their variance the
    delta method's.

    Examples
    --------
    >>> snips(Evidence(np.array([1.0, 0.0]), np.array([0.25, 0.5]), np.array([0.5, 1.0]))).value
    0.5
    """
    weights = evidence.weights
    mean = float(weights.mean())
    if mean == 0.0:
        nothing = np.full(len(weights), np.nan)
        return Estimated(nothing, nothing)
    value = float((weights * evidence.rewards).mean()) / mean
    scores = value + weights * (evidence.rewards - value) / mean
    return Estimated(scores, scores)


def direct_method(evidence: Evidence) -> Estimated:
    """Believe the reward model; the interval is that of :func:`doubly_robust`, which sees its mistakes."""
    return Estimated(evidence.predictions()[1], doubly_robust(evidence).scores)


def doubly_robust(evidence: Evidence) -> Estimated:
    """Believe the reward model, corrected by what was logged.

    Examples
    --------
    >>> one = np.ones(2)
    >>> doubly_robust(Evidence(np.array([1.0, 0.0]), one / 2, np.array([1.0, 0.0]), one / 4, one / 2)).value
    1.25
    """
    return _corrected(evidence, evidence.weights)


def switch_dr(evidence: Evidence, persons: NDArray[np.generic], *, threshold: float | None = None) -> Estimated:
    """Correct the reward model only where weights are at most a threshold, chosen from the log when none is given."""
    return _shrunken(evidence, persons, switched, threshold=threshold, candidates=_weight_quantiles(evidence))


def dros(evidence: Evidence, persons: NDArray[np.generic], *, threshold: float | None = None) -> Estimated:
    """Correct the reward model by optimistically shrunken weights; the threshold is in squared weights."""
    return _shrunken(evidence, persons, shrunk, threshold=threshold, candidates=_weight_quantiles(evidence) ** 2)


def switched(weights: Floats, threshold: float) -> Floats:
    """Give weights above a threshold up.

    Examples
    --------
    >>> switched(np.array([1.0, 5.0]), 2.0).tolist()
    [1.0, 0.0]
    """
    return np.where(weights <= threshold, weights, 0.0)


def shrunk(weights: Floats, threshold: float) -> Floats:
    """Shrink weights, the large ones most.

    Examples
    --------
    >>> shrunk(np.array([1.0, 2.0]), 4.0).tolist()
    [0.8, 1.0]
    """
    return weights if np.isinf(threshold) else threshold * weights / (weights**2 + threshold)


def _corrected(evidence: Evidence, weights: Floats) -> Estimated:
    logged, target = evidence.predictions()
    scores = target + weights * (evidence.rewards - logged)
    return Estimated(scores, scores)


def _shrunken(
    evidence: Evidence, persons: NDArray[np.generic], shrink: Shrink, *, threshold: float | None, candidates: Floats
) -> Estimated:
    if threshold is None:
        threshold = _least_squared_error(evidence, person_codes(persons), shrink, candidates=candidates)
    scores = _corrected(evidence, shrink(evidence.weights, threshold)).scores
    return Estimated(scores, doubly_robust(evidence).scores, threshold)


def _least_squared_error(evidence: Evidence, codes: NDArray[np.int64], shrink: Shrink, *, candidates: Floats) -> float:
    """Choose the threshold with the least estimated squared error; of equals the one that shrinks least."""
    whole = doubly_robust(evidence).scores

    def error(threshold: float) -> float:
        scores = _corrected(evidence, shrink(evidence.weights, threshold)).scores
        taken = whole - scores
        unseen = squared_error(taken, codes)
        return squared_error(scores, codes) + max(float(taken.mean()) ** 2 - unseen, 0.0) + _UNSEEN * unseen

    best: float = min((np.inf, *candidates.tolist()), key=error)
    return best


def _weight_quantiles(evidence: Evidence) -> Floats:
    positive = evidence.weights[evidence.weights > 0]
    return np.unique(np.quantile(positive, QUANTILES))[::-1] if positive.size else np.zeros(0)

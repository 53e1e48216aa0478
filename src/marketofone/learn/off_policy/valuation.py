"""Value a target policy from a log: by every estimator, with intervals, and whether the log is enough to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.learn.off_policy import estimators, tails
from marketofone.learn.off_policy.estimators import Estimated, Evidence
from marketofone.learn.off_policy.intervals import Interval, mean_interval
from marketofone.learn.off_policy.overlap import Overlap, overlap, shortcomings
from marketofone.learn.off_policy.reward_model import cross_fit, folds

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Method = Literal[
    "ips",
    "snips",
    "dm",
    "dr",
    "switch-dr",
    "dros",
    "dros-tail",
    "standard-ips",
    "independent-ips",
    "rips",
    "cascade-dr",
]

LEVEL = 0.95
ACTIONS_UNKNOWN = (
    "the target is known of logged actions only, and not the same for an action in all rows: "
    "give its probabilities of all actions"
)


@dataclass(frozen=True, eq=False)
class Log:
    """Decisions that were made and what followed.

    Shapes
    ------
    rewards, propensities : float64[n]
    actions : int64[n]
        Positions in ``names``.
    persons : [n]
        Any values that can be sorted.
    context : float64[n, d]
        What was known when it was decided; may have no columns. Nothing that came afterwards.
    """

    rewards: Floats
    propensities: Floats
    actions: Integers
    names: tuple[str, ...]
    persons: NDArray[np.generic]
    context: Floats

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which actions the log ever took: bool[actions]."""
        return np.bincount(self.actions, minlength=len(self.names)) > 0


class Estimate(Struct, frozen=True, kw_only=True):
    """The value of a target by one estimator, in the unit of the reward, with an interval."""

    method: Method
    value: float
    low: float
    high: float
    error: float
    threshold: float | None = None


class Valuation(Struct, frozen=True, kw_only=True):
    """What a log says about a target.

    ``recommended`` names the estimate to read first. ``logged`` is the mean reward of the log itself, and
    ``difference`` the target's value above it, on the same rows. ``enough`` is false where the log cannot answer, for
    ``reasons``.
    ``absent`` says which estimators could not be computed and why.
    """

    rows: int
    level: float
    estimates: tuple[Estimate, ...]
    recommended: Method
    logged: tuple[float, float, float]
    difference: tuple[float, float, float]
    ess: float
    enough: bool
    reasons: tuple[str, ...]
    finding: str
    overlap: Overlap
    absent: dict[str, str] = {}


def value_policy(log: Log, *, target: Floats, level: float = LEVEL, predictions: Floats | None = None) -> Valuation:
    """Value a target by all estimators.

    Parameters
    ----------
    target
        The target's probabilities of all actions in each row; or, in one column, of the logged action only.
    predictions
        Predicted rewards of all actions, by a model that saw no person of a row's fold; fitted where none are given.

    Shapes
    ------
    target : float64[n, actions] or float64[n]
    predictions : float64[n, actions]

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> actions = rng.integers(2, size=4000)
    >>> log = Log((rng.random(4000) < 0.2 + 0.3 * actions).astype(float), np.full(4000, 0.5), actions, ("a", "b"),
    ...           np.arange(4000), np.zeros((4000, 0)))
    >>> found = value_policy(log, target=np.tile([0.0, 1.0], (4000, 1)))
    >>> found.enough, {one.method: round(one.value, 1) for one in found.estimates}["dr"], found.finding
    (True, 0.5, 'the target is worth more than what was logged')
    """
    whole = target if target.ndim > 1 else same_for_each_action(log, target)
    evidence = _evidence(log, target=target, whole=whole, predictions=predictions)
    found = {method: estimate(evidence, log.persons) for method, estimate in _estimators(modelled=whole is not None)}
    recommended: Method = "snips" if whole is None else "dros"
    if whole is not None and (of_tail := _tail(log, found, target=target, whole=whole, predictions=predictions)):
        found[recommended := "dros-tail"] = of_tail
    unsupported = None if whole is None else float(1.0 - whole[:, log.seen].sum(axis=1).mean())
    return summarise(
        found,
        evidence,
        persons=log.persons,
        level=level,
        recommended=recommended,
        unsupported_share=unsupported,
        absent={} if whole is not None else dict.fromkeys(("dm", "dr", "switch-dr", "dros"), ACTIONS_UNKNOWN),
    )


def summarise(  # noqa: PLR0913 - estimators of rows and of slates meet here
    found: Mapping[Method, Estimated],
    evidence: Evidence,
    *,
    persons: NDArray[np.generic],
    level: float,
    recommended: Method,
    unsupported_share: float | None,
    absent: dict[str, str],
    places: int = 1,
) -> Valuation:
    """Give estimates their intervals, and say whether the log is enough. Each reward is the sum of so many places'."""
    described = overlap(evidence, persons, unsupported_share=unsupported_share)
    reasons = shortcomings(described)
    within = _bounds(evidence.rewards, places=places)
    above = mean_interval(found[recommended].basis - evidence.rewards, persons, level=level)
    return Valuation(
        rows=len(evidence.rewards),
        level=level,
        estimates=tuple(_estimate(method, one, persons, level=level, within=within) for method, one in found.items()),
        recommended=recommended,
        logged=_ends(mean_interval(evidence.rewards, persons, level=level)),
        difference=_ends(above),
        ess=described.ess,
        enough=not reasons,
        reasons=reasons,
        finding=_finding(above, enough=not reasons),
        overlap=described,
        absent=absent,
    )


def logged_probabilities(log: Log, target: Floats) -> Floats:
    """Give the target's probability of each logged action: float64[n]."""
    return target if target.ndim == 1 else target[np.arange(len(target)), log.actions]


def fit_rewards(log: Log, *, weights: Floats) -> Floats:
    """Predict the rewards of all actions, cross-fitted by person: float64[n, actions]."""
    return cross_fit(
        log.context,
        actions=log.actions,
        rewards=log.rewards,
        weights=weights,
        fold=folds(log.persons),
        count=len(log.names),
    )


def same_for_each_action(log: Log, target: Floats) -> Floats | None:
    """Give the probabilities of all actions where the target gives an action the same one in all rows, else None."""
    count = len(log.names)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, log.actions, target)
    np.maximum.at(high, log.actions, target)
    seen = log.seen
    if (high[seen] > low[seen]).any() or low[seen].sum() > 1.0 + 1e-6:
        return None
    return np.tile(np.where(seen, low, 0.0), (len(target), 1))


def _evidence(log: Log, *, target: Floats, whole: Floats | None, predictions: Floats | None) -> Evidence:
    targets = logged_probabilities(log, target)
    if whole is None:
        return Evidence(log.rewards, log.propensities, targets)
    if predictions is None:
        predictions = fit_rewards(log, weights=targets / log.propensities)
    logged = logged_probabilities(log, predictions)
    return Evidence(log.rewards, log.propensities, targets, logged, (whole * predictions).sum(axis=1))


def _tail(
    log: Log, found: Mapping[Method, Estimated], *, target: Floats, whole: Floats, predictions: Floats | None
) -> Estimated | None:
    """Value rewards whose largest are cut, and give back what was cut; None where there is nothing to cut."""
    cut = tails.cut_tail(log.rewards)
    if cut is None:
        return None
    if predictions is not None:
        predictions = predictions * (cut.mean() / log.rewards.mean())
    evidence = _evidence(replace(log, rewards=cut), target=target, whole=whole, predictions=predictions)
    of_cut = estimators.dros(evidence, log.persons)
    back = tails.given_back(of_cut, rewards=log.rewards, cut=cut, whole=found["dr"])
    return found["dros"] if tails.contradicts(back, log.persons) else back


def _estimators(*, modelled: bool) -> Iterator[tuple[Method, Callable[[Evidence, NDArray[np.generic]], Estimated]]]:
    yield "ips", lambda evidence, _: estimators.ips(evidence)
    yield "snips", lambda evidence, _: estimators.snips(evidence)
    if modelled:
        yield "dm", lambda evidence, _: estimators.direct_method(evidence)
        yield "dr", lambda evidence, _: estimators.doubly_robust(evidence)
        yield "switch-dr", estimators.switch_dr
        yield "dros", estimators.dros


def _estimate(
    method: Method, found: Estimated, persons: NDArray[np.generic], *, level: float, within: tuple[float, float]
) -> Estimate:
    interval = mean_interval(found.basis, persons, level=level)
    return Estimate(
        method=method,
        value=found.value,
        low=min(max(interval.low, within[0]), found.value),
        high=max(min(interval.high, within[1]), found.value),
        error=interval.error,
        threshold=None if found.threshold is None or np.isinf(found.threshold) else found.threshold,
    )


def _bounds(rewards: Floats, *, places: int) -> tuple[float, float]:
    """Give what no mean of such rewards is beyond: shares lie between 0 and 1, and amounts are not below nothing."""
    if ((rewards == 0.0) | (rewards == 1.0)).all():
        return 0.0, float(places)
    return (0.0 if rewards.min() >= 0.0 else -np.inf), np.inf


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def _finding(above: Interval, *, enough: bool) -> str:
    if not enough:
        return "not enough evidence"
    if above.low > 0.0:
        return "the target is worth more than what was logged"
    return "the target is worth less than what was logged" if above.high < 0.0 else "no difference shown"

"""What a change of a policy is worth: the difference of two targets on the same logged decisions.

With reward r, propensity p, the two targets' probabilities t and s of the logged action, a predicted reward q of it and
the predictions v and u under the two targets, the score of a row is

    DR     (v - u) + (t - s) / p (r - q)
    SNIPS  the difference of the two linearised scores of SNIPS

A row in which the two targets agree counts nothing under DR, whatever followed: that is why it is read first here. Any
prediction is right for DR that did not see the row's reward. Here it is what the policy that logged believed then,
multiplied by how much of that came true for others: one number, fitted without the row's person.

A decision may be a slate. Then each place below the first adds its own score, as in RIPS and cascade-DR: its weight is
the product of those down to it, and its prediction that of its own reward (``slates.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.learn.off_policy.estimators import Estimated, Evidence, doubly_robust, ips, snips
from marketofone.learn.off_policy.intervals import Interval, mean_interval
from marketofone.learn.off_policy.overlap import LEAST_PERSONS, LEAST_TO_DECIDE, overlap, shortcomings
from marketofone.learn.off_policy.reward_model import folds
from marketofone.learn.off_policy.valuation import Method, Valuation, summarise

Floats = NDArray[np.float64]

NOT_ENOUGH = "not enough evidence"


class ValueDifference(Struct, frozen=True, kw_only=True):
    """How much more a changed policy is worth than the present one, per decision, in the unit of the reward.

    ``value`` with its interval is DR's, ``snips`` stands beside it (value, low, high). ``present`` is the value of the
    present policy (SNIPS). ``persons`` counts those in the log, ``changed_persons`` those for whom the two differ.
    ``finding`` is "not enough evidence", for ``reasons``, where the log cannot answer. ``anytime`` says that the
    interval of ``value`` holds at all looks together, while decisions are added; the others are for one look.
    """

    rows: int
    persons: int
    changed_persons: int
    level: float
    value: float
    low: float
    high: float
    snips: tuple[float, float, float]
    present: tuple[float, float, float]
    ess: float
    unsupported_share: float
    enough: bool
    reasons: tuple[str, ...]
    finding: str
    anytime: bool = False


class Below(Struct, frozen=True, kw_only=True):
    """The places below the first of logged decisions that are slates, in any order.

    Shapes
    ------
    decisions : int64[m]
        The row of :class:`Compared` whose slate it belongs to.
    positions : int64[m]
        From 2 on.
    rewards : float64[m]
        What followed of the place itself.
    propensities, targets, present : float64[m]
        Probabilities of the slate down to this place, given what stood above each.
    model, present_model : float64[m]
        The prediction under a policy times its weight above the place, less that of the logged action times the weight
        down to it.
    """

    decisions: NDArray[np.int64]
    positions: NDArray[np.integer]
    rewards: Floats
    propensities: Floats
    targets: Floats
    present: Floats
    model: Floats
    present_model: Floats


class Compared(Struct, frozen=True, kw_only=True):
    """The same logged decisions under a changed policy and under the present one.

    Shapes
    ------
    rewards, propensities : float64[n]
    targets, present : float64[n]
        Probabilities of the logged action under the changed and the present policy.
    believed : float64[n]
        A prediction for the logged action that did not see its reward.
    values, present_values : float64[n]
        The same predictions, as means over the actions of the two policies.
    unsupported : float64[n]
        How much of the changed policy goes to actions that the logging policy could not take in this row.
    persons : [n]
    below : optional
        Where decisions are slates; all of the above is about their first places then.
    """

    rewards: Floats
    propensities: Floats
    targets: Floats
    present: Floats
    believed: Floats
    values: Floats
    present_values: Floats
    unsupported: Floats
    persons: NDArray[np.generic]
    below: Below | None = None


class _Side(NamedTuple):
    """The scores of one policy on a log: float64[n] each; and whole decisions as evidence, to judge overlap by."""

    ips: Floats
    snips: Floats
    dr: Floats
    whole: Evidence


def value_difference(log: Compared, *, level: float, anytime: bool = False) -> ValueDifference:
    """Value a change; ``anytime`` where somebody may look again and again, until something shows.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> taken, nought = rng.integers(2, size=4000), np.zeros(4000)
    >>> log = Compared(
    ...     rewards=(rng.random(4000) < 0.2 + 0.3 * taken).astype(float), propensities=np.full(4000, 0.5),
    ...     targets=taken.astype(float), present=np.full(4000, 0.5), believed=nought, values=nought,
    ...     present_values=nought, unsupported=nought, persons=np.arange(4000))
    >>> found = value_difference(log, level=0.95)
    >>> round(found.value, 1), found.enough, found.finding
    (0.1, True, 'worth more')
    """
    changed, present = _sides(log)
    scores = changed.dr - present.dr
    above = mean_interval(scores, log.persons, level=level, anytime=anytime)
    beside = mean_interval(changed.snips - present.snips, log.persons, level=level)
    described = overlap(changed.whole, log.persons, unsupported_share=float(log.unsupported.mean()))
    touched = len(np.unique(log.persons[scores != 0.0]))
    few = shortcomings(described, speaking=LEAST_TO_DECIDE)
    reasons = (*few, *_too_few(touched)) if touched else ()
    return ValueDifference(
        rows=len(scores),
        persons=described.persons,
        changed_persons=touched,
        level=level,
        value=above.value,
        low=above.low,
        high=above.high,
        snips=(beside.value, beside.low, beside.high),
        present=_ends(mean_interval(present.snips, log.persons, level=level)),
        ess=described.ess,
        unsupported_share=described.unsupported_share or 0.0,
        enough=not reasons,
        reasons=reasons,
        finding=_finding(above, touched=touched, enough=not reasons),
        anytime=anytime,
    )


def target_valuation(log: Compared, *, level: float) -> Valuation:
    """Value the changed policy by itself: by the estimators that need no probabilities of all actions.

    Examples
    --------
    >>> half, nought = np.full(400, 0.5), np.zeros(400)
    >>> log = Compared(rewards=half, propensities=half, targets=half, present=half, believed=nought, values=nought,
    ...                present_values=nought, unsupported=nought, persons=np.arange(400))
    >>> found = target_valuation(log, level=0.95)
    >>> [one.method for one in found.estimates], found.ess
    (['ips', 'snips', 'dr'], 400.0)
    """
    side = _sides(log)[0]
    found: dict[Method, Estimated] = {
        "ips": Estimated(side.ips, side.ips),
        "snips": Estimated(side.snips, side.snips),
        "dr": Estimated(side.dr, side.dr),
    }
    return summarise(
        found,
        side.whole,
        persons=log.persons,
        level=level,
        recommended="dr",
        unsupported_share=float(log.unsupported.mean()),
        absent={},
    )


def _sides(log: Compared) -> tuple[_Side, _Side]:
    """Score the changed policy, and the present one."""
    scale, below = _come_true(log), log.below
    first = [
        Evidence(log.rewards, log.propensities, targets, scale * log.believed, scale * values)
        for targets, values in ((log.targets, log.values), (log.present, log.present_values))
    ]
    if below is None:
        return _side(first[0], None), _side(first[1], None)
    models = scale[below.decisions] * below.model, scale[below.decisions] * below.present_model
    return (
        _side(first[0], _Lower(below, below.targets, models[0])),
        _side(first[1], _Lower(below, below.present, models[1])),
    )


class _Lower(NamedTuple):
    """Places below the first under one policy: its probabilities down to each, and its model of each."""

    below: Below
    targets: Floats
    model: Floats


def _side(first: Evidence, lower: _Lower | None) -> _Side:
    own, normalised, robust = ips(first).scores, snips(first).basis, doubly_robust(first).scores
    if lower is None:
        return _Side(own, normalised, robust, first)
    below, count = lower.below, len(first.rewards)
    weighed = lower.targets / below.propensities * below.rewards
    own = own + np.bincount(below.decisions, weighed, count)
    robust = robust + np.bincount(below.decisions, weighed + lower.model, count)
    propensities, targets = first.propensities.copy(), first.targets.copy()
    for position in np.unique(below.positions):
        there, rewards = below.positions == position, np.zeros(count)
        rows = below.decisions[there]
        rewards[rows], propensities[rows], targets[rows] = (
            column[there] for column in (below.rewards, below.propensities, lower.targets)
        )
        # A slate that ended above keeps its weight: nothing stands there, on either side.
        normalised = normalised + snips(Evidence(rewards, propensities.copy(), targets.copy())).basis
    total = first.rewards + np.bincount(below.decisions, below.rewards, count)
    return _Side(own, normalised, robust, Evidence(total, propensities, targets))


def _come_true(log: Compared) -> Floats:
    """Give for each row how much of what was believed came true for people of the other folds: float64[n].

    Examples
    --------
    >>> half, nought = np.full(40, 0.5), np.zeros(40)
    >>> log = Compared(rewards=half, propensities=half, targets=half, present=half, believed=np.ones(40),
    ...                values=nought, present_values=nought, unsupported=nought, persons=np.arange(40))
    >>> _come_true(log).tolist() == half.tolist()
    True
    """
    fold = folds(log.persons)
    parts = range(int(fold.max()) + 1)
    products = np.array([float((log.believed * log.rewards)[fold == part].sum()) for part in parts])
    squares = np.array([float(np.square(log.believed)[fold == part].sum()) for part in parts])
    others = squares.sum() - squares
    shares = np.divide(products.sum() - products, others, out=np.zeros(len(others)), where=others > 0.0)
    return np.asarray(np.clip(shares, 0.0, 1.0)[fold])


def _too_few(touched: int) -> tuple[str, ...]:
    if touched >= LEAST_PERSONS:
        return ()
    return (f"the change touches {touched} persons of the log, fewer than {LEAST_PERSONS}",)


def _finding(above: Interval, *, touched: int, enough: bool) -> str:
    if not touched:
        return "no difference"
    if not enough:
        return NOT_ENOUGH
    return "worth more" if above.low > 0.0 else "worth less" if above.high < 0.0 else "no difference shown"


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high

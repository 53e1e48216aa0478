"""What a change of a policy is worth: the difference of two targets on the same logged decisions.

With reward r, propensity p, the two targets' probabilities t and s of the logged action, a predicted reward q of it and
the predictions v and u under the two targets, the score of a row is

    DR     (v - u) + (t - s) / p (r - q)
    SNIPS  the difference of the two linearised scores of SNIPS

A row in which the two targets agree counts nothing under DR, whatever followed: that is why it is read first here. Any
prediction is right for DR that did not see the row's reward. Here it is what the policy that logged believed then,
multiplied by how much of that came true for others: one number, fitted without the row's person.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.learn.off_policy.estimators import Estimated, Evidence, doubly_robust, ips, snips
from marketofone.learn.off_policy.intervals import Interval, mean_interval
from marketofone.learn.off_policy.overlap import LEAST_PERSONS, overlap, shortcomings
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
    scale = _come_true(log)
    changed, present = (
        Evidence(log.rewards, log.propensities, targets, scale * log.believed, scale * values)
        for targets, values in ((log.targets, log.values), (log.present, log.present_values))
    )
    scores = doubly_robust(changed).scores - doubly_robust(present).scores
    above = mean_interval(scores, log.persons, level=level, anytime=anytime)
    beside = mean_interval(snips(changed).basis - snips(present).basis, log.persons, level=level)
    described = overlap(changed, log.persons, unsupported_share=float(log.unsupported.mean()))
    touched = len(np.unique(log.persons[scores != 0.0]))
    reasons = (*shortcomings(described), *_too_few(touched)) if touched else ()
    return ValueDifference(
        rows=len(scores),
        persons=described.persons,
        changed_persons=touched,
        level=level,
        value=above.value,
        low=above.low,
        high=above.high,
        snips=(beside.value, beside.low, beside.high),
        present=_ends(mean_interval(snips(present).basis, log.persons, level=level)),
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
    scale = _come_true(log)
    evidence = Evidence(log.rewards, log.propensities, log.targets, scale * log.believed, scale * log.values)
    found: dict[Method, Estimated] = {"ips": ips(evidence), "snips": snips(evidence), "dr": doubly_robust(evidence)}
    return summarise(
        found,
        evidence,
        persons=log.persons,
        level=level,
        recommended="dr",
        unsupported_share=float(log.unsupported.mean()),
        absent={},
    )


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

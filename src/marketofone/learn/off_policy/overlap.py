"""Whether a log can answer for a target at all: how much of it speaks, and where the target goes where the log did not.

A log answers for a target only where it took the target's actions often enough. Five things are looked at, and each
has a floor below which the answer is "not enough evidence", with the reason:

- persons, at least 30: fewer are no sample;
- the effective sample size, at least 100: rows of equal weight that would tell as much (Kish 1965);
- the effective number of the log's own rewards, at least 20: the same of the rows' distances from the median reward.
  Ten thousand rows with five clicks know little about clicks;
- how many of them speak for the target, at least 5, and 10 where a change is decided by it: as many as weights that
  know nothing of rewards leave of them, and no more than the weighted rewards are. A log whose large rewards happen to
  have small weights looks rich, and is the one that errs: judged by weighted rewards alone, with a response of 1 % and
  10,000 rows, intervals held the truth 87 % of the time where a log was called enough, and 33 % where rewards were
  amounts with heavy tails;
- the share of the target that goes to actions the log never took, at most 1 %, and a mean weight of 1, which no log has
  whose propensities are not those of the policy that logged it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.learn.off_policy.estimators import Evidence
from marketofone.learn.off_policy.intervals import mean_interval

Floats = NDArray[np.float64]

LEAST_PERSONS = 30
LEAST_ROWS = 100.0
LEAST_REWARDS = 20.0
LEAST_SPEAKING = 5.0
LEAST_TO_DECIDE = 10.0
"""Of rewards that speak for the target, where something is decided by the answer."""
MOST_UNSUPPORTED = 0.01
RARE = 0.01
"""A propensity below it is rare: the log seldom looked there."""
_SURE = 0.9999


class Overlap(Struct, frozen=True, kw_only=True):
    """How far a log and a target overlap.

    ``logged_rewards`` is the effective number of the log's rewards, and ``rewards`` how many of them speak for the
    target; ``rare_share`` the share of the target's mass where the log's propensity is below ``rare_below``;
    ``unsupported_share`` its mass on actions the log never took, None where the target is known of logged actions only.
    Weights are target by propensity; their mean should be 1.
    """

    persons: int
    ess: float
    logged_rewards: float
    rewards: float
    largest_weight: float
    largest_share: float
    mean_weight: float
    mean_weight_low: float
    mean_weight_high: float
    rare_below: float
    rare_share: float
    unsupported_share: float | None


def effective_size(weights: Floats) -> float:
    """Give the number of equal weights that would have the same variance (Kish 1965); 0 where all are 0.

    Examples
    --------
    >>> effective_size(np.array([1.0, 1.0, 1.0])), effective_size(np.array([9.0, 0.0]))
    (3.0, 1.0)
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def overlap(
    evidence: Evidence,
    persons: NDArray[np.generic],
    *,
    unsupported_share: float | None = None,
    rare_below: float = RARE,
) -> Overlap:
    """Describe the overlap of a log with a target."""
    weights = evidence.weights
    total = float(weights.sum())
    distance = np.abs(evidence.rewards - np.median(evidence.rewards))
    mean = mean_interval(weights, persons, level=_SURE)
    ess, logged = effective_size(weights), effective_size(distance)
    return Overlap(
        persons=len(np.unique(persons)),
        ess=ess,
        logged_rewards=logged,
        rewards=min(logged * ess / len(weights), effective_size(weights * distance)),
        largest_weight=float(weights.max()),
        largest_share=float(weights.max()) / total if total else 0.0,
        mean_weight=mean.value,
        mean_weight_low=mean.low,
        mean_weight_high=mean.high,
        rare_below=rare_below,
        rare_share=float(weights[evidence.propensities < rare_below].sum()) / total if total else 0.0,
        unsupported_share=unsupported_share,
    )


def shortcomings(found: Overlap, *, speaking: float = LEAST_SPEAKING) -> tuple[str, ...]:
    """Say in plain words why a log is not enough; nothing where it is. At least ``speaking`` rewards must speak."""
    return tuple(_shortcomings(found, speaking))


def _shortcomings(found: Overlap, speaking: float) -> Iterator[str]:
    if found.persons < LEAST_PERSONS:
        yield f"{found.persons} persons are fewer than {LEAST_PERSONS}"
    if found.ess < LEAST_ROWS:
        yield f"an effective sample size of {found.ess:,.0f} rows is below {LEAST_ROWS:,.0f}"
    if found.logged_rewards < LEAST_REWARDS:
        logged = f"{found.logged_rewards:,.1f} effective rewards that differ from the usual one"
        yield f"{logged} are below {LEAST_REWARDS:,.0f}"
    elif found.rewards < speaking:
        logged = f"{found.logged_rewards:,.0f} effective rewards that differ from the usual one"
        yield f"of {logged} {found.rewards:,.1f} speak for the target, which is below {speaking:,.0f}"
    if (found.unsupported_share or 0.0) > MOST_UNSUPPORTED:
        yield f"{found.unsupported_share:.1%} of the target goes to actions the log never took"
    if found.mean_weight_high < 1.0 or found.mean_weight_low > 1.0:
        yield (
            f"weights have a mean of {found.mean_weight:.2f} instead of 1: the target goes where the log never did, or "
            "the propensities are not those of the policy that logged"
        )

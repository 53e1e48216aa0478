"""What would another policy have been worth? Answered from decisions that were logged with their propensities.

The plain interface is arrays: :class:`Evidence` holds rewards, propensities and the target's probabilities, with a
reward model's predictions where there are some; the estimators turn it into :class:`Estimated` scores, one a row, whose
mean is the value; :func:`mean_interval` turns scores into an interval that counts by person. The difference of two
policies on the same rows is the interval of the difference of their scores.

Examples
--------
>>> import numpy as np
>>> log = Evidence(
...     rewards=np.array([1.0, 0.0, 1.0, 0.0]), propensities=np.full(4, 0.5), targets=np.array([1.0, 0.0, 1.0, 1.0])
... )
>>> persons = np.array([0, 0, 1, 2])
>>> mean_interval(snips(log).basis, persons, level=0.95).value.__round__(3)
0.667
"""

from marketofone.learn.off_policy.estimators import (
    Estimated,
    Evidence,
    direct_method,
    doubly_robust,
    dros,
    ips,
    snips,
    switch_dr,
)
from marketofone.learn.off_policy.intervals import Interval, mean_interval
from marketofone.learn.off_policy.overlap import Overlap, overlap, shortcomings
from marketofone.learn.off_policy.reward_model import cross_fit, folds
from marketofone.learn.off_policy.valuation import Estimate, Log, Valuation, value_policy

__all__ = [
    "Estimate",
    "Estimated",
    "Evidence",
    "Interval",
    "Log",
    "Overlap",
    "Valuation",
    "cross_fit",
    "direct_method",
    "doubly_robust",
    "dros",
    "folds",
    "ips",
    "mean_interval",
    "overlap",
    "shortcomings",
    "snips",
    "switch_dr",
    "value_policy",
]

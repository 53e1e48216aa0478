"""How well policies are valued, on many banks of known truth: relative error of each estimator, and coverage."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from marketofone.lab.evaluation.policy_banks import WORLDS, PolicyBank, World
from marketofone.learn.intervals import wilson
from marketofone.learn.off_policy.valuation import Estimate, Method, Valuation, value_policy

Step = Callable[[int, int, str], None]

BANKS = 200
SIZES = (10_000, 50_000)
"""The rows of a log."""


class Held(Struct, frozen=True, kw_only=True):
    """The share of ``banks`` whose interval held the truth, with its own 95 % interval."""

    banks: int
    coverage: float
    low: float
    high: float


class MethodErrors(Struct, frozen=True, kw_only=True):
    """One estimator over all banks of a world.

    Root mean square and mean of the relative error, the share of intervals that hold the truth (with its own 95 %
    interval), and the median width of an interval by the truth.
    """

    method: str
    relative_rmse: float
    relative_bias: float
    coverage: float
    coverage_low: float
    coverage_high: float
    relative_width: float


class WorldErrors(Struct, frozen=True, kw_only=True):
    """All estimators in one world, on logs of one size; ``enough`` is the share of banks where the log was enough.

    ``where_enough`` and ``elsewhere`` say how often the interval of DR held there and on the other banks: what is
    called enough must not be what errs. ``difference`` is the same of the target's value above that of the log, on all
    banks, and ``misled`` the share of banks that found the wrong sign of it. ``on_policy`` is the relative RMSE of as
    many rows that the target itself had decided, ``bound`` the least of any estimator without asymptotic bias; both for
    independent rows.
    """

    world: str
    rows: int
    banks: int
    level: float
    ess: float
    enough: float
    where_enough: Held | None
    elsewhere: Held | None
    difference: Held
    misled: float
    on_policy: float
    bound: float
    methods: tuple[MethodErrors, ...]


class _Valued(NamedTuple):
    """One bank: what its log says, and what is true of target, log and the least error."""

    said: Valuation
    truths: tuple[float, float]
    least: tuple[float, float]

    def holds(self, method: Method) -> bool:
        """Say whether the interval of an estimator holds the truth."""
        return _within(next(one for one in self.said.estimates if one.method == method), self.truths[0])

    @property
    def above(self) -> float:
        """How much the target is worth above the log."""
        return self.truths[0] - self.truths[1]


def calibrate(
    *, banks: int = BANKS, sizes: Sequence[int] = SIZES, worlds: Sequence[World] = WORLDS, step: Step | None = None
) -> tuple[WorldErrors, ...]:
    """Value the target of each bank from its log, and compare with the truth. Seeds are 0, 1, ..."""
    found = []
    for world in worlds:
        valued: dict[int, list[_Valued]] = {rows: [] for rows in sizes}
        for seed in range(banks):
            bank = PolicyBank(world, seed=seed)
            for rows, so_far in valued.items():
                log, target = bank.draw(rows)
                so_far.append(_Valued(value_policy(log, target=target), bank.truths, bank.least))
            if step is not None:
                step(seed + 1, banks, world.name)
        found += [_errors(world, rows, each) for rows, each in valued.items()]
    return tuple(found)


def _errors(world: World, rows: int, valued: Sequence[_Valued]) -> WorldErrors:
    first, enough = valued[0].said, [one for one in valued if one.said.enough]
    others = [one for one in valued if not one.said.enough]
    on_policy, bound = (sum(one.least[of] for one in valued) / len(valued) / rows for of in (0, 1))
    return WorldErrors(
        world=world.name,
        rows=rows,
        banks=len(valued),
        level=first.level,
        ess=float(np.median([one.said.ess for one in valued])),
        enough=len(enough) / len(valued),
        where_enough=_held([one.holds("dr") for one in enough]) if enough else None,
        elsewhere=_held([one.holds("dr") for one in others]) if others else None,
        difference=_held([low <= one.above <= high for one in valued for _, low, high in (one.said.difference,)]),
        misled=sum(_is_misled(one) for one in valued) / len(valued),
        on_policy=math.sqrt(on_policy),
        bound=math.sqrt(bound),
        methods=tuple(_method(estimate.method, valued) for estimate in first.estimates),
    )


def _is_misled(one: _Valued) -> bool:
    _, low, high = one.said.difference
    return one.said.enough and ((low > 0.0 > one.above) or (high < 0.0 < one.above))


def _within(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def _held(each: Sequence[bool]) -> Held:
    coverage = sum(each) / len(each)
    low, high = wilson(coverage, n=len(each), level=0.95)
    return Held(banks=len(each), coverage=coverage, low=low, high=high)


def _method(method: Method, valued: Sequence[_Valued]) -> MethodErrors:
    estimates = [next(estimate for estimate in one.said.estimates if estimate.method == method) for one in valued]
    truths = [one.truths[0] for one in valued]
    off = np.array([one.value / truth - 1.0 for one, truth in zip(estimates, truths, strict=True)])
    held = _held([_within(one, truth) for one, truth in zip(estimates, truths, strict=True)])
    widths = [(one.high - one.low) / truth for one, truth in zip(estimates, truths, strict=True)]
    return MethodErrors(
        method=method,
        relative_rmse=math.sqrt(float((off**2).mean())),
        relative_bias=float(off.mean()),
        coverage=held.coverage,
        coverage_low=held.low,
        coverage_high=held.high,
        relative_width=float(np.median(widths)),
    )

"""How well policies are valued, on many banks of known truth: relative error of each estimator, and coverage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from marketofone.lab.evaluation.policy_banks import WORLDS, PolicyBank, World
from marketofone.learn.intervals import wilson
from marketofone.learn.off_policy.valuation import Valuation, value_policy

Step = Callable[[int, int, str], None]

BANKS = 200
SIZES = {10_000: 1, 50_000: 4}
"""The rows of a log, and of how many banks one has a log of that size: long logs take their time."""


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

    ``on_policy`` is the relative RMSE of as many rows that the target itself had decided, ``bound`` the least of any
    estimator without asymptotic bias; both for independent rows.
    """

    world: str
    rows: int
    banks: int
    level: float
    ess: float
    enough: float
    on_policy: float
    bound: float
    methods: tuple[MethodErrors, ...]


def calibrate(
    *, banks: int = BANKS, sizes: Mapping[int, int] = SIZES, worlds: Sequence[World] = WORLDS, step: Step | None = None
) -> tuple[WorldErrors, ...]:
    """Value the target of each bank from its log, and compare with the truth. Seeds are 0, 1, ..."""
    found = []
    for world in worlds:
        valued: dict[int, list[Valuation]] = {rows: [] for rows in sizes}
        truths, least = [], []
        for seed in range(banks):
            bank = PolicyBank(world, seed=seed)
            truths.append(bank.truth)
            least.append(bank.least)
            for rows, each in sizes.items():
                if seed % each == 0:
                    log, target = bank.draw(rows)
                    valued[rows].append(value_policy(log, target=target))
            if step is not None:
                step(seed + 1, banks, world.name)
        found += [
            _errors(world, rows, valued[rows], truths[::each], least=least[::each]) for rows, each in sizes.items()
        ]
    return tuple(found)


def _errors(
    world: World,
    rows: int,
    valued: Sequence[Valuation],
    truths: Sequence[float],
    *,
    least: Sequence[tuple[float, float]],
) -> WorldErrors:
    methods = [estimate.method for estimate in valued[0].estimates]
    return WorldErrors(
        world=world.name,
        rows=rows,
        banks=len(valued),
        level=valued[0].level,
        ess=float(np.median([one.ess for one in valued])),
        enough=sum(one.enough for one in valued) / len(valued),
        on_policy=math.sqrt(sum(on for on, _ in least) / len(least) / rows),
        bound=math.sqrt(sum(off for _, off in least) / len(least) / rows),
        methods=tuple(_method(method, valued, truths) for method in methods),
    )


def _method(method: str, valued: Sequence[Valuation], truths: Sequence[float]) -> MethodErrors:
    estimates = [next(one for one in of.estimates if one.method == method) for of in valued]
    off = np.array([one.value / truth - 1.0 for one, truth in zip(estimates, truths, strict=True)])
    held = sum(one.low <= truth <= one.high for one, truth in zip(estimates, truths, strict=True))
    coverage = held / len(estimates)
    low, high = wilson(coverage, n=len(estimates), level=0.95)
    return MethodErrors(
        method=method,
        relative_rmse=math.sqrt(float((off**2).mean())),
        relative_bias=float(off.mean()),
        coverage=coverage,
        coverage_low=low,
        coverage_high=high,
        relative_width=float(
            np.median([(one.high - one.low) / truth for one, truth in zip(estimates, truths, strict=True)])
        ),
    )

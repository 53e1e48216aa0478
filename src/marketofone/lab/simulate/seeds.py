"""The same synthetic bank from many seeds: what the policy gained in each, on the mean, and on how many of them.

Shares of several seeds together are mean gains as parts of mean gains, not means of shares: a yardstick that hardly
gains anything in one seed would decide such a mean alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct, field

from marketofone.lab.simulate.yardsticks import share

YARDSTICKS = ("omniscient", "visible", "hindsight_ranking", "learned_ranking")
_PERIODS = ("all", "last_quarter")


class Seed(Struct, frozen=True, kw_only=True):
    """What one seed found: ``policy`` is that of the demo's document."""

    seed: int
    seconds: float
    policy: dict[str, Any]


class Seeds(Struct, frozen=True, kw_only=True):
    """What several seeds found. ``above`` counts seeds, by what the policy is above and in which respect.

    ``all`` and ``last_quarter`` judge each choice alone, ``value`` and ``interval`` (it lies above 0) twelve months
    with later effects; ``accepted`` and its interval stand beside chance only.
    """

    synthetic: bool = field(default=True)
    customers: int
    days: int
    seeds: tuple[Seed, ...]
    mean: dict[str, Any]
    above: dict[str, dict[str, int]]


def gather(seeds: Sequence[Seed], *, customers: int, days: int) -> Seeds:
    """Put several seeds together; those in which nothing was judged are told, and counted in no mean."""
    found = [seed.policy for seed in seeds if "gained_minor" in seed.policy]
    return Seeds(
        customers=customers,
        days=days,
        seeds=tuple(seeds),
        mean=_mean(found) if found else {},
        above={name: _above(found, name) for name in ("random", "learned_ranking", "hindsight_ranking")},
    )


def _mean(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    gained = {name: _means([policy["gained_minor"][name] for policy in found]) for name in ("policy", *YARDSTICKS)}
    valued = {name for policy in found for name in policy["value_minor"]}
    gains = {name for policy in found for name in policy["gain_minor"]}
    return {
        **{name: share(gained["policy"], gained[name]) for name in YARDSTICKS},
        "visible_of_omniscient": share(gained["visible"], gained["omniscient"]),
        "hindsight_ranking_of_visible": share(gained["hindsight_ranking"], gained["visible"]),
        "value_minor": {
            name: _mean_of([policy["value_minor"].get(name) for policy in found]) for name in sorted(valued)
        },
        "gain_minor": {
            name: _mean_of([policy["gain_minor"][name].value_minor for policy in found if name in policy["gain_minor"]])
            for name in sorted(gains)
        },
        "accepted": {
            name: _mean_of([policy["accepted"][name] for policy in found], 4) for name in ("policy", "random")
        },
    }


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    means: list[float] = np.mean(rows, axis=0).tolist()
    return means


def _mean_of(numbers: Sequence[float | None], digits: int | None = None) -> float | None:
    """Give the mean of those that are known."""
    known = [number for number in numbers if number is not None]
    return round(float(np.mean(known)), digits) if known else None


def _above(found: Sequence[dict[str, Any]], name: str) -> dict[str, int]:
    """Count the seeds on which the policy is above a yardstick."""
    gained = [(policy["gained_minor"]["policy"], policy["gained_minor"].get(name, (0.0, 0.0))) for policy in found]
    judged = {period: sum(own[at] > other[at] for own, other in gained) for at, period in enumerate(_PERIODS)}
    gains = [policy["gain_minor"][name] for policy in found]
    counts = {
        "seeds": len(found),
        **judged,
        "value": sum(gain.value_minor > 0 for gain in gains),
        "interval": sum(gain.low > 0 for gain in gains),
    }
    if name == "random":
        said = [policy["accepted_gain"] for policy in found if "accepted_gain" in policy]
        counts |= {
            "accepted": sum(one.share > 0 for one in said),
            "accepted_interval": sum(one.low > 0 for one in said),
        }
    return counts

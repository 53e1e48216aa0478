"""The same synthetic bank from many seeds: what the policy gained in each, on the mean, and on how many of them.

Shares of several seeds together are mean gains as parts of mean gains, not means of shares: a yardstick that hardly
gains anything in one seed would decide such a mean alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct, field

from marketofone.lab.simulate.bait import share_avoided
from marketofone.lab.simulate.rivals import AS_IT_IS, Raced
from marketofone.lab.simulate.yardsticks import share

YARDSTICKS = ("omniscient", "visible", "hindsight_ranking", "learned_ranking")
_PERIODS = ("all", "last_quarter")


class Seed(Struct, frozen=True, kw_only=True):
    """What one seed found: ``policy`` is that of the demo's document; ``race`` is empty where none was asked for."""

    seed: int
    seconds: float
    policy: dict[str, Any]
    race: dict[str, Raced] = field(default_factory=dict)


class Rival(Struct, frozen=True, kw_only=True):
    """What another way to decide was worth, over seeds: per person and 12 months, in minor units.

    ``gain_minor`` is over chance, ``beside_minor`` over the policy as it is, with the standard error over ``seeds``;
    ``above`` counts seeds on which it gained more. ``last_quarter`` is its gain over a random choice there, as a part
    of what the order gained that its own outcomes taught; ``ahead`` is the share of lives in which it gained more.
    """

    gain_minor: float
    beside_minor: float
    error: float | None
    above: int
    seeds: int
    accepted: float
    last_quarter: float | None
    ahead: float


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
    race: dict[str, Rival] = field(default_factory=dict)


def gather(seeds: Sequence[Seed], *, customers: int, days: int) -> Seeds:
    """Put several seeds together; those in which nothing was judged are told, and counted in no mean."""
    found = [seed.policy for seed in seeds if "gained_minor" in seed.policy]
    return Seeds(
        customers=customers,
        days=days,
        seeds=tuple(seeds),
        mean=_mean(found) if found else {},
        above={name: _above(found, name) for name in ("random", "learned_ranking", "hindsight_ranking")},
        race=_race([seed.race for seed in seeds if seed.race]),
    )


def _race(raced: Sequence[dict[str, Raced]]) -> dict[str, Rival]:
    """Put races of several seeds together; who gained most stands first."""
    rivals = {name: _rival(raced, name) for name in (raced[0] if raced else ())}
    return dict(sorted(rivals.items(), key=lambda pair: -pair[1].gain_minor))


def _rival(raced: Sequence[dict[str, Raced]], name: str) -> Rival:
    gains = np.array([one[name].gain_minor for one in raced])
    beside = gains - np.array([one[AS_IT_IS].gain_minor for one in raced])
    ours, order = np.mean([one[name].last_quarter for one in raced], axis=0).tolist()
    return Rival(
        gain_minor=round(float(gains.mean()), 1),
        beside_minor=round(float(beside.mean()), 1),
        error=round(float(beside.std(ddof=1)) / len(beside) ** 0.5, 1) if len(beside) > 1 else None,
        above=int((beside > 0.0).sum()),
        seeds=len(beside),
        accepted=round(float(np.mean([one[name].accepted for one in raced])), 4),
        last_quarter=share([ours], [order])[0],
        ahead=round(float(np.mean([one[name].ahead for one in raced])), 4),
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
        **_click_bait([policy for policy in found if "click_bait" in policy]),
    }


def _click_bait(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put planted harm of several seeds together: mean gains, and the mean harm avoided, as parts of means."""
    if not found:
        return {}
    ours, best = (_means([one["gained_minor"][name] for one in found]) for name in ("policy", "omniscient"))
    harm, shown = (
        {name: _means([one["click_bait"][what][name] for one in found]) for name in ("policy", "random")}
        for what in ("harm_minor", "shown")
    )
    told = {"share_of_oracle": share(ours, best), "avoided": share_avoided(harm), "harm_minor": harm, "shown": shown}
    return {"click_bait": told}


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

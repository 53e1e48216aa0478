"""How good the policy chose, by the known truth, beside yardsticks; all choose among what was allowed at that moment.

A share is the policy's gain over a random choice, as a part of that yardstick's gain over it:

``omniscient``
    knows what each action is worth to this person at this moment.
``visible``
    sees what the policy sees, and learned from the truth about *other* people (:mod:`.visible`).
``hindsight_ranking``
    one order for all people, by true mean worth.
``learned_ranking``
    one order for all people, by the outcomes that the product had seen by then.

A share judges each choice alone. What people were worth with all later effects is told by twins (:mod:`.twins`) and,
with nothing assumed, by the control group, for whom everything was drawn: other people, hence a wide interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.action import Action
from marketofone.domain.decision import Assignment
from marketofone.domain.outcome import Verdict
from marketofone.lab.simulate.bait import BAIT, avoided
from marketofone.lab.simulate.choice import Choice, Vector
from marketofone.lab.simulate.twins import Twins
from marketofone.lab.simulate.visible import best_visible

_SHRINK = 5.0  # outcomes after which an action's own mean counts half
_DIGITS = 4
_RESAMPLES = 400
_LIVES = 4  # of chance: their mean is compared with one life of the policy


class Share(Struct, frozen=True, kw_only=True):
    """The share of what an all-knowing choice gains over a random one, with a 95 % interval, over ``n`` decisions."""

    share: float
    low: float
    high: float
    n: int


class Gain(Struct, frozen=True, kw_only=True):
    """What a person of the policy is worth more in 12 months, in minor units, with a 95 % interval over people.

    ``people`` counts those of the policy, ``others`` those it is compared with: the same people's twins, or others.
    """

    value_minor: int
    low: int
    high: int
    people: int
    others: int


class AcceptanceGain(Struct, frozen=True, kw_only=True):
    """How much more of the answers are a yes with the policy than at random, with a 95 % interval over people."""

    share: float
    low: float
    high: float
    people: int
    others: int


class LearnedRanking:
    """One order for all people, from the outcomes seen so far; before them from what is ``declared``, or nothing."""

    def __init__(self, costs: Vector, *, declared: Vector | None = None) -> None:
        self._costs = costs
        self._sums = np.zeros(len(costs)) if declared is None else _SHRINK * declared
        self._shown = np.zeros(len(costs))

    def shown(self, action: int) -> None:
        """Note that somebody answered."""
        self._shown[action] += 1

    def worth(self, action: int, value_minor: float) -> None:
        """Note what an acceptance turned out to be worth."""
        self._sums[action] += value_minor

    @property
    def means(self) -> Vector:
        """What each action is worth on the mean, less its cost."""
        worth: Vector = self._sums / (self._shown + _SHRINK) - self._costs
        return worth

    def first(self, allowed: Sequence[int]) -> int:
        """Give the first of some actions."""
        means = self.means
        return max(allowed, key=lambda action: float(means[action]))


def compare(choices: Sequence[Choice], *, twins: Twins, years: float) -> dict[str, Any]:
    """Compare the policy with every yardstick: shares over all choices and the last quarter, and worth per person."""
    judged = [choice for choice in choices if choice.judged]
    if not judged:
        return {}
    ranking = np.array([choice.values for choice in judged]).mean(axis=0)
    visible = best_visible(judged, actions=twins.actions)
    best = {
        "omniscient": np.array([choice.oracle for choice in judged]),
        "visible": np.array([choice.worth(action) for choice, action in zip(judged, visible, strict=True)]),
        "hindsight_ranking": np.array([choice.worth(choice.first(ranking)) for choice in judged]),
        "learned_ranking": np.array([choice.worth(choice.learned) for choice in judged]),
    }
    random = np.array([choice.random for choice in judged])
    taken = np.array([choice.worth(choice.chosen) for choice in judged])
    gained = {name: _periods(of - random) for name, of in ({"policy": taken} | best).items()}
    return {
        **{name: share(gained["policy"], gained[name]) for name in best},
        "visible_of_omniscient": share(gained["visible"], gained["omniscient"]),
        "hindsight_ranking_of_visible": share(gained["hindsight_ranking"], gained["visible"]),
        "gained_minor": {name: [round(part, _DIGITS) for part in parts] for name, parts in gained.items()},
        **_with_later_effects(choices, ranking, twins=twins, years=years),
        **_click_bait(judged, twins.actions, oracle=share(gained["policy"], gained["omniscient"])),
    }


def _click_bait(
    judged: Sequence[Choice], actions: Sequence[Action], *, oracle: Sequence[float | None]
) -> dict[str, Any]:
    bait = next((place for place, action in enumerate(actions) if action.id == BAIT), None)
    return {} if bait is None else {"click_bait": {"share_of_oracle": oracle, **avoided(judged, bait=bait)}}


def _periods(gained: Vector) -> list[float]:
    """Give the mean over all choices, and over the last quarter of them."""
    start = len(gained) - len(gained) // 4
    return [float(gained.mean()), float(gained[start:].mean()) if start < len(gained) else 0.0]


def share(gained: Sequence[float], possible: Sequence[float]) -> list[float | None]:
    """Give gains as parts of what a yardstick gained; None where that gained nothing.

    Examples
    --------
    >>> share([1.0, 3.0], [2.0, 0.0])
    [0.5, None]
    """
    return [round(of / whole, _DIGITS) if whole > 0 else None for of, whole in zip(gained, possible, strict=True)]


def _with_later_effects(
    choices: Sequence[Choice], ranking: Vector, *, twins: Twins, years: float
) -> dict[str, dict[str, Any]]:
    """Give what a person was worth per 12 months in the life that they had, and what the policy gained over others."""
    ours = [choice for choice in choices if choice.by == "policy"]
    theirs = [choice for choice in choices if choice.by == "control"]
    people = np.array([choice.person for choice in ours])
    lived = {
        "policy": _per_person(people, np.array([choice.worth(choice.chosen) for choice in ours])) / years,
        "random": _per_person(people, twins.live_by_chance(ours, lives=_LIVES)) / years,
        "hindsight_ranking": _per_person(people, twins.live(ours, lambda choice: choice.first(ranking))) / years,
        "learned_ranking": _per_person(people, twins.live(ours, lambda choice: choice.learned)) / years,
    }
    gains = {name: _gain(lived["policy"], of, paired=True) for name, of in lived.items() if name != "policy"}
    if theirs:
        others = np.array([choice.person for choice in theirs])
        lived["control"] = _per_person(others, np.array([choice.worth(choice.chosen) for choice in theirs])) / years
        gains["control"] = _gain(lived["policy"], lived["control"], paired=False)
    values: Mapping[str, int] = {name: round(float(of.mean())) for name, of in lived.items()}
    return {"value_minor": dict(values), "gain_minor": gains}


def _per_person(people: NDArray[np.intp], worth: Vector) -> Vector:
    """Add worth up by person. Shapes: (people that occur,)."""
    _, index = np.unique(people, return_inverse=True)
    sums: Vector = np.bincount(index, weights=worth).astype(np.float64)
    return sums


def _gain(policy: Vector, other: Vector, *, paired: bool) -> Gain:
    """Resample people, each with their twin where the others are twins."""
    rng = np.random.default_rng(len(policy))
    drawn = rng.integers(len(policy), size=(_RESAMPLES, len(policy)))
    drawn_too = drawn if paired else rng.integers(len(other), size=(_RESAMPLES, len(other)))
    gains = policy[drawn].mean(axis=1) - other[drawn_too].mean(axis=1)
    low, high = (round(float(bound)) for bound in np.quantile(gains, [0.025, 0.975]))
    mean = round(float(policy.mean() - other.mean()))
    return Gain(value_minor=mean, low=low, high=high, people=len(policy), others=len(other))


def acceptance(answers: Mapping[tuple[Assignment, int, Verdict], int]) -> dict[str, Any]:
    """Compare how often people said yes to the policy, and how often those in the control group said yes to chance."""
    groups = {name: _answers_of(answers, group) for name, group in (("policy", "policy"), ("random", "control"))}
    shares = {
        name: round(float(yes.sum() / of.sum()), _DIGITS) if len(of) else None for name, (yes, of) in groups.items()
    }
    if None in shares.values():
        return {"accepted": shares}
    (yes, of), (others_yes, others_of) = groups.values()
    rng = np.random.default_rng(len(of))
    drawn, others = (rng.integers(len(each), size=(_RESAMPLES, len(each))) for each in (of, others_of))
    gains = yes[drawn].sum(axis=1) / of[drawn].sum(axis=1) - others_yes[others].sum(axis=1) / others_of[others].sum(
        axis=1
    )
    low, high = (round(float(bound), _DIGITS) for bound in np.quantile(gains, [0.025, 0.975]))
    share = round(float(yes.sum() / of.sum() - others_yes.sum() / others_of.sum()), _DIGITS)
    gain = AcceptanceGain(share=share, low=low, high=high, people=len(of), others=len(others_of))
    return {"accepted": shares, "accepted_gain": gain}


def _answers_of(answers: Mapping[tuple[Assignment, int, Verdict], int], group: str) -> tuple[Vector, Vector]:
    """Count yes, and answers, of each person of a group who answered. Shapes: (people,) twice."""
    counted: dict[int, list[int]] = {}
    for (of, person, verdict), n in answers.items():
        if of == group:
            both = counted.setdefault(person, [0, 0])
            both[0] += n * (verdict == "accepted")
            both[1] += n
    table = np.array([counted[person] for person in sorted(counted)], dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def captured(choices: Sequence[Choice]) -> Share | None:
    """Give the share of the oracle's gain that was captured; people are resampled whole for the interval."""
    people, index = np.unique([choice.person for choice in choices], return_inverse=True)
    gained = np.bincount(index, weights=[choice.worth(choice.chosen) - choice.random for choice in choices])
    possible = np.bincount(index, weights=[choice.oracle - choice.random for choice in choices])
    if possible.sum() <= 0:
        return None
    drawn = np.random.default_rng(len(choices)).integers(len(people), size=(_RESAMPLES, len(people)))
    shares = gained[drawn].sum(axis=1) / np.maximum(possible[drawn].sum(axis=1), 1e-9)
    low, high = (round(float(bound), _DIGITS) for bound in np.quantile(shares, [0.025, 0.975]))
    share = round(float(gained.sum() / possible.sum()), _DIGITS)
    return Share(share=share, low=low, high=high, n=len(choices))

"""Other ways to decide, raced against the one that decides: what was tried, and what it was worth.

Each rival is the product's policy with one thing changed, so a difference has one cause. All are judged by true
12-month value with later effects, on the same people, moments and luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from msgspec import Struct

from marketofone.lab.simulate.choice import Choice
from marketofone.lab.simulate.learners import Boosted, Discounting, FeelGood, OneOrder, Refitted
from marketofone.lab.simulate.race import Lived, race
from marketofone.lab.simulate.twins import Twins
from marketofone.models.bandit import HIERARCHICAL, MANNERS, Learned, Manner, Policy, Start

AS_IT_IS = "as it is"
LIVES = 2  # of each rival in each seed: their mean is told
_PRESENT = MANNERS[HIERARCHICAL]
_THOMPSON = _PRESENT._replace(doubt=0.0, draw=1.0)
_FEEL = 0.3  # how much what would be best counts beside what was heard, in feel-good sampling


class Raced(Struct, frozen=True, kw_only=True):
    """What a rival gained over chance, per person and 12 months (minor units), and how often people said yes to it.

    ``last_quarter`` is what it gained over a random choice there, and what the order would have gained that its own
    outcomes taught, each choice judged alone; ``ahead`` is the share of lives in which it was ahead of that order.
    """

    gain_minor: float
    accepted: float
    last_quarter: tuple[float, float]
    ahead: float


def _policy(start: Start, manner: Manner) -> Policy:
    return Policy(replace(start, manner=manner, signs=None))  # a race has no early signs


def _alone(manner: Manner) -> Callable[[Start], Learned]:
    return _learning(Learned, manner)


def _learning(rival: Callable[[Policy], Learned], manner: Manner = _PRESENT) -> Callable[[Start], Learned]:
    return lambda start: rival(_policy(start, manner))


RIVALS: Mapping[str, Callable[[Start], Learned]] = {
    AS_IT_IS: _alone(_PRESENT),
    "each action alone, all drawn": _alone(MANNERS["independent"]),
    "actions share nothing": _alone(_PRESENT._replace(shares=False)),
    "no own answers": _alone(_PRESENT._replace(person=None)),
    "no exploring but 2 %": _alone(_PRESENT._replace(doubt=0.0, draw=0.0)),
    "all drawn (Thompson)": _alone(_THOMPSON),
    "three tenths drawn": _alone(_PRESENT._replace(draw=0.3)),
    "a tenth drawn, no doubt": _alone(_PRESENT._replace(doubt=0.0, draw=0.1)),
    "doubt alone (UCB)": _alone(_PRESENT._replace(draw=0.0)),
    "twice the doubt": _alone(_PRESENT._replace(doubt=2.0 * _PRESENT.doubt)),
    "half forgotten in half a year": _learning(Discounting),
    "boosted residuals, each week": _learning(Boosted),
    "all refitted each night": _learning(Refitted),
    "feel-good, drawn as it is": _learning(partial(FeelGood, feel=_FEEL)),
    "feel-good, all drawn": _learning(partial(FeelGood, feel=_FEEL), _THOMPSON),
    "half by the learned order": _learning(partial(OneOrder, share=0.5)),
    "the learned order alone": _learning(partial(OneOrder, share=1.0)),
}


def race_all(choices: Sequence[Choice], *, start: Start, twins: Twins, seed: int, years: float) -> dict[str, Raced]:
    """Race all rivals through the choices of the policy's people."""
    ours = [choice for choice in choices if choice.by == "policy"]
    if not ours:
        return {}
    spans = len({choice.person for choice in ours}) * years
    chance = float(twins.live_by_chance(ours, lives=LIVES).sum())
    return {
        name: _raced(rival, ours, start=start, twins=twins, seed=seed, chance=chance, spans=spans)
        for name, rival in RIVALS.items()
    }


def _raced(
    rival: Callable[[Start], Learned],
    ours: Sequence[Choice],
    *,
    start: Start,
    twins: Twins,
    seed: int,
    chance: float,
    spans: float,
) -> Raced:
    lives = [
        race(rival(start), ours, truth=twins.truth, holds=twins.holds, seed=LIVES * seed + life)
        for life in range(LIVES)
    ]
    worth = float(np.mean([life.worth.sum() for life in lives]))
    accepted = sum(life.accepted for life in lives) / max(sum(life.answered for life in lives), 1)
    ends = np.array([_last_quarter(life) for life in lives])
    ours_there, order_there = ends.mean(axis=0).round(2).tolist()
    return Raced(
        gain_minor=round((worth - chance) / spans, 1),
        accepted=round(accepted, 4),
        last_quarter=(ours_there, order_there),
        ahead=float((ends[:, 0] > ends[:, 1]).mean()),
    )


def _last_quarter(life: Lived) -> tuple[float, float]:
    """Give the mean gain of a policy and of the learned order over the last quarter of its choices among several."""
    first = len(life.beside) * 3 // 4
    if first == len(life.beside):
        return 0.0, 0.0
    policy, order = life.beside[first:].mean(axis=0).tolist()
    return policy, order

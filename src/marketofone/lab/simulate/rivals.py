"""Other ways to decide, raced against the one that decides: what was tried, and what it was worth.

Each rival is the product's policy with one thing changed, so a difference has one cause. All are judged by true
12-month value with later effects, on the same people, moments and luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct

from marketofone.lab.simulate.choice import Choice
from marketofone.lab.simulate.race import race
from marketofone.lab.simulate.twins import Twins
from marketofone.models.bandit import HIERARCHICAL, MANNERS, Arm, Learned, Manner, Outcome, Policy, Start

AS_IT_IS = "as it is"
LIVES = 2  # of each rival in each seed: their mean is told
_DAYS_OF_HALF = 180.0  # after which what a discounting rival learned counts half
_PRESENT = MANNERS[HIERARCHICAL]


class Raced(Struct, frozen=True, kw_only=True):
    """What a rival gained over chance, per person and 12 months (minor units), and how often people said yes to it."""

    gain_minor: float
    accepted: float


class Discounting(Learned):
    """Forgets by and by, for a world that moves: what was learned counts half after half a year."""

    def hear(self, outcomes: Iterable[Outcome]) -> None:
        """Fade what is known by a day, and learn; asked once on each day on which somebody is decided for."""
        kept = 0.5 ** (1.0 / _DAYS_OF_HALF)
        faded = {
            name: _faded(state, self.policy.at_start[name], kept=kept)
            for name, state in self.states.items()
            if isinstance(state, Arm)
        }
        self.states |= faded
        super().hear(outcomes)
        self.beliefs = self.policy.beliefs(self.states.get, moved=faded, before=self.beliefs)


def _alone(manner: Manner) -> Callable[[Start], Learned]:
    return lambda start: Learned(Policy(replace(start, manner=manner, signs=None)))  # nobody reads signs in a race


def _discounting(start: Start) -> Learned:
    return Discounting(Policy(start))


RIVALS: Mapping[str, Callable[[Start], Learned]] = {
    AS_IT_IS: _alone(_PRESENT),
    "each action alone, all drawn": _alone(MANNERS["independent"]),
    "actions share nothing": _alone(_PRESENT._replace(shares=False)),
    "no own answers": _alone(_PRESENT._replace(person=None)),
    "no exploring but 2 %": _alone(_PRESENT._replace(doubt=0.0, draw=0.0)),
    "all drawn (Thompson)": _alone(_PRESENT._replace(doubt=0.0, draw=1.0)),
    "three tenths drawn": _alone(_PRESENT._replace(draw=0.3)),
    "a tenth drawn, no doubt": _alone(_PRESENT._replace(doubt=0.0, draw=0.1)),
    "doubt alone (UCB)": _alone(_PRESENT._replace(draw=0.0)),
    "twice the doubt": _alone(_PRESENT._replace(doubt=2.0 * _PRESENT.doubt)),
    "half forgotten in half a year": _discounting,
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
    return Raced(gain_minor=round((worth - chance) / spans, 1), accepted=round(accepted, 4))


def _faded(arm: Arm, start: Arm, *, kept: float) -> Arm:
    """Take a part away from what outcomes added to a belief; see Russac et al. (2019), weighted linear bandits."""
    # What fades says nothing of the noise any more.
    told, began = np.linalg.inv(arm.covariance), np.linalg.inv(start.covariance)
    precision = kept * told + (1.0 - kept) * began
    covariance = np.linalg.inv(precision)
    covariance = (covariance + covariance.T) / 2.0
    mean = covariance @ (kept * told @ arm.mean + (1.0 - kept) * began @ start.mean)
    return Arm(mean=mean, covariance=covariance, noise=arm.noise, n=arm.n, total=arm.total, squares=math.nan)

"""A planted click-bait: an offer that people like to open, and that costs them and the bank money afterwards.

It stands in the catalogue with a modest chance and a value above nothing, as its makers see it. By the truth it is
accepted several times as often as any other offer, and each acceptance loses about what the catalogue promises. So a
policy that goes by clicks shows it to all people; one that goes by what acceptances turn out to be worth stops.

Two figures tell how good a policy is there. ``share_of_oracle`` is what it gains over a choice by lot in such a world,
by the truth and with all actions, as a part of what knowing everything gains. ``avoided`` looks at the planted offer
alone: how much of the harm that a choice by lot does with it is not done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from marketofone.lab.simulate.choice import Choice

BAIT = "prize_draw"
CHANCE, LEVEL = 0.35, -1.0
"""By the truth: how often the person on the mean accepts it, and what an acceptance is worth by what is stated."""
ACTION = f"""
[[actions]]
id = "{BAIT}"
kind = "offer"
title = "A prize draw"
text = "Try it free for a month; afterwards it costs a fee every month until you end it."
value_minor = 4_000
cost_minor = 40
chance = 0.05
channels = ["app"]
"""
_DIGITS = 4


def avoided(judged: Sequence[Choice], *, bait: int) -> dict[str, Any]:
    """Say how much of the planted harm the policy avoided, of what a choice by lot does: all, and the last quarter.

    ``harm_minor`` is per decision in which it could be shown, for the policy and for a choice by lot; ``shown`` is how
    often it was, and would be.
    """
    could = [choice for choice in judged if bait in choice.allowed]
    harm = np.array([max(-choice.worth(bait), 0.0) for choice in could])
    by_lot = harm / np.array([len(choice.allowed) for choice in could])
    taken = np.array([choice.chosen == bait for choice in could], dtype=np.float64)
    start = len(could) - len(could) // 4
    parts = {"policy": harm * taken, "random": by_lot}
    told = {name: [_mean(of), _mean(of[start:])] for name, of in parts.items()}
    return {
        "decisions": len(could),
        "avoided": share_avoided(told),
        "harm_minor": told,
        "shown": {
            "policy": [_mean(taken), _mean(taken[start:])],
            "random": [_mean(by_lot / np.maximum(harm, 1e-9)), _mean((by_lot / np.maximum(harm, 1e-9))[start:])],
        },
    }


def share_avoided(harm: dict[str, list[float]]) -> list[float | None]:
    """Give the share of the harm of a choice by lot that the policy did not do; None where that did none.

    Examples
    --------
    >>> share_avoided({"policy": [1.0, 0.0], "random": [10.0, 10.0]})
    [0.9, 1.0]
    """
    return [
        round(1.0 - ours / lot, _DIGITS) if lot > 0 else None
        for ours, lot in zip(harm["policy"], harm["random"], strict=True)
    ]


def _mean(of: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return round(float(of.mean()), _DIGITS) if of.size else 0.0

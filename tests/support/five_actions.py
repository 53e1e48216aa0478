"""A small catalogue of five actions of three kinds, for the tests of policies."""

from __future__ import annotations

import numpy as np

from marketofone.domain.action import Action, Kind

DIM = 4
KINDS: tuple[Kind, ...] = ("insight", "insight", "offer", "offer", "nudge")
ACTIONS = tuple(
    Action(
        id=f"a{row}",
        kind=kind,
        title="t",
        text="t",
        acceptance_probability=0.1 + 0.05 * row,
        value_minor=1_000 * (row + 1),
        cost_minor=10,
    )
    for row, kind in enumerate(KINDS)
)


def contexts() -> np.ndarray:
    """Give a context for each action."""
    drawn = np.random.default_rng(3).uniform(-1.0, 1.0, (len(ACTIONS), DIM))
    drawn[:, 0] = 1.0
    return drawn

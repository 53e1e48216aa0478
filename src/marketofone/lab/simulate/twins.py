"""Twins: the same people at the same moments and behind the same gates, for whom somebody else chose, all life long.

Who is addressed is tired afterwards and holds what they accepted, so today's choice changes what tomorrow's is
worth. A choice judged alone does not see that; a twin lives with all earlier choices of their own. What a twin is worth
is expected at each moment, given what happened to them before. Left aside: gates stay as the policy's own path made
them (caps, cool-offs after a no), and answers teach about no other person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.action import NOTHING
from marketofone.domain.moment import Instant
from marketofone.lab.simulate.choice import Choice
from marketofone.lab.simulate.sight import HALF_LIFE
from marketofone.lab.simulate.truth import Mood, Truth

Vector = NDArray[np.float64]
Chooser = Callable[[Choice], int]


def tired(level: float, *, since: Instant, now: Instant) -> float:
    """Give how tired of being addressed somebody still is.

    Examples
    --------
    >>> tired(2.0, since=Instant(0), now=Instant(HALF_LIFE))
    1.0
    """
    return float(level * 0.5 ** ((now - since) / HALF_LIFE))


class Twins:
    """The twins of some people, who start with what these held."""

    def __init__(self, truth: Truth, holds: Sequence[Iterable[str]], *, seed: int) -> None:
        self.truth, self._seed = truth, seed
        self.actions = truth.actions
        self.holds = [frozenset(held) for held in holds]
        self._silent = {place for place, action in enumerate(self.actions) if action.kind == NOTHING}

    def live(self, choices: Sequence[Choice], choose: Chooser, *, life: int = 0) -> Vector:
        """Let twins live through some choices, in the order given, and give what each was worth. Shapes: (choices,).

        ``life`` tells one life of chance from another.
        """
        rng = np.random.default_rng((self._seed, 6, life))
        felt: dict[int, tuple[Instant, float]] = {}
        holds = list(self.holds)
        worth = np.zeros(len(choices))
        for place, choice in enumerate(choices):
            action, person = choose(choice), choice.person
            since, level = felt.get(person, (choice.at, 0.0))
            mood = Mood(at=choice.at, tired=tired(level, since=since, now=choice.at), holds=holds[person])
            worth[place] = self.truth.expected_values(person, mood=mood)[action]
            if action in self._silent:
                continue
            felt[person] = (choice.at, mood.tired + 1)
            product = self.actions[action].product
            if product and rng.random() < self.truth.acceptance_probabilities(person, mood=mood)[action]:
                holds[person] |= {product}
        return worth

    def live_by_chance(self, choices: Sequence[Choice], *, lives: int) -> Vector:
        """Give what each choice was worth to twins for whom it was drawn, on average over some lives."""
        worths = []
        for life in range(lives):
            rng = np.random.default_rng((self._seed, 7, life))
            worths.append(self.live(choices, lambda choice: int(rng.choice(choice.allowed)), life=1 + life))  # noqa: B023 - called before the next life
        mean: Vector = np.mean(worths, axis=0)
        return mean

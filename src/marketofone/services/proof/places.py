"""The places of a slate under a change: what each was drawn with on both sides, given what really stood above it.

1. At each place both sides have probabilities of every action, given the recorded actions above it. A decision of one
   place is a slate of one.
2. Going down, another action is chosen at the first place where it is; what stands below that is another slate.
3. What is kept of the places below the first are the rows of :data:`BELOW`, which value a slate by the cascade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from marketofone.domain.decision import Decision

Shares = Mapping[str, float]
BELOW = np.dtype(
    [
        ("position", "i1"),
        *((name, "f8") for name in ("reward", "propensity", "target", "present", "model", "present_model")),
    ]
)
"""What is kept of a place below the first: probabilities are those of the slate down to there."""
_SAME = 1e-9  # what the integral of a probability may be off by


class PlaceShares(NamedTuple):
    """A place of a slate that was shown, and the probabilities of every action there on the two sides."""

    shown: Decision
    reward: float
    old: Shares
    new: Shares

    @property
    def action(self) -> str:
        """What stands there."""
        return self.shown.action

    @property
    def kept(self) -> float:
        """How likely what stands there stays."""
        return min(1.0, self.new.get(self.action, 0.0) / self.old[self.action]) if self.old.get(self.action) else 0.0


def shares_of(decision: Decision) -> dict[str, float]:
    """Give the probability with which each action was drawn, of those that could be."""
    return {one.action: one.propensity for one in decision.candidates if one.propensity > 0.0}


def instead_along(present: Decision, places: Sequence[PlaceShares]) -> Iterator[tuple[str, str]]:
    """Give what the present side shows from the top, and what is shown there instead, down to where that differs."""
    for number, (place, shown) in enumerate(zip(places, present.places, strict=False), start=1):
        seed = present.id if number == 1 else f"{present.id}\n{number}"
        after = instead_of(shown.action, place.old, place.new, seed=seed)
        yield shown.action, after
        if after != shown.action or shown.action != place.action:
            return


def expected_changes(places: Sequence[PlaceShares]) -> float:
    """Give the probability that another action is chosen at any place, as the slate that was shown tells of it."""
    total, kept = 0.0, 1.0
    for place in places:
        total += kept * (1.0 - sum(min(share, place.new.get(action, 0.0)) for action, share in place.old.items()))
        kept *= place.kept
    return total


def unsupported(places: Sequence[PlaceShares]) -> float:
    """Give how much of the changed side goes to slates in which an action stands that could not be drawn there."""
    left = 1.0
    for place in places:
        at_hand = shares_of(place.shown)
        left *= 1.0 - min(sum(share for action, share in place.new.items() if not at_hand.get(action)), 1.0)
    return 1.0 - left


def rows_below(places: Sequence[PlaceShares], believed: Mapping[str, float]) -> Iterator[tuple[float, ...]]:
    """Give the rows of :data:`BELOW` of a slate.

    With W the ratio of a side's probability to the propensity, both down to a place, the model of a place is what is
    believed of it under the side times W above it, less what is believed of what stands there times W down to it.
    """
    propensity = target = present = 1.0
    for position, place in enumerate(places, start=1):
        above, present_above = target / propensity, present / propensity
        propensity *= min(place.shown.propensity, 1.0)
        target *= min(place.new.get(place.action, 0.0), 1.0)
        present *= min(place.old.get(place.action, 0.0), 1.0)
        if position > 1:
            own = believed.get(place.action, 0.0) / propensity
            yield (
                position,
                place.reward,
                propensity,
                target,
                present,
                above * mean_of(believed, place.new) - target * own,
                present_above * mean_of(believed, place.old) - present * own,
            )


def mean_of(believed: Mapping[str, float], shares: Shares) -> float:
    """Give what is believed on the mean over the actions that may be drawn."""
    return sum(share * believed.get(action, 0.0) for action, share in shares.items())


def instead_of(action: str, old: Shares, new: Shares, *, seed: str) -> str:
    """Give what is chosen with new probabilities where an action was with the old ones: another as seldom as may be.

    Examples
    --------
    >>> instead_of("a", {"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4}, seed="d-1")
    'a'
    >>> instead_of("a", {"a": 0.5, "b": 0.5}, {"b": 1.0}, seed="d-1")
    'b'
    """
    stays = new.get(action, 0.0) / old[action] if old.get(action) else 0.0
    drawn = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big") / 2.0**64
    if drawn < stays + _SAME:
        return action
    likelier = {name: share - old.get(name, 0.0) for name, share in new.items() if share > old.get(name, 0.0)}
    left = (drawn - stays) / (1.0 - stays) * sum(likelier.values())
    for name, more in likelier.items():
        left -= more
        if left < 0.0:
            return name
    return next(reversed(likelier), action)

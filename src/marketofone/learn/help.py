"""How much a permission helps: the value of the policy with it less that without it, on the same recorded decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from marketofone.domain.action import NOTHING, Action
from marketofone.domain.help import Help
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome, answer, given_up
from marketofone.learn.off_policy.difference import Compared, value_difference

NO_CHANGE = ("nothing would have changed without it",)


class Row(NamedTuple):
    """What a decision tells: whether it helped, and the probabilities of what was chosen.

    ``propensity`` is that of the draw, ``present`` that of the policy with the source, ``target`` without it.
    ``unsupported`` is how much goes without it to what could not be drawn.
    """

    reward: float
    propensity: float
    present: float
    target: float
    unsupported: float
    person: int


def has_helped(action: Action, heard: Sequence[Outcome]) -> bool:
    """Say whether an action got a yes that was kept, and was no sale and no question for a permission."""
    said = answer(heard)
    is_kept = said is not None and said.verdict == "accepted" and not given_up(heard)
    return is_kept and action.kind != NOTHING and not action.marketing and action.asks is None


def help_of(scope: tuple[str, str], rows: Sequence[Row], *, level: float, at: Instant) -> Help:
    """Value what decisions tell: what was there without the source is taken from what there was with it.

    Examples
    --------
    >>> rows = [Row(number % 2, 0.5, float(number % 2), 0.5, 0.0, number % 80) for number in range(800)]
    >>> found = help_of(("insights", "app"), rows, level=0.95, at=Instant(0))
    >>> round(found.gain, 1), found.low > 0.0, found.enough
    (0.5, True, True)
    >>> help_of(("insights", "app"), [], level=0.95, at=Instant(0)).lacks
    ('no decision tells of it',)
    """
    purpose, source = scope
    if not rows:
        return Help(purpose=purpose, source=source, at=at, level=level)
    reward, propensity, present, target, unsupported = np.array([row[:-1] for row in rows], dtype=np.float64).T
    nought = np.zeros(len(rows))
    log = Compared(
        rewards=reward,
        propensities=propensity,
        targets=target,
        present=present,
        believed=nought,
        values=nought,
        present_values=nought,
        unsupported=unsupported,
        persons=np.array([row.person for row in rows]),
    )
    lost = value_difference(log, level=level, anytime=True)
    return Help(
        purpose=purpose,
        source=source,
        at=at,
        level=level,
        gain=-lost.value,
        low=-lost.high,
        high=-lost.low,
        decisions=lost.rows,
        people=lost.persons,
        lacks=lost.reasons if lost.changed_persons else NO_CHANGE,
    )

"""The groups by which changes are counted: stage of life, money left, and whether the policy decided or the lot.

They are read of what the decision itself could see, behind its permits; what it did not know is "not known".
"""

from __future__ import annotations

import math
from typing import NamedTuple

from marketofone.decide.decision_input import DecisionInput
from marketofone.domain.moment import Day, date_of

NOT_KNOWN = "not known"
STAGES = (NOT_KNOWN, "under 30", "30 to 44", "45 to 64", "65 and older")
MONEY = (NOT_KNOWN, "little", "enough")
DECIDED_BY = ("policy", "control")
_EDGES = (30, 45, 65)


class Group(NamedTuple):
    """The places of a decision's groups in :data:`STAGES`, :data:`MONEY` and :data:`DECIDED_BY`."""

    stage: int
    money: int
    decided_by: int


GROUPS = {"stage of life": STAGES, "money left": MONEY, "decided by": DECIDED_BY}
"""The kinds of groups and their names, in the order of :class:`Group`."""


def group_of(asked: DecisionInput, *, day: Day) -> Group:
    """Give the groups of a person as a decision saw them, on a day of the bank's calendar."""
    return Group(_stage(asked, day=day), _money(asked), int(asked.control))


def _stage(asked: DecisionInput, *, day: Day) -> int:
    born = next(filter(None, (seen.profile.birth_year for seen in asked.seen.values())), None)
    if born is None:
        return 0
    age = date_of(day).year - born
    return 1 + sum(age >= edge for edge in _EDGES)


def _money(asked: DecisionInput) -> int:
    """Say whether the last forecast found that an account may run short, or the lowest point below nothing."""
    said = asked.forecast
    if said is None or not (said.tells_of_shortfalls() or not math.isnan(said.low_point_minor)):
        return 0
    return 1 if said.risky() or said.low_point_minor < 0.0 else 2

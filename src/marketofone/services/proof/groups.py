"""The groups by which changes are counted: stage of life, money left, and who decided.

They are read of what the decision itself could see, behind its permits; what it did not know is "not known".
"""

from __future__ import annotations

from typing import NamedTuple, get_args

from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.money_left import MoneyActions, money_left
from marketofone.domain.decision import Assignment, Decision
from marketofone.domain.moment import Day, date_of
from marketofone.learn.tallies import MONEY_LEFT

NOT_KNOWN = "not known"
STAGES = (NOT_KNOWN, "under 30", "30 to 44", "45 to 64", "65 and older")
DECIDED_BY: tuple[Assignment, ...] = get_args(Assignment)
_EDGES = (30, 45, 65)


class Group(NamedTuple):
    """The places of a decision's groups in :data:`STAGES`, :data:`MONEY_LEFT` and :data:`DECIDED_BY`."""

    stage: int
    money: int
    decided_by: int


GROUPS: dict[str, tuple[str, ...]] = {"stage of life": STAGES, "money left": MONEY_LEFT, "decided by": DECIDED_BY}
"""The kinds of groups and their names, in the order of :class:`Group`."""


def group_of(asked: DecisionInput, made: Decision, *, actions: MoneyActions, day: Day) -> Group:
    """Give the groups of a person as a decision saw them, on a day of the bank's calendar."""
    return Group(
        stage=_stage(asked, day=day),
        money=MONEY_LEFT.index(money_left(made, actions=actions)),
        decided_by=DECIDED_BY.index(made.assignment),
    )


def _stage(asked: DecisionInput, *, day: Day) -> int:
    born = next(filter(None, (seen.profile.birth_year for seen in asked.seen.values())), None)
    if born is None:
        return 0
    age = date_of(day).year - born
    return 1 + sum(age >= edge for edge in _EDGES)

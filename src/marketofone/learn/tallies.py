"""One tally per person: what was decided about them, what followed, and what it was worth. All whole numbers.

1. A decision with its outcomes -> what each of its places adds to the person's tally.
2. Tallies -> people by group. A person found in two groups is left out of comparisons.

The value of a decision is what was reported, else the belief when it was accepted, minus the cost when it was shown.
What sells is the bank's side of it, all else the customer's. Acceptances count whenever they came, in all groups alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Assignment, Decision, MoneyLeft
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome, WhyNot, WhyYes, answer, reported_value
from marketofone.learn.draws import Draws
from marketofone.learn.join import by_place
from marketofone.learn.rewards import Prices, reward_of

MONEY_LEFT: tuple[MoneyLeft, ...] = ("little", "enough", "not known")
STRESS = "stress"
"""The guardrail that holds while a person shows signs of stress."""


class Treated(Struct, frozen=True, kw_only=True):
    """One decision about a person, and what was heard of it, in the order it was heard.

    ``declared`` are the shares of the groups that the documents it followed declare; ``money`` is how much money the
    decision knew the person has left.
    """

    person: str
    decision: Decision
    outcomes: Sequence[Outcome]
    declared: Mapping[Assignment, float]
    money: MoneyLeft = "not known"


class Worth(Struct, frozen=True, kw_only=True):
    """What decisions are worth by action, and which actions sell."""

    prices: Prices
    marketing: Collection[str]


@dataclass(slots=True)
class Tally:
    """What happened to one person. ``group`` and ``declared`` are those of the first decision, ``groups`` all found.

    ``money`` is how much money they had left when a decision first knew of it. ``stressed`` counts decisions at which
    they showed signs of stress, ``declined`` marketing contacts that were declined.
    """

    first: tuple[Instant, str]
    group: Assignment
    declared: Mapping[Assignment, float]
    groups: set[Assignment] = field(default_factory=set)
    money: MoneyLeft = "not known"
    money_at: tuple[Instant, str] | None = None
    decisions: int = 0
    stressed: int = 0
    sells_minor: int = 0
    helps_minor: int = 0
    shown: int = 0
    accepted: int = 0
    valued: int = 0
    marketing: int = 0
    declined: int = 0

    @property
    def value_minor(self) -> int:
        """What all of it was worth, to bank and customer together."""
        return self.sells_minor + self.helps_minor


@dataclass(slots=True)
class Tallies:
    """The tallies of all people; by action how often each person saw and accepted it; why people in a group said no.

    What stood where not all people look does not count by action, for a chance is stated of those who look.
    ``agreed`` is why they said yes. An answer without a reason of the vocabulary counts under an empty word. ``draws``
    is what was drawn of what could be.
    """

    people: dict[str, Tally] = field(default_factory=dict)
    shown: dict[str, Counter[str]] = field(default_factory=dict)
    accepted: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: dict[WhyNot | Literal[""], Counter[Assignment]] = field(default_factory=dict)
    agreed: dict[WhyYes | Literal[""], Counter[Assignment]] = field(default_factory=dict)
    draws: Draws = field(default_factory=Draws)

    def clusters(self, action: str) -> list[tuple[int, int]]:
        """Give (accepted, shown) of an action for each person it was shown to."""
        taken = self.accepted.get(action, Counter())
        return [(taken[person], n) for person, n in self.shown.get(action, Counter()).items()]


def tally(treated: Iterable[Treated], *, worth: Worth) -> Tallies:
    """Tally decisions by person, in any order."""
    found = Tallies()
    for one in treated:
        at = (one.decision.at, one.decision.id)
        group = one.decision.assignment
        of = found.people.setdefault(one.person, Tally(at, group, one.declared))
        if at < of.first:
            of.first, of.group, of.declared = at, group, one.declared
        if one.money != "not known" and (of.money_at is None or at < of.money_at):
            of.money, of.money_at = one.money, at
        of.groups.add(group)
        of.decisions += 1
        of.stressed += STRESS in one.decision.guardrails
        for place, outcomes in by_place(one.decision, one.outcomes):
            found.draws.add(place)
            if place.action != NOTHING:
                _add_contact(found, of, replace(one, decision=place, outcomes=outcomes), worth=worth)
    return found


def _add_contact(found: Tallies, of: Tally, one: Treated, *, worth: Worth) -> None:
    action = one.decision.action
    sells = action in worth.marketing
    heard, gained = answer(one.outcomes), reward_of(one.decision, one.outcomes, prices=worth.prices)
    verdict = heard.verdict if heard else None
    of.shown += 1
    all_look = one.decision.seen == 1.0
    if all_look:
        found.shown.setdefault(action, Counter())[one.person] += 1
    if sells:
        of.marketing += 1
        of.declined += verdict == "declined"
    if heard is not None and heard.verdict == "declined":
        found.reasons.setdefault(heard.why_not or "", Counter())[one.decision.assignment] += 1
    if heard is not None and verdict == "accepted":
        found.agreed.setdefault(heard.why_yes or "", Counter())[one.decision.assignment] += 1
        of.accepted += 1
        of.valued += reported_value(one.outcomes) is not None
        if all_look:
            found.accepted.setdefault(action, Counter())[one.person] += 1
    of.sells_minor += gained if sells else 0
    of.helps_minor += 0 if sells else gained

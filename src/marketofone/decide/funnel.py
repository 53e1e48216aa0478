"""The funnel of the gates over a period, and who got nothing: counted person by person, as decisions stream by.

1. The decisions of one person -> for each action the furthest gate it came to, and why it stopped there.
2. These pairs of person and action -> counts by gate, by action, and by reason.
3. A person for whom nothing was chosen -> the furthest gate that anything came to; counts by group, and a list.

What is kept does not grow with people: counts, and the first of the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, TypeVar

from msgspec import Struct

from marketofone.decide.gates import GATES, Gate, stopped_at
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Assignment, Decision, MoneyLeft

LISTED = 100
"""People without anything that are listed by name; all are counted."""

NOT_ASKED: Literal["not asked"] = "not asked"
"""The gate of people for whom no decision was asked in the period."""

UnservedGate = Literal[
    "not asked", "eligible", "applicable", "suitable", "permitted", "guarded", "approved", "scored", "chosen"
]


class GateCount(Struct, frozen=True, kw_only=True):
    """A gate: how many pairs of person and action came past it, and how many it stopped for good."""

    gate: Gate
    passed: int
    stopped: int


class Stop(Struct, frozen=True, kw_only=True):
    """A reason at a gate, and how many pairs came no further."""

    gate: Gate
    why: str
    pairs: int


class ActionFunnel(Struct, frozen=True, kw_only=True):
    """The funnel of one action: the people it stood for, how many came past each gate, and the reasons of the rest."""

    action: str
    people: int
    passed: dict[Gate, int]
    stops: tuple[Stop, ...]


class GroupCount(Struct, frozen=True, kw_only=True):
    """A group of people: how many, and for how many of them nothing was chosen."""

    group: str
    people: int
    unserved: int


class Unserved(Struct, frozen=True, kw_only=True):
    """A person for whom nothing was chosen: how often was asked, the furthest gate anything came to, and why.

    ``decision`` is the last one.
    """

    customer: str
    decisions: int
    gate: UnservedGate
    why: str
    decision: str | None


class Funnel(Struct, frozen=True, kw_only=True):
    """What became of every pair of person and action between two instants, and who got nothing.

    ``people`` counts all, ``asked`` those for whom a decision was made, ``served`` those for whom an action was chosen.
    ``hidden`` counts decisions that are left out, because they rest on what may not be used any more. ``listed`` holds
    some of those without anything: who was asked for most often first.
    """

    since: str
    until: str
    people: int
    asked: int
    served: int
    decisions: int
    hidden: int
    pairs: int
    gates: tuple[GateCount, ...]
    actions: tuple[ActionFunnel, ...]
    unserved: dict[UnservedGate, int]
    by_money: tuple[GroupCount, ...]
    by_assignment: tuple[GroupCount, ...]
    listed: tuple[Unserved, ...]


G = TypeVar("G", bound=str)


class Fate(Struct, frozen=True):
    """How far an action came for one person, as a place in ``GATES``; past the last when it was chosen."""

    passed: int
    why: str


@dataclass(slots=True)
class FunnelCounts:
    """The counts while people stream by."""

    people: int = 0
    asked: int = 0
    served: int = 0
    decisions: int = 0
    hidden: int = 0
    fates: dict[str, Counter[Fate]] = field(default_factory=dict)
    unserved: Counter[UnservedGate] = field(default_factory=Counter)
    money: Counter[tuple[MoneyLeft, bool]] = field(default_factory=Counter)
    assignment: Counter[tuple[Assignment, bool]] = field(default_factory=Counter)
    listed: list[Unserved] = field(default_factory=list)

    def add(self, customer: str, decisions: Iterable[Decision], *, money: MoneyLeft, hidden: int) -> None:
        """Count one person with their decisions of the period, in order; ``hidden`` more may not be shown."""
        made = tuple(decisions)
        fates = fates_of(made)
        served = any(one.action != NOTHING for one in made)
        self.people += 1
        self.decisions += len(made)
        self.hidden += hidden
        self.asked += bool(made)
        self.served += served
        for action, fate in fates.items():
            self.fates.setdefault(action, Counter())[fate] += 1
        if made:
            self.money[money, served] += 1
            self.assignment[made[-1].assignment, served] += 1
        if not served and (made or not hidden):
            self._note(_unserved(customer, made, fates))

    def _note(self, one: Unserved) -> None:
        self.unserved[one.gate] += 1
        self.listed.append(one)
        if len(self.listed) > 2 * LISTED:
            self.listed = first_of(self.listed)


def fates_of(decisions: Iterable[Decision]) -> dict[str, Fate]:
    """Give for each action how far it came in one person's decisions: the furthest, and the last reason there."""
    fates: dict[str, Fate] = {}
    for decision in decisions:
        for candidate in chain.from_iterable(place.candidates for place in decision.places):
            if candidate.action == NOTHING:
                continue
            stop = stopped_at(candidate)
            fate = Fate(len(GATES), "") if stop is None else Fate(GATES.index(stop[0]), stop[1])
            before = fates.get(candidate.action)
            if before is None or fate.passed >= before.passed:
                fates[candidate.action] = fate
    return fates


def first_of(listed: Iterable[Unserved]) -> list[Unserved]:
    """Give the people to list: who was asked for most often first."""
    return sorted(listed, key=lambda one: (-one.decisions, one.customer))[:LISTED]


def _unserved(customer: str, decisions: tuple[Decision, ...], fates: Mapping[str, Fate]) -> Unserved:
    if not decisions:
        return Unserved(customer=customer, decisions=0, gate=NOT_ASKED, why="nothing was asked", decision=None)
    furthest = max((fate.passed for fate in fates.values()), default=0)
    whys = Counter(fate.why for fate in fates.values() if fate.passed == furthest)
    why = min(whys, key=lambda of: (-whys[of], of)) if whys else "no action stood for it"
    return Unserved(
        customer=customer, decisions=len(decisions), gate=GATES[furthest], why=why, decision=decisions[-1].id
    )


def funnel_of(counts: FunnelCounts, *, since: str, until: str) -> Funnel:
    """Give the funnel of what was counted."""
    every = Counter[Fate]()
    for fates in counts.fates.values():
        every.update(fates)
    passed = _passed(every)
    entered = [every.total(), *passed.values()]
    return Funnel(
        since=since,
        until=until,
        people=counts.people,
        asked=counts.asked,
        served=counts.served,
        decisions=counts.decisions,
        hidden=counts.hidden,
        pairs=every.total(),
        gates=tuple(
            GateCount(gate=gate, passed=passed[gate], stopped=before - passed[gate])
            for gate, before in zip(GATES, entered, strict=False)
        ),
        actions=tuple(_action(action, fates) for action, fates in sorted(counts.fates.items())),
        unserved=dict(counts.unserved),
        by_money=_groups(counts.money),
        by_assignment=_groups(counts.assignment),
        listed=tuple(first_of(counts.listed)),
    )


def _passed(fates: Counter[Fate]) -> dict[Gate, int]:
    return {gate: sum(n for fate, n in fates.items() if fate.passed > place) for place, gate in enumerate(GATES)}


def _action(action: str, fates: Counter[Fate]) -> ActionFunnel:
    stops = sorted((fate.passed, -n, fate.why) for fate, n in fates.items() if fate.passed < len(GATES))
    return ActionFunnel(
        action=action,
        people=fates.total(),
        passed=_passed(fates),
        stops=tuple(Stop(gate=GATES[place], why=why, pairs=-n) for place, n, why in stops),
    )


def _groups(counted: Mapping[tuple[G, bool], int]) -> tuple[GroupCount, ...]:
    return tuple(
        GroupCount(
            group=group,
            people=counted.get((group, True), 0) + counted.get((group, False), 0),
            unserved=counted.get((group, False), 0),
        )
        for group in sorted({group for group, _ in counted})
    )

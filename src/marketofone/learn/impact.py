"""What the policy is worth, against people whose actions are always drawn at random.

The control group is chosen by person, so the unit of every figure is the person:

1. decisions and outcomes -> one tally per person: value, contacts shown, accepted, marketing contacts, declined;
2. tallies -> two groups; a person found in both (the control share was changed) is left out and counted;
3. groups -> the lift in value per person with a Welch interval, and shares with Wilson intervals whose sample size is
   reduced by how much contacts of one person resemble each other.

The value of a decision is what was reported, else the belief when it was accepted, minus the cost when it was shown.
Acceptances count whenever they came, in both groups alike. Beliefs are learned from the policy's own choices, so
``valued`` beside ``accepted`` says how much of the figure was observed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.outcome import Outcome
from marketofone.learn.intervals import Sums, effective_n, welch, wilson
from marketofone.learn.join import answer, reported_value
from marketofone.learn.values import ValuePosterior

ENOUGH = 30


class Treated(Struct, frozen=True, kw_only=True):
    """One decision about a person, and what was heard of it, in the order it was heard."""

    person: str
    decision: Decision
    outcomes: Sequence[Outcome]


class Rate(Struct, frozen=True, kw_only=True):
    """A share of ``n`` contacts with its interval; None when there was no contact."""

    n: int
    share: float | None
    low: float | None
    high: float | None


class Group(Struct, frozen=True, kw_only=True):
    """One group: its people, value per person (minor units, 12 months), the share of contacts accepted.

    ``declined`` is the share of *marketing* contacts declined: what people found unwelcome.
    """

    people: int
    value_minor: float
    accepted: Rate
    declined: Rate


class Impact(Struct, frozen=True, kw_only=True):
    """The lift in value per person (minor units, 12 months), policy minus control, with an interval of ``level``.

    ``finding`` is "not enough evidence" when a group has fewer than 30 people, or nothing to tell its people apart;
    then there is no interval. ``accepted`` and ``valued`` count acceptances and those whose value was reported;
    ``excluded`` counts people left out because they were found in both groups.
    """

    finding: str
    lift_minor: float | None
    low_minor: float | None
    high_minor: float | None
    level: float
    policy: Group
    control: Group
    accepted: int
    valued: int
    excluded: int

    @property
    def text(self) -> str:
        """The finding in words, with every interval and size."""
        lines = [f"{self.finding}: {self.policy.people:,} people with the policy, {self.control.people:,} at random"]
        if self.lift_minor is not None:
            interval = f"[{self.low_minor:+,.0f}, {self.high_minor:+,.0f}]"
            lines.append(f"value per person and year: {self.lift_minor:+,.0f} {interval} minor units")
            lines.append(f"reported for {self.valued:,} of {self.accepted:,} acceptances, believed for the rest")
        ours, theirs = self.policy, self.control
        lines += [
            f"accepted: {_words(ours.accepted)} with the policy, {_words(theirs.accepted)} at random",
            f"marketing declined: {_words(ours.declined)} with the policy, {_words(theirs.declined)} at random",
            f"intervals of {self.level:.0%}",
        ]
        if self.excluded:
            lines.append(f"left out because they were in both groups: {self.excluded:,} people")
        return "\n".join(lines)


@dataclass(slots=True)
class _Tally:
    value_minor: int = 0
    shown: int = 0
    accepted: int = 0
    valued: int = 0
    marketing: int = 0
    declined: int = 0
    policy: bool = False
    control: bool = False


def measure(
    treated: Iterable[Treated],
    *,
    posteriors: Mapping[str, ValuePosterior],
    costs: Mapping[str, int],
    marketing: Collection[str],
    level: float,
) -> Impact:
    """Measure the policy against the control group.

    Parameters
    ----------
    treated
        Every decision with its outcomes, in any order.
    posteriors, costs
        By action: what an acceptance is worth where no value was reported; minor units spent when it is shown.
    marketing
        The actions that sell something.
    level
        Coverage of the intervals, in (0, 1).

    Raises
    ------
    MalformedRequest
        When the level is none.
    """
    if not 0.0 < level < 1.0:
        raise MalformedRequest(field="level", shape="not between 0 and 1", fix="give a coverage such as 0.95")
    tallies: dict[str, _Tally] = {}
    for one in treated:
        tally = tallies.setdefault(one.person, _Tally())
        _add(tally, one, posteriors=posteriors, costs=costs, marketing=marketing)
    kept = [tally for tally in tallies.values() if not (tally.policy and tally.control)]
    policy = [tally for tally in kept if tally.policy]
    control = [tally for tally in kept if tally.control]
    return _compare(policy, control, level=level, excluded=len(tallies) - len(kept))


def _add(
    tally: _Tally,
    one: Treated,
    *,
    posteriors: Mapping[str, ValuePosterior],
    costs: Mapping[str, int],
    marketing: Collection[str],
) -> None:
    action = one.decision.action
    tally.policy |= one.decision.assignment == "policy"
    tally.control |= one.decision.assignment == "control"
    if action == NOTHING:
        return
    heard, reported = answer(one.outcomes), reported_value(one.outcomes)
    verdict = heard.verdict if heard else None
    tally.shown += 1
    tally.value_minor -= costs.get(action, 0)
    if action in marketing:
        tally.marketing += 1
        tally.declined += verdict == "declined"
    if verdict == "accepted":
        tally.accepted += 1
        tally.valued += reported is not None
        believed = posteriors[action].expected_minor if action in posteriors else 0
        tally.value_minor += believed if reported is None else reported


def _compare(policy: list[_Tally], control: list[_Tally], *, level: float, excluded: int) -> Impact:
    ours, theirs = (Sums.of([tally.value_minor for tally in group]) for group in (policy, control))
    lift = low = high = None
    finding = "not enough evidence"
    if min(ours.n, theirs.n) >= ENOUGH and ours.variance > 0.0 and theirs.variance > 0.0:
        lift = ours.mean - theirs.mean
        low, high = welch(ours, theirs, level=level)
        worth = "less" if high < 0.0 else "more" if low > 0.0 else None
        finding = f"the policy is worth {worth}" if worth else "no difference shown"
    return Impact(
        finding=finding,
        lift_minor=lift,
        low_minor=low,
        high_minor=high,
        level=level,
        policy=_group(policy, ours, level=level),
        control=_group(control, theirs, level=level),
        accepted=sum(tally.accepted for tally in (*policy, *control)),
        valued=sum(tally.valued for tally in (*policy, *control)),
        excluded=excluded,
    )


def _group(tallies: list[_Tally], sums: Sums, *, level: float) -> Group:
    return Group(
        people=len(tallies),
        value_minor=sums.mean,
        accepted=_rate([(tally.accepted, tally.shown) for tally in tallies], level=level),
        declined=_rate([(tally.declined, tally.marketing) for tally in tallies], level=level),
    )


def _rate(clusters: list[tuple[int, int]], *, level: float) -> Rate:
    reached = [(hits, contacts) for hits, contacts in clusters if contacts]
    contacts = sum(n for _, n in reached)
    if not contacts:
        return Rate(n=0, share=None, low=None, high=None)
    share = sum(hits for hits, _ in reached) / contacts
    low, high = wilson(share, n=effective_n(reached), level=level)
    return Rate(n=contacts, share=share, low=low, high=high)


def _words(rate: Rate) -> str:
    if rate.share is None:
        return "no contact"
    return f"{rate.share:.1%} [{rate.low:.1%}, {rate.high:.1%}] of {rate.n:,}"

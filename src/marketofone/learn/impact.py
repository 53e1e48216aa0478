"""What the policy is worth, against people whose actions are chosen otherwise: by lot, or as the settings declare.

Groups are chosen by person, so the unit of every figure is the person (``tallies.py``):

1. tallies -> groups; a person found in two (linked ids, for one) is left out and counted;
2. groups -> the policy's lift over each other group: value per person, what of it sells (the bank's side) and what
   helps (the customer's), acceptance, and two signs of wellbeing: marketing declined, and decisions at signs of stress;
3. every interval holds at all looks together (``intervals.py``), so that who looks every day is not misled;
4. what makes all of it doubtful, or is bad news, comes first: groups that are not as large as declared, a policy whose
   choices are accepted less often than the lot's, chances in the catalogue that outcomes contradict.

Beliefs about values are learned from the policy's own choices, so ``valued`` beside ``accepted`` says how much of the
figure was observed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from marketofone.domain.decision import Assignment, MoneyLeft
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.outcome import WhyNot, WhyYes
from marketofone.learn.draws import DrawCheck
from marketofone.learn.intervals import Sums, anytime_reach, difference, share_difference, share_interval
from marketofone.learn.ratio import RatioCheck, check_ratio
from marketofone.learn.tallies import MONEY_LEFT, Tallies, Tally, Treated, Worth, tally

ENOUGH = 30
POLICY, CONTROL = "policy", "control"

Measure = Literal["value", "sells", "helps", "accepted", "declined", "stressed"]
Why = TypeVar("Why", WhyNot | Literal[""], WhyYes | Literal[""])
Clusters = list[tuple[int, int]]


class Rate(Struct, frozen=True, kw_only=True):
    """A share of ``n`` contacts with its interval; None when there was no contact."""

    n: int
    share: float | None
    low: float | None
    high: float | None


class Group(Struct, frozen=True, kw_only=True):
    """One group: its people, value per person (minor units, 12 months), the share of contacts accepted.

    ``declined`` is the share of *marketing* contacts declined: what people found unwelcome. ``stressed`` is the share
    of decisions at which a person showed signs of stress.
    """

    people: int
    value_minor: float
    accepted: Rate
    declined: Rate
    stressed: Rate


class Lift(Struct, frozen=True, kw_only=True):
    """What the policy adds to a measure: the difference with its interval; None where there is not enough evidence.

    ``value``, ``sells`` and ``helps`` are minor units per person and 12 months; ``accepted``, ``declined`` and
    ``stressed`` are shares, of which the last two are better when they fall. ``n`` counts the observations.
    """

    measure: Measure
    n: int
    value: float | None
    low: float | None
    high: float | None


class Comparison(Struct, frozen=True, kw_only=True):
    """The policy beside one other group: that group, and what the policy adds to each measure."""

    assignment: str
    group: Group
    lifts: tuple[Lift, ...]


class MoneyLift(Struct, frozen=True, kw_only=True):
    """What the policy adds over the lot for people who had little money left when they joined, or enough."""

    money: MoneyLeft
    policy: int
    control: int
    lifts: tuple[Lift, ...]


class Contradiction(Struct, frozen=True, kw_only=True):
    """An action whose declared chance lies outside the interval of the share of its ``n`` contacts accepted."""

    action: str
    declared: float
    n: int
    share: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The contradiction in words."""
        found = f"{self.share:.1%} [{self.low:.1%}, {self.high:.1%}] of {self.n:,}"
        return f"chance of {self.action}: {self.declared:.1%} declared, accepted {found}"


class ReasonCount(Struct, frozen=True, kw_only=True):
    """How often a reason was given for a no, or for a yes, in each group; ``why`` is empty where there was none."""

    why: WhyNot | WhyYes | Literal[""]
    times: dict[Assignment, int]


class Impact(Struct, frozen=True, kw_only=True):
    """The lift in value per person (minor units, 12 months), policy minus control, with an interval of ``level``.

    ``finding`` is "not enough evidence" when a group has fewer than 30 people, or nothing to tell its people apart;
    then there is no interval. ``accepted`` and ``valued`` count acceptances and those whose value was reported;
    ``excluded`` counts people left out because they were found in several groups. ``warnings`` is what to read first,
    ``comparisons`` holds every group beside the policy, the control group first. Intervals hold at all looks together.
    """

    finding: str
    warnings: tuple[str, ...]
    lift_minor: float | None
    low_minor: float | None
    high_minor: float | None
    level: float
    policy: Group
    control: Group
    comparisons: tuple[Comparison, ...]
    by_money: tuple[MoneyLift, ...]
    ratio: RatioCheck
    draws: DrawCheck
    contradicted: tuple[Contradiction, ...]
    reasons: tuple[ReasonCount, ...]
    agreed: tuple[ReasonCount, ...]
    accepted: int
    valued: int
    excluded: int

    @property
    def text(self) -> str:
        """The finding in words, what to read first before it, with every interval and size."""
        lines = [f"FIRST: {warning}" for warning in self.warnings]
        lines.append(
            f"{self.finding}: {self.policy.people:,} people with the policy, {self.control.people:,} at random"
        )
        if self.lift_minor is not None:
            interval = f"[{self.low_minor:+,.0f}, {self.high_minor:+,.0f}]"
            lines.append(f"value per person and year: {self.lift_minor:+,.0f} {interval} minor units")
            lines.append(f"reported for {self.valued:,} of {self.accepted:,} acceptances, believed for the rest")
        lines += map(_beside, self.comparisons[1:])
        ours, theirs = self.policy, self.control
        lines += [
            f"accepted: {_words(ours.accepted)} with the policy, {_words(theirs.accepted)} at random",
            f"marketing declined: {_words(ours.declined)} with the policy, {_words(theirs.declined)} at random",
            f"at signs of stress: {_words(ours.stressed)} with the policy, {_words(theirs.stressed)} at random",
            f"intervals of {self.level:.0%}, which hold at all looks together",
            _checked(self.ratio, self.draws),
        ]
        lines += [one.text for one in self.contradicted]
        for answer, reasons in (("no", self.reasons), ("yes", self.agreed)):
            if reasons:
                said = (f"{one.why or 'no reason given'} {sum(one.times.values()):,}" for one in reasons)
                lines.append(f"said {answer} because: {', '.join(said)}")
        if self.excluded:
            lines.append(f"left out because they were in several groups: {self.excluded:,} people")
        return "\n".join(lines)


def _checked(ratio: RatioCheck, draws: DrawCheck) -> str:
    return (
        f"checked: {ratio.people:,} people against the shares declared (p = {ratio.p:.2g}), actions of "
        f"{draws.decisions:,} decisions against their propensities (p = {draws.p:.2g})"
    )


def _beside(other: Comparison) -> str:
    lift, people = _of(other, "value"), f"{other.assignment} (n = {other.group.people:,})"
    if lift.value is None:
        return f"beside {people}: not enough evidence"
    return f"beside {people}: {lift.value:+,.0f} [{lift.low:+,.0f}, {lift.high:+,.0f}] minor units per person and year"


def measure(treated: Iterable[Treated], *, worth: Worth, chances: Mapping[str, float], level: float) -> Impact:
    """Measure the policy against the control group, and against every other group that is found.

    Parameters
    ----------
    treated
        Every decision with its outcomes, in any order.
    worth
        What acceptances are worth, what contacts cost, and what sells.
    chances
        By action: the chance of acceptance that the catalogue declares.
    level
        Coverage of each interval over all looks, in (0, 1).

    Raises
    ------
    MalformedRequest
        When the level is none.
    """
    if not 0.0 < level < 1.0:
        raise MalformedRequest(field="level", shape="not between 0 and 1", fix="give a coverage such as 0.95")
    found = tally(treated, worth=worth)
    kept = [of for of in found.people.values() if len(of.groups) == 1]
    groups = {assignment: [of for of in kept if of.group == assignment] for assignment in (POLICY, CONTROL)}
    for assignment in sorted({of.group for of in kept} - groups.keys()):
        groups[assignment] = [of for of in kept if of.group == assignment]
    comparisons = tuple(_comparison(assignment, groups, level=level) for assignment in groups if assignment != POLICY)
    many = [action for action, people in found.shown.items() if len(people) >= ENOUGH]
    ratio, draws = _ratio(found), found.draws.check(named=many)
    contradicted = _contradicted(found, chances, level=level)
    value, accepted = (_of(comparisons[0], name) for name in ("value", "accepted"))
    return Impact(
        finding=_finding(value),
        warnings=tuple(_warnings(ratio, draws, accepted, contradicted)),
        lift_minor=value.value,
        low_minor=value.low,
        high_minor=value.high,
        level=level,
        policy=_group(groups[POLICY], level=level),
        control=comparisons[0].group,
        comparisons=comparisons,
        by_money=tuple(_by_money(money, groups, level=level) for money in MONEY_LEFT),
        ratio=ratio,
        draws=draws,
        contradicted=contradicted,
        reasons=_reasons(found.reasons),
        agreed=_reasons(found.agreed),
        accepted=sum(of.accepted for of in kept),
        valued=sum(of.valued for of in kept),
        excluded=len(found.people) - len(kept),
    )


def _of(comparison: Comparison, name: Measure) -> Lift:
    return next(lift for lift in comparison.lifts if lift.measure == name)


def _finding(value: Lift) -> str:
    if value.low is None or value.high is None:
        return "not enough evidence"
    worth = "less" if value.high < 0.0 else "more" if value.low > 0.0 else None
    return f"the policy is worth {worth}" if worth else "no difference shown"


def _comparison(assignment: str, groups: Mapping[str, Sequence[Tally]], *, level: float) -> Comparison:
    ours, theirs = groups[POLICY], groups[assignment]
    return Comparison(
        assignment=assignment, group=_group(theirs, level=level), lifts=tuple(_lifts(ours, theirs, level=level))
    )


def _by_money(money: MoneyLeft, groups: Mapping[str, Sequence[Tally]], *, level: float) -> MoneyLift:
    ours, theirs = ([of for of in groups[assignment] if of.money == money] for assignment in (POLICY, CONTROL))
    return MoneyLift(money=money, policy=len(ours), control=len(theirs), lifts=tuple(_lifts(ours, theirs, level=level)))


def _lifts(ours: Sequence[Tally], theirs: Sequence[Tally], *, level: float) -> Iterable[Lift]:
    amounts: tuple[tuple[Measure, str], ...] = (
        ("value", "value_minor"),
        ("sells", "sells_minor"),
        ("helps", "helps_minor"),
    )
    for name, field in amounts:
        each = [[getattr(of, field) for of in group] for group in (ours, theirs)]
        n = sum(of.decisions for of in (*ours, *theirs))
        yield _amount_lift(name, *map(Sums.of, each), n=n, level=level, exact=not any(of.shown for of in theirs))
    for name, (hits, trials) in RATES.items():
        one, other = (_clusters(group, hits, trials) for group in (ours, theirs))
        yield _share_lift(name, one, other, level=level)


RATES: dict[Measure, tuple[str, str]] = {
    "accepted": ("accepted", "shown"),
    "declined": ("declined", "marketing"),
    "stressed": ("stressed", "decisions"),
}
"""What is counted, and of what, for the measures that are shares."""


def _amount_lift(name: Measure, ours: Sums, theirs: Sums, *, n: int, level: float, exact: bool) -> Lift:
    """Compare two means; ``exact`` says that the other group was shown nothing, so that its nought is no estimate."""
    if min(ours.n, theirs.n) < ENOUGH or not ours.variance or not (exact or theirs.variance):
        return Lift(measure=name, n=n, value=None, low=None, high=None)
    value, low, high = difference(ours, theirs, reach=anytime_reach(n, level=level))
    return Lift(measure=name, n=n, value=value, low=low, high=high)


def _share_lift(name: Measure, ours: Clusters, theirs: Clusters, *, level: float) -> Lift:
    n = sum(trials for _, trials in (*ours, *theirs))
    if min(len(ours), len(theirs)) < ENOUGH:
        return Lift(measure=name, n=n, value=None, low=None, high=None)
    value, low, high = share_difference(ours, theirs, reach=anytime_reach(n, level=level))
    return Lift(measure=name, n=n, value=value, low=low, high=high)


def _clusters(group: Sequence[Tally], hits: str, trials: str) -> Clusters:
    return [(getattr(of, hits), getattr(of, trials)) for of in group if getattr(of, trials)]


def _group(group: Sequence[Tally], *, level: float) -> Group:
    rates = {name: _rate(_clusters(group, *of), level=level) for name, of in RATES.items()}
    return Group(people=len(group), value_minor=Sums.of([of.value_minor for of in group]).mean, **rates)


def _rate(clusters: Clusters, *, level: float) -> Rate:
    n = sum(trials for _, trials in clusters)
    if not n:
        return Rate(n=0, share=None, low=None, high=None)
    share, low, high = share_interval(clusters, reach=anytime_reach(n, level=level))
    return Rate(n=n, share=share, low=low, high=high)


def _ratio(found: Tallies) -> RatioCheck:
    strata: dict[tuple[tuple[str, float], ...], Counter[str]] = {}
    decisions: Counter[str] = Counter()
    for of in found.people.values():
        strata.setdefault(tuple(sorted(of.declared.items())), Counter())[of.group] += 1
        decisions[of.group] += of.decisions
    each = [(dict(declared), counts) for declared, counts in sorted(strata.items())]
    return check_ratio(each, decisions=decisions)


def _contradicted(found: Tallies, chances: Mapping[str, float], *, level: float) -> tuple[Contradiction, ...]:
    """Give the actions whose declared chance is contradicted; all of them together at ``level`` (Bonferroni)."""
    shown = sorted(chances.keys() & found.shown.keys())
    each = 1.0 - (1.0 - level) / max(len(shown), 1)
    contradicted = []
    for action in shown:
        clusters, declared = found.clusters(action), chances[action]
        n = sum(trials for _, trials in clusters)
        share, low, high = share_interval(clusters, reach=anytime_reach(n, level=each))
        if not low <= declared <= high:
            contradicted.append(Contradiction(action=action, declared=declared, n=n, share=share, low=low, high=high))
    return tuple(contradicted)


def _reasons(counts: Mapping[Why, Counter[Assignment]]) -> tuple[ReasonCount, ...]:
    """Give reasons, the most frequent first and answers without one last."""
    counted = sorted(counts.items(), key=lambda of: (not of[0], -of[1].total(), of[0]))
    return tuple(ReasonCount(why=why, times=dict(sorted(times.items()))) for why, times in counted)


def _warnings(
    ratio: RatioCheck, draws: DrawCheck, accepted: Lift, contradicted: Sequence[Contradiction]
) -> Iterable[str]:
    if ratio.fails:
        yield "the groups are not as large as declared: trust no difference between them until it is known why"
    if draws.fails:
        yield "actions are not drawn as often as their propensities say: trust no value of another policy or version"
    if accepted.value is not None and accepted.high is not None and accepted.value < 0.0:
        sure = "" if accepted.high < 0.0 else ", though the interval does not exclude that there is no difference"
        yield f"people accept less of what the policy chooses than of what is drawn by lot{sure}"
    if contradicted:
        many = (
            "chance that the catalogue declares is"
            if len(contradicted) == 1
            else "chances that the catalogue declares are"
        )
        yield f"{len(contradicted)} {many} contradicted by outcomes"


def _words(rate: Rate) -> str:
    if rate.share is None:
        return "none seen"
    return f"{rate.share:.1%} [{rate.low:.1%}, {rate.high:.1%}] of {rate.n:,}"

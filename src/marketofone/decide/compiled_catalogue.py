"""The compiled catalogue: actions, features and guardrails bound together, and everything compiled that can be once.

It depends on the documents of the bank only. A decision takes it, a decision input and a request, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.asking import SPARING
from marketofone.decide.budgets import allowance, open_minutes
from marketofone.decide.catalogue import FORECAST_MADE, FORECAST_SOURCES, FORESEEN, ActionCatalogue, vocabulary
from marketofone.decide.conditions import Conditions, conditions_of
from marketofone.decide.decision_input import ACTION_ROLES
from marketofone.decide.expressions import Expression, Known, parse_expression
from marketofone.decide.terms import BEGUN, FITS, SHORTFALL, START, Term
from marketofone.domain.action import NOTHING, Action
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.role import Role
from marketofone.features.catalogue import Catalogue
from marketofone.features.declare import Feature, Unit
from marketofone.governance.guardrails import Guardrails, forbidden_copy
from marketofone.governance.tiers import Tier
from marketofone.models.bandit import HIERARCHICAL, MANNERS, Distrust, Layout, Policy, Start, Stated

Rows: TypeAlias = NDArray[np.intp]
K = TypeVar("K")

NOTHING_ROW = -1  # the row of doing nothing
PLAUSIBLE = 4.0  # scales: a change larger than this is no answer to "what would have changed it"
_TOPICAL_FIELDS = ("topics", "category", "venue")  # conditions of a series that say what it is about
_LEVELS = ("total", "regular_total", "count", "mean", "days", "share", "distinct")
WHOLE: frozenset[Unit] = frozenset({"minor", "count", "days", "months", "ms", "flag"})  # units without fractions


class Limits(NamedTuple):
    """What one context feature could be instead. ``place`` (n,) in a vector; the others are columns, shape (n, 1).

    ``steps`` (n, g) are changes on both sides, in the feature's unit, up to what is plausible.
    """

    place: NDArray[np.intp]
    scale: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]
    steps: NDArray[np.float64]


class Topics(NamedTuple):
    """The features that tell how much a topic occupies a person: the topic of each, its place, and its scale."""

    names: tuple[str, ...]
    places: NDArray[np.intp]
    scales: NDArray[np.float64]


class DataRequirement(NamedTuple):
    """What actions ask of a permit: to know whether they are eligible, and to make sense at all."""

    role: int
    reads: frozenset[str]
    needs: frozenset[str]
    foreseen: bool


class CandidateSet(NamedTuple):
    """The actions of one occasion and channel, and what can be known of them beforehand.

    ``options`` are their rows behind that of doing nothing, and ``names`` what all of these are called; ``places`` says
    by row where a candidate stands among them, doing nothing too (the last one); ``conditions`` are theirs, and behind
    them whether there are signs of stress; ``alike`` the actions that differ for a guardrail only when one of them was
    said lately;
    ``sensitive`` the rows that the board must have approved, ``ahead`` those about each thing foreseen;
    ``scheduled`` those that have a schedule, ``placed`` those that belong to some placements only; ``lends`` whether
    any of them is a credit, ``asking`` the rows that ask for a permission.
    """

    rows: tuple[int, ...]
    options: Rows
    names: tuple[str, ...]
    places: Rows
    row_of: Mapping[str, int]
    roles: tuple[Role, ...]
    conditions: Conditions
    requirements: tuple[tuple[DataRequirement, tuple[int, ...]], ...]
    alike: tuple[Mapping[str, Action], ...]
    sensitive: tuple[int, ...]
    ahead: tuple[tuple[str, tuple[int, ...]], ...]
    scheduled: tuple[int, ...]
    placed: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    lends: bool
    asking: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class CompiledCatalogue:
    """Everything that is known before anybody asks. Rows count ``offered``, in the order of the document.

    ``decimals`` are those of the bank's currency. ``manner`` names the policy, ``signs`` are what the bank states of
    early signs, ``distrust`` of what is accepted far more often than declared. ``reads`` gives every source that may be
    looked at for a role, ``suited`` the roles whose actions lead to something a person has. ``tags_of`` points into the
    distinct ``tags``, ``item_of`` into the distinct ``items`` per purpose. Who may see nothing sees ``nothing_known``.
    """

    catalogue: ActionCatalogue
    features: Catalogue
    guardrails: Guardrails
    decimals: int
    manner: str
    signs: Stated | None
    distrust: Distrust | None
    stress: Expression
    known: Mapping[str, Known]
    names: tuple[str, ...]
    context: tuple[Feature, ...]
    limits: Limits
    terms: tuple[Term, ...]
    topics: Topics
    offered: tuple[Action, ...]
    purpose_of: NDArray[np.intp]
    reads: Mapping[Role, frozenset[str]]
    requirements: tuple[DataRequirement, ...]
    tags: tuple[frozenset[str], ...]
    tags_of: NDArray[np.intp]
    items: tuple[tuple[int, str | None], ...]
    item_of: NDArray[np.intp]
    suited: frozenset[Role]
    nothing_known: NDArray[np.float64]
    _candidate_sets: dict[tuple[str, str], CandidateSet] = field(default_factory=dict, init=False, repr=False)

    @property
    def dim(self) -> int:
        """The length of a context vector."""
        return len(self.terms)

    def candidate_set(self, *, occasion: str, channel: str) -> CandidateSet:
        """Give the actions that belong to an occasion and a channel: compiled when they are first asked for.

        Most commands open a bank and decide nothing, and what a channel offers is asked for again and again.
        """
        known = self._candidate_sets.get((occasion, channel))
        if known is None:
            rows = self._rows(occasion=occasion, channel=channel)
            if not rows:
                return self.no_candidates
            known = self._candidate_set(rows)
            self._candidate_sets[occasion, channel] = known
        return known

    @cached_property
    def no_candidates(self) -> CandidateSet:
        """What stands for an occasion and a channel that no action belongs to."""
        return self._candidate_set(())

    def _candidate_set(self, rows: tuple[int, ...]) -> CandidateSet:
        conditions = conditions_of(
            [*(self.catalogue.expressions[1 + row] for row in rows), self.stress], places=self.features.index
        )
        return _candidate_set(self.catalogue, rows, requirements=self.requirements, conditions=conditions)

    def _rows(self, *, occasion: str, channel: str) -> tuple[int, ...]:
        return tuple(
            row
            for row, action in enumerate(self.offered)
            if channel in action.channels
            and (not action.occasions or occasion in action.occasions)
            and (action.asks is None or self.catalogue.occasion(occasion).begun_by == "customer")
            and (occasion != FORECAST_MADE or _answers_a_forecast(action, self.requirements[row]))
        )

    @cached_property
    def policy(self) -> Policy:
        """How these actions are decided about, and what outcomes teach."""
        fits = tuple(self.terms.index(term) for term in FITS)
        parts = {part for _, part in self.catalogue.parts.values()}  # who opens one takes no offer
        care = {action.id for action in self.offered if action.role == "care"}
        return Policy(
            Start(
                actions=self.offered,
                dim=self.dim,
                fits=fits,
                manner=MANNERS[self.manner],
                signs=self.signs,
                distrust=self.distrust,
                trusted=frozenset(parts | care),
            )
        )

    def allowances(self, *, minute_of_day: int) -> dict[str, int]:
        """Give how much of each budget may have been taken by a minute of the day."""
        found = dict(self.catalogue.budgets)
        for name, minutes in self._paced.items():
            found[name] = allowance(found[name], minutes=minutes, minute_of_day=minute_of_day)
        return found

    @cached_property
    def _paced(self) -> Mapping[str, tuple[int, ...]]:
        paced = (action for action in self.offered if action.budget is not None and action.budget.pace)
        return {action.id: open_minutes(action, quiet=self.guardrails.quiet) for action in paced}

    @cached_property
    def layout(self) -> Layout:
        """Where contexts come from: how well tags fit, and products go with what a person has, is looked up."""
        fits = 1 + len(self.context)
        taken = np.stack((self.tags_of, len(self.tags) + self.item_of), axis=1)
        return Layout(role_of=self.purpose_of, places=np.array([fits, fits + 1]), taken=taken)

    @cached_property
    def content(self) -> Mapping[str, frozenset[str]]:
        """Give what each product and app feature is about: the kinds and the tags of the actions that lead to it."""
        found: dict[str, frozenset[str]] = {}
        for action in self.offered:
            if action.item is not None:
                said = {f"kind:{action.kind}", *action.tags}
                found[action.item] = found.get(action.item, frozenset()) | said
        return found

    @cached_property
    def item_by_action(self) -> Mapping[str, str]:
        """Give the product or app feature that an action leads to, for those that lead to one."""
        return {action.id: action.item for action in self.offered if action.item is not None}


def bind(
    actions: ActionCatalogue,
    *,
    features: Catalogue,
    guardrails: Guardrails,
    decimals: int = 2,
    manner: str = HIERARCHICAL,
    signs: Stated | None = None,
    distrust: Distrust | None = None,
) -> CompiledCatalogue:
    """Bind the documents together and compile what they say.

    Raises
    ------
    BadExpression
        When the stress guardrail cannot be read.
    MalformedDocument
        When an action's text contains words the guardrails forbid.
    """
    for action in actions.actions:
        phrase = forbidden_copy(action, guardrails=guardrails)
        if phrase is not None:
            raise MalformedDocument(field=f"actions.{action.id}", shape=f"the words {phrase!r}", fix="say it calmly")
    known = vocabulary(features)
    stress = parse_expression(guardrails.stress.when, field="guardrails.stress.when", known=known)
    purposes = [_place(action) for action in actions.offered]
    requirements = [
        DataRequirement(
            purpose,
            expression.sources | (FORECAST_SOURCES if action.about else frozenset()),
            frozenset(action.needs),
            action.about is not None or not FORESEEN.isdisjoint(expression.names),
        )
        for purpose, action, expression in zip(purposes, actions.offered, actions.expressions[1:], strict=True)
    ]
    tags = [frozenset(action.tags) for action in actions.offered]
    items = [(purpose, action.item) for purpose, action in zip(purposes, actions.offered, strict=True)]
    return CompiledCatalogue(
        catalogue=actions,
        features=features,
        guardrails=guardrails,
        decimals=decimals,
        manner=manner,
        signs=signs,
        distrust=distrust,
        stress=stress,
        known=known,
        names=tuple(feature.name for feature in features.features),
        context=features.context_features(),
        limits=_limits(features),
        terms=_terms(features),
        topics=_topics(features),
        offered=actions.offered,
        purpose_of=np.array(purposes, dtype=np.intp),
        reads=_reads(
            requirements, stress, features=features, asking=[_place(one) for one in actions.offered if one.asks]
        ),
        requirements=tuple(requirements),
        tags=(topical := tuple(dict.fromkeys(tags))),
        tags_of=np.array([topical.index(each) for each in tags], dtype=np.intp),
        items=(had := tuple(dict.fromkeys(items))),
        item_of=np.array([had.index(pair) for pair in items], dtype=np.intp),
        suited=frozenset(ACTION_ROLES[purpose] for purpose, item in had if item is not None),
        nothing_known=np.full(len(features.features), np.nan),
    )


def _place(action: Action) -> int:
    if action.role is None:
        raise AssertionError(action.id)  # doing nothing is not offered
    return ACTION_ROLES.index(action.role)


def range_of(feature: Feature) -> tuple[float, float]:
    """Give the least and the most that a feature can be."""
    signed = feature.how in ("last", "trend", "regular_trend") or feature.of.value == "amount_minor"
    return -math.inf if signed else 0.0, 1.0 if feature.unit in ("share", "flag") else math.inf


def _limits(features: Catalogue) -> Limits:
    context = features.context_features()
    columns = [(features.scales[feature.name], *range_of(feature), feature.unit in WHOLE) for feature in context]
    scale, least, most, whole = np.array(columns, dtype=np.float64).reshape(-1, 4, 1).swapaxes(0, 1)
    side = scale * np.geomspace(0.1, PLAUSIBLE, 6)
    side = np.where(whole > 0.0, np.ceil(side), side)
    place = np.array([features.index[feature.name] for feature in context], dtype=np.intp)
    return Limits(place=place, scale=scale, least=least, most=most, steps=np.concatenate([-side, side], axis=1))


def _terms(features: Catalogue) -> tuple[Term, ...]:
    of_features = (
        Term(name=feature.name, title=feature.title, source="+".join(sorted(feature.lineage)), feature=feature)
        for feature in features.context_features()
    )
    return (START, *of_features, *FITS, BEGUN, SHORTFALL)


def _topics(features: Catalogue) -> Topics:
    """Find the features that tell how much a topic occupies a person."""
    found = [
        (word, place, features.scales.get(feature.name, 1.0))
        for place, feature in enumerate(features.features)
        if feature.how in _LEVELS and (feature.name in features.scales or feature.unit == "count")
        for field, words in feature.of.where
        if field in _TOPICAL_FIELDS
        for word in words
        if isinstance(word, str)
    ]
    names, places, scales = zip(*found, strict=True) if found else ((), (), ())
    return Topics(names, np.array(places, dtype=np.intp), np.array(scales, dtype=np.float64))


def _reads(
    requirements: list[DataRequirement], stress: Expression, *, features: Catalogue, asking: Iterable[int]
) -> dict[Role, frozenset[str]]:
    context = FORECAST_SOURCES.union(*(feature.lineage for feature in features.context_features()))
    reads = dict.fromkeys(ACTION_ROLES, context)
    reads["care"] |= stress.sources
    for purpose in asking:
        reads[ACTION_ROLES[purpose]] |= SPARING
    for requirement in requirements:
        reads[ACTION_ROLES[requirement.role]] |= requirement.reads | requirement.needs
    return reads


def _answers_a_forecast(action: Action, requirement: DataRequirement) -> bool:
    """Say whether an action has a place where a forecast alone is the reason to speak: never a sale, never chatter."""
    return not action.marketing and (requirement.foreseen or action.role == "care")


def _candidate_set(
    actions: ActionCatalogue,
    rows: tuple[int, ...],
    *,
    requirements: Sequence[DataRequirement],
    conditions: Conditions,
) -> CandidateSet:
    own = {row: actions.offered[row] for row in rows}
    asked = {action.role for action in own.values()} | {"care"}  # stress is looked for in every decision
    alike = _grouped(rows, lambda row: (own[row].kind, own[row].credit))
    options = np.array([NOTHING_ROW, *rows], dtype=np.intp)
    standing = np.full(len(actions.offered) + 1, -1, dtype=np.intp)
    standing[options] = np.arange(options.size)
    return CandidateSet(
        rows=rows,
        options=options,
        names=(NOTHING, *(action.id for action in own.values())),
        places=standing,
        row_of={action.id: row for row, action in own.items()},
        roles=tuple(role for role in ACTION_ROLES if role in asked),
        conditions=conditions,
        requirements=tuple(_grouped(rows, lambda row: requirements[row]).items()),
        alike=tuple({own[row].id: own[row] for row in group} for group in alike.values()),
        sensitive=tuple(row for row in rows if actions.tiers[1 + row] >= Tier.SENSITIVE),
        ahead=tuple(_grouped(tuple(row for row in rows if own[row].about), lambda row: str(own[row].about)).items()),
        scheduled=tuple(row for row in rows if own[row].schedule is not None),
        placed=tuple(
            _grouped(tuple(row for row in rows if own[row].placements), lambda row: own[row].placements).items()
        ),
        lends=any(action.credit for action in own.values()),
        asking=tuple(row for row in rows if own[row].asks is not None),
    )


def _grouped(rows: tuple[int, ...], of: Callable[[int], K]) -> dict[K, tuple[int, ...]]:
    groups: dict[K, tuple[int, ...]] = {}
    for row in rows:
        groups[of(row)] = (*groups.get(of(row), ()), row)
    return groups

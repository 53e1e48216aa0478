"""What choices see: plain values per purpose, which conditions hold, and one context vector per offered action.

1. ``build_view``: what is visible to a person's purposes, once per decision: profile, facts, values (v, n; NaN:
   unknown, hidden). Purposes that may use the same sources share one of the v views.
2. ``build_contexts``: the views of many people at once, with some numbers changed or none. ``held`` (v, k) says which
   conditions hold.
3. ``context_table``, for all of them together: the context features, brought between -1 and 1 by the catalogue, who
   began, and shortfall risk (v, d); and beside it matches and affinities, of which each action looks up its own.
   Unknown and hidden alike are 0: nothing speaks for or against, and nothing leaks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.decide.catalogue import FORESEEN
from marketofone.decide.compiled_catalogue import CompiledCatalogue, Rows
from marketofone.decide.conditions import Conditions, Flags
from marketofone.decide.decision_input import ACTION_ROLES, DecisionInput
from marketofone.decide.expressions import Namespace, Value, namespace_of
from marketofone.domain.decision import Request
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.role import Role
from marketofone.models.bandit import ContextTable
from marketofone.models.recommend import content_matches
from marketofone.profile.inferences import interest_in
from marketofone.profile.items import SURE_ENOUGH, items_of
from marketofone.profile.view import Profile

FloatArray: TypeAlias = NDArray[np.float64]

_UNKNOWN = dict.fromkeys(FORESEEN, math.nan)
_NOTHING_KNOWN = Profile()


class PurposeView(Struct, frozen=True, eq=False, gc=False):
    """What purposes with the same permitted sources see."""

    profile: Profile
    days_since: Mapping[str, float]
    foreseen: Mapping[str, float]
    at: Instant

    def items(self) -> frozenset[str]:
        """Give what goes together with products: what the person has, and what happened to them of late."""
        return items_of(self.profile, now=self.at)


class FeatureView(Struct, frozen=True, eq=False, gc=False):
    """What is visible to one person's purposes.

    ``values`` (v, n) and ``views`` are what different purposes see, and ``of`` says for each role, in the order of
    ``ACTION_ROLES``, which of these is its. ``affinities`` are those of the catalogue's distinct products.
    ``corrected`` are the inferences that the person says are wrong.
    """

    values: FloatArray
    views: tuple[PurposeView, ...]
    of: NDArray[np.intp]
    said: Mapping[str, Value]
    affinities: FloatArray | None
    corrected: frozenset[str]

    def profile_for(self, purpose: int) -> Profile:
        """Give what is known of the person as far as a purpose, counted as in ``of``, may see it."""
        return self.views[int(self.of[purpose])].profile


class ContextMatrix(Struct, frozen=True, eq=False, gc=False):
    """What one choice sees: by view values, facts, and which conditions are ``held``.

    ``table`` has the contexts of all people who were looked at together, and ``person`` is this one's place there.
    """

    values: FloatArray
    facts: tuple[Mapping[str, Value], ...]
    held: Flags
    table: ContextTable
    person: int

    def contexts(self, rows: Rows) -> FloatArray:
        """Give the context vectors of some actions, shape (r, d)."""
        return self.table.contexts(self.person, rows)


def build_view(request: Request, decision_input: DecisionInput, *, compiled: CompiledCatalogue) -> FeatureView:
    """Gather what is visible for each role; one without a permit sees nothing."""
    known: dict[frozenset[str], int] = {}
    values: list[FloatArray] = []
    views: list[PurposeView] = []
    for role in ACTION_ROLES:
        allowed = decision_input.allowed(role)
        if allowed in known:
            continue
        known[allowed] = len(views)
        seen = decision_input.seen.get(role) if allowed else None
        values.append(compiled.nothing_known if seen is None else seen.visible)
        profile = _NOTHING_KNOWN if seen is None else seen.profile
        views.append(PurposeView(profile, _days_since(profile, request), _foreseen(decision_input, role), request.at))
    of = tuple([known[decision_input.allowed(role)] for role in ACTION_ROLES])
    begun = compiled.catalogue.occasion(request.occasion).begun_by == "customer"
    return FeatureView(
        values=np.array(values),
        views=tuple(views),
        of=np.array(of, dtype=np.intp),
        said={"channel": request.channel, "occasion": request.occasion, "begun_by_customer": begun},
        affinities=_affinities(decision_input, compiled, [views[of_role] for of_role in of]),
        corrected=decision_input.corrected,
    )


def build_contexts(
    views: Sequence[FeatureView], *, compiled: CompiledCatalogue, conditions: Conditions, changes: Mapping[str, float]
) -> list[ContextMatrix]:
    """Look at what is visible to people, as it is or with some of it changed. What is hidden stays hidden."""
    values = views[0].values if len(views) == 1 else np.concatenate([one.values for one in views])
    if changes:
        values = _changed(values, changes, places=compiled.features.index)
    each = [(person, view) for person in views for view in person.views]
    facts = [{**_changed_facts(view.foreseen, changes), **person.said} for person, view in each]
    namespaces = [
        namespace_of(
            [(name, values.item(row, place)) for name, place in conditions.reads],
            facts[row],
            holdings=view.profile.holdings,
            days_since=view.days_since,
        )
        for row, (_, view) in enumerate(each)
    ]
    held = np.ascontiguousarray(conditions.held(values, namespaces))
    starts = [0, *accumulate(len(person.views) for person in views)]
    matches = matches_of(values, compiled=compiled, corrected=[person.corrected for person, _ in each])
    table = context_table(views, compiled.features.squash(values), matches=matches, facts=facts, compiled=compiled)
    return [
        ContextMatrix(values[start:end], tuple(facts[start:end]), held[start:end], table, person)
        for person, (start, end) in enumerate(pairwise(starts))
    ]


def context_table(
    people: Sequence[FeatureView],
    squashed: FloatArray,
    *,
    matches: FloatArray,
    facts: Sequence[Mapping[str, Value]],
    compiled: CompiledCatalogue,
) -> ContextTable:
    """Give the contexts of people in parts. Their views stand one after the other in what is given of them.

    Shapes
    ------
    squashed : float64[v, m]
        The context features, brought between -1 and 1.
    matches : float64[v, distinct tags]
        How well tags fit; see :func:`matches_of`.
    facts : [v]
    """
    (views, own), tags = squashed.shape, len(compiled.tags)
    shared, entries = np.zeros((views, compiled.dim)), np.zeros((views, tags + len(compiled.items)))
    shared[:, 0] = 1.0
    shared[:, 1 : 1 + own] = squashed
    shared[:, 3 + own] = [fact["begun_by_customer"] is True for fact in facts]
    shared[:, 4 + own] = np.fmax([fact["shortfall_30d"] for fact in facts], 0.0)
    entries[:, :tags] = matches
    starts = [0, *accumulate(len(person.views) for person in people)]
    for person, (start, end) in zip(people, pairwise(starts), strict=True):
        if person.affinities is not None:
            entries[start:end, tags:] = person.affinities
    of = np.array([person.of for person in people])
    return ContextTable(compiled.layout, shared, entries, of + np.array(starts[:-1])[:, np.newaxis])


def namespace_for(
    role: int, matrix: ContextMatrix, feature_view: FeatureView, *, compiled: CompiledCatalogue
) -> Namespace:
    """Give all that expressions may name, as a purpose sees it."""
    view = int(feature_view.of[role])
    seen = feature_view.views[view]
    features = zip(compiled.names, matrix.values[view].tolist(), strict=True)
    return namespace_of(features, matrix.facts[view], holdings=seen.profile.holdings, days_since=seen.days_since)


def _days_since(profile: Profile, request: Request) -> dict[str, float]:
    return {
        event: (request.at - life.at) / DAY for event, life in profile.life.items() if life.confidence >= SURE_ENOUGH
    }


def _changed(values: FloatArray, changes: Mapping[str, float], *, places: Mapping[str, int]) -> FloatArray:
    values = values.copy()
    for name, new in changes.items():
        place = places.get(name)
        if place is not None:
            values[~np.isnan(values[:, place]), place] = new
    return values


def _changed_facts(foreseen: Mapping[str, float], changes: Mapping[str, float]) -> Mapping[str, float]:
    if not changes:
        return foreseen
    return {name: was if math.isnan(was) else changes.get(name, was) for name, was in foreseen.items()}


def _foreseen(decision_input: DecisionInput, role: Role) -> Mapping[str, float]:
    if decision_input.forecast is None or decision_input.forecast_refused(role):
        return _UNKNOWN
    return decision_input.forecast.facts()


def matches_of(values: FloatArray, *, compiled: CompiledCatalogue, corrected: Sequence[frozenset[str]]) -> FloatArray:
    """Give how well distinct tags fit what occupies those who see these values. Shape (v, distinct tags).

    An interest that a person says is wrong fits nothing, whatever they pay for or visit.
    """
    topics = compiled.topics
    levels = values[:, topics.places]
    weights = np.divide(levels, levels + topics.scales, out=np.zeros(levels.shape), where=levels > 0.0)
    matches = np.zeros((len(values), len(compiled.tags)))
    for row, (each, wrong) in enumerate(zip(weights.tolist(), corrected, strict=True)):
        interests: dict[str, float] = {}
        for topic, weight in zip(topics.names, each, strict=True):
            if weight > interests.get(topic, 0.0) and not (wrong and interest_in(topic) in wrong):
                interests[topic] = weight
        if interests:
            matches[row] = content_matches(interests, compiled.tags)
    return matches


def _affinities(
    decision_input: DecisionInput, compiled: CompiledCatalogue, views: Sequence[PurposeView]
) -> FloatArray | None:
    affinity = decision_input.affinity
    if affinity is None:
        return None
    declined = {said.action for said in decision_input.contacts if said.declined_at is not None}
    dismissed = {item for action, item in compiled.item_by_action.items() if action in declined}
    held = {purpose: views[purpose].items() for purpose, item in compiled.items if item is not None}
    scores = [
        0.0 if item is None else affinity.score(held[purpose], item, dismissed=dismissed)
        for purpose, item in compiled.items
    ]
    return np.array(scores)

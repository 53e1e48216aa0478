"""What choices see: plain values per purpose, which conditions hold, and one context vector per offered action.

1. ``build_view``: what is visible to a person's purposes, once per decision: profile, facts, values (v, n; NaN:
   unknown, hidden). Purposes that may use the same sources share one of the v views.
2. ``build_contexts``: the views of many people at once, with some numbers changed or none; ``squashed`` (v, m) are the
   context features, brought between -1 and 1 by the catalogue. Unknown and hidden alike are 0: nothing speaks for or
   against, and nothing leaks. ``held`` (v, k) says which conditions hold.
3. ``contexts_of``, (r, d): for each action asked for the view of its purpose, and beside it match, affinity, who began,
   and shortfall risk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.decide.catalogue import FORESEEN
from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.decide.conditions import Conditions, Flags
from marketofone.decide.decision_input import ACTION_ROLES, DecisionInput
from marketofone.decide.expressions import Namespace, Value, namespace_of
from marketofone.domain.decision import Request
from marketofone.domain.moment import DAY
from marketofone.domain.role import Role
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
    items: frozenset[str]


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
    """What one choice sees: by view values, facts, what is squashed of values, and the risk of running short.

    ``held`` says by view which conditions hold, ``matches`` how well the catalogue's distinct tags fit. Contexts are
    made of it by :func:`contexts_of`.
    """

    values: FloatArray
    facts: tuple[Mapping[str, Value], ...]
    held: Flags
    squashed: FloatArray
    matches: FloatArray
    risks: FloatArray


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
        items = items_of(profile, now=request.at)
        views.append(PurposeView(profile, _days_since(profile, request), _foreseen(decision_input, role), items))
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
    squashed = compiled.features.squash(values)
    matches = _matches(compiled, values, corrected=[person.corrected for person, _ in each])
    risks = np.fmax([each["shortfall_30d"] for each in facts], 0.0)
    found, start = [], 0
    for person in views:
        rows = slice(start, start := start + len(person.views))
        found.append(
            ContextMatrix(values[rows], tuple(facts[rows]), held[rows], squashed[rows], matches[rows], risks[rows])
        )
    return found


def contexts_of(
    rows: NDArray[np.intp], matrix: ContextMatrix, feature_view: FeatureView, *, compiled: CompiledCatalogue
) -> FloatArray:
    """Give the context vectors of some actions, shape (r, d)."""
    own, is_one = matrix.squashed.shape[1], len(matrix.squashed) == 1  # whom all purposes see alike
    views = 0 if is_one else feature_view.of[compiled.purpose_of[rows]]
    contexts = np.empty((rows.size, compiled.dim))
    contexts[:, 0] = 1.0
    contexts[:, 1 : 1 + own] = matrix.squashed[views]
    contexts[:, 1 + own] = matrix.matches[views, compiled.tags_of[rows]]
    affinities = feature_view.affinities
    contexts[:, 2 + own] = 0.0 if affinities is None else affinities[compiled.item_of[rows]]
    contexts[:, 3 + own] = feature_view.said["begun_by_customer"] is True
    contexts[:, 4 + own] = matrix.risks[views]
    return contexts


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


def _matches(compiled: CompiledCatalogue, values: FloatArray, *, corrected: Sequence[frozenset[str]]) -> FloatArray:
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
    scores = [
        0.0 if item is None else affinity.score(views[purpose].items, item, dismissed=dismissed)
        for purpose, item in compiled.items
    ]
    return np.array(scores)

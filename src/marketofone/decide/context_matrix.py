"""What a choice sees: a namespace of plain values per purpose, and one context vector per offered action.

1. ``build_view``: what is visible per role, once per decision: profile, facts, values (4, n; NaN: unknown, hidden).
2. ``build_contexts``: the same with some numbers changed (or none), as namespaces, and as what vectors are made of.
3. ``squashed`` (4, m): the context features, brought between -1 and 1 by the catalogue. Unknown and hidden alike are
   0: nothing speaks for or against, and nothing leaks.
4. ``contexts_of``, (r, d): for each action asked for the row of its purpose, and beside it match, affinity, who began,
   and shortfall risk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.catalogue import FORESEEN
from marketofone.decide.compiled_catalogue import CompiledCatalogue
from marketofone.decide.decision_input import ACTION_ROLES, DecisionInput
from marketofone.decide.expressions import Namespace, Value, namespace_of
from marketofone.domain.decision import Request
from marketofone.domain.moment import DAY
from marketofone.domain.role import Role
from marketofone.models.recommend import content_match
from marketofone.profile.view import Profile

FloatArray: TypeAlias = NDArray[np.float64]

_SURE_ENOUGH = 0.5  # the least confidence with which a life event counts


@dataclass(frozen=True, slots=True, eq=False)
class PurposeView:
    """What purposes with the same permitted sources see."""

    row: int
    profile: Profile
    days_since: Mapping[str, float]
    foreseen: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureView:
    """What is visible for each role, in the order of ``ACTION_ROLES``, and per offered action how it fits."""

    values: FloatArray
    said: Mapping[str, Value]
    views: tuple[PurposeView, ...]
    matches: FloatArray
    affinities: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ContextMatrix:
    """What a choice sees: by purpose values, what is squashed of them and the risk of running short; by action matches.

    Contexts are made of it by :func:`contexts_of`.
    """

    values: FloatArray
    namespaces: tuple[Namespace, ...]
    squashed: FloatArray
    matches: FloatArray
    risks: FloatArray


def build_view(request: Request, decision_input: DecisionInput, *, compiled: CompiledCatalogue) -> FeatureView:
    """Gather what is visible for each role; one without a permit sees nothing."""
    values = np.full((len(ACTION_ROLES), len(compiled.names)), np.nan)
    known: dict[frozenset[str], PurposeView] = {}
    views = []
    for row, role in enumerate(ACTION_ROLES):
        seen, allowed = decision_input.seen.get(role), decision_input.allowed(role)
        if seen is not None and allowed:
            values[row] = np.where(seen.hidden, np.nan, seen.values)
        if allowed not in known:
            profile = seen.profile if seen is not None and allowed else Profile()
            known[allowed] = PurposeView(
                row=row,
                profile=profile,
                days_since={
                    event: (request.at - life.at) / DAY
                    for event, life in profile.life.items()
                    if life.confidence >= _SURE_ENOUGH
                },
                foreseen=_foreseen(decision_input, role),
            )
        views.append(known[allowed])
    begun = compiled.catalogue.occasion(request.occasion).begun_by == "customer"
    return FeatureView(
        values=values,
        said={"channel": request.channel, "occasion": request.occasion, "begun_by_customer": begun},
        views=tuple(views),
        matches=_matches(compiled, views, values),
        affinities=_affinities(decision_input, compiled, views),
    )


def build_contexts(
    feature_view: FeatureView, *, compiled: CompiledCatalogue, changes: Mapping[str, float]
) -> ContextMatrix:
    """Look at what is visible, as it is or with some of it changed. What is hidden stays hidden."""
    values = feature_view.values.copy()
    for name, new in changes.items():
        place = compiled.features.index.get(name)
        if place is not None:
            values[~np.isnan(values[:, place]), place] = new
    matches = feature_view.matches
    if not compiled.topical.isdisjoint(changes):
        matches = _matches(compiled, feature_view.views, values)
    rows = values.tolist()
    namespaces: dict[int, Namespace] = {}
    for view in feature_view.views:
        if view.row not in namespaces:
            foreseen = {name: was if math.isnan(was) else changes.get(name, was) for name, was in view.foreseen.items()}
            namespaces[view.row] = namespace_of(
                zip(compiled.names, rows[view.row], strict=True),
                {**foreseen, **feature_view.said},
                holdings=view.profile.holdings,
                days_since=view.days_since,
            )
    seen = tuple(namespaces[view.row] for view in feature_view.views)
    risks = [risk if isinstance(risk := each["shortfall_30d"], float) and risk > 0.0 else 0.0 for each in seen]
    squashed = compiled.features.squash(values)
    return ContextMatrix(values=values, namespaces=seen, squashed=squashed, matches=matches, risks=np.array(risks))


def contexts_of(
    rows: NDArray[np.intp], matrix: ContextMatrix, feature_view: FeatureView, *, compiled: CompiledCatalogue
) -> FloatArray:
    """Give the context vectors of some actions, shape (r, d)."""
    own, purposes = matrix.squashed.shape[1], compiled.purpose_of[rows]
    contexts = np.empty((rows.size, compiled.dim))
    contexts[:, 0] = 1.0
    contexts[:, 1 : 1 + own] = matrix.squashed[purposes]
    contexts[:, 1 + own] = matrix.matches[rows]
    contexts[:, 2 + own] = feature_view.affinities[rows]
    contexts[:, 3 + own] = feature_view.said["begun_by_customer"] is True
    contexts[:, 4 + own] = matrix.risks[purposes]
    return contexts


def _foreseen(decision_input: DecisionInput, role: Role) -> dict[str, float]:
    if decision_input.forecast is None or decision_input.forecast_refused(role):
        return dict.fromkeys(FORESEEN, math.nan)
    return decision_input.forecast.facts()


def _matches(compiled: CompiledCatalogue, views: Sequence[PurposeView], values: FloatArray) -> FloatArray:
    interests = {row: _interests(compiled, values[row].tolist()) for row in {view.row for view in views}}
    matches = []
    for purpose, tags in compiled.tags:
        themes = interests[views[purpose].row]
        matches.append(0.0 if themes.keys().isdisjoint(tags) else content_match(themes, tags))
    return np.array(matches)[compiled.tags_of]


def _interests(compiled: CompiledCatalogue, values: list[float]) -> dict[str, float]:
    interests: dict[str, float] = {}
    for topic, place, scale in compiled.topics:
        value = values[place]
        if value > 0.0:
            interests[topic] = max(interests.get(topic, 0.0), value / (value + scale))
    return interests


def _affinities(decision_input: DecisionInput, compiled: CompiledCatalogue, views: list[PurposeView]) -> FloatArray:
    affinity = decision_input.affinity
    if affinity is None:
        return np.zeros(len(compiled.offered))
    declined = {said.action for said in decision_input.contacts if said.declined_at is not None}
    dismissed = {product for action, product in compiled.product_by_action.items() if action in declined}
    scores = [
        0.0 if product is None else affinity.score(views[purpose].profile.holdings, product, dismissed=dismissed)
        for purpose, product in compiled.products
    ]
    return np.array(scores)[compiled.product_of]

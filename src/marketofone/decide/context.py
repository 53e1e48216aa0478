"""What a choice sees: a namespace of plain values per purpose, and one context vector per offered action.

1. ``stand``: what is visible per purpose, once per decision: profile, facts, values (4, n; NaN: unknown or hidden).
2. ``look``: the same with some numbers changed (or none), as namespaces for expressions and as context vectors.
3. ``squashed`` (4, m): the context features, brought between -1 and 1 by the catalogue. Unknown and hidden alike are
   0: nothing speaks for or against, and nothing leaks.
4. ``contexts`` (k, d): the row of the action's purpose, and beside it match, affinity, who began, and shortfall risk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.catalogue import FORESEEN
from marketofone.decide.expressions import Namespace, Value, namespace_of
from marketofone.decide.playbook import Playbook
from marketofone.decide.situation import PURPOSES, Situation
from marketofone.domain.decision import Request
from marketofone.domain.moment import DAY
from marketofone.models.recommend import content_match
from marketofone.profile.view import Profile

FloatArray: TypeAlias = NDArray[np.float64]

_SURE_ENOUGH = 0.5  # the least confidence with which a life event counts


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What purposes with the same permitted sources see."""

    row: int
    profile: Profile
    days_since: Mapping[str, float]
    foreseen: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Standpoint:
    """What is visible for each purpose, in the order of ``PURPOSES``; ``affinities`` are per offered action."""

    values: FloatArray
    said: Mapping[str, Value]
    views: tuple[View, ...]
    affinities: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What a choice sees."""

    values: FloatArray
    namespaces: tuple[Namespace, ...]
    contexts: FloatArray


def stand(request: Request, situation: Situation, *, playbook: Playbook) -> Standpoint:
    """Gather what is visible for each purpose; a purpose without a permit sees nothing."""
    values = np.full((len(PURPOSES), len(playbook.names)), np.nan)
    known: dict[frozenset[str], View] = {}
    views = []
    for row, purpose in enumerate(PURPOSES):
        seen, allowed = situation.seen.get(purpose), situation.allowed(purpose)
        if seen is not None and allowed:
            values[row] = np.where(seen.hidden, np.nan, seen.values)
        if allowed not in known:
            profile = seen.profile if seen is not None and allowed else Profile()
            known[allowed] = View(
                row=row,
                profile=profile,
                days_since={
                    event: (request.at - life.at) / DAY
                    for event, life in profile.life.items()
                    if life.confidence >= _SURE_ENOUGH
                },
                foreseen=_foreseen(situation, purpose),
            )
        views.append(known[allowed])
    begun = playbook.catalogue.occasion(request.occasion).begun_by == "customer"
    return Standpoint(
        values=values,
        said={"channel": request.channel, "occasion": request.occasion, "begun_by_customer": begun},
        views=tuple(views),
        affinities=_affinities(situation, playbook, views),
    )


def look(standpoint: Standpoint, *, playbook: Playbook, changes: Mapping[str, float]) -> Sight:
    """Look at what is visible, as it is or with some of it changed. What is hidden stays hidden."""
    values = standpoint.values.copy()
    for name, new in changes.items():
        place = playbook.features.index.get(name)
        if place is not None:
            values[~np.isnan(values[:, place]), place] = new
    rows = values.tolist()
    namespaces: dict[int, Namespace] = {}
    for view in standpoint.views:
        if view.row not in namespaces:
            foreseen = {name: was if math.isnan(was) else changes.get(name, was) for name, was in view.foreseen.items()}
            namespaces[view.row] = namespace_of(
                zip(playbook.names, rows[view.row], strict=True),
                {**foreseen, **standpoint.said},
                holdings=view.profile.holdings,
                days_since=view.days_since,
            )
    seen = tuple(namespaces[view.row] for view in standpoint.views)
    squashed = playbook.features.squash(values)
    contexts = _contexts(standpoint, playbook, squashed, rows=rows, namespaces=seen)
    return Sight(values=values, namespaces=seen, contexts=contexts)


def _contexts(
    standpoint: Standpoint,
    playbook: Playbook,
    squashed: FloatArray,
    *,
    rows: list[list[float]],
    namespaces: tuple[Namespace, ...],
) -> FloatArray:
    own = squashed.shape[1]
    risks = [risk if isinstance(risk := each["shortfall_30d"], float) and risk > 0.0 else 0.0 for each in namespaces]
    contexts = np.empty((len(playbook.offered), playbook.dim))
    contexts[:, 0] = 1.0
    contexts[:, 1 : 1 + own] = squashed[playbook.purpose_of]
    contexts[:, 1 + own] = _matches(playbook, standpoint.views, rows)
    contexts[:, 2 + own] = standpoint.affinities
    contexts[:, 3 + own] = standpoint.said["begun_by_customer"] is True
    contexts[:, 4 + own] = np.array(risks)[playbook.purpose_of]
    return contexts


def _foreseen(situation: Situation, purpose: str) -> dict[str, float]:
    if situation.foresight is None or situation.foresight_refused(purpose):
        return dict.fromkeys(FORESEEN, math.nan)
    return situation.foresight.facts()


def _matches(playbook: Playbook, views: tuple[View, ...], rows: list[list[float]]) -> FloatArray:
    interests = {view.row: _interests(playbook, rows[view.row]) for view in views}
    matches = []
    for purpose, tags in playbook.tags:
        themes = interests[views[purpose].row]
        matches.append(0.0 if themes.keys().isdisjoint(tags) else content_match(themes, tags))
    return np.array(matches)[playbook.tags_of]


def _interests(playbook: Playbook, values: list[float]) -> dict[str, float]:
    interests: dict[str, float] = {}
    for topic, place, scale in playbook.topics:
        value = values[place]
        if value > 0.0:
            interests[topic] = max(interests.get(topic, 0.0), value / (value + scale))
    return interests


def _affinities(situation: Situation, playbook: Playbook, views: list[View]) -> FloatArray:
    affinity = situation.affinity
    if affinity is None:
        return np.zeros(len(playbook.offered))
    scores = [
        0.0 if product is None else affinity.score(views[purpose].profile.holdings, product)
        for purpose, product in playbook.products
    ]
    return np.array(scores)[playbook.product_of]

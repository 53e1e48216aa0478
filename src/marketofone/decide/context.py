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
class Standpoint:
    """What is visible for each purpose, in the order of ``PURPOSES``; ``affinities`` are per offered action."""

    values: FloatArray
    said: Mapping[str, Value]
    foreseen: tuple[Mapping[str, float], ...]
    profiles: tuple[Profile, ...]
    days_since: tuple[Mapping[str, float], ...]
    affinities: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What a choice sees."""

    values: FloatArray
    namespaces: tuple[Namespace, ...]
    squashed: FloatArray
    contexts: FloatArray


def stand(request: Request, situation: Situation, *, playbook: Playbook) -> Standpoint:
    """Gather what is visible for each purpose; a purpose without a permit sees nothing."""
    values = np.full((len(PURPOSES), len(playbook.names)), np.nan)
    known: dict[frozenset[str], Profile] = {frozenset(): Profile()}
    profiles = []
    for number, purpose in enumerate(PURPOSES):
        seen, allowed = situation.seen.get(purpose), situation.allowed(purpose)
        if seen is not None and allowed:
            values[number] = np.where(seen.hidden, np.nan, seen.values)
            if allowed not in known:
                known[allowed] = seen.profile
        profiles.append(known.get(allowed) or known[frozenset()])
    begun = playbook.catalogue.occasion(request.occasion).begun_by == "customer"
    return Standpoint(
        values=values,
        said={"channel": request.channel, "occasion": request.occasion, "begun_by_customer": begun},
        foreseen=tuple(_foreseen(situation, purpose) for purpose in PURPOSES),
        profiles=tuple(profiles),
        days_since=tuple(
            {
                event: (request.at - life.at) / DAY
                for event, life in profile.life.items()
                if life.confidence >= _SURE_ENOUGH
            }
            for profile in profiles
        ),
        affinities=_affinities(situation, playbook, profiles),
    )


def look(standpoint: Standpoint, *, playbook: Playbook, changes: Mapping[str, float]) -> Sight:
    """Look at what is visible, as it is or with some of it changed. What is hidden stays hidden."""
    values, foreseen = standpoint.values, standpoint.foreseen
    for name, new in changes.items():
        place = playbook.features.index.get(name)
        if place is None:
            foreseen = tuple(each if math.isnan(each[name]) else {**each, name: new} for each in foreseen)
        else:
            values = values.copy()
            values[~np.isnan(values[:, place]), place] = new
    rows = values.tolist()
    squashed = playbook.features.squash(values)
    own = squashed.shape[1]
    contexts = np.empty((len(playbook.offered), playbook.dim))
    contexts[:, 0] = 1.0
    contexts[:, 1 : 1 + own] = squashed[playbook.purpose_of]
    contexts[:, 1 + own] = _matches(playbook, rows)
    contexts[:, 2 + own] = standpoint.affinities
    contexts[:, 3 + own] = standpoint.said["begun_by_customer"] is True
    contexts[:, 4 + own] = np.nan_to_num(np.array([each["shortfall_30d"] for each in foreseen]))[playbook.purpose_of]
    return Sight(
        values=values,
        namespaces=tuple(
            namespace_of(
                {**dict(zip(playbook.names, row, strict=True)), **foreseen[purpose], **standpoint.said},
                holdings=standpoint.profiles[purpose].holdings,
                days_since=standpoint.days_since[purpose],
            )
            for purpose, row in enumerate(rows)
        ),
        squashed=squashed,
        contexts=contexts,
    )


def _foreseen(situation: Situation, purpose: str) -> dict[str, float]:
    if situation.foresight is None or situation.foresight_refused(purpose):
        return dict.fromkeys(sorted(FORESEEN), math.nan)
    return {name: float(getattr(situation.foresight, name)) for name in sorted(FORESEEN)}


def _matches(playbook: Playbook, rows: list[list[float]]) -> FloatArray:
    interests = [_interests(playbook, row) for row in rows]
    return np.array(
        [
            0.0 if interests[purpose].keys().isdisjoint(tags) else content_match(interests[purpose], tags)
            for purpose, tags in playbook.tags
        ]
    )[playbook.tags_of]


def _interests(playbook: Playbook, values: list[float]) -> dict[str, float]:
    interests: dict[str, float] = {}
    for topic, place, scale in playbook.topics:
        value = values[place]
        if value > 0.0:
            interests[topic] = max(interests.get(topic, 0.0), value / (value + scale))
    return interests


def _affinities(situation: Situation, playbook: Playbook, profiles: list[Profile]) -> FloatArray:
    affinity = situation.affinity
    if affinity is None:
        return np.zeros(len(playbook.offered))
    return np.array(
        [
            0.0 if product is None else affinity.score(profiles[purpose].holdings, product)
            for purpose, product in playbook.products
        ]
    )[playbook.product_of]

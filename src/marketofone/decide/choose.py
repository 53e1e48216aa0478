"""The choice: gates, scores, draw. Pure, and cheap enough to be made again with one number changed.

1. ``ground``: what no feature can change: permits, guardrails, the board, and the luck of this decision's id.
2. gates, in this order: eligible -> permitted -> guarded -> approved. Whoever is stopped keeps the stage and the why.
3. scores: ``value x chance - cost``, a normal number per action, because the chance is one. Doing nothing scores 0.
4. draw: the highest sample wins; the control group, and now and then everybody, draws uniformly instead.

Luck is one row of numbers for *all* actions of the playbook, so an action that joins or leaves the choice moves nobody
else's luck: two choices under the same id differ only by what differs between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import compress
from operator import not_
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from marketofone.consent.gate import WHY as WHY_NOT
from marketofone.decide import foresight
from marketofone.decide.context import FloatArray, Sight, Standpoint, look, stand
from marketofone.decide.expressions import answers
from marketofone.decide.playbook import NOBODY, Demand, Playbook, Rows, Slate
from marketofone.decide.situation import PURPOSES, Situation
from marketofone.domain.decision import Request
from marketofone.domain.event import SOURCES
from marketofone.domain.moment import DAY
from marketofone.governance.board import WHY
from marketofone.governance.guardrails import Circumstances, objections, tally
from marketofone.models.bandit import mix, predict, propensities

Stage = Literal["not_eligible", "not_permitted", "guarded", "not_approved"]
Stop = tuple[Stage, str]
NEVER = WHY_NOT["never"]
_CARE = PURPOSES.index("care")
NOT_TRUE: Stop = ("not_eligible", "its condition does not hold")


class Luck(Struct, frozen=True, kw_only=True):
    """The random numbers of one decision: a normal and a place in the lottery per action, and who draws uniformly.

    ``places`` (k + 1) ends with the place of doing nothing; the smallest wins a uniform draw.
    """

    normals: FloatArray
    places: FloatArray
    explore: float


@dataclass(frozen=True, eq=False)
class Ground:
    """What no feature can change: one person, one moment, one luck."""

    request: Request
    situation: Situation
    playbook: Playbook
    slate: Slate
    allowed: tuple[frozenset[str], ...]
    circumstances: Circumstances
    luck: Luck
    standpoint: Standpoint


@dataclass(frozen=True, eq=False)
class Choice:
    """One choice: who was stopped and why, the scores of all actions, and the row that won.

    ``barred`` are those that something beside their condition stands in the way of.
    """

    sight: Sight
    stressed: bool
    stops: Mapping[int, Stop]
    barred: Mapping[int, Stop]
    options: Rows
    mean: FloatArray
    spread: FloatArray
    samples: FloatArray
    uniform: bool
    chosen: int


def draw_luck(decision_id: str, *, actions: int) -> Luck:
    """Draw the random numbers of a decision: always the same for the same id.

    Examples
    --------
    >>> draw_luck("d-1", actions=3).explore == draw_luck("d-1", actions=3).explore
    True
    """
    key = int.from_bytes(blake2b(decision_id.encode(), digest_size=16).digest(), "big")
    generator = np.random.Generator(np.random.Philox(key=key))
    return Luck(
        explore=float(generator.random()),
        normals=generator.standard_normal(actions),
        places=generator.random(actions + 1),
    )


def prepare(request: Request, situation: Situation, *, playbook: Playbook) -> Ground:
    """Gather what no feature can change."""
    occasion = playbook.catalogue.occasion(request.occasion)
    guardrails = playbook.guardrails
    return Ground(
        request=request,
        situation=situation,
        playbook=playbook,
        slate=playbook.slate(occasion=request.occasion, channel=request.channel),
        allowed=tuple(situation.allowed(purpose) for purpose in PURPOSES),
        circumstances=Circumstances(
            now=request.at,
            quiet=guardrails.quiet(situation.minute_of_day),
            channel=request.channel,
            begun_by=occasion.begun_by,
            tally=tally(situation.contacts, now=request.at, exempt=guardrails.caps.exempt),
            stressed=False,
            credit_could_hurt=situation.credit_could_hurt(request.at),
        ),
        luck=draw_luck(request.id, actions=len(playbook.offered)),
        standpoint=stand(request, situation, playbook=playbook),
    )


def choose(ground: Ground, *, changes: Mapping[str, float], before: Choice | None) -> Choice:
    """Choose, as things are or with some visible features or facts changed.

    Parameters
    ----------
    ground
        What no feature can change.
    changes
        New values by name; what is hidden stays hidden. Empty for the decision itself.
    before
        A choice on the same ground whose judgements may be reused, or None.
    """
    ground = _as_if(ground, changes)
    playbook, situation = ground.playbook, ground.situation
    sight = look(ground.standpoint, playbook=playbook, changes=changes)
    stressed = playbook.stress.sources <= ground.allowed[_CARE] and playbook.stress.holds(sight.namespaces[_CARE])
    same = before is not None and before.stressed == stressed and foresight.CHANGEABLE.isdisjoint(changes)
    barred = before.barred if before is not None and same else _barred(ground, stressed=stressed)
    stops = _stops(ground, sight, barred)
    options = _options(ground, stops, stressed=stressed)
    chance, doubt = predict(situation.arms, sight.contexts)
    mean = situation.values * chance - playbook.costs
    spread = np.abs(situation.values) * doubt
    samples = mean + spread * ground.luck.normals
    uniform = situation.control or ground.luck.explore < situation.exploration
    return Choice(
        sight=sight,
        stressed=stressed,
        stops=stops,
        barred=barred,
        options=options,
        mean=mean,
        spread=spread,
        samples=samples,
        uniform=uniform,
        chosen=_pick(options, samples=samples, places=ground.luck.places, uniform=uniform),
    )


def chances(choice: Choice, situation: Situation) -> FloatArray:
    """Give the probability with which each option was drawn, in the order of the options; sums to 1."""
    rows = choice.options
    if situation.control or rows.size == 1:
        return np.full(rows.size, 1.0 / rows.size)
    offered = rows != NOBODY
    mean, spread = (np.where(offered, of[rows], 0.0) for of in (choice.mean, choice.spread))
    return mix(propensities(mean, spread), floor=situation.exploration)


def _as_if(ground: Ground, changes: Mapping[str, float]) -> Ground:
    """Give the ground on which a forecast had said otherwise: what stops a credit, or is told already, follows it."""
    said = ground.situation.foresight
    if said is None or foresight.CHANGEABLE.isdisjoint(changes):
        return ground
    situation = msgspec.structs.replace(ground.situation, foresight=said.changed(changes))
    hurt = situation.credit_could_hurt(ground.request.at)
    circumstances = msgspec.structs.replace(ground.circumstances, credit_could_hurt=hurt)
    return replace(ground, situation=situation, circumstances=circumstances)


def _barred(ground: Ground, *, stressed: bool) -> dict[int, Stop]:
    """Judge every candidate by what stands beside its condition: the board, guardrails, permits; the last one tells."""
    playbook, slate, board = ground.playbook, ground.slate, ground.situation.board
    barred: dict[int, Stop] = {}
    for row in slate.rows if board.stops else slate.sensitive:
        tier = playbook.catalogue.tiers[1 + row]
        why = WHY[board.standing(playbook.offered[row], tier=tier, at=ground.request.at)]
        if why:
            barred[row] = ("not_approved", why)
    circumstances = msgspec.structs.replace(ground.circumstances, stressed=stressed)
    for name, answer in objections(slate.alike, circumstances, guardrails=playbook.guardrails).items():
        barred[slate.row_of[name]] = ("guarded", answer)
    for event, rows in slate.ahead:
        barred.update(_late_or_told(ground, event, rows))
    for demand, rows in slate.demanding:
        refusal = _refusal(ground, demand)
        if refusal is not None:
            barred.update(dict.fromkeys(rows, refusal))
    return barred


def _late_or_told(ground: Ground, event: str, rows: tuple[int, ...]) -> dict[int, Stop]:
    """Stop actions about something foreseen: those it is too late for, or all when its cause was told already."""
    said = ground.situation.foresight
    foretold = None if said is None else said.foretold(event)
    if said is None or foretold is None:
        return {}
    told = foresight.told_at(foretold, ground.situation.contacts, settled=said.settled)
    if told is not None:
        ago = (ground.request.at - told) // DAY
        return dict.fromkeys(rows, ("guarded", f"told_already: {ago} days ago, and nothing has changed since"))
    days, stops = said.days_to(event), dict[int, Stop]()
    for row in rows:
        lead = ground.playbook.offered[row].lead_days
        if days < lead:
            stops[row] = ("not_eligible", f"too late to help: expected in {days:.0f} days, it takes {lead}")
    return stops


def _refusal(ground: Ground, demand: Demand) -> Stop | None:
    """Say what a person refused of what an action would have to know, or may not be done without."""
    purpose, allowed = PURPOSES[demand.purpose], ground.allowed[demand.purpose]
    unknown = demand.reads - allowed
    if demand.foreseen and not unknown:
        unknown = ground.situation.foresight_refused(purpose)
    missing = unknown or demand.needs - allowed
    if missing:
        source = next(source for source in SOURCES if source in missing)
        permit = ground.situation.permits.get(purpose)
        why = NEVER if permit is None else permit.refused.get(source, NEVER)
        refusal = f"{source} is refused for {purpose}: {why}"
        return ("not_eligible", f"unknown, because {refusal}") if unknown else ("not_permitted", refusal)
    return None if allowed else ("not_permitted", f"nothing is allowed for {purpose}")


def _stops(ground: Ground, sight: Sight, barred: Mapping[int, Stop]) -> dict[int, Stop]:
    stops = dict(barred)
    for (rows, code), namespace in zip(ground.slate.together, sight.namespaces, strict=True):
        held = answers(code, namespace)
        if not all(held):
            for row in compress(rows, map(not_, held)):
                if row not in barred or barred[row][0] != "not_eligible":
                    stops[row] = NOT_TRUE
    return stops


def _options(ground: Ground, stops: Mapping[int, Stop], *, stressed: bool) -> Rows:
    """Give the rows that may win. Under stress somebody reaches out whenever anybody may; else silence."""
    if not stops and not stressed:
        return ground.slate.options
    open_rows = [row for row in ground.slate.rows if row not in stops]
    return np.array(open_rows if stressed and open_rows else [NOBODY, *open_rows])


def _pick(rows: Rows, *, samples: FloatArray, places: FloatArray, uniform: bool) -> int:
    if uniform:
        return int(rows[places[rows].argmin()])
    return int(rows[np.where(rows == NOBODY, 0.0, samples[rows]).argmax()])

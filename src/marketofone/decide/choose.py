"""The choice: gates, scores, draw. Pure, and cheap enough to be made again with one number changed.

1. ``context``: what no feature can change: permits, guardrails, the board, and the random draws of this decision's id.
2. gates, in this order: eligible -> permitted -> guarded -> approved. Whoever is stopped keeps the stage and the why.
3. scores: ``value x acceptance probability - cost``, a normal number per action, because the probability is one.
   Doing nothing scores 0. What a person said no to takes a share off what all of its kind would bring, where
   ``guardrails.toml`` says so: means move and spreads stay, so nothing of another kind becomes less likely by it.
4. draw: the highest sample wins; the control group, and now and then everybody, draws uniformly instead. In a group
   with a fixed order its first wins: the places of the lottery are those of the order.

The random draws are one row of numbers for *all* actions of the compiled catalogue, so an action that joins or leaves
the choice moves no other's draw: two choices under the same id differ only by what differs between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.gate import NEVER, REFUSED
from marketofone.decide import forecast_facts
from marketofone.decide.compiled_catalogue import NOTHING_ROW, CandidateSet, CompiledCatalogue, DataRequirement, Rows
from marketofone.decide.context_matrix import (
    ContextMatrix,
    FeatureView,
    FloatArray,
    build_contexts,
    build_view,
)
from marketofone.decide.decision_input import ACTION_ROLES, DecisionInput
from marketofone.decide.random_draws import RandomDraws, random_draws_of
from marketofone.decide.stress import denied
from marketofone.domain.action import Kind
from marketofone.domain.decision import Request
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import SOURCES
from marketofone.domain.moment import DAY
from marketofone.domain.role import Role
from marketofone.governance.board import WHY
from marketofone.governance.guardrails import Circumstances, lowered, objections, tally
from marketofone.models.bandit import Scores, mix, propensities

Stage = Literal["not_eligible", "not_permitted", "guarded", "not_approved"]
Rejection = tuple[Stage, str]
_CARE = ACTION_ROLES.index("care")
_NO_PART: Rejection = ("not_eligible", "placement: no part of the app that is put in order")
_USED_UP: Rejection = ("guarded", "budget: what there is of it for a day is used up")
_USED_UP_BY_NOW: Rejection = ("guarded", "budget: what there is of it by this time of the day is used up")
NOT_TRUE: Rejection = ("not_eligible", "its condition does not hold")
_NOUGHTS, _NO_ROWS = np.zeros((5, 1)), np.array([], dtype=np.intp)
_AS_IT_IS: Mapping[str, float] = {}


class DecisionContext(Struct, frozen=True, eq=False, gc=False):
    """What no feature can change: one person, one moment, one row of random draws.

    ``above`` counts the places of the slate above the one that is decided.
    """

    request: Request
    decision_input: DecisionInput
    compiled: CompiledCatalogue
    candidate_set: CandidateSet
    allowed: tuple[frozenset[str], ...]
    circumstances: Circumstances
    random_draws: RandomDraws
    feature_view: FeatureView
    lowered: Mapping[Kind, float]
    above: int = 0

    def reads(self, role: Role) -> frozenset[str]:
        """Give every source that may be looked at for a role, also for what goes with what a person has."""
        affinity, declared = self.decision_input.affinity, self.compiled.reads[role]
        return declared if affinity is None or role not in self.compiled.suited else declared | affinity.sources


class Choice(Struct, frozen=True, eq=False, gc=False):
    """One choice: who was stopped and why, the scores of all actions, and the row that won.

    ``gate_rejections`` are actions that a permit, a guardrail, the board or a forecast rejects, whatever their
    condition says; ``untrue`` those whose condition does not hold. ``options`` are the rows that may win, and in their
    order stand their ``scores`` (5, o): means, spreads and samples, then means as the policy gives them, and what they
    hold of doubt. ``looks`` are the parts of those who look at a place of a slate who look at the next, down to this.
    """

    matrix: ContextMatrix
    stressed: bool
    gate_rejections: Mapping[int, Rejection]
    untrue: Rows
    options: Rows
    scores: FloatArray
    uniform: bool
    place: int
    looks: tuple[float, ...] = ()

    @property
    def chosen(self) -> int:
        """The row that won."""
        return int(self.options[self.place])

    @property
    def vector(self) -> FloatArray:
        """The context vector in which it won; doing nothing has none."""
        vector = self.matrix.table.context(self.matrix.person, self.chosen)
        for part in self.looks:
            vector *= part
        return vector

    @property
    def share(self) -> float:
        """How many look where it stands, of those who look at the first place: what the context begins with."""
        return prod(self.looks, start=1.0)

    @property
    def samples(self) -> FloatArray:
        """The samples of all options."""
        row: FloatArray = self.scores[2]
        return row


def prepare(request: Request, decision_input: DecisionInput, *, compiled: CompiledCatalogue) -> DecisionContext:
    """Gather what no feature can change."""
    occasion, placement = compiled.catalogue.occasion(request.occasion), compiled.catalogue.placement(request.placement)
    if request.slots > placement.slots:
        raise MalformedRequest(field="slots", shape="more than the placement has", fix=f"at most {placement.slots}")
    guardrails = compiled.guardrails
    told = tally(decision_input.contacts, now=request.at, caps=guardrails.caps)
    return DecisionContext(
        request=request,
        decision_input=decision_input,
        compiled=compiled,
        candidate_set=compiled.candidate_set(occasion=request.occasion, channel=request.channel),
        allowed=tuple(decision_input.allowed(role) for role in ACTION_ROLES),
        circumstances=Circumstances(
            now=request.at,
            quiet=guardrails.quiet(decision_input.minute_of_day),
            channel=request.channel,
            begun_by=occasion.begun_by,
            tally=told,
            stressed=False,
            credit_could_hurt=decision_input.credit_could_hurt(request.at),
            order=placement.orders,
            denied=denied(decision_input, compiled),
        ),
        random_draws=random_draws_of(decision_input, actions=len(compiled.offered)),
        feature_view=build_view(request, decision_input, compiled=compiled),
        lowered=lowered(told.declined, now=request.at, guardrails=guardrails),
    )


def choose(context: DecisionContext, *, changes: Mapping[str, float], before: Choice | None) -> Choice:
    """Choose, as things are or with some visible features or facts changed.

    Parameters
    ----------
    context
        What no feature can change.
    changes
        New values by name; what is hidden stays hidden. Empty for the decision itself.
    before
        A choice in the same context whose judgements may be reused, or None.
    """
    return choose_all([_as_if(context, changes)], changes=changes, before=before)[0]


def choose_all(
    contexts: Sequence[DecisionContext], *, changes: Mapping[str, float] = _AS_IT_IS, before: Choice | None = None
) -> list[Choice]:
    """Choose for people among the same actions: what they see is looked at together, each choice is their own."""
    compiled, conditions = contexts[0].compiled, contexts[0].candidate_set.conditions
    views = [context.feature_view for context in contexts]
    matrices = build_contexts(views, compiled=compiled, conditions=conditions, changes=changes)
    reuse = before if forecast_facts.CHANGEABLE.isdisjoint(changes) else None
    each = [_open(context, matrix, before=reuse) for context, matrix in zip(contexts, matrices, strict=True)]
    scores = _scored_each(contexts, each)
    return [_chosen(context, one, told) for context, one, told in zip(contexts, each, scores, strict=True)]


class _Open(NamedTuple):
    """What may win: the parts of a :class:`Choice` that stand before anything is scored."""

    matrix: ContextMatrix
    stressed: bool
    gate_rejections: Mapping[int, Rejection]
    untrue: Rows
    options: Rows


def _offered(options: Rows) -> Rows:
    """Give the options without doing nothing, which stands first where it may win."""
    return options[1:] if options[0] == NOTHING_ROW else options


def _open(context: DecisionContext, matrix: ContextMatrix, *, before: Choice | None) -> _Open:
    is_care_open = context.compiled.stress.sources <= context.allowed[_CARE]
    stressed = is_care_open and bool(matrix.held[context.feature_view.of[_CARE], -1])
    same = before if before is not None and before.stressed == stressed else None
    gate_rejections = gate_rejections_of(context, stressed=stressed) if same is None else same.gate_rejections
    untrue = _untrue(context, matrix)
    return _Open(
        matrix, stressed, gate_rejections, untrue, _options(context, gate_rejections, untrue, stressed=stressed)
    )


def _scored_each(contexts: Sequence[DecisionContext], each: Sequence[_Open]) -> list[Scores]:
    """Score what may win, for all people together about whom the same version decides."""
    alike: dict[int, list[int]] = {}
    for place, context in enumerate(contexts):
        alike.setdefault(id(context.decision_input.beliefs), []).append(place)
    scores: dict[int, Scores] = {}
    for places in alike.values():
        asked = [(at, contexts[at].decision_input.own_answers, _offered(each[at].options)) for at in places]
        beliefs = contexts[places[0]].decision_input.beliefs
        scores.update(zip(places, beliefs.score_each(each[0].matrix.table, asked), strict=True))
    return [scores[place] for place in range(len(contexts))]


def _chosen(context: DecisionContext, found: _Open, told: Scores) -> Choice:
    offered = _offered(found.options)
    scores = _drawn(context, offered, told)
    if offered.size < found.options.size:  # doing nothing stands first: its score is 0, and known
        scores = np.concatenate((_NOUGHTS, scores), axis=1)
    uniform, place = winner(context, found.options, scores[2])
    return Choice(*found, scores, uniform, place)


def winner(context: DecisionContext, options: Rows, samples: FloatArray) -> tuple[bool, int]:
    """Say whether the choice is by lot or by an order, and the place of the option that wins it."""
    draws, asked = context.random_draws, context.decision_input
    uniform = asked.control or draws.order is not None or draws.explore < asked.exploration
    return uniform, int(draws.places[options].argmin() if uniform else samples.argmax())


def scored(context: DecisionContext, rows: Rows, contexts: FloatArray) -> FloatArray:
    """Give the scores of some actions, each in its own context, as a :class:`Choice` has them; shape (5, r)."""
    decision_input = context.decision_input
    told = decision_input.beliefs.score(contexts, own=decision_input.own_answers, rows=rows)
    return _drawn(context, rows, told)


def _drawn(context: DecisionContext, rows: Rows, told: Scores) -> FloatArray:
    scores = np.empty((5, rows.size))
    mean, scores[1], samples, scores[3], scores[4] = scores[0], told.spread, scores[2], told.mean, told.doubt
    mean[:] = told.mean - taken_off(context, rows, told.mean) if context.lowered else told.mean
    np.multiply(told.spread, context.random_draws.normals(rows), out=samples)
    samples += mean
    return scores


def taken_off(context: DecisionContext, rows: Rows, mean: FloatArray) -> FloatArray:
    """Give what is taken off the mean scores of actions, for the person said no to something of their kind.

    It is a share of what is expected of each before its cost, and never less than nothing.

    Shapes
    ------
    rows : [r]
    mean, result : float64[r, ...]
    """
    beside = (-1, *(1 for _ in mean.shape[1:]))
    shares = np.array([context.lowered.get(context.compiled.offered[row].kind, 0.0) for row in rows.tolist()])
    costs = context.decision_input.beliefs.start.costs[rows]
    off: FloatArray = shares.reshape(beside) * np.maximum(mean + costs.reshape(beside), 0.0)
    return off


def propensities_of(choice: Choice, decision_input: DecisionInput) -> FloatArray:
    """Give the probability with which each option was drawn, in the order of the options; sums to 1."""
    rows = choice.options
    if decision_input.control or rows.size == 1:
        return np.full(rows.size, 1.0 / rows.size)
    if decision_input.order is not None:
        first = (np.arange(rows.size) == decision_input.order[rows].argmax()).astype(np.float64)
        return mix(first, floor=decision_input.exploration)
    return mix(propensities(*choice.scores[:2]), floor=decision_input.exploration)


def _as_if(context: DecisionContext, changes: Mapping[str, float]) -> DecisionContext:
    """Give the context in which a forecast had said otherwise: what stops a credit, or is told already, follows it."""
    said = context.decision_input.forecast
    if said is None or forecast_facts.CHANGEABLE.isdisjoint(changes):
        return context
    decision_input = replace(context.decision_input, forecast=said.changed(changes))
    hurt = decision_input.credit_could_hurt(context.request.at)
    circumstances = replace(context.circumstances, credit_could_hurt=hurt)
    return replace(context, decision_input=decision_input, circumstances=circumstances)


def gate_rejections_of(context: DecisionContext, *, stressed: bool) -> dict[int, Rejection]:
    """Judge every candidate by what stands beside its condition: the board, guardrails, permits; the last one tells."""
    compiled, candidate_set, board = context.compiled, context.candidate_set, context.decision_input.board
    gate_rejections: dict[int, Rejection] = {}
    for row in candidate_set.rows if board.stops else candidate_set.sensitive:
        why = WHY[board.standing(compiled.offered[row], tier=compiled.catalogue.tiers[1 + row], at=context.request.at)]
        if why:
            gate_rejections[row] = ("not_approved", why)
    circumstances = replace(context.circumstances, stressed=stressed)
    for name, answer in objections(candidate_set.alike, circumstances, guardrails=compiled.guardrails).items():
        gate_rejections[candidate_set.row_of[name]] = ("guarded", answer)
    for name in context.request.closed:
        if name in candidate_set.row_of:
            budget = compiled.offered[candidate_set.row_of[name]].budget
            is_paced = budget is not None and budget.pace is not None
            gate_rejections[candidate_set.row_of[name]] = _USED_UP_BY_NOW if is_paced else _USED_UP
    for event, rows in candidate_set.ahead:
        gate_rejections.update(_late_or_told(context, event, rows))
    gate_rejections.update(_out_of_time_or_place(context))
    seen_for = context.feature_view.profile_for
    asking = ((row, compiled.offered[row], seen_for(compiled.purpose_of[row])) for row in candidate_set.asking)
    for row, why in context.decision_input.not_to_ask(asking, now=context.request.at):
        gate_rejections[row] = ("not_eligible", why)
    for requirement, rows in candidate_set.requirements:
        refusal = _refusal(context, requirement)
        if refusal is not None:
            gate_rejections.update(dict.fromkeys(rows, refusal))
    return gate_rejections


def _late_or_told(context: DecisionContext, event: str, rows: tuple[int, ...]) -> dict[int, Rejection]:
    """Stop actions about something foreseen: those it is too late for, or all when its cause was told already."""
    said = context.decision_input.forecast
    notification = None if said is None else said.notification(event)
    if said is None or notification is None:
        return {}
    told = forecast_facts.told_at(notification, context.decision_input.contacts, settled=said.settled)
    if told is not None:
        ago = (context.request.at - told) // DAY
        return dict.fromkeys(rows, ("guarded", f"told_already: {ago} days ago, and nothing has changed since"))
    days, rejections = said.days_to(event), dict[int, Rejection]()
    for row in rows:
        lead = context.compiled.offered[row].lead_days
        if days < lead:
            rejections[row] = ("not_eligible", f"too late to help: expected in {days:.0f} days, it takes {lead}")
    return rejections


def _out_of_time_or_place(context: DecisionContext) -> dict[int, Rejection]:
    """Stop actions that the bank shows on other days, at other hours, or elsewhere."""
    rejections: dict[int, Rejection] = {}
    day, minute = context.decision_input.day, context.decision_input.minute_of_day
    for row in context.candidate_set.scheduled:
        schedule = context.compiled.offered[row].schedule
        why = "" if schedule is None else schedule.objection(day=day, minute_of_day=minute)
        if why:
            rejections[row] = ("not_eligible", f"schedule: {why}")
    for placements, rows in context.candidate_set.placed:
        if context.request.placement not in placements:
            rejections.update(dict.fromkeys(rows, ("not_eligible", f"placement: only in {', '.join(placements)}")))
    if context.circumstances.order:
        others = (row for row in context.candidate_set.rows if not context.compiled.offered[row].placements)
        rejections.update(dict.fromkeys(others, _NO_PART))
    return rejections


def _refusal(context: DecisionContext, requirement: DataRequirement) -> Rejection | None:
    """Say what a person refused of what an action would have to know, or may not be done without."""
    role, allowed = ACTION_ROLES[requirement.role], context.allowed[requirement.role]
    purpose = context.decision_input.purpose(role)
    unknown = requirement.reads - allowed
    if requirement.foreseen and not unknown:
        unknown = context.decision_input.forecast_refused(role)
    missing = unknown or requirement.needs - allowed
    if missing:
        source = next(source for source in SOURCES if source in missing)
        permit = context.decision_input.permits.get(role)
        why = NEVER if permit is None else permit.refused.get(source, NEVER)
        refusal = REFUSED % {"source": source, "purpose": purpose, "text_why": why}
        return ("not_eligible", f"unknown, because {refusal}") if unknown else ("not_permitted", refusal)
    return None if allowed else ("not_permitted", f"nothing is allowed for {purpose}")


def _untrue(context: DecisionContext, matrix: ContextMatrix) -> Rows:
    """Give the rows whose own condition does not hold."""
    rows = context.candidate_set.options[1:]
    if len(matrix.held) == 1:
        held = matrix.held[0, :-1]
    else:
        held = matrix.held[context.feature_view.of[context.compiled.purpose_of[rows]], np.arange(rows.size)]
    return _NO_ROWS if held.all() else rows[~held]


def _options(
    context: DecisionContext, gate_rejections: Mapping[int, Rejection], untrue: Rows, *, stressed: bool
) -> Rows:
    """Give the rows that may win. Under stress somebody reaches out whenever anybody may; else silence."""
    candidate_set = context.candidate_set
    if not gate_rejections and not untrue.size and not stressed:
        return candidate_set.options
    is_open = np.ones(candidate_set.options.size, dtype=np.bool_)
    is_open[candidate_set.places[untrue]] = False
    if gate_rejections:
        is_open[candidate_set.places[[*gate_rejections]]] = False
    if stressed and is_open[1:].any():
        is_open[0] = False
    return candidate_set.options[is_open]

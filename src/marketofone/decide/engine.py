"""The decision: gates, choice, propensity, reasons; and, when asked, what would have changed it.

Pure: same input, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from marketofone.decide.choose import (
    NOT_TRUE,
    Choice,
    DecisionContext,
    Rejection,
    choose,
    choose_all,
    prepare,
    propensities_of,
)
from marketofone.decide.compiled_catalogue import NOTHING_ROW, CompiledCatalogue, Rows
from marketofone.decide.context_matrix import FloatArray
from marketofone.decide.counterfactual import find_counterfactual
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.reasons import not_used, notification, reasons, uses
from marketofone.decide.slate import places_below, shares_along
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import STAGE_CODES, Candidates, Counterfactual, Decision, Request, Slot
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Day, date_of

_DECIMALS = 2  # of a score in minor units: the journal keeps a hundred of them with every decision
_STRESS = "stress: somebody reaches out"  # said of doing nothing, where it may not win
_WHY_BYTES = 4  # of a place among words
_SMALLEST = 1e-12  # what was chosen had a probability, even where the integral rounds it to none


def decide(request: Request, decision_input: DecisionInput, compiled: CompiledCatalogue) -> Decision:
    """Decide the one next best thing to do for a person, or several for as many places.

    Parameters
    ----------
    request
        What is asked; its id is the seed of every random number.
    decision_input
        Everything that may be looked at.
    compiled
        The bank's documents, bound by :func:`marketofone.decide.compiled_catalogue.bind`.

    Raises
    ------
    MalformedRequest
        When the occasion or the placement is not one of ``actions.toml``, or the placement has fewer places.

    Notes
    -----
    Units: every score, term, mean, spread and draw is in minor units of expected 12-month value; those of candidates
    are rounded to hundredths, and the context vector to single precision, in live and in replay alike.
    """
    (made,) = decide_each([(request, decision_input)], compiled)
    if isinstance(made, MalformedRequest):
        raise made
    return made


def decide_each(
    asked: Sequence[tuple[Request, DecisionInput]], compiled: CompiledCatalogue
) -> list[Decision | MalformedRequest]:
    """Decide as :func:`decide` does, for many people, each as if they were alone; gives why one is not decided."""
    made: dict[int, Decision | MalformedRequest] = {}
    alike: dict[int, list[tuple[int, DecisionContext]]] = {}
    for place, (request, decision_input) in enumerate(asked):
        try:
            context = prepare(request, decision_input, compiled=compiled)
        except MalformedRequest as refused:
            made[place] = refused
        else:
            alike.setdefault(id(context.candidate_set), []).append((place, context))
    for some in alike.values():
        for (place, context), choice in zip(some, choose_all([context for _, context in some]), strict=True):
            made[place] = _decided(context, choice)
    return [made[place] for place in range(len(asked))]


def _decided(context: DecisionContext, choice: Choice) -> Decision:
    request, decision_input, compiled = context.request, context.decision_input, context.compiled
    shares = propensities_of(choice, decision_input)
    shares[choice.place] = max(shares[choice.place], _SMALLEST)
    vector = () if choice.chosen == NOTHING_ROW else _vector(choice)
    below = () if request.slots == 1 else tuple(_slot(*place) for place in places_below(context, choice))
    action = NOTHING if choice.chosen == NOTHING_ROW else compiled.offered[choice.chosen].id
    budgets, asks = compiled.catalogue.budgets, compiled.catalogue.asks
    shown = (action, *(slot.action for slot in below))
    return Decision(
        id=request.id,
        customer=request.customer,
        occasion=request.occasion,
        channel=request.channel,
        at=request.at,
        action=action,
        propensity=float(shares[choice.place]),
        assignment=decision_input.assignment,
        reasons=reasons(context, choice),
        not_used=not_used(context),
        candidates=_candidates(context, choice, shares),
        uses=uses(context),
        context=vector,
        guardrails=_guardrails(choice),
        epoch=decision_input.epoch,
        position=decision_input.position,
        documents=decision_input.documents,
        notification=notification(context, choice),
        placement=request.placement,
        slots=request.slots,
        below=below,
        closed=request.closed,
        charged=tuple(charge_of(name, day=decision_input.day) for name in shown if name in budgets),
        asks=tuple(scope for name in shown if name in asks if (scope := decision_input.scope_asked(asks[name]))),
    )


def charge_of(action: str, *, day: Day) -> str:
    """Name what is taken from the budget of an action for a day.

    Examples
    --------
    >>> charge_of("savings_plan", day=Day(20_500))
    'savings_plan 2026-02-16'
    """
    return f"{action} {date_of(day)}"


def _slot(context: DecisionContext, choice: Choice) -> Slot:
    """Tell of a place below the first what a decision tells of the first."""
    shares = propensities_of(choice, context.decision_input)
    shares[choice.place] = max(shares[choice.place], _SMALLEST)
    is_empty, catalogue = choice.chosen == NOTHING_ROW, context.compiled.catalogue
    action = NOTHING if is_empty else context.compiled.offered[choice.chosen].id
    return Slot(
        action=action,
        kind=catalogue.contact_kind(action, placement=context.request.placement),
        propensity=float(shares[choice.place]),
        reasons=reasons(context, choice),
        candidates=_candidates(context, choice, shares),
        context=() if is_empty else _vector(choice),
        guardrails=_guardrails(choice),
        notification=notification(context, choice),
    )


def shares_at_places(
    request: Request, decision_input: DecisionInput, compiled: CompiledCatalogue, *, actions: Iterable[str]
) -> Iterator[dict[str, float]]:
    """Give at each place of a slate the probability of every action there, with these actions above it."""
    context = prepare(request, decision_input, compiled=compiled)
    return shares_along(context, choose(context, changes={}, before=None), actions)


def otherwise(request: Request, decision_input: DecisionInput, compiled: CompiledCatalogue) -> Counterfactual | None:
    """Find the smallest change that would have led to another action; None when none is found. Takes what decides."""
    context = prepare(request, decision_input, compiled=compiled)
    found = find_counterfactual(context, choose(context, changes={}, before=None))
    return None if found is None else found[0]


def _guardrails(choice: Choice) -> tuple[str, ...]:
    told = {why for _, (stage, why) in _rejected(choice) if stage == "guarded"}
    return tuple(sorted({why.partition(":")[0] for why in told}))


def _vector(choice: Choice) -> tuple[float, ...]:
    """Give the context vector in single precision: learning needs no more, and the journal keeps it for good."""
    return tuple(choice.vector.astype(np.float32).tolist())


def _candidates(context: DecisionContext, choice: Choice, shares: FloatArray) -> Candidates:
    """Tell how every action of this occasion fared, doing nothing first."""
    candidate_set = context.candidate_set
    count, fared = candidate_set.options.size, candidate_set.places[choice.options]
    numbers = np.zeros((4, count))
    every = slice(None) if fared.size == count else fared
    numbers[:3, every] = choice.scores[:3].round(_DECIMALS)
    numbers[:3] += 0.0  # which makes nought of minus nought
    numbers[3, every] = shares
    stages, whys, why = _stages(context, choice, fared)
    stages[fared[choice.place]] = STAGE_CODES["chosen"]
    return Candidates(candidate_set.names, stages.tobytes(), whys, why, numbers.tobytes())


def _stages(context: DecisionContext, choice: Choice, fared: Rows) -> tuple[NDArray[np.uint8], tuple[str, ...], bytes]:
    """Give the stage at which each was stopped, or scored; and why, as a place among words."""
    places, count = context.candidate_set.places, context.candidate_set.options.size
    stages = np.full(count, STAGE_CODES["scored"], dtype=np.uint8)
    if fared.size == count:
        return stages, ("",), bytes(_WHY_BYTES * count)
    whys, why = {"": 0}, np.zeros(count, dtype=np.uint32)
    stages[0], why[0] = STAGE_CODES["guarded"], whys.setdefault(_STRESS, len(whys))
    for rows, (stage, text) in _stopped(choice):
        stages[places[rows]], why[places[rows]] = STAGE_CODES[stage], whys.setdefault(text, len(whys))
    stages[fared], why[fared] = STAGE_CODES["scored"], 0
    texts, why = _in_order_of_use(tuple(whys), why)
    return stages, texts, why.tobytes()


def _stopped(choice: Choice) -> Iterator[tuple[Rows | list[int], Rejection]]:
    """Give who was stopped, and why. Of a condition that does not hold it is told, unless more is to be told of it."""
    yield choice.untrue, NOT_TRUE
    yield from _rejected(choice)


def _rejected(choice: Choice) -> Iterator[tuple[list[int], Rejection]]:
    if not choice.gate_rejections:
        return
    untrue = set(choice.untrue.tolist())
    groups: dict[Rejection, list[int]] = {}
    for row, rejection in choice.gate_rejections.items():
        if row not in untrue or rejection[0] == "not_eligible":
            groups.setdefault(rejection, []).append(row)
    for rejection, rows in groups.items():
        yield rows, rejection


def _in_order_of_use(texts: tuple[str, ...], why: NDArray[np.uint32]) -> tuple[tuple[str, ...], NDArray[np.uint32]]:
    """Leave out the words that nobody has, and number the others as they come."""
    firsts = {place: int((why == place).argmax()) for place in range(len(texts))}
    used = sorted((place for place, first in firsts.items() if why[first] == place), key=firsts.__getitem__)
    numbers = np.zeros(len(texts), dtype=np.uint32)
    numbers[used] = np.arange(len(used), dtype=np.uint32)
    return tuple(texts[place] for place in used), numbers[why]

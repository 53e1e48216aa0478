"""The decision: gates, choice, propensity, reasons; and, when asked, what would have changed it.

Pure: same input, same bytes.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from marketofone.decide.choose import Choice, DecisionContext, choose, prepare, propensities_of
from marketofone.decide.compiled_catalogue import NOTHING_ROW, CompiledCatalogue
from marketofone.decide.counterfactual import find_counterfactual
from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.reasons import not_used, notification, reasons, uses
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Candidate, Counterfactual, Decision, Request

_DECIMALS = 2  # of a score in minor units: the journal keeps a hundred of them with every decision
_SMALLEST = 1e-12  # what was chosen had a probability, even where the integral rounds it to none


def decide(request: Request, decision_input: DecisionInput, compiled: CompiledCatalogue) -> Decision:
    """Decide the one next best thing to do for a person.

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
        When the occasion is not one of ``actions.toml``.

    Notes
    -----
    Units: every score, term, mean, spread and draw is in minor units of expected 12-month value; those of candidates
    are rounded to hundredths, and the context vector to single precision, in live and in replay alike.
    """
    context = prepare(request, decision_input, compiled=compiled)
    choice = choose(context, changes={}, before=None)
    candidates = _candidates(context, choice)
    chosen = next(candidate for candidate in candidates if candidate.stage == "chosen")
    vector = () if choice.chosen == NOTHING_ROW else _vector(choice)
    return Decision(
        id=request.id,
        customer=request.customer,
        occasion=request.occasion,
        channel=request.channel,
        at=request.at,
        action=chosen.action,
        propensity=chosen.propensity,
        assignment=decision_input.assignment,
        reasons=reasons(context, choice),
        not_used=not_used(context),
        candidates=candidates,
        uses=uses(context),
        context=vector,
        guardrails=tuple(
            sorted({why.partition(":")[0] for stage, why in choice.rejections.values() if stage == "guarded"})
        ),
        epoch=decision_input.epoch,
        position=decision_input.position,
        documents=decision_input.documents,
        notification=notification(context, choice),
    )


def otherwise(request: Request, decision_input: DecisionInput, compiled: CompiledCatalogue) -> Counterfactual | None:
    """Find the smallest change that would have led to another action; None when none is found. Takes what decides."""
    context = prepare(request, decision_input, compiled=compiled)
    found = find_counterfactual(context, choose(context, changes={}, before=None))
    return None if found is None else found[0]


def _vector(choice: Choice) -> tuple[float, ...]:
    """Give the context vector in single precision: learning needs no more, and the journal keeps it for good."""
    return tuple(choice.matrix.contexts[choice.chosen].astype(np.float32).tolist())


def _candidates(context: DecisionContext, choice: Choice) -> tuple[Candidate, ...]:
    """Tell how every action of this occasion fared, doing nothing first."""
    rows = choice.options.tolist()
    scores = np.stack((choice.mean, choice.spread, choice.samples))[:, choice.options]
    rounded = scores.round(_DECIMALS) + 0.0  # which makes nought of minus nought
    columns = (*rounded.tolist(), propensities_of(choice, context.decision_input).tolist())
    names = {row: context.compiled.offered[row].id for row in context.candidate_set.rows}
    told = {
        row: Candidate(action=names[row], stage="scored", mean=mean, spread=spread, draw=draw, propensity=share)
        for row, mean, spread, draw, share in zip(rows, *columns, strict=True)
        if row != NOTHING_ROW
    }
    told[NOTHING_ROW] = Candidate(action=NOTHING, stage="guarded", why="stress: somebody reaches out")
    if rows[0] == NOTHING_ROW:
        told[NOTHING_ROW] = Candidate(action=NOTHING, stage="scored", propensity=columns[-1][0])
    for row, (stage, why) in choice.rejections.items():
        told[row] = Candidate(action=names[row], stage=stage, why=why)
    chosen = told[choice.chosen]
    told[choice.chosen] = replace(chosen, stage="chosen", propensity=max(chosen.propensity, _SMALLEST))
    return tuple([told[row] for row in (NOTHING_ROW, *names)])

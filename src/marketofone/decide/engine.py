"""The decision: gates, choice, propensity, reasons, and what would have changed it. Pure: same input, same bytes."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from marketofone.decide.choose import Choice, Ground, chances, choose, prepare
from marketofone.decide.instead import find_instead
from marketofone.decide.playbook import NOBODY, Playbook
from marketofone.decide.reasons import because, foretold, not_used, uses
from marketofone.decide.situation import Situation
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Candidate, Decision, Request

_DECIMALS = 6  # of a score in minor units: the journal keeps a hundred of them with every decision
_SMALLEST = 1e-12  # what was chosen had a chance, even where the integral rounds it to none


def decide(request: Request, situation: Situation, book: Playbook) -> Decision:
    """Decide the one next best thing to do for a person.

    Parameters
    ----------
    request
        What is asked; its id is the seed of every random number.
    situation
        Everything that may be looked at.
    book
        The bank's documents, bound by :func:`marketofone.decide.playbook.bind`.

    Raises
    ------
    MalformedRequest
        When the occasion is not one of ``actions.toml``.

    Notes
    -----
    Units: every score, term, mean, spread and draw is in minor units of expected 12-month value.
    """
    ground = prepare(request, situation, playbook=book)
    choice = choose(ground, changes={}, before=None)
    candidates = _candidates(ground, choice)
    chosen = next(candidate for candidate in candidates if candidate.stage == "chosen")
    found = find_instead(ground, choice)
    context = () if choice.chosen == NOBODY else tuple(choice.sight.contexts[choice.chosen].tolist())
    return Decision(
        id=request.id,
        customer=request.customer,
        occasion=request.occasion,
        channel=request.channel,
        at=request.at,
        action=chosen.action,
        propensity=chosen.propensity,
        arm="control" if situation.control else "policy",
        because=because(ground, choice),
        not_used=not_used(ground),
        instead=None if found is None else found[0],
        candidates=candidates,
        uses=uses(ground),
        context=context,
        guardrails=tuple(sorted({why.partition(":")[0] for stage, why in choice.stops.values() if stage == "guarded"})),
        epoch=situation.epoch,
        position=situation.position,
        documents=situation.documents,
        foretold=foretold(ground, choice),
    )


def _candidates(ground: Ground, choice: Choice) -> tuple[Candidate, ...]:
    """Tell how every action of this occasion fared, doing nothing first."""
    rows = choice.options.tolist()
    scores = np.stack((choice.mean, choice.spread, choice.samples))[:, choice.options]
    columns = (*scores.round(_DECIMALS).tolist(), chances(choice, ground.situation).tolist())
    names = {row: ground.playbook.offered[row].id for row in ground.slate.rows}
    told = {
        row: Candidate(action=names[row], stage="scored", mean=mean, spread=spread, draw=draw, propensity=chance)
        for row, mean, spread, draw, chance in zip(rows, *columns, strict=True)
        if row != NOBODY
    }
    told[NOBODY] = Candidate(action=NOTHING, stage="guarded", why="stress: somebody reaches out")
    if rows[0] == NOBODY:
        told[NOBODY] = Candidate(action=NOTHING, stage="scored", propensity=columns[-1][0])
    for row, (stage, why) in choice.stops.items():
        told[row] = Candidate(action=names[row], stage=stage, why=why)
    chosen = told[choice.chosen]
    told[choice.chosen] = replace(chosen, stage="chosen", propensity=max(chosen.propensity, _SMALLEST))
    return tuple([told[row] for row in (NOBODY, *names)])

"""The decision: gates, choice, propensity, reasons, and what would have changed it. Pure: same input, same bytes."""

from __future__ import annotations

from marketofone.decide.choose import NOBODY, Choice, Ground, chances, choose, prepare
from marketofone.decide.instead import find_instead
from marketofone.decide.playbook import Playbook
from marketofone.decide.reasons import because, not_used, uses
from marketofone.decide.situation import Situation
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Candidate, Decision, Request

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
    )


def _candidates(ground: Ground, choice: Choice) -> tuple[Candidate, ...]:
    """Tell how every action of this occasion fared, doing nothing first."""
    offered = ground.playbook.offered
    drawn = dict(zip(choice.options, chances(choice, ground.situation).tolist(), strict=True))
    mean, spread, samples = choice.mean.tolist(), choice.spread.tolist(), choice.samples.tolist()
    told = [_nothing(choice, drawn)]
    for row in ground.slate.rows:
        stop = choice.stops.get(row)
        if stop is not None:
            told.append(Candidate(action=offered[row].id, stage=stop[0], why=stop[1]))
            continue
        chosen = row == choice.chosen
        told.append(
            Candidate(
                action=offered[row].id,
                stage="chosen" if chosen else "scored",
                mean=mean[row],
                spread=spread[row],
                draw=samples[row],
                propensity=max(drawn[row], _SMALLEST) if chosen else drawn[row],
            )
        )
    return tuple(told)


def _nothing(choice: Choice, drawn: dict[int, float]) -> Candidate:
    if NOBODY not in drawn:
        return Candidate(action=NOTHING, stage="guarded", why="stress: somebody reaches out")
    chosen = choice.chosen == NOBODY
    return Candidate(
        action=NOTHING,
        stage="chosen" if chosen else "scored",
        propensity=max(drawn[NOBODY], _SMALLEST) if chosen else drawn[NOBODY],
    )

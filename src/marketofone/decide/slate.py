"""A slate: several actions for one moment in an order, each place decided given what stands above it.

1. The first place is the decision that would be made if there was one place only, to the byte.
2. Each further place is decided as the next decision would be if those above had just been said: caps count them, and
   of what they tell no other tells again. Beside that no action and no product stands twice, and of one kind no more
   stand than the placement declares.
3. Each place has random draws of its own. So the probability of each action there, given what stands above, is that of
   a single choice among what is left: exact, and by the same integral.
4. Leaving in peace is always among what is left: where it is chosen, that place and all below stay empty. Under stress
   a slate has one place, for one voice is enough.

What stands above only ever closes actions. So conditions, contexts and scores are those of the first place. Where fewer
look at a place, as the bank declares, what is shown there is accepted by that part of those who would (the
position-based model; Craswell et al. 2008). A chance is a line in the context, so the context is taken by that part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from marketofone.decide.choose import (
    Choice,
    DecisionContext,
    Rejection,
    gate_rejections_of,
    propensities_of,
    winner,
)
from marketofone.decide.compiled_catalogue import NOTHING_ROW
from marketofone.decide.context_matrix import FloatArray
from marketofone.decide.random_draws import random_draws_of
from marketofone.decide.reasons import notification
from marketofone.domain.action import Kind
from marketofone.governance.guardrails import Contact, tally

Place = tuple[DecisionContext, Choice]
_HIGHER: Rejection = ("not_eligible", "above: it stands higher up in this slate")
_SAME_PRODUCT: Rejection = ("not_eligible", "above: what it leads to stands higher up in this slate")

_ASKED_ABOVE: Rejection = ("not_eligible", "above: something is asked for higher up in this slate")


def places_below(context: DecisionContext, first: Choice) -> Iterator[Place]:
    """Decide the places below the first, from the top, until one stays empty or all are filled.

    Parameters
    ----------
    context, first
        The context of the decision, and the choice of its first place.
    """
    above: list[Place] = [(context, first)]
    while (place := _next_place(above)) is not None:
        above.append(place)
        yield place


def shares_along(context: DecisionContext, first: Choice, actions: Iterable[str]) -> Iterator[dict[str, float]]:
    """Give at each place the probability of every action that may stand there, with the actions given above it.

    Parameters
    ----------
    context, first
        Those of :func:`places_below`.
    actions
        What stands in the slate, from the top; only as far as it could have come to stand there.
    """
    names, places = context.candidate_set.names, context.candidate_set.places
    above: list[Place] = []
    place: Place | None = (context, first)
    for action in actions:
        if place is None:
            return
        shares = propensities_of(place[1], place[0].decision_input).tolist()
        options = [names[option] for option in places[place[1].options].tolist()]
        yield dict(zip(options, shares, strict=True))
        if action not in options:
            return
        above.append((place[0], replace(place[1], place=options.index(action))))
        place = _next_place(above)


def _next_place(above: Sequence[Place]) -> Place | None:
    """Decide the next place: what was open at the last one and is not closed by what stands above."""
    before, request = above[-1][1], above[0][0].request
    if len(above) == request.slots or before.chosen == NOTHING_ROW or before.stressed:
        return None
    context = _after(above)
    placement = context.compiled.catalogue.placement(request.placement)
    closed = gate_rejections_of(context, stressed=False)
    rows = [choice.chosen for _, choice in above]
    closed |= _closed_by(context, rows, most_of_a_kind=placement.most_of_a_kind)
    kept = np.isin(before.options, [*closed], invert=True)
    kept[0] = True  # leaving in peace stands first, and nothing closes it
    options, scores, looks = before.options[kept], before.scores[:, kept], before.looks
    part = placement.share(len(above) + 1) / placement.share(len(above))
    if part < 1.0:
        looks = (*looks, part)
        scores[:, 1:] = _seen_by(part, scores[:, 1:], costs=context.decision_input.beliefs.start.costs[options[1:]])
    scores[2, 1:] = scores[0, 1:] + scores[1, 1:] * context.random_draws.normals(options[1:])
    uniform, place = winner(context, options, scores[2])
    return context, replace(
        before,
        gate_rejections=closed,
        options=options,
        scores=scores,
        looks=looks,
        uniform=uniform,
        place=place,
    )


def _seen_by(part: float, scores: FloatArray, *, costs: FloatArray) -> FloatArray:
    """Give what scores are where only a part of the people look: all of them but the costs, which are paid anyway."""
    seen = scores * part
    seen[[0, 3]] -= (1.0 - part) * costs
    return seen


def _after(above: Sequence[Place]) -> DecisionContext:
    """Give the context of a place: as if what stands above had just been said, with draws of its own."""
    context, asked = above[0][0], above[0][0].decision_input
    said = (*asked.contacts, *(_contact(*place) for place in above))
    seed = asked.seed + len(above).to_bytes(1, "big")
    asked = replace(asked, contacts=said, seed=seed)
    counted = tally(said, now=context.request.at, caps=context.compiled.guardrails.caps)
    return replace(
        context,
        decision_input=asked,
        circumstances=replace(context.circumstances, tally=counted),
        random_draws=random_draws_of(asked, actions=len(context.compiled.offered)),
        above=len(above),
    )


def _contact(context: DecisionContext, choice: Choice) -> Contact:
    action, request = context.compiled.offered[choice.chosen], context.request
    return Contact(
        action=action.id,
        kind=action.kind,
        at=request.at,
        channel=request.channel,
        notification=notification(context, choice),
    )


def _closed_by(context: DecisionContext, rows: Sequence[int], *, most_of_a_kind: int | None) -> dict[int, Rejection]:
    """Say what the actions above close: themselves, what leads to the same product, and kinds that are full."""
    offered, candidate_set = context.compiled.offered, context.candidate_set
    kinds: Counter[Kind] = Counter(offered[row].kind for row in rows)
    full = {kind for kind, count in kinds.items() if most_of_a_kind is not None and count >= most_of_a_kind}
    too_many: Rejection = ("guarded", f"diversity: at most {most_of_a_kind} of a kind in a slate")
    of_all = (action for group in candidate_set.alike for action in group.values()) if full else ()
    closed = {candidate_set.row_of[action.id]: too_many for action in of_all if action.kind in full}
    if not set(candidate_set.asking).isdisjoint(rows):
        closed |= dict.fromkeys(candidate_set.asking, _ASKED_ABOVE)
    products = {offered[row].product for row in rows} - {None}
    if products:
        closed |= {row: _SAME_PRODUCT for row in candidate_set.rows if offered[row].product in products}
    return closed | dict.fromkeys(rows, _HIGHER)

"""What a person answered to what was shown to them, and what came of it: two years of it, and no part of any version.

It follows the order of entries and the instants at which these were recorded, as contacts do, and is remembered longer:
what an acceptance was worth is known months after it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.models.bandit import OwnAnswers
from marketofone.projection.contacts import Decided

KEPT = 730 * DAY
MOST = 200
"""The most answers that are kept of one customer: a state is written with each entry."""


class Answer(Struct, frozen=True, array_like=True, gc=False):
    """The first answer to one thing that was shown at ``at``; ``heard`` and ``reported`` are when it was recorded.

    ``seen`` says how many look where it stood, of those who look at the first place.
    """

    action: str
    at: Instant
    heard: Instant
    accepted: bool
    value_minor: int | None = None
    reported: Instant = Instant(0)
    seen: float = 1.0


Answers = tuple[Answer, ...]


def noted(answers: Answers, outcome: Outcome, *, to: Decided | None, recorded: Instant) -> Answers:
    """Note an outcome of what was decided: the first answer, and the first report of what a yes was worth, stand."""
    if to is None or to.kind is None:
        return answers
    known = next((said for said in answers if said.at == to.at and said.action == to.action), None)
    if outcome.verdict == "valued":
        if known is None or not known.accepted or known.value_minor is not None or outcome.value_minor is None:
            return answers
        valued = replace(known, value_minor=outcome.value_minor, reported=recorded)
        return tuple(valued if said is known else said for said in answers)
    if known is not None:
        return answers
    first = Answer(to.action, to.at, recorded, outcome.verdict == "accepted", seen=to.seen)
    return (*(said for said in answers[-MOST + 1 :] if said.heard > recorded - KEPT), first)


def merged(each: Sequence[Answers]) -> Answers:
    """Put the answers of several ids of one person in the order in which they were heard."""
    return each[0] if len(each) == 1 else tuple(heapq.merge(*each, key=lambda said: said.heard))


def own_answers(answers: Answers, *, until: Instant) -> OwnAnswers:
    """Give what a person answered in the two years before a moment, and what of it was reported by then.

    Examples
    --------
    >>> said = Answer("tip", Instant(1), Instant(2), True, 900, Instant(5))
    >>> own_answers((said,), until=Instant(3))
    OwnAnswers(answers=(('tip', True),), reports=(), seen=())
    >>> own_answers((said,), until=Instant(5)).reports
    (('tip', 900.0),)
    """
    known = [said for said in answers if until - KEPT < said.heard <= until]
    valued = (said for said in known if said.value_minor is not None and said.reported <= until)
    return OwnAnswers(
        tuple((said.action, said.accepted) for said in known),
        tuple((said.action, float(said.value_minor or 0)) for said in valued),
        tuple(said.seen for said in known) if any(said.seen < 1.0 for said in known) else (),
    )

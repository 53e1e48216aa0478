"""What a person answered to what was shown to them, and what came of it: two years of it, and no part of any version.

Which answer counts is said in ``domain/outcome.py``. One that another took the place of is kept beside it, for
questions about the moments before.

It follows the order of entries and the instants at which these were recorded, as contacts do, and is remembered longer:
what an acceptance was worth is known months after it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import ANSWERS, Outcome
from marketofone.models.bandit import OwnAnswers
from marketofone.projection.contacts import Decided

KEPT = 730 * DAY
MOST = 200
"""The most answers that are kept of one customer: a state is written with each entry."""


class Answer(Struct, frozen=True, array_like=True, gc=False):
    """An answer to one thing that was shown at ``at``; ``heard`` and ``reported`` are when it was recorded.

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
    """Note an outcome of what was decided: an answer, or the first report of what a yes was worth."""
    if to is None or to.kind is None:
        return answers
    known = next((said for said in reversed(answers) if said.at == to.at and said.action == to.action), None)
    if outcome.verdict == "valued":
        if known is None or not known.accepted or known.value_minor is not None or outcome.value_minor is None:
            return answers
        valued = replace(known, value_minor=outcome.value_minor, reported=recorded)
        return tuple(valued if said is known else said for said in answers)
    if outcome.verdict not in ANSWERS or (known is not None and outcome.changes != "answer"):
        return answers
    said = Answer(to.action, to.at, recorded, outcome.verdict == "accepted", seen=to.seen)
    return (*(before for before in answers[-MOST + 1 :] if before.heard > recorded - KEPT), said)


def merged(each: Sequence[Answers], *, until: Instant) -> Answers:
    """Put the answers of several ids of one person that stood at a moment in the order in which they were heard."""
    stood = [_stood(answers, until=until) for answers in each]
    return stood[0] if len(stood) == 1 else tuple(heapq.merge(*stood, key=lambda said: said.heard))


def _stood(answers: Answers, *, until: Instant) -> Answers:
    last: dict[tuple[Instant, str], Answer] = {}
    for said in answers:
        if said.heard <= until:
            last.pop((said.at, said.action), None)  # its place is where the last one was heard
            last[said.at, said.action] = said
    return tuple(last.values())


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

"""Outcomes: what a person did after a decision, and why; and the one rule which of their answers counts.

The answer is the latest one told, by its own moment and not by when it arrived; of one moment, the one told last. That
nobody answered is no answer, so silence takes the place of none, and any answer takes the place of silence. Whoever
records an outcome writes down what it changes (:func:`changes_of`), so whoever reads it later needs neither settings
nor moments: of what earlier releases wrote, the first answer stands, as it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

from msgspec import UNSET, Struct, UnsetType

from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.moment import Instant

MAX_VALUE = MAX_MINOR
"""The largest value of an outcome, in minor units."""

MAX_WHY = 200
"""The most characters of a reason."""

WhyNot = Literal[
    "not now", "not relevant", "too often", "too expensive", "already have it", "do not trust", "wrong about me"
]
"""The one vocabulary of reasons why somebody says no: on pages, for programs, in the simulator and in reports.

``guardrails.toml`` says what each keeps away, and for how long. Any other text is kept as it was said, and keeps away
what a no without a reason does.
"""

WhyYes = Literal["useful", "good moment", "good price", "easy"]
"""The reasons of a yes. They are counted and reported; a yes makes more likely what it does without one."""

WHY_NOT: tuple[WhyNot, ...] = get_args(WhyNot)
WHY_YES: tuple[WhyYes, ...] = get_args(WhyYes)
_MEANS_YES: dict[str, WhyYes] = {reason: reason for reason in WHY_YES}
_MEANS: dict[str, WhyNot] = {
    **{reason: reason for reason in WHY_NOT},
    "not useful to me": "not relevant",  # as pages said before
    "you are wrong about me": "wrong about me",
}

Verdict = Literal["accepted", "declined", "ignored", "valued", "taken_back"]
"""``accepted``, ``declined`` and ``ignored`` are answers; the others say what came of a yes."""

ANSWERS: frozenset[Verdict] = frozenset({"accepted", "declined", "ignored"})
SAID: frozenset[Verdict] = frozenset({"accepted", "declined"})
"""The answers that a person gave; the third says that there was none."""
NOES: frozenset[Verdict] = frozenset({"declined", "taken_back"})

Changes = Literal["answer", "reason", "nothing"]
"""What an answer changes where one is known: the answer and what it teaches, its words alone, or nothing.

A yes said again after it was taken back changes its words. A ``taken_back`` of no acceptance changes nothing.
"""


class OutcomeFields(TypedDict, total=False):
    """What may be left out of an outcome: why, what it was worth, and which place of a slate it is about."""

    why: str
    value_minor: int | None
    slot: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What followed a decision.

    ``valued`` reports, later, what an accepted action turned out to be worth over the months that have matured
    (``value_minor``, scaled to 12 months by whoever reports it). ``taken_back`` says that what was accepted was given
    up again, whenever that was: an early sign, and no other answer. ``slot`` says which place of a slate it is about.
    ``changes`` is written by the bank when it records an answer where one is known.
    """

    decision: str
    verdict: Verdict
    at: Instant
    why: str = ""
    value_minor: int | None = None
    slot: int | UnsetType = UNSET  # left out of the journal where there is none, as before it existed
    changes: Changes | UnsetType = UNSET  # the same

    @property
    def place(self) -> int:
        """The place it is about: the first where there is one only."""
        return 1 if self.slot is UNSET else self.slot

    @property
    def why_not(self) -> WhyNot | None:
        """The reason of a no in the words of the vocabulary; None for a yes, and for any other text."""
        return _MEANS.get(self.why.strip().lower()) if self.verdict in NOES else None

    @property
    def why_yes(self) -> WhyYes | None:
        """The reason of a yes in the words of the vocabulary; None for a no, and for any other text."""
        return _MEANS_YES.get(self.why.strip().lower()) if self.verdict == "accepted" else None


def changes_of(outcome: Outcome, *, earlier: Sequence[Outcome]) -> Changes | UnsetType:
    """Say what an answer changes of what is known; nothing is written with a first one, or with what is none.

    Parameters
    ----------
    outcome
        What was heard.
    earlier
        What was heard before about the same place of the same decision, in the order in which it was recorded.

    Examples
    --------
    >>> no, yes = (Outcome(decision="d-1", verdict=said, at=Instant(1)) for said in ("declined", "accepted"))
    >>> changes_of(no, earlier=())
    UNSET
    >>> changes_of(yes, earlier=(no,))
    'answer'
    >>> before = Outcome(decision="d-1", verdict="accepted", at=Instant(0))
    >>> changes_of(before, earlier=(no,))  # it arrives later, and was said before
    'nothing'
    """
    known = answer(earlier)
    if outcome.verdict == "taken_back":
        return UNSET if len(earlier) in given_up((*earlier, outcome)) else "nothing"
    if outcome.verdict not in ANSWERS or known is None:
        return UNSET
    latest = max((one.at for one in earlier if one.verdict in SAID), default=outcome.at)
    is_again = any(earlier[place].at <= outcome.at for place in given_up(earlier))
    is_same = (outcome.verdict, outcome.why) == (known.verdict, known.why) and not is_again
    if outcome.verdict not in SAID or outcome.at < latest or is_same:
        return "nothing"
    return "reason" if (outcome.verdict == "accepted") == (known.verdict == "accepted") else "answer"


def answer(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Give the answer that stands, of what was heard about one place of a decision, in the order of recording."""
    place = _standing(outcomes)
    return None if place is None else outcomes[place]


def reported_value(outcomes: Sequence[Outcome]) -> int | None:
    """Give the value that stands, in minor units: the first one reported of the acceptance that stands."""
    value, standing = None, None
    for outcome in outcomes:
        if outcome.verdict in ANSWERS and (standing is None or outcome.changes == "answer"):
            value, standing = None, outcome.verdict  # a value was of what the person said before
        elif outcome.verdict == "valued" and standing == "accepted" and value is None:
            value = outcome.value_minor
    return value


def told_no(outcomes: Sequence[Outcome]) -> int | None:
    """Give the place of the no that holds back, among what was heard: the answer that stands, or what followed it."""
    since, noes = _standing(outcomes), [place for place, one in enumerate(outcomes) if _is_no(one)]
    if since is None:  # the answer is forgotten: whoever recorded that it was taken back knew of it
        return min(noes, default=None)
    declined = (place for place in noes if place >= since and outcomes[place].verdict == "declined")
    return min((*declined, *given_up(outcomes)), default=None)


def given_up(outcomes: Sequence[Outcome]) -> tuple[int, ...]:
    """Give the places of what says that the acceptance that stands was given up again: after the last yes."""
    standing = answer(outcomes)
    if standing is None or standing.verdict != "accepted":
        return ()
    said = max((one.at, place) for place, one in enumerate(outcomes) if one.verdict == "accepted")
    told = ((one.at, place) for place, one in enumerate(outcomes) if one.verdict == "taken_back")
    return tuple(place for at, place in told if (at, place) > said)


def _is_no(outcome: Outcome) -> bool:
    return outcome.verdict in NOES and outcome.changes != "nothing"


def _standing(outcomes: Sequence[Outcome]) -> int | None:
    stands = None
    for place, outcome in enumerate(outcomes):
        if outcome.verdict in ANSWERS and (stands is None or outcome.changes in ("answer", "reason")):
            stands = place
    return stands


class Signs(Struct, frozen=True, array_like=True):
    """What was seen of a person some days after they accepted something, each sign from 0 (not seen) to 1.

    ``label`` names which signs these are, in their order; ``sources`` are those that were read for it.
    """

    label: str
    seen: tuple[float, ...]
    sources: tuple[str, ...]

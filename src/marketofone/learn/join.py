"""Outcomes joined to their decisions: what one of them teaches, or the named reason why it teaches nothing.

An answer within the attribution window teaches the acceptance probability (:class:`Example`); a reported value
of something that was accepted teaches what an acceptance is worth (:class:`ValueLabel`). Decisions of the control group
teach like all others. An outcome teaches only with the person's permission to learn, and only when that permission
covers every source the decision was made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from marketofone.consent.gate import Permit
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.event import SWITCHABLE
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import ANSWERS, Outcome, Signs, answer, reported_value

Why = Literal[
    "unknown",  # no such decision
    "nothing_shown",  # the decision was to do nothing
    "before",  # the outcome lies before its decision
    "late",  # it came after the attribution window
    "duplicate",  # it is known already: the answer, or the first reported value
    "replaced",  # the person answered otherwise since
    "sign",  # that it was taken back teaches with the other early signs
    "not_accepted",  # a value of something that no person accepted
    "no_value",  # a value is announced and not given
    "outdated",  # the action, or what its model looked at, is not in the documents any more
    "not_permitted",  # the person did not allow learning from what the decision used
]


class Example(Struct, frozen=True, kw_only=True):
    """What the model of one action learns from: the context it was chosen in, and 1 when it was accepted, else 0."""

    action: str
    context: tuple[float, ...]
    reward: float
    at: Instant


class SignsRead(Struct, frozen=True):
    """The early signs of an acceptance, and the entry in which they stand: (subject, n)."""

    place: tuple[int, int]
    signs: Signs


class ValueLabel(Struct, frozen=True, kw_only=True):
    """What one acceptance of an action, chosen in a context, turned out to be worth over 12 months.

    ``signs`` are its early signs, where they were read before its value was reported.
    """

    action: str
    context: tuple[float, ...]
    value_minor: int
    at: Instant
    signs: SignsRead | None = None


class SignsLabel(Struct, frozen=True, kw_only=True):
    """What was seen early after one acceptance of an action that was chosen in a context."""

    action: str
    context: tuple[float, ...]
    signs: SignsRead


class Skipped(Struct, frozen=True, kw_only=True):
    """An outcome that teaches nothing, and why."""

    decision: str
    why: Why


class LessonFacts(Struct, frozen=True):
    """What a lesson is about and never changes.

    The outcome, its decision, the outcomes recorded before it, and the subjects whose journals the decision rests on.
    ``signs`` are the early signs that were read before. A lesson ``about_signs`` is about these: its outcome is the
    acceptance, and without ``signs`` it is about what was read before already. ``entry`` is where the lesson stands,
    (subject, n); None while it is being recorded.
    """

    outcome: Outcome
    decision: Decision
    earlier: tuple[Outcome, ...]
    subjects: frozenset[int]
    signs: SignsRead | None = None
    about_signs: bool = False
    entry: tuple[int, int] | None = None


def join(
    outcome: Outcome,
    *,
    decision: Decision | None,
    earlier: Sequence[Outcome],
    permit: Permit | None,
    window_days: int,
    signs: SignsRead | None = None,
) -> Example | ValueLabel | Skipped:
    """Join an outcome to its decision.

    Parameters
    ----------
    outcome
        What was heard.
    decision
        The decision it names, None when there is no such decision.
    earlier
        What was heard before about the same decision.
    permit
        The person's permit for the purpose that serves learning; None where the decision rests on somebody else, too.
    window_days
        How long after its decision an answer is attributed to it; a reported value may come later.
    signs
        The early signs of what was accepted, where they were read before. A value teaches together with them, so it
        needs permission for what they were read from, too.
    """
    if decision is None or decision.id != outcome.decision:
        return Skipped(decision=outcome.decision, why="unknown")
    why = _objection(outcome, decision=decision, earlier=earlier, window_days=window_days)
    signs = signs if outcome.verdict == "valued" else None
    if why is not None or permit is None or not may_teach(decision, permit=permit, signs=signs):
        return Skipped(decision=decision.id, why=why or "not_permitted")
    if outcome.verdict == "valued":
        value, context = outcome.value_minor or 0, _as_seen(decision)
        return ValueLabel(action=decision.action, context=context, value_minor=value, at=outcome.at, signs=signs)
    reward = 1.0 if outcome.verdict == "accepted" else 0.0
    return Example(action=decision.action, context=decision.context, reward=reward, at=outcome.at)


def join_signs(facts: LessonFacts, *, permit: Permit | None, label: str | None) -> SignsLabel | Skipped:
    """Join the early signs of an acceptance to its decision. ``label`` names the signs that the bank reads now."""
    decision, signs = facts.decision, facts.signs
    if signs is None or any(outcome.verdict == "valued" for outcome in facts.earlier):
        return Skipped(decision=decision.id, why="duplicate")
    if signs.signs.label != label:
        return Skipped(decision=decision.id, why="outdated")
    if permit is None or not may_teach(decision, permit=permit, signs=signs):
        return Skipped(decision=decision.id, why="not_permitted")
    return SignsLabel(action=decision.action, context=_as_seen(decision), signs=signs)


def _as_seen(decision: Decision) -> tuple[float, ...]:
    """Give the context as it is for who looks: what an acceptance is worth does not depend on how many look there."""
    seen = decision.seen
    return decision.context if seen == 1.0 else tuple([entry / seen for entry in decision.context])


def may_teach(decision: Decision, *, permit: Permit, signs: SignsRead | None = None) -> bool:
    """Say whether a permit lets a decision teach: it allows learning, from every switchable source that was used.

    What is kept under a legal duty only stops offers and never enters a context, so it needs no permission here.
    """
    used: set[str] = {source for _, source in decision.uses if source in SWITCHABLE}
    used.update(() if signs is None else signs.signs.sources)
    return "learning" in permit.serves and bool(permit.sources) and used <= permit.sources


def by_place(decision: Decision, outcomes: Sequence[Outcome]) -> Iterator[tuple[Decision, list[Outcome]]]:
    """Give each place of a decision as a decision of its own, with the outcomes that are about it."""
    for number, place in enumerate(decision.places, start=1):
        yield place, [outcome for outcome in outcomes if outcome.place == number]


def _objection(outcome: Outcome, *, decision: Decision, earlier: Sequence[Outcome], window_days: int) -> Why | None:
    valued, heard, is_answer = outcome.verdict == "valued", answer(earlier), outcome.verdict in ANSWERS
    is_known = reported_value(earlier) is not None if valued else heard is not None and outcome.changes != "answer"
    whys: tuple[tuple[bool, Why], ...] = (
        (decision.action == NOTHING, "nothing_shown"),
        (outcome.at < decision.at, "before"),
        (not is_answer and (heard is None or heard.verdict != "accepted"), "not_accepted"),
        (valued and outcome.value_minor is None, "no_value"),
        (not (is_answer or valued), "sign"),
        (is_known, "duplicate"),
        (is_answer and outcome.at - decision.at > window_days * DAY, "late"),
    )
    return next((why for holds, why in whys if holds), None)

"""Outcomes: what a person did after a decision, and why."""

from __future__ import annotations

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

Verdict = Literal["accepted", "declined", "ignored", "valued"]


class OutcomeFields(TypedDict, total=False):
    """What may be left out of an outcome: why, what it was worth, and which place of a slate it is about."""

    why: str
    value_minor: int | None
    slot: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What followed a decision.

    ``valued`` reports, later, what an accepted action turned out to be worth over the months that have matured
    (``value_minor``, scaled to 12 months by whoever reports it). ``slot`` says which place of a slate it is about.
    The first answer stands; a ``declined`` after it says that what was accepted was taken back, which is an early sign.
    """

    decision: str
    verdict: Verdict
    at: Instant
    why: str = ""
    value_minor: int | None = None
    slot: int | UnsetType = UNSET  # left out of the journal where there is none, as before it existed

    @property
    def place(self) -> int:
        """The place it is about: the first where there is one only."""
        return 1 if self.slot is UNSET else self.slot

    @property
    def why_not(self) -> WhyNot | None:
        """The reason of a no in the words of the vocabulary; None for a yes, and for any other text."""
        return _MEANS.get(self.why.strip().lower()) if self.verdict == "declined" else None

    @property
    def why_yes(self) -> WhyYes | None:
        """The reason of a yes in the words of the vocabulary; None for a no, and for any other text."""
        return _MEANS_YES.get(self.why.strip().lower()) if self.verdict == "accepted" else None


class Signs(Struct, frozen=True, array_like=True):
    """What was seen of a person some days after they accepted something, each sign from 0 (not seen) to 1.

    ``label`` names which signs these are, in their order; ``sources`` are those that were read for it.
    """

    label: str
    seen: tuple[float, ...]
    sources: tuple[str, ...]

"""Outcomes: what a person did after a decision, and why."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from marketofone.domain.fields import MAX_MINOR
from marketofone.domain.moment import Instant

MAX_VALUE = MAX_MINOR
"""The largest value of an outcome, in minor units."""

MAX_WHY = 200
"""The most characters of a reason."""

Verdict = Literal["accepted", "declined", "ignored", "valued"]


class Outcome(Struct, frozen=True, kw_only=True):
    """What followed a decision.

    ``valued`` reports, later, what an accepted action turned out to be worth over the months that have matured
    (``value_minor``, scaled to 12 months by whoever reports it).
    """

    decision: str
    verdict: Verdict
    at: Instant
    why: str = ""
    value_minor: int | None = None

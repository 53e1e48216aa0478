"""What a permission helps: measured on people who gave it and allow learning, never on the one who is to be asked."""

from __future__ import annotations

from msgspec import Struct

from marketofone.domain.moment import DAY, Instant

KEPT = 35 * DAY
"""How long a measure holds: what was measured before may be true no more."""
NOT_MEASURED = ("no decision tells of it",)


class Help(Struct, frozen=True, kw_only=True, gc=False):
    """How many more decisions ended in a yes to a help, and kept it, with one source for one purpose than without it.

    ``gain`` is a share of decisions, with an interval from ``low`` to ``high`` at a ``level`` that holds at all looks
    together. It was measured ``at`` an instant over ``decisions`` of ``people``; ``lacks`` says why these cannot tell
    it, and is empty where they can.
    """

    purpose: str
    source: str
    at: Instant
    level: float
    gain: float = 0.0
    low: float = -1.0
    high: float = 1.0
    decisions: int = 0
    people: int = 0
    lacks: tuple[str, ...] = NOT_MEASURED

    @property
    def scope(self) -> tuple[str, str]:
        """The purpose and the source."""
        return self.purpose, self.source

    @property
    def enough(self) -> bool:
        """Whether what was recorded can tell it."""
        return not self.lacks

    def counts(self, now: Instant) -> bool:
        """Say whether it was measured lately."""
        return self.at <= now < self.at + KEPT

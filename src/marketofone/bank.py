"""The Python face: one bank project, opened.

>>> import marketofone
>>> bank = marketofone.open("mybank")  # doctest: +SKIP
>>> bank.decide("c-42", occasion="app.opened").action  # doctest: +SKIP
'bill_calendar'
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from marketofone import wiring
from marketofone.domain.moment import Instant, instant_of
from marketofone.services.bank import Bank, Clock

__all__ = ["Bank", "Clock", "open", "wall_clock"]


def wall_clock() -> Instant:
    """Give the instant it is."""
    return instant_of(datetime.now(tz=UTC))


def open(path: str | Path, *, now: Instant | None = None, clock: Clock = wall_clock) -> Bank:  # noqa: A001 - the word
    """Open a bank project. ``now`` is when its documents are recorded, should they have changed.

    Raises
    ------
    BankNotFound
        When there is no bank project at this path.
    """
    return Bank(wiring.plug_in(Path(path), now=clock() if now is None else now), clock=clock)

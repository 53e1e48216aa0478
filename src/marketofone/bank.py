"""The Python face: one bank project, opened.

>>> import marketofone
>>> bank = marketofone.open("mybank")  # doctest: +SKIP
>>> bank.decide("c-42", occasion="app.opened").action  # doctest: +SKIP
'bill_calendar'
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from marketofone import wiring
from marketofone.domain.moment import Instant, check_instant, instant_of
from marketofone.services.bank import Bank, Clock
from marketofone.store.keystore import Random

__all__ = ["Bank", "Clock", "open", "wall_clock"]


def wall_clock() -> Instant:
    """Give the instant it is."""
    return instant_of(datetime.now(tz=UTC))


def open(  # noqa: A001 - the word
    path: str | Path,
    *,
    now: Instant | None = None,
    clock: Clock | None = None,
    read_only: bool = False,
    random: Random = os.urandom,
    runs_command: bool = False,
) -> Bank:
    """Open a bank project. ``now`` is when its documents are recorded, should they have changed.

    Its clock is the wall's, but for a synthetic bank, whose time stands where ``bank.toml`` says.

    Opened to read only it can be verified, replayed and looked at, also a copy and on a medium that cannot be written.
    Then a command of bank.toml that prints the bank's key is run only where ``runs_command`` says so.
    ``random`` gives the bytes that draws come from; only a simulation that is to be repeated brings its own.

    Raises
    ------
    BankNotFound
        When there is no bank project at this path.
    MalformedRequest
        When ``now``, or what the clock gives, is no instant.
    """
    clock = clock or _clock_of(Path(path))
    moment = check_instant(clock(), field="clock") if now is None else check_instant(now, field="now")
    return Bank(
        wiring.plug_in(Path(path), now=moment, read_only=read_only, random=random, runs_command=runs_command),
        clock=clock,
    )


def _clock_of(folder: Path) -> Clock:
    stands = wiring.clock_of(folder)
    return wall_clock if stands is None else lambda: stands

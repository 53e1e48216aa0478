"""A process that decides often loads the compiled loops of decisions: a server before it answers, others beside work.

What is loaded beside the way holds all threads up for half a second: somebody who waits for an answer would feel it.
"""

from __future__ import annotations

from itertools import count
from threading import Thread

from marketofone.models.bandit import kernel

OFTEN = 300
"""Decisions after which a process counts as one that decides often: loading costs about what so many more save."""

_DECISIONS = count(1)


def get_ready() -> None:
    """Load them before the first decision, for there will be many."""
    kernel.load()


def decided() -> None:
    """Count one more decision."""
    if next(_DECISIONS) == OFTEN:
        Thread(target=kernel.load, name="kernel").start()

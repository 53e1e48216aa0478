"""What a verification asks of a store: how much is kept, and whether anything stands there that none looks for."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Sizes(Struct, frozen=True, kw_only=True):
    """How many rows there are of everything that is kept."""

    entries: int
    heads: int
    keys: int
    snapshots: int
    links: int
    names: int
    letters: int
    lessons: int
    states: int


class Inspection(Protocol):
    """How much is kept, and whether it is sound."""

    def sizes(self) -> Sizes:
        """Count all rows."""

    def damage(self) -> list[str]:
        """Say in words what is wrong with the files or tables themselves; empty when they are sound."""

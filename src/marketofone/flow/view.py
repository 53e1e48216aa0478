"""What a journey can see of the world, decoded: the store as it stands, or the past as a replay rebuilds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from marketofone.consent.ledger import Consents
from marketofone.domain.moment import Instant
from marketofone.features.state import LiveState
from marketofone.flow.book import Book
from marketofone.flow.contacts import Contacts
from marketofone.flow.learned import Learned
from marketofone.governance.board import BoardState


class ForecastFacts(Struct, frozen=True, kw_only=True):
    """What the last forecast said, in the few numbers decisions use."""

    at: Instant
    shortfall_30d: float
    low_point_minor: int
    sources: tuple[str, ...]


class ForecastRecord(Struct, frozen=True, kw_only=True):
    """The journal's record of a forecast: the facts that decisions use, and what was read for it."""

    customer: str
    facts: ForecastFacts
    uses: tuple[tuple[str, str], ...]
    epoch: int


class ModelRecord(Struct, frozen=True, kw_only=True):
    """The journal's record of a training: the model states it gave, by name."""

    states: dict[str, bytes]


class View(Protocol):
    """One moment of the journal."""

    @property
    def book(self) -> Book:
        """The documents in force."""
        ...

    def position(self) -> int:
        """Give the sequence number of the last entry."""
        ...

    def person(self, customer: str) -> str:
        """Give the person a customer is."""
        ...

    def consents(self, person: str) -> Consents:
        """Give a person's consents as they stand."""
        ...

    def states(self, person: str, *, now: Instant) -> Mapping[str, LiveState]:
        """Give a person's live state by source, holding nothing later than ``now``."""
        ...

    def contacts(self, person: str) -> Contacts:
        """Give what was said to a person lately."""
        ...

    def forecast_facts(self, person: str) -> ForecastFacts | None:
        """Give what the last forecast said."""
        ...

    def learned(self) -> Learned:
        """Give everything that was learned."""
        ...

    def board(self) -> BoardState:
        """Give the rulings of the review board."""
        ...

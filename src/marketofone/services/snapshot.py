"""What a journey can see of the world, decoded: the store as it stands, or the past as a replay rebuilds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from marketofone.consent.ledger import Consents
from marketofone.decide.forecast_facts import ForecastFacts, PredictedEvent
from marketofone.domain.moment import Calendar, Instant
from marketofone.features.state import LiveState
from marketofone.governance.board import BoardState
from marketofone.services.bank_config import BankConfig
from marketofone.services.contacts import Contacts
from marketofone.services.model_version import ModelVersion


class ForecastSummary(Struct, frozen=True, kw_only=True):
    """What the last forecast said, in the few numbers decisions use.

    Records of the first kind held ``shortfall_30d`` and no ``events``; they can still be read. ``low_point_day`` is in
    days from the forecast. ``settled`` says for each event when last a forecast found it unlikely at every horizon,
    ``seen`` which state of the person's money it was made from.
    """

    at: Instant
    sources: tuple[str, ...]
    shortfall_30d: float | None = None
    low_point_minor: int | None = None
    low_point_day: int | None = None
    idle_minor: int | None = None
    events: tuple[PredictedEvent, ...] = ()
    settled: dict[str, Instant] = {}
    seen: str = ""

    def forecast(self, *, calendar: Calendar, now: Instant) -> ForecastFacts:
        """Give these facts as a decision at a moment sees them."""
        made_on = calendar.day_of(self.at)
        first_kind = (
            ()
            if self.shortfall_30d is None
            else (PredictedEvent("below_zero", 30, self.shortfall_30d, None, None, ""),)
        )
        return ForecastFacts(
            made_on=made_on,
            age_days=calendar.day_of(now) - made_on,
            events=self.events or first_kind,
            low_point_minor=math.nan if self.low_point_minor is None else float(self.low_point_minor),
            idle_minor=math.nan if self.idle_minor is None else float(self.idle_minor),
            sources=frozenset(self.sources),
            settled=self.settled,
        )


class ForecastRecord(Struct, frozen=True, kw_only=True):
    """The journal's record of a forecast: the facts that decisions use, and what was read for it."""

    customer: str
    facts: ForecastSummary
    uses: tuple[tuple[str, str], ...]
    epoch: int


class ModelRecord(Struct, frozen=True, kw_only=True):
    """The journal's record of a training: the model states it gave, by name."""

    states: dict[str, bytes]


class Snapshot(Protocol):
    """One moment of the journal."""

    @property
    def config(self) -> BankConfig:
        """The documents in force."""
        ...

    def features(self, documents: str) -> str | None:
        """Give the digest of the features that a version of the documents declares, None when it was never recorded."""
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

    def forecast_summary(self, person: str) -> ForecastSummary | None:
        """Give what the last forecast said."""
        ...

    def model_version(self) -> ModelVersion:
        """Give everything that was learned."""
        ...

    def board(self) -> BoardState:
        """Give the rulings of the review board."""
        ...

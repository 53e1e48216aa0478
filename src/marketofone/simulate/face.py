"""The part of the bank's public face that a simulation uses; every method is told when it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from marketofone.consent.ledger import ConsentChange
from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.decision import Decision, Request
from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.outcome import Outcome
from marketofone.flow.ingest import IngestReport
from marketofone.flow.oversee import VerificationView
from marketofone.flow.replay import ReplayReport
from marketofone.governance.board import Ruling
from marketofone.learn.impact import Impact


class Bank(Protocol):
    """An opened bank project; each method as in :class:`marketofone.bank.Bank`."""

    # fmt: off
    # ruff: noqa: D102, E704 - the public face has the words
    @property
    def calendar(self) -> Calendar: ...
    @property
    def catalogue(self) -> ActionCatalogue: ...
    def ingest(self, events: Iterable[Event], *, now: Instant) -> IngestReport: ...
    def consent(self, change: ConsentChange, *, now: Instant) -> object: ...
    def decide(self, customer: str, *, occasion: str, id: str, now: Instant) -> Decision: ...  # noqa: A002 - its word
    def decide_all(self, requests: Sequence[Request]) -> list[Decision]: ...
    def hear_all(self, outcomes: Sequence[Outcome]) -> object: ...
    def forecast(self, customer: str, *, now: Instant) -> object: ...
    def train(self, *, now: Instant) -> object: ...
    def rule(self, ruling: Ruling) -> None: ...
    def impact(self) -> Impact: ...
    def replay(self) -> ReplayReport: ...
    def verify(self) -> VerificationView: ...
    # fmt: on

"""What the doors ask of a bank, whoever builds it: the part of :class:`marketofone.bank.Bank` that the web uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from marketofone.consent.ledger import ConsentChange, Consents
from marketofone.domain.action import Action
from marketofone.domain.decision import Decision
from marketofone.domain.errors import UnknownAction
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.outcome import Verdict
from marketofone.flow.equipment import Equipment
from marketofone.flow.feedback import Taught
from marketofone.flow.forecast import CustomerForecast
from marketofone.flow.ingest import Incoming, IngestReport
from marketofone.flow.insights import Insight, ProfileView
from marketofone.flow.oversee import Standing
from marketofone.flow.rights import ConsentView, Use
from marketofone.governance.board import Ruling
from marketofone.learn.impact import Impact


class BankFace(Protocol):
    """An opened bank project that may be shared between threads. ``now`` is the clock's when it is left out."""

    @property
    def kit(self) -> Equipment:
        """Everything plugged in."""

    def now(self) -> Instant:
        """Give the clock's instant."""

    @property
    def calendar(self) -> Calendar:
        """The bank's calendar."""

    def close(self) -> None:
        """Finish what is waiting and close the store."""

    def ingest(self, events: Iterable[Incoming], *, now: Instant | None = None) -> IngestReport:
        """Take events in."""

    def decide(
        self,
        customer: str,
        *,
        occasion: str,
        channel: str | None = None,
        id: str | None = None,  # noqa: A002 - the word of the contract
        now: Instant | None = None,
    ) -> Decision:
        """Decide the one next best thing to do."""

    def decision(self, id: str) -> Decision:  # noqa: A002 - the word of the contract
        """Give a decision again."""

    def outcome(
        self,
        decision: str,
        verdict: Verdict,
        *,
        why: str = "",
        value_minor: int | None = None,
        now: Instant | None = None,
    ) -> Taught:
        """Say what a person did after a decision."""

    def consent(self, change: ConsentChange, *, now: Instant | None = None) -> Consents:
        """Record what a person said about consent."""

    def consents(self, customer: str, *, now: Instant | None = None) -> ConsentView:
        """Show how every cell of a person's consent stands."""

    def uses(self, customer: str, *, days: int = 90) -> list[Use]:
        """Show how a person's information was used."""

    def profile(self, customer: str, *, now: Instant | None = None) -> ProfileView:
        """Show what is known about a person."""

    def insights(self, customer: str, *, now: Instant | None = None) -> list[Insight]:
        """Show what a person's own numbers say."""

    def forecast(self, customer: str, *, now: Instant | None = None) -> CustomerForecast:
        """Look 90 days ahead on a person's accounts."""

    def rule(self, ruling: Ruling) -> None:
        """Record a ruling of the review board."""

    def board(self, *, now: Instant | None = None) -> list[Standing]:
        """List every action with its risk tier and how it stands with the board."""

    def impact(self, *, level: float = 0.95) -> Impact:
        """Measure the policy against the random control group."""

    def counts(self) -> dict[str, int]:
        """Count what is kept."""


def action_of(bank: BankFace, name: str) -> Action:
    """Give the words of an action; of one that is no longer in the catalogue, its bare name."""
    try:
        return bank.kit.book.actions.action(name)
    except UnknownAction:
        return Action(
            id=name,
            kind="insight",
            title=name,
            text="It is no longer in the catalogue.",
        )

"""One bank project, opened: every journey behind one face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Self
from uuid import uuid4

from marketofone.consent.ledger import ConsentChange, Consents
from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.decision import Decision, Request
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.governance.board import Ruling
from marketofone.learn.impact import Impact
from marketofone.services import (
    board_service,
    consent_service,
    decide,
    feedback,
    forecast,
    forecast_population,
    ingest,
    insights,
    intervene,
    refresh_forecasts,
    replay,
    spending,
    train,
)
from marketofone.services.app_context import AppContext

Clock = Callable[[], Instant]


class Bank:
    """A bank project, opened. Every method takes ``now``; without it, it is the clock's.

    Use it as a context manager, or call :meth:`close`. It may be shared between threads.
    """

    def __init__(self, context: AppContext, *, clock: Clock) -> None:
        self._context = context
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is waiting and close the store."""
        self._context.store.close()

    @property
    def context(self) -> AppContext:
        """Everything plugged in."""
        return self._context

    @property
    def calendar(self) -> Calendar:
        """The bank's calendar."""
        return self._context.config.calendar

    @property
    def catalogue(self) -> ActionCatalogue:
        """What the bank may do."""
        return self._context.config.actions

    def ingest(self, events: Iterable[ingest.Incoming], *, now: Instant | None = None) -> ingest.IngestReport:
        """Take events in, as values or as CloudEvents JSON, in durable batches."""
        report = ingest.IngestReport()
        for batch in _batches(events):
            report += ingest.ingest(self._context, batch, now=self._at(now))
        return report

    def decide(
        self,
        customer: str,
        *,
        occasion: str,
        channel: str | None = None,
        id: str | None = None,  # noqa: A002 - the word of the contract
        now: Instant | None = None,
    ) -> Decision:
        """Decide the one next best thing to do for a person, with reasons. The same id gives the same decision."""
        spec = self.catalogue.occasion(occasion)
        request = Request(
            id=id or uuid4().hex,
            customer=customer,
            occasion=occasion,
            channel=channel or spec.channel,
            at=self._at(now),
        )
        return decide.decide(self._context, request)

    def decide_all(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide for many people at once, in the order given, in one durable commit."""
        return decide.decide_all(self._context, requests)

    def decision(self, id: str) -> Decision:  # noqa: A002
        """Give a decision again."""
        return decide.recall(self._context, id)

    def outcome(
        self,
        decision: str,
        verdict: Verdict,
        *,
        why: str = "",
        value_minor: int | None = None,
        now: Instant | None = None,
    ) -> feedback.UpdateResult:
        """Say what a person did after a decision, and why; gives what was learned from it."""
        outcome = Outcome(decision=decision, verdict=verdict, at=self._at(now), why=why, value_minor=value_minor)
        return feedback.record_outcome(self._context, outcome)

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> list[feedback.UpdateResult]:
        """Hear many outcomes at once, in the order given, in one durable commit."""
        return feedback.record_outcomes(self._context, outcomes)

    def consent(self, change: ConsentChange, *, now: Instant | None = None) -> Consents:
        """Record what a person said about consent; effective when this returns."""
        return consent_service.change_consent(self._context, change, now=self._at(now))

    def whose(self, reference: str) -> str:
        """Give the customer a reference means: an account's owner when it names an account, else itself."""
        return consent_service.whose(self._context, reference)

    def epoch(self, customer: str) -> int:
        """Give a customer's consent epoch, 0 when nothing was ever said."""
        return consent_service.epoch(self._context, customer)

    def consents(self, customer: str, *, now: Instant | None = None) -> consent_service.ConsentView:
        """Show how every scope of a person's consent stands."""
        return consent_service.show_consents(self._context, customer, now=self._at(now))

    def uses(self, customer: str, *, days: int = 90) -> list[consent_service.Use]:
        """Show how a person's information was used, newest day first."""
        return consent_service.uses(self._context, customer, days=days)

    def profile(self, customer: str, *, now: Instant | None = None) -> insights.ProfileView:
        """Show what is known about a person, restricted to what they allow."""
        return insights.profile(self._context, customer, now=self._at(now))

    def insights(self, customer: str, *, now: Instant | None = None) -> list[spending.Insight]:
        """Show what a person's own numbers say, compared only with themselves."""
        return insights.insights(self._context, customer, now=self._at(now))

    def spending(self, customer: str, *, now: Instant | None = None) -> spending.CustomerSpending:
        """Show what a person's own spending says: what comes back, the habit of each category, what stands out."""
        return spending.spending(self._context, customer, now=self._at(now))

    def forecast_all(
        self, *, now: Instant | None = None
    ) -> Iterator[forecast.CustomerForecast | forecast_population.LeftOut]:
        """Look 90 days ahead for everybody; gives one person after the other, also those who do not allow it."""
        return forecast_population.look_at_everybody(self._context, now=self._at(now))

    def refresh_forecasts(self, *, now: Instant | None = None) -> refresh_forecasts.RefreshedForecasts:
        """Look ahead again for everybody for whom it may matter: whose money moved, or who is not calm."""
        return refresh_forecasts.refresh_forecasts(self._context, now=self._at(now))

    def intervene(self, customers: Iterable[str] | None = None, *, now: Instant | None = None) -> list[Decision]:
        """Decide for everybody, or some, for whom the last forecast found something likely that they were not told."""
        return intervene.intervene(self._context, customers, now=self._at(now))

    def forecast(self, customer: str, *, now: Instant | None = None) -> forecast.CustomerForecast:
        """Look 90 days ahead on a person's accounts.

        Raises
        ------
        ConsentRefused
            When the person did not allow it.
        """
        return forecast.look_ahead(self._context, customer, now=self._at(now))

    def train(self, *, tasks: Sequence[train.TrainingTask] = train.ANEW, now: Instant | None = None) -> train.Trained:
        """Learn again what is learned from everybody together, from nothing later than ``now``."""
        return train.train(self._context, now=self._at(now), tasks=tasks)

    def rule(self, ruling: Ruling) -> None:
        """Record a ruling of the review board; it holds for the next decision."""
        board_service.rule(self._context, ruling)

    def board(self, *, now: Instant | None = None) -> list[board_service.Standing]:
        """List every action with its risk tier and how it stands with the board."""
        return board_service.standings(self._context, now=self._at(now))

    def impact(self, *, level: float = 0.95) -> Impact:
        """Measure the policy against the random control group."""
        return board_service.impact(self._context, level=level)

    def verify(self) -> board_service.VerificationView:
        """Check the whole audit chain against what is stored."""
        return board_service.verify(self._context)

    def replay(self) -> replay.ReplayReport:
        """Recompute every decision from the journal and compare it byte for byte."""
        return replay.replay(self._context)

    def now(self) -> Instant:
        """Give the clock's instant."""
        return self._clock()

    def _at(self, now: Instant | None) -> Instant:
        return self._clock() if now is None else now

    def counts(self) -> dict[str, int]:
        """Count what is kept."""
        with self._context.store.read() as reader:
            return dict(reader.counts())


def _batches(events: Iterable[ingest.Incoming]) -> Iterator[list[ingest.Incoming]]:
    walk = iter(events)
    while batch := list(islice(walk, ingest.MAX_BATCH)):
        yield batch

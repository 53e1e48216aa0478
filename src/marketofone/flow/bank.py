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
from marketofone.flow import (
    decide,
    evaluate,
    feedback,
    forecast,
    foresight,
    ingest,
    insights,
    intervene,
    oversee,
    replay,
    rescore,
    rights,
    spending,
    train,
)
from marketofone.flow.equipment import Equipment
from marketofone.governance.board import Ruling
from marketofone.learn.impact import Impact

Clock = Callable[[], Instant]


class Bank:
    """A bank project, opened. Every method takes ``now``; without it, it is the clock's.

    Use it as a context manager, or call :meth:`close`. It may be shared between threads.
    """

    def __init__(self, kit: Equipment, *, clock: Clock) -> None:
        self._kit = kit
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is waiting and close the store."""
        self._kit.store.close()

    @property
    def kit(self) -> Equipment:
        """Everything plugged in."""
        return self._kit

    @property
    def calendar(self) -> Calendar:
        """The bank's calendar."""
        return self._kit.book.calendar

    @property
    def catalogue(self) -> ActionCatalogue:
        """What the bank may do."""
        return self._kit.book.actions

    def ingest(self, events: Iterable[ingest.Incoming], *, now: Instant | None = None) -> ingest.IngestReport:
        """Take events in, as values or as CloudEvents JSON, in durable batches."""
        report = ingest.IngestReport()
        for batch in _batches(events):
            report += ingest.ingest(self._kit, batch, now=self._at(now))
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
        return decide.decide(self._kit, request)

    def decide_all(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide for many people at once, in the order given, in one durable commit."""
        return decide.decide_all(self._kit, requests)

    def decision(self, id: str) -> Decision:  # noqa: A002
        """Give a decision again."""
        return decide.recall(self._kit, id)

    def outcome(
        self,
        decision: str,
        verdict: Verdict,
        *,
        why: str = "",
        value_minor: int | None = None,
        now: Instant | None = None,
    ) -> feedback.Taught:
        """Say what a person did after a decision, and why; gives what was learned from it."""
        outcome = Outcome(decision=decision, verdict=verdict, at=self._at(now), why=why, value_minor=value_minor)
        return feedback.hear(self._kit, outcome)

    def hear_all(self, outcomes: Sequence[Outcome]) -> list[feedback.Taught]:
        """Hear many outcomes at once, in the order given, in one durable commit."""
        return feedback.hear_all(self._kit, outcomes)

    def consent(self, change: ConsentChange, *, now: Instant | None = None) -> Consents:
        """Record what a person said about consent; effective when this returns."""
        return rights.change_consent(self._kit, change, now=self._at(now))

    def whose(self, reference: str) -> str:
        """Give the customer a reference means: an account's owner when it names an account, else itself."""
        return rights.whose(self._kit, reference)

    def epoch(self, customer: str) -> int:
        """Give a customer's consent epoch, 0 when nothing was ever said."""
        return rights.epoch(self._kit, customer)

    def consents(self, customer: str, *, now: Instant | None = None) -> rights.ConsentView:
        """Show how every cell of a person's consent stands."""
        return rights.show_consents(self._kit, customer, now=self._at(now))

    def uses(self, customer: str, *, days: int = 90) -> list[rights.Use]:
        """Show how a person's information was used, newest day first."""
        return rights.uses(self._kit, customer, days=days)

    def profile(self, customer: str, *, now: Instant | None = None) -> insights.ProfileView:
        """Show what is known about a person, restricted to what they allow."""
        return insights.profile(self._kit, customer, now=self._at(now))

    def insights(self, customer: str, *, now: Instant | None = None) -> list[spending.Insight]:
        """Show what a person's own numbers say, compared only with themselves."""
        return insights.insights(self._kit, customer, now=self._at(now))

    def spending(self, customer: str, *, now: Instant | None = None) -> spending.CustomerSpending:
        """Show what a person's own spending says: what comes back, the habit of each category, what stands out."""
        return spending.spending(self._kit, customer, now=self._at(now))

    def forecast_all(self, *, now: Instant | None = None) -> Iterator[forecast.CustomerForecast | foresight.LeftOut]:
        """Look 90 days ahead for everybody; gives one person after the other, also those who do not allow it."""
        return foresight.look_at_everybody(self._kit, now=self._at(now))

    def rescore(self, *, now: Instant | None = None) -> rescore.Rescored:
        """Look ahead again for everybody for whom it may matter: whose money moved, or who is not calm."""
        return rescore.rescore(self._kit, now=self._at(now))

    def intervene(self, customers: Iterable[str] | None = None, *, now: Instant | None = None) -> list[Decision]:
        """Decide for everybody, or some, for whom the last forecast found something likely that they were not told."""
        return intervene.intervene(self._kit, customers, now=self._at(now))

    def forecast(self, customer: str, *, now: Instant | None = None) -> forecast.CustomerForecast:
        """Look 90 days ahead on a person's accounts.

        Raises
        ------
        ConsentRefused
            When the person did not allow it.
        """
        return forecast.look_ahead(self._kit, customer, now=self._at(now))

    def train(self, *, lessons: Sequence[train.Lesson] = train.ANEW, now: Instant | None = None) -> train.Trained:
        """Learn again what is learned from everybody together, from nothing later than ``now``."""
        return train.train(self._kit, now=self._at(now), lessons=lessons)

    def evaluate_forecast(
        self, plan: evaluate.Plan, *, step: evaluate.Step, now: Instant | None = None
    ) -> evaluate.Evaluation:
        """Judge the forecast beside its peers, on everybody who allows learning from their transactions."""
        return evaluate.evaluate_customers(self._kit, plan, now=self._at(now), step=step)

    def rule(self, ruling: Ruling) -> None:
        """Record a ruling of the review board; it holds for the next decision."""
        oversee.rule(self._kit, ruling)

    def board(self, *, now: Instant | None = None) -> list[oversee.Standing]:
        """List every action with its risk tier and how it stands with the board."""
        return oversee.standings(self._kit, now=self._at(now))

    def impact(self, *, level: float = 0.95) -> Impact:
        """Measure the policy against the random control group."""
        return oversee.impact(self._kit, level=level)

    def verify(self) -> oversee.VerificationView:
        """Check the whole audit chain against what is stored."""
        return oversee.verify(self._kit)

    def replay(self) -> replay.ReplayReport:
        """Recompute every decision from the journal and compare it byte for byte."""
        return replay.replay(self._kit)

    def now(self) -> Instant:
        """Give the clock's instant."""
        return self._clock()

    def _at(self, now: Instant | None) -> Instant:
        return self._clock() if now is None else now

    def counts(self) -> dict[str, int]:
        """Count what is kept."""
        with self._kit.store.read() as reader:
            return dict(reader.counts())


def _batches(events: Iterable[ingest.Incoming]) -> Iterator[list[ingest.Incoming]]:
    walk = iter(events)
    while batch := list(islice(walk, ingest.MAX_BATCH)):
        yield batch

"""One bank project, opened: every journey behind one face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Self, Unpack

from marketofone.consent.ledger import TAKING_BACK, ConsentChange, Consents
from marketofone.consent.standing import ConsentStanding
from marketofone.decide.catalogue import ActionCatalogue
from marketofone.decide.funnel import Funnel
from marketofone.domain.decision import Decision, Otherwise, Request
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import Calendar, Instant, check_instant
from marketofone.domain.outcome import Outcome, OutcomeFields, Verdict
from marketofone.governance.board import Ruling
from marketofone.learn.impact import Impact
from marketofone.projection.bank_config import BankConfig
from marketofone.services.decisions import asked, decide, feedback, intervene, otherwise
from marketofone.services.foresight import forecast, forecast_population, insights, refresh_forecasts, spending
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.intake import data_overview, ingest, letters, merchants, retries
from marketofone.services.learning import debts, learn, train
from marketofone.services.learning.learn import VersionView
from marketofone.services.learning.learner import Learning
from marketofone.services.proof import backup, checkpoint, diff, replay, verify
from marketofone.services.proof.changes import Change
from marketofone.services.rights import (
    ask_answers,
    board_service,
    consent_check,
    consent_service,
    consent_view,
    erase,
    own_rights,
    promotion_service,
    use_log,
)
from marketofone.services.rights.funnel_service import count_funnel
from marketofone.services.rights.impact_service import measure_impact
from marketofone.services.runtime import population, uses
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.runs import Proved

Clock = Callable[[], Instant]


class Bank:
    """A bank project, opened.

    Methods take ``now``: the instant at which something is recorded; without it, it is the clock's. Simulations and
    back-tests move this clock. ``as_of`` asks what was known at an earlier moment: what may be used is judged at
    ``now``, and nothing that comes later changes. Use it as a context manager, or close it. Threads may share it.
    """

    def __init__(self, context: AppContext, *, clock: Clock, learning: Learning | None = None) -> None:
        self._context, self._clock = context, clock
        self.learning = learning or Learning(context, clock=self.now, before=erase.finish_erasures)
        """When what was heard becomes part of a version."""
        self.rights = own_rights.OwnRights(context, learning=self.learning, at=self._at)
        """What a person takes along, brings, and has forgotten."""
        self.erase = self.rights.erase
        self.permit = consent_check.ConsentCheck(context, at=self._at).permit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is waiting and close the store."""
        self._context.close()

    @property
    def context(self) -> AppContext:
        """Everything plugged in."""
        return self._context

    @property
    def config(self) -> BankConfig:
        """What the bank's documents say."""
        return self._context.config

    @property
    def calendar(self) -> Calendar:
        """The bank's calendar."""
        return self.config.calendar

    @property
    def catalogue(self) -> ActionCatalogue:
        """What the bank may do."""
        return self.config.actions

    def retry_letters(self, read: retries.ReadAgain | None = None, *, now: Instant | None = None) -> retries.Retried:
        """Take in again what was kept aside and can be read by now; ``read`` reads rows of tables."""
        moment = self._at(now)
        return retries.retry(self._context, partial(self.ingest, now=moment), read=read, now=moment)

    def ingest_batch(self, events: Sequence[ingest.Incoming], *, now: Instant | None = None) -> ingest.BatchReport:
        """Take one batch of events in; gives what became of it, and the entries that prove it."""
        moment = self._at(now)
        try:
            report = ingest.ingest(self._context, events, now=moment)
        finally:  # what was linked before a fault is linked
            self.learning.follow_links(now=moment)
        self.learning.follow_arrivals(report.entries, now=moment)
        return report

    def ingest(self, events: Iterable[ingest.Incoming], *, now: Instant | None = None) -> ingest.IngestReport:
        """Take events in, as values or as CloudEvents JSON, in durable batches, as many as there are."""
        batches = population.together(events, size=ingest.MAX_BATCH)
        return sum((self.ingest_batch(batch, now=now) for batch in batches), ingest.IngestReport())

    def data(self, *, now: Instant | None = None) -> data_overview.DataOverview:
        """Look over the data: what arrived, how fresh it is, what was kept aside, and what nothing told."""
        return data_overview.overview(self._context, now=self._at(now))

    def letter(self, number: int, *, now: Instant | None = None) -> letters.LetterView:
        """Give one dead letter by its number; the oldest is 1."""
        return letters.view(self._context, number, now=self._at(now))

    def decide(
        self,
        customer: str,
        *,
        occasion: str,
        channel: str | None = None,
        id: str | None = None,  # noqa: A002 - the word of the contract
        now: Instant | None = None,
        as_of: Instant | None = None,
        **where: Unpack[asked.Where],
    ) -> Decision:
        """Decide the one next best thing to do for a person, with reasons. The same id gives the same decision.

        For a ``placement``, or several ``slots``, it is a slate. With ``as_of`` it is a question, and never a contact.
        """
        plain = partial(asked.request_of, self.catalogue, customer, occasion=occasion, channel=channel, id=id)
        return self.answer(plain(now=self._at(now), **where), as_of=as_of).answer

    def answer(self, request: Request, *, as_of: Instant | None = None) -> Proved[Decision]:
        """Decide as :meth:`decide` does; gives the entry that proves it, too. A question has none."""
        if as_of is not None:
            return Proved(decide.ask(self._context, request, as_of=as_of), None)
        return decide.decide(self._context, request)

    def decide_all(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide for many people at once, in the order given."""
        return decide.decide_all(self._context, requests)

    def decide_each(self, requests: Sequence[Request]) -> list[Decision | MarketOfOneError]:
        """Decide for many people at once; a request that is refused gives the error, and stops no other."""
        return decide.decide_each(self._context, requests)

    def decision(self, id: str, *, customer: str | None = None, now: Instant | None = None) -> Decision:  # noqa: A002
        """Give a decision again, while it may still be shown; ``customer`` says whose, where ids are not unique."""
        return decide.recall(self._context, id, now=self._at(now), customer=customer)

    def otherwise(self, id: str, *, customer: str | None = None, now: Instant | None = None) -> Otherwise:  # noqa: A002
        """Find what would have changed a decision, on what it rested on then; or why that cannot be told any more."""
        return otherwise.otherwise(self._context, id, now=self._at(now), customer=customer)

    def outcome(
        self,
        decision: str,
        verdict: Verdict,
        *,
        now: Instant | None = None,
        as_of: Instant | None = None,
        customer: str | None = None,
        **more: Unpack[OutcomeFields],
    ) -> feedback.UpdateResult:
        """Say what a person did after a decision, and why; gives what it teaches.

        ``as_of`` is when they did it, where that was earlier than ``now``; of a slate, ``slot`` is the place.
        """
        recorded = self._at(now)
        outcome = Outcome(decision=decision, verdict=verdict, at=uses.asked_moment(as_of, now=recorded), **more)
        return self.record_outcome(outcome, now=recorded, customer=customer).answer

    def record_outcome(
        self, outcome: Outcome, *, now: Instant | None = None, customer: str | None = None
    ) -> Proved[feedback.UpdateResult]:
        """Record an outcome as :meth:`outcome` does; gives the entry that proves it, too."""
        recorded = self._at(now)
        result = feedback.record_outcome(self._context, outcome, now=recorded, customer=customer)
        if result.answer.learned or result.answer.changes == "answer":
            self.learning.soon(recorded)
        return result

    def record_outcomes(
        self, outcomes: Sequence[Outcome], *, now: Instant | None = None
    ) -> list[feedback.UpdateResult]:
        """Record many outcomes at once, in the order given, each at its own instant, which is not after ``now``."""
        results = feedback.record_outcomes(self._context, outcomes, now=self._at(now))
        if outcomes:
            self.learning.soon(max(outcome.at for outcome in outcomes))
        return results

    def learn(self, *, now: Instant | None = None) -> int:
        """Learn from every outcome that waits; gives how many lessons became part of a version."""
        return self.learning.now(self._at(now))

    def debt(self, *, now: Instant | None = None) -> int:
        """Count lessons that may not be used any more and still are, in what was learned so far."""
        return debts.count(self._context, now=self._at(now))

    def versions(self) -> list[VersionView]:
        """List the versions of what was learned, newest first; the active one names its debt."""
        return learn.versions(self._context, debt=self.debt())

    def roll_back(self, version: int, *, now: Instant | None = None) -> None:
        """Make an earlier version active again; what may not be used any more of it is owed."""
        moment = self._at(now)
        learn.roll_back(self._context, version, now=moment)
        self.learning.owe_everything(now=moment)

    def promote(self, asked: promotion_service.Promotion, *, workers: int = 1, step: diff.Step | None = None) -> None:
        """Let a version decide for more people, or for none any more. Refused unless it is shown to be worth more."""
        moment = self.now()
        promotion_service.promote(self._context, asked, now=moment, workers=workers, step=step)
        self.learning.owe_everything(now=moment)

    def consent(self, change: ConsentChange, *, now: Instant | None = None) -> Consents:
        """Record what a person says about consent; effective when this returns."""
        return self.consent_given(change, now=now).consents

    def consent_given(self, change: ConsentChange, *, now: Instant | None = None) -> consent_service.ConsentGiven:
        """Record what a person says about consent; gives what holds now, until when, and the entry that proves it."""
        return self.consents_given([change], now=now)[0]

    def consents_given(
        self, changes: Sequence[ConsentChange], *, now: Instant | None = None
    ) -> list[consent_service.ConsentGiven]:
        """Record what customers say, who are all different people, in one unit of work; gives what each may know."""
        return [one for one in self.consents_told(changes, now=self._at(now)) if one is not None]

    def consents_told(
        self, changes: Sequence[ConsentChange], *, now: Instant, keys: Sequence[bytes] = ()
    ) -> list[consent_service.ConsentGiven | None]:
        """Record what customers say, as :meth:`consents_given` does; None for what a key says is known already."""
        told = consent_service.change_consents(self._context, changes, now=now, keys=keys)
        given = [(change, one.entry.subject) for change, one in zip(changes, told, strict=True) if one is not None]
        self.learning.owe([subject for change, subject in given if change.change in TAKING_BACK], now=now)
        self._context.left_open.update(subject for _, subject in given)  # the next arrival, or the learner, looks
        ask_answers.answer_asks(self._context, [change for change, _ in given], now=now, heard=self.learning.soon)
        return told

    def whose(self, reference: str) -> str:
        """Give the customer a reference means: an account's owner when it names an account, else itself."""
        return consent_service.whose(self._context, reference)

    def epoch(self, customer: str) -> int:
        """Give a customer's consent epoch, 0 when nothing was ever said."""
        return consent_service.epoch(self._context, customer)

    def consents(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> consent_view.ConsentView:
        """Show how every scope of a person's consent stands, or stood."""
        return consent_view.show_consents(self._context, customer, now=self._at(now), as_of=as_of)

    def consent_standing(self, customer: str, *, now: Instant | None = None) -> ConsentStanding:
        """Say how a person's consents stand, in few words: objection, pause, and how much is on."""
        return consent_view.consent_standing(self._context, customer, now=self._at(now))

    def uses(self, customer: str, *, days: int = 90) -> list[use_log.Use]:
        """Show how a person's information was used, newest day first."""
        return use_log.uses(self._context, customer, days=days)

    def profile(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> insights.ProfileView:
        """Show what is known about a person, restricted to what they allow."""
        return insights.profile(self._context, customer, now=self._at(now), as_of=as_of)

    def insights(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> list[spending.Insight]:
        """Show what a person's own numbers say, compared only with themselves."""
        return insights.insights(self._context, customer, now=self._at(now), as_of=as_of)

    def spending(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> spending.CustomerSpending:
        """Show what a person's own spending says: what comes back, the habit of each category, what stands out."""
        return spending.spending(self._context, customer, now=self._at(now), as_of=as_of)

    def correct_merchant(self, customer: str, said: merchants.MerchantSaid, *, now: Instant | None = None) -> None:
        """Record what a person says of a merchant that :meth:`merchants` names: it holds for all payments there."""
        merchants.correct_merchant(self._context, customer, said, now=self._at(now))

    def merchants(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> list[merchants.MerchantView]:
        """Show whom a person paid, the merchant with the most payments first, and what the person says of each."""
        return merchants.list_merchants(self._context, customer, now=self._at(now), as_of=as_of)

    def forecast_all(
        self, *, now: Instant | None = None, as_of: Instant | None = None, workers: int = 1
    ) -> Iterator[CustomerForecast | forecast_population.LeftOut]:
        """Look 90 days ahead for all people; gives one person after the other, also those who do not allow it.

        Decisions follow these forecasts, unless ``as_of`` asks about an earlier moment.
        """
        return forecast_population.forecast_population(self._context, now=self._at(now), as_of=as_of, workers=workers)

    def refresh_forecasts(self, *, now: Instant | None = None) -> refresh_forecasts.RefreshedForecasts:
        """Look ahead again for all people for whom it may matter: whose money moved, or who is not calm."""
        return refresh_forecasts.refresh_forecasts(self._context, now=self._at(now))

    def intervene(self, customers: Iterable[str] | None = None, *, now: Instant | None = None) -> list[Decision]:
        """Decide for all people, or some, for whom the last forecast found something likely that they were not told."""
        return intervene.intervene(self._context, customers, now=self._at(now))

    def forecast(self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None) -> CustomerForecast:
        """Look 90 days ahead on a person's accounts; decisions follow it, unless it is about an earlier moment.

        Raises
        ------
        ConsentRefused
        """
        if as_of is not None:
            return self.show_forecast(customer, now=now, as_of=as_of)
        return forecast.look_ahead(self._context, customer, now=self._at(now))

    def show_forecast(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> CustomerForecast:
        """Show what is ahead of a person; it is a use, and decisions never follow it. Raises as :meth:`forecast`."""
        return forecast.show_ahead(self._context, customer, now=self._at(now), as_of=as_of)

    def train(
        self,
        *,
        tasks: Sequence[train.TrainingTask] = train.ANEW,
        now: Instant | None = None,
        as_of: Instant | None = None,
    ) -> train.Trained:
        """Learn again what is learned from all people together, from nothing later than ``now`` or ``as_of``."""
        return train.train(self._context, now=self._at(now), tasks=tasks, as_of=as_of)

    def rule(self, ruling: Ruling, *, now: Instant | None = None) -> None:
        """Record a ruling of the review board; it holds for the next decision."""
        board_service.rule(self._context, ruling, now=None if now is None else self._at(now))

    def board(self, *, now: Instant | None = None, as_of: Instant | None = None) -> list[board_service.Standing]:
        """List every action with its risk tier and how it stands with the board, or stood ``as_of`` a moment."""
        return board_service.standings(self._context, now=self._at(now), as_of=as_of)

    def impact(self, *, level: float = 0.95) -> Impact:
        """Measure the policy against the random control group, with intervals that hold however often one looks."""
        return measure_impact(self._context, level=level, now=self.now())

    def funnel(self, *, days: int = 30, now: Instant | None = None, as_of: Instant | None = None) -> Funnel:
        """Count what became of every action for every person in the days until ``as_of`` or now; who got nothing."""
        return count_funnel(self._context, days=days, now=self._at(now), as_of=as_of)

    def replay(self, *, workers: int = 1, step: replay.Step | None = None) -> replay.ReplayReport:
        """Recompute every decision from the journals and compare it byte for byte."""
        return replay.replay(self._context, workers=workers, step=step)

    def diff(self, change: Change, *, workers: int = 1, step: diff.Step | None = None) -> diff.Diff:
        """Say which past decisions a change would have changed, for whom, and which way their worth moves."""
        return diff.diff(self._context, change, now=self.now(), workers=workers, step=step)

    def verify(
        self,
        *,
        against: str | None = None,
        public_key: bytes | None = None,
        workers: int = 1,
        step: verify.Step | None = None,
    ) -> verify.Verification:
        """Verify every chain, the log over them, and everything that is kept beside them. It writes nothing.

        ``against`` is the text of an old checkpoint: then entries cut off or rewritten since are found as well.
        """
        return verify.verify(self._context, against=against, public_key=public_key, workers=workers, step=step)

    def backup(self, folder: str | Path) -> None:
        """Write a copy of the data, and of the documents, into a new folder; without the key store it is unreadable."""
        backup.backup(self._context, Path(folder))

    def checkpoint(self, *, now: Instant | None = None) -> checkpoint.Checkpoint:
        """Sign how the log stands. Kept anywhere else, it finds any later change of what is older."""
        return checkpoint.make_checkpoint(self._context, now=self._at(now))

    def now(self) -> Instant:
        """Give the clock's instant."""
        return check_instant(self._clock(), field="clock")

    def counts(self) -> dict[str, int]:
        """Count what is kept."""
        return data_overview.counts(self._context)

    def _at(self, now: Instant | None) -> Instant:
        return self.now() if now is None else check_instant(now, field="now")

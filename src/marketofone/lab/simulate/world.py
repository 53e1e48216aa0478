"""The clock of the synthetic bank: twice a day, what arrived is ingested, people are decided for, outcomes follow.

Each half day: what is due by then happens at its own moment (consents, outcomes, forecasts); the events that arrived
are ingested, at noon those of the people decided for, in the evening all others; decisions are asked for some of the
people who just opened the app, wrote, searched or went somewhere, and in the evening for a few more. Time never runs
backwards. Everything follows from the seed.
"""

from __future__ import annotations

import heapq
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Assignment, Decision, Request
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.event import Event
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, MINUTE, SECOND, Day, Instant
from marketofone.domain.money_events import ProductClosed, ProductOpened
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.governance.board import APPROVAL_DAYS, Ruling
from marketofone.governance.tiers import Tier, tier_of
from marketofone.lab.simulate.choice import Choice
from marketofone.lab.simulate.life import KIND, Life, Rows, lives_of
from marketofone.lab.simulate.people import happens
from marketofone.lab.simulate.rivals import Raced, race_all
from marketofone.lab.simulate.sight import NOTHING_SEEN, Observer
from marketofone.lab.simulate.span import Span, span_of
from marketofone.lab.simulate.truth import Mood, Reaction, Truth
from marketofone.lab.simulate.twins import Twins, tired
from marketofone.lab.simulate.voice import events_of, sign_of
from marketofone.lab.simulate.yardsticks import LearnedRanking, compare
from marketofone.services.bank import Bank
from marketofone.services.learning.train import ANEW, TrainingTask

Progress = Callable[[int, int, str], None]
NOON, EVENING = 12 * 60 + 30, 19 * 60 + 40  # minutes of the day; the quiet hours of most banks come later
# which share of these events, while they are fresh, leads to a question; rarest first: one a person and half day
ASKED = {
    "life.declared": 1.0,
    "message.received": 1.0,
    "partner.searched": 0.9,
    "app.searched": 0.6,
    "place.visited": 0.8,
    "app.opened": 0.7,
}
BATCH_DAYS = 3
FRESH = 90 * MINUTE
UNASKED, UNASKED_SHARE = "weekly.mail", 0.005  # of people, every evening
_YEAR = 365.25  # days
TOLD = 60  # people whose decisions are kept whole, to tell one's story


class Scenario(Struct, frozen=True, kw_only=True):
    """What is simulated.

    ``decisions`` scales how often is asked, ``forecasts`` is the chance of one before a pay day, and what is learned
    from everybody together is learned again every ``train_days``. ``race`` says whether other ways to decide are judged
    on the same moments afterwards, ``click_bait`` whether the catalogue holds a planted offer that does harm.
    """

    customers: int
    days: int
    seed: int
    first: Day
    decisions: float = 0.8
    forecasts: float = 0.15
    train_days: int = 182
    race: bool = False
    click_bait: bool = False


class Exchange(Struct, frozen=True, kw_only=True):
    """One decision that was kept whole, and what followed."""

    decision: Decision
    reaction: Reaction


@dataclass(slots=True)
class Tally:
    """What happened so far, counted."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    whys: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[Assignment, int, Verdict]] = field(default_factory=Counter)  # by group and person
    seconds: Counter[str] = field(default_factory=Counter)
    choices: list[Choice] = field(default_factory=list)
    policy: dict[str, Any] = field(default_factory=dict)
    race: dict[str, Raced] = field(default_factory=dict)
    told: dict[int, list[Exchange]] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent to a stage."""
        began = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - began  # type: ignore[assignment]  # typeshed: a Counter's int


def live_through(bank: Bank, scenario: Scenario, *, progress: Progress) -> Tally:
    """Live through a scenario on a bank; give what happened."""
    span = span_of(bank.calendar, first=scenario.first, days=scenario.days)
    tally = Tally()
    with tally.timed("people"):
        lives = lives_of(scenario.customers, seed=scenario.seed, span=span)
    bank.learning.by_itself = False  # but once, every evening
    _approve(bank, start=span.at(0, minute=0), days=scenario.days)
    world = _World(bank, scenario, lives, span=span, tally=tally)
    for day in range(span.days):
        for minute in (NOON, EVENING):
            world.live_until(span.at(day, minute=minute), evening=minute == EVENING)
        with tally.timed("learn"):
            bank.learn(now=span.at(day, minute=EVENING + 5))
        if (day + 1) % scenario.train_days == 0:
            with tally.timed("train"):
                tasks: tuple[TrainingTask, ...] = (
                    ANEW if day < scenario.train_days else ("recommend",)
                )  # once: it takes long
                bank.train(tasks=tasks, now=span.at(day, minute=EVENING + 10))
        progress(day + 1, span.days, "living")
    with tally.timed("yardsticks"):
        tally.policy = world.compared()
    with tally.timed("race"):
        tally.race = world.raced() if scenario.race else {}
    return tally


def _approve(bank: Bank, *, start: Instant, days: int) -> None:
    """Let the demo's review board approve what needs approval, until some time after the end."""
    for action in bank.catalogue.actions:
        if tier_of(action) == Tier.SENSITIVE:
            until = Instant(start + (days + APPROVAL_DAYS) * DAY)
            bank.rule(Ruling(ruling="approve", scope=action.id, by="demo board", at=start, until=until))


class _World:
    """Everything that is under way."""

    def __init__(self, bank: Bank, scenario: Scenario, lives: Sequence[Life], *, span: Span, tally: Tally) -> None:
        self._bank, self._scenario, self._tally, self._span = bank, scenario, tally, span
        self._people = [life.person for life in lives]
        self._joined = span.starts[[person.joined for person in self._people]]
        self._truth = Truth(lives, bank.catalogue.actions, span=span, seed=scenario.seed)
        self._observer = Observer(bank)
        self._ranking = LearnedRanking(np.array([action.cost_minor for action in bank.catalogue.actions], dtype=float))
        self._occasions = bank.catalogue.occasions
        self._products = {action.id: action.product for action in bank.catalogue.actions}
        rows = np.concatenate([life.rows for life in lives])
        self._rows: Rows = rows[np.argsort(rows["arrives"], kind="stable")]
        self._arrived, self._waiting = 0, self._rows[:0]
        self._rng = np.random.default_rng((scenario.seed, 3))
        self._numbers = count()
        self._due: list[tuple[Instant, int, Callable[[Instant], None]]] = []
        self._later: list[Event] = []  # events that answers brought about
        self._heard: list[Outcome] = []
        self._tired: dict[int, tuple[Instant, float]] = {}
        self._holds = [frozenset(person.holds) for person in self._people]
        for life in lives:
            self._plan(life)

    def _plan(self, life: Life) -> None:
        for change in life.person.consents:
            self._at(change.since, partial(self._consent, change))
        for day in life.pay_days[life.pay_days >= life.person.joined + 30]:
            if happens(self._scenario.forecasts, self._rng):
                self._at(self._span.at(int(day) - 3, minute=EVENING - 10), partial(self._forecast, life.person.index))

    def _at(self, at: Instant, do: Callable[[Instant], None]) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), do))

    def live_until(self, now: Instant, *, evening: bool) -> None:
        """Live through half a day."""
        while self._due and self._due[0][0] <= now:
            at, _, do = heapq.heappop(self._due)
            do(at)
        self._tell(now)
        end = int(np.searchsorted(self._rows["arrives"], now, side="right"))
        asked = self._asked(self._rows[self._arrived : end], now, evening=evening)
        rows = np.concatenate([self._waiting, self._rows[self._arrived : end]])
        # Whoever is decided for is delivered at once, everybody else in the batch of every third evening.
        delivered = np.isin(rows["person"], list(asked)) | (evening and self._batch_is_due(now))
        self._arrived, self._waiting = end, rows[~delivered]
        self._ingest(rows[delivered], now)
        self._decide(asked, now)

    def compared(self) -> dict[str, Any]:
        """Compare what was chosen with every yardstick."""
        return compare(self._tally.choices, twins=self._twins(), years=self._scenario.days / _YEAR)

    def raced(self) -> dict[str, Raced]:
        """Race other ways to decide through the same moments."""
        return race_all(
            self._tally.choices,
            start=self._bank.config.compiled.policy.start,
            twins=self._twins(),
            seed=self._scenario.seed,
            years=self._scenario.days / _YEAR,
        )

    def _twins(self) -> Twins:
        return Twins(self._truth, [person.holds for person in self._people], seed=self._scenario.seed)

    def _batch_is_due(self, now: Instant) -> bool:
        day = self._bank.calendar.day_of(now)
        return day % BATCH_DAYS == 0 or day == self._scenario.first + self._scenario.days - 1

    def _ingest(self, rows: Rows, now: Instant) -> None:
        with self._tally.timed("put into words"):
            events = [*self._later, *events_of(rows, self._people)]
            self._later.clear()
        if not events:
            return
        with self._tally.timed("ingest"):
            report = self._bank.ingest(events, now=now)
        self._tally.counts.update(asdict(report))

    def _asked(self, rows: Rows, now: Instant, *, evening: bool) -> dict[int, str]:
        """Choose who is decided for, and on which occasion."""
        asked: dict[int, str] = {}
        rows = rows[rows["at"] > now - FRESH]
        draws = self._rng.random(len(rows))
        for kind, share in ASKED.items():
            chosen = (rows["kind"] == KIND[kind]) & (draws < share * self._scenario.decisions)
            asked = dict.fromkeys(rows["person"][chosen].tolist(), kind) | asked
        if evening:
            chosen = self._rng.random(len(self._people)) < UNASKED_SHARE * self._scenario.decisions
            unasked = np.flatnonzero(chosen & (self._joined + DAY < now)).tolist()
            asked = dict.fromkeys(unasked, UNASKED) | asked
        return {person: occasion for person, occasion in asked.items() if occasion in self._occasions}

    def _decide(self, asked: dict[int, str], now: Instant) -> None:
        """Ask for everybody's decision in one go, a tenth of a second apart, and see what people make of them."""
        first = self._tally.counts["decisions"]
        requests = [
            Request(
                id=f"sim-{self._scenario.seed}-{first + number:06d}",
                customer=self._people[person].id,
                occasion=occasion,
                channel=self._occasions[occasion].channel,
                at=Instant(now + (number + 1) * SECOND // 10),
            )
            for number, (person, occasion) in enumerate(asked.items())
        ]
        with self._tally.timed("decide"):
            decisions = self._bank.decide_all(requests)
        for person, decision in zip(asked, decisions, strict=True):
            self._react(person, decision)

    def _react(self, person: int, decision: Decision) -> None:
        now, number = decision.at, self._tally.counts["decisions"]
        self._tally.counts["decisions"] += 1
        self._tally.shown[decision.action] += 1
        since, level = self._tired.get(person, (now, 0.0))
        mood = Mood(at=now, tired=tired(level, since=since, now=now), holds=self._holds[person])
        self._note(person, decision, mood)
        if decision.action == NOTHING:
            return
        self._tired[person] = (now, mood.tired + 1)
        rng = np.random.default_rng((self._scenario.seed, 4, number))
        reaction = self._truth.react(person, decision.action, mood=mood, rng=rng)
        self._at(Instant(now + reaction.after), partial(self._answer, person, decision, reaction))
        if person < TOLD:
            self._tally.told.setdefault(person, []).append(Exchange(decision=decision, reaction=reaction))

    def _note(self, person: int, decision: Decision, mood: Mood) -> None:
        """Note what was allowed at that moment, what the policy could see of it, and what it was worth by the truth."""
        allowed = [c.action for c in decision.candidates if c.stage in {"scored", "chosen"}]
        position = self._truth.position
        places = [position[action] for action in allowed]
        judged = decision.assignment == "policy" and len(allowed) > 1
        with self._tally.timed("look again"):
            seen = self._observer.look(decision, allowed) if judged else NOTHING_SEEN
        choice = Choice(
            person=person,
            at=decision.at,
            by=decision.assignment,
            chosen=position[decision.action],
            learned=self._ranking.first(places),
            allowed=places,
            values=self._truth.expected_values(person, mood=mood),
            seen=seen,
        )
        self._tally.choices.append(choice)

    def _answer(self, person: int, decision: Decision, reaction: Reaction, now: Instant) -> None:
        """Tell the bank what a person did; an acceptance shows in what they hold and, months later, in its value."""
        self._heard.append(Outcome(decision=decision.id, verdict=reaction.verdict, at=now, why=reaction.why))
        self._tally.counts[reaction.verdict] += 1
        self._tally.answers[decision.assignment, person, reaction.verdict] += 1
        self._ranking.shown(self._truth.position[decision.action])
        whys = self._tally.agreed if reaction.verdict == "accepted" else self._tally.whys
        whys.update([reaction.why] if reaction.why else [])
        if reaction.verdict != "accepted":
            return
        self._tally.accepted[decision.action] += 1
        self._at(Instant(now + reaction.valued_after), partial(self._value, decision, reaction.value_minor))
        product = self._products[decision.action]
        opened = product if product not in self._holds[person] else None
        if opened is not None:
            self._holds[person] |= {opened}
            self._happens(person, decision.id, "product.opened", ProductOpened(product=opened), now)
        rng = np.random.default_rng((self._scenario.seed, 6, zlib.crc32(decision.id.encode())))
        for sign, after in self._truth.signs(person, decision.action, at=decision.at, rng=rng).items():
            if sign == "taken_back":
                self._at(Instant(now + after), partial(self._take_back, person, decision, opened))
            for kind, data in sign_of(sign, self._people[person], rng=rng).items():
                self._at(Instant(now + after), partial(self._happens, person, f"{decision.id}-{sign}", kind, data))

    def _take_back(self, person: int, decision: Decision, opened: str | None, now: Instant) -> None:
        """Tell the bank that a person wants no more what they accepted; what they opened with it is closed."""
        self._heard.append(Outcome(decision=decision.id, verdict="taken_back", at=now))
        if opened is not None:
            self._holds[person] -= {opened}
            self._happens(person, f"{decision.id}-closed", "product.closed", ProductClosed(product=opened), now)

    def _happens(self, person: int, event_id: str, kind: str, data: EventData, now: Instant) -> None:
        """Let something happen to a person that the bank hears of when it next reads."""
        who, producer = self._people[person].id, f"/simulated/answers/{kind.partition('.')[0]}"
        self._later.append(Event(id=event_id, producer=producer, kind=kind, customer=who, at=now, data=data))

    def _value(self, decision: Decision, value_minor: int, now: Instant) -> None:
        self._heard.append(Outcome(decision=decision.id, verdict="valued", at=now, value_minor=value_minor))
        self._tally.counts["valued"] += 1
        self._ranking.worth(self._truth.position[decision.action], value_minor)

    def _tell(self, now: Instant) -> None:
        """Tell the bank what people did since it last heard of them."""
        with self._tally.timed("outcomes"):
            self._bank.record_outcomes(self._heard, now=now)
        self._tally.counts["outcomes"] += len(self._heard)
        self._heard.clear()

    def _consent(self, change: ConsentChange, now: Instant) -> None:
        self._tell(now)  # what was done before is heard before
        with self._tally.timed("consent"):
            self._bank.consent(change, now=now)
        self._tally.counts["granted" if change.change == "grant" else "withdrawn"] += 1

    def _forecast(self, person: int, now: Instant) -> None:
        """Look ahead for a person, and see what they make of the help that follows, if any."""
        name, helped = self._people[person].id, list[Decision]()
        with self._tally.timed("forecast"):
            try:
                self._bank.forecast(name, now=now)
                helped = self._bank.intervene([name], now=now)
                done = "forecasts"
            except ConsentRefused:
                done = "forecasts_refused"
        self._tally.counts[done] += 1
        for decision in helped:
            self._react(person, decision)

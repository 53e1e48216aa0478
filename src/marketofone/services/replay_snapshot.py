"""The past as a replay rebuilds it: every view of the world, derived from nothing but the journal and the events.

Live state is folded lazily: events wait until somebody looks. The fold is commutative, so the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import msgspec

from marketofone.consent.ledger import NOBODY_ASKED, ConsentChange, Consents, apply
from marketofone.domain.decision import Decision
from marketofone.domain.event import IdentityLinked, IdentityUnlinked, parse_event
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome
from marketofone.features.state import AdmittedEvent, LiveState, fold
from marketofone.governance.board import NO_RULINGS, BoardState, Ruling
from marketofone.governance.board import apply as apply_ruling
from marketofone.learn.join import Skipped
from marketofone.profile.identity import Link, Links
from marketofone.services.bank_config import BankConfig
from marketofone.services.contacts import Contacts, note_outcome, remember
from marketofone.services.feedback import moved, taught
from marketofone.services.identity import merged_consents
from marketofone.services.live_snapshot import admitted_events_in, fold_events
from marketofone.services.model_version import UNTRAINED, ModelVersion, with_models
from marketofone.services.snapshot import ForecastSummary
from marketofone.store.ports import StoredEvent

_IDENTITY = ("identity.linked", "identity.unlinked")


@dataclass
class _Person:
    """What is rebuilt of one person; ``waiting`` events are not folded into ``states`` yet."""

    states: dict[str, LiveState] = field(default_factory=dict)
    waiting: list[tuple[Instant, StoredEvent]] = field(default_factory=list)
    contacts: Contacts = ()
    forecast: ForecastSummary | None = None


class ReplaySnapshot:
    """The world after some prefix of the journal. Satisfies :class:`marketofone.services.snapshot.Snapshot`."""

    def __init__(self, config: BankConfig) -> None:
        self.config = config
        self._features = {config.digest: config.features.digest}
        self._position = 0
        self._links = Links()
        self._events: dict[str, list[StoredEvent]] = {}
        self._said: dict[str, list[tuple[int, ConsentChange]]] = {}
        self._consents: dict[str, Consents] = {}
        self._people: dict[str, _Person] = {}
        self._decisions: dict[str, tuple[Decision, list[Outcome]]] = {}
        self._history: dict[str, list[tuple[int, Decision | Outcome]]] = {}
        self._learned = UNTRAINED
        self._board = NO_RULINGS

    def features(self, documents: str) -> str | None:
        """Give the digest of the features that a version of the documents declares, None when it was never recorded."""
        return self._features.get(documents)

    def position(self) -> int:
        """Give the sequence number of the last entry applied."""
        return self._position

    def person(self, customer: str) -> str:
        """Give the person a customer is."""
        return self._links.person(customer)

    def members(self, person: str) -> tuple[str, ...]:
        """Give every customer id of a person, sorted."""
        return self._links.members(person)

    def consents(self, person: str) -> Consents:
        """Give a person's consents as they stood."""
        return self._consents.get(person, NOBODY_ASKED)

    def states(self, person: str, *, now: Instant) -> Mapping[str, LiveState]:
        """Give a person's live state by source, holding nothing later than ``now``."""
        known = self._folded(person)
        if any(state.latest > now for state in known.values()):
            past = (event for event in self._events_of(person) if event.at <= now)
            return fold_events(past, consents=self.consents(person), config=self.config, now=now)
        return known

    def contacts(self, person: str) -> Contacts:
        """Give what was said to a person lately."""
        return self._one(person).contacts

    def forecast_summary(self, person: str) -> ForecastSummary | None:
        """Give what the last forecast said."""
        return self._one(person).forecast

    def model_version(self) -> ModelVersion:
        """Give everything that was learned."""
        return self._learned

    def board(self) -> BoardState:
        """Give the rulings of the review board."""
        return self._board

    def advance(self, seq: int) -> None:
        """Say that an entry was applied."""
        self._position = seq

    def open_book(self, config: BankConfig, *, now: Instant) -> None:
        """Follow other documents from here on; states of another feature schema are folded again when looked at."""
        changed = config.features.digest != self.config.features.digest
        self.config = config
        self._features[config.digest] = config.features.digest
        if changed:
            for person in self._people:
                self._fold_again(person, now=now)

    def ingest_batch(self, events: Iterable[StoredEvent], *, now: Instant) -> None:
        """Take the events of one ingest entry in."""
        identities = []
        for event in events:
            self._events.setdefault(event.customer, []).append(event)
            if event.verdict == "admitted" and event.source != "reference":
                self._one(self.person(event.customer)).waiting.append((now, event))
            if event.kind in _IDENTITY and event.body is not None:
                identities.append(event)
        for event in identities:
            self._relink(event, now=now)

    def change_consent(self, change: ConsentChange, *, now: Instant) -> None:
        """Apply what a person said."""
        person = self.person(change.customer)
        self._said.setdefault(change.customer, []).append((self._position, change))
        self._consents[person] = apply(self.consents(person), change, policy=self.config.policy)
        self._fold_again(person, now=now)

    def release(self, decision: Decision) -> None:
        """Remember a decision."""
        person = self._one(self.person(decision.customer))
        slim = msgspec.structs.replace(decision, candidates=())
        self._decisions[decision.id] = (slim, [])
        self._history.setdefault(decision.customer, []).append((self._position, slim))
        person.contacts = remember(person.contacts, slim, actions=self.config.actions)

    def record_outcome(self, outcome: Outcome) -> None:
        """Learn from an outcome what was learned from it then."""
        decision, earlier = self._decisions[outcome.decision]
        lesson = taught(self, decision, outcome, earlier=earlier)
        if not isinstance(lesson, Skipped):
            name, body = moved(lesson, model_version=self._learned, config=self.config)
            self.put_model(name, body)
        earlier.append(outcome)
        self._history.setdefault(decision.customer, []).append((self._position, outcome))
        person = self._one(self.person(decision.customer))
        person.contacts = note_outcome(person.contacts, outcome)

    def rule(self, ruling: Ruling) -> None:
        """Apply a ruling of the board."""
        self._board = apply_ruling(self._board, ruling)

    def foresee(self, customer: str, facts: ForecastSummary) -> None:
        """Remember what a forecast said, unless one of a later moment is known."""
        person = self._one(self.person(customer))
        if person.forecast is None or person.forecast.at <= facts.at:
            person.forecast = facts

    def put_model(self, name: str, body: bytes) -> None:
        """Put a model state."""
        self._learned = with_models(self._learned, {name: body}, features=self.config.features, position=self._position)

    def _one(self, person: str) -> _Person:
        return self._people.setdefault(person, _Person())

    def _events_of(self, person: str) -> list[StoredEvent]:
        return [event for member in self.members(person) for event in self._events.get(member, ())]

    def _folded(self, person: str) -> dict[str, LiveState]:
        one, consents = self._one(person), self.consents(person)
        by_source: dict[str, list[AdmittedEvent]] = {}
        for arrived, together in groupby(one.waiting, key=itemgetter(0)):
            events = (event for _, event in together)
            for source, heard in admitted_events_in(events, consents=consents, config=self.config, now=arrived):
                by_source.setdefault(source, []).append(heard)
        one.waiting = []
        for source, pairs in by_source.items():
            one.states[source] = fold(
                one.states.get(source), pairs, catalogue=self.config.features, calendar=self.config.calendar
            )
        return one.states

    def _fold_again(self, person: str, *, now: Instant) -> None:
        one = self._one(person)
        one.waiting = []
        one.states = fold_events(self._events_of(person), consents=self.consents(person), config=self.config, now=now)

    def _relink(self, event: StoredEvent, *, now: Instant) -> None:
        data = parse_event(event.body or b"").data
        if not isinstance(data, IdentityLinked | IdentityUnlinked):
            return
        link = Link(key_kind=data.key_kind, key=data.key, customer=event.customer)
        before = set(self.members(event.customer))
        change = self._links.add if isinstance(data, IdentityLinked) else self._links.remove
        change(link)
        after = set(self.members(event.customer))
        if before == after:
            return
        concerned = sorted(before | after)
        for person in concerned:
            self._people[person] = _Person()
        for person in sorted({self.person(customer) for customer in concerned}):
            self._rebuild(person, now=now)

    def _rebuild(self, person: str, *, now: Instant) -> None:
        members = self.members(person)
        said = [[change for _, change in self._said.get(member, ())] for member in members]
        epochs = (self.consents(member).epoch for member in members)
        self._consents[person] = merged_consents(said, epochs=epochs, config=self.config)
        self._fold_again(person, now=now)
        history = sorted(
            (item for member in members for item in self._history.get(member, ())), key=lambda item: item[0]
        )
        contacts: Contacts = ()
        for _, what in history:
            if isinstance(what, Decision):
                contacts = remember(contacts, what, actions=self.config.actions)
            else:
                contacts = note_outcome(contacts, what)
        self._one(person).contacts = contacts

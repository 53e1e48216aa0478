"""The snapshot of the store, and the read set that tells whether it is still current at the moment of release."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce

import msgspec

from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import NOBODY_ASKED, Consents
from marketofone.domain.errors import SchemaChanged
from marketofone.domain.event import SOURCES, parse_event
from marketofone.domain.moment import Instant
from marketofone.domain.reading import Reading
from marketofone.features.catalogue import load_catalogue
from marketofone.features.state import AdmittedEvent, LiveState, fold, from_bytes
from marketofone.governance.board import BoardState, Ruling
from marketofone.governance.board import apply as apply_ruling
from marketofone.services.app_context import AppContext, Followed
from marketofone.services.bank_config import BankConfig, digest_of
from marketofone.services.contacts import Contacts, contacts_from
from marketofone.services.model_version import PREFIX, ModelVersion, with_models
from marketofone.services.snapshot import ForecastSummary
from marketofone.store.ports import EntryKind, Reader, StoredEvent, Writer

EVERY_SOURCE = frozenset(SOURCES)
CONTACTS = "contacts"
FORECAST = "forecast"
# Entries that change nothing but what is kept of the person they are about, and those that teach.
_OF_ONE_PERSON: frozenset[EntryKind] = frozenset({"consent", "decision", "forecast"})
_TEACHING: frozenset[EntryKind] = frozenset({"outcome", "model"})
_CONSENTS = msgspec.msgpack.Decoder(Consents)
_READING = msgspec.json.Decoder(Reading)
_FORECAST = msgspec.json.Decoder(ForecastSummary)
_RULING = msgspec.json.Decoder(Ruling)
_DOCUMENTS = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True)
class ReadSet:
    """Everything a decision rested on, to be compared once more when it is released."""

    person: str
    members: tuple[str, ...]
    epoch: int
    blobs: Mapping[str, bytes]
    followed: int
    position: int

    def is_current(self, writer: Writer) -> bool:
        """Say whether nothing of it has changed. What only other people did since then cannot have changed it."""
        since = writer.changes(after=self.position)
        if any(kind == "document" for kind, _ in since):
            return False
        if all(kind in _OF_ONE_PERSON and customer not in self.members for kind, customer in since):
            return True
        return (
            writer.members(self.person) == self.members
            and writer.epoch(self.person) == self.epoch
            and writer.states(self.person) == self.blobs
            and not writer.models(prefix=PREFIX, after=self.followed)
            and next(writer.entries(kinds=("ruling",), after=self.followed, limit=1), None) is None
        )


class LiveSnapshot:
    """The world at one snapshot of the store. Satisfies :class:`marketofone.services.snapshot.Snapshot`.

    ``committed`` says that the snapshot holds nothing that may still be rolled back: only then is what was learned put
    into the caches, whose key (a position) would otherwise come to mean something else. ``read_set`` gives what is
    known to stand there already.
    """

    def __init__(
        self, reader: Reader, context: AppContext, *, committed: bool, read_set: ReadSet | None = None
    ) -> None:
        self._committed = committed
        self._reader = reader
        context.follow(reader)
        self._context, self._config = context, context.config
        # A view answers the same however often it is asked, whatever other threads put into the caches meanwhile.
        self._members = dict.fromkeys(read_set.members, read_set.members) if read_set is not None else {}
        self._blobs: dict[str, Mapping[str, bytes]] = {read_set.person: read_set.blobs} if read_set is not None else {}
        self._followed: Followed | None = None

    @property
    def config(self) -> BankConfig:
        """The documents in force."""
        return self._config

    def features(self, documents: str) -> str | None:
        """Give the digest of the features that a version of the documents declares, None when it was never recorded."""
        if documents == self.config.digest:
            return self.config.features.digest
        known = self._context.caches.features
        if documents not in known:
            bodies = (entry.body for entry in self._reader.entries(kinds=("document",)))
            versions = (_DOCUMENTS.decode(body) for body in bodies if body is not None)
            texts = next((texts for texts in versions if digest_of(texts) == documents), None)
            known[documents] = None if texts is None else load_catalogue(texts["features.py"]).digest
        return known[documents]

    def position(self) -> int:
        """Give the sequence number of the last entry."""
        return self._reader.position()

    def person(self, customer: str) -> str:
        """Give the person a customer is."""
        return self.members(customer)[0]

    def members(self, customer: str) -> tuple[str, ...]:
        """Give every customer id of the person a customer is, sorted."""
        members = self._members.get(customer)
        if members is None:
            members = self._reader.members(customer)
            self._members.update(dict.fromkeys(members, members))
        return members

    def consents(self, person: str) -> Consents:
        """Give a person's consents as they stand."""
        body = self._reader.consents(person)
        return (
            NOBODY_ASKED if body is None else self._context.caches.consents.read(person, body, decode=_CONSENTS.decode)
        )

    def states(self, person: str, *, now: Instant, sources: Container[str] = EVERY_SOURCE) -> Mapping[str, LiveState]:
        """Give a person's live state by source, holding nothing later than ``now``."""
        states: dict[str, LiveState] = {}
        for source in self.blobs(person):
            if source not in sources:
                continue
            try:
                state = self.state(person, source)
            except SchemaChanged:
                state = None
            if state is None or state.latest > now:
                return self._states_from_log(person, now=now, sources=sources)
            states[source] = state
        return states

    def state(self, person: str, source: str) -> LiveState | None:
        """Give a person's live state of one source as it was kept.

        Raises
        ------
        SchemaChanged
            When it was folded under other declarations.
        """
        blob = self.blobs(person).get(source)
        if blob is None:
            return None
        decode = partial(from_bytes, catalogue=self.config.features)
        return self._context.caches.states.read((person, source), blob, decode=decode)

    def remembers(self, person: str) -> bool:
        """Say whether anything is kept of a person beside events and entries."""
        return bool(self.blobs(person))

    def contacts(self, person: str) -> Contacts:
        """Give what was said to a person lately."""
        return contacts_from(self.blobs(person).get(CONTACTS))

    def forecast_summary(self, person: str) -> ForecastSummary | None:
        """Give what the last forecast said."""
        blob = self.blobs(person).get(FORECAST)
        return None if blob is None else _FORECAST.decode(blob)

    def model_version(self) -> ModelVersion:
        """Give everything that was learned."""
        return self._follow().model_version

    def board(self) -> BoardState:
        """Give the rulings of the review board."""
        return self._follow().board

    def _follow(self) -> Followed:
        if self._followed is None:
            self._followed = self._caught_up(self._context.caches.followed)
            if self._committed:
                self._context.caches.followed = self._followed
        return self._followed

    def _caught_up(self, known: Followed) -> Followed:
        """Bring what everybody's decisions rest on up to date; where nobody changed it, nothing else is asked for."""
        model_version, board, after = known.model_version, known.board, known.position
        news = {kind for kind, _ in self._reader.changes(after=after)} if after else {*_TEACHING, "ruling"}
        position = max(after, self.position())
        if not news.isdisjoint(_TEACHING):
            models = self._reader.models(prefix=PREFIX, after=after)
            model_version = with_models(model_version, models, features=self.config.features, position=position)
        if "ruling" in news:
            bodies = (entry.body for entry in self._reader.entries(kinds=("ruling",), after=after))
            board = reduce(apply_ruling, (_RULING.decode(body) for body in bodies if body is not None), board)
        return Followed(position, model_version, board)

    def changed(self, person: str, *, models: Mapping[str, bytes]) -> None:
        """Follow what its own unit of work wrote about a person, and the model states it put."""
        self._blobs.pop(person, None)
        if models:
            known = self._follow()
            model_version = with_models(
                known.model_version, models, features=self.config.features, position=known.position
            )
            self._followed = Followed(known.position, model_version, known.board)

    def read_set(self, person: str, *, epoch: int) -> ReadSet:
        """Give what must still stand when a decision made from this view is released."""
        return ReadSet(
            person=person,
            members=self.members(person),
            epoch=epoch,
            blobs=self.blobs(person),
            followed=self._follow().position,
            position=self.position(),
        )

    def blobs(self, person: str) -> Mapping[str, bytes]:
        """Give what is kept of a person, as it is kept."""
        blobs = self._blobs.get(person)
        if blobs is None:
            blobs = self._blobs[person] = self._reader.states(person)
        return blobs

    def _states_from_log(self, person: str, *, now: Instant, sources: Container[str]) -> dict[str, LiveState]:
        held = (stored for stored in events_of(self._reader, person) if stored.at <= now and stored.source in sources)
        return fold_events(held, consents=self.consents(person), config=self.config, now=now)


def events_of(reader: Reader, person: str) -> Iterable[StoredEvent]:
    """Give every kept event of a person."""
    return reader.events(customers=reader.members(person))


def fold_events(
    events: Iterable[StoredEvent], *, consents: Consents, config: BankConfig, now: Instant
) -> dict[str, LiveState]:
    """Fold kept events from nothing: the replay driver of the window core, behind the same gate."""
    by_source: dict[str, list[AdmittedEvent]] = {}
    for source, heard in admitted_events_in(events, consents=consents, config=config, now=now):
        by_source.setdefault(source, []).append(heard)
    return {
        source: fold(None, pairs, catalogue=config.features, calendar=config.calendar)
        for source, pairs in by_source.items()
    }


def admitted_events_in(
    events: Iterable[StoredEvent], *, consents: Consents, config: BankConfig, now: Instant
) -> Iterator[tuple[str, AdmittedEvent]]:
    """Bring kept events about people through the gate once more, each with what its text was read as."""
    for stored, admitted in admit_stored(events, consents=consents, config=config, now=now):
        if stored.source != "reference":
            yield stored.source, (admitted, None if stored.reading is None else _READING.decode(stored.reading))


def admit_stored(
    events: Iterable[StoredEvent], *, consents: Consents, config: BankConfig, now: Instant
) -> Iterator[tuple[StoredEvent, Admitted]]:
    """Bring kept events through the gate once more, under the consents of the moment."""
    kept = [(stored, parse_event(stored.body)) for stored in events if stored.body is not None]
    judged = admit([event for _, event in kept], consents, policy=config.policy, now=now)
    for (stored, _), verdict in zip(kept, judged, strict=True):
        if isinstance(verdict, Admitted):
            yield stored, verdict

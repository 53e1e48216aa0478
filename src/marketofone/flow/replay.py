"""Live through the whole journal again, from nothing, and compare every decision byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from marketofone.consent.ledger import ConsentChange
from marketofone.decide import engine
from marketofone.domain.decision import Decision, Request
from marketofone.domain.outcome import Outcome
from marketofone.flow.book import read_book
from marketofone.flow.decide import situation_of
from marketofone.flow.equipment import Equipment
from marketofone.flow.learned import Mind, mind_of
from marketofone.flow.rebuilt import RebuiltView
from marketofone.flow.view import ForecastRecord, ModelRecord
from marketofone.governance.board import Ruling
from marketofone.store.ports import Entry, EntryKind, Reader, StoredEvent

_CHANGE = msgspec.json.Decoder(ConsentChange)
_DECISION = msgspec.json.Decoder(Decision)
_OUTCOME = msgspec.json.Decoder(Outcome)
_RULING = msgspec.json.Decoder(Ruling)
_FORECAST = msgspec.json.Decoder(ForecastRecord)
_MODEL = msgspec.msgpack.Decoder(ModelRecord)
_DOCUMENTS = msgspec.json.Decoder(dict[str, str])


class ReplayReport(Struct, frozen=True, kw_only=True):
    """What a replay found. ``first_difference`` is the journal entry of the first decision that differs."""

    entries: int
    decisions: int
    differences: int
    first_difference: int | None


class Replay:
    """One run through the journal."""

    def __init__(self, kit: Equipment, reader: Reader) -> None:
        self._reader = reader
        self._view = RebuiltView(kit.book)
        self._events = iter(reader.events())
        self._waiting: StoredEvent | None = next(self._events, None)
        self._mind: Mind | None = None
        self._apply: dict[EntryKind, Callable[[Entry, bytes], None]] = {
            "document": self._documents,
            "ingest": self._ingest,
            "consent": self._consent,
            "decision": self._compare,
            "outcome": lambda _, body: self._view.hear(_OUTCOME.decode(body)),
            "ruling": lambda _, body: self._view.rule(_RULING.decode(body)),
            "forecast": self._forecast,
            "model": self._model,
        }
        self.decisions = 0
        self.differing: list[int] = []

    def apply(self, entry: Entry) -> None:
        """Apply one entry; a decision is recomputed first, from everything before it."""
        if entry.body is not None:
            self._apply[entry.kind](entry, entry.body)
        self._view.advance(entry.seq)

    def _documents(self, entry: Entry, body: bytes) -> None:
        self._view.open_book(read_book(_DOCUMENTS.decode(body)), now=entry.at)

    def _ingest(self, entry: Entry, _: bytes) -> None:
        self._view.take_in(self._events_of(entry), now=entry.at)

    def _consent(self, entry: Entry, body: bytes) -> None:
        self._view.change_consent(_CHANGE.decode(body), now=entry.at)

    def _forecast(self, _: Entry, body: bytes) -> None:
        record = _FORECAST.decode(body)
        self._view.foresee(record.customer, record.facts)

    def _model(self, _: Entry, body: bytes) -> None:
        for name, state in _MODEL.decode(body).states.items():
            self._view.put_model(name, state)

    def _compare(self, entry: Entry, body: bytes) -> None:
        recorded = _DECISION.decode(body)
        request = Request(
            id=recorded.id,
            customer=recorded.customer,
            occasion=recorded.occasion,
            channel=recorded.channel,
            at=recorded.at,
        )
        learned = self._view.learned()
        if (
            self._mind is None
            or self._mind.learned is not learned
            or self._mind.playbook is not self._view.book.playbook
        ):
            self._mind = mind_of(learned, playbook=self._view.book.playbook, before=self._mind)
        again = engine.decide(request, situation_of(self._view, request, mind=self._mind), self._view.book.playbook)
        self.decisions += 1
        if msgspec.json.encode(again) != body:
            self.differing.append(entry.seq)
        self._view.release(recorded)

    def _events_of(self, entry: Entry) -> Iterator[StoredEvent]:
        while self._waiting is not None and self._waiting.seq == entry.seq:
            yield self._waiting
            self._waiting = next(self._events, None)


def replay(kit: Equipment) -> ReplayReport:
    """Recompute every decision from the journal and compare it byte for byte."""
    entries = 0
    with kit.store.read() as reader:
        run = Replay(kit, reader)
        for entry in reader.entries():
            run.apply(entry)
            entries += 1
    return ReplayReport(
        entries=entries,
        decisions=run.decisions,
        differences=len(run.differing),
        first_difference=run.differing[0] if run.differing else None,
    )

"""Live through the whole journal again, from nothing, and compare every decision byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from marketofone.consent.ledger import ConsentChange
from marketofone.decide import engine
from marketofone.domain.decision import Decision, Request
from marketofone.domain.outcome import Outcome
from marketofone.governance.board import Ruling
from marketofone.services.app_context import AppContext
from marketofone.services.bank_config import read_config
from marketofone.services.decide import decision_input_of
from marketofone.services.model_version import PolicySnapshot, policy_snapshot_of
from marketofone.services.replay_snapshot import ReplaySnapshot
from marketofone.services.snapshot import ForecastRecord, ModelRecord
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

    def __init__(self, context: AppContext, reader: Reader) -> None:
        self._reader = reader
        self._snapshot = ReplaySnapshot(context.config)
        self._events = iter(reader.events())
        self._waiting: StoredEvent | None = next(self._events, None)
        self._policy_snapshot: PolicySnapshot | None = None
        self._apply: dict[EntryKind, Callable[[Entry, bytes], None]] = {
            "document": self._documents,
            "ingest": self._ingest,
            "consent": self._consent,
            "decision": self._compare,
            "outcome": lambda _, body: self._snapshot.record_outcome(_OUTCOME.decode(body)),
            "ruling": lambda _, body: self._snapshot.rule(_RULING.decode(body)),
            "forecast": self._forecast,
            "model": self._model,
        }
        self.decisions = 0
        self.differing: list[int] = []

    def apply(self, entry: Entry) -> None:
        """Apply one entry; a decision is recomputed first, from everything before it."""
        if entry.body is not None:
            self._apply[entry.kind](entry, entry.body)
        self._snapshot.advance(entry.seq)

    def _documents(self, entry: Entry, body: bytes) -> None:
        self._snapshot.open_book(read_config(_DOCUMENTS.decode(body)), now=entry.at)

    def _ingest(self, entry: Entry, _: bytes) -> None:
        self._snapshot.ingest_batch(self._events_of(entry), now=entry.at)

    def _consent(self, entry: Entry, body: bytes) -> None:
        self._snapshot.change_consent(_CHANGE.decode(body), now=entry.at)

    def _forecast(self, _: Entry, body: bytes) -> None:
        record = _FORECAST.decode(body)
        self._snapshot.foresee(record.customer, record.facts)

    def _model(self, _: Entry, body: bytes) -> None:
        for name, state in _MODEL.decode(body).states.items():
            self._snapshot.put_model(name, state)

    def _compare(self, entry: Entry, body: bytes) -> None:
        recorded = _DECISION.decode(body)
        request = Request(
            id=recorded.id,
            customer=recorded.customer,
            occasion=recorded.occasion,
            channel=recorded.channel,
            at=recorded.at,
        )
        model_version = self._snapshot.model_version()
        if (
            self._policy_snapshot is None
            or self._policy_snapshot.model_version is not model_version
            or self._policy_snapshot.compiled is not self._snapshot.config.compiled
        ):
            self._policy_snapshot = policy_snapshot_of(
                model_version, compiled=self._snapshot.config.compiled, before=self._policy_snapshot
            )
        again = engine.decide(
            request,
            decision_input_of(self._snapshot, request, policy_snapshot=self._policy_snapshot),
            self._snapshot.config.compiled,
        )
        self.decisions += 1
        if msgspec.json.encode(again) != body:
            self.differing.append(entry.seq)
        self._snapshot.release(recorded)

    def _events_of(self, entry: Entry) -> Iterator[StoredEvent]:
        while self._waiting is not None and self._waiting.seq == entry.seq:
            yield self._waiting
            self._waiting = next(self._events, None)


def replay(context: AppContext) -> ReplayReport:
    """Recompute every decision from the journal and compare it byte for byte."""
    entries = 0
    with context.store.read() as reader:
        run = Replay(context, reader)
        for entry in reader.entries():
            run.apply(entry)
            entries += 1
    return ReplayReport(
        entries=entries,
        decisions=run.decisions,
        differences=len(run.differing),
        first_difference=run.differing[0] if run.differing else None,
    )

"""The reducer: what one customer's journal says, folded entry by entry. There is one, for live and replay alike.

It knows no document and no clock: the same entries give the same state. What events say beyond that they are there is
folded per source, in ``folding.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.asking import last_noes, noes_in
from marketofone.consent.ledger import NEVER_ASKED, TAKING_BACK, Consents, apply, plain_form
from marketofone.consent.narrowing import with_facts
from marketofone.domain.action import NOTHING as NOTHING_DONE
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.decision import Assignment
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import AMENDING, Event, InferenceCorrected
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import Movement
from marketofone.projection.amendments import Removals, taken_back
from marketofone.projection.contacts import Contacts, Said, answered, remember
from marketofone.projection.own_answers import Answers, noted
from marketofone.projection.records import (
    AccountRecord,
    ConsentRecord,
    DecisionRecord,
    ErasureRecord,
    ForecastRecord,
    ForecastSummary,
    HistoryRecord,
    IdentityRecord,
    IngestRecord,
    OutcomeRecord,
    Scope,
)
from marketofone.store.ports import GUARDING, Entry, EntryKind

CORE = "core"
"""The name of the snapshot that holds a :class:`SubjectState`."""


class LastForecast(Struct, frozen=True, array_like=True, gc=False):
    """What the last forecast said, the scopes it was made of, and the journals it rests on: (subject, n), ascending."""

    summary: ForecastSummary
    uses: tuple[Scope, ...]
    journals: tuple[tuple[int, int], ...]


class Removed(Struct, frozen=True, array_like=True, gc=False):
    """The keys of events of one source that were taken back, and the last entry that took one back."""

    n: int
    keys: tuple[bytes, ...]


class Holding(Struct, frozen=True, array_like=True, gc=False):
    """An account that several customers hold: since when this one does, and the subjects of all, ascending."""

    since: Instant
    holders: tuple[int, ...]


class Ordered(Struct, frozen=True, array_like=True, gc=False):
    """The last order of an app's parts that was decided for a placement: its entry, and when."""

    n: int
    at: Instant


class Correction(Struct, frozen=True, array_like=True, gc=False):
    """What a person says of an inference: since when, when it was recorded, and whether it is wrong."""

    at: Instant
    recorded: Instant
    wrong: bool


class SubjectState(Struct, frozen=True, array_like=True, gc=False):
    """What one customer's journal says up to entry ``n``.

    ``refusals`` gives for each scope the last entry that took it back. ``decisions`` counts decision entries.
    ``control`` says whether the person belongs to the control group, None before the first decision, whose stamp is
    ``enrolled``; ``group`` names the group of a person in any other than the policy's or the control group. ``members``
    are the subjects that are one person, this one among them, ascending; empty for one alone.
    ``sources`` gives for each source the last entry that keeps events of it or takes some back, ``removed`` which were
    taken back. ``accounts`` are those that it holds together with others, by their marks. ``pending`` is the last entry
    that tells a movement which is not booked yet. ``answers`` are what the customer answered in two years. ``orders``
    are the last orders of an app's parts, by placement. ``changed`` gives for each place of a decision that was
    answered otherwise later the entry that says so: what was heard of it before teaches nothing any more.
    ``corrections`` is what the customer says of inferences. ``noes`` tell when the last no to each purpose was
    recorded, ``asks`` when the last decision asked for a permission, of those that one ever asked for.
    """

    n: int = 0
    guard: int = 0
    consents: Consents = NEVER_ASKED
    refusals: dict[Scope, int] = {}
    contacts: Contacts = ()
    decisions: int = 0
    control: bool | None = None
    enrolled: int = 0
    forecast: LastForecast | None = None
    members: tuple[int, ...] = ()
    sources: dict[str, int] = {}
    removed: dict[str, Removed] = {}
    accounts: dict[bytes, Holding] = {}
    pending: int = 0
    group: Assignment | None = None
    answers: Answers = ()
    orders: dict[str, Ordered] = {}
    changed: dict[tuple[str, int], int] = {}
    corrections: dict[str, Correction] = {}
    noes: dict[str, Instant] = {}
    asks: dict[Scope, Instant] = {}

    @property
    def removed_keys(self) -> Removals:
        """The keys of all events that were taken back, by source."""
        return {source: frozenset(of.keys) for source, of in self.removed.items() if of.keys}


NOTHING = SubjectState()
_EARLIER = b"\x03"  # knew no answers to being asked
_FORMAT = b"\x04"  # of the bytes of a state: those of another format are folded again, not read
_CONSENTS = SubjectState.__struct_fields__.index("consents")
_LATE = SubjectState.__struct_fields__.index("accounts")  # and all that came after the first releases
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgpack_decoder(SubjectState)


def reduce(state: SubjectState, entry: Entry, record: Any) -> SubjectState:
    """Give what a journal says after one more entry.

    Raises
    ------
    UnknownCustomer
        When the entry is an erasure: from there on the journal says nothing, also while its key still exists.
    """
    step = _STEPS.get(entry.kind)
    changes: dict[str, Any] = {} if step is None else step(state, entry, record)
    return replace(state, n=entry.n, guard=state.guard + (entry.kind in GUARDING), **changes)


def to_bytes(state: SubjectState) -> bytes:
    """Write a state; what no state had in the first releases is left away where there is none of it."""
    fields = msgspec.structs.astuple(state)
    fields = (*fields[:_CONSENTS], plain_form(state.consents), *fields[_CONSENTS + 1 :])
    late = fields[_LATE:]
    kept = max((place for place, field in enumerate(late, start=1) if field), default=0)
    return _FORMAT + _ENCODE(fields[: len(fields) - len(late) + kept])


def is_of_earlier_format(blob: bytes) -> bool:
    """Say whether an earlier release wrote a state: it is read no more, and soon replaced."""
    return blob.startswith(_EARLIER)


def from_bytes(blob: bytes) -> SubjectState | None:
    """Read a state; None when another release wrote it: then it is folded again."""
    if not blob.startswith(_FORMAT):
        return None
    try:
        return _DECODER.decode(memoryview(blob)[len(_FORMAT) :])
    except msgspec.DecodeError:
        return None


def _ingest(state: SubjectState, entry: Entry, record: IngestRecord) -> dict[str, Any]:
    sources = state.sources.copy()
    for event in record.events:
        if event.body is not None:
            sources[event.source] = entry.n
    return {"sources": sources}


def _amendment(state: SubjectState, entry: Entry, record: IngestRecord) -> dict[str, Any]:
    changes = _ingest(state, entry, record)
    sources, removed = changes["sources"], state.removed.copy()
    amending = [parse_event(kept.body) for kept in record.events if kept.kind in AMENDING and kept.body is not None]
    for event in amending:
        for gone in taken_back(event):
            before = removed[gone.source].keys if gone.source in removed else ()
            removed[gone.source] = Removed(entry.n, tuple(dict.fromkeys((*before, *gone.keys))))
            if gone.source in sources:
                sources[gone.source] = entry.n
    pending = any(isinstance(event.data, Movement) and event.data.status == "pending" for event in amending)
    return changes | {
        "removed": removed,
        "consents": with_facts(state.consents, amending, recorded=entry.recorded),
        "pending": entry.n if pending else state.pending,
        "corrections": with_corrections(state.corrections, amending, recorded=entry.recorded),
    }


def with_corrections(
    before: dict[str, Correction], amending: Iterable[Event], *, recorded: Instant
) -> dict[str, Correction]:
    """Remember what the person says of inferences: the last word counts, also that one was right after all."""
    said = {
        event.data.inference: Correction(event.at, recorded, event.data.wrong)
        for event in amending
        if isinstance(event.data, InferenceCorrected)
    }
    return dict(sorted({**before, **said}.items())) if said else before


def _consent(state: SubjectState, entry: Entry, record: ConsentRecord) -> dict[str, Any]:
    change = record.change
    changes: dict[str, Any] = {"consents": apply(state.consents, change)}
    if change.change in TAKING_BACK:
        changes["refusals"] = state.refusals | dict.fromkeys(product(change.purposes, change.sources), entry.n)
    noes = noes_in([(entry.recorded, change)])
    return {**changes, "noes": last_noes((state.noes, noes))} if noes else changes


def _identity(_: SubjectState, __: Entry, record: IdentityRecord) -> dict[str, Any]:
    members = record.members if len(record.members) > 1 else ()
    return {"members": members}


def _account(state: SubjectState, _: Entry, record: AccountRecord) -> dict[str, Any]:
    accounts = {mark: held for mark, held in state.accounts.items() if mark != record.account}
    if record.holders:
        accounts[record.account] = Holding(record.since, record.holders)
    return {"accounts": dict(sorted(accounts.items()))}


def _decision(state: SubjectState, entry: Entry, record: DecisionRecord | Said) -> dict[str, Any]:
    said = record.said if isinstance(record, DecisionRecord) else record
    first = state.control is None
    return {
        "contacts": remember(state.contacts, said, recorded=entry.recorded, stamp=entry.stamp),
        "decisions": state.decisions + 1,
        "control": said.assignment == "control" if first else state.control,
        "enrolled": entry.stamp if first else state.enrolled,
        "group": said.assignment if first and said.assignment not in ("policy", "control") else state.group,
        "orders": _ordered(state, entry, said),
        "asks": state.asks | dict.fromkeys(said.asks, entry.recorded) if said.asks else state.asks,
    }


def _ordered(state: SubjectState, entry: Entry, said: Said) -> dict[str, Ordered]:
    """Remember the last order of an app's parts: something is shown somewhere, and is no contact."""
    first = said.places[0]
    if first.kind is not None or said.placement is None or first.action == NOTHING_DONE:
        return state.orders
    return dict(sorted({**state.orders, said.placement: Ordered(entry.n, said.at)}.items()))


def _outcome(state: SubjectState, entry: Entry, record: OutcomeRecord) -> dict[str, Any]:
    said, to, recorded = record.outcome, record.to, entry.recorded
    again = {(said.decision, said.place): entry.n} if said.changes == "answer" else {}
    return {
        "changed": state.changed | again if again else state.changed,
        "contacts": answered(state.contacts, said, to=to, recorded=recorded, stamp=entry.stamp),
        "answers": noted(state.answers, said, to=to, recorded=recorded),
    }


def _history(state: SubjectState, entry: Entry, record: HistoryRecord) -> dict[str, Any]:
    brought = (replace(said, stamp=entry.stamp) for said in record.contacts)
    asks = dict(sorted((*record.asks, *state.asks.items()), key=lambda ask: ask[1]))
    return {"contacts": (*brought, *state.contacts), "answers": (*record.answers, *state.answers), "asks": asks}


def _erasure(_: SubjectState, __: Entry, ___: ErasureRecord) -> dict[str, Any]:
    raise UnknownCustomer


def _forecast(_: SubjectState, __: Entry, record: ForecastRecord) -> dict[str, Any]:
    return {"forecast": LastForecast(record.summary, record.uses, record.rests_on.journals)}


_STEPS: dict[EntryKind, Callable[[SubjectState, Entry, Any], dict[str, Any]]] = {
    "ingest": _ingest,
    "signal": _ingest,
    "amendment": _amendment,
    "consent": _consent,
    "identity": _identity,
    "account": _account,
    "decision": _decision,
    "outcome": _outcome,
    "history": _history,
    "forecast": _forecast,
    "erasure": _erasure,
}

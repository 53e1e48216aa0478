"""The JSON that programs send and get, as structures: the OpenAPI document is generated from them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct, field
from msgspec.structs import fields

from marketofone.consent.ledger import EVERY
from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.action import Kind
from marketofone.domain.cloudevents import JsonType
from marketofone.domain.decision import DECISION_ID, Assignment, Candidate, Counterfactual, Decision, NotUsed, Reason
from marketofone.domain.decoding import convert
from marketofone.domain.fields import Category, Minor, Text, Word
from marketofone.domain.moment import text_of
from marketofone.domain.outcome import MAX_WHY, WHY_NOT, Verdict
from marketofone.services.decisions.feedback import UpdateResult
from marketofone.services.intake.ingest import IngestReport
from marketofone.services.rights.consent_service import ConsentView
from marketofone.services.rights.funnel_service import MOST_DAYS
from marketofone.store.ports import Head
from marketofone.web.formatting import action_of
from marketofone.web.request_data import MOMENT, NAME

Customer = Annotated[str, Meta(pattern=NAME)]
DecisionId = Annotated[str, Meta(pattern=DECISION_ID)]
Moment = Annotated[str, Meta(pattern=MOMENT, description="An RFC 3339 instant, or a date: its last moment there.")]
Words = Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
Authority = Annotated[Text, Meta(description="Who says so, of rows that name none: a notice, a letter, a system.")]
Days = Annotated[int, Meta(ge=1, le=MOST_DAYS)]
Why = Annotated[
    str,
    Meta(
        max_length=MAX_WHY,
        description=f"Why: one of {', '.join(WHY_NOT)} changes what the person sees next; any other text is kept.",
    ),
]


class DecisionAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom, on which occasion. The same ``id`` gives the same decision of this customer again.

    ``as_of`` makes it a question about an earlier moment.
    """

    customer: Customer
    occasion: Word
    channel: Word | None = None
    id: DecisionId | None = None
    as_of: Moment | None = None


class OutcomeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person did after a decision, and why."""

    decision: DecisionId
    verdict: Verdict
    why: Why = ""
    value_minor: Minor | None = None
    as_of: Moment | None = None
    customer: Customer | None = None


class ConsentRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says about consent, from now on. ``*`` names all of a kind."""

    change: Literal["grant", "withdraw"]
    purposes: Words = (EVERY,)
    sources: Words = (EVERY,)
    channels: Words = (EVERY,)
    until: Moment | None = None


class MerchantRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of a merchant, as ``GET`` names it, for all movements of it, those to come as well.

    Without name and category, what was said before is taken back.
    """

    merchant: Text
    name: Text | None = None
    category: Category | None = None


class EntryProof(Struct, frozen=True, kw_only=True):
    """The entry that proves it: the number of the journal, the place in it, and its hash in hexadecimal.

    Kept elsewhere, it shows with any later copy of the journal whether the entry is still there.
    """

    subject: int
    n: int
    hash: str


class ConsentChanged(ConsentView, frozen=True, kw_only=True):
    """How every scope stands after a change, when a grant ends by itself, and the entry that proves it."""

    until: str | None
    entry: EntryProof


class RowReason(Struct, frozen=True, kw_only=True):
    """Why some rows are bad: what is wrong with which field, what to write instead, how many rows, the first line."""

    field: str
    shape: str
    fix: str
    rows: int
    line: int | None


class ConsentsTaken(Struct, frozen=True, kw_only=True):
    """What became of consents in bulk: ``rows = changes + duplicates + dead_rows``.

    ``granted_until`` is the last end of a grant. Bad rows are kept nowhere: mend them, and send them again.
    """

    rows: int
    changes: int
    duplicates: int
    dead_rows: int
    granted_until: str | None
    reasons: tuple[RowReason, ...]


class CloudEvent(Struct, frozen=True, kw_only=True):
    """One thing that happened to a person. ``data`` depends on ``type``: see docs/events.md."""

    id: Text
    source: Text
    type: Word
    subject: Customer
    time: datetime
    data: dict[str, Any]
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: JsonType = "application/json"


class RowError(Struct, frozen=True, kw_only=True):
    """Why one row (counted from 0) was kept aside, without its values."""

    row: int
    field: str
    shape: str
    fix: str


class Ingested(IngestReport, frozen=True, kw_only=True):
    """What became of the rows: ``rows = events + dead_letters + duplicates``; refused ones are events as well.

    ``entries`` prove it: one for each customer of each durable piece, and one of the bank's journal for dead letters.
    """

    errors: tuple[RowError, ...]
    entries: tuple[EntryProof, ...]


class Decided(Struct, frozen=True, kw_only=True):
    """A decision with its reasons, in the words of the catalogue."""

    id: str
    customer: str
    occasion: str
    channel: str
    at: str
    action: str
    kind: Kind
    title: str
    text: str
    propensity: float
    assignment: Assignment
    reasons: tuple[Reason, ...] = field(name="because")
    not_used: tuple[NotUsed, ...]
    uses: tuple[tuple[str, str], ...]
    guardrails: tuple[str, ...]
    epoch: int
    position: int
    documents: str


D = TypeVar("D", bound=Decided)


class DecidedNow(Decided, frozen=True, kw_only=True):
    """A decision just made, how long it took, and the entry that proves it; a question about the past has none."""

    seconds: float
    entry: EntryProof | None


class OutcomeTaught(UpdateResult, frozen=True, kw_only=True):
    """What an outcome teaches, and the entry that proves that it was recorded."""

    entry: EntryProof | None


class OutcomeRecorded(Struct, frozen=True, kw_only=True):
    """One answer to a decision."""

    verdict: Verdict
    at: str
    why: str
    value_minor: int | None


class Fared(Candidate, frozen=True, kw_only=True, array_like=False):
    """How one action fared: stopped at a gate, or scored."""


class Traced(Decided, frozen=True, kw_only=True):
    """A decision, how every candidate fared, what would have changed it, and what followed.

    ``instead`` is null when no small change leads elsewhere, and when that cannot be told any more: ``untold`` says
    why.
    """

    counterfactual: Counterfactual | None = field(name="instead")
    untold: str
    candidates: tuple[Fared, ...]
    outcomes: tuple[OutcomeRecorded, ...]


class Health(Struct, frozen=True, kw_only=True):
    """The store answers; ``position`` is the last entry of the bank's journal."""

    status: Literal["ok"]
    position: int


def proof(entry: Head) -> EntryProof:
    """Give an entry as programs get it."""
    return EntryProof(subject=entry.subject, n=entry.n, hash=entry.hash.hex())


_WRITTEN = tuple((of.encode_name, of.name) for of in fields(Decision))


def answer_of(decision: Decision, shape: type[D], *, catalogue: ActionCatalogue, **more: object) -> D:
    """Give a decision as programs get it."""
    action = action_of(decision.action, catalogue=catalogue)
    words = {"at": text_of(decision.at), "kind": action.kind, "title": action.title, "text": action.text}
    made = {written: getattr(decision, name) for written, name in _WRITTEN}
    return convert({**made, **words, **more}, of=shape)

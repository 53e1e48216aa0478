"""The JSON that programs send and get, as structures: the OpenAPI document is generated from them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict, fields

from marketofone.consent.ledger import EVERY, What
from marketofone.decide.catalogue import ActionCatalogue, Fallback
from marketofone.domain.action import NOTHING, Kind
from marketofone.domain.cloudevents import JsonType
from marketofone.domain.decision import (
    DECISION_ID,
    MOST_SLOTS,
    Assignment,
    Candidate,
    Counterfactual,
    Decision,
    NotUsed,
    Reason,
)
from marketofone.domain.decoding import convert
from marketofone.domain.delegation import DelegateAuthority, DelegateName, Evidence, May
from marketofone.domain.fields import Category, InferenceName, Minor, Text, Word
from marketofone.domain.languages import Language
from marketofone.domain.moment import text_of
from marketofone.domain.outcome import MAX_WHY, WHY_NOT, WHY_YES, Changes, Verdict
from marketofone.services.decisions.feedback import UpdateResult
from marketofone.services.intake.ingest import IngestReport
from marketofone.services.rights.consent_view import ConsentView
from marketofone.services.rights.funnel_service import MOST_DAYS
from marketofone.store.ports import Head
from marketofone.web.formatting import action_of
from marketofone.web.request_data import ENTRY_NUMBER, MOMENT, NAME

Customer = Annotated[str, Meta(pattern=NAME)]
DecisionId = Annotated[str, Meta(pattern=DECISION_ID)]
EntryNumber = Annotated[str, Meta(pattern=ENTRY_NUMBER, description="The number of an entry of the person's journal.")]
Moment = Annotated[str, Meta(pattern=MOMENT, description="An RFC 3339 instant, or a date: its last moment there.")]
Words = Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
Authority = Annotated[Text, Meta(description="Who says so, of rows that name none: a notice, a letter, a system.")]
PurposeName = Annotated[str, Meta(description="A purpose of consent.toml.")]
ChannelName = Annotated[str, Meta(description="A channel of consent.toml; left out where no customer is reached.")]
Slots = Annotated[int, Meta(ge=1, le=MOST_SLOTS)]
Days = Annotated[int, Meta(ge=1, le=MOST_DAYS)]
Why = Annotated[
    str,
    Meta(
        max_length=MAX_WHY,
        description=f"Why: of a no, one of {', '.join(WHY_NOT)} changes what the person sees next; of a yes, one of "
        f"{', '.join(WHY_YES)} is counted; any other text is kept.",
    ),
]


class DecisionAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom, on which occasion. The same ``id`` gives the same decision of this customer again.

    ``placement`` is where the answer is shown, and ``slots`` how many places there are: as many as the placement has
    where left out, elsewhere one. ``as_of`` makes it a question about an earlier moment.
    """

    customer: Customer
    occasion: Word
    channel: Word | None = None
    placement: Word | None = None
    slots: Slots | None = None
    id: DecisionId | None = None
    as_of: Moment | None = None


class OutcomeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person did after a decision, and why. Of a slate, ``slot`` says after which place, from 1 on.

    ``ignored`` says that it was on the screen: of a place that nobody saw, say nothing. An answer may be changed for
    ``outcome_days`` after its decision: the latest one counts, by its own moment. ``taken_back`` says, at any time,
    that what was accepted was given up again.
    """

    decision: DecisionId
    verdict: Verdict
    slot: Slots | UnsetType = UNSET
    why: Why = ""
    value_minor: Minor | None = None
    as_of: Moment | None = None
    customer: Customer | None = None


class ConsentRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says about consent, from now on. ``*`` names all of a kind.

    ``object`` says no to all marketing, whatever is granted, until ``lift``; both are about nothing else. ``pause``
    stops purposes until a moment, for 30 days where none is named; ``resume`` ends that. Both name purposes only.
    ``language`` is the one in which they read the notices; the bank's own where it is left out. ``delegate`` names who
    says it for them, and is left out where they say it themselves.
    """

    change: What
    purposes: Words = (EVERY,)
    sources: Words = (EVERY,)
    channels: Words = (EVERY,)
    until: Moment | None = None
    language: Language | UnsetType = UNSET
    delegate: DelegateName | UnsetType = UNSET


class DelegateRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may act for a customer from now on, on whose word, how far, and until when; or that they may no more.

    ``evidence`` is what the bank has seen of a power of attorney, or of a guardian. ``ended`` ends at once what
    somebody of that name may; all else is left out then.
    """

    name: DelegateName
    authority: DelegateAuthority = "named"
    evidence: Evidence = ""
    may: May = "view"
    until: Annotated[str, Meta(max_length=40)] | None = None
    ended: bool = False


class DelegateTold(Struct, frozen=True, kw_only=True):
    """A delegate who may act: how far, on whose word, since when and until when."""

    name: str
    authority: DelegateAuthority
    evidence: str
    may: May
    since: str
    until: str


class MerchantRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of a merchant, as ``GET`` names it, for all movements of it, those to come as well.

    Without name and category, what was said before is taken back.
    """

    merchant: Text
    name: Text | None = None
    category: Category | None = None


class InferenceRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of something concluded about them, as ``GET`` names it: that it is wrong, or right after all.

    ``page`` names where they said it, in the bank's own words.
    """

    inference: InferenceName
    wrong: bool = True
    page: Text | None = None


class EntryProof(Struct, frozen=True, kw_only=True):
    """The entry that proves it: the number of the journal, the place in it, and its hash in hexadecimal.

    Kept elsewhere, it shows with any later copy of the journal whether the entry is still there.
    """

    subject: int
    n: int
    hash: str


class ConsentChanged(ConsentView, frozen=True, kw_only=True):
    """How every scope stands after a change, when a grant or a pause ends by itself, and the entry that proves it."""

    until: str | None
    entry: EntryProof


class Permitted(Struct, frozen=True, kw_only=True):
    """What a purpose may use of what is known of a person now, and why not its other sources.

    ``customer`` names the person, perhaps by another id than the one that was asked for. ``partly`` are sources of
    which some may not be used. Keep none of it for later: ask before each use.
    """

    customer: str
    purpose: str
    channel: str | None
    epoch: int
    sources: tuple[str, ...]
    refused: dict[str, str]
    partly: dict[str, str]


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


class Fared(Candidate, frozen=True, kw_only=True, array_like=False):
    """How one action fared: stopped at a gate, or scored."""


class Placed(Struct, frozen=True, kw_only=True):
    """One place of a slate, with the probability of its action given what stands above it."""

    slot: int
    action: str
    kind: Kind
    title: str
    text: str
    propensity: float
    reasons: tuple[Reason, ...] = field(name="because")
    guardrails: tuple[str, ...]
    candidates: tuple[Fared, ...] | UnsetType = UNSET


class Permission(Struct, frozen=True, kw_only=True):
    """One source for one purpose."""

    purpose: str
    source: str


class Decided(Struct, frozen=True, kw_only=True):
    """A decision with its reasons, in the words of the catalogue.

    Of a slate all of it is about the first place, and ``slate`` has all places, from the top: the last may stay empty.
    ``fallback`` is what its placement shows meanwhile where nothing was chosen, ``order`` all parts of the app that it
    puts in order, those of the slate behind those that are pinned. ``asks`` are the permissions that it asks for: what
    the person then says about consent is the answer.
    """

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
    placement: str | UnsetType = UNSET
    slate: tuple[Placed, ...] | UnsetType = UNSET
    fallback: Fallback | UnsetType = UNSET
    order: tuple[str, ...] | UnsetType = UNSET
    asks: tuple[Permission, ...] | UnsetType = UNSET


D = TypeVar("D", bound=Decided)


class DecidedNow(Decided, frozen=True, kw_only=True):
    """A decision just made, how long it took, and the entry that proves it; a question about the past has none."""

    seconds: float
    entry: EntryProof | None


class OutcomeTaught(UpdateResult, frozen=True, kw_only=True):
    """What an outcome teaches, and the entry that proves that it was recorded; null where just that was told before."""

    entry: EntryProof | None


class OutcomeRecorded(Struct, frozen=True, kw_only=True):
    """What was heard of a decision; ``slot`` says of which place of a slate.

    ``changes`` says what a later answer changed: the answer, its reason alone, or nothing.
    """

    slot: int | UnsetType = UNSET
    verdict: Verdict
    at: str
    why: str
    value_minor: int | None
    changes: Changes | UnsetType = UNSET


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


_KEPT_APART = ("placement", "slots", "below", "closed", "charged", "asks")
_WRITTEN = tuple((of.encode_name, of.name) for of in fields(Decision) if of.name not in _KEPT_APART)


def answer_of(decision: Decision, shape: type[D], *, catalogue: ActionCatalogue, **more: object) -> D:
    """Give a decision as programs get it."""
    made = {written: getattr(decision, name) for written, name in _WRITTEN} | {"at": text_of(decision.at)}
    places = _places(decision, catalogue=catalogue, traced=shape is Traced)
    return convert({**made, **_words(decision, catalogue=catalogue), **places, **more}, of=shape)


def _words(decision: Decision, *, catalogue: ActionCatalogue) -> dict[str, object]:
    action = action_of(decision.action, catalogue=catalogue)
    return {"kind": action.kind, "title": action.title, "text": action.text}


def _places(decision: Decision, *, catalogue: ActionCatalogue, traced: bool) -> dict[str, object]:
    """Give the keys of an answer that says where it is shown, or has several places."""
    keys: dict[str, object] = {}
    if decision.asks:
        keys["asks"] = [{"purpose": purpose, "source": source} for purpose, source in decision.asks]
    placement = None if decision.placement is None else catalogue.placements.get(decision.placement)
    if decision.placement is not None:
        keys["placement"] = decision.placement
    if placement is not None and placement.fallback is not None and decision.action == NOTHING:
        keys["fallback"] = asdict(placement.fallback)
    if placement is not None and placement.orders:
        chosen = (place.action for place in decision.places if place.action != NOTHING)
        keys["order"] = catalogue.in_order(decision.placement or "", chosen)
    if decision.slots > 1:
        places = enumerate(decision.places, start=1)
        keys["slate"] = [_placed(place, slot, catalogue=catalogue, traced=traced) for slot, place in places]
    return keys


def _placed(place: Decision, slot: int, *, catalogue: ActionCatalogue, traced: bool) -> dict[str, object]:
    told = {"candidates": list(map(asdict, place.candidates))} if traced else {}
    made = {"action": place.action, "propensity": place.propensity, "guardrails": place.guardrails}
    return {"slot": slot, **made, "because": place.reasons, **_words(place, catalogue=catalogue), **told}

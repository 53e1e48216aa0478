"""The JSON that programs send and get, as structures: the OpenAPI document is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from marketofone.consent.ledger import EVERY
from marketofone.domain.action import Action, Kind
from marketofone.domain.decision import Candidate, Decision, Instead, NotUsed, Reason
from marketofone.domain.event import Minor, Word
from marketofone.domain.moment import text_of
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.web.visit import MOMENT, NAME

Customer = Annotated[str, Meta(pattern=NAME)]
DecisionId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$(?!\n)")]
Moment = Annotated[str, Meta(pattern=MOMENT, description="An RFC 3339 instant, or a date: its last moment there.")]
Words = Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
Why = Annotated[str, Meta(max_length=200)]


class DecisionAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom, on which occasion. The same ``id`` gives the same decision again."""

    customer: Customer
    occasion: Word
    channel: Word | None = None
    id: DecisionId | None = None
    as_of: Moment | None = None


class OutcomeSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person did after a decision, and why."""

    decision: DecisionId
    verdict: Verdict
    why: Why = ""
    value_minor: Minor | None = None
    as_of: Moment | None = None


class ConsentSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says about consent, from now on. ``*`` names all of a kind."""

    change: Literal["grant", "withdraw"]
    purposes: Words = (EVERY,)
    sources: Words = (EVERY,)
    channels: Words = (EVERY,)
    until: Moment | None = None


class RowError(Struct, frozen=True, kw_only=True):
    """Why one row (counted from 0) was kept aside, without its values."""

    row: int
    field: str
    shape: str
    mend: str


class Ingested(Struct, frozen=True, kw_only=True):
    """What became of the rows: ``rows = events + dead_letters + duplicates``; refused ones are events as well."""

    rows: int
    events: int
    dead_letters: int
    duplicates: int
    refused: int
    errors: tuple[RowError, ...]


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
    arm: Literal["policy", "control"]
    because: tuple[Reason, ...]
    not_used: tuple[NotUsed, ...]
    instead: Instead | None
    uses: tuple[tuple[str, str], ...]
    guardrails: tuple[str, ...]
    epoch: int
    position: int
    documents: str


class DecidedNow(Decided, frozen=True, kw_only=True):
    """A decision just made, and how long it took."""

    seconds: float


class Heard(Struct, frozen=True, kw_only=True):
    """One answer to a decision."""

    verdict: Verdict
    at: str
    why: str
    value_minor: int | None


class Traced(Decided, frozen=True, kw_only=True):
    """A decision, how every candidate fared, and what followed."""

    candidates: tuple[Candidate, ...]
    outcomes: tuple[Heard, ...]


class Health(Struct, frozen=True, kw_only=True):
    """The store answers; ``position`` is its last journal entry."""

    status: Literal["ok"]
    position: int


def told(decision: Decision, action: Action) -> dict[str, Any]:
    """Give the fields of :class:`Decided`."""
    own = {name: getattr(decision, name) for name in decision.__struct_fields__ if name in Decided.__struct_fields__}
    return {**own, "at": text_of(decision.at), "kind": action.kind, "title": action.title, "text": action.text}


def heard(outcome: Outcome) -> Heard:
    """Give an answer as programs get it."""
    return Heard(verdict=outcome.verdict, at=text_of(outcome.at), why=outcome.why, value_minor=outcome.value_minor)

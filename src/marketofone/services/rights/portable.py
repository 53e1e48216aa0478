"""What a customer takes along: one JSON document, format 1. ``export.py`` writes it, ``import_customer.py`` reads it.

Parts stand in the order of the journal. A bank takes in ``consents``, ``delegates``, ``history``, ``events`` and
``identity``; it makes all other parts again itself, or they tell what only this bank did (``decisions``, ``outcomes``,
``uses``).
Instants and days are text as everywhere on the wire; amounts are minor units.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from marketofone.domain.action import Kind
from marketofone.domain.case import CaseKind
from marketofone.domain.cloudevents import CustomerName
from marketofone.domain.decision import DECISION_ID, MOST_SLOTS, Notification
from marketofone.domain.delegation import DelegateAuthority, DelegateName, Evidence, May
from marketofone.domain.fields import LicenceScope, Minor, Share, Word
from marketofone.domain.languages import Language
from marketofone.domain.outcome import MAX_WHY, Changes, Verdict
from marketofone.services.foresight.spending import Insight
from marketofone.services.rights.use_log import Use

FORMAT: Literal[1] = 1
"""Of the document. Another one gets another number, and this one stays readable."""

MOST_SHOWN = 20_000
"""A state holds them all, and is written with each entry: caps remember four months."""
Said = Annotated[str, Meta(max_length=200)]
Judged = Literal["admitted", "refused", "gap"]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the document."""


class JournalEnd(Part, frozen=True, kw_only=True):
    """Where the journal ended when it was read: how many entries, and the hash of the last one."""

    entries: int
    head: str


class ConsentSaid(Part, frozen=True, kw_only=True):
    """One thing that was said about consent: since when it holds, and when it was recorded; by whom, on whose word.

    ``versions`` are those of its purposes, where one of them is not the first; ``language`` is the one in which the
    notices were read, where it was not the bank's own; ``delegate`` who said it for the customer, where they did not.
    """

    recorded: str
    change: str
    purposes: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]
    since: str
    until: str | None = None
    actor: Said = "customer"
    authority: Said = ""
    versions: tuple[int, ...] | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    delegate: DelegateName | UnsetType = UNSET


class DelegateSaid(Part, frozen=True, kw_only=True):
    """Somebody who may act for the customer: on whose word, how far, until when, and what the bank saw of it."""

    recorded: str
    name: DelegateName
    authority: DelegateAuthority
    may: May
    until: str
    evidence: Evidence = ""


class EventKept(Part, frozen=True, kw_only=True):
    """One event as it arrived: a CloudEvent, and how the gate judged it.

    An event that was refused and need not be kept has no ``event``: what is left of it are source, kind and instants.
    ``read_as`` is what its words, or a movement of money, were read as.
    """

    recorded: str
    judged: Judged
    source: str
    kind: str
    at: str
    event: Raw | UnsetType = UNSET
    read_as: dict[str, Any] | None = None


class LinkSaid(Part, frozen=True, kw_only=True):
    """A key by which this customer id was recognised, or the taking back of one; whose else it is stands nowhere."""

    recorded: str
    event: Raw


class AnswerHeard(Part, frozen=True, kw_only=True):
    """What was answered, and when it was heard."""

    heard: str
    at: str
    verdict: Verdict
    why: Annotated[str, Meta(max_length=MAX_WHY)] = ""
    value_minor: Minor | None = None
    slot: Annotated[int, Meta(ge=1, le=MOST_SLOTS)] | UnsetType = UNSET
    changes: Changes | UnsetType = UNSET


class Shown(Part, frozen=True, kw_only=True):
    """Something that was shown, as caps and pauses remember it."""

    decision: Annotated[str, Meta(pattern=DECISION_ID)]
    action: Word
    kind: Kind
    channel: Word
    at: str
    answers: tuple[AnswerHeard, ...] = ()
    notification: Notification | None = None


class OwnAnswer(Part, frozen=True, kw_only=True):
    """A first answer, as it moves what is offered next to this customer alone."""

    action: Word
    at: str
    heard: str
    accepted: bool
    value_minor: Minor | None = None
    reported: str | None = None
    seen: Share = 1.0


class PermissionAsked(Part, frozen=True, kw_only=True):
    """A permission that a decision asked for: nothing is asked twice, at no bank."""

    purpose: Word
    source: Word
    at: str


class History(Part, frozen=True, kw_only=True):
    """What still counts of what was shown, asked and answered."""

    shown: tuple[Shown, ...] = ()
    answers: tuple[OwnAnswer, ...] = ()
    asked: tuple[PermissionAsked, ...] = ()


class Correction(Part, frozen=True, kw_only=True):
    """What was said of a merchant, or of a movement: what it is; or of an inference, whether it is ``wrong``."""

    at: str
    source: str
    of: str
    name: str | None = None
    category: str | None = None
    wrong: bool | UnsetType = UNSET


class DecisionMade(Part, frozen=True, kw_only=True):
    """A decision with its reasons; what its fields mean stands in docs/api.md.

    ``withheld`` says why its reasons are left out: they rest on what another customer id told.
    """

    recorded: str
    kind: str | None
    decision: dict[str, Any]
    withheld: str = ""


class OutcomeHeard(Part, frozen=True, kw_only=True):
    """What followed a decision, or the early signs of it (``signs``) that were seen days after."""

    recorded: str
    outcome: dict[str, Any] | None = None
    signs: dict[str, Any] | None = None


class CaseTold(Part, frozen=True, kw_only=True):
    """What a person of the bank was asked to do, by when; or the answer to what entry ``of`` asked, by whom and why."""

    n: int
    recorded: str
    kind: CaseKind
    about: tuple[str, str] | None = None
    due: str | None = None
    words: Said = ""
    of: int = 0
    by: Said = ""


class ForecastInForce(Part, frozen=True, kw_only=True):
    """The last forecast, in the few numbers that decisions use."""

    at: str
    sources: tuple[str, ...]
    low_point_minor: int | None
    low_point_day: int | None
    idle_minor: int | None
    events: tuple[dict[str, Any], ...]


class Inferences(Part, frozen=True, kw_only=True):
    """What the bank concluded: insights as of the day, and the forecast that decisions follow.

    ``withheld`` says why something is left out.
    """

    insights: tuple[Insight, ...]
    forecast: ForecastInForce | None
    withheld: str = ""


class LicenceTold(Part, frozen=True, kw_only=True):
    """What was allowed at another bank: no grant opens more of what came from there."""

    institution: str
    scopes: tuple[LicenceScope, ...]
    until: str | None
    since: str | None
    marketing: bool


class Portable(Part, frozen=True, kw_only=True):
    """Everything that a bank holds about one customer id that is theirs, as of a day.

    ``currency`` is what the bank counts in: amounts that name no other are in it.
    """

    format: Literal[1]
    customer: CustomerName
    day: str
    currency: str
    journal: JournalEnd
    consents: tuple[ConsentSaid, ...]
    delegates: tuple[DelegateSaid, ...] = ()
    licences: tuple[LicenceTold, ...]
    history: History
    events: tuple[EventKept, ...]
    identity: tuple[LinkSaid, ...]
    corrections: tuple[Correction, ...]
    decisions: tuple[DecisionMade, ...]
    outcomes: tuple[OutcomeHeard, ...]
    cases: tuple[CaseTold, ...]
    inferences: Inferences
    uses: tuple[Use, ...]

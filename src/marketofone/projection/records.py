"""What entries say: one record for each kind, with who wrote it."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from marketofone.consent.ledger import ConsentChange
from marketofone.decide.forecast_facts import ForecastFacts, PredictedEvent
from marketofone.domain.action import Kind
from marketofone.domain.case import About, CaseKind, CaseWords
from marketofone.domain.decision import Counterfactual, Decision
from marketofone.domain.delegation import Delegation
from marketofone.domain.help import Help
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.money import Rate
from marketofone.domain.outcome import Outcome, Signs
from marketofone.governance.board import Ruling
from marketofone.projection.contacts import Contacts, Decided, Place, Said
from marketofone.projection.own_answers import Answers

Scope = tuple[str, str]
"""A purpose, and a source that was read for it."""

Stage = Literal["shadow", "share", "full"]
"""How far a version is used: it is scored and decides nothing, it decides for a share of people, or for all people."""

ADMITTED, REFUSED, GAP = 0, 1, 2


class KeptEvent(Struct, frozen=True, array_like=True, gc=False):
    """One event that arrived: how the gate judged it, and what is kept of it.

    ``body`` is the CloudEvents JSON, or None where it was refused and need not be kept. ``reading`` is what its text
    was read as; of an opened account it is the mark under which its holders are found, and the event's key.
    """

    verdict: int
    source: str
    kind: str
    at: Instant
    body: bytes | None
    reading: bytes | None = None


class IngestRecord(Struct, frozen=True, array_like=True, gc=False):
    """Events that arrived together about one customer; the scopes that reading their texts used."""

    actor: str
    events: tuple[KeptEvent, ...]
    uses: tuple[Scope, ...] = ()


class ConsentRecord(Struct, frozen=True, array_like=True):
    """What a customer said about consent, every word explicit; ``key`` recognises what came in bulk.

    ``bank`` is the entry of the bank's journal up to which its words were read: it tells which notices were in force; 0
    in what an earlier release wrote. What was said at once and takes several entries is ``part`` one, two ... of
    ``parts``.
    """

    actor: str
    change: ConsentChange
    key: bytes = b""
    bank: int = 0
    part: int = 1
    parts: int = 1


class IdentityRecord(Struct, frozen=True, array_like=True):
    """Who is who changed: a key was linked with a customer, or taken back.

    It stands in the journal of every customer concerned. ``own`` says whether the key is this customer's; ``event``
    is the CloudEvents JSON, kept where it arrived. ``members`` are the subjects that are one person with it afterwards.
    ``shared`` says that too many customers have the key for it to tell anything.
    """

    actor: str
    key: bytes
    linked: bool
    own: bool
    members: tuple[int, ...]
    shared: bool = False
    event: bytes | None = None


class AccountRecord(Struct, frozen=True, array_like=True):
    """Who holds an account together changed. It stands in the journal of every holder concerned.

    ``account`` is the mark of the account. ``holds`` says whether this customer is one of its holders, and ``since``
    when. ``holders`` are the subjects of all of them, ascending; empty where the account is not shared.
    """

    actor: str
    account: bytes
    holds: bool
    since: Instant
    holders: tuple[int, ...] = ()


class RestsOn(Struct, frozen=True, array_like=True, gc=False):
    """What an answer was folded from: the bank's journal up to ``bank``, a version, and each journal up to its n."""

    bank: int
    version: int
    journals: tuple[tuple[int, int], ...]

    @property
    def subjects(self) -> frozenset[int]:
        """Whose journals."""
        return frozenset(subject for subject, _ in self.journals)


class DecisionRecord(Struct, frozen=True, array_like=True, gc=False):
    """A decision, what it rests on, and of which kind its action is (empty when nothing was said).

    ``counterfactual`` is what an earlier release found and wrote with it; now it is found when somebody asks.
    """

    actor: str
    decision: Decision
    rests_on: RestsOn
    kind: Kind | None = None
    counterfactual: Counterfactual | None = None

    @property
    def said(self) -> Said:
        """What is remembered of it."""
        made = self.decision
        places = [Place(made.action, self.kind, made.notification)]
        places += [Place(slot.action, slot.kind, slot.notification) for slot in made.below]
        return Said(made.id, made.channel, made.at, made.assignment, made.placement, tuple(places), made.asks)

    def kind_at(self, place: int) -> Kind | None:
        """Give the kind of the action at a place of the decision; the first is 1."""
        return self.kind if place == 1 else self.decision.below[place - 2].kind


class OutcomeRecord(Struct, frozen=True, array_like=True, gc=False):
    """What a person did after a decision; the scopes that learning from it reads, and what they answered to."""

    actor: str
    outcome: Outcome
    uses: tuple[Scope, ...] = ()
    to: Decided | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits as a lesson: it teaches, or what an earlier answer taught is to go."""
        return bool(self.uses) or self.outcome.changes == "answer"


class SignsRecord(Struct, frozen=True, array_like=True, gc=False):
    """The early signs of an acceptance: entry ``of`` of the same journal; the scopes that reading them used."""

    actor: str
    of: int
    signs: Signs
    uses: tuple[Scope, ...]

    @property
    def waits(self) -> bool:
        """Whether they wait as a lesson: they always teach."""
        return bool(self.uses)


class ForecastSummary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the last forecast said, in the few numbers decisions use.

    ``low_point_day`` is in days from the forecast. ``settled`` says for each event when last a forecast found it
    unlikely at every horizon, ``seen`` which state of the person's money it was made from, ``rates`` by which rates
    amounts of several currencies were added up.
    """

    at: Instant
    sources: tuple[str, ...]
    low_point_minor: int | None = None
    low_point_day: int | None = None
    idle_minor: int | None = None
    events: tuple[PredictedEvent, ...] = ()
    settled: dict[str, Instant] = {}
    seen: str = ""
    rates: tuple[Rate, ...] = ()

    def facts(self, *, calendar: Calendar, now: Instant) -> ForecastFacts:
        """Give these numbers as a decision at a moment sees them."""
        made_on = calendar.day_of(self.at)
        return ForecastFacts(
            made_on=made_on,
            age_days=calendar.day_of(now) - made_on,
            events=self.events,
            low_point_minor=math.nan if self.low_point_minor is None else float(self.low_point_minor),
            idle_minor=math.nan if self.idle_minor is None else float(self.idle_minor),
            sources=frozenset(self.sources),
            settled=self.settled,
        )


class ForecastRecord(Struct, frozen=True, array_like=True, gc=False):
    """A forecast: the numbers that decisions use, what was read for it, and what it rests on."""

    actor: str
    summary: ForecastSummary
    uses: tuple[Scope, ...]
    rests_on: RestsOn


class HistoryRecord(Struct, frozen=True, array_like=True, gc=False):
    """What another bank told a customer and they answered, as they brought it along; ``key`` recognises it again.

    It counts for caps, pauses and a person's own answers, and teaches of no one else: what it rested on is not here.
    ``asks`` are the permissions that they were asked for, and when.
    """

    actor: str
    contacts: Contacts
    answers: Answers
    key: bytes
    asks: tuple[tuple[Scope, Instant], ...] = ()


class CaseRecord(Struct, frozen=True, array_like=True):
    """What a customer asked a person of the bank, or where ``of`` names the entry that asked it, its answer.

    ``words`` are what the customer says with it, or the reason that the answer gives, ``by`` is who answered. ``due``
    is by when it is to be answered; 0 in an answer.
    """

    actor: str
    kind: CaseKind
    about: About | None
    due: Instant
    words: CaseWords = ""
    of: int = 0
    by: CaseWords = ""


class UseRecord(Struct, frozen=True, array_like=True, gc=False):
    """A reading of a person's information behind a permit: what asked, and the scopes that were read."""

    actor: str
    what: str
    uses: tuple[Scope, ...]


class Hold(Struct, frozen=True, kw_only=True):
    """A legal hold: its name, on which basis, what it covers, who set it, and until when."""

    name: str
    basis: str
    covers: str
    by: str
    until: Instant


class HoldRecord(Struct, frozen=True, array_like=True):
    """A legal hold was set, or lifted before its end."""

    actor: str
    hold: Hold
    lifted: bool


class DelegateRecord(Struct, frozen=True, array_like=True):
    """Somebody may act for a customer, or may not any more."""

    actor: str
    delegation: Delegation
    ended: bool


class ErasureRecord(Struct, frozen=True, array_like=True):
    """A customer was forgotten: on what ground."""

    actor: str
    ground: str


class DocumentRecord(Struct, frozen=True, array_like=True):
    """The documents of the bank from here on, by name, and their digest."""

    actor: str
    digest: str
    texts: dict[str, str]


class RulingRecord(Struct, frozen=True, array_like=True):
    """A ruling of the review board."""

    actor: str
    ruling: Ruling


class VersionRecord(Struct, frozen=True, array_like=True):
    """A version of what was learned.

    ``parent`` is the entry of the version it was made from, 0 for none. ``states`` gives for each state that changed
    the SHA-256 of its sealed bytes, or None where it was given up. ``lessons`` are (subject, n) of entries of outcomes
    and of early signs, in order; ``dropped`` are those that waited with them and teach nothing; ``withdrawn`` are
    lessons of versions before that went. ``destroyed`` are states that are kept no more. ``at`` says as of when.
    ``read_at`` is the instant of the uses by which a training read people, 0 where it read no customer.
    """

    actor: str
    parent: int
    states: dict[str, bytes | None]
    lessons: tuple[tuple[int, int], ...] = ()
    at: Instant = Instant(0)
    why: str = ""
    dropped: tuple[tuple[int, int], ...] = ()
    destroyed: tuple[bytes, ...] = ()
    withdrawn: tuple[tuple[int, int], ...] = ()
    read_at: Instant = Instant(0)


class RollbackRecord(Struct, frozen=True, array_like=True):
    """An earlier version is active again."""

    actor: str
    version: int


class Evidence(Struct, frozen=True, array_like=True):
    """How much more a version was worth than the present one, in minor units a decision, with an interval.

    ``anytime`` says that the interval holds at all looks together; before there was this field, it was for one look.
    """

    value: float
    low: float
    high: float
    level: float
    decisions: int
    people: int
    anytime: bool = False


class PromotionRecord(Struct, frozen=True, array_like=True):
    """A version is used for more decisions from here on, or for fewer.

    ``stage`` is "full" where it decides for all people, "share" where it does for a ``share`` of people, "shadow" where
    it does for no person any more. ``evidence`` is what spoke for it; None where none was needed.
    """

    actor: str
    version: int
    stage: Stage
    share: float = 0.0
    evidence: Evidence | None = None


class HelpRecord(Struct, frozen=True, array_like=True):
    """What a permission was measured to help those who gave it, from here on."""

    actor: str
    help: Help


class CheckpointRecord(Struct, frozen=True, array_like=True):
    """A signed checkpoint of the log, as text."""

    actor: str
    text: str


class LettersRecord(Struct, frozen=True, array_like=True):
    """Dead letters that were kept together: the SHA-256 of each, in order."""

    actor: str
    digests: tuple[bytes, ...]


class RatesRecord(Struct, frozen=True, array_like=True):
    """What a reference table of daily rates says from here on, also where it said something else before.

    ``rates`` is packed (``reference_rates.py``): few readings of the bank's journal ask for them.
    """

    actor: str
    table: str
    rates: bytes


Told = IngestRecord | ConsentRecord | IdentityRecord | AccountRecord | DelegateRecord
"""What is told of a customer, and who may say so."""

Followed = DecisionRecord | OutcomeRecord | SignsRecord | HistoryRecord | CaseRecord
Kept = ForecastRecord | UseRecord | ErasureRecord | HoldRecord
OfBank = DocumentRecord | RulingRecord | VersionRecord | RollbackRecord | PromotionRecord
MoreOfBank = HelpRecord | CheckpointRecord | LettersRecord | RatesRecord
Record = Told | Followed | Kept | OfBank | MoreOfBank

"""Judging arrivals: what each becomes in its customer's journal. It happens before anything is locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from marketofone.consent.gate import Admitted, Gap, Refused, admit, opened_by
from marketofone.consent.ledger import NEVER_ASKED, Consents, together
from marketofone.consent.narrowing import with_facts
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.event import ACCOUNT_OPENED, BORN, LICENSED, MOVEMENTS, REMOVED, Event
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.amendments import taken_back
from marketofone.projection.counts import Told
from marketofone.projection.parted import names_of
from marketofone.projection.records import ADMITTED, GAP, REFUSED, IngestRecord, KeptEvent
from marketofone.projection.reducer import NOTHING, SubjectState
from marketofone.projection.snapshot import Snapshot
from marketofone.services.intake.arrivals import Arrival
from marketofone.services.intake.joint_accounts import Asked, mark_of
from marketofone.services.intake.own_numbers import OwnNumbers, may_tell_more, told_before
from marketofone.services.intake.pendings import BALANCES, is_pending, may_wait
from marketofone.services.intake.readings import NOT_READ, read_event
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import event_number
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Directory, Draft, Expectation, Head, LinkChange

_SIGNALS = frozenset({"messages", "life_events", "protection"})  # sources whose events can change an answer
_LESS_TOLD = frozenset({REMOVED, LICENSED})  # after which movements may be no more what they turned out to be
_NARROWING = frozenset({LICENSED, BORN})  # after which less may be used, whatever was granted
_VERDICTS = {Admitted: ADMITTED, Refused: REFUSED, Gap: GAP}
_FIRST = Expectation(0)


class Judged(Struct, frozen=True, gc=False):
    """What is about to be appended to one journal, the snapshots it ends, and what is known of that journal before.

    ``left_open`` says that only all movements of the customer together can say something more.
    """

    draft: Draft
    record: IngestRecord
    drop: tuple[tuple[int, str], ...]
    links: tuple[LinkChange, ...]
    before: SubjectState
    told: list[Told]
    refused: int
    gaps: int
    refusals: dict[str, int]
    left_open: bool


class _Sight(NamedTuple):
    """What a batch is judged by: one moment of the store, read once."""

    context: AppContext
    reader: Directory
    snapshot: Snapshot


class _Standing(NamedTuple):
    """What decides about arrivals: the state, what its id and the other ids of the person allow, the last instant.

    ``others`` says what must still stand of the journals that were read.
    """

    state: SubjectState
    allow: tuple[Consents, ...]
    last: Instant
    others: dict[int, Expectation]


def judge(
    context: AppContext, waiting: Iterable[tuple[Customer, list[Arrival]]], *, now: Instant, asked: Asked
) -> tuple[list[Judged], dict[int, Expectation]]:
    """Judge what arrived about some customers; gives what would be appended, and what it rests on.

    Raises
    ------
    UnknownCustomer
        When one of them is being forgotten.
    """
    waiting = list(waiting)
    with context.store.read() as reader:
        sight = _Sight(context, reader, snapshot := context.snapshot(reader))
        heads = reader.heads([customer.subject for customer, _ in waiting])
        judged: list[Judged] = []
        random = codec.drawn_together(len(waiting))
        expects: dict[int, Expectation] = {BANK: Expectation(snapshot.bank.guard)}
        for customer, arrivals in context.right_of_way.paced(waiting):
            head = heads[customer.subject]
            standing = _standing(sight, customer, head)
            expects[customer.subject] = Expectation(head.guard) if head.n else _FIRST
            expects.update(standing.others)
            one = _judged(sight, customer, arrivals, standing, now=now, random=random)
            judged.append(one)
            if one.links or one.drop or standing.state.accounts:
                asked.hear(customer, standing.state, arrivals, one.links)
    return judged, expects


def _standing(sight: _Sight, customer: Customer, head: Head) -> _Standing:
    if head.n == 0:
        return _Standing(NOTHING, (NEVER_ASKED,), head.recorded, {})
    known = sight.context.projection.remembered(customer.subject)
    if known is not None and known.guard == head.guard and not known.members:
        # Arrivals alone change neither consents nor who is who.
        return _Standing(known, (known.consents,), head.recorded, {})
    person = sight.snapshot.person_of(customer)
    others = (state.consents for subject, state in person.states.items() if subject != customer.subject)
    return _Standing(person.own, (person.own.consents, *others), person.recorded, person.expects(strict=False))


def _judged(
    sight: _Sight,
    customer: Customer,
    arrivals: list[Arrival],
    standing: _Standing,
    *,
    now: Instant,
    random: codec.Random,
) -> Judged:
    context, reader, snapshot = sight
    policy, (own, *others), now = snapshot.config.policy, standing.allow, max(now, standing.last)
    arrived = [arrival.event for arrival in arrivals]
    narrowing = [event for event in arrived if event.kind in _NARROWING]
    if narrowing:  # what arrives together with a licence is judged by it, and so it is with an age
        own = with_facts(own, narrowing, recorded=now)
    consents = together([own, *others])
    verdicts = admit(arrived, consents, policy=policy, now=now)
    names = told_before(context, customer.subject, guard=standing.state.guard)
    waiting = may_wait(context, customer.subject, standing.state)
    unresolved = waiting or customer.subject in context.unresolved
    found = _Found(context, customer, waiting=waiting, unresolved=unresolved, told_before=names)
    found.take(arrivals, verdicts, policy=policy)
    if found.telling:
        found.links += (changes := OwnNumbers(context, reader, customer, standing.state).changes(found.telling))
        found.left_open = found.left_open or any(link.linked for link in changes)
    uses = [
        (to, source) for source in sorted(found.texts) for to in opened_by(source, consents, policy=policy, now=now)
    ]
    record = IngestRecord(context.actor, tuple(found.events), tuple(uses))
    removed = {gone.source for event in arrived for gone in taken_back(event)}
    draft = codec.draft(
        "amendment" if removed or found.pending or narrowing else "signal" if found.signal else "ingest",
        record,
        subject=customer.subject,
        box=customer.box,
        at=max([event.at for event in arrived]),
        keys=found.keys,
        random=random,
    )
    drop = tuple((customer.subject, name) for source in sorted(removed) for name in names_of(source))
    _, refused, gaps = found.counts  # by verdict, as they are numbered
    return Judged(
        draft=draft,
        record=record,
        drop=drop,
        links=tuple(found.links),
        before=standing.state,
        told=found.told,
        refused=refused,
        gaps=gaps,
        refusals=found.refusals,
        left_open=found.left_open,
    )


class _Found(Struct, gc=False):
    """What is found of the arrivals about one customer, one after the other.

    ``told_before`` are hashes of what the person's accounts are known to be called, ``texts`` the sources whose texts
    were read, ``telling`` events that may tell numbers of own accounts; ``counts`` go by verdict.
    """

    context: AppContext
    customer: Customer
    waiting: bool
    unresolved: bool
    told_before: frozenset[int]
    events: list[KeptEvent] = []
    told: list[Told] = []
    keys: list[int] = []
    links: list[LinkChange] = []
    texts: set[str] = set()
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    refusals: dict[str, int] = {}
    telling: list[Event] = []
    signal: bool = False
    pending: bool = False
    left_open: bool = False

    def take(
        self, arrivals: Sequence[Arrival], verdicts: Sequence[Admitted | Refused | Gap], *, policy: ConsentPolicy
    ) -> None:
        """Read each arrival as far as it may be read, and make of it what is kept."""
        for arrival, verdict in zip(arrivals, verdicts, strict=True):
            event, source = arrival.event, arrival.event.source
            known = policy.sources.get(source)
            kept = isinstance(verdict, Admitted) or (known is not None and known.kept)
            is_movement, opens = event.kind in MOVEMENTS, event.kind == ACCOUNT_OPENED
            # What somebody wrote is read where they allow it; what a movement says of itself, where it is kept.
            # Whose an account is stays known whatever they allow: without it, it would be closed to its other holders.
            may_read = isinstance(verdict, Admitted) or (kept and is_movement) or opens
            reading = read_event(self.context, event) if may_read else NOT_READ
            if reading.is_text:
                self.texts.add(source)
            opens_again = (
                self.unresolved if is_movement else self.waiting if event.kind in BALANCES else event.kind in _LESS_TOLD
            )
            self.left_open = self.left_open or reading.open or opens_again
            judgement = _VERDICTS[type(verdict)]
            self.counts[judgement] += 1
            if not isinstance(verdict, Admitted):
                self.refusals[verdict.why] = self.refusals.get(verdict.why, 0) + 1
            body = arrival.body if kept else None
            self.events.append(KeptEvent(judgement, source, event.kind, event.at, body, reading.body))
            self.told.append(reading.told)
            if opens and reading.body is not None:
                self.links.append(LinkChange(mark_of(reading.body), self.customer.subject, linked=True))
            if is_movement and is_pending(event):
                self.pending = self.left_open = True
            if kept:
                self.keys.append(event_number(event.key, subject=self.customer.subject))
                self.signal = self.signal or source in _SIGNALS
                if may_tell_more(event, known=self.told_before):
                    self.telling.append(event)

"""Take in what a customer brings along: the document that ``export.py`` writes (``portable.py`` has its form).

1. All of the file is read and checked; a fault names the part and the field, and nothing was taken in.
2. One unit of work begins the customer's journal: how old they are, everything said about consent, in its order, and
   what still counts of what was shown and answered. So no half of it ever opens more than the whole. Only a customer
   who is not known here yet can be brought: what they say here is never older than what they bring.
3. Events pass the gate as all events do, by what holds now; what may not be kept is not kept. Then come the keys by
   which they were recognised.

An import that was interrupted is finished by the same file, and of a whole one everything is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from msgspec import Struct

from marketofone.consent.gate import Admitted, admit
from marketofone.consent.ledger import together
from marketofone.consent.narrowing import with_facts
from marketofone.domain.cloudevents import check_customer
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import BORN, LICENSED, Event, IdentityLinked
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import AccountOpened
from marketofone.projection import codec
from marketofone.projection.counts import NO_MOVEMENT, Added, added_by
from marketofone.projection.records import (
    ADMITTED,
    ConsentRecord,
    DelegateRecord,
    HistoryRecord,
    IngestRecord,
    KeptEvent,
)
from marketofone.services.intake.arrivals import Arrival, kept_before
from marketofone.services.intake.identity import NEVER_IDENTIFYING
from marketofone.services.intake.ingest import MAX_BATCH, BatchReport, ingest
from marketofone.services.rights.brought import Brought, read_brought
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import enrolled, event_number, holder_mark, naming_mark, strong_mark
from marketofone.services.runtime.population import together as in_batches
from marketofone.store.keystore import Customer, KeyStore
from marketofone.store.ports import BANK, Draft, Expectation, Reader, Unit

_MOST = 64  # holders that are looked at: one that is not named is enough


class Imported(Struct, frozen=True, kw_only=True):
    """What became of a file.

    ``duplicates`` are things said, events and keys that were known already. ``not_kept`` are events that may not be
    kept here, for nobody allows it. ``not_asked`` are words that this bank does not ask about.
    """

    customer: str
    consents: int
    events: int
    links: int
    duplicates: int
    not_kept: int
    not_asked: tuple[str, ...]
    dead_letters: int


def import_customer(
    context: AppContext, raw: bytes, *, now: Instant, customer: str | None = None, sharing: Collection[str] = ()
) -> Imported:
    """Take a customer in.

    Parameters
    ----------
    customer
        What they are called here; without one, what the file calls them.
    sharing
        Customers of this bank who may hold an account or a key of theirs, too.

    Raises
    ------
    MalformedDocument
        When the file breaks its contract, or the customer is known here already; nothing was taken in.
    Refused
        When the customer was forgotten here, and that is barred.
    """
    if customer is not None:
        check_customer(customer)
    told = read_brought(context, raw, customer=customer, now=now)
    with context.store.read() as reader:
        _check_alone(context.keys, reader, told, allowed={told.customer, *sharing})
    births, others = _births(told.events)
    begun = _begin(context, told, births, now=now)
    arrivals = others if begun else told.events
    consents = len(told.consents) if begun else 0
    known = kept_before(context, [one.event for one in arrivals], customer=told.customer)
    fresh = [one for one in arrivals if one.event.key not in known]
    kept = _may_be_kept(context, told.customer, fresh, now=now)
    events, links = _ingested(context, kept, now=now), _ingested(context, told.links, now=now)
    return Imported(
        customer=told.customer,
        consents=consents,
        events=events.events + (len(births) if begun else 0),
        links=links.events,
        duplicates=len(told.consents) - consents + len(known) + events.duplicates + links.duplicates,
        not_kept=len(fresh) - len(kept),
        not_asked=told.not_asked,
        dead_letters=events.dead_letters + links.dead_letters,
    )


def _check_alone(keys: KeyStore, reader: Reader, told: Brought, *, allowed: Collection[str]) -> None:
    """Check that nobody else here holds an account or a key of theirs, or it would open the one to the other."""
    for part, arrivals in (("events", told.events), ("identity", told.links)):
        for mark in dict.fromkeys(filter(None, (_mark(keys, one.event) for one in arrivals))):
            holders = map(keys.customer, reader.holders(mark, limit=_MOST))
            if any(one is not None and one.name not in allowed for one in holders):
                raise MalformedDocument(
                    field=part,
                    shape="an account or a key that another customer holds here",
                    fix="where they really share it, name that customer with --with",
                )


def _mark(keys: KeyStore, event: Event) -> bytes | None:
    data = event.data
    if isinstance(data, AccountOpened):
        return holder_mark(keys, data.account)
    if not isinstance(data, IdentityLinked) or data.key_kind == "device":  # a device identifies nobody
        return None
    named = naming_mark if data.key_kind in NEVER_IDENTIFYING else strong_mark
    return named(keys, kind=data.key_kind, key=data.key)


def _births(events: list[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """Part what tells a date of birth from all other events; each is told once."""
    told = {one.event.key: one for one in events if one.event.kind == BORN}
    return list(told.values()), [one for one in events if one.event.kind != BORN]


@repeated
def _begin(context: AppContext, told: Brought, births: list[Arrival], *, now: Instant) -> bool:
    """Begin the journal; says whether it was begun now, and not known already."""
    owner = enrolled(context.keys, told.customer, now=now)[told.customer]
    places = {(owner.subject, event_number(key, subject=owner.subject)) for key in told.keys}
    with context.store.read() as reader:
        head, bank, known = reader.head(owner.subject), reader.head(BANK), reader.known(sorted(places))
    if known == places:
        return False
    if head.n:
        raise MalformedDocument(
            field="customer",
            shape="a customer whom this bank knows already",
            fix="take them in under a new name with --customer, or into an empty bank",
        )
    expects = {owner.subject: Expectation(0, 0), BANK: Expectation(bank.guard)}
    born, added = _birth(context, births, owner)
    drafts = [*born, *_drafts(context, told, owner, bank=bank.n, now=now)]
    context.store.commit(Unit(now=now, expects=expects, drafts=drafts, tallies=added.counts, daily=added.daily))
    return True


def _birth(context: AppContext, births: list[Arrival], owner: Customer) -> tuple[list[Draft], Added]:
    """Make the entry that tells the age, and what it adds to counts: before any yes, so that none opens too much."""
    if not births:
        return [], added_by([])
    kept = [KeptEvent(ADMITTED, of.source, of.kind, of.at, one.body) for one in births for of in (one.event,)]
    keys = [event_number(one.event.key, subject=owner.subject) for one in births]
    record, at = IngestRecord(context.actor, tuple(kept)), max(of.at for of in kept)
    draft = codec.draft("amendment", record, subject=owner.subject, box=owner.box, at=at, keys=keys)
    return [draft], added_by([(kept, [NO_MOVEMENT] * len(kept))])


def _drafts(context: AppContext, told: Brought, owner: Customer, *, bank: int, now: Instant) -> Iterator[Draft]:
    seal = partial(codec.draft, subject=owner.subject, box=owner.box)
    for change, key in told.consents:
        record = ConsentRecord(context.actor, change, key, bank=bank)
        yield seal("consent", record, at=change.since, keys=[event_number(key, subject=owner.subject)])
    for delegation in told.delegates:
        yield seal("delegate", DelegateRecord(context.actor, delegation, ended=False), at=now)
    history = HistoryRecord(context.actor, told.contacts, told.answers, told.history_key, told.asks)
    yield seal("history", history, at=now, keys=[event_number(told.history_key, subject=owner.subject)])


def _may_be_kept(context: AppContext, customer: str, arrivals: list[Arrival], *, now: Instant) -> list[Arrival]:
    """Leave out what may not be kept here; all licences of the file are ceilings from the beginning."""
    events = [one.event for one in arrivals]
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person, policy = snapshot.person(customer), snapshot.config.policy
    told = [event for event in events if event.kind == LICENSED]
    own = with_facts(person.own.consents, told, recorded=now)
    others = (state.consents for of, state in person.states.items() if of != person.asked.subject)
    verdicts = admit(events, together([own, *others]), policy=policy, now=person.judged(now))
    duty = {source for source, known in policy.sources.items() if known.kept}
    return [
        one
        for one, verdict in zip(arrivals, verdicts, strict=True)
        if isinstance(verdict, Admitted) or one.event.source in duty
    ]


def _ingested(context: AppContext, arrivals: Sequence[Arrival], *, now: Instant) -> BatchReport:
    some = in_batches((one.body for one in arrivals), size=MAX_BATCH)
    return sum((ingest(context, bodies, now=now) for bodies in some), BatchReport())

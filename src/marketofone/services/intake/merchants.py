"""Whom a person paid, as their movements tell; and what the person says of a merchant, for all movements of it.

What they say is one event in each source that they let their money be understood from (``openbanking.understood``,
``transaction.understood``). It holds for that person only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct

from marketofone.consent.gate import Admitted, admissible, admit
from marketofone.domain.errors import ConsentRefused, MalformedRequest
from marketofone.domain.event import Event
from marketofone.domain.moment import Day, Instant, date_of
from marketofone.domain.money_events import Movement, MovementUnderstood, merchant_key
from marketofone.models.movement import CATEGORIES
from marketofone.profile.registers import MerchantCorrection, merchants
from marketofone.projection import codec
from marketofone.projection.beside import counting
from marketofone.projection.folding import (
    BOUGHT,
    as_corrected,
    as_found,
    kept_events,
    merchant_of,
    movement_reading,
    turned_out,
)
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.lineage import counts, withheld_from
from marketofone.projection.person import Person
from marketofone.projection.records import KeptEvent, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.intake.ingest import ingest
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import read_person

KINDS = {"transactions": "transaction.understood", "open_banking": "openbanking.understood"}
"""How it is said in each source of money that a movement turned out to be something."""
_PRODUCER = "/marketofone/person"
_LONGEST = 200
_NUMBER_BYTES = 12


class MerchantView(Struct, frozen=True, kw_only=True):
    """A merchant of a person: as movements name it (``merchant``), and as it is shown; how many movements, until when.

    ``said_name`` and ``said_category`` are what the person said of it, None where nothing.
    """

    merchant: str
    name: str
    category: str | None
    said_name: str | None
    said_category: str | None
    payments: int
    last_day: str


class MerchantSaid(Struct, frozen=True, kw_only=True):
    """What a person says of a merchant, as movements name it; without name and category it is taken back."""

    merchant: str
    name: str | None = None
    category: str | None = None


class _Paid(NamedTuple):
    """A movement as it was found, its day, and what it is by all that the person says."""

    merchant: str
    day: Day
    shown: Movement
    said: MerchantCorrection | None


def list_merchants(
    context: AppContext, customer: str, *, now: Instant, as_of: Instant | None = None
) -> list[MerchantView]:
    """Give the merchants of a person, the one with the most movements first; the reading is a use.

    Raises
    ------
    MalformedRequest
        When the moment that is asked about lies ahead.
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[list[MerchantView], tuple[Scope, ...]]:
        purpose, policy = snapshot.config.policy.serving("insights"), snapshot.config.policy
        opened = person.permit(purpose, policy=policy, now=judged)
        sources = sorted(opened.sources & KINDS.keys())
        states = snapshot.states(person, now=moment, sources=frozenset(sources), judged=judged)
        as_counted = counting(states, calendar=snapshot.config.calendar)
        kept = [
            pair
            for pair in _kept(snapshot, person, sources)
            if pair[1].at <= moment and as_counted(pair[1]) is not None
        ]
        withheld = withheld_from(sources, person.consents.licences, now=judged, journals=person.states)
        kept = [pair for pair in kept if counts(pair[1], withheld)]
        verdicts = admit([event for _, event in kept], person.consents, policy=policy, now=judged)
        kept = [pair for pair, verdict in zip(kept, verdicts, strict=True) if isinstance(verdict, Admitted)]
        return _views(_paid(kept, snapshot)), tuple((purpose, source) for source in sources)

    return read_person(context, customer, what="merchants", now=now, as_of=as_of, look=look)


def correct_merchant(context: AppContext, customer: str, said: MerchantSaid, *, now: Instant) -> None:
    """Record what a person says of a merchant, for all movements of it.

    Raises
    ------
    ConsentRefused
        When the person lets no money of theirs be used.
    MalformedRequest
        When a name is no name, or the category does not exist.
    UnknownCustomer
    """
    _check(said.merchant, field="merchant")
    if said.name is not None:
        _check(said.name, field="name")
    if said.category is not None and said.category not in CATEGORIES:
        shape = f"text of {len(said.category)} characters"
        raise MalformedRequest(field="category", shape=shape, fix=f"use one of {', '.join(CATEGORIES)}")
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person, policy = snapshot.person(customer), snapshot.config.policy
        at = person.judged(now)
        sources = [source for source in KINDS if admissible(source, person.consents, policy=policy, now=at)]
    if not sources:
        raise ConsentRefused(why="no payments may be used")
    data = MovementUnderstood(
        id=said.merchant, scope="merchant", merchant=said.name, category=said.category, by="person"
    )
    ingest(context, [_event(source, customer, data, at=at) for source in sources], now=at)


def _event(source: str, customer: str, data: MovementUnderstood, *, at: Instant) -> Event:
    said = f"{data.id}\0{data.merchant}\0{data.category}\0{at}".encode()
    number = blake2b(said, digest_size=_NUMBER_BYTES).hexdigest()
    return Event(
        id=f"merchant-{source}-{number}", producer=_PRODUCER, kind=KINDS[source], customer=customer, at=at, data=data
    )


def _check(text: str, *, field: str) -> None:
    if not 1 <= len(text) <= _LONGEST or text.isspace():
        shape = f"text of {len(text)} characters"
        raise MalformedRequest(field=field, shape=shape, fix=f"write 1 to {_LONGEST} characters")


def _kept(snapshot: Snapshot, person: Person, sources: Iterable[str]) -> Iterator[tuple[KeptEvent, Event]]:
    records = (
        (entry.n, codec.read(entry, box=member.box))
        for member in person.members
        for entry in snapshot.reader.entries(member.subject, upto=person.states[member.subject].n, kinds=HOLDS_EVENTS)
    )
    return kept_events(records, after=dict.fromkeys(sources, 0), removed=person.removed_keys)


def _paid(kept: list[tuple[KeptEvent, Event]], snapshot: Snapshot) -> Iterator[_Paid]:
    """Give what was bought from merchants, or what a person says of them."""
    found = turned_out(event for _, event in kept)
    said = {source: merchants({}, [event for _, event in kept if event.source == source]) for source in KINDS}
    for one, event in {event.key: (one, event) for one, event in kept}.values():
        data = event.data
        if not isinstance(data, Movement):
            continue
        read, later = movement_reading(one), found.get(event.key)
        merchant = merchant_of(data, read=read, later=later)
        if merchant is None:
            continue
        correction = said[one.source].get(merchant_key(merchant))
        shown = as_found(data, read=read, later=later)
        if correction is not None:
            shown = as_corrected(shown, correction, own=later)
        if shown.nature in BOUGHT:
            yield _Paid(merchant, event.day(snapshot.config.calendar), shown, correction)


def _views(paid: Iterable[_Paid]) -> list[MerchantView]:
    """Put movements of one merchant together; it is shown as its newest one is."""
    groups: dict[str, list[_Paid]] = {}
    for one in paid:
        groups.setdefault(merchant_key(one.merchant), []).append(one)
    views = [_view(sorted(group, key=lambda one: one.day)) for group in groups.values()]
    return sorted(views, key=lambda view: (-view.payments, view.name))


def _view(group: list[_Paid]) -> MerchantView:
    newest = group[-1]
    said = newest.said or MerchantCorrection("", "")
    return MerchantView(
        merchant=newest.merchant,
        name=said.name or newest.merchant,
        category=said.category or newest.shown.category,
        said_name=said.name or None,
        said_category=said.category or None,
        payments=len(group),
        last_day=date_of(newest.day).isoformat(),
    )

"""Understanding: what movements of money turn out to be, by all that came before and after them.

A movement is read by itself before it is kept. Where that leaves a question, all movements of its customer are looked
at together once it is kept. What turns out is one more event about the movement, so replay needs no model, and what a
person says of a movement stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

from marketofone.consent.gate import admissible
from marketofone.consent.licence import beyond
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import Event, key_of
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import (
    AccountOpened,
    Movement,
    MovementUnderstood,
    OpenBankingBalance,
    OpenBankingTransaction,
)
from marketofone.domain.reading import MovementReading
from marketofone.models.movement import Fact, OwnAccount, fact_of, understand
from marketofone.profile.account_types import type_of
from marketofone.profile.same_accounts import counts_beside
from marketofone.projection.folding import movement_reading, turned_out, twice_in
from marketofone.projection.journals import kept_of
from marketofone.projection.person import Person
from marketofone.projection.records import KeptEvent
from marketofone.projection.snapshot import Snapshot
from marketofone.services.app_context import AppContext
from marketofone.services.ingest import ingest
from marketofone.services.merchants import KINDS
from marketofone.services.readings import leaves_open
from marketofone.store.keystore import Customer

_MONEY = ("transactions", "open_banking")
_NUMBER_BYTES = 12
MOST = 5_000
"""Movements of a customer that are looked at together: the newest."""


class _Known(NamedTuple):
    """What is kept of a customer's money: movements and what each was read as, accounts, and what turned out."""

    movements: list[tuple[Event, Movement, MovementReading]]
    accounts: list[OwnAccount]
    turned_out: dict[bytes, MovementUnderstood]
    times: Counter[bytes]


def understand_waiting(context: AppContext, *, now: Instant) -> int:
    """Understand the movements of customers about whose money something was left open; gives how many turned out."""
    count = 0
    while (subject := _one_of(context.left_open)) is not None:
        customer = context.keys.customer(subject)
        found: list[Event] = []
        with suppress(UnknownCustomer):  # they are being forgotten
            found = [] if customer is None else _found_now(context, customer, now=now)
        if found:
            count += ingest(context, found, now=now).events
    return count


def _one_of(subjects: set[int]) -> int | None:
    """Take one out; None where none is left, for another thread may take some."""
    with suppress(KeyError):
        return subjects.pop()
    return None


def _found_now(context: AppContext, customer: Customer, *, now: Instant) -> list[Event]:
    """Give the events that say what movements turned out to be, other than what is kept of them."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person_of(customer)
        at, calendar = person.judged(now), snapshot.config.calendar
        known = _known(context.right_of_way.paced(_counting(snapshot, person, now=at)))
    known.movements.sort(key=lambda moved: moved[0].at)
    del known.movements[:-MOST]
    facts = [fact_of(data, day=event.day(calendar), given=given) for event, data, given in known.movements]
    all_said = understand(facts, accounts=known.accounts)
    unresolved = any(_is_unresolved(fact, said) for fact, said in zip(facts, all_said, strict=True))
    (context.unresolved.update if unresolved else context.unresolved.difference_update)(person.states)
    found = []
    for (event, _, given), said in zip(known.movements, all_said, strict=True):
        before = known.turned_out.get(event.key)
        if before is not None and before.by == "person":
            continue
        if _effect(said, given) != _effect(before or MovementReading(), given):
            found.append(_event(event, said, number=known.times[event.key] + 1, at=at))
    return found


def _counting(snapshot: Snapshot, person: Person, *, now: Instant) -> Iterator[tuple[KeptEvent, Event]]:
    """Read what all ids of a person tell of their money, as far as they allow it; what is told twice is given once."""
    policy = snapshot.config.policy
    open_sources = frozenset(of for of in _MONEY if admissible(of, person.consents, policy=policy, now=now))
    heard = {of for state in person.states.values() for of in state.sources if of in open_sources}
    twice = twice_in(snapshot.states(person, now=now, sources=open_sources)) if len(heard) > 1 else ()
    given, licences = set[bytes](), person.consents.licences
    for kept, event in kept_of(snapshot.reader, person, open_sources):
        if event.key in given or beyond(event, licences, now=now) is not None:
            continue
        if counts_beside(event, twice, calendar=snapshot.config.calendar):
            given.add(event.key)
            yield kept, event


def _is_unresolved(fact: Fact, said: MovementReading) -> bool:
    """Say whether a later or a late movement may still say what this one is: money in that nothing explains."""
    return fact.amount_minor > 0 and leaves_open(said)


def _known(kept: Iterable[tuple[KeptEvent, Event]]) -> _Known:
    movements: list[tuple[Event, Movement, MovementReading]] = []
    said: list[Event] = []
    times: Counter[bytes] = Counter()
    seen: dict[tuple[str | None, str], OwnAccount] = {}  # money moves on one's own accounts only
    for record, event in kept:
        data = event.data
        if isinstance(data, Movement):
            movements.append((event, data, _given(record, data)))
            institution = data.institution if isinstance(data, OpenBankingTransaction) else None
            seen.setdefault((institution, data.account), OwnAccount(account=data.account, institution=institution))
        elif isinstance(data, AccountOpened):
            own = OwnAccount(account=data.account, number=data.number, type=type_of(data.type or "", data.product))
            seen[None, data.account] = own
        elif isinstance(data, OpenBankingBalance):
            own = OwnAccount(account=data.account, number=data.number, type=data.type, institution=data.institution)
            seen[data.institution, data.account] = own
        elif isinstance(data, MovementUnderstood):
            if data.scope != "movement":
                continue
            said.append(event)
            times[key_of(data.producer or event.producer, data.id)] += data.by == "history"
    return _Known(movements, list(seen.values()), turned_out(said), times)


def _given(kept: KeptEvent, data: Movement) -> MovementReading:
    """Give what a movement says of itself."""
    if data.nature is not None:
        return MovementReading(nature=data.nature, confidence=1.0, because="its producer says so")
    return movement_reading(kept)


def _effect(
    said: MovementReading | MovementUnderstood, given: MovementReading
) -> tuple[str | None, str | None, str | None]:
    """Give what is counted: what is said, over what was given."""
    return said.nature or given.nature, said.category or given.category, said.merchant or given.merchant


def _event(event: Event, said: MovementReading, *, number: int, at: Instant) -> Event:
    """Say of a movement what it turned out to be; ``number`` counts how often it did."""
    digest = blake2b(event.key, digest_size=_NUMBER_BYTES).hexdigest()
    data = MovementUnderstood(
        id=event.id, nature=said.nature, category=said.category, merchant=said.merchant, because=said.because or None
    )
    return Event(
        id=f"understood-{digest}-{number}",
        producer=event.producer,
        kind=KINDS[event.source],
        customer=event.customer,
        at=at,
        data=data,
    )

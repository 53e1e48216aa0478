"""Understanding: what movements of money turn out to be, by all that came before and after them.

A movement is read by itself before it is kept. Where that leaves a question, all movements of its customer are looked
at together once it is kept, and those at each bank for themselves: the other's data may be taken back. What turns out
is one more event about the movement, so replay needs no model, and what a person says of a movement stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

from marketofone.consent.gate import admissible
from marketofone.consent.licence import Licences, beyond
from marketofone.domain.account_numbers import account_number
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import Event, key_of
from marketofone.domain.fields import AccountType, EventData
from marketofone.domain.moment import Calendar, Instant
from marketofone.domain.money_events import (
    AccountOpened,
    BalanceStated,
    Movement,
    MovementUnderstood,
    OpenBankingBalance,
    OpenBankingOrder,
    OpenBankingTransaction,
    OrderPlaced,
)
from marketofone.domain.reading import MovementReading
from marketofone.features.state import HERE, MONEY, LiveState
from marketofone.models.movement import Fact, OwnAccount, Scope, Understood, fact_of, understand_scopes
from marketofone.profile.account_types import type_of
from marketofone.profile.same_accounts import Aliases, counted, counts_beside
from marketofone.projection.beside import may_tell_twice, twice_in
from marketofone.projection.folding import movement_reading, turned_out
from marketofone.projection.journals import kept_of
from marketofone.projection.lineage import Withheld, counts, scope_of, scope_of_id, withheld_from
from marketofone.projection.person import Person
from marketofone.projection.records import KeptEvent
from marketofone.projection.snapshot import Snapshot
from marketofone.services.intake.ingest import ingest
from marketofone.services.intake.merchants import KINDS
from marketofone.services.intake.pendings import may_wait, unsaid
from marketofone.services.intake.readings import leaves_open
from marketofone.services.runtime.app_context import AppContext, one_of
from marketofone.store.keystore import Customer

_NOTHING = MovementUnderstood(id="-")
_NUMBER_BYTES = 12
_Place = tuple[int, str, str]  # the id of the person, the other bank (empty for an account here), and the account
MOST = 5_000
"""Movements of a customer that are looked at together: the newest."""


class _Moved(NamedTuple):
    """A movement, the id of the person that tells it, what it was read as, and whether it is told here, too."""

    event: Event
    data: Movement
    id: int
    given: MovementReading
    twice: bool


class _Known(NamedTuple):
    """What is kept of a customer's money: movements and accounts, and what was found of movements before.

    ``same`` are accounts elsewhere that count as told here. ``times`` counts how often something was found of each.
    """

    movements: list[_Moved]
    accounts: list[OwnAccount]
    same: list[OwnAccount]
    said: list[Event]
    times: Counter[bytes]


def understand_waiting(context: AppContext, *, now: Instant) -> int:
    """Understand the movements of customers about whose money something was left open; gives how many turned out."""
    count = 0
    while (subject := one_of(context.left_open)) is not None:
        customer = context.keys.customer(subject)
        if customer is None:
            continue
        with suppress(UnknownCustomer):  # they are being forgotten
            gone = _unsaid_now(context, customer, now=now)
            if gone and ingest(context, gone, now=now).events:
                continue  # what is left is looked at without them, for a removal leaves it open
            found = _found_now(context, customer, now=now)
            count += ingest(context, found, now=now).events if found else 0
    return count


def _unsaid_now(context: AppContext, customer: Customer, *, now: Instant) -> list[Event]:
    """Give what takes back those pending movements of one id that count no more, though their producer says it not."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person_of(customer)
        if not may_wait(context, customer.subject, person.own):
            return []
        at = person.judged(now)
        asked = _asked(snapshot, person, now=at)
        found = unsaid(
            reader,
            customer,
            upto=person.own.n,
            removed=person.removed_keys,
            sources=asked.sources,
            licences=asked.licences,
            calendar=snapshot.config.calendar,
            now=at,
        )
    if not (found.waiting or found.removals):
        context.none_pending.put(customer.subject, person.own.guard)
    return found.removals


def _found_now(context: AppContext, customer: Customer, *, now: Instant) -> list[Event]:
    """Give the events that say what movements turned out to be, other than what is kept of them."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person_of(customer)
        at, calendar = person.judged(now), snapshot.config.calendar
        asked = _asked(snapshot, person, now=at)
        pairs = list(context.right_of_way.paced(_admissible(snapshot, person, asked)))
        several = may_tell_twice(event for _, event in pairs)
        states = snapshot.states(person, now=at, sources=asked.sources) if several else {}
    ids = {member.name: member.subject for member in person.members}
    known = _known(_each_once(pairs, states, calendar=calendar), twice_in(states), ids=ids, calendar=calendar)
    known.movements.sort(key=lambda moved: moved.event.at)
    del known.movements[:-MOST]
    facts = [_fact(moved, calendar=calendar) for moved in known.movements]
    twice = [place for place, moved in enumerate(known.movements) if moved.twice]
    all_said = understand_scopes(facts, accounts=known.accounts, twice=twice, same=known.same)
    unresolved = any(_is_unresolved(fact, said.together) for fact, said in zip(facts, all_said, strict=True))
    (context.unresolved.update if unresolved else context.unresolved.difference_update)(person.states)
    return list(_new(known, all_said, withheld=asked.withheld, at=at))


class _Asked(NamedTuple):
    """What of a person's money may be looked at, and what nothing may rest on."""

    sources: frozenset[str]
    licences: Licences
    withheld: Withheld
    now: Instant


def _asked(snapshot: Snapshot, person: Person, *, now: Instant) -> _Asked:
    policy, licences = snapshot.config.policy, person.consents.licences
    sources = frozenset(of for of in MONEY if admissible(of, person.consents, policy=policy, now=now))
    return _Asked(sources, licences, withheld_from(sources, licences, now=now, journals=person.states), now)


def _admissible(snapshot: Snapshot, person: Person, asked: _Asked) -> Iterator[tuple[KeptEvent, Event]]:
    """Read what all ids of a person tell of their money, as far as they allow it; what came twice is given once."""
    given = set[bytes]()
    for kept, event in kept_of(snapshot.reader, person, asked.sources):
        if event.key not in given and beyond(event, asked.licences, now=asked.now) is None:
            given.add(event.key)
            yield kept, event


def _each_once(
    pairs: Iterable[tuple[KeptEvent, Event]], states: Mapping[str, LiveState], *, calendar: Calendar
) -> Iterator[tuple[KeptEvent, Event]]:
    """Leave out what is told under another name of its account in the same source.

    What is found rests on the bank that told it, so what other banks tell keeps their names.
    """
    for kept, event in pairs:
        state = states.get(event.source)
        once = event if state is None else counted(event, state.aliases, calendar=calendar)
        if once is not None:
            yield kept, once if event.source == HERE else event


def _new(known: _Known, all_said: Sequence[Understood], *, withheld: Withheld, at: Instant) -> Iterator[Event]:
    """Give the events that say what movements turned out to be, other than what is kept of them.

    What a movement is without other banks is said first, for what is found last counts where all of it may be used.
    """
    by_itself = turned_out(event for event in known.said if not _rests_on(event))
    by_all = turned_out(event for event in known.said if counts(event, withheld))
    for moved, said in zip(known.movements, all_said, strict=True):
        key, given = moved.event.key, moved.given
        before, number = by_all.get(key), known.times[key]
        if before is not None and before.by == "person":
            continue
        alone, together = _effect(said.alone, given), _effect(said.together, given)
        if alone != _effect(by_itself.get(key, _NOTHING), given):
            number += 1
            found, before = _event(moved.event, said.alone, rests_on=(), number=number, at=at)
            yield found
        rests_on = () if together == alone else _scopes(said.rests_on, beside=moved)
        held = before or _NOTHING
        if (together, rests_on) != (_effect(held, given), held.rests_on):
            yield _event(moved.event, said.together, rests_on=rests_on, number=number + 1, at=at)[0]


def _scopes(needed: Iterable[Scope], *, beside: _Moved) -> tuple[str, ...]:
    """Name what else is needed than what the id of a movement tells of its bank."""
    own = beside.data.institution if isinstance(beside.data, OpenBankingTransaction) else None
    ids = {scope_of_id(one.id) for one in needed if one.id != beside.id}
    banks = {scope_of(one.institution) for one in needed if one.institution != own}
    return *sorted(ids), *sorted(banks)


def _rests_on(event: Event) -> tuple[str, ...]:
    return event.data.rests_on if isinstance(event.data, MovementUnderstood) else ()


def _fact(moved: _Moved, *, calendar: Calendar) -> Fact:
    return fact_of(moved.data, day=moved.event.day(calendar), given=moved.given, id=moved.id)


def _is_unresolved(fact: Fact, said: MovementReading) -> bool:
    """Say whether a later or a late movement may still say what this one is: money in that nothing explains."""
    return fact.amount_minor > 0 and leaves_open(said)


def _known(
    kept: Iterable[tuple[KeptEvent, Event]], twice: Aliases, *, ids: Mapping[str, int], calendar: Calendar
) -> _Known:
    movements: list[_Moved] = []
    said: list[Event] = []
    times: Counter[bytes] = Counter()
    seen: dict[_Place, _Seen] = {}  # money moves on one's own accounts only
    counting: set[tuple[str, str]] = set()
    for record, event in kept:
        data, once = event.data, counts_beside(event, twice, calendar=calendar)
        if isinstance(data, MovementUnderstood):
            if data.scope == "movement":
                said.append(event)
                times[key_of(data.producer or event.producer, data.id)] += data.by == "history"
            continue
        if isinstance(data, Movement):
            movements.append(_Moved(event, data, ids[event.customer], _given(record, data), not once))
        own = _own_account(data)
        if own is None:
            continue
        place = ids[event.customer], own.institution or "", own.account
        if once:
            counting.add(place[1:])
        seen.setdefault(place, _Seen()).hear(own, event)
    accounts = {place: seen[place].account(place) for place in sorted(seen)}
    same = [own for place, own in accounts.items() if place[1:] not in counting]
    return _Known(movements, list(accounts.values()), same, said, times)


class _Seen:
    """What was told of an account: all its numbers, and its type as of the latest event that tells it."""

    def __init__(self) -> None:
        self._numbers: set[str] = set()
        self._type: tuple[Instant, bytes, AccountType] | None = None

    def hear(self, own: OwnAccount, event: Event) -> None:
        self._numbers.update(map(account_number, own.numbers))
        if own.type is not None:
            told = event.at, event.key, own.type
            self._type = told if self._type is None else max(self._type, told)

    def account(self, place: _Place) -> OwnAccount:
        id_, institution, account = place
        return OwnAccount(
            account=account,
            numbers=tuple(sorted(self._numbers)),
            type=None if self._type is None else self._type[2],
            institution=institution or None,
            id=id_,
        )


def _own_account(data: EventData) -> OwnAccount | None:
    """Give the account of which an event tells, as far as it does."""
    match data:
        case OpenBankingTransaction():
            return OwnAccount(account=data.account, numbers=_told(data.number), institution=data.institution)
        case OpenBankingOrder():
            return OwnAccount(account=data.account, institution=data.institution)
        case Movement() | BalanceStated() | OrderPlaced():
            return OwnAccount(account=data.account)
        case AccountOpened():
            return OwnAccount(
                account=data.account, numbers=_told(data.number), type=type_of(data.type or "", data.product)
            )
        case OpenBankingBalance():
            return OwnAccount(
                account=data.account, numbers=_told(data.number), type=data.type, institution=data.institution
            )
        case _:
            return None


def _told(number: str | None) -> tuple[str, ...]:
    return () if number is None else (number,)


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


def _event(
    event: Event, said: MovementReading, *, rests_on: tuple[str, ...], number: int, at: Instant
) -> tuple[Event, MovementUnderstood]:
    """Say of a movement what it turned out to be; ``number`` counts how often it did."""
    digest = blake2b(event.key, digest_size=_NUMBER_BYTES).hexdigest()
    data = MovementUnderstood(
        id=event.id,
        nature=said.nature,
        category=said.category,
        merchant=said.merchant,
        because=said.because or None,
        rests_on=rests_on,
    )
    found = Event(
        id=f"understood-{digest}-{number}",
        producer=event.producer,
        kind=KINDS[event.source],
        customer=event.customer,
        at=at,
        data=data,
    )
    return found, data

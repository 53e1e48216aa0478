"""What was pending in a feed and is booked under another id, which no event of its producer says: it counts once.

A journal remembers the last entry that told a pending movement. While one of them may still be booked, every movement
of its customer opens a look at those of the same producer, here or at the same bank. What another one is by now is
taken back by an event of the journal, so a replay compares nothing. What was taken back so keeps the booking it is,
so of two equal ones of which one is booked the other one stays.

Of files it is the import that compares them (``retold.py``): it knows what a file tells again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from marketofone.consent.licence import Licences, beyond
from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import MOVEMENTS, Event, key_of, removal_of
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.money_events import Movement, OpenBankingTransaction, institution_key
from marketofone.models.movement.retold import Seen, booked_by_now, may_be_booked_yet, seen
from marketofone.projection import codec
from marketofone.projection.amendments import Removals, first_id, is_taken_back
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.reducer import SubjectState
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import kept_keys
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

MOST = 5_000
"""Movements of a customer that are compared: the newest."""
MOST_PENDING = 500
"""Pending movements, of those and of a file, that are compared: a person has a few."""
FILES = frozenset({"berlin", "camt", "csv", "fdx", "mt940", "ofx", "parquet", "plaid", "qif", "uk-ob", "xlsx"})
"""The formats of files, by which their producers are called."""
_Teller = tuple[str, str, str]  # producer, kind and the other bank


class Booked(NamedTuple):
    """What takes back pending movements that are booked by now, and whether others still wait."""

    removals: list[Event]
    waiting: bool


class _Told(NamedTuple):
    """A movement as one entry told it, whether it was taken back, and whether it is pending."""

    event: Event
    data: Movement
    n: int
    is_gone: bool
    is_pending: bool


class _Pending(NamedTuple):
    """Pending movements by whether a booking was found for a version of them before; those that still count."""

    settled: list[_Told]
    open: list[_Told]
    counting: frozenset[str]


def is_pending(event: Event) -> bool:
    """Say whether an event tells a movement that is not booked yet."""
    return isinstance(event.data, Movement) and event.data.status == "pending"


def may_wait(context: AppContext, subject: int, state: SubjectState) -> bool:
    """Say whether a pending movement of a journal may still be booked under another id."""
    return state.pending > 0 and context.none_pending.get(subject) != state.guard


def removal(event: Event) -> Event:
    """Make the event that takes a movement back, in that version only: the bank may book it under its id after all."""
    return removal_of(event, id=_removal_id(event.id), only=True)


def movements(reader: Reader, member: Customer, *, upto: int | None = None) -> Iterator[tuple[int, Event]]:
    """Read the movements that a journal keeps, each with its entry, the newest entry first."""
    for entry in reader.entries(member.subject, upto=upto, kinds=HOLDS_EVENTS, newest_first=True):
        for kept in codec.read(entry, box=member.box).events:
            if kept.kind in MOVEMENTS and kept.body is not None:
                yield entry.n, read_kept(kept.body, kind=kept.kind)


def booked_otherwise(  # noqa: PLR0913 - all that it rests on
    reader: Reader,
    member: Customer,
    *,
    upto: int,
    removed: Removals,
    sources: Collection[str],
    licences: Licences,
    calendar: Calendar,
    now: Instant,
) -> Booked:
    """Compare the pending movements of one journal with those that are booked in it.

    Parameters
    ----------
    upto
        Where the journal ends.
    removed
        The keys of events that were taken back, by source.
    sources, licences
        What of the person's money may be looked at.
    """
    told: dict[_Teller, list[_Told]] = {}
    for n, event in islice(movements(reader, member, upto=upto), MOST):
        data = event.data
        if event.source in sources and isinstance(data, Movement) and beyond(event, licences, now=now) is None:
            one = _Told(event, data, n, is_taken_back(event, removed), data.status == "pending")
            told.setdefault(_teller(event), []).append(one)
    removals, waiting = list[Event](), False
    for (producer, *_), some in told.items():
        if producer.split("/")[0] not in FILES and any(one.is_pending and not one.is_gone for one in some):
            found = _compared(reader, member, some, calendar=calendar)
            removals += found.removals
            waiting = waiting or found.waiting
    return Booked(removals, waiting)


def _compared(reader: Reader, member: Customer, told: Sequence[_Told], *, calendar: Calendar) -> Booked:
    """Compare what one producer told of the accounts at one bank."""
    pending = _pending(told, known=_settled(reader, member, told))
    by_id = {one.event.id: one for one in told}
    booked = [one for one in told if not (one.is_pending or one.is_gone or _says_which(one, by_id))]
    free = _seen(booked, calendar=calendar)
    before = booked_by_now(_seen(pending.settled, calendar=calendar), free, earliest=0)
    taken = set(before.values())
    waiting = _seen(pending.open, calendar=calendar)
    found = before | booked_by_now(waiting, [one for one in free if one.id not in taken], earliest=0)
    removals = [removal(by_id[name].event) for name in sorted(found.keys() & pending.counting)]
    newest = _newest(told, calendar=calendar)
    left = (one for one in waiting if one.id not in found)
    return Booked(removals, any(may_be_booked_yet(one, on=newest.get(one.account, one.day)) for one in left))


def _settled(reader: Reader, member: Customer, told: Iterable[_Told]) -> set[str]:
    """Give the ids of pending movements of which one version was taken back because it is booked."""
    gone = [one.event for one in told if one.is_pending and one.is_gone]
    keys = {key_of(event.producer, _removal_id(event.id)): event.id for event in gone}
    return {_first(keys[key]) for key in kept_keys(reader, member.subject, keys)}


def _pending(told: Iterable[_Told], *, known: Collection[str]) -> _Pending:
    """Part the pending movements, each in the version that counts, else in the last one."""
    replaced = {one.data.replaces for one in told if not one.is_pending and one.data.replaces is not None}
    versions: dict[str, _Told] = {}
    for one in told:  # the newest first
        name = _first(one.event.id)
        if one.is_pending and (name not in versions or versions[name].is_gone > one.is_gone):
            versions[name] = one
    settled = [one for name, one in versions.items() if name in known and one.event.id not in replaced]
    open_ = [one for name, one in versions.items() if name not in known and not one.is_gone]
    counting = frozenset(one.event.id for one in versions.values() if not one.is_gone)
    return _Pending(settled[:MOST_PENDING], open_[:MOST_PENDING], counting)


def _says_which(one: _Told, by_id: Mapping[str, _Told]) -> bool:
    """Say whether a booked movement tells itself which pending one it is, and so is no other."""
    asked = set[str]()
    while one.data.replaces is not None and one.event.id not in asked:
        asked.add(one.event.id)
        before = by_id.get(one.data.replaces)
        if before is None or before.is_pending:
            return True
        one = before
    return False


def _seen(some: Iterable[_Told], *, calendar: Calendar) -> list[Seen]:
    return [seen(one.event, one.data, calendar=calendar, told=one.n) for one in some]


def _newest(told: Iterable[_Told], *, calendar: Calendar) -> dict[str, Day]:
    """Give the newest day of each account on which something was booked."""
    days: dict[str, Day] = {}
    for one in told:
        if not one.is_pending:
            day = one.event.day(calendar)
            days[one.data.account] = max(days.get(one.data.account, day), day)
    return days


def _teller(event: Event) -> _Teller:
    bank = institution_key(event.data.institution) if isinstance(event.data, OpenBankingTransaction) else ""
    return event.producer, event.kind, bank


def _first(event_id: str) -> str:
    return first_id(event_id) or event_id


def _removal_id(event_id: str) -> str:
    return f"{event_id}~retold"

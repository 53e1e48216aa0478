"""A movement that is sent again under its id, with other facts, is corrected: a later version of it is kept.

What was sent again as it is, or as it was in any version before, adds nothing; neither does a pending payment that is
booked already. So files may come again in any order. But where a feed tells a pending payment beside a new one that it
could be, this says that they are two: that it was told again is kept as well (``pendings.py``).
The journal is looked through around what was found there last, at first from its end: what is sent again mostly stands
side by side, so a file that comes again walks through a long journal once, and not with every batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import MOVEMENTS, Event, key_of
from marketofone.domain.moment import Calendar, Day
from marketofone.domain.money_events import Movement
from marketofone.models.movement.retold import Purchase, purchase_of
from marketofone.projection import codec
from marketofone.projection.amendments import later_id
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.recent import Recent
from marketofone.services.intake.pendings import is_of_file, is_pending
from marketofone.services.runtime.directory import event_number
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

_FIRST, _TOGETHER = 4, 64  # entries read at once


def corrections(
    reader: Reader,
    customer: Customer,
    sent_again: Iterable[Event],
    *,
    beside: Iterable[Event],
    calendar: Calendar,
    found_last: Recent[int, int],
) -> list[Event]:
    """Give the later versions of movements that were sent again with other facts, or ``beside`` new ones like them.

    ``found_last`` remembers the entry that was found last in each journal.
    """
    new = {_purchase(event, calendar) for event in beside if is_pending(event) and not is_of_file(event.producer)}
    movements = [event for event in sent_again if event.kind in MOVEMENTS]
    versions = {event.key: kept_versions(reader, customer, producer=event.producer, id=event.id) for event in movements}
    wanted = {key_of(event.producer, name) for event in movements for name in versions[event.key]}
    known: dict[bytes, Event] = {}
    for n, event in _kept(reader, customer, wanted, around=found_last.get(customer.subject)):
        known[event.key] = event
        found_last.put(customer.subject, n)
    later: list[Event] = []
    for event in movements:
        ids = versions[event.key]
        before = [known.get(key_of(event.producer, name)) for name in ids]
        is_new = all(one is not None and not _tells_nothing_new(event, after=one, calendar=calendar) for one in before)
        if is_new or (new and _stays_pending(event, after=before[-1], calendar=calendar, beside=new)):
            later.append(_later(event, replaces=ids[-1], version=len(ids) + 1))
    return later


def kept_versions(
    reader: Reader,
    customer: Customer,
    *,
    producer: str,
    id: str,  # noqa: A002 - the word of CloudEvents
) -> list[str]:
    """Give the ids of the versions of an event that are kept, the first one first."""
    ids = [id]
    while True:
        following = later_id(id, len(ids) + 1)
        number = event_number(key_of(producer, following), subject=customer.subject)
        if not reader.known([(customer.subject, number)]):
            return ids
        ids.append(following)


def _kept(reader: Reader, customer: Customer, wanted: set[bytes], *, around: int | None) -> Iterator[tuple[int, Event]]:
    """Find kept events by their keys, each with its entry."""
    end = reader.head(customer.subject).n
    for after, upto in _stretches(end, around=end if around is None else min(around, end)):
        if not wanted:
            return
        for entry in reader.entries(customer.subject, after=after, upto=upto, kinds=HOLDS_EVENTS):
            for kept in codec.read(entry, box=customer.box).events:
                if kept.kind in MOVEMENTS and kept.body is not None:
                    event = read_kept(kept.body, kind=kept.kind)
                    if event.key in wanted:
                        wanted.discard(event.key)
                        yield entry.n, event


def _stretches(end: int, *, around: int) -> Iterator[tuple[int, int]]:
    """Part a journal into longer and longer stretches around one of its entries, towards its end and its beginning."""
    after = upto = around
    size = _FIRST
    while after < end or upto > 0:
        if after < end:
            yield after, min(after + size, end)
        if upto > 0:
            yield max(upto - size, 0), upto
        after, upto, size = after + size, upto - size, min(2 * size, _TOGETHER)


def _tells_nothing_new(event: Event, *, after: Event, calendar: Calendar) -> bool:
    """Compare what two versions say. What is booked is no longer pending, whatever comes late."""
    assert isinstance(after.data, Movement)  # noqa: S101 - their kind says so
    assert isinstance(event.data, Movement)  # noqa: S101 - their kind says so
    if (after.data.status, event.data.status) == ("booked", "pending"):
        return True
    return said(after, calendar) == said(event, calendar)


def _purchase(event: Event, calendar: Calendar) -> tuple[str, str, Purchase]:
    assert isinstance(event.data, Movement)  # noqa: S101 - their kind says so
    return event.producer, event.kind, purchase_of(event, event.data, calendar=calendar)


def _stays_pending(
    event: Event, *, after: Event | None, calendar: Calendar, beside: Collection[tuple[str, str, Purchase]]
) -> bool:
    """Say whether a payment is told as it was last, as pending, beside one that it could be."""
    if after is None or not is_pending(event) or said(after, calendar) != said(event, calendar):
        return False
    return _purchase(event, calendar) in beside


def said(event: Event, calendar: Calendar) -> tuple[str, Day, Movement]:
    """Give what a version says, on which day; at what time of it, and which version it replaces, is no part of it."""
    assert isinstance(event.data, Movement)  # noqa: S101 - its kind says so
    return event.kind, event.day(calendar), msgspec.structs.replace(event.data, booked=None, replaces=None)


def _later(event: Event, *, replaces: str, version: int) -> Event:
    assert isinstance(event.data, Movement)  # noqa: S101 - its kind says so
    data = msgspec.structs.replace(event.data, replaces=replaces)
    return Event(
        id=later_id(event.id, version),
        producer=event.producer,
        kind=event.kind,
        customer=event.customer,
        at=event.at,
        data=data,
    )

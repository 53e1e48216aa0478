"""A movement that is sent again under its id, with other facts, is corrected: a later version of it is kept.

What was sent again as it is, or as it was in any version before, adds nothing; neither does a pending payment that is
booked already. So files may come again in any order.
The journal is looked through from its end, where what is sent again mostly stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import MOVEMENTS, Event, key_of
from marketofone.domain.moment import Calendar, Day
from marketofone.domain.money_events import Movement
from marketofone.projection import codec
from marketofone.projection.amendments import later_id
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.services.directory import event_number
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

_TOGETHER = 64  # entries read at once


def corrections(reader: Reader, customer: Customer, sent_again: Iterable[Event], *, calendar: Calendar) -> list[Event]:
    """Give the later versions of movements that were sent again with other facts."""
    movements = [event for event in sent_again if event.kind in MOVEMENTS]
    versions = {event.key: kept_versions(reader, customer, event) for event in movements}
    wanted = {key_of(event.producer, name) for event in movements for name in versions[event.key]}
    known = {event.key: event for event in _kept(reader, customer, wanted)}
    later: list[Event] = []
    for event in movements:
        ids = versions[event.key]
        before = [known.get(key_of(event.producer, name)) for name in ids]
        if all(one is not None and not _tells_nothing_new(event, after=one, calendar=calendar) for one in before):
            later.append(_later(event, replaces=ids[-1], version=len(ids) + 1))
    return later


def kept_versions(reader: Reader, customer: Customer, event: Event) -> list[str]:
    """Give the ids of the versions of an event that are kept, the first one first."""
    ids = [event.id]
    while True:
        following = later_id(event.id, len(ids) + 1)
        number = event_number(key_of(event.producer, following), subject=customer.subject)
        if not reader.known([(customer.subject, number)]):
            return ids
        ids.append(following)


def _kept(reader: Reader, customer: Customer, wanted: set[bytes]) -> Iterator[Event]:
    """Find kept events by their keys, from the end of the journal on."""
    end = reader.head(customer.subject).n
    while end > 0 and wanted:
        start = max(end - _TOGETHER, 0)
        for entry in reader.entries(customer.subject, after=start, upto=end, kinds=HOLDS_EVENTS):
            for kept in codec.read(entry, box=customer.box).events:
                if kept.kind in MOVEMENTS and kept.body is not None:
                    event = read_kept(kept.body, kind=kept.kind)
                    if event.key in wanted:
                        wanted.discard(event.key)
                        yield event
        end = start


def _tells_nothing_new(event: Event, *, after: Event, calendar: Calendar) -> bool:
    """Compare what two versions say. What is booked is no longer pending, whatever comes late."""
    assert isinstance(after.data, Movement)  # noqa: S101 - their kind says so
    assert isinstance(event.data, Movement)  # noqa: S101 - their kind says so
    if (after.data.status, event.data.status) == ("booked", "pending"):
        return True
    return said(after, calendar) == said(event, calendar)


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

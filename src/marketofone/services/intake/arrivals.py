"""Arrivals: events that can be read, before they are judged, and which of them are new.

An event is known when its key is kept in its customer's journal. A movement that is known and says something else now
is a correction, which is new again (``corrections.py``).
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.cloudevents import cloudevent, parse_event
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.event import MOVEMENTS, CustomerBorn, Event
from marketofone.domain.moment import DAY, SECOND, Instant, date_of, day_number
from marketofone.domain.money_events import Movement
from marketofone.services.intake.corrections import corrections
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import event_number, kept_keys
from marketofone.store.keystore import Customer

_ENCODE = msgspec.json.Encoder().encode


class Arrival(Struct, frozen=True, gc=False):
    """One event that can be read, and its bytes."""

    event: Event
    body: bytes


def arrival_of(context: AppContext, body: bytes, *, now: Instant) -> Arrival:
    """Read an event, values too: every later fold must be able to read what is kept.

    Raises
    ------
    MalformedEvent
        When it breaks its contract, or lies in the future.
    """
    event = parse_event(body)
    calendar, data = context.config.calendar, event.data
    if isinstance(data, CustomerBorn) and day_number(data.born) > calendar.day_of(now):
        raise MalformedEvent(field="born", shape="a day that is still to come", fix="write the day of the birth")
    if event.at <= now:
        return Arrival(event, body)
    dated = isinstance(data, Movement) and (data.booked is not None or event.at % DAY == 0)
    if dated and event.day(calendar) <= calendar.day_of(now):
        # East of Greenwich the day of a booking begins before midnight in UTC, which only stands for a date.
        data = replace(data, booked=date_of(event.day(calendar)))
        return arrival_from(replace(event, at=now, data=data))
    if event.at > now + context.config.settings.future_seconds * SECOND:
        clock = context.config.settings.clock
        fix = "check the producer's clock" if clock is None else f"move the clock in bank.toml on: it stands at {clock}"
        raise MalformedEvent(field="time", shape="an instant in the future", fix=fix)
    return Arrival(event, body)


def arrival_from(event: Event) -> Arrival:
    """Give an event of our own making as an arrival."""
    body = _ENCODE(cloudevent(event))
    return Arrival(parse_event(body), body)


def about(arrival: Arrival, customer: str) -> Arrival:
    """Give an arrival as one about another customer, the same in everything else."""
    return arrival_from(replace(arrival.event, customer=customer))


Waiting = dict[int, tuple[Customer, list[Arrival]]]
"""What is still to be appended, by subject."""


def each_once(waiting: Waiting) -> tuple[Waiting, int, list[Arrival]]:
    """Take each event once; gives how many stood there twice, and movements that stood there with other facts."""
    once: Waiting = {}
    equal, again = 0, list[Arrival]()
    for subject, told in waiting.items():
        customer, arrivals = told
        if len(arrivals) == 1:  # nearly always
            once[subject] = told
            continue
        by_key: dict[bytes, Arrival] = {}
        for arrival in arrivals:
            first = by_key.setdefault(arrival.event.key, arrival)
            if first is arrival:
                continue
            if arrival.event.kind in MOVEMENTS and first.event != arrival.event:
                again.append(arrival)
            else:
                equal += 1
        once[subject] = customer, list(by_key.values())
    return once, equal, again


def without_known(context: AppContext, waiting: Waiting, *, corrected: bool = False) -> Waiting:
    """Leave out what is kept already; ``corrected`` puts later versions in where movements were sent again."""
    numbers = {
        subject: [event_number(arrival.event.key, subject=subject) for arrival in arrivals]
        for subject, (_, arrivals) in waiting.items()
    }
    calendar = context.config.calendar
    with context.store.read() as reader:
        known = reader.known([(subject, number) for subject, of in numbers.items() for number in of])
        fresh: Waiting = {}
        for subject, (customer, arrivals) in waiting.items():
            is_known = [(subject, number) in known for number in numbers[subject]]
            new = [one for one, kept in zip(arrivals, is_known, strict=True) if not kept]
            if corrected and any(is_known):
                again = [one.event for one, kept in zip(arrivals, is_known, strict=True) if kept]
                beside = [one.event for one in new]
                later = corrections(
                    reader, customer, again, beside=beside, calendar=calendar, found_last=context.found_last
                )
                new += map(arrival_from, later)
            if new:
                fresh[subject] = (customer, new)
    return fresh


def kept_before(context: AppContext, events: Collection[Event], *, customer: str) -> set[bytes]:
    """Give the keys of those events that are kept in a customer's journal."""
    known = context.keys.find((customer,)).get(customer)
    if known is None:
        return set()
    with context.store.read() as reader:
        return kept_keys(reader, known.subject, [event.key for event in events])


def size_of(waiting: Waiting) -> int:
    """Count what is still to be appended."""
    return sum(len(arrivals) for _, arrivals in waiting.values())

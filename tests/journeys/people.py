"""Events of ordinary people, for the journeys."""

from __future__ import annotations

from itertools import count

from marketofone import Bank
from marketofone.domain.event import KINDS, AppOpened, AppScreen, Event, MessageReceived, PartnerSearched
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.money_events import TransactionBooked
from marketofone.features.state_form import to_bytes
from marketofone.projection import codec
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.records import KeptEvent

_NUMBERS = count()
_KIND_OF = {structure: kind for kind, (structure, _) in KINDS.items()}


def happened(customer: str, data: EventData, *, at: Instant, name: str | None = None) -> Event:
    """Make one event; without a name, one that never happened before."""
    return Event(
        id=name or f"event-{next(_NUMBERS)}",
        producer="/tests",
        kind=_KIND_OF[type(data)],
        customer=customer,
        at=at,
        data=data,
    )


def paid(customer: str, amount_minor: int, category: str, *, at: Instant, balance: int | None = None) -> Event:
    """Move money on the customer's account."""
    data = TransactionBooked(
        account=f"account-{customer}",
        amount_minor=amount_minor,
        currency="EUR",
        category=category,
        balance_minor=balance,
    )
    return happened(customer, data, at=at)


def ordinary_months(customer: str, *, until: Instant, days: int = 200) -> list[Event]:
    """Live an ordinary life: a salary, rent, groceries, a little dining, the app now and then."""
    events: list[Event] = []
    balance = 150_000
    for ago in range(days, 0, -1):
        at = Instant(until - ago * DAY - 2 * HOUR)
        flows = [(-4_000, "groceries")] if ago % 3 == 0 else [(-1_800, "dining")] if ago % 7 == 1 else []
        flows += [(280_000, "salary"), (-90_000, "rent")] if ago % 30 == 5 else []
        for order, (amount, category) in enumerate(flows):
            balance += amount
            events.append(paid(customer, amount, category, at=Instant(at + order), balance=balance))
        if ago % 2 == 0:
            events.append(happened(customer, AppOpened(), at=Instant(at + HOUR)))
            events.append(happened(customer, AppScreen(screen="home", dwell_ms=4_000), at=Instant(at + HOUR + 1)))
    return events


def running_dry(customer: str, *, until: Instant) -> list[Event]:
    """Live on a salary that stopped two months ago, while rent and shopping go on: the money ends this month."""
    flows: list[tuple[int, int, str]] = []
    for ago in range(240, 0, -1):
        if ago % 30 == 5 and ago > 60:
            flows.append((ago, 250_000, "salary"))
        if ago % 30 == 2:
            flows.append((ago, -90_000, "rent"))
        if ago % 2:
            flows.append((ago, -14_000, "groceries"))
    balance = 60_000 - sum(amount for _, amount, _ in flows)
    events = []
    for order, (ago, amount, category) in enumerate(flows):
        balance += amount
        events.append(paid(customer, amount, category, at=Instant(until - ago * DAY + order), balance=balance))
    return events


def rent_uncovered(customer: str, *, until: Instant) -> list[Event]:
    """Pay rent every month from a salary that stopped: what is left does not cover the next, due in twelve days."""
    flows = [(ago, 120_000, "salary") for ago in range(235, 85, -30)]
    flows += [(ago, -90_000, "rent") for ago in range(228, 0, -30)]
    flows += [(ago, -900, "groceries") for ago in range(240, 0, -4)]
    balance = 40_000 - sum(amount for _, amount, _ in flows)
    events = []
    for order, (ago, amount, category) in enumerate(sorted(flows, reverse=True)):
        balance += amount
        events.append(paid(customer, amount, category, at=Instant(until - ago * DAY + order), balance=balance))
    return events


def searched(customer: str, query: str, *, at: Instant) -> Event:
    """Search on a partner's site."""
    return happened(customer, PartnerSearched(query=query), at=at)


def wrote(customer: str, text: str, *, at: Instant) -> Event:
    """Write to the bank."""
    return happened(customer, MessageReceived(text=text), at=at)


def kept_events(bank: Bank, customer: str) -> list[KeptEvent]:
    """Give what is kept of a customer's events, in the order in which they arrived."""
    owner = bank.context.keys.find((customer,))[customer]
    with bank.context.store.read() as reader:
        entries = reader.entries(owner.subject, kinds=HOLDS_EVENTS)
        return [event for entry in entries for event in codec.read(entry, box=owner.box).events]


def live_states(bank: Bank, customer: str, *, now: Instant) -> dict[str, bytes]:
    """Give a person's live state by source, as bytes, as far as they allow it."""
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        states = snapshot.states(snapshot.person(customer), now=now)
    return {source: to_bytes(state) for source, state in states.items()}

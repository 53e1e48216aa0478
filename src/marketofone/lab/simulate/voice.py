"""Rows of numbers put into the words of the domain: one event each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle

import numpy as np

from marketofone.domain import event as told
from marketofone.domain.decoding import convert
from marketofone.domain.event import KINDS, Event
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Instant, datetime_of
from marketofone.domain.money_events import ProductOpened, TransactionBooked
from marketofone.lab.simulate.life import HERE, MISSING, SAVINGS, Rows
from marketofone.lab.simulate.people import Person
from marketofone.lab.simulate.tables import (
    MESSAGES,
    MESSAGES_OF,
    PAYMENTS,
    PAYMENTS_OF,
    PLACES,
    SEARCHES,
    TABLES,
    WORDS,
)

CURRENCY = "EUR"
_CARE_DAYS = 180
_KINDS = tuple(KINDS)
# What says nothing about the person is said once: events share these values.
_SAID: dict[str, Sequence[EventData]] = {
    "product.opened": [ProductOpened(product=name) for name in WORDS["products"]],
    "arrears.changed": [told.ArrearsChanged(in_arrears=late) for late in (False, True)],
    "app.opened": [told.AppOpened(device="phone")],
    "app.searched": [told.AppSearched(query=query) for query in WORDS["queries"]],
    "app.feature": [told.AppFeatureUsed(feature=name) for name in WORDS["features"]],
    "app.failed": [told.AppFailed(code=name) for name in WORDS["failures"]],
    "partner.searched": [
        told.PartnerSearched(query=query, site=site) for query, site in zip(SEARCHES, cycle(WORDS["sites"]))
    ],
    "life.declared": convert([{"event": turn} for turn in TABLES.turns if turn != "none"], of=list[told.LifeDeclared]),
    "message.received": [told.MessageReceived(text=text) for text in MESSAGES],
    "place.visited": [told.PlaceVisited(venue=venue, country=country) for venue, country in PLACES],
}


def events_of(rows: Rows, people: Sequence[Person]) -> list[Event]:
    """Put rows into events, in their order; ``people`` by index."""
    events = []
    for _, at, index, number, kind, what, account, amount, balance in rows.tolist():
        who, name = people[index], _KINDS[kind]
        if (said := _SAID.get(name)) is not None:
            data = said[what]
        elif name == "transaction.booked":
            data = _booked(account_of(who, account), what, amount, None if balance == MISSING else balance)
        else:
            data = _personal(name, who, what, account, (amount, balance, at))
        event_id, source = f"{who.id}-{number}", f"/simulated/{name.partition('.')[0]}"
        events.append(Event(id=event_id, producer=source, kind=name, customer=who.id, at=Instant(at), data=data))
    return events


def sign_of(sign: str, who: Person, *, rng: np.random.Generator) -> dict[str, EventData]:
    """Say in events what follows an acceptance, by kind; nothing where it is no event."""
    if sign == "complaint":
        upset = MESSAGES_OF["upset"]
        return {"message.received": _SAID["message.received"][int(rng.integers(upset.start, upset.stop))]}
    if sign == "fee":
        fee = TABLES.habits["fees"]
        amount = -round(fee.median * float(np.exp(fee.spread * rng.standard_normal())))
        return {"transaction.booked": _booked(account_of(who, HERE), PAYMENTS_OF["fees"].start, amount, None)}
    if sign == "use":
        features = _SAID["app.feature"]
        return {"app.opened": _SAID["app.opened"][0], "app.feature": features[int(rng.integers(len(features)))]}
    return {}


def account_of(person: Person, account: int) -> str:
    """Name one of a person's accounts."""
    return f"{person.id}:{('current', 'savings', 'elsewhere')[account]}"


def _booked(account: str, what: int, amount: int, balance: int | None) -> EventData:
    category, operation, shop, name = PAYMENTS[what]
    return TransactionBooked(
        account=account,
        amount_minor=amount,
        currency=CURRENCY,
        category=category,
        operation=operation,
        merchant=(name or None) if shop else None,
        counterparty=None if shop else name or None,
        balance_minor=balance,
    )


def _personal(name: str, who: Person, what: int, account: int, figures: tuple[int, int, int]) -> EventData:
    """Say what depends on the person, kind by kind; its contract is checked on the way."""
    amount, balance, at = figures
    until = datetime_of(Instant(at)) + timedelta(days=_CARE_DAYS)
    category, _, _, payee = PAYMENTS[what]
    own = {"account": account_of(who, account), "currency": CURRENCY}
    away = {**own, "institution": who.other_bank}
    facts: dict[str, dict[str, object]] = {
        "person.described": {"birth_year": who.birth_year, "sex": who.sex, "region": who.region},
        "identity.linked": {"key_kind": "device", "key": f"device-{who.id}"},
        "account.opened": {**own, "product": "savings_account" if account == SAVINGS else "current_account"},
        "order.placed": {**own, "amount_minor": amount, "category": category, "counterparty": payee},
        "app.screen": {"screen": WORDS["screens"][what % len(WORDS["screens"])], "dwell_ms": -amount},
        "openbanking.balance": {**away, "balance_minor": balance},
        "openbanking.transaction": {**away, "amount_minor": amount, "category": category, "counterparty": payee},
        "care.flagged": {"driver": "life_event", "until": until},
    }
    return convert(facts[name], of=KINDS[name][0])

"""What the situations are made of: events as producers send them, and what people say about consent."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import TypeVar

from marketofone import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.moment import DAY, HOUR, Instant, text_of
from marketofone.projection import codec

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z, a Monday
EVERY = ("*",)
T = TypeVar("T")
_NUMBERS = count()


def sent(kind: str, customer: str, *, at: int = NOW, id: str | None = None, **data: object) -> bytes:  # noqa: A002
    """Give an event as a producer sends it."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": id or f"event-{next(_NUMBERS)}",
            "source": "/faults",
            "type": kind,
            "subject": customer,
            "time": text_of(Instant(at)),
            "data": data,
        }
    ).encode()


def pays(customer: str, minor: int, category: str, *, at: int = NOW, id: str | None = None, **more: object) -> bytes:  # noqa: A002
    """Move money on the customer's account."""
    facts = {"account": f"account-{customer}", "amount_minor": minor, "currency": "EUR", "category": category, **more}
    return sent("transaction.booked", customer, at=at, id=id, **facts)


def says(  # noqa: PLR0913 - everything that can be said
    bank: Bank,
    customer: str,
    change: What = "grant",
    *,
    now: int = NOW,
    purpose: str = "*",
    source: str = "*",
    channel: str = "*",
    since: int | None = None,
    until: int | None = None,
) -> None:
    """Say yes or no, to parts or to all."""
    said = ConsentChange(
        customer=customer,
        change=change,
        purposes=(purpose,),
        sources=(source,),
        channels=(channel,),
        since=Instant(now if since is None else since),
        until=None if until is None else Instant(until),
    )
    bank.consent(said, now=Instant(now))


def shares(bank: Bank, key: str, *customers: str, kind: str = "email_hash", now: int = NOW) -> None:
    """Link a key with some customers."""
    links = [sent("identity.linked", one, at=now, key_kind=kind, key=key) for one in customers]
    report = bank.ingest(links, now=Instant(now))
    assert report.events == len(customers)


def gives_up(bank: Bank, key: str, *customers: str, kind: str = "email_hash", now: int = NOW) -> None:
    """Take links back."""
    links = [sent("identity.unlinked", one, at=now, key_kind=kind, key=key) for one in customers]
    report = bank.ingest(links, now=Instant(now))
    assert report.events == len(customers)


def runs_short(customer: str, *, until: int = NOW) -> list[bytes]:
    """Pay a rent every month that the money does not cover any more: the next is due in three days."""
    moves: list[tuple[int, int, str]] = []
    for ago in range(200, 0, -1):
        if ago % 30 == 20 and ago > 60:
            moves.append((ago, 180_000, "salary"))
        if ago % 30 == 27:
            moves.append((ago, -110_000, "rent"))
        moves.append((ago, -2_300, "groceries"))
    balance = 30_000 - sum(minor for _, minor, _ in moves)
    events = []
    for order, (ago, minor, category) in enumerate(moves):
        balance += minor
        whom = "Landlord" if category == "rent" else "Shop"
        at = until - ago * DAY + order
        events.append(pays(customer, minor, category, at=at, balance_minor=balance, merchant=whom))
    return events


def spends(customer: str, *, until: int = NOW, days: int = 60, category: str = "fees") -> list[bytes]:
    """Pay something every other day, with money enough."""
    return [
        pays(customer, -2_500, category, at=until - ago * DAY - HOUR, balance_minor=900_000)
        for ago in range(1, days, 2)
    ]


def states(bank: Bank, customer: str, *, now: int = NOW) -> set[str]:
    """Give how the scopes of a person stand."""
    return {cell.state for cell in bank.consents(customer, now=Instant(now)).cells}


def values(bank: Bank, customer: str, *, now: int = NOW, as_of: int | None = None) -> dict[str, float]:
    """Give what is known about a person."""
    asked = bank.profile(customer, now=Instant(now), as_of=None if as_of is None else Instant(as_of))
    return {known.name: known.value for known in asked.known}


def said_in(bank: Bank, customer: str) -> list[object]:
    """Give the records of a customer's journal."""
    owner = bank.context.keys.find((customer,))[customer]
    with bank.context.store.read() as reader:
        return [codec.read(entry, box=owner.box) for entry in reader.entries(owner.subject)]


def at_once(work: list[Callable[[], T]]) -> list[T]:
    """Let everybody begin at the same moment, each on a thread; the first failure is raised."""
    begin = Barrier(len(work))

    def run(task: Callable[[], T]) -> T:
        begin.wait(timeout=120)
        return task()

    with ThreadPoolExecutor(max_workers=len(work)) as pool:
        return [done.result() for done in [pool.submit(run, task) for task in work]]

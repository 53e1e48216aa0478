"""The smallest bank whose every step takes turns: the services of the product, over a store in memory, under one seed.

Nothing of the services is written anew or left out. What stands for something else is what they stand on: the store,
their locks, their clock and the chance by which they wait for each other (``schedule.py``). People are prepared once;
each bank begins with the same of them, and each of them meets one race in it.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from documents import CHANNELS, CONSENTED, DAY, GRANT_DAYS, HOUR, SOURCES, Rules, write
from memory_store import MemoryStore, State
from product import event_of, fresh, make_template
from reference import Happened
from schedule import Pointed, Schedule, Threading, Time

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.event import Event, IdentityLinked
from marketofone.domain.moment import Instant
from marketofone.models.bandit import kernel
from marketofone.projection import live
from marketofone.services.runtime import app_context, combining
from marketofone.services.runtime.renewal import Renewal
from marketofone.store.ports import Head, Store, Unit

BEGIN = 1_767_600_000_000_000  # 2026-01-05T08:00:00Z
NOW = BEGIN + DAY
PEOPLE = 240
RENEW_AFTER = 3  # entries: journals are short here, and their snapshots are to be kept as well
_ACTS = ("summary", "card", "hello")
_MANY = (1_000, 1_000)
RULES = Rules(
    acts=tuple(act for act in Rules().acts if act.id in _ACTS),
    caps={"same_action": _MANY, "marketing": _MANY, "contacts": _MANY},
)


class Somebody(NamedTuple):
    """A person of the bank: their ids, and the names of the decisions that were made for each."""

    ids: tuple[str, ...]
    decided: tuple[tuple[str, str], ...]


class _Beside(Renewal):
    """Keeps snapshots when it is told to, and not on a thread of its own."""

    def __call__(self, snapshot: Any) -> None:
        self._waiting.put(snapshot)

    def keep(self) -> None:
        self._keep()


class Prepared(NamedTuple):
    """A bank before its races: its folder, what its store holds where that is in memory, and who is in it."""

    folder: Path
    state: State | None
    people: Sequence[Somebody]


class Interleaved:
    """Opens banks whose steps take turns."""

    def __init__(
        self,
        scratch: Path,
        *,
        fitted: Path | None,
        seed: int,
        people: int = PEOPLE,
        store: Callable[[], Store] = MemoryStore,
    ) -> None:
        kernel.load()  # a process that decides often loads it in a thread of its own
        template = make_template(scratch / "bank", fitted=fitted)
        write(template, RULES)
        self.schedule = Schedule(tasks=4)
        self._folder = fresh(template)
        self._rng = random.Random(seed)
        self.prepared = self._prepare(people, store())

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder)

    @contextmanager
    def opened(self, store: Store, *, seed: int, appended: Callable[[Unit, list[Head]], None]) -> Iterator[Bank]:
        """Open a bank over a store; each of its steps is a point from here on."""
        schedule, rng = self.schedule, random.Random(seed)
        stands_for = Threading(schedule)
        with (
            patch.object(combining, "threading", stands_for),
            patch.object(app_context, "threading", stands_for),
            patch.object(app_context, "time", Time(schedule)),
            patch.object(app_context, "random", rng.random),
            patch.object(wiring, "SqliteStore", lambda *_, **__: Pointed(store, schedule, appended)),
            patch.object(wiring, "Renewal", _Beside),
            patch.object(live, "RENEW_AFTER", RENEW_AFTER),
        ):
            bank = marketofone.open(self._folder, now=Instant(BEGIN), random=rng.randbytes)
            bank.learning.by_itself = False
            try:
                yield bank
            finally:
                bank.close()

    def _prepare(self, people: int, store: Store) -> Prepared:
        with self.opened(store, seed=1, appended=lambda *_: None) as bank:
            found = [self._somebody(bank, place) for place in range(people)]
            bank.learning.now(Instant(BEGIN + 3 * HOUR))
        return Prepared(self._folder, store.state if isinstance(store, MemoryStore) else None, found)

    def _somebody(self, bank: Bank, place: int) -> Somebody:
        """Draw a person: what they said, what is known of them, what was decided, answered and looked ahead."""
        rng = self._rng
        ids = tuple(f"c{place}-{number}" for number in range(rng.choice((1, 1, 2))))
        at = Instant(BEGIN)
        for name in ids:
            for said in self._said(name, rng):
                bank.consent(said, now=at)
            kinds = rng.sample(("transaction.booked", "app.opened", "app.failed"), rng.randint(1, 3))
            bank.ingest([event_of(name, Happened(f"{name}-{kind}", kind, BEGIN - HOUR)) for kind in kinds], now=at)
        if len(ids) > 1:
            bank.ingest([_link(name, place) for name in ids], now=at)
        decided: list[tuple[str, str]] = []
        for number in range(rng.choice((0, 1, 2))):
            name, decision = rng.choice(ids), f"d{place}-{number}"
            made = bank.decide(name, id=decision, occasion="opened", channel="app", now=Instant(BEGIN + HOUR))
            decided.append((name, decision))
            if rng.random() < 0.2 and made.action != "nothing":
                bank.outcome(decision, "accepted", customer=name, now=Instant(BEGIN + 2 * HOUR))
        if rng.random() < 0.5:
            with suppress(ConsentRefused):
                bank.forecast(ids[0], now=Instant(BEGIN + HOUR))
        return Somebody(ids, tuple(decided))

    def _said(self, customer: str, rng: random.Random) -> Iterator[ConsentChange]:
        most = rng.random() < 0.8
        purposes, sources, channels = (
            words if most else tuple(sorted(rng.sample(words, rng.randint(1, len(words)))))
            for words in (CONSENTED, SOURCES, CHANNELS)
        )
        yield change(customer, "grant", purposes, sources, channels, until=BEGIN + GRANT_DAYS * DAY)
        if rng.random() < 0.1:
            yield change(customer, "object")
        if rng.random() < 0.1:
            yield change(customer, "pause", ("insights",), until=BEGIN + rng.choice((HOUR, 4 * DAY)))


def change(
    customer: str,
    what: What,
    purposes: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
    channels: tuple[str, ...] = (),
    *,
    since: int = BEGIN,
    until: int | None = None,
) -> ConsentChange:
    """Make what somebody says."""
    return ConsentChange(
        customer=customer,
        change=what,
        purposes=purposes,
        sources=sources,
        channels=channels,
        since=Instant(since),
        until=None if until is None else Instant(until),
    )


def _link(customer: str, place: int) -> Event:
    return Event(
        id=f"link-{customer}",
        producer="/model",
        kind="identity.linked",
        customer=customer,
        at=Instant(BEGIN),
        data=IdentityLinked(key_kind="email_hash", key=str(place)),
    )

"""Features of one person, masked by consent, from the store; the same blobs read raw; and the consent check alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from time import perf_counter

from bench.figures import Figure, Row, quantiles
from bench.town import Town
from marketofone.bank import Bank
from marketofone.consent.gate import Permit, permit
from marketofone.features.vector import see
from marketofone.services.live_snapshot import LiveSnapshot

MICROSECONDS = 1e6
PURPOSE, CHANNEL = "insights", "app"
QUOTED = (
    Row(
        name="Feast 0.67, SQLite, 50 features",
        unit="us",
        values={"p50": 500.0, "p99": 910.0},
        note="anchors, measured on another two-core machine",
    ),
    Row(
        name="consent read from 1M subjects, uncached",
        unit="us",
        values={"p50": 5.7},
        note="anchors, measured on another two-core machine",
    ),
)


def measure(bank: Bank, town: Town, *, rounds: int) -> Iterator[Figure]:
    """Read everybody in turn, each in a snapshot of its own."""
    features = len(bank.context.config.features.features)
    yield Figure(
        own=_timed(
            f"{features} features of one person, consent-masked", town, rounds, lambda who: _see(bank, town, who)
        ),
        yardsticks=(_raw(town, rounds), QUOTED[0]),
    )
    yield Figure(
        own=_timed("consent check: one purpose, all sources", town, rounds, lambda who: _check(bank, town, who)),
        yardsticks=(QUOTED[1],),
    )


def _timed(name: str, town: Town, rounds: int, read: Callable[[str], object]) -> Row:
    took = []
    for _ in range(rounds):
        for person in town.people:
            began = perf_counter()
            read(person)
            took.append(MICROSECONDS * (perf_counter() - began))
    return quantiles(name, "us", took)


def _see(bank: Bank, town: Town, person: str) -> object:
    config = bank.context.config
    with bank.context.store.read() as reader:
        snapshot = LiveSnapshot(reader, bank.context, committed=True)
        states = snapshot.states(person, now=town.now)
        granted = _permit(bank, snapshot, town, person)
    return see(states, permit=granted, catalogue=config.features, calendar=config.calendar, now=town.now)


def _check(bank: Bank, town: Town, person: str) -> object:
    with bank.context.store.read() as reader:
        return _permit(bank, LiveSnapshot(reader, bank.context, committed=True), town, person)


def _permit(bank: Bank, snapshot: LiveSnapshot, town: Town, person: str) -> Permit:
    return permit(
        PURPOSE,
        snapshot.consents(person),
        customer=person,
        channel=CHANNEL,
        policy=bank.context.config.policy,
        now=town.now,
    )


def _raw(town: Town, rounds: int) -> Row:
    connection = sqlite3.connect(f"{(town.folder / 'data' / 'bank.sqlite').as_uri()}?mode=ro", uri=True)
    select = "SELECT source, body FROM states WHERE person = ?"
    try:
        return _timed(
            "raw SQLite, the same blobs", town, rounds, lambda who: connection.execute(select, (who,)).fetchall()
        )
    finally:
        connection.close()

"""Features of one person, masked by consent, from the store; and the same blobs read raw."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from time import perf_counter

from bench.figures import Figure, Row, quantiles
from bench.town import Town
from marketofone.bank import Bank
from marketofone.consent.gate import Permit, permit
from marketofone.domain.moment import Instant
from marketofone.features.vector import see
from marketofone.projection.person import Person
from marketofone.projection.snapshot import Snapshot

MICROSECONDS = 1e6
PURPOSE = "insights"
QUOTED = Row(
    name="Feast 0.67, SQLite, 50 features",
    unit="us",
    values={"p50": 500.0, "p99": 910.0},
    note="anchors, measured on another two-core machine",
)


def measure(bank: Bank, town: Town, *, rounds: int) -> Iterator[Figure]:
    """Read everybody in turn, each in a snapshot of its own."""
    features = len(bank.config.features.features)
    yield Figure(
        own=_timed(
            f"{features} features of one person, consent-masked", town, rounds, lambda who: _see(bank, town, who)
        ),
        yardsticks=(_raw(town, rounds), QUOTED),
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
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader)
        found = snapshot.person(person)
        states = snapshot.states(found, now=town.now)
        granted = _permit(snapshot, found, now=town.now)
    config = snapshot.config
    return see(states, permit=granted, catalogue=config.features, calendar=config.calendar, now=town.now)


def _permit(snapshot: Snapshot, person: Person, *, now: Instant) -> Permit:
    policy = snapshot.config.policy
    return permit(PURPOSE, person.consents, customer=person.name, channel=None, policy=policy, now=now)


def _raw(town: Town, rounds: int) -> Row:
    connection = sqlite3.connect(f"{(town.folder / 'data' / 'bank.sqlite').as_uri()}?mode=ro", uri=True)
    subjects = dict(zip(town.people, _subjects(connection, len(town.people)), strict=False))
    select = "SELECT name, body FROM snapshots WHERE subject = ?"
    try:
        return _timed(
            "raw SQLite, the same blobs",
            town,
            rounds,
            lambda who: connection.execute(select, (subjects.get(who, 0),)).fetchall(),
        )
    finally:
        connection.close()


def _subjects(connection: sqlite3.Connection, count: int) -> list[int]:
    return [row[0] for row in connection.execute("SELECT DISTINCT subject FROM snapshots LIMIT ?", (count,))]

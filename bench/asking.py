"""A check of consent in a bank of a million: what whatever else a bank runs asks before each of its uses.

Everybody said yes to something. While people are asked about at random, some of them change their minds, so the store's
cached pages go stale as they do in use. Beside it: one row of a table of consents read by subject and purpose, from
SQLite, uncached, as a bank would do by hand.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from time import perf_counter

import marketofone
from bench.crowd import TODAY
from bench.figures import Aim, Figure, Row, quantiles
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What

PURPOSE, CHANNEL = "marketing", "app"
MICROSECONDS = 1e6
_SAID = (("*",), ("insights",), ("marketing", "insights"))
_AT_ONCE, _ROUND, _MINDS = 2_000, 1_000, 5


def measure(*, folder: Path, people: int, checks: int) -> Iterator[Figure]:
    """Let everybody say something, ask about everybody once, and then about people at random."""
    wiring.lay_out(folder / "allowing")
    names = [f"person-{number:07d}" for number in range(people)]
    draw = random.Random(17)
    with marketofone.open(folder / "allowing", now=TODAY, clock=lambda: TODAY) as bank:
        for start in range(0, people, _AT_ONCE):
            bank.consents_given([_says(name, "grant", draw) for name in names[start : start + _AT_ONCE]])
    with (
        marketofone.open(folder / "allowing", now=TODAY, clock=lambda: TODAY) as bank,
        closing(_table(folder / "table.sqlite", names)) as table,
    ):
        first = _timed(names, lambda name: _check(bank, name))
        yield Figure(own=quantiles(f"consent check of {people:,} customers, the first of each", "us", first))
        yield _at_random(bank, table, names, checks=checks, draw=draw)


def _at_random(
    bank: Bank, table: sqlite3.Connection, names: Sequence[str], *, checks: int, draw: random.Random
) -> Figure:
    own: list[float] = []
    by_hand: list[float] = []
    for _ in range(checks // _ROUND):
        bank.consents_given([_says(name, "withdraw", draw) for name in draw.sample(names, _MINDS)])
        some = draw.choices(names, k=_ROUND)
        own += _timed(some, lambda name: _check(bank, name))
        by_hand += _timed(some, lambda name: _row(table, name))
    return Figure(
        own=quantiles(f"consent check of {len(names):,} customers, at random", "us", own),
        yardsticks=(
            quantiles("one row of a table of consents, read by hand", "us", by_hand),
            Row(
                name="consent read from 1M subjects, uncached",
                unit="us",
                values={"p50": 5.7},
                note="anchors, measured on another two-core machine",
            ),
        ),
        aim=Aim(of="p99", bound=20.0, must=20.0, above=False),
    )


def _timed(names: Sequence[str], ask: Callable[[str], object]) -> list[float]:
    took = []
    for name in names:
        began = perf_counter()
        ask(name)
        took.append(MICROSECONDS * (perf_counter() - began))
    return took


def _check(bank: Bank, name: str) -> object:
    return bank.permit(name, purpose=PURPOSE, channel=CHANNEL).sources


def _says(name: str, what: What, draw: random.Random) -> ConsentChange:
    every = ("*",)
    return ConsentChange(
        customer=name, change=what, purposes=draw.choice(_SAID), sources=every, channels=every, since=TODAY
    )


def _table(path: Path, names: Sequence[str]) -> sqlite3.Connection:
    table = sqlite3.connect(path, isolation_level=None)
    table.execute("PRAGMA journal_mode = WAL")
    table.execute("CREATE TABLE consents (subject TEXT, purpose TEXT, until INTEGER, PRIMARY KEY (subject, purpose))")
    table.execute("BEGIN")
    table.executemany("INSERT INTO consents VALUES (?, ?, ?)", ((name, PURPOSE, TODAY) for name in names))
    table.execute("COMMIT")
    return table


def _row(table: sqlite3.Connection, name: str) -> object:
    return table.execute("SELECT until FROM consents WHERE subject = ? AND purpose = ?", (name, PURPOSE)).fetchone()

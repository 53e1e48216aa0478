"""The pages of a customer with a year of use, read over HTTP on loopback one by one: from question to answer.

A few people live through a year with the catalogue of a new project: money, messages, visits, some hundred decisions
and answers, forecasts, and in the end a no. Each then reads each page of theirs several times in turn. Every page is
computed from the journal each time; nothing of it is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec

from bench.figures import Aim, Figure, quantiles
from bench.over_http import server
from bench.serving import HOST
from bench.town import OCCASION, Town, draw, everything
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import NOTHING
from marketofone.domain.moment import HOUR, MINUTE, Instant, parse_instant
from marketofone.services.rights.customer_links import CustomerLinks

DAYS, WEEKS, ROUNDS, VISITS = 365, 52, 30, 3
MILLISECONDS = 1_000.0
PLAIN = {
    "My data": "",
    "a purpose": "/purposes/insights",
    "before a yes": "/purposes/marketing/allow",
    "how it was used": "/uses",
    "what is coming": "/forecast",
    "spending": "/insights",
    "merchants": "/merchants",
    "wrong about me": "/wrong",
    "cases": "/cases",
    "take it along": "/take",
}


class Reader(NamedTuple):
    """A person who reads: the link that opens their pages, and the addresses of all of them."""

    link: str
    pages: dict[str, str]


def measure(*, folder: Path, people: int) -> Iterator[Figure]:
    """Let people live through a year, and read their pages."""
    town = _lived(folder / "pages", people=people)
    with town.open() as bank:
        readers = [_reader(bank, person) for person in town.people]
    took: dict[str, list[float]] = defaultdict(list)
    with server("bank", town.folder) as serving:
        for reader in readers:
            _read(reader, serving.port, took)
    for name, each in took.items():
        row = quantiles(f"page of a year of use: {name}", "ms", [MILLISECONDS * one for one in each])
        yield Figure(own=row, aim=Aim(of="p99", bound=50.0, must=50.0, above=False))


def _read(reader: Reader, port: int, took: dict[str, list[float]]) -> None:
    line = HTTPConnection(HOST, port)
    line.request("GET", reader.link)
    opened = line.getresponse()
    opened.read()
    visit = {"Cookie": (opened.getheader("Set-Cookie") or "").partition(";")[0]}
    for turn in range(ROUNDS + 1):
        for name, path in reader.pages.items():
            began = perf_counter()
            line.request("GET", path, headers=visit)
            answer = line.getresponse()
            answer.read()
            if answer.status != 200:
                raise AssertionError(f"{name} answered {answer.status}")
            if turn:  # what the first reading has to make is not made each time
                took[name].append(perf_counter() - began)
    line.close()


def _lived(folder: Path, *, people: int) -> Town:
    wiring.lay_out(folder)
    town = draw(folder, people=people, days=DAYS)
    now = town.moved_in
    with town.open() as bank:
        for person in town.people:
            bank.consent(everything(person, since=now), now=now)
        for week in _weeks(town.past):
            now = max(now, Instant(max(map(_told, week)) + HOUR))
            bank.ingest(week, now=now)
            for person in town.people:
                now = _lives(bank, person, now=now)
        for person in town.people:
            bank.consent(_no(person, since=now), now=now)
    wiring.stop_clock(folder, Instant(now + MINUTE))
    return town


def _lives(bank: Bank, person: str, *, now: Instant) -> Instant:
    """Let a person visit the app and answer now and then, and look ahead for them."""
    bank.forecast(person, now=now)
    for visit in range(VISITS):
        now = Instant(now + MINUTE)
        shown = bank.decide(person, occasion=OCCASION, now=now)
        if shown.action != NOTHING and visit == 0:
            bank.outcome(shown.id, "accepted" if now % 3 else "declined", now=now)
    return now


def _no(person: str, *, since: Instant) -> ConsentChange:
    return ConsentChange(
        customer=person,
        change="withdraw",
        purposes=("insights",),
        sources=("messages",),
        channels=("*",),
        since=since,
    )


def _weeks(past: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    size = -(-len(past) // WEEKS)
    return (past[start : start + size] for start in range(0, len(past), size))


def _told(event: bytes) -> Instant:
    return parse_instant(msgspec.json.decode(event)["time"], field="time")


def _reader(bank: Bank, person: str) -> Reader:
    with bank.context.store.read() as reader:
        owner = bank.context.snapshot(reader).person(person)
        last = next(iter(reader.entries(owner.asked.subject, kinds=["consent"], newest_first=True))).n
    decision = owner.contacts[-1].decision
    root = f"/customer/{person}"
    more = {"a receipt": f"/consents/{last}", "why this": f"/decisions/{decision}"}
    pages = {name: root + path for name, path in (PLAIN | more).items()}
    return Reader(CustomerLinks.of(bank.context).link(person).path, pages)

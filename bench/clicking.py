"""One consent click of a person with a very long past, beside the same click of a person of the crowd, alternated."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Literal

from bench.crowd import TODAY, Crowd
from bench.deciding import MILLISECONDS
from bench.figures import Aim, Figure, quantiles
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange

CLICKS = 40
LONG = "person-with-a-long-past"


def measure(bank: Bank, crowd: Crowd, *, events: int) -> Iterator[Figure]:
    """Let one person live through many events, then say no and yes to a source in turn, each click durable."""
    bank.consent(_said(LONG, "grant", source="*"))
    bank.ingest(crowd.past_of(LONG, events=events))
    long: list[float] = []
    short: list[float] = []
    for number in range(CLICKS):
        for name, took in ((LONG, long), (crowd.names[0], short)):
            click = _said(name, "grant" if number % 2 else "withdraw", source="app")
            began = perf_counter()
            bank.consent(click)
            took.append(MILLISECONDS * (perf_counter() - began))
    yield Figure(
        own=quantiles(f"a consent click of a person with {events:,} events: wall", "ms", long),
        yardsticks=(quantiles("the same click of a person of the crowd", "ms", short),),
        aim=Aim(of="p99", bound=50.0, must=50.0, above=False),
    )


def _said(customer: str, change: Literal["grant", "withdraw"], *, source: str) -> ConsentChange:
    every = ("*",)
    return ConsentChange(
        customer=customer, change=change, purposes=every, sources=(source,), channels=every, since=TODAY
    )

"""What rests on disk: a decision in the journal, and a customer before the first event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import marketofone
from bench.crowd import TODAY, Crowd
from bench.figures import Aim, Figure, Row
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange


def measure(bank: Bank, crowd: Crowd, *, folder: Path, people: int) -> Iterator[Figure]:
    """Weigh the decisions of the crowd, and customers who only said yes."""
    yield Figure(
        own=Row(name="a decision's entry, 100 actions", unit="bytes", values=_decisions(bank, crowd)),
        aim=Aim(of="p50", bound=1_500.0, must=3_000.0, above=False),
    )
    yield Figure(
        own=Row(
            name="a customer at rest before events, keys included",
            unit="bytes",
            values={"mean": _weighed(folder, people)},
        ),
        aim=Aim(of="mean", bound=3_000.0, must=5_000.0, above=False),
    )


def _decisions(bank: Bank, crowd: Crowd) -> dict[str, float]:
    sizes = []
    with bank.context.store.read() as reader:
        for customer in bank.context.keys.find(crowd.names).values():
            sizes += [len(entry.body) for entry in reader.entries(customer.subject, kinds=("decision",))]
    p50, p99 = np.percentile(sizes, (50, 99)).tolist()
    return {"p50": p50, "p99": p99}


def _weighed(folder: Path, people: int) -> float:
    wiring.lay_out(folder)
    marketofone.open(folder, now=TODAY, clock=lambda: TODAY).close()
    empty = _size(folder)
    every = ("*",)
    with marketofone.open(folder, now=TODAY, clock=lambda: TODAY) as bank:
        for number in range(people):
            bank.consent(
                ConsentChange(
                    customer=f"person-{number}",
                    change="grant",
                    purposes=every,
                    sources=every,
                    channels=every,
                    since=TODAY,
                )
            )
    return (_size(folder) - empty) / people


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for part in ("data", "keys") for path in (folder / part).glob("*.sqlite*"))

"""The crowd: a bank of thousands of people who allow everything, with a past, with forecasts, and with what comes next.

Everybody has an account, a salary on one day of the month, a rent, purchases and visits to the app. It is drawn from a
seed and costs little to build, so that five thousand people stand beside four hundred.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import marketofone
from bench.town import uncap, with_actions
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, HOUR, SECOND, Instant, text_of
from marketofone.services.foresight.forecast_population import forecast_population

TODAY = Instant(int(time.time()) * SECOND)  # a server that is measured goes by the clock on the wall
_SHOPS = ("Corner shop", "Market hall", "Fuel and go", "Green grocer", "Book cellar", "Bakery")
_BALANCE = 250_000
_ENTRIES = 5_000  # events ingested at once while the past is built


@dataclass(frozen=True)
class Crowd:
    """A bank project in a folder, and who lives there."""

    folder: Path
    names: tuple[str, ...]

    def open(self) -> Bank:
        """Open the bank at its present day."""
        return marketofone.open(self.folder, now=TODAY)

    def of_each(self, *, seed: int) -> list[bytes]:
        """Draw an event about each person that arrives now."""
        draw = random.Random(seed)
        return [_arrival(draw, name, name=f"now-{seed}") for name in self.names]

    def coming(self, count: int, *, seed: int) -> list[bytes]:
        """Draw events that arrive now, each about somebody drawn at random."""
        draw = random.Random(seed)
        return [_arrival(draw, draw.choice(self.names), name=f"now-{seed}-{number}") for number in range(count)]

    def past_of(self, name: str, *, events: int) -> Iterator[bytes]:
        """Draw the past of one person."""
        draw = random.Random(13)
        for number in range(events):
            yield _arrival(draw, name, name=f"past-{number}", at=Instant(TODAY - draw.randrange(1, 190 * DAY)))


def build(folder: Path, *, people: int, events: int, forecasts: bool, engine: str = "embedded") -> Crowd:
    """Lay out the project, let everybody say yes, live through a past of some events a person, and look ahead."""
    wiring.lay_out(folder)
    with_actions(folder)
    uncap(folder)
    settings = folder / "bank.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"embedded"', f'"{engine}"'), encoding="utf-8")
    crowd = Crowd(folder, tuple(f"person-{number:05d}" for number in range(people)))
    past = Instant(TODAY - 200 * DAY)
    with marketofone.open(folder, now=past, clock=lambda: past) as bank:
        for name in crowd.names:
            bank.consent(_everything(name, since=past), now=past)
        walk = _past(crowd, events=events)
        while some := [event for _, event in zip(range(_ENTRIES), walk, strict=False)]:
            bank.ingest(some, now=TODAY)
    if forecasts:
        with crowd.open() as bank:
            for _ in forecast_population(bank.context, now=bank.now()):
                pass
    return crowd


def batches(events: Sequence[bytes], *, size: int) -> Iterator[Sequence[bytes]]:
    """Cut events into full batches."""
    return (events[start : start + size] for start in range(0, len(events) - size + 1, size))


def _past(crowd: Crowd, *, events: int) -> Iterator[bytes]:
    draw = random.Random(11)
    for number in range(events):
        ago = int(190 * DAY * (events - number) / events)
        for name in crowd.names:
            yield _arrival(draw, name, name=f"past-{number}", at=Instant(TODAY - ago - draw.randrange(DAY)))


def _arrival(draw: random.Random, person: str, *, name: str, at: Instant | None = None) -> bytes:
    moment = Instant(TODAY - draw.randrange(2 * HOUR, 4 * HOUR)) if at is None else at
    kind, data = _what(draw, person)
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"{person}-{name}",
            "source": "/core",
            "type": kind,
            "subject": person,
            "time": text_of(moment),
            "data": data,
        }
    ).encode()


def _what(draw: random.Random, person: str) -> tuple[str, dict[str, object]]:
    turn = draw.randrange(20)
    if turn < 4:
        return "app.opened", {}
    money: dict[str, object] = {
        "account": f"account-of-{person}",
        "currency": "EUR",
        "operation": "card",
        "balance_minor": _BALANCE,  # without one a forecast would abstain, and cost nothing
    }
    if turn == 4:
        return "transaction.booked", {
            **money,
            "amount_minor": 240_000,
            "category": "salary",
            "counterparty": "Works Ltd",
        }
    if turn == 5:
        return "transaction.booked", {**money, "amount_minor": -80_000, "category": "rent", "counterparty": "Homes Ltd"}
    spent = -draw.randrange(300, 9_000)
    shop = draw.choice(_SHOPS)
    return "transaction.booked", {**money, "amount_minor": spent, "category": "groceries", "counterparty": shop}


def _everything(person: str, *, since: Instant) -> ConsentChange:
    every = ("*",)
    return ConsentChange(customer=person, change="grant", purposes=every, sources=every, channels=every, since=since)

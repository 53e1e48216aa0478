"""What was foreseen at night is acted upon by day, with one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

import marketofone
from marketofone.cli import main
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.money_events import TransactionBooked

PEOPLE = tuple(f"c-{number}" for number in range(5))


def rent_ahead(customer: str, *, now: Instant) -> list[Event]:
    """Earn on the fifteenth day before, pay rent four days earlier, and have too little left for the next."""
    flows = [(ago + 15, 120_000, "salary") for ago in range(0, 180, 30)]
    flows += [(ago + 19, -90_000, "rent") for ago in range(0, 180, 30)]
    flows += [(ago, -900, "groceries") for ago in range(1, 200, 4)]
    balance, events = 20_000 - sum(minor for _, minor, _ in flows), []
    for ago, minor, category in sorted(flows, reverse=True):
        balance += minor
        data = TransactionBooked(
            account="a-1", amount_minor=minor, currency="EUR", category=category, balance_minor=balance
        )
        name, at = f"{customer}-{ago}-{category}", Instant(now - ago * DAY)
        events.append(Event(id=name, producer="/tests", kind="transaction.booked", customer=customer, at=at, data=data))
    return events


def test_whoever_was_foreseen_something_is_asked_about_once(project: Path) -> None:
    with marketofone.open(project) as bank:
        for name in PEOPLE:
            now = bank.now()
            every = ("*",)
            yes = ConsentChange(customer=name, change="grant", purposes=every, sources=every, channels=every, since=now)
            bank.consent(yes, now=now)
            bank.ingest(rent_ahead(name, now=now), now=now)

    words = ["intervene", "--bank", str(project)]
    first: dict[str, Any] = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert {made["customer"] for made in first["decisions"]} == set(PEOPLE)
    assert (first["looked"], first["calm"], first["asked"]) == (len(PEOPLE), 0, len(PEOPLE))
    assert first["told"] == sum(times for action, times in first["shown"].items() if action != "nothing") > 0

    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0
    assert f"asked about {len(PEOPLE) - first['told']} people" in again.stdout

"""kill -9 at random moments of a running ingest: nothing acknowledged is lost, nothing is counted twice.

A child process ingests batches, decides and hears outcomes, and prints what was acknowledged. The parent kills it at a
random moment, again and again on the same bank, and then asks for proof: ``verify``, ``replay``, and the sums of an
independent recount.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import marketofone
from marketofone import wiring
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, MINUTE, Instant
from marketofone.domain.money_events import TransactionBooked

KILLS = 30
PEOPLE = 20
BATCH = 40
START = Instant(1_700_000_000_000_000)
AMOUNT = 1_000

CHILD = """
import json, sys
import marketofone
from test_ingest_survives_kill import events_of_batch, moment_of_batch
bank, first = marketofone.open(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for number in range(first, first + 1_000_000):
    now = moment_of_batch(number)
    report = bank.ingest(events_of_batch(number), now=now)
    print(json.dumps({"batch": number, "events": report.events, "duplicates": report.duplicates}), flush=True)
    decision = bank.decide(f"c-{number % 20}", occasion="app.opened", id=f"d-{number}", now=now)
    print(json.dumps({"decision": decision.id}), flush=True)
    bank.outcome(decision.id, "declined", why="not now", now=now)
    print(json.dumps({"outcome": decision.id}), flush=True)
"""


def moment_of_batch(number: int) -> Instant:
    return Instant(START + number * MINUTE)


def events_of_batch(number: int) -> list[Event]:
    return [
        Event(
            id=f"{number}-{index}",
            producer="/core",
            kind="transaction.booked",
            customer=f"c-{index % PEOPLE}",
            at=moment_of_batch(number),
            data=TransactionBooked(
                account=f"a-{index % PEOPLE}", amount_minor=-AMOUNT, currency="EUR", category="dining"
            ),
        )
        for index in range(BATCH)
    ]


def longer(life: int) -> float:
    """Let each process live longer where the machine was too slow for the first: at last all are answered."""
    return 1.0 if life < KILLS else 4.0 ** (life / KILLS)


def run_until_killed(folder: Path, *, first: int, seconds: float) -> list[dict[str, int | str]]:
    command = [sys.executable, "-c", CHILD, str(folder), str(first)]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(seconds)
        child.kill()
        lines = child.stdout.read().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


@pytest.mark.crash
def test_nothing_acknowledged_is_lost_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    rng = random.Random(2)
    folder = tmp_path / "bank"
    wiring.lay_out(folder)
    with marketofone.open(folder, now=START) as bank:
        for person in range(PEOPLE):
            everything = ConsentChange(
                customer=f"c-{person}", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=START
            )
            bank.consent(everything, now=START)

    batches: set[int] = set()
    decisions: set[str] = set()
    first = 0
    for life in range(4 * KILLS):
        if life >= KILLS and len(batches) > KILLS:
            break
        # Start with the last batches again: a producer that was not answered sends once more.
        for said in run_until_killed(folder, first=max(0, first - 2), seconds=rng.uniform(0.01, 0.4) * longer(life)):
            if "batch" in said:
                batches.add(int(said["batch"]))
            if "decision" in said:
                decisions.add(str(said["decision"]))
        first = max(batches, default=0) + 1

    assert len(batches) > KILLS
    with marketofone.open(folder, now=START) as bank:
        assert bank.verify().ok
        assert bank.replay().differences == 0
        events = sum(number for name, number in bank.counts().items() if name.startswith("events."))
        kept = max(batches) + 1
        assert kept * BATCH <= events <= (kept + 1) * BATCH
        now = Instant(moment_of_batch(kept) + DAY // 2)
        for decision in decisions:
            assert bank.decision(decision, now=now).id == decision
        spent = sum(
            known.value
            for person in range(PEOPLE)
            for known in bank.profile(f"c-{person}", now=now).known
            if known.name == "dining_30d"
        )
        assert spent == events * AMOUNT

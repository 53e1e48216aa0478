"""One bank in which everybody is busy at once, from threads or processes; and what must hold of its journal afterwards.

All of it happens at one moment, so that what may be used depends on nothing but the order of the journal.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from people import happened, ordinary_months, paid

import marketofone
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.event import SWITCHABLE, Event, IdentityLinked, IdentityUnlinked
from marketofone.domain.moment import DAY, MINUTE, Instant
from marketofone.governance.board import Ruling
from marketofone.projection import codec
from marketofone.projection.records import ConsentRecord, DecisionRecord, ForecastRecord, OutcomeRecord, UseRecord

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
CUSTOMERS = ("c-0", "c-1", "c-2", "c-3")
RECOGNISED = ("c-4", "c-5")  # turn out to be one person, and then two again
EVERYBODY = CUSTOMERS + RECOGNISED
STEPS = 24
Role = Callable[[], None]


def say(bank: Bank, customer: str, change: Literal["grant", "withdraw"], *, source: str = "*") -> None:
    said = ConsentChange(
        customer=customer,
        change=change,
        purposes=("*",),
        sources=(source,),
        channels=("*",),
        since=NOW,
        until=Instant(NOW + 365 * DAY) if change == "grant" else None,
    )
    bank.consent(said, now=NOW)


def furnish(bank: Bank) -> None:
    """Give everybody a past and every consent."""
    for customer in EVERYBODY:
        say(bank, customer, "grant")
        bank.ingest(ordinary_months(customer, until=NOW, days=60), now=NOW)


def asks_and_answers(bank: Bank, *, name: str) -> Role:
    """Ask about everybody in turn under ids that others use too, and say what they did about it."""

    def role() -> None:
        for step in range(STEPS):
            customer = CUSTOMERS[step % len(CUSTOMERS)]
            with suppress(ConsentRefused):  # after a no, what rests on it is not released again
                decision = bank.decide(customer, occasion="app.opened", id=f"d-{step}", now=NOW)
                assert decision == bank.decision(decision.id, now=NOW)
            own = bank.decide(EVERYBODY[-step % 6], occasion="app.opened", id=f"{name}-{step}", now=NOW)
            bank.outcome(own.id, "accepted" if step % 3 else "declined", now=NOW)

    return role


def sends(bank: Bank, *, name: str) -> Role:
    """Send the same events as everybody who sends, in an order of its own."""

    def role() -> None:
        rounds = list(range(STEPS))
        random.Random(name).shuffle(rounds)
        for step in rounds:
            bank.ingest(sent(step), now=NOW)

    return role


def sent(step: int) -> list[Event]:
    return [
        msgspec.structs.replace(
            paid(customer, -100, "dining", at=Instant(NOW - step * MINUTE)), id=f"shared-{step}-{customer}"
        )
        for customer in CUSTOMERS
    ]


def changes_their_mind(bank: Bank, customer: str, *, name: str) -> Role:
    """Say no to one source after the other, look whether it holds at once, and say yes again."""

    def role() -> None:
        for step in range(STEPS):
            source = SWITCHABLE[step % len(SWITCHABLE)]
            say(bank, customer, "withdraw", source=source)
            decision = bank.decide(customer, occasion="app.opened", id=f"{name}-{step}", now=NOW)
            assert source not in {used for _, used in decision.uses}
            assert not any(source in known.sources for known in bank.profile(customer, now=NOW).known)
            say(bank, customer, "grant", source=source)

    return role


def looks_ahead_and_recognises(bank: Bank, *, name: str) -> Role:
    """Forecast for everybody, and find out again and again that two customers are one person, or are not."""

    def role() -> None:
        for step in range(STEPS):
            with suppress(ConsentRefused):
                bank.forecast(EVERYBODY[step % len(EVERYBODY)], now=NOW)
            found = (IdentityUnlinked if step % 2 else IdentityLinked)(key_kind="email_hash", key="d-9")
            seen = [happened(customer, found, at=NOW, name=f"{name}-{step}-{customer}") for customer in RECOGNISED]
            bank.ingest(seen, now=NOW)

    return role


def rules(bank: Bank) -> Role:
    def role() -> None:
        for step in range(STEPS):
            ruling: Literal["stop", "resume"] = "resume" if step % 2 else "stop"
            bank.rule(Ruling(ruling=ruling, scope="insight", by="the board", at=NOW))
            if step % 8 == 0:
                bank.train(now=NOW)

    return role


def roles(bank: Bank, *, name: str) -> list[Role]:
    return [
        asks_and_answers(bank, name=f"{name}-asker-1"),
        asks_and_answers(bank, name=f"{name}-asker-2"),
        sends(bank, name=f"{name}-sender-1"),
        sends(bank, name=f"{name}-sender-2"),
        changes_their_mind(bank, "c-0", name=f"{name}-mind-0"),
        changes_their_mind(bank, "c-1", name=f"{name}-mind-1"),
        looks_ahead_and_recognises(bank, name=f"{name}-finder"),
        rules(bank),
    ]


def all_at_once(work: list[Role]) -> None:
    """Let every role begin at the same moment, each on a thread of its own; the first failure is raised."""
    begin = threading.Barrier(len(work))

    def run(role: Role) -> None:
        begin.wait(timeout=120)
        role()

    with ThreadPoolExecutor(max_workers=len(work)) as pool:
        for done in [pool.submit(run, role) for role in work]:
            done.result()


def prove(bank: Bank) -> Counter[str]:
    """Check the journals entry by entry against an account of consent kept here; give how many of each kind they hold.

    An entry about one customer comes after everything that its journal held before it, and after what other ids of the
    person held that it rests on.
    """
    kinds: Counter[str] = Counter()
    with bank.context.store.read() as reader:
        for customer in EVERYBODY:
            owner = bank.context.keys.find((customer,))[customer]
            granted: set[str] = set()
            epoch = 0
            for entry in reader.entries(owner.subject):
                kinds[entry.kind] += 1
                record = codec.read(entry, box=owner.box)
                if isinstance(record, ConsentRecord):
                    sources = set(record.change.sources)
                    granted = granted | sources if record.change.change == "grant" else granted - sources
                    epoch += 1
                elif isinstance(record, DecisionRecord | ForecastRecord | UseRecord | OutcomeRecord):
                    uses = record.decision.uses if isinstance(record, DecisionRecord) else record.uses
                    used = {source for _, source in uses if source != "protection"}
                    assert used <= granted, f"entry {entry.n} of {customer} used {sorted(used - granted)} after a no"
                if isinstance(record, DecisionRecord):
                    assert dict(record.rests_on.journals)[owner.subject] == record.decision.position < entry.n
                    if customer not in RECOGNISED:  # ids that are one person have an epoch together
                        assert record.decision.epoch == epoch, f"entry {entry.n} rests on an older epoch"
    return kinds


def main() -> None:
    """Be one of several processes: open the bank, wait for the word, and be busy in it."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    with marketofone.open(folder, now=NOW) as bank:
        work = roles(bank, name=name)
        if name != "first":  # one process for each person who changes their mind
            del work[4:6]
        print("ready", flush=True)  # noqa: T201 - how the parent knows
        sys.stdin.readline()
        all_at_once(work)
        print("done", flush=True)  # noqa: T201

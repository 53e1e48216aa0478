"""The same is lived through on two engines: every entry of every journal says the same, to the byte.

Who is who, what is drawn and what the clock says are chosen; keys, salts and nonces are not, and are left aside.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from people import happened, ordinary_months, paid

import marketofone
from bank_projects import ENGINES, EngineName, Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import IdentityLinked, IdentityUnlinked, MessageReceived
from marketofone.domain.moment import HOUR, MINUTE, Instant
from marketofone.domain.money_events import OpenBankingBalance
from marketofone.governance.board import Ruling
from marketofone.projection import codec
from marketofone.projection.records import LettersRecord, VersionRecord
from marketofone.store.ports import BANK, Entry, Reader

pytestmark = pytest.mark.server

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z
CUSTOMERS = tuple(f"c-{number}" for number in range(6))


class Said(NamedTuple):
    """What an entry says, without what is random by design: salts, nonces and the digests of what they seal."""

    subject: int
    n: int
    stamp: int
    kind: str
    at: int
    recorded: int
    plain: bytes


class Life(NamedTuple):
    journals: list[Said]
    answers: list[bytes]
    actions: set[str]


def lived(projects: Projects, folder: Path) -> Life:
    project = projects.lay_out(folder)
    answers: list[object] = []
    with marketofone.open(project, now=NOW, random=np.random.default_rng(11).bytes) as bank:
        furnish(bank)
        answers += [ask(bank, step) for step in range(12)]
        change_minds(bank)
        answers += [ask(bank, step) for step in range(12, 18)]
    rails = project / "guardrails.toml"
    rails.write_text(re.sub(r"decline_days = \d+", "decline_days = 7", rails.read_text("utf-8")), encoding="utf-8")
    evening = Instant(NOW + 9 * HOUR)
    with marketofone.open(project, now=evening) as bank:
        answers += [bank.train(now=evening), bank.refresh_forecasts(now=evening), bank.intervene(now=evening)]
        answers += [ask(bank, step) for step in range(18, 30)]
        answers += [bank.forecast("c-1", now=Instant(NOW + 30 * HOUR)), bank.counts(), bank.replay()]
        report = bank.verify()
        assert report.ok, report.problems
        with bank.context.store.read() as reader:
            subjects = (BANK, *reader.subjects(limit=100))
            journals = [said(bank, reader, entry) for subject in subjects for entry in reader.entries(subject)]
    actions = {one[0].action for one in answers if isinstance(one, tuple)}
    return Life(journals, [msgspec.json.encode(one) for one in answers], actions)


def furnish(bank: Bank) -> None:
    numbers = count()
    for customer in CUSTOMERS:
        say(bank, customer, "grant", now=NOW)
        months = ordinary_months(customer, until=NOW, days=120)
        bank.ingest([msgspec.structs.replace(one, id=f"e-{next(numbers)}") for one in months], now=NOW)
    bank.ingest([b'{"specversion": "1.0"}', b"no JSON at all"], now=NOW)
    linked = IdentityLinked(key_kind="email_hash", key="k-1")
    bank.ingest([happened(who, linked, at=NOW, name=f"link-{who}") for who in CUSTOMERS[:2]], now=NOW)
    bank.rule(Ruling(ruling="stop", scope="life_match", by="the board", at=NOW), now=NOW)


def ask(bank: Bank, step: int) -> object:
    """Let something happen to somebody, decide, hear what they did, and learn from it."""
    now, customer = Instant(NOW + HOUR + step * 40 * MINUTE), CUSTOMERS[step * 5 % len(CUSTOMERS)]
    if step % 3 == 0:
        spent = paid(customer, -2_500 - step, "dining", at=now, balance=50_000 - step)
        bank.ingest([msgspec.structs.replace(spent, id=f"spent-{step}")], now=now)
    if step % 4 == 1:
        bank.forecast(customer, now=now)
    decision = bank.decide(customer, occasion="app.opened", id=f"d-{step}", now=now)
    if decision.action != "nothing":
        verdict = ("accepted", "declined", "ignored")[step % 3]
        bank.outcome(decision.id, verdict, now=Instant(now + MINUTE))  # type: ignore[arg-type]
    return decision, bank.profile(customer, now=now), bank.insights(customer, now=now)


def change_minds(bank: Bank) -> None:
    now = Instant(NOW + 8 * HOUR)
    say(bank, "c-2", "withdraw", source="transactions", now=now)
    say(bank, "c-3", "withdraw", purpose="marketing", now=now)
    unlinked = IdentityUnlinked(key_kind="email_hash", key="k-1")
    there = OpenBankingBalance(institution="x", account="y", balance_minor=7_000, currency="EUR")
    furious = MessageReceived(text="I am furious, nobody helps me!")
    bank.ingest(
        [
            happened("c-0", unlinked, at=now, name="unlink"),
            happened("c-4", furious, at=now, name="message"),
            happened("c-5", there, at=now, name="there"),
        ],
        now=now,
    )
    bank.learn(now=now)


def say(bank: Bank, customer: str, change: str, *, now: Instant, purpose: str = "*", source: str = "*") -> None:
    scope = {"purposes": (purpose,), "sources": (source,), "channels": ("*",)}
    bank.consent(ConsentChange(customer=customer, change=change, since=now, **scope), now=now)  # type: ignore[arg-type]


def said(bank: Bank, reader: Reader, entry: Entry) -> Said:
    owner = bank.context.keys.customer(entry.subject)
    box = bank.context.keys.bank if entry.subject == BANK else owner and owner.box
    assert box is not None
    plain = codec.plain_of(entry, box=box)[1]
    record = codec.read(entry, box=box)
    if isinstance(record, VersionRecord):
        states = {name: digest and opened(bank, reader, name, digest) for name, digest in record.states.items()}
        plain = msgspec.msgpack.encode(msgspec.structs.replace(record, states=states, destroyed=()))
    elif isinstance(record, LettersRecord):
        plain = str(len(record.digests)).encode()
    return Said(entry.subject, entry.n, entry.stamp, entry.kind, entry.at, entry.recorded, plain)


def opened(bank: Bank, reader: Reader, name: str, digest: bytes) -> bytes:
    body = reader.state(digest)
    return b"gone" if body is None else sha256(codec.open_state(name, body, box=bank.context.keys.bank)).digest()


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> dict[EngineName, Life]:
    folder = tmp_path_factory.mktemp("same")
    return {engine: lived(Projects(engine, fitted, stays=True), folder / engine) for engine in ENGINES}


def test_every_entry_says_the_same(lives: dict[EngineName, Life]) -> None:
    one, other = (lives[engine].journals for engine in ENGINES)
    kinds = {said.kind for said in one}
    assert {"document", "consent", "ingest", "signal", "identity", "decision", "outcome"} <= kinds
    assert {"forecast", "use", "ruling", "version", "letters"} <= kinds
    assert len({said.subject for said in one}) == 1 + len(CUSTOMERS)
    for mine, theirs in zip(one, other, strict=True):
        assert mine == theirs


def test_every_decision_is_the_same_to_the_byte(lives: dict[EngineName, Life]) -> None:
    decisions = [[said.plain for said in lives[engine].journals if said.kind == "decision"] for engine in ENGINES]
    assert decisions[0] == decisions[1]
    assert len(decisions[0]) >= 30
    assert len(lives["embedded"].actions) > 3


def test_every_answer_is_the_same(lives: dict[EngineName, Life]) -> None:
    assert lives["embedded"].answers == lives["postgresql"].answers

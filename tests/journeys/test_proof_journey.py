"""Everything can be proven: each decision is recomputed to the byte, and no quiet change stays quiet."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from people import happened, ordinary_months, searched, wrote

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import IdentityLinked, IdentityUnlinked, ProductOpened
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Verdict
from marketofone.governance.board import Ruling

Allow = Callable[..., None]


def live_a_little(bank: Bank, allow: Allow, *, now: Instant) -> None:
    """Do a little of everything that a journal can hold."""
    for number in range(4):
        customer = f"c-{number}"
        allow(customer, sources=("*",) if number else ("transactions", "app"))
        bank.ingest(ordinary_months(customer, until=now), now=now)
        bank.forecast(customer, now=now)
    bank.rule(Ruling(ruling="stop", scope="insight", by="the board", at=now))
    for step in range(12):
        moment = Instant(now + step * DAY)
        for number in range(4):
            decision = bank.decide(f"c-{number}", occasion="app.opened", id=f"d-{step}-{number}", now=moment)
            if decision.action != "nothing":
                verdict: Verdict = "accepted" if (step + number) % 3 == 0 else "declined"
                bank.outcome(decision.id, verdict, why="not now", now=Instant(moment + HOUR))
                if verdict == "accepted":
                    bank.outcome(decision.id, "valued", value_minor=-2_000, now=Instant(moment + 2 * HOUR))
        if step == 5:
            bank.rule(Ruling(ruling="resume", scope="insight", by="the board", at=moment))
            bank.train(now=moment)
        if step == 8:
            no = ConsentChange(
                customer="c-1",
                change="withdraw",
                purposes=("marketing",),
                sources=("*",),
                channels=("*",),
                since=moment,
            )
            bank.consent(no, now=moment)
        bank.ingest(
            [
                searched("c-2", "baby crib", at=moment),
                wrote("c-3", "I am furious, nobody helps me!", at=moment),
                happened("c-1", ProductOpened(product="credit_card"), at=moment),
            ],
            now=moment,
        )


def test_a_replay_recomputes_every_decision_to_the_byte(bank: Bank, allow: Allow, now: Instant) -> None:
    live_a_little(bank, allow, now=now)

    report = bank.replay()

    assert report.decisions == 48
    assert report.differences == 0
    assert bank.verify().ok


def test_a_replay_covers_decisions_about_the_past(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    past = bank.decide("c-1", occasion="app.opened", now=Instant(now - 90 * DAY))
    bank.decide("c-1", occasion="app.opened", now=now)

    assert past.at == now - 90 * DAY
    assert bank.replay().differences == 0


def test_a_replay_covers_people_who_were_merged_and_split(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    bank.ingest(ordinary_months("device-9", until=now), now=now)
    alone = bank.profile("c-1", now=now).known
    key = {"key_kind": "device", "key": "d-9"}
    bank.ingest(
        [happened(who, IdentityLinked(key_kind="device", key="d-9"), at=now) for who in ("c-1", "device-9")], now=now
    )
    together = bank.profile("device-9", now=now)
    bank.decide("device-9", occasion="app.opened", now=now)
    bank.ingest([happened("device-9", IdentityUnlinked(key_kind="device", key=key["key"]), at=now)], now=now)
    bank.decide("c-1", occasion="app.opened", now=now)

    assert together.person == "c-1"
    spent = {item.name: item.value for item in together.known}["groceries_30d"]
    assert spent == 2 * {item.name: item.value for item in alone}["groceries_30d"]
    assert bank.profile("c-1", now=now).known == alone
    assert bank.profile("device-9", now=now).known == ()
    assert bank.replay().differences == 0


def test_a_replay_follows_the_documents_of_its_day(project: Path, now: Instant) -> None:
    yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
    with marketofone.open(project, now=now) as bank:
        bank.consent(yes, now=now)
        bank.ingest(ordinary_months("c-1", until=now), now=now)
        before = bank.decide("c-1", occasion="app.opened", now=now)
    for name, old, new in (
        ("bank.toml", "exploration = 0.02", "exploration = 0.20"),
        ("features.py", 'window="90d"', 'window="80d"'),
    ):
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        after = bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR))
        bank.ingest(ordinary_months("c-1", until=Instant(now + DAY), days=3), now=Instant(now + DAY))
        bank.decide("c-1", occasion="app.opened", now=Instant(now + DAY))

        assert before.documents != after.documents
        assert bank.replay().differences == 0


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE events SET body = replace(body, 'groceries', 'gambling') WHERE row < 40",
        "UPDATE events SET at = at - 1 WHERE row = 3",
        "DELETE FROM events WHERE row = 5",
        "UPDATE journal SET body = replace(body, 'app.opened', 'nightly') WHERE kind = 'decision'",
        "UPDATE journal SET at = at + 1 WHERE seq = 3",
        "UPDATE journal SET body = NULL, salt = NULL WHERE kind = 'consent'",
        "DELETE FROM journal WHERE seq = (SELECT max(seq) - 1 FROM journal)",
    ],
)
def test_a_quiet_change_is_found(project: Path, now: Instant, tampering: str) -> None:
    yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
    with marketofone.open(project, now=now) as bank:
        bank.consent(yes, now=now)
        bank.ingest(ordinary_months("c-1", until=now), now=now)
        bank.decide("c-1", occasion="app.opened", now=now)
        assert bank.verify().ok
    connection = sqlite3.connect(project / wiring.DATA / "bank.sqlite")
    connection.execute("PRAGMA foreign_keys = OFF")
    changed = connection.execute(tampering).rowcount
    connection.commit()
    connection.close()
    assert changed

    with marketofone.open(project, now=now) as bank:
        assert not bank.verify().ok


def test_the_same_id_gives_the_same_decision(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    first = bank.decide("c-1", occasion="app.opened", id="d-1", now=now)
    bank.ingest([searched("c-1", "baby crib", at=now)], now=now)

    assert bank.decide("c-1", occasion="app.opened", id="d-1", now=Instant(now + HOUR)) == first
    assert bank.decision("d-1") == first

"""A replay has no difference after races, links, withdrawals, changes of documents and roll-backs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from situations import NOW, at_once, gives_up, pays, runs_short, says, sent, shares, spends

import marketofone
from marketofone import Bank
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Verdict
from marketofone.governance.board import Ruling
from proofs import proven, recorded

pytestmark = pytest.mark.slow

PEOPLE = ("a", "b", "c", "d")


def furnish(bank: Bank, *customers: str) -> None:
    for customer in customers:
        says(bank, customer)
        bank.ingest([*spends(customer), sent("app.opened", customer)], now=NOW)


def edit(project: Path, document: str, change: Callable[[str], str]) -> None:
    before = (project / document).read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    (project / document).write_text(after, encoding="utf-8")


def answered(bank: Bank, customer: str, *, now: int, slots: int = 1) -> None:
    """Decide for somebody, and say what they did about each thing that was shown."""
    made = bank.decide(customer, occasion="app.opened", slots=slots, now=Instant(now))
    for slot, place in enumerate(made.places, start=1):
        if place.action != "nothing":
            verdict: Verdict = "accepted" if len(place.action) % 2 else "declined"
            bank.outcome(made.id, verdict, slot=slot, now=Instant(now))


@pytest.mark.parametrize("seed", range(4))
def test_after_races_of_everything_that_can_happen_to_people(project: Path, seed: int) -> None:
    """Do all of it at random from two banks on one folder, six threads at once."""
    with marketofone.open(project, now=NOW) as one, marketofone.open(project, now=NOW) as other:
        furnish(one, *PEOPLE)
        for customer in PEOPLE[:2]:
            one.ingest(runs_short(customer), now=NOW)

        def role(bank: Bank, number: int) -> int:
            rng = random.Random(f"{seed}-{number}")
            done = 0
            for _ in range(12):
                with suppress(ConsentRefused):  # what a no that came meanwhile forbids
                    happen(bank, rng)
                done += 1
            return done

        assert sum(at_once([partial(role, (one, other)[n % 2], n) for n in range(6)])) == 72
        for bank in (one, other):
            proven(bank)
    with marketofone.open(project, now=NOW) as again:
        proven(again)


def happen(bank: Bank, rng: random.Random) -> None:
    who, whom = rng.sample(PEOPLE, 2)
    now = NOW + rng.choice((0, HOUR, DAY, -DAY))
    source = rng.choice(("*", "transactions", "app", "messages"))
    things: list[Callable[[], object]] = [
        lambda: answered(bank, who, now=now),
        lambda: answered(bank, who, now=now, slots=3),
        lambda: says(bank, who, "withdraw", source=source, now=now),
        lambda: says(bank, who, source=source, now=now),
        lambda: shares(bank, rng.choice("kl"), who, whom, now=now),
        lambda: gives_up(bank, rng.choice("kl"), who, now=now),
        lambda: bank.ingest([pays(who, -100, "dining", at=NOW - rng.randrange(DAY))], now=Instant(now)),
        lambda: bank.ingest([sent("message.received", who, at=NOW, text="i lost my job")], now=Instant(now)),
        lambda: bank.forecast(who, now=Instant(now)),
        lambda: bank.intervene(PEOPLE, now=Instant(now)),
        lambda: bank.rule(Ruling(ruling=rng.choice(("stop", "resume")), scope="insight", by="b", at=Instant(now))),
        lambda: bank.train(now=Instant(now)),
        lambda: bank.profile(who, now=Instant(now)),
    ]
    rng.choice(things)()


def test_after_links_that_come_and_go_while_money_moves(bank: Bank) -> None:
    furnish(bank, *PEOPLE)
    for step in range(6):
        now = NOW + step * HOUR
        first, second = PEOPLE[step % 4], PEOPLE[(step + 1) % 4]
        shares(bank, f"k-{step}", first, second, now=now)
        bank.ingest([pays(first, -10 * step, "dining", at=now)], now=Instant(now))
        for customer in PEOPLE:
            answered(bank, customer, now=now + 1, slots=1 + step % 3)
        if step % 2:
            gives_up(bank, f"k-{step}", second, now=now + 2)
            answered(bank, second, now=now + 3)
    proven(bank)


def test_after_withdrawals_between_decisions_and_late_events(bank: Bank) -> None:
    furnish(bank, "a")
    for step, source in enumerate(("transactions", "app", "messages", "*")):
        now = NOW + step * DAY
        answered(bank, "a", now=now, slots=4)
        says(bank, "a", "withdraw", source=source, now=now)
        answered(bank, "a", now=now)
        bank.ingest(
            [pays("a", -5, "dining", at=now - 20 * DAY), sent("app.opened", "a", at=now - DAY)], now=Instant(now)
        )
        answered(bank, "a", now=now)
        says(bank, "a", source=source, now=now)
        answered(bank, "a", now=now)
    proven(bank)


def test_after_a_grant_that_ended_between_decisions(bank: Bank) -> None:
    says(bank, "a", until=NOW + DAY)
    bank.ingest(spends("a"), now=NOW)
    for step in range(5):
        answered(bank, "a", now=NOW + step * 6 * HOUR)
    proven(bank)


LETTER = """
[channels.letter]
title = "Letter"

[translations.de.channels.letter]
title = "Brief"
"""


def test_after_documents_changed_and_changed_back(project: Path) -> None:
    changes: list[tuple[str, Callable[[str], str]]] = [
        ("bank.toml", lambda text: text.replace("exploration = 0.02", "exploration = 0.2")),
        ("features.py", lambda text: text.replace('window="90d"', 'window="80d"')),
        ("features.py", lambda text: text.replace('window="80d"', 'window="90d"')),
        ("guardrails.toml", lambda text: re.sub(r"per_day = \d+", "per_day = 1", text)),
        ("bank.toml", lambda text: text.replace("control_share = 0.10", "control_share = 0.90")),
        ("consent.toml", lambda text: text + LETTER),
    ]
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank, "a", "b")
        answered(bank, "a", now=NOW)
    for step, (document, change) in enumerate(changes):
        edit(project, document, change)
        now = NOW + step * DAY
        with marketofone.open(project, now=Instant(now)) as bank:
            for customer in ("a", "b"):
                answered(bank, customer, now=now)
                bank.ingest([pays(customer, -7, "dining", at=now)], now=Instant(now))
                answered(bank, customer, now=now)
            proven(bank)
    with marketofone.open(project, now=NOW) as bank:
        assert recorded(bank, "document") == len(changes) + 1
        proven(bank)


def test_after_versions_were_rolled_back_and_learned_anew(bank: Bank) -> None:
    furnish(bank, *PEOPLE)
    for step in range(12):
        answered(bank, PEOPLE[step % 4], now=NOW + step * HOUR)
        if step == 5:
            bank.train(now=Instant(NOW + step * HOUR), tasks=("recommend", "forecast"))
    versions = [one.version for one in bank.versions()]
    assert len(versions) > 2
    later = NOW + DAY
    for number, version in enumerate((versions[-1], 0, versions[0], versions[len(versions) // 2])):
        bank.roll_back(version, now=Instant(later + number * HOUR))
        for customer in PEOPLE:
            answered(bank, customer, now=later + number * HOUR)
    proven(bank)


def test_after_rulings_between_decisions(bank: Bank) -> None:
    furnish(bank, "a")
    rulings: list[tuple[str, str]] = [("stop", "insight"), ("stop", "*"), ("resume", "*"), ("resume", "insight")]
    for step, (ruling, scope) in enumerate(rulings):
        answered(bank, "a", now=NOW + step * HOUR)
        bank.rule(Ruling(ruling=ruling, scope=scope, by="the board", at=Instant(NOW + step * HOUR)))  # type: ignore[arg-type]
        answered(bank, "a", now=NOW + step * HOUR)
    proven(bank)


def test_after_forecasts_and_what_they_told(bank: Bank) -> None:
    for customer in PEOPLE:
        says(bank, customer)
        bank.ingest(runs_short(customer), now=NOW)
    for step in range(4):
        now = Instant(NOW + step * DAY)
        list(bank.forecast_all(now=now))
        bank.intervene(now=now)
        bank.ingest([pays(one, -1_000, "dining", at=now, balance_minor=3) for one in PEOPLE[step:]], now=now)
        for customer in PEOPLE:
            answered(bank, customer, now=now + HOUR)
        bank.refresh_forecasts(now=Instant(now + 2 * HOUR))
    assert recorded(bank, "forecast") > len(PEOPLE)
    proven(bank)


def test_a_replay_writes_nothing_and_is_no_use(bank: Bank) -> None:
    furnish(bank, "a")
    answered(bank, "a", now=NOW)
    with bank.context.store.read() as reader:
        before = reader.heads(reader.subjects(limit=10))
    proven(bank)
    with bank.context.store.read() as reader:
        assert reader.heads(reader.subjects(limit=10)) == before

"""However many ask at once, and whatever the clocks say: no cap is exceeded, and nothing declined comes back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from situations import NOW, at_once, pays, says, sent, spends

import marketofone
from bank_projects import hear_answers_for
from marketofone import Bank
from marketofone.domain.decision import Decision, Request
from marketofone.domain.moment import DAY, HOUR, MINUTE, SECOND, Instant
from proofs import proven, recorded

SAME, MARKETING, CONTACTS = 2, 3, 8  # a day, as the template of a bank says
EACH = 4


@pytest.fixture
def banks(project: Path, request: pytest.FixtureRequest) -> Iterator[list[Bank]]:
    """Open the same bank some times, as so many processes would."""
    with ExitStack() as stack:
        yield [stack.enter_context(marketofone.open(project, now=NOW)) for _ in range(request.param)]


def keeps_caps(bank: Bank, decisions: list[Decision]) -> None:
    """Check everything that was said within a day."""
    kinds = {action.id: action for action in bank.catalogue.actions}
    said = [kinds[one.action] for one in decisions if one.action != "nothing"]
    assert max(Counter(one.id for one in said).values(), default=0) <= SAME
    assert sum(one.marketing for one in said) <= MARKETING
    assert sum(one.kind not in ("alert", "outreach") for one in said) <= CONTACTS


def ask(bank: Bank, customer: str) -> list[Decision]:
    return [bank.decide(customer, occasion="app.opened", now=NOW) for _ in range(EACH)]


def furnish(bank: Bank, customer: str) -> None:
    says(bank, customer)
    bank.ingest([*spends(customer), sent("app.opened", customer, at=NOW - HOUR)], now=NOW)


@pytest.mark.parametrize("banks", [1, 2], indirect=True, ids=["one bank", "two banks on one folder"])
@pytest.mark.parametrize("threads", [2, 16])
def test_many_who_decide_for_one_person_at_once_keep_every_cap(banks: list[Bank], threads: int) -> None:
    shown: set[str] = set()
    for person in range(3):
        customer = f"c-{person}"
        furnish(banks[0], customer)

        made = at_once([partial(ask, banks[number % len(banks)], customer) for number in range(threads)])
        decisions = [one for some in made for one in some]
        assert len(decisions) == threads * EACH == recorded(banks[0], "decision", customer)
        keeps_caps(banks[0], decisions)
        shown |= {one.action for one in decisions}
    assert shown - {"nothing"}
    proven(banks[0])


@pytest.mark.parametrize("banks", [2], indirect=True)
def test_ids_of_one_person_share_their_caps_also_at_once(banks: list[Bank]) -> None:
    ids = ("a", "b", "c")
    for one in ids:
        furnish(banks[0], one)
    banks[0].ingest([sent("identity.linked", one, key_kind="email_hash", key="k") for one in ids], now=NOW)

    made = at_once([partial(ask, banks[n % 2], ids[n % 3]) for n in range(9)])
    keeps_caps(banks[0], [one for some in made for one in some])
    proven(banks[0])


@pytest.mark.parametrize("banks", [2], indirect=True)
def test_one_person_in_many_batches_at_once_keeps_every_cap(banks: list[Bank]) -> None:
    for customer in ("a", "b"):
        furnish(banks[0], customer)

    def ask_all(number: int) -> list[Decision]:
        requests = [
            Request(id=f"{number}-{step}", customer="ab"[step % 2], occasion="app.opened", channel="app", at=NOW)
            for step in range(8)
        ]
        return banks[number % 2].decide_all(requests)

    made = [one for some in at_once([partial(ask_all, n) for n in range(4)]) for one in some]
    assert len(made) == 32
    for customer in ("a", "b"):
        keeps_caps(banks[0], [one for one in made if one.customer == customer])
    proven(banks[0])


@pytest.mark.parametrize("step", [SECOND, 0, -SECOND, -MINUTE, -HOUR, -DAY], ids=lambda step: f"{step // SECOND} s")
def test_a_clock_that_steps_back_lifts_no_cap(bank: Bank, step: int) -> None:
    for person in range(3):
        customer = f"c-{person}"
        furnish(bank, customer)
        made = [bank.decide(customer, occasion="app.opened", now=Instant(NOW + number * step)) for number in range(24)]
        keeps_caps(bank, made if step <= 0 or step == SECOND else made[:1])
        assert all(one.at >= NOW for one in made), "what is recorded never steps back"
    proven(bank)


def test_a_clock_that_jumps_about_lifts_no_cap_and_brings_nothing_declined_back(bank: Bank) -> None:
    rng = random.Random(3)
    furnish(bank, "c-1")
    declined: set[str] = set()
    made: list[Decision] = []
    for _ in range(40):
        moment = Instant(NOW + rng.choice((-90 * DAY, -DAY, -HOUR, 0, MINUTE)))
        decision = bank.decide("c-1", occasion="app.opened", now=moment)
        assert decision.action not in declined
        made.append(decision)
        if decision.action != "nothing":
            bank.outcome(decision.id, "declined", now=Instant(moment - rng.choice((0, HOUR, DAY))))
            declined.add(decision.action)
    keeps_caps(bank, made)
    assert declined
    proven(bank)


def test_a_question_about_a_moment_before_the_no_brings_nothing_back_and_is_no_contact(bank: Bank) -> None:
    furnish(bank, "c-1")
    shown = next(
        made
        for made in (bank.decide("c-1", occasion="app.opened", now=Instant(NOW + step)) for step in range(50))
        if made.action != "nothing"
    )
    later = Instant(NOW + HOUR)
    bank.outcome(shown.id, "declined", now=later)
    before = recorded(bank, "decision")
    for ago in (1, HOUR, DAY, 30 * DAY):
        for number in range(8):
            answer = bank.decide(
                "c-1", occasion="app.opened", id=f"q-{number}", now=Instant(later + 1), as_of=Instant(later - ago)
            )
            assert answer.action != shown.action
    assert recorded(bank, "decision") == before
    made = [bank.decide("c-1", occasion="app.opened", now=Instant(later + 1 + step)) for step in range(20)]
    assert shown.action not in {one.action for one in made}
    keeps_caps(bank, [shown, *made])
    proven(bank)


@pytest.mark.parametrize("after", [100, 150])
def test_what_was_declined_long_after_it_was_said_stays_away_as_long_as_promised(project: Path, after: int) -> None:
    hear_answers_for(project, 200)
    with marketofone.open(project, now=NOW) as bank:
        furnish(bank, "c-1")
        shown = next(
            made
            for made in (bank.decide("c-1", occasion="app.opened", now=Instant(NOW + step)) for step in range(50))
            if made.action != "nothing"
        )
        for day in range(1, after, 7):  # so much is said meanwhile that the first is old by then
            bank.decide("c-1", occasion="app.opened", now=Instant(NOW + day * DAY))
        no = NOW + after * DAY
        bank.outcome(shown.id, "declined", now=Instant(no))
        promised = bank.config.compiled.guardrails.decline_days
        made = [bank.decide("c-1", occasion="app.opened", now=Instant(no + day * DAY)) for day in range(1, promised)]
        assert shown.action not in {one.action for one in made}
        proven(bank)


def test_asking_about_the_past_all_day_uses_up_no_cap(bank: Bank) -> None:
    furnish(bank, "c-1")
    for step in range(20):
        bank.decide("c-1", occasion="app.opened", now=NOW, as_of=Instant(NOW - step * HOUR))
    with bank.context.store.read() as reader:
        assert bank.context.snapshot(reader).person("c-1").contacts == ()
    assert recorded(bank, "decision") == 0


def test_events_that_arrive_all_the_time_hold_up_no_decision(bank: Bank) -> None:
    furnish(bank, "c-1")
    stop: list[int] = []

    def send() -> int:
        rounds = 0
        while not stop:
            bank.ingest([pays("c-1", -5, "dining"), pays("c-2", -5, "dining")], now=NOW)
            rounds += 1
        return rounds

    def decide() -> int:
        try:
            return len([bank.decide("c-1", occasion="app.opened", now=NOW) for _ in range(20)])
        finally:
            stop.append(1)

    sends, asked = at_once([send, decide])
    assert asked == 20
    assert sends > 0
    proven(bank)

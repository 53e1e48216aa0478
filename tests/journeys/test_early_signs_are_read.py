"""Days after an acceptance its early signs are read; they teach until the value comes, and go with their person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from people import happened, ordinary_months

import marketofone
from learned import beliefs
from marketofone.bank import Bank
from marketofone.cli import terminal
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import MessageReceived
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Signs
from marketofone.models.bandit.surrogate import SignSums
from marketofone.projection import codec
from marketofone.services.learning.signs_watch import watch_signs

Allow = Callable[..., None]
UPSET = "I am really upset, I was charged a fee again and there is nothing left on my account."
LEARNING = "learning"


def accept(bank: Bank, customer: str, *, now: Instant, times: int = 1) -> list[str]:
    """Let somebody accept what is proposed; gives the decisions."""
    bank.ingest(ordinary_months(customer, until=now, days=40), now=now)
    accepted: list[str] = []
    at = now
    while len(accepted) < times:
        decision = bank.decide(customer, occasion="app.opened", now=at)
        at = Instant(at + HOUR)
        if decision.action != "nothing":
            bank.outcome(decision.id, "accepted", now=at)
            accepted.append(decision.id)
    return accepted


def sums(bank: Bank) -> dict[str, SignSums]:
    context = bank.context
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        version = context.versions.version(snapshot.bank, snapshot.bank.version)
        policy = snapshot.config.compiled.policy
        return policy.signs(lambda name: context.versions.belief(reader, version, name, config=snapshot.config))


def waiting(bank: Bank) -> int:
    return sum(len(of.waiting) for of in sums(bank).values())


def read_of(bank: Bank, customer: str) -> list[Signs]:
    owner = bank.context.keys.find([customer])[customer]
    with bank.context.store.read() as reader:
        entries = list(reader.entries(owner.subject, kinds=("signs",)))
    return [codec.read(entry, box=owner.box).signs for entry in entries]


def withdraw(bank: Bank, customer: str, *, now: Instant, sources: Sequence[str] = ("*",)) -> None:
    said = ConsentChange(
        customer=customer,
        change="withdraw",
        purposes=(LEARNING,),
        sources=tuple(sources),
        channels=("*",),
        since=now,
    )
    bank.consent(said, now=now)


def days(now: Instant, number: int) -> Instant:
    return Instant(now + number * DAY)


def test_signs_are_read_once_when_an_acceptance_is_old_enough(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    accept(bank, "c-1", now=now)

    bank.learn(now=days(now, 5))
    early = read_of(bank, "c-1")
    for day in (10, 11, 12):
        bank.learn(now=days(now, day))

    assert early == []
    assert len(read_of(bank, "c-1")) == waiting(bank) == 1
    assert any(of.purpose == LEARNING for of in bank.uses("c-1", days=20) if of.day >= "2026-01-1")
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def test_a_complaint_and_a_change_of_mind_are_signs(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)
    said = days(now, 7)

    bank.ingest([happened("c-1", MessageReceived(text=UPSET), at=said)], now=said)
    bank.outcome(accepted, "taken_back", now=said)
    bank.learn(now=days(now, 10))

    (signs,) = read_of(bank, "c-1")
    taken_back, *_, negative = signs.seen  # by the names of their features
    assert (taken_back, negative) == (1.0, 1.0)
    assert "messages" in signs.sources


def test_signs_go_with_the_yes_that_became_a_no_and_are_read_anew_of_the_next(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)
    bank.learn(now=days(now, 10))
    read = waiting(bank)

    bank.outcome(accepted, "declined", now=days(now, 12))
    gone = waiting(bank)
    bank.outcome(accepted, "accepted", now=days(now, 14))
    bank.learn(now=days(now, 24))

    assert (read, gone, waiting(bank)) == (1, 0, 1)
    assert len(read_of(bank, "c-1")) == 2
    assert bank.debt(now=days(now, 24)) == 0
    assert bank.verify().problems == ()


def test_what_may_not_be_learned_from_is_not_read(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1", sources=("transactions", "app"))
    allow("c-2", purposes=("insights", "personalisation", "marketing", "care"))
    for customer in ("c-1", "c-2"):
        accept(bank, customer, now=now)

    bank.learn(now=days(now, 10))

    assert [signs.sources for signs in read_of(bank, "c-1")] == [("app", "transactions")]
    assert read_of(bank, "c-2") == []


def test_signs_teach_until_the_value_is_reported(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)
    bank.learn(now=days(now, 10))

    before = waiting(bank)
    bank.outcome(accepted, "valued", value_minor=-500, now=days(now, 70))

    (of,) = sums(bank).values()
    assert (before, len(of.waiting), of.n) == (1, 0, 1)
    assert bank.verify().problems == ()


def test_signs_are_not_read_of_what_is_valued_already(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)

    bank.outcome(accepted, "valued", value_minor=700, now=days(now, 4))
    bank.learn(now=days(now, 10))

    assert read_of(bank, "c-1") == []


@pytest.mark.parametrize("forgotten", [True, False])
def test_signs_go_with_whoever_is_forgotten_or_takes_learning_back(
    bank: Bank, allow: Allow, now: Instant, *, forgotten: bool
) -> None:
    allow("c-1")
    accept(bank, "c-1", now=now, times=2)
    bank.learn(now=days(now, 10))
    alone = beliefs(bank)
    allow("c-2")
    (first, _) = accept(bank, "c-2", now=days(now, 20), times=2)
    bank.learn(now=days(now, 30))
    bank.outcome(first, "valued", value_minor=-900, now=days(now, 80))
    assert waiting(bank) == 3

    if forgotten:
        bank.erase("c-2", ground="asked", now=days(now, 90))
    else:
        withdraw(bank, "c-2", now=days(now, 90))

    assert beliefs(bank) == alone
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def test_who_takes_back_what_signs_were_read_from_takes_the_value_back_that_taught_with_them(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)
    bank.learn(now=days(now, 10))
    bank.outcome(accepted, "valued", value_minor=-900, now=days(now, 80))
    assert sums(bank)

    withdraw(bank, "c-1", now=days(now, 90), sources=("messages",))

    assert sums(bank) == {}
    assert not any(name.startswith(("worth", "value")) for name in beliefs(bank))


def test_a_version_that_was_rolled_back_to_holds_no_guess_to_take_out(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)
    before = bank.versions()[0].version
    bank.learn(now=days(now, 10))

    bank.roll_back(before, now=days(now, 11))
    bank.outcome(accepted, "valued", value_minor=-900, now=days(now, 80))

    (of,) = sums(bank).values()
    assert (len(of.waiting), of.n, float(of.information.sum())) == (0, 1, 0.0)


def test_what_signs_say_is_shown_and_where_values_were_not_what_they_said(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    (accepted,) = accept(bank, "c-1", now=now)
    bank.learn(now=days(now, 10))

    guessed = watch_signs(bank.context)
    bank.outcome(accepted, "valued", value_minor=-90_000, now=days(now, 70))
    known = watch_signs(bank.context)

    assert [one.sign for one in guessed.signs] == [
        "taken_back",
        "app_opens_7d",
        "fees_paid_7d",
        "negative_messages_7d",
    ]
    assert [(one.waiting, one.reported, one.beside_minor) for one in guessed.actions] == [(1, 0, None)]
    (one,) = known.actions
    assert (one.waiting, one.reported, one.bypassed) == (0, 1, False)  # one report is too few to tell
    assert one.said_minor is not None
    assert one.reported_minor is not None
    assert one.beside_minor == pytest.approx(one.reported_minor - one.said_minor, abs=1)
    text = terminal.text_for_people("signs", known)
    assert "taken_back" in text
    assert one.action in text


def test_a_bank_that_states_no_signs_reads_none(project: Path, now: Instant) -> None:
    document = project / "bank.toml"
    text = document.read_text(encoding="utf-8")
    document.write_text(text[: text.index("[early_signs]")], encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        everything = ConsentChange(
            customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now
        )
        bank.consent(everything, now=now)
        accept(bank, "c-1", now=now)
        bank.learn(now=days(now, 10))
        assert read_of(bank, "c-1") == []
        assert "bank.toml states none" in terminal.text_for_people("signs", watch_signs(bank.context))


def test_an_action_that_everybody_accepts_is_shown_as_distrusted(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    assert watch_signs(bank.context).distrusted == ()

    accept(bank, "c-1", now=now, times=12)
    bank.learn(now=days(now, 2))

    seen = watch_signs(bank.context)
    assert seen.distrust == 1.0
    assert seen.distrusted
    assert all(one.times > 2.0 for one in seen.distrusted)
    text = terminal.text_for_people("signs", seen)
    assert all(one.action in text for one in seen.distrusted)
    assert "100 % of what bank.toml states" in text


@pytest.mark.parametrize(("policy", "distrusts"), [("hierarchical", 1.0), ("independent", None)])
def test_distrust_is_shown_where_actions_learn_from_each_other(
    project: Path, now: Instant, policy: str, distrusts: float | None
) -> None:
    document = project / "bank.toml"
    document.write_text(f'policy = "{policy}"\n' + document.read_text(encoding="utf-8"), encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        assert watch_signs(bank.context).distrust == distrusts

"""Consent is a dialogue: nothing is used without it, and a no holds for the very next thing the bank does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from people import happened, kept_events, ordinary_months, wrote

import marketofone
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import ConsentRefused, MalformedRequest
from marketofone.domain.event import IdentityLinked
from marketofone.domain.moment import DAY, HOUR, Instant, text_of
from marketofone.services.rights.consent_view import may_ask
from marketofone.store.ports import Head, Unit

Allow = Callable[..., None]


def withdraw(bank: Bank, customer: str, *, now: Instant, sources: tuple[str, ...] = ("*",)) -> None:
    no = ConsentChange(
        customer=customer, change="withdraw", purposes=("*",), sources=sources, channels=("*",), since=now
    )
    bank.consent(no, now=now)


def test_nothing_is_used_of_a_person_who_was_never_asked(bank: Bank, now: Instant) -> None:
    bank.ingest(ordinary_months("c-1", until=now), now=now)

    decision = bank.decide("c-1", occasion="app.opened", now=now)

    assert {source for _, source in decision.uses} <= {"protection"}
    assert decision.not_used
    assert bank.profile("c-1", now=now).known == ()
    with pytest.raises(ConsentRefused):
        bank.forecast("c-1", now=now)


def test_what_need_not_be_kept_is_not_kept_when_it_is_refused(bank: Bank, now: Instant) -> None:
    report = bank.ingest([wrote("c-1", "where is my card?", at=now)], now=now)

    assert report.refused == 1
    assert [event.body for event in kept_events(bank, "c-1")] == [None]


def test_a_grant_brings_back_what_the_bank_had_to_keep(bank: Bank, allow: Allow, now: Instant) -> None:
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    allow("c-1")

    known = {item.name: item.value for item in bank.profile("c-1", now=now).known}

    assert known["groceries_30d"] > 0


def test_a_withdrawal_shows_in_the_very_next_decision_forecast_profile_and_log(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    before = bank.decide("c-1", occasion="app.opened", now=now)
    bank.forecast("c-1", now=now)
    assert ("insights", "transactions") in before.uses

    withdraw(bank, "c-1", now=now, sources=("transactions",))
    later = Instant(now + HOUR)

    after = bank.decide("c-1", occasion="app.opened", now=later)
    assert all(source != "transactions" for _, source in after.uses)
    assert any(item.source == "transactions" and "said no" in item.why for item in after.not_used)
    ahead = bank.forecast("c-1", now=later)
    assert ahead.accounts == ()
    assert any("transactions not used: you said no" in note for note in ahead.notes)
    assert "groceries_30d" in bank.profile("c-1", now=later).hidden
    used_before = sum(use.count for use in bank.uses("c-1") if use.source == "transactions")
    bank.decide("c-1", occasion="app.opened", now=later)
    assert sum(use.count for use in bank.uses("c-1") if use.source == "transactions") == used_before
    withdraw(bank, "c-1", now=later)
    with pytest.raises(ConsentRefused):
        bank.forecast("c-1", now=later)


def test_withdrawing_and_granting_again_gives_the_same_numbers(bank: Bank, allow: Allow, now: Instant) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    before = bank.profile("c-1", now=now).known

    withdraw(bank, "c-1", now=now)
    assert bank.profile("c-1", now=now).known == ()
    allow("c-1")

    assert bank.profile("c-1", now=now).known == before


def test_a_grant_ends_by_itself(bank: Bank, now: Instant) -> None:
    short = ConsentChange(
        customer="c-1",
        change="grant",
        purposes=("*",),
        sources=("*",),
        channels=("*",),
        since=now,
        until=Instant(now + DAY),
    )
    bank.consent(short, now=now)
    bank.ingest(ordinary_months("c-1", until=now), now=now)

    assert bank.profile("c-1", now=now).known
    assert bank.profile("c-1", now=Instant(now + 2 * DAY)).known == ()
    assert {scope.state for scope in bank.consents("c-1", now=Instant(now + 2 * DAY)).cells} == {"expired"}


def test_a_word_the_policy_does_not_have_is_refused_with_its_field(bank: Bank, now: Instant) -> None:
    odd = ConsentChange(
        customer="c-1", change="grant", purposes=("everything",), sources=("*",), channels=("*",), since=now
    )

    with pytest.raises(MalformedRequest) as raised:
        bank.consent(odd, now=now)

    assert raised.value.field == "purposes"


def test_another_process_sees_a_withdrawal_at_once(project: Path, now: Instant) -> None:
    with marketofone.open(project, now=now) as first, marketofone.open(project, now=now) as second:
        yes = ConsentChange(customer="c-1", change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now)
        first.consent(yes, now=now)
        first.ingest(ordinary_months("c-1", until=now), now=now)
        assert second.decide("c-1", occasion="app.opened", now=now).uses

        withdraw(first, "c-1", now=now)

        assert {source for _, source in second.decide("c-1", occasion="app.opened", now=now).uses} <= {"protection"}


def test_a_withdrawal_between_reading_and_releasing_is_obeyed(
    bank: Bank, allow: Allow, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    commit = bank.context.store.commit
    interrupted = threading.Event()

    def commit_after_a_withdrawal(unit: Unit) -> list[Head]:
        # The decision is computed and on its way to its commit; now the person says no, and is told it holds.
        if not interrupted.is_set():
            interrupted.set()
            withdraw(bank, "c-1", now=now)
        return commit(unit)

    monkeypatch.setattr(bank.context.store, "commit", commit_after_a_withdrawal)
    decision = bank.decide("c-1", occasion="app.opened", now=now)

    assert interrupted.is_set()
    assert decision.epoch == bank.epoch("c-1")
    assert {source for _, source in decision.uses} <= {"protection"}
    assert bank.replay().differences == 0


def test_the_later_entry_wins_also_when_it_is_a_yes_that_names_an_earlier_moment(bank: Bank, now: Instant) -> None:
    withdraw(bank, "c-1", now=now)
    backdated = ConsentChange(
        customer="c-1",
        change="grant",
        purposes=("*",),
        sources=("*",),
        channels=("*",),
        since=Instant(now - 100 * DAY),
        until=Instant(now + 100 * DAY),
    )
    bank.consent(backdated, now=Instant(now + HOUR))
    assert {scope.state for scope in bank.consents("c-1", now=Instant(now + HOUR)).cells} == {"granted"}

    withdraw(bank, "c-1", now=Instant(now - DAY))  # a no that names a past date, by a clock that stepped back
    assert {scope.state for scope in bank.consents("c-1", now=Instant(now + HOUR)).cells} == {"withdrawn"}


def test_the_yes_of_one_never_opens_what_another_customer_of_the_same_person_left_shut(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("c-1")
    withdraw(bank, "c-2", now=now, sources=("life_events",))
    key = IdentityLinked(key_kind="email_hash", key="tablet")
    bank.ingest([happened(who, key, at=now) for who in ("c-1", "c-2")], now=now)

    assert "granted" not in {scope.state for scope in bank.consents("c-2", now=now).cells}
    assert {source for _, source in bank.decide("c-2", occasion="app.opened", now=now).uses} <= {"protection"}
    assert bank.replay().differences == 0


def test_after_a_no_nobody_asks_again_for_as_long_as_the_bank_promises_whichever_id_said_it(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    for customer in ("c-1", "c-2"):
        allow(customer)
    bank.ingest(
        [happened(who, IdentityLinked(key_kind="email_hash", key="d-9"), at=now) for who in ("c-1", "c-2")], now=now
    )
    no = ConsentChange(
        customer="c-2", change="withdraw", purposes=("care",), sources=("app",), channels=("*",), since=now
    )
    bank.consent(no, now=Instant(now + DAY))
    again = Instant(now + 181 * DAY)

    asked = may_ask(bank.context, "c-1", now=Instant(now + 2 * DAY))
    assert (asked["care"], asked["insights"].may) == ((False, again), True)
    shown = bank.consents("c-1", now=Instant(now + 2 * DAY))
    care = next(one for one in shown.purposes if one.purpose == "care")
    assert (care.may_ask, care.ask_from) == (False, text_of(again))
    assert may_ask(bank.context, "c-1", now=again)["care"].may
    before = bank.consents("c-1", now=Instant(now + 2 * DAY), as_of=now)
    assert all(one.may_ask for one in before.purposes)
    assert may_ask(bank.context, "nobody", now=now).keys() == asked.keys()

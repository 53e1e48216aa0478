"""Whatever else a bank runs asks before each use: what is remembered of the answer is never older than a no."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from situations import NOW, gives_up, says, sent, shares

import marketofone
from marketofone import Bank
from marketofone.consent import gate
from marketofone.consent.gate import Permit
from marketofone.consent.ledger import What
from marketofone.consent.licence import ALL, GOVERNED
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.services.runtime.app_context import AppContext
from renaming import in_english_alone

WHO, OTHER = "c-1", "c-2"


@pytest.fixture
def beside(project: Path, bank: Bank) -> Iterator[Bank]:
    """Open the same bank once more, as another process would."""
    with marketofone.open(project, now=Instant(NOW), clock=bank.now) as opened:
        yield opened


def judged_anew(bank: Bank, customer: str, purpose: str, channel: str | None, *, now: int) -> Permit:
    """Ask the gate about what the journals say, and nothing that is remembered."""
    with bank.context.store.read() as reader:
        snapshot = bank.context.snapshot(reader, projection=bank.context.projection.apart(room=4))
        person, policy = snapshot.person(customer), snapshot.config.policy
        moment = person.judged(Instant(now))
        return gate.permit(purpose, person.consents, customer=person.name, channel=channel, policy=policy, now=moment)


def agrees(bank: Bank, customer: str = WHO, *, now: int = NOW) -> None:
    """Hold what a check says of every purpose and channel, twice, against the gate."""
    for purpose in bank.config.policy.purposes:
        for channel in (None, *bank.config.policy.channels):
            right = judged_anew(bank, customer, purpose, channel, now=now)
            for _ in range(2):
                assert bank.permit(customer, purpose=purpose, channel=channel, now=Instant(now)) == right


def opens(bank: Bank, *, purpose: str = "marketing", customer: str = WHO, now: int = NOW) -> bool:
    return bool(bank.permit(customer, purpose=purpose, channel="app", now=Instant(now)).sources)


@pytest.mark.parametrize("change", get_args(What))
def test_a_check_says_what_the_gate_says_after_whatever_was_said(bank: Bank, change: What) -> None:
    says(bank, WHO)
    agrees(bank)
    says(bank, WHO, change, now=NOW + 1)
    agrees(bank, now=NOW + 1)


@pytest.mark.parametrize("change", ["withdraw", "object", "pause"])
def test_what_another_process_took_back_is_open_in_no_later_check(bank: Bank, beside: Bank, change: What) -> None:
    says(bank, WHO)
    assert opens(bank)
    assert opens(beside)

    says(beside, WHO, change, now=NOW + 1)

    assert not opens(bank, now=NOW + 1)
    assert not opens(beside, now=NOW + 1)


def test_whatever_two_processes_are_told_both_say_what_holds(bank: Bank, beside: Bank) -> None:
    draw = random.Random(7)
    for step in range(60):
        said: What = draw.choice(["grant", "withdraw", "object", "lift", "pause", "resume"])
        one = draw.choice([bank, beside])
        about = "*" if said in ("object", "lift") else draw.choice(["*", "marketing", "insights"])
        says(one, draw.choice([WHO, OTHER]), said, now=NOW + step * DAY, purpose=about)
        for customer in (WHO, OTHER):
            if one.context.keys.find((customer,)):
                asked = draw.choice([bank, beside])
                agrees(asked, customer, now=NOW + step * DAY + draw.randrange(DAY))


def test_what_ends_by_itself_is_open_until_then_and_no_longer(bank: Bank) -> None:
    says(bank, WHO, until=NOW + DAY)
    assert opens(bank, now=NOW + DAY - 1)
    assert not opens(bank, now=NOW + DAY)


def test_a_clock_that_steps_back_opens_nothing_that_had_ended(bank: Bank) -> None:
    says(bank, WHO, until=NOW + DAY)
    bank.ingest([sent("app.opened", WHO, at=NOW + DAY)], now=Instant(NOW + DAY))
    opens(bank, now=NOW + DAY)
    assert not opens(bank, now=NOW)


def test_several_ids_of_one_person_open_what_each_of_them_allows(bank: Bank, beside: Bank) -> None:
    says(bank, WHO)
    says(bank, OTHER)
    assert opens(bank)
    assert opens(bank, customer=OTHER)
    shares(bank, "d-9", WHO, OTHER)
    says(beside, OTHER, "withdraw", now=NOW + 1)
    assert not opens(bank, now=NOW + 1)
    agrees(bank, now=NOW + 1)
    gives_up(beside, "d-9", OTHER, now=NOW + 2)
    assert opens(bank, now=NOW + 2)
    assert not opens(bank, customer=OTHER, now=NOW + 2)


def test_what_is_no_longer_allowed_at_another_bank_is_open_in_no_later_check(bank: Bank, beside: Bank) -> None:
    says(bank, WHO)

    def licence(at: int, until: int) -> bytes:
        end = text_of(Instant(until))
        return sent("openbanking.licensed", WHO, at=at, institution="first", scopes=ALL, until=end)

    bank.ingest([licence(NOW, NOW + 30 * DAY)], now=Instant(NOW))
    assert not bank.permit(WHO, purpose="insights", now=Instant(NOW)).partly
    beside.ingest([licence(NOW + 1, NOW + 2)], now=Instant(NOW + 1))

    assert GOVERNED in bank.permit(WHO, purpose="insights", now=Instant(NOW + 3)).partly
    agrees(bank, now=NOW + 3)


def test_documents_that_changed_hold_for_the_next_check(bank: Bank, project: Path) -> None:
    says(bank, WHO)
    assert opens(bank)
    consent = project / "consent.toml"
    in_english_alone(project)
    text = consent.read_text(encoding="utf-8")
    consent.write_text(text + '\n[channels.pigeon]\ntitle = "Carrier pigeon"\n', encoding="utf-8")
    with pytest.raises(MalformedRequest):
        bank.permit(WHO, purpose="marketing", channel="pigeon", now=Instant(NOW))

    with marketofone.open(project, now=Instant(NOW)):
        assert not bank.permit(WHO, purpose="marketing", channel="pigeon", now=Instant(NOW)).sources


def test_who_was_forgotten_is_known_to_no_later_check(bank: Bank, beside: Bank) -> None:
    says(bank, WHO)
    assert opens(bank)
    beside.erase(WHO, ground="asked", now=Instant(NOW + 1))
    with pytest.raises(UnknownCustomer):
        opens(bank, now=NOW + 2)


def test_what_was_asked_before_is_answered_without_reading_a_journal(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(bank, WHO)
    assert opens(bank)
    bank.ingest([sent("app.opened", WHO)], now=Instant(NOW))
    monkeypatch.setattr(AppContext, "snapshot", None)  # what reads a journal and folds it
    assert opens(bank)


@pytest.mark.parametrize(("purpose", "channel"), [("sorcery", None), ("marketing", "crystal-ball")])
def test_a_word_that_the_bank_does_not_have_is_refused_in_words(bank: Bank, purpose: str, channel: str | None) -> None:
    says(bank, WHO)
    with pytest.raises(MalformedRequest, match="use one of"):
        bank.permit(WHO, purpose=purpose, channel=channel, now=Instant(NOW))


def test_nobody_unknown_has_a_permit(bank: Bank) -> None:
    with pytest.raises(UnknownCustomer):
        opens(bank)

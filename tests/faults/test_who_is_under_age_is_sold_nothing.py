"""Under age nothing that is barred is open, whoever said yes; and that age ends every yes, with time alone passing."""

from __future__ import annotations

from pathlib import Path

import pytest
from situations import NOW, says, sent, shares, spends, states

import marketofone
from marketofone import Bank
from marketofone.consent.gate import WHY
from marketofone.domain.action import MARKETING
from marketofone.domain.decision import Decision
from marketofone.domain.errors import ConsentRefused, MalformedDocument, MalformedRequest
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.runtime.app_context import AppContext
from proofs import proven

WHO, OTHER = "c-1", "c-2"
BORN = "2008-01-06"  # of age on 6 January 2026
OF_AGE = Instant(NOW + 15 * HOUR)  # midnight in Prague, where the bank of these tests is
LATER = Instant(OF_AGE + HOUR)


def is_born(bank: Bank, customer: str = WHO, born: str = BORN, *, now: int = NOW) -> None:
    assert bank.ingest([sent("customer.born", customer, at=now, born=born)], now=Instant(now)).events == 1


def opens(bank: Bank, purpose: str, *, now: int, customer: str = WHO) -> frozenset[str]:
    return bank.permit(customer, purpose=purpose, channel="app", now=Instant(now)).sources


def decided(bank: Bank, *, now: int) -> Decision:
    return bank.decide(WHO, occasion="app.opened", now=Instant(now))


def is_offered(bank: Bank, made: Decision) -> bool:
    kinds = {action.id: action.kind for action in bank.catalogue.actions}
    return any(kinds.get(one.action) in MARKETING for one in made.candidates if one.stage in ("scored", "chosen"))


def test_a_yes_to_offers_opens_nothing_under_age_also_one_that_was_said_before_the_age_was_known(bank: Bank) -> None:
    says(bank, WHO)
    assert opens(bank, "marketing", now=NOW)
    is_born(bank)
    assert not opens(bank, "marketing", now=NOW)
    refused = bank.permit(WHO, purpose="marketing", now=NOW).refused
    assert set(refused.values()) == {WHY["under_age"]}
    assert opens(bank, "insights", now=NOW)


def test_a_birth_that_is_still_to_come_is_kept_aside_and_closes_nothing(bank: Bank) -> None:
    says(bank, WHO)
    report = bank.ingest([sent("customer.born", WHO, at=NOW, born="2080-01-01")], now=NOW)
    assert (report.events, report.dead_letters) == (0, 1)
    assert opens(bank, "marketing", now=NOW)


def test_no_offer_is_weighed_for_them(bank: Bank) -> None:
    says(bank, WHO)
    opened = sent("account.opened", WHO, at=NOW - 90 * DAY, account="a", product="current", currency="EUR")
    bank.ingest([opened, *spends(WHO), sent("app.opened", WHO)], now=NOW)
    assert is_offered(bank, decided(bank, now=NOW))
    is_born(bank)
    made = decided(bank, now=NOW + HOUR)
    assert not is_offered(bank, made)
    assert any(WHY["under_age"] in one.why for one in made.not_used)
    proven(bank)


def test_what_waits_to_be_sent_is_not_released_once_the_age_is_known(bank: Bank) -> None:
    says(bank, WHO)
    bank.ingest([*spends(WHO), sent("app.opened", WHO)], now=NOW)
    made = bank.decide(WHO, occasion="app.opened", id="queued", now=NOW)
    assert ("marketing", "transactions") in made.uses
    is_born(bank)
    with pytest.raises(ConsentRefused):
        bank.decision("queued", now=Instant(NOW + 1))


def test_nobody_can_say_yes_to_it_for_them_and_a_yes_to_everything_leaves_it_out(bank: Bank) -> None:
    is_born(bank)
    with pytest.raises(MalformedRequest, match=r"barred for who is under age.*use one of insights"):
        says(bank, WHO, purpose="marketing")
    says(bank, WHO)
    assert not any(cell.purpose == "marketing" and cell.state != "never" for cell in bank.consents(WHO, now=NOW).cells)
    assert opens(bank, "insights", now=NOW)


def test_every_yes_ends_at_the_midnight_of_that_day_where_the_bank_is(bank: Bank) -> None:
    says(bank, WHO)
    is_born(bank)
    assert opens(bank, "insights", now=OF_AGE - 1)
    assert not opens(bank, "insights", now=OF_AGE)
    assert not opens(bank, "marketing", now=OF_AGE)
    assert states(bank, WHO, now=OF_AGE) == {"expired"}
    assert bank.consents(WHO, now=OF_AGE).cells[0].until == "2026-01-05T23:00:00Z"


def test_what_a_check_remembers_ends_with_time_alone(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    says(bank, WHO)
    is_born(bank)
    assert opens(bank, "insights", now=NOW)
    monkeypatch.setattr(AppContext, "snapshot", None)  # what reads a journal and folds it
    assert opens(bank, "insights", now=OF_AGE - 1)
    assert not opens(bank, "insights", now=OF_AGE)


def test_what_arrives_is_judged_by_the_age_of_that_moment(bank: Bank) -> None:
    says(bank, WHO)
    is_born(bank)
    assert bank.ingest([sent("app.opened", WHO)], now=Instant(OF_AGE - 1)).refused == 0
    assert bank.ingest([sent("app.opened", WHO)], now=OF_AGE).refused == 1


def test_who_came_of_age_says_yes_anew_also_to_offers(bank: Bank) -> None:
    says(bank, WHO)
    is_born(bank)
    with pytest.raises(MalformedRequest, match="before the customer came of age"):
        says(bank, WHO, now=LATER, since=NOW)
    says(bank, WHO, now=LATER)
    assert opens(bank, "marketing", now=LATER)
    proven(bank)


def test_a_no_stays_a_no(bank: Bank) -> None:
    is_born(bank)
    says(bank, WHO, "withdraw")
    assert states(bank, WHO, now=LATER) == {"withdrawn"}
    assert all(one.may_ask for one in bank.consents(WHO, now=LATER).purposes)  # it is the young adult who is asked now


def test_of_several_ids_the_youngest_counts(bank: Bank) -> None:
    for customer in (WHO, OTHER):
        says(bank, customer)
    shares(bank, "d-9", WHO, OTHER)
    is_born(bank, OTHER)
    assert not opens(bank, "marketing", now=NOW)
    assert not opens(bank, "insights", now=OF_AGE)


def test_the_last_word_about_a_birth_counts(bank: Bank) -> None:
    says(bank, WHO)
    is_born(bank)
    is_born(bank, born="1980-02-29", now=NOW + 1)
    assert opens(bank, "marketing", now=LATER)


@pytest.mark.parametrize("born", ["1066-10-14", "9999-12-31", "soon", 17])
def test_a_birth_that_is_no_date_of_a_person_is_kept_aside(bank: Bank, born: object) -> None:
    assert bank.ingest([sent("customer.born", WHO, born=born)], now=NOW).dead_letters == 1


def test_a_bank_says_who_is_of_age_and_what_else_is_barred(project: Path) -> None:
    consent = project / "consent.toml"
    text = consent.read_text(encoding="utf-8").replace("of_age = 18\nbarred = []", 'of_age = 21\nbarred = ["learning"]')
    consent.write_text(text, encoding="utf-8")
    with marketofone.open(project, now=NOW) as bank:
        says(bank, WHO)
        is_born(bank)
        assert not opens(bank, "learning", now=LATER)
        assert opens(bank, "insights", now=LATER)
    consent.write_text(text.replace('["learning"]', '["protection"]'), encoding="utf-8")
    with pytest.raises(MalformedDocument, match=r"minors.barred.*use one of insights"):
        marketofone.open(project, now=NOW)


def test_the_day_after_a_year_of_it_nothing_of_before_is_open(bank: Bank) -> None:
    says(bank, WHO, until=NOW + 365 * DAY)
    is_born(bank)
    assert not any(opens(bank, purpose, now=NOW + 300 * DAY) for purpose in bank.config.policy.barred | {"insights"})

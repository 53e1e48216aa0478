"""A delegate says yes and no for a person, while they may; and no word of theirs beats a no of the person."""

from __future__ import annotations

from threading import Event as Signal
from typing import Any, get_args

import pytest
from situations import NOW, says, sent, states

from marketofone import Bank
from marketofone.consent import saying
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.delegation import Delegation
from marketofone.domain.errors import MalformedRequest, Refused
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.rights import consent_service
from marketofone.services.rights.consent_history import consent_entries
from marketofone.services.rights.first_consent import came_of_age
from proofs import proven, recorded

WHO = "c-1"
UNTIL = Instant(NOW + 90 * DAY)
OF_AGE = Instant(NOW + 15 * HOUR)  # of who was born on 6 January 2008, in Prague


def appoints(bank: Bank, name: str = "Ann", *, now: int = NOW, **told: Any) -> None:
    said = {"authority": "named", "may": "change", "until": UNTIL, **told}
    bank.rights.appoint(WHO, Delegation(name=name, **said), now=Instant(now))


def lends(bank: Bank, change: What = "grant", *, by: str = "Ann", now: int = NOW, **words: str) -> None:
    said: dict[str, Any] = {kind: (words.get(kind, "*"),) for kind in ("purposes", "sources", "channels")}
    told = ConsentChange(customer=WHO, change=change, since=Instant(now), delegate=by, **said)
    bank.consent(told, now=Instant(now))


def is_born(bank: Bank, born: str) -> None:
    bank.ingest([sent("customer.born", WHO, born=born)], now=NOW)


def opens(bank: Bank, purpose: str = "insights", *, now: int = NOW) -> frozenset[str]:
    return bank.permit(WHO, purpose=purpose, channel="app", now=Instant(now)).sources


@pytest.fixture
def bank(bank: Bank) -> Bank:
    bank.ingest([sent("app.opened", WHO)], now=NOW)
    return bank


def test_what_a_delegate_says_is_said_for_the_person_and_tells_who_said_it_on_whose_word(bank: Bank) -> None:
    appoints(bank, authority="power_of_attorney", evidence="deed 7 of 2026")
    lends(bank)
    assert opens(bank)
    said = consent_entries(bank.context, WHO, limit=1)[0].change
    assert (said.customer, said.delegate) == (WHO, "Ann")
    assert (said.actor, said.authority) == ("acting for you: Ann, by a power of attorney", "deed 7 of 2026")
    event = bank.rights.receipt(WHO).events[0]
    assert (event.expressed_by, event.authority) == ("by Ann, for the person", "deed 7 of 2026")
    proven(bank)


def test_whom_a_child_named_before_the_age_was_known_may_nothing(bank: Bank) -> None:
    appoints(bank)
    lends(bank, now=NOW)
    is_born(bank, "2008-01-06")
    for now in (Instant(NOW + 1), OF_AGE):
        with pytest.raises(MalformedRequest, match="delegate: nobody who may act"):
            lends(bank, now=now)
    bank.ingest([sent("customer.born", WHO, born="1980-01-06")], now=Instant(NOW + 1))
    lends(bank, now=NOW + 2)


def test_a_delegate_answers_not_for_who_came_of_age_and_is_asked_anew(bank: Bank) -> None:
    says(bank, WHO)
    is_born(bank, "2008-01-06")
    appoints(bank, authority="power_of_attorney", evidence="deed 7 of 2026")
    lends(bank, "withdraw", now=OF_AGE)
    assert came_of_age(bank.context, WHO, now=OF_AGE)
    says(bank, WHO, "withdraw", now=OF_AGE)
    assert not came_of_age(bank.context, WHO, now=OF_AGE)


@pytest.mark.parametrize("change", get_args(What))
def test_who_may_only_look_says_nothing(bank: Bank, change: What) -> None:
    appoints(bank, may="view")
    before = recorded(bank, "consent", WHO)
    with pytest.raises(MalformedRequest, match="delegate: a delegate who may look"):
        lends(bank, change)
    assert recorded(bank, "consent", WHO) == before


def test_nobody_acts_who_was_not_named_or_whose_end_has_come(bank: Bank) -> None:
    with pytest.raises(MalformedRequest, match="delegate: nobody who may act"):
        lends(bank)
    appoints(bank, until=Instant(NOW + HOUR))
    lends(bank, now=NOW + HOUR - 1)
    with pytest.raises(MalformedRequest, match="delegate: nobody who may act"):
        lends(bank, now=NOW + HOUR)
    assert opens(bank, now=NOW + HOUR), "what was said while they could stays said"


def test_who_is_ended_says_nothing_from_then_on(bank: Bank) -> None:
    appoints(bank)
    bank.rights.end_delegate(WHO, "Ann", now=Instant(NOW + 1))
    with pytest.raises(MalformedRequest, match="delegate: nobody who may act"):
        lends(bank, now=NOW + 2)
    assert bank.rights.delegates(WHO, now=Instant(NOW + 2)) == []


def test_who_is_ended_while_they_say_it_has_not_said_it(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    appoints(bank)
    ended, spell_out = Signal(), saying.explicit

    def meanwhile(*args: Any, **more: Any) -> ConsentChange:
        if more.get("consents") is not None and not ended.is_set():  # judged, and not recorded yet
            ended.set()
            bank.rights.end_delegate(WHO, "Ann", now=Instant(NOW + 1))
        return spell_out(*args, **more)

    monkeypatch.setattr(consent_service, "explicit", meanwhile)
    with pytest.raises(MalformedRequest, match="delegate: nobody who may act"):
        lends(bank, now=NOW + 1)
    assert not opens(bank, now=NOW + 1)


def test_no_yes_of_a_delegate_opens_what_the_person_refused(bank: Bank) -> None:
    appoints(bank)
    says(bank, WHO, "withdraw", purpose="insights", source="app")
    with pytest.raises(MalformedRequest, match="purposes: what the customer refused themselves"):
        lends(bank, purposes="insights", sources="app", now=NOW + 1)
    lends(bank, now=NOW + 2)
    assert "app" not in opens(bank, now=NOW + 2)
    assert "transactions" in opens(bank, now=NOW + 2)
    says(bank, WHO, purpose="insights", source="app", now=NOW + 3)
    assert "app" in opens(bank, now=NOW + 3)
    proven(bank)


def test_no_delegate_ends_an_objection_or_a_pause_of_the_person(bank: Bank) -> None:
    says(bank, WHO)
    appoints(bank)
    says(bank, WHO, "object", now=NOW + 1)
    with pytest.raises(MalformedRequest, match="change: what the customer stopped themselves"):
        lends(bank, "lift", now=NOW + 2)
    says(bank, WHO, "pause", purpose="insights", source="*", channel="*", now=NOW + 3)
    with pytest.raises(MalformedRequest, match="change: what the customer stopped themselves"):
        lends(bank, "resume", purposes="insights", now=NOW + 4)
    assert states(bank, WHO, now=NOW + 4) == {"granted", "objected", "paused"}


def test_a_delegate_makes_a_pause_of_the_person_longer_and_never_shorter(bank: Bank) -> None:
    says(bank, WHO)
    appoints(bank)
    says(bank, WHO, "pause", purpose="insights", source="*", channel="*", until=NOW + 10 * DAY)
    for until in (NOW + 5 * DAY, NOW + 20 * DAY):
        told = ConsentChange(
            customer=WHO, change="pause", purposes=("insights",), since=NOW, until=Instant(until), delegate="Ann"
        )
        bank.consent(told, now=Instant(NOW + 1))
        assert not opens(bank, now=max(NOW + 10 * DAY, until) - 1)
    with pytest.raises(MalformedRequest, match="change: what the customer stopped themselves"):
        lends(bank, "resume", purposes="insights", now=NOW + 2)
    says(bank, WHO, "resume", purpose="insights", source="*", channel="*", now=NOW + 3)
    assert opens(bank, now=NOW + 3)


def test_a_delegate_ends_what_they_stopped_and_the_person_ends_either(bank: Bank) -> None:
    says(bank, WHO)
    appoints(bank)
    for who in (lends, lambda bank, change, **more: says(bank, WHO, change, **more)):
        lends(bank, "object", now=NOW + 1)
        lends(bank, "pause", now=NOW + 1)
        assert not opens(bank, "marketing", now=NOW + 1)
        who(bank, "lift", now=NOW + 2)
        who(bank, "resume", now=NOW + 2)
        assert opens(bank, "marketing", now=NOW + 2)


def test_a_no_of_a_delegate_holds_until_either_says_yes(bank: Bank) -> None:
    says(bank, WHO)
    appoints(bank)
    lends(bank, "withdraw", now=NOW + 1)
    assert not opens(bank, now=NOW + 1)
    says(bank, WHO, now=NOW + 2)
    assert opens(bank, now=NOW + 2)


def test_a_guardian_may_until_the_child_is_of_age_and_what_they_allowed_ends_with_it(bank: Bank) -> None:
    is_born(bank, "2008-01-06")
    appoints(bank, authority="guardian", evidence="birth certificate")
    lends(bank)
    assert opens(bank)
    assert not opens(bank, "marketing")
    assert bank.rights.delegates(WHO, now=NOW)[0].ends == OF_AGE
    assert not opens(bank, now=OF_AGE)
    with pytest.raises(MalformedRequest, match="delegate: nobody who may act"):
        lends(bank, now=OF_AGE)
    proven(bank)


def test_a_guardian_of_somebody_of_age_may_until_the_end_of_the_order(bank: Bank) -> None:
    is_born(bank, "1980-01-06")
    appoints(bank, authority="guardian", evidence="order of a court")
    assert bank.rights.delegates(WHO, now=NOW)[0].ends == UNTIL


def test_who_is_under_age_names_nobody_and_ends_no_guardian(bank: Bank) -> None:
    is_born(bank, "2012-01-06")
    with pytest.raises(MalformedRequest, match="authority: somebody whom a customer under age names"):
        appoints(bank)
    appoints(bank, authority="guardian", evidence="birth certificate")
    with pytest.raises(Refused, match="a guardian is recorded by the bank"):
        bank.rights.end_delegate(WHO, "Ann", now=NOW, by_customer=True)
    assert bank.rights.delegates(WHO, now=NOW)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"until": NOW}, "until: not within ten years"),
        ({"until": Instant(NOW + 4000 * DAY)}, "until: not within ten years"),
        ({"authority": "guardian"}, "evidence: empty"),
        ({"authority": "friend"}, "authority: none of the known words; use one of named"),
        ({"may": "everything"}, "may: none of the known words; use one of view, change"),
        ({"name": " "}, "name: text of 1 characters"),
        ({"name": "a\nb"}, "name: text of 3 characters"),
        ({"evidence": "x" * 201}, "evidence: text of 201 characters"),
    ],
)
def test_a_delegation_that_breaks_its_contract_is_refused_in_words(
    bank: Bank, told: dict[str, Any], fault: str
) -> None:
    with pytest.raises(MalformedRequest, match=fault):
        appoints(bank, **told)
    assert bank.rights.delegates(WHO, now=NOW) == []


def test_nobody_has_more_than_sixteen_delegates(bank: Bank) -> None:
    for number in range(16):
        appoints(bank, f"Ann {number}")
    appoints(bank, "Ann 3", may="view")
    with pytest.raises(MalformedRequest, match="more than 16 delegates; end another one first"):
        appoints(bank, "Ann 16")
    assert len(bank.rights.delegates(WHO, now=NOW)) == 16

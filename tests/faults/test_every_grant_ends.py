"""Every grant ends, at most after the bank's limit, and whoever grants is told when."""

from __future__ import annotations

import pytest
from situations import EVERY, NOW, says, spends, states, values

from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant, parse_instant, text_of

LIMIT = Instant(NOW + 365 * DAY)
IN_2199 = parse_instant("2199-01-01T00:00:00Z", field="until")


def yes(*, actor: str = "customer", authority: str = "", since: int = NOW, until: int | None = None) -> ConsentChange:
    return ConsentChange(
        customer="c-1",
        change="grant",
        purposes=EVERY,
        sources=EVERY,
        channels=EVERY,
        since=Instant(since),
        until=None if until is None else Instant(until),
        actor=actor,
        authority=authority,
    )


@pytest.mark.parametrize("actor", ["customer", "importer", "staff", "system"])
def test_a_grant_without_an_end_ends_after_the_limit_whoever_speaks(bank: Bank, actor: str) -> None:
    given = bank.consent_given(yes(actor=actor, authority="a contract"), now=NOW)
    assert given.until == LIMIT
    assert {cell.until for cell in bank.consents("c-1", now=NOW).cells} == {text_of(LIMIT)}
    bank.ingest(spends("c-1"), now=NOW)
    assert states(bank, "c-1", now=LIMIT - 1) == {"granted"}
    assert states(bank, "c-1", now=LIMIT) == {"expired"}
    assert not values(bank, "c-1", now=LIMIT)


@pytest.mark.parametrize("until", [LIMIT + 1, IN_2199, 2**62, 2**63 - 1])
def test_an_end_beyond_the_limit_is_refused_and_the_limit_named(bank: Bank, until: int) -> None:
    with pytest.raises(MalformedRequest) as raised:
        bank.consent(yes(until=until), now=NOW)
    assert raised.value.field == "until"
    assert text_of(LIMIT) in raised.value.fix
    assert bank.epoch("c-1") == 0


@pytest.mark.parametrize("until", [NOW, NOW - 1, NOW - 390 * DAY, -1])
def test_a_grant_that_has_ended_already_is_refused(bank: Bank, until: int) -> None:
    with pytest.raises(MalformedRequest) as raised:
        bank.consent(yes(since=NOW - 400 * DAY, until=until), now=NOW)
    assert raised.value.field == "until"


@pytest.mark.parametrize("back", [1, 364, 366, 4_000])
def test_a_grant_dated_back_holds_now_and_ends_after_the_limit_from_now(bank: Bank, back: int) -> None:
    given = bank.consent_given(yes(since=NOW - back * DAY), now=NOW)
    assert given.until == LIMIT
    assert states(bank, "c-1") == {"granted"}


def test_a_withdrawal_has_no_end(bank: Bank) -> None:
    says(bank, "c-1")
    says(bank, "c-1", "withdraw", until=NOW + DAY)
    assert states(bank, "c-1", now=NOW + 30 * DAY) == {"withdrawn"}


def test_a_yes_that_is_said_again_lasts_from_then(bank: Bank) -> None:
    says(bank, "c-1")
    says(bank, "c-1", now=NOW + 300 * DAY)
    assert states(bank, "c-1", now=LIMIT) == {"granted"}
    assert states(bank, "c-1", now=NOW + 665 * DAY) == {"expired"}


def test_the_entry_that_proves_a_yes_is_named(bank: Bank) -> None:
    given = bank.consent_given(yes(), now=NOW)
    with bank.context.store.read() as reader:
        head = reader.head(bank.context.keys.find(("c-1",))["c-1"].subject)
    assert (given.entry.n, given.entry.hash) == (head.n, head.hash)


def test_a_grant_that_has_ended_by_what_is_recorded_already_is_refused_and_not_born_ended(bank: Bank) -> None:
    says(bank, "c-1", now=NOW + DAY)
    with pytest.raises(MalformedRequest):  # the clock stepped back a day
        bank.consent(yes(until=NOW + DAY), now=NOW)
    bank.consent(yes(until=NOW + 2 * DAY), now=NOW)
    assert states(bank, "c-1", now=NOW) == {"granted"}

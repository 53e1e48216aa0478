"""What may be used for a question about the past is judged and recorded now, and no question is about the future."""

from __future__ import annotations

import pytest
from situations import EVERY, NOW, runs_short, says, sent, spends, states, values

from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.errors import ConsentRefused, MalformedRequest
from marketofone.domain.moment import DAY, HOUR, Instant
from proofs import proven, recorded

ENDED = Instant(NOW - HOUR)
ASKED_ABOUT = [NOW, NOW - 1, ENDED - 1, NOW - DAY, NOW - 90 * DAY]


@pytest.fixture
def expired(bank: Bank) -> Bank:
    """Give a bank in which a grant to everything ended an hour ago."""
    says(bank, "c-1", now=NOW - 100 * DAY, until=ENDED)
    bank.ingest([*runs_short("c-1"), sent("message.received", "c-1", at=NOW - DAY, text="i lost my job")], now=ENDED)
    return bank


@pytest.mark.parametrize("as_of", ASKED_ABOUT)
def test_what_ended_is_open_for_no_question_about_a_moment_before(expired: Bank, as_of: int) -> None:
    moment = Instant(as_of)
    decision = expired.decide("c-1", occasion="app.opened", now=NOW, as_of=moment)
    assert {source for _, source in decision.uses} <= {"protection"}
    assert expired.profile("c-1", now=NOW, as_of=moment).known == ()
    assert expired.insights("c-1", now=NOW, as_of=moment) == []
    assert expired.spending("c-1", now=NOW, as_of=moment).sources == ()
    for question in (expired.forecast, expired.show_forecast):
        with pytest.raises(ConsentRefused):
            question("c-1", now=NOW, as_of=moment)
    assert {use.source for use in expired.uses("c-1")} <= {"protection"}


def test_a_grant_is_open_until_the_moment_it_ends_and_no_longer(bank: Bank) -> None:
    says(bank, "c-1", until=NOW + DAY)
    bank.ingest(spends("c-1"), now=NOW)
    assert values(bank, "c-1", now=NOW + DAY - 1)
    assert not values(bank, "c-1", now=NOW + DAY)
    assert states(bank, "c-1", now=NOW + DAY) == {"expired"}


@pytest.mark.parametrize("back", [1, HOUR, DAY, 99 * DAY])
def test_a_clock_that_steps_back_opens_nothing_that_had_ended(expired: Bank, back: int) -> None:
    expired.decide("c-1", occasion="app.opened", now=NOW)  # the journal knows that it is later
    moment = Instant(NOW - back)
    assert {source for _, source in expired.decide("c-1", occasion="app.opened", now=moment).uses} <= {"protection"}
    assert expired.profile("c-1", now=moment).known == ()
    assert expired.insights("c-1", now=moment) == []
    assert expired.spending("c-1", now=moment).sources == ()
    with pytest.raises(ConsentRefused):
        expired.forecast("c-1", now=moment)
    assert expired.train(now=moment).people == 0
    assert expired.refresh_forecasts(now=moment).looked == 0
    again = expired.ingest([sent("message.received", "c-1", at=moment, text="i am desperate")], now=moment)
    assert again.refused == 1
    assert "granted" not in states(expired, "c-1", now=moment)


def test_a_no_holds_for_every_question_about_a_moment_before_it(bank: Bank) -> None:
    says(bank, "c-1", now=NOW - DAY)
    bank.ingest(runs_short("c-1"), now=NOW)
    says(bank, "c-1", "withdraw")
    for as_of in ASKED_ABOUT:
        decision = bank.decide("c-1", occasion="app.opened", now=NOW, as_of=Instant(as_of))
        assert {source for _, source in decision.uses} <= {"protection"}
        assert not values(bank, "c-1", as_of=as_of)
        with pytest.raises(ConsentRefused):
            bank.forecast("c-1", now=NOW, as_of=Instant(as_of))


def test_what_is_granted_now_may_be_asked_about_the_past_and_is_a_use_of_today(bank: Bank) -> None:
    bank.ingest(spends("c-1"), now=Instant(NOW - DAY))
    says(bank, "c-1")
    past = NOW - 20 * DAY
    assert values(bank, "c-1", as_of=past)["spend_30d"] > 0
    answer = bank.decide("c-1", occasion="app.opened", now=NOW, as_of=Instant(past))
    assert answer.at == past
    assert {use.day for use in bank.uses("c-1")} == {"2026-01-05"}
    assert recorded(bank, "decision") == 0


@pytest.mark.parametrize("ahead", [1, HOUR, 360 * DAY, 10_000 * DAY])
def test_no_question_is_about_a_moment_ahead(bank: Bank, ahead: int) -> None:
    says(bank, "c-1")
    bank.ingest(runs_short("c-1"), now=NOW)
    before = recorded(bank, "use")
    as_of = Instant(NOW + ahead)
    for question in (bank.forecast, bank.show_forecast, bank.profile, bank.insights, bank.spending):
        with pytest.raises(MalformedRequest) as raised:
            question("c-1", now=NOW, as_of=as_of)
        assert raised.value.field == "as_of"
    with pytest.raises(MalformedRequest):
        bank.decide("c-1", occasion="app.opened", now=NOW, as_of=as_of)
    assert recorded(bank, "use") == before
    assert recorded(bank, "forecast") == 0


def test_a_forecast_about_another_moment_never_takes_the_place_of_the_present_one(bank: Bank) -> None:
    says(bank, "c-1")
    bank.ingest(runs_short("c-1"), now=NOW)
    bank.forecast("c-1", now=NOW)
    told = bank.intervene(["c-1"], now=NOW)
    with bank.context.store.read() as reader:
        before = bank.context.snapshot(reader).person("c-1").forecast
    for ago in (0, 1, DAY, 100 * DAY):
        bank.forecast("c-1", now=Instant(NOW + 1), as_of=Instant(NOW - ago))
        bank.show_forecast("c-1", now=Instant(NOW + 1), as_of=Instant(NOW - ago))
    with bank.context.store.read() as reader:
        assert bank.context.snapshot(reader).person("c-1").forecast == before
    assert [one.id for one in told]
    proven(bank)


def test_a_model_that_was_given_up_is_loaded_for_no_question_about_a_moment_before(bank: Bank) -> None:
    for number in range(6):
        customer = f"c-{number}"
        says(bank, customer)
        bank.ingest(runs_short(customer, until=NOW), now=NOW)
    assert bank.train(now=NOW, tasks=("forecast",)).past_days > 0
    with_model = bank.forecast("c-0", now=NOW, as_of=Instant(NOW - 10 * DAY))
    later = NOW + DAY
    for number in range(6):
        says(bank, f"c-{number}", "withdraw", purpose="learning", now=later)
    assert bank.train(now=Instant(later), tasks=("forecast",)).given_up
    again = bank.forecast("c-0", now=Instant(later), as_of=Instant(NOW - 10 * DAY))
    assert again != with_model


def test_of_two_things_said_the_later_entry_wins_whatever_dates_they_name(bank: Bank) -> None:
    bank.ingest(spends("c-1"), now=NOW)
    says(bank, "c-1")
    says(bank, "c-1", "withdraw", since=NOW - 10 * DAY)
    assert states(bank, "c-1") == {"withdrawn"}
    assert not values(bank, "c-1")
    says(bank, "c-1", since=NOW - 20 * DAY)
    assert states(bank, "c-1") == {"granted"}
    says(bank, "c-1", "withdraw", now=NOW - 30 * DAY)  # by a clock that stepped back
    assert states(bank, "c-1") == {"withdrawn"}


@pytest.mark.parametrize("change", ["grant", "withdraw"])
def test_nothing_is_said_for_a_moment_ahead(bank: Bank, change: str) -> None:
    said = ConsentChange(
        customer="c-1",
        change=change,  # type: ignore[arg-type]
        purposes=EVERY,
        sources=EVERY,
        channels=EVERY,
        since=Instant(NOW + HOUR),
    )
    with pytest.raises(MalformedRequest) as raised:
        bank.consent(said, now=NOW)
    assert raised.value.field == "since"
    assert bank.epoch("c-1") == 0

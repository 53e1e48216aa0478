"""After a no, what rested on it is released and shown nowhere again, whoever asks and by whichever name."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest
from situations import NOW, gives_up, runs_short, says, sent, shares, spends

from marketofone import Bank
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import ConsentRefused, DecisionExists
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.decisions.visible import HIDDEN, HIDDEN_ACTION
from marketofone.services.rights.history import recent_decisions
from proofs import proven, recorded

TELLING = ("because of rent", "landlord", "runs short", "salary")


@pytest.fixture
def told(bank: Bank) -> tuple[Bank, Decision]:
    """Tell somebody that a rent will not be covered."""
    for number in range(40):  # a person outside the control group, for whom the draw takes the warning
        customer = f"carla-{number}"
        says(bank, customer)
        bank.ingest(runs_short(customer), now=NOW)
        bank.forecast(customer, now=NOW)
        made = bank.decide(customer, occasion="forecast.made", channel="app", id=f"told-{number}", now=NOW)
        if made.notification is not None and made.assignment == "policy":
            return bank, made
    raise AssertionError("nobody was told anything")


def asked_again(bank: Bank, made: Decision, *, now: int) -> Decision:
    return bank.decide(made.customer, occasion=made.occasion, channel=made.channel, id=made.id, now=Instant(now))


def test_the_same_id_gives_the_same_answer_until_the_no_and_then_a_refusal_that_names_why(
    told: tuple[Bank, Decision],
) -> None:
    bank, made = told
    assert asked_again(bank, made, now=NOW + HOUR) == made == bank.decision(made.id)
    entries = recorded(bank, "decision")

    says(bank, made.customer, "withdraw", source="transactions", now=NOW + HOUR)
    for question in (partial(asked_again, bank, made, now=NOW + HOUR), partial(bank.decision, made.id)):
        with pytest.raises(ConsentRefused) as raised:
            question()
        assert "transactions" in raised.value.why
        assert "you said no" in raised.value.why
    assert recorded(bank, "decision") == entries
    fresh = bank.decide(
        made.customer, occasion=made.occasion, channel=made.channel, id="fresh", now=Instant(NOW + HOUR)
    )
    assert "transactions" not in {source for _, source in fresh.uses}
    proven(bank)


@pytest.mark.parametrize("way", ["one at a time", "together"])
def test_an_id_that_was_used_for_another_body_is_refused_before_and_after_the_no(
    told: tuple[Bank, Decision], way: str
) -> None:
    bank, made = told

    def ask(occasion: str, channel: str) -> Decision:
        if way == "one at a time":
            return bank.decide(made.customer, occasion=occasion, channel=channel, id=made.id, now=NOW)
        request = Request(id=made.id, customer=made.customer, occasion=occasion, channel=channel, at=NOW)
        return bank.decide_all([request])[0]

    for _ in range(2):
        for occasion, channel in (("app.opened", "app"), ("forecast.made", "push")):
            with pytest.raises(DecisionExists):
                ask(occasion, channel)
        says(bank, made.customer, "withdraw")
    proven(bank)


def test_another_customer_may_use_the_same_id_and_learns_nothing_of_the_first(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    says(bank, "other")
    bank.ingest(spends("other"), now=NOW)
    says(bank, made.customer, "withdraw")
    theirs = bank.decide("other", occasion="app.opened", id=made.id, now=NOW)
    assert theirs.customer == "other"
    assert bank.decide("other", occasion="app.opened", id=made.id, now=NOW) == theirs
    assert bank.decision(made.id, customer="other") == theirs
    with pytest.raises(ConsentRefused):
        bank.decision(made.id, customer=made.customer)
    proven(bank)


def test_what_may_not_be_released_any_more_may_be_again_after_a_new_yes(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    says(bank, made.customer, "withdraw")
    with pytest.raises(ConsentRefused):
        asked_again(bank, made, now=NOW)
    says(bank, made.customer)
    assert asked_again(bank, made, now=NOW) == made


def test_what_ended_by_itself_is_released_no_more_than_what_was_refused(bank: Bank) -> None:
    says(bank, "c-1", until=NOW + DAY)
    bank.ingest(spends("c-1"), now=NOW)
    made = bank.decide("c-1", occasion="app.opened", id="d-1", now=NOW)
    for back in (0, HOUR):
        with pytest.raises(ConsentRefused) as raised:
            asked_again(bank, made, now=NOW + DAY + HOUR - back)
        assert "has ended" in raised.value.why


def test_a_no_of_another_id_of_the_person_refuses_it_too_also_after_they_are_apart(bank: Bank) -> None:
    for one in ("a", "b"):
        says(bank, one)
        bank.ingest(spends(one), now=NOW)
    shares(bank, "k", "a", "b")
    made = bank.decide("a", occasion="app.opened", id="d-1", now=NOW)
    says(bank, "b", "withdraw", source="transactions")
    with pytest.raises(ConsentRefused):
        asked_again(bank, made, now=NOW)
    gives_up(bank, "k", "b")
    with pytest.raises(ConsentRefused):
        asked_again(bank, made, now=NOW)


@pytest.mark.parametrize("how", ["unlinked", "erased"])
def test_what_rests_on_another_id_is_hidden_once_that_id_is_not_theirs(bank: Bank, how: str) -> None:
    for one in ("a", "b"):
        says(bank, one)
    bank.ingest(runs_short("b"), now=NOW)
    shares(bank, "k", "a", "b")
    bank.forecast("a", now=NOW)
    made = bank.decide("a", occasion="app.opened", id="d-1", now=NOW)
    assert "transactions" in {source for _, source in made.uses}
    if how == "unlinked":
        gives_up(bank, "k", "b")
    else:
        bank.erase("b", ground="asked for it", now=NOW)
    with pytest.raises(ConsentRefused):
        asked_again(bank, made, now=NOW)
    with pytest.raises(ConsentRefused):
        bank.decision("d-1", now=NOW)
    (shown,) = recent_decisions(bank.context, customer="a", limit=1, now=NOW)
    assert (shown.action, len(shown.candidates), shown.context) == (HIDDEN_ACTION, 0, ())


def test_everything_that_people_are_shown_of_it_is_hidden(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    before = recent_decisions(bank.context, customer=made.customer, limit=5, now=NOW)
    assert any(word in str(before).lower() for word in TELLING)
    says(bank, made.customer, "withdraw")
    bank.decide(made.customer, occasion="app.opened", now=NOW)

    for customer in (made.customer, None):
        shown = [
            one
            for one in recent_decisions(bank.context, customer=customer, limit=50, now=NOW)
            if one.customer == made.customer
        ]
        assert made.id in {one.id for one in shown}
        for one in shown:
            text = msgspec.json.encode(one).decode().lower()
            assert not any(word in text for word in TELLING), text
        hidden = next(one for one in shown if one.id == made.id)
        assert hidden.reasons[0].text.startswith(HIDDEN)
        assert (hidden.notification, hidden.context, len(hidden.candidates)) == (None, (), 0)
    assert bank.profile(made.customer, now=NOW).known == ()
    assert bank.insights(made.customer, now=NOW) == []
    assert bank.spending(made.customer, now=NOW).standing == ()
    with pytest.raises(ConsentRefused):
        bank.forecast(made.customer, now=NOW)
    proven(bank)


def test_the_next_decision_knows_nothing_of_what_was_foreseen_or_told(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    says(bank, made.customer, "withdraw")
    for occasion in ("app.opened", "forecast.made"):
        after = bank.decide(made.customer, occasion=occasion, channel="app", now=Instant(NOW + 1))
        assert {source for _, source in after.uses} <= {"protection"}
        assert after.notification is None
    assert made.customer not in {one.customer for one in bank.intervene([made.customer], now=Instant(NOW + 2))}
    proven(bank)


def test_nothing_is_learned_from_an_answer_after_the_no(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    bank.learning.by_itself = False
    says(bank, made.customer, "withdraw", purpose="learning")
    assert not bank.outcome(made.id, "declined", now=Instant(NOW + HOUR)).learned
    assert bank.learn(now=Instant(NOW + HOUR)) == 0


def test_a_lesson_that_waits_is_not_learned_when_a_no_comes_first(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    bank.learning.by_itself = False
    assert bank.outcome(made.id, "accepted", now=Instant(NOW + HOUR)).learned
    says(bank, made.customer, "withdraw", purpose="learning", now=NOW + 2 * HOUR)
    assert bank.learn(now=Instant(NOW + 3 * HOUR)) == 0
    assert {version.lessons for version in bank.versions()} <= {0}


def test_a_lesson_that_waits_is_not_learned_when_the_yes_ended_first(bank: Bank) -> None:
    bank.learning.by_itself = False
    says(bank, "c-1", until=NOW + DAY)
    bank.ingest([*spends("c-1"), sent("app.opened", "c-1")], now=NOW)
    made = next(
        one
        for one in (bank.decide("c-1", occasion="app.opened", now=Instant(NOW + step)) for step in range(50))
        if one.action != "nothing"
    )
    assert bank.outcome(made.id, "accepted", now=Instant(NOW + HOUR)).learned
    assert bank.learn(now=Instant(NOW + 2 * DAY)) == 0


def test_a_person_who_takes_everything_back_teaches_no_training(told: tuple[Bank, Decision]) -> None:
    bank, made = told
    before = bank.train(now=NOW).people
    says(bank, made.customer, "withdraw")
    assert bank.train(now=NOW).people == before - 1

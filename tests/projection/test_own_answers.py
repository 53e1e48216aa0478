"""What a person answered is remembered for two years, each thing once, and only what was known at a moment counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome, Verdict
from marketofone.models.bandit import OwnAnswers
from marketofone.projection.contacts import Decided
from marketofone.projection.own_answers import KEPT, MOST, Answers, merged, noted, own_answers

START = Instant(1_000 * DAY)


def heard(
    answers: Answers, verdict: Verdict, *, shown: int, after: int, action: str = "tip", worth: int | None = None
) -> Answers:
    """Hear, so many days after the start, of what was shown on a day."""
    at = Instant(START + after * DAY)
    outcome = Outcome(decision=f"d-{shown}", verdict=verdict, at=at, value_minor=worth)
    to = Decided(action, "insight", "app", Instant(START + shown * DAY))
    return noted(answers, outcome, to=to, recorded=at)


def until(answers: Answers, day: int) -> OwnAnswers:
    return own_answers(answers, until=Instant(START + day * DAY))


def test_the_first_answer_and_the_first_report_stand() -> None:
    told = heard((), "ignored", shown=0, after=1)
    told = heard(told, "accepted", shown=0, after=2)
    told = heard(told, "accepted", shown=3, after=4)
    told = heard(told, "valued", shown=3, after=60, worth=900)
    told = heard(told, "valued", shown=3, after=61, worth=5)

    assert until(told, 99) == OwnAnswers((("tip", False), ("tip", True)), (("tip", 900.0),))


def test_a_worth_of_what_nobody_accepted_is_no_report() -> None:
    told = heard(heard((), "declined", shown=0, after=1), "valued", shown=0, after=60, worth=900)

    assert until(heard(told, "valued", shown=7, after=60, worth=900), 99) == OwnAnswers((("tip", False),))


def test_what_was_heard_after_a_moment_does_not_count_at_it() -> None:
    told = heard(heard((), "accepted", shown=0, after=1), "valued", shown=0, after=60, worth=900)

    assert until(told, 0) == OwnAnswers()
    assert until(told, 59) == OwnAnswers((("tip", True),))
    assert until(told, 60).reports == (("tip", 900.0),)


def test_an_answer_is_forgotten_after_two_years() -> None:
    told = heard((), "accepted", shown=0, after=1)
    days = KEPT // DAY + 1

    assert until(told, days - 1).answers
    assert not until(told, days).answers
    assert len(heard(told, "ignored", shown=days, after=days)) == 1


def test_an_answer_to_nothing_is_no_answer() -> None:
    outcome = Outcome(decision="d", verdict="ignored", at=START)

    assert noted((), outcome, to=Decided("nothing", None, "app", START), recorded=START) == ()
    assert noted((), outcome, to=None, recorded=START) == ()


@given(st.integers(MOST - 3, MOST + 3))
def test_so_many_answers_are_kept_and_the_newest_stay(count: int) -> None:
    told: Answers = ()
    for minute in range(count):
        at = Instant(START + minute)
        outcome = Outcome(decision=f"d-{minute}", verdict="ignored", at=at)
        told = noted(told, outcome, to=Decided(f"a{minute}", "insight", "app", at), recorded=at)

    assert [said.action for said in told] == [f"a{minute}" for minute in range(max(0, count - MOST), count)]


@given(st.lists(st.integers(0, 50), unique=True), st.data())
def test_the_answers_of_linked_ids_come_in_the_order_in_which_they_were_heard(
    days: list[int], data: st.DataObject
) -> None:
    each: list[Answers] = [(), ()]
    for day in sorted(days):
        place = data.draw(st.integers(0, 1))
        each[place] = heard(each[place], "ignored", shown=day, after=day)

    assert [said.at for said in merged(each, until=Instant(START + 99 * DAY))] == [
        START + day * DAY for day in sorted(days)
    ]

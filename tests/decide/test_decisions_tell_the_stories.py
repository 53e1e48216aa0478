"""The three stories, and others: what happens to a person decides what happens next, if they allowed it."""

from __future__ import annotations

from collections import Counter

import pytest
from one_person import (
    BOOK,
    CREDIT,
    CRIB,
    FRAGILE,
    GUARDRAILS,
    LATE,
    LIFE,
    NO_CONSENT,
    NOW,
    RUSH,
    UPSET,
    approved,
    ask,
    consents,
    decision_input,
    decisions,
    event,
    foreseen,
    open_to,
    payment,
    stage_of,
)

from marketofone.decide.decision_input import DecisionInput
from marketofone.decide.engine import decide
from marketofone.domain.action import MARKETING
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.governance.board import Ruling, fold
from marketofone.governance.guardrails import Contact


def favourite(held: DecisionInput, *, occasion: str = "app.opened", channel: str = "app") -> tuple[str, float]:
    """Give the action chosen most often without exploration, and its share."""
    made = decisions(held, count=40, occasion=occasion, channel=channel)
    action, times = Counter(decision.action for decision in made).most_common(1)[0]
    return action, times / len(made)


def test_minutes_after_a_search_for_cribs_the_parental_leave_plan_is_the_next_best_action() -> None:
    action, share = favourite(decision_input([*LIFE, CRIB], exploration=0.0))
    assert (action, share) == ("parental_leave_plan", 1.0)
    decision = decide(ask(), decision_input([*LIFE, CRIB], exploration=0.0), BOOK)
    assert decision.reasons[0].source == "life_events"
    assert decision.reasons[0].feature == "child_searches_2h"


def test_the_search_counts_for_nothing_when_life_events_are_refused() -> None:
    refused = consents(("*", "life_events"))
    for decision in decisions(decision_input([*LIFE, CRIB], said=refused), count=10):
        assert decision.action != "parental_leave_plan"
        assert stage_of(decision, "parental_leave_plan") == (
            "not_eligible",
            "unknown, because life_events is refused for marketing: you said no",
        )
        assert [unused.source for unused in decision.not_used] == ["life_events"]
        assert ("marketing", "life_events") not in decision.uses


def eating_out() -> list[Event]:
    events = [event("account.opened", ago=700 * DAY, account="a", product="current_account", currency="EUR")]
    for day in range(240):
        lately = day < 30
        events.append(payment("dining", -6_000 if lately else -3_000, ago=day * DAY))
        events.append(payment("groceries", -1_500 if lately else -3_000, ago=day * DAY + MINUTE))
    return events


def test_dining_out_more_and_shopping_less_than_ones_own_habit_opens_a_gentle_check_in() -> None:
    assert favourite(decision_input(eating_out(), exploration=0.0)) == ("budget_check_in", 1.0)
    assert favourite(decision_input(LIFE, exploration=0.0))[0] != "budget_check_in"


def test_an_upset_message_and_fast_payments_bring_somebody_who_cares_and_silence_all_selling() -> None:
    held = decision_input([*LIFE, *RUSH, UPSET, CRIB], board=approved(*CREDIT))
    for decision in decisions(held, count=20):
        assert (decision.action, decision.propensity) == ("care_outreach", 1.0)
        assert "stress" in decision.guardrails
        kinds = {BOOK.catalogue.action(action).kind for action in open_to(decision)}
        assert kinds == {"outreach"}


@pytest.mark.parametrize("events", [[*LIFE, UPSET], [*LIFE, *RUSH]], ids=["words alone", "payments alone"])
def test_neither_words_nor_payments_alone_are_taken_for_stress(events: list[Event]) -> None:
    for decision in decisions(decision_input(events), count=10):
        assert "stress" not in decision.guardrails
        assert decision.action != "care_outreach"


@pytest.mark.parametrize("source", ["messages", "transactions"])
def test_stress_is_not_looked_for_without_consent_for_care(source: str) -> None:
    held = decision_input([*LIFE, *RUSH, UPSET], said=consents(("care", source)))
    assert all("stress" not in decision.guardrails for decision in decisions(held, count=5))


def test_once_somebody_reached_out_often_enough_stress_means_silence_and_it_fades() -> None:
    once = Contact(action="care_outreach", kind="outreach", at=Instant(NOW - HOUR), channel="app")
    reached = (once,) * GUARDRAILS.caps.same_action.per_day
    silent = decisions(decision_input([*LIFE, *RUSH, UPSET], contacts=reached), count=10)
    assert {decision.action for decision in silent} == {"nothing"}
    faded = [payment("cash", -4_000, ago=3 * DAY + minute * MINUTE) for minute in range(1, 9)]
    assert "stress" not in decide(ask(), decision_input([*LIFE, *faded, UPSET]), BOOK).guardrails


def test_a_shortfall_ahead_is_told_in_time_and_forgotten_when_its_sources_are_refused() -> None:
    ahead = foreseen(("below_zero", 0.55), first=3)
    assert favourite(decision_input(LIFE, forecast=ahead, exploration=0.0)) == ("shortfall_warning", 1.0)
    elsewhere = foreseen(("below_zero", 0.55), sources=frozenset({"open_banking"}))
    refused = decision_input(LIFE, forecast=elsewhere, said=consents(("insights", "open_banking")))
    assert stage_of(decide(ask(), refused, BOOK), "shortfall_warning")[0] == "not_eligible"


def test_at_the_airport_offers_fit_the_place_and_not_at_night() -> None:
    there = [*LIFE, event("place.visited", ago=10 * MINUTE, venue="airport")]
    held = decision_input(there, channel="push", exploration=0.0)
    assert favourite(held, occasion="place.visited", channel="push")[0] in {"airport_lounge", "travel_insurance_here"}
    at_night = decision_input(there, channel="push", minute_of_day=3 * 60)
    decision = decide(ask(occasion="place.visited", channel="push"), at_night, BOOK)
    assert decision.action == "nothing"
    assert "quiet_hours" in decision.guardrails


def test_without_any_consent_there_is_nothing_to_decide_and_it_is_said_why() -> None:
    decision = decide(ask(), decision_input([*LIFE, CRIB], said=NO_CONSENT), BOOK)
    assert (decision.action, decision.propensity) == ("nothing", 1.0)
    assert {unused.source for unused in decision.not_used} == {
        "transactions",
        "app",
        "open_banking",
        "location",
        "life_events",
        "messages",
    }
    assert {purpose for purpose, _ in decision.uses} <= {"protection"}


@pytest.mark.parametrize("harm", [LATE, FRAGILE], ids=["arrears", "care"])
def test_credit_is_drawn_only_when_approved_and_harmless(harm: Event) -> None:
    assert open_to(decide(ask(), decision_input(LIFE), BOOK)).isdisjoint(CREDIT)
    calm = decide(ask(), decision_input(LIFE, board=approved(*CREDIT)), BOOK)
    assert not open_to(calm).isdisjoint(CREDIT)
    hurt = decide(ask(), decision_input([*LIFE, harm], board=approved(*CREDIT)), BOOK)
    assert open_to(hurt) == open_to(calm) - set(CREDIT)


def test_a_stop_of_the_board_works_on_the_very_next_decision() -> None:
    rejection = Ruling(ruling="stop", scope="life_match", by="board", at=Instant(0))
    decision = decide(ask(), decision_input([*LIFE, CRIB], board=fold([rejection])), BOOK)
    assert stage_of(decision, "parental_leave_plan") == ("not_approved", "the review board stopped it")
    everything = Ruling(ruling="stop", scope="*", by="board", at=Instant(0))
    assert decide(ask(), decision_input([*LIFE, CRIB], board=fold([everything])), BOOK).action == "nothing"


def test_a_no_is_remembered() -> None:
    said_no = Contact(
        action="parental_leave_plan",
        kind="life_match",
        at=Instant(NOW - 9 * DAY),
        channel="app",
        declined_at=Instant(NOW - 8 * DAY),
    )
    decision = decide(ask(), decision_input([*LIFE, CRIB], contacts=(said_no,)), BOOK)
    assert stage_of(decision, "parental_leave_plan")[0] == "guarded"
    assert "cool_off" in decision.guardrails


def test_selling_is_tied_to_consent_for_marketing() -> None:
    decision = decide(ask(), decision_input([*LIFE, CRIB], said=consents(("marketing", "*"))), BOOK)
    kinds = {BOOK.catalogue.action(action).kind for action in open_to(decision)}
    assert kinds.isdisjoint(MARKETING)
    assert "insight" in kinds


def test_an_occasion_nobody_declared_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        decide(ask(occasion="tea.time"), decision_input(LIFE), BOOK)

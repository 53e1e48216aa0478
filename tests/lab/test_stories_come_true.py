"""The four stories, lived on a fresh bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import marketofone
from bank_projects import explore_hardly_ever
from marketofone.bank import Bank
from marketofone.domain.action import MARKETING
from marketofone.domain.decision import Decision
from marketofone.domain.moment import Day, Instant
from marketofone.lab.simulate.stories import Step, crib, moment_before, rent, storm, table

Story = Callable[..., Iterator[Step]]


@pytest.fixture
def bank(project: Path, now: Instant) -> Iterator[Bank]:
    explore_hardly_ever(project)
    with marketofone.open(project, now=now) as opened:
        yield opened


@pytest.fixture
def tell(bank: Bank, now: Instant) -> Callable[[Story], list[Decision]]:
    moment = moment_before(bank, day=Day(bank.calendar.day_of(now) + 10))
    return lambda story: [step.decision for step in story(bank, moment=moment)]


def likeliest(decision: Decision) -> str:
    return max(decision.candidates, key=lambda candidate: candidate.propensity).action


def possible(decision: Decision) -> set[str]:
    return {candidate.action for candidate in decision.candidates if candidate.propensity > 0}


def selling(bank: Bank, names: set[str]) -> set[str]:
    return {action.id for action in bank.catalogue.actions if action.id in names and action.kind in MARKETING}


def test_a_search_for_baby_cribs_leads_to_a_plan_only_where_life_events_are_allowed(
    tell: Callable[[Story], list[Decision]],
) -> None:
    ana_before, ana_after, ben_before, ben_after = tell(crib)

    assert "parental_leave_plan" not in possible(ana_before)
    assert likeliest(ana_after) == ana_after.action == "parental_leave_plan"
    assert ("marketing", "life_events") in ana_after.uses
    assert "parental_leave_plan" not in possible(ben_before) | possible(ben_after)
    assert "life_events" in {item.source for item in ben_after.not_used}


def test_eating_out_instead_of_cooking_opens_a_gentle_check_in(tell: Callable[[Story], list[Decision]]) -> None:
    before, after = tell(table)

    assert "budget_check_in" not in possible(before)
    assert likeliest(after) == after.action == "budget_check_in"


def test_fast_moving_money_and_an_upset_message_bring_help_and_silence_offers_until_it_has_faded(
    bank: Bank, tell: Callable[[Story], list[Decision]]
) -> None:
    before, written, later, days_after = tell(storm)

    assert selling(bank, possible(before))
    assert likeliest(written) == written.action == "care_outreach"
    assert not selling(bank, possible(written) | possible(later))
    assert selling(bank, possible(days_after))


def test_a_rent_that_is_not_covered_brings_help_in_time_and_is_told_once(
    bank: Bank, tell: Callable[[Story], list[Decision]]
) -> None:
    helps = {action.id for action in bank.catalogue.actions if action.about == "below_zero"}

    before, foreseen, day_after = tell(rent)

    assert not helps & possible(before)
    assert foreseen.action in helps
    assert foreseen.notification is not None
    assert foreseen.notification.event == "below_zero"
    assert (foreseen.notification.day or 0) - bank.calendar.day_of(foreseen.at) >= bank.catalogue.action(
        foreseen.action
    ).lead_days
    assert not selling(bank, possible(foreseen))
    assert not helps & possible(day_after)
    assert "told_already" in day_after.guardrails

"""A forecast sees nothing later than its moment, and decisions believe it from then on and for five weeks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from people import paid, running_dry

import marketofone
from bank_projects import Projects
from marketofone import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.decision import Candidates
from marketofone.domain.moment import DAY, HOUR, Instant

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z


@pytest.fixture
def twins(project: Path, projects: Projects, tmp_path: Path) -> Iterator[tuple[Bank, Bank]]:
    """Open two banks that know the same person."""
    yes = ConsentChange(
        customer="c-1",
        change="grant",
        purposes=("*",),
        sources=("*",),
        channels=("*",),
        since=NOW,
        until=Instant(NOW + 365 * DAY),
    )
    with marketofone.open(project, now=NOW) as bank:
        bank.consent(yes, now=NOW)
    twin = projects.copy(project, tmp_path / "twin")  # the same secret: both draw the same
    with marketofone.open(project, now=NOW) as one, marketofone.open(twin, now=NOW) as other:
        yield one, other


def fared(bank: Bank, *, at: Instant) -> Candidates:
    return bank.decide("c-1", occasion="app.opened", id=f"at-{at}", now=at).candidates


@pytest.mark.parametrize("ago", [1, 20, 45])
def test_a_forecast_about_the_past_is_the_one_of_that_moment(twins: tuple[Bank, Bank], ago: int) -> None:
    later, then = twins
    life, moment = running_dry("c-1", until=NOW), Instant(NOW - ago * DAY)
    same_day = paid("c-1", -500_000, "travel", at=Instant(moment + HOUR), balance=1)
    later.ingest([*life, same_day], now=NOW)
    then.ingest([event for event in life if event.at <= moment], now=NOW)

    ahead = later.forecast("c-1", now=NOW, as_of=moment)

    assert ahead.accounts[0].days
    assert ahead == then.forecast("c-1", now=NOW, as_of=moment)


def test_decisions_believe_a_forecast_from_its_moment_on_and_for_five_weeks(twins: tuple[Bank, Bank]) -> None:
    foresighted, blind = twins
    life = running_dry("c-1", until=NOW)
    for bank in twins:
        bank.ingest(life, now=NOW)
    ahead = foresighted.forecast("c-1", now=NOW)
    assert any(event.event == "below_zero" and event.probability > 0.1 for event in ahead.events)

    for days, believed in ((0, True), (1, True), (34, True), (35, False), (60, False)):
        moment = Instant(NOW + days * DAY)
        assert (fared(foresighted, at=moment) != fared(blind, at=moment)) is believed, days
    assert foresighted.replay().differences == 0

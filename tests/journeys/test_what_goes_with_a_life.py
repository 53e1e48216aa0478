"""What goes with a life event, a place or a function of the app is learned from those who allow it, and offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from people import happened

import marketofone
from allowing import everything
from bank_projects import keep_nobody_for_control
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import AppFeatureUsed, LifeDeclared, PlaceVisited
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.money_events import ProductOpened

HEAD = """
channels = ["app"]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"
"""
OFFER = """
[[actions]]
id = "NAME"
kind = "KIND"
title = "NAME"
text = "One of two."
value_minor = 2000
chance = 0.2
LEADS = "NAME"
"""
MANY = 24
LIVES: dict[str, EventData] = {
    "life_events": LifeDeclared(event="move"),
    "location": PlaceVisited(venue="furniture_store"),
    "app": AppFeatureUsed(feature="budgets"),
}
Town = Callable[..., Bank]


@pytest.fixture
def town(project: Path, now: Instant) -> Iterator[Town]:
    """Open a bank of two offers: half of the people lived something and hold one, the others hold the other one."""
    opened: list[Bank] = []
    keep_nobody_for_control(project)

    def town(source: str, *, taught: bool = True) -> Bank:
        offers = (OFFER.replace("NAME", name).replace("KIND", "offer") for name in ("sofa", "fund"))
        (project / "actions.toml").write_text(HEAD + "".join(offers).replace("LEADS", "product"), encoding="utf-8")
        bank = marketofone.open(project, now=now)
        opened.append(bank)
        bank.learning.by_itself = False
        for number in range(MANY):
            name, lived = f"c-{number}", number % 2 == 0
            bank.consent(everything(name, since=now), now=now)
            if not taught:
                bank.consent(no_to(name, source, purpose="learning", at=now), now=now)
            holds = ProductOpened(product="sofa" if lived else "fund")
            told = [happened(name, holds, at=Instant(now - DAY))]
            told += [happened(name, LIVES[source], at=Instant(now - 2 * DAY))] if lived else []
            bank.ingest(told, now=now)
        for name in ("lived", "other"):
            bank.consent(everything(name, since=now), now=now)
        bank.ingest([happened("lived", LIVES[source], at=Instant(now - DAY))], now=now)
        bank.train(now=now, tasks=("recommend",))
        return bank

    yield town
    for bank in opened:
        bank.close()


def no_to(customer: str, source: str, *, purpose: str, at: Instant) -> ConsentChange:
    return ConsentChange(
        customer=customer, change="withdraw", purposes=(purpose,), sources=(source,), channels=("*",), since=at
    )


def sofa(bank: Bank, customer: str, *, at: int) -> float:
    """Give with which probability the one offer is drawn that goes with what was lived."""
    made = bank.decide(customer, occasion="app.opened", now=Instant(at))
    return next(one.propensity for one in made.candidates if one.action == "sofa")


@pytest.mark.parametrize("source", LIVES)
def test_what_happened_changes_what_is_offered(town: Town, now: Instant, source: str) -> None:
    bank = town(source)

    assert sofa(bank, "lived", at=now + HOUR) > sofa(bank, "other", at=now + HOUR)
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def test_it_changes_nothing_for_who_does_not_allow_it(town: Town, now: Instant) -> None:
    bank = town("life_events")
    bank.consent(no_to("lived", "life_events", purpose="marketing", at=now), now=now)

    assert sofa(bank, "lived", at=now + HOUR) == pytest.approx(sofa(bank, "other", at=now + HOUR))


def test_it_is_not_learned_from_who_does_not_allow_that(town: Town, now: Instant) -> None:
    bank = town("life_events", taught=False)

    assert sofa(bank, "lived", at=now + HOUR) == pytest.approx(sofa(bank, "other", at=now + HOUR))


def test_a_function_of_the_app_is_offered_to_who_uses_what_goes_with_it(project: Path, now: Instant) -> None:
    keep_nobody_for_control(project)
    offers = (OFFER.replace("NAME", name).replace("KIND", "feature") for name in ("jars", "freeze"))
    (project / "actions.toml").write_text(HEAD + "".join(offers).replace("LEADS", "feature"), encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        bank.learning.by_itself = False
        for number in range(MANY):
            name, used = f"c-{number}", ("budgets", "jars") if number % 2 else ("cards", "freeze")
            bank.consent(everything(name, since=now), now=now)
            told = [happened(name, AppFeatureUsed(feature=one), at=Instant(now - DAY)) for one in used]
            bank.ingest(told, now=now)
        bank.consent(everything("lived", since=now), now=now)
        bank.ingest([happened("lived", LIVES["app"], at=Instant(now - DAY))], now=now)
        bank.train(now=now, tasks=("recommend",))
        made = bank.decide("lived", occasion="app.opened", now=Instant(now + HOUR))
        shares = {one.action: one.propensity for one in made.candidates}

    assert shares["jars"] > shares["freeze"]

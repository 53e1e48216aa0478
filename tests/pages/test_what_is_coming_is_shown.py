"""The page of what is coming says on the chart what its tables say, in words that people use."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import get_args

from page_visitor import NOW, Visitor, cloudevent, year_of

from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.action import ForeseenEvent
from marketofone.domain.moment import Instant
from marketofone.services.decisions.assignment import group_of
from marketofone.services.decisions.intervene import intervene
from marketofone.web.customer.ahead import RISKS

PAGE = "/customer/a%2Fb%3Ac/forecast"


def welcome(bank: Bank, customer: str) -> None:
    now = bank.now()
    yes = ConsentChange(
        customer=customer, change="grant", purposes=("*",), sources=("*",), channels=("*",), since=Instant(now - 1)
    )
    bank.consent(yes, now=now)


def test_dated_payments_stand_on_the_chart_in_words_and_in_the_table_beside_it(visitor: Visitor) -> None:
    page = visitor.page(PAGE)
    on_chart = [text.text for text in page.all("text") if text.attributes["class"].startswith("sign")]
    dated = [re.fullmatch(r"([a-z]+) (\d+ [A-Z][a-z]{2})", text) for text in on_chart]
    named = [(found[1], found[2]) for found in dated if found]
    assert named
    for what, day in named:
        rows = [row.text for row in page.all("tr") if what.capitalize() in row.text and day in row.text]
        assert rows, (what, day)


def test_chances_are_said_as_people_count(visitor: Visitor) -> None:
    text = visitor.page(PAGE).text
    assert re.search(r"(About \d+ in \d+|Less than 1 in 100|Nearly certain) \(\d+\.\d %\)", text)


def test_everything_that_can_be_foreseen_has_words() -> None:
    assert set(RISKS) == set(get_args(ForeseenEvent))
    assert all(words[0].isupper() and "_" not in words for words in RISKS.values())


def test_whoever_is_hardly_known_yet_is_told_so_kindly(town: Bank, visitor: Visitor) -> None:
    welcome(town, "newcomer")
    town.ingest(year_of("newcomer", until=NOW)[-3:])
    page = visitor.page("/customer/newcomer/forecast")
    assert "nothing rather than a guess" in page.text
    assert page.all("svg") == []
    order = {"account": "rent", "amount_minor": 90_000, "currency": "EUR", "category": "rent", "every": "month"}
    first = {"first_on": (NOW + timedelta(days=9)).date().isoformat()}
    town.ingest([cloudevent(99, "order.placed", NOW, "newcomer", **order, **first)])
    page = visitor.page("/customer/newcomer/forecast")
    assert "nothing rather than a guess" in page.text
    assert any("Rent (ordered)" in row.text for row in page.all("tr"))


def test_what_was_offered_because_of_a_forecast_stands_beside_it_with_its_reasons(town: Bank, visitor: Visitor) -> None:
    names: list[str] = []
    for name in map("short-{}".format, range(40)):
        welcome(town, name)
        if len(names) < 4 and not drawn_by_lot(town, name):
            names.append(name)
    for name in names:
        town.ingest(running_out(name, until=NOW))
        town.forecast(name)
    made = next(made for made in intervene(town.context, names, now=town.now()) if made.notification)
    page = visitor.page(f"/customer/{made.customer}/forecast")
    assert town.catalogue.action(made.action).title in page.text
    assert any(link.endswith(f"/decisions/{made.id.replace(':', '%3A')}") for link in page.links)
    assert any(rect.attributes["class"] == "tight" for rect in page.all("rect"))


def drawn_by_lot(bank: Bank, customer: str) -> bool:
    context, settings = bank.context, bank.config.settings
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
    return group_of(person, settings=settings, secret=context.keys.secret) == "control"


def running_out(customer: str, *, until: datetime) -> list[bytes]:
    """Live from what is left, with a rent ahead that it does not cover."""
    flows = sorted(
        [(ago, -90_000, "rent") for ago in range(228, 0, -30)]
        + [(ago, 120_000, "salary") for ago in range(235, 85, -30)]
        + [(ago, -900, "groceries") for ago in range(240, 0, -4)],
        reverse=True,
    )
    events, balance = [], 40_000 - sum(amount for _, amount, _ in flows)
    for number, (ago, amount, what) in enumerate(flows):
        balance += amount
        moment = until - timedelta(days=ago)
        facts = {"account": "a1", "amount_minor": amount, "currency": "EUR", "category": what, "balance_minor": balance}
        events.append(cloudevent(number, "transaction.booked", moment, customer, **facts))
    return events

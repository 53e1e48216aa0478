"""The funnel of a bank: what the gates stopped over a period, and who got nothing, as far as it may be shown now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from people import ordinary_months

import marketofone
from allowing import everything
from bank_projects import keep_nobody_for_control
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.decide.funnel import Unserved
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.governance.board import Ruling

Allow = Callable[..., None]


@pytest.fixture
def asked(bank: Bank, allow: Allow, now: Instant) -> Bank:
    """A bank that decided twice for somebody who allows everything, and once for somebody who allows nothing."""
    allow("open")
    bank.ingest(ordinary_months("open", until=now), now=now)
    allow("closed")
    say_no(bank, "closed", now=now)
    for hours in (1, 30):
        bank.decide("open", occasion="app.opened", now=Instant(now + hours * HOUR))
    bank.decide("closed", occasion="app.opened", now=Instant(now + 2 * HOUR))
    return bank


def say_no(bank: Bank, customer: str, *, now: Instant) -> None:
    every = ("*",)
    no = ConsentChange(customer=customer, change="withdraw", purposes=every, sources=every, channels=every, since=now)
    bank.consent(no, now=now)


def listed(bank: Bank, *, now: Instant, days: int = 30) -> Iterator[Unserved]:
    yield from bank.funnel(now=now, days=days).listed


def test_who_allows_nothing_gets_nothing_because_nothing_is_permitted(asked: Bank, now: Instant) -> None:
    found = asked.funnel(now=Instant(now + 2 * DAY))

    assert (found.people, found.asked, found.decisions) == (2, 2, 3)
    closed = next(one for one in found.listed if one.customer == "closed")
    assert closed.gate == "permitted"
    assert "you said no" in closed.why or "nothing is allowed" in closed.why
    passed = {of.gate: of.passed for of in found.gates}
    assert passed["eligible"] > passed["approved"] >= passed["chosen"]


def test_a_stop_of_the_board_is_the_gate_of_those_who_would_have_got_something(
    bank: Bank, allow: Allow, now: Instant
) -> None:
    allow("open")
    bank.ingest(ordinary_months("open", until=now), now=now)
    bank.rule(Ruling(ruling="stop", scope="*", by="the board", at=now, note="an incident"))
    bank.decide("open", occasion="app.opened", now=Instant(now + HOUR))

    (one,) = listed(bank, now=Instant(now + 2 * HOUR))

    assert (one.gate, one.why) == ("approved", "the review board stopped it")


def test_only_the_decisions_of_the_period_count(asked: Bank, now: Instant) -> None:
    late = Instant(now + 31 * HOUR)

    assert asked.funnel(now=late, days=1).decisions == 1
    assert [one.gate for one in listed(asked, now=late, days=1) if one.customer == "closed"] == ["not asked"]
    before = asked.funnel(now=late, days=1, as_of=Instant(now + 3 * HOUR))
    assert (before.decisions, before.asked) == (2, 2)
    with pytest.raises(MalformedRequest):
        asked.funnel(now=late, days=0)
    with pytest.raises(MalformedRequest):
        asked.funnel(now=late, as_of=Instant(late + 1))


def test_who_came_later_is_not_named_of_an_earlier_day(asked: Bank, now: Instant) -> None:
    late = Instant(now + 5 * DAY)
    asked.ingest(ordinary_months("late", until=now), now=Instant(now + 4 * DAY))  # their past is older than that

    before = asked.funnel(now=late, as_of=Instant(now + 3 * DAY))

    assert (before.people, "late" in {one.customer for one in before.listed}) == (2, False)
    assert asked.funnel(now=late).people == asked.funnel(now=late, as_of=late).people == 3


def test_after_a_no_what_rested_on_it_is_left_out_and_counted(asked: Bank, now: Instant) -> None:
    say_no(asked, "open", now=Instant(now + 2 * DAY))

    found = asked.funnel(now=Instant(now + 3 * DAY))

    assert (found.decisions, found.hidden) == (1, 2)
    assert [one.customer for one in found.listed] == ["closed"]


ORDERED = """
[placements.tabs]
slots = 2
orders = true

[[actions]]
id = "cards"
kind = "feature"
title = "Cards"
text = "A part of the app."
value_minor = 900
chance = 0.5
placements = ["tabs"]
"""


def test_who_only_has_the_app_put_in_order_gets_nothing(project: Path, now: Instant) -> None:
    keep_nobody_for_control(project)
    actions = project / "actions.toml"
    parts = actions.read_text(encoding="utf-8").replace("\n[[actions]]\n", f"{ORDERED}\n[[actions]]\n", 1)
    actions.write_text(parts, encoding="utf-8")
    with marketofone.open(project, now=now) as bank:
        bank.consent(everything("open", since=now), now=now)
        made = [
            bank.decide("open", occasion="app.opened", placement="tabs", now=Instant(now + hour * HOUR))
            for hour in range(1, 9)
        ]
        found = bank.funnel(now=Instant(now + DAY))

    assert any(one.action == "cards" for one in made)
    assert (found.decisions, found.served) == (0, 0)
    assert [(one.customer, one.gate) for one in found.listed] == [("open", "not asked")]


def test_who_was_forgotten_is_in_no_funnel(asked: Bank, now: Instant) -> None:
    asked.erase("open", ground="asked for", now=Instant(now + 2 * DAY))

    found = asked.funnel(now=Instant(now + 3 * DAY))

    assert (found.people, found.decisions) == (1, 1)

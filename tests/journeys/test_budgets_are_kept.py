"""What there is of an action for a day is shown to no more people, whoever asks, and is there again the next day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

import marketofone
from allowing import everything
from marketofone.bank import Bank
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import MalformedDocument, Moved
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.projection.counts import charges
from marketofone.services.decisions.decide import _decided as decided
from marketofone.services.runtime.runs import append

PEOPLE = [f"c-{number}" for number in range(16)]  # one in thirteen is shown something else, drawn by lot
USED_UP = "budget: what there is of it for a day is used up"
ACTIONS = """
channels = ["app"]

[occasions."app.opened"]
channel = "app"
begun_by = "customer"

[[actions]]
id = "voucher"
kind = "nudge"
title = "A voucher"
text = "Coffee is on us."
value_minor = 90_000
cost_minor = 100
chance = 0.9
budget = { BUDGET }

[[actions]]
id = "tip"
kind = "insight"
title = "A tip"
text = "Every little helps."
value_minor = 900
chance = 0.3
"""
Town = Callable[[str], Bank]


@pytest.fixture
def town(project: Path, now: Instant) -> Iterator[Town]:
    """Open a bank with a budget for its best action, and people who allow everything."""
    opened: list[Bank] = []

    def town(budget: str) -> Bank:
        (project / "actions.toml").write_text(ACTIONS.replace("BUDGET", budget), encoding="utf-8")
        bank = marketofone.open(project, now=now)
        opened.append(bank)
        bank.learning.by_itself = False
        for name in PEOPLE:
            bank.consent(everything(name, since=now), now=now)
        return bank

    yield town
    for bank in opened:
        bank.close()


def asked(bank: Bank, at: int, *, slots: int = 1) -> list[Decision]:
    return [bank.decide(name, occasion="app.opened", slots=slots, now=Instant(at)) for name in PEOPLE]


def shown(made: list[Decision]) -> int:
    return sum(place.action == "voucher" for one in made for place in one.places)


def whys(made: list[Decision]) -> list[str]:
    return [candidate.why for one in made for candidate in one.candidates if candidate.action == "voucher"]


def test_no_more_people_see_it_in_a_day_than_there_is_and_the_others_are_told_why(town: Town, now: Instant) -> None:
    bank = town("contacts_a_day = 3")
    today = asked(bank, now + HOUR)
    assert shown(today) == 3
    last = max(n for n, one in enumerate(today) if one.action == "voucher")
    assert set(whys(today[last + 1 :])) == {USED_UP}
    assert USED_UP not in whys(today[: last + 1])
    funnel = next(one for one in bank.funnel(now=Instant(now + HOUR)).actions if one.action == "voucher")
    assert USED_UP in {stop.why for stop in funnel.stops if stop.gate == "guarded"}
    assert shown(asked(bank, now + DAY + HOUR)) == 3


def test_money_is_a_budget_by_what_showing_it_costs(town: Town, now: Instant) -> None:
    assert shown(asked(town("minor_a_day = 250"), now + HOUR)) == 2


def test_all_places_of_slates_take_from_it(town: Town, now: Instant) -> None:
    assert shown(asked(town("contacts_a_day = 3"), now + HOUR, slots=2)) == 3


def test_many_decisions_at_once_keep_it_too(town: Town, now: Instant) -> None:
    bank = town("contacts_a_day = 3")
    requests = [
        Request(id=f"d-{name}", customer=name, occasion="app.opened", channel="app", at=Instant(now + HOUR))
        for name in PEOPLE
    ]
    assert shown(bank.decide_all(requests)) == 3
    again = bank.decide_all(requests)  # the same ids give the same decisions, and take nothing
    assert shown(again) == 3


def test_of_decisions_made_side_by_side_the_one_that_came_too_late_is_made_again(town: Town, now: Instant) -> None:
    bank = town("contacts_a_day = 1")
    requests = [
        Request(id=f"d-{name}", customer=name, occasion="app.opened", channel="app", at=Instant(now + HOUR))
        for name in PEOPLE
    ]
    with bank.context.store.read() as reader:  # all of them find the budget as it is before any of them
        snapshot = bank.context.snapshot(reader)
        people = [snapshot.person(name) for name in PEOPLE]
        computed = decided(bank.context, reader, snapshot, list(zip(people, requests, strict=True)))
    wanting = [one for one in computed if isinstance(one.answer, Decision) and one.answer.action == "voucher"]
    assert len(wanting) > 1
    append(bank.context, snapshot, wanting[:1])
    for late in wanting[1:]:
        with pytest.raises(Moved):
            append(bank.context, snapshot, [late])
    assert shown(asked(bank, now + HOUR)) == 0
    assert bank.verify().problems == ()


def test_many_threads_keep_it(town: Town, now: Instant) -> None:
    bank = town("contacts_a_day = 3")
    with ThreadPoolExecutor(8) as pool:
        ask = partial(bank.decide, occasion="app.opened", now=Instant(now + HOUR))
        made = list(pool.map(ask, PEOPLE))
    assert shown(made) == 3
    assert bank.replay().differences == 0


def test_a_pace_spreads_it_over_the_hours_in_which_anything_is_shown(town: Town, now: Instant) -> None:
    """The bank is quiet from eight in the evening until eight in the morning: twelve hours for six contacts."""
    bank = town('contacts_a_day = 6, pace = "day"')
    midnight = bank.calendar.start_of(bank.calendar.day_of(now))
    seen = [shown(asked(bank, midnight + at)) for at in (9 * HOUR, 11 * HOUR + HOUR // 2, 19 * HOUR + 59 * MINUTE)]
    assert seen == [1, 1, 4]
    assert shown(asked(bank, midnight + 21 * HOUR)) == 0
    assert shown(asked(bank, midnight + DAY + 8 * HOUR + MINUTE)) == 1


def test_by_which_time_it_is_used_up_is_told_and_replayed(town: Town, now: Instant) -> None:
    bank = town('contacts_a_day = 6, pace = "day"')
    midnight = bank.calendar.start_of(bank.calendar.day_of(now))
    made = asked(bank, midnight + 9 * HOUR)
    assert whys(made)[-1] == "budget: what there is of it by this time of the day is used up"
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()


def test_a_question_takes_nothing(town: Town, now: Instant) -> None:
    bank, later = town("contacts_a_day = 1"), Instant(now + 2 * HOUR)
    for _ in range(3):
        bank.decide("c-0", occasion="app.opened", now=later, as_of=Instant(now + HOUR))
    assert shown(asked(bank, later)) == 1


def test_all_of_it_is_proved_and_still_is_when_somebody_is_forgotten(town: Town, now: Instant) -> None:
    bank = town("contacts_a_day = 3")
    made = asked(bank, now + HOUR)
    assert bank.replay().differences == 0
    assert bank.verify().problems == ()
    gone = next(one.customer for one in made if one.action == "voucher")
    bank.erase(gone, ground="asked", now=Instant(now + 2 * HOUR))
    assert bank.verify().problems == ()
    with bank.context.store.read() as reader:
        (count,) = charges(next(one.charged for one in made if one.charged))
        assert reader.tallies(of=count) == {count: 2}


@pytest.mark.parametrize("budget", ["", "minor_a_day = 0", "contacts_a_day = 0"])
def test_a_budget_that_limits_nothing_is_refused(town: Town, budget: str) -> None:
    with pytest.raises(MalformedDocument):
        town(budget)

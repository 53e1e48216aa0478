"""The page of the data shows what was sent: allowed, refused, sent twice, kept aside, tried again, forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import marketofone
from bank_projects import Projects
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.moment import DAY, HOUR, Instant, text_of
from marketofone.services.intake.data_overview import Arrived, DataOverview
from marketofone.services.intake.letters import reasons
from marketofone.store.ports import Unit

NOW = Instant(1_767_600_000_000_000)  # 2026-01-05T08:00:00Z, a Monday
LATER = Instant(NOW + 8 * DAY)
GOOD, UNKNOWN, NO_CATEGORY, FOREIGN = (
    {"amount_minor": -1_200, "category": "groceries"},
    {"amount_minor": 70_000, "mcc": "0001"},
    {"amount_minor": -900, "counterparty": "Zyx Qwv", "nature": "spending"},
    {"amount_minor": -901, "category": "HOUSE_AND_HOME", "nature": "spending"},
)


def event(number: int, customer: str, kind: str, at: int, **data: object) -> bytes:
    document = {"specversion": "1.0", "id": str(number), "source": "/core", "type": kind, "subject": customer}
    return json.dumps({**document, "time": text_of(Instant(at)), "data": data}).encode()


def pay(number: int, at: int, facts: Mapping[str, object]) -> bytes:
    return event(number, "c-1", "transaction.booked", at, account="a-1", currency="EUR", **facts)


def live(bank: Bank) -> None:
    """Send on a Monday what is allowed and what is not, some of it twice, and eight days later what was ahead then."""
    everything = ("*",)
    bank.consent(
        ConsentChange(
            customer="c-1", change="grant", purposes=everything, sources=everything, channels=everything, since=NOW
        ),
        now=NOW,
    )
    paid = [pay(number, NOW - number * 20 * DAY, facts) for number, facts in enumerate((GOOD, UNKNOWN, NO_CATEGORY))]
    ahead = pay(9, NOW + 3 * DAY, GOOD)
    refused = event(11, "c-2", "app.opened", NOW - HOUR)
    bank.ingest([*paid, paid[0], b"{no json", b"{not json either", ahead, refused], now=NOW)
    bank.ingest([paid[0], pay(3, NOW, FOREIGN)], now=NOW)
    assert bank.retry_letters(now=LATER).events == 1
    bank.ingest([event(12, "c-1", "app.opened", LATER)], now=LATER)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, lasting_projects: Projects) -> Iterator[Bank]:
    """A bank that tests only look at."""
    with marketofone.open(lasting_projects.lay_out(tmp_path_factory.mktemp("town") / "bank"), now=LATER) as bank:
        live(bank)
        yield bank


@pytest.fixture(scope="module")
def seen(town: Bank) -> DataOverview:
    return town.data(now=LATER)


def test_every_event_is_counted_once_in_the_week_of_its_arrival(town: Bank, seen: DataOverview) -> None:
    assert seen.weeks[-2:] == ("2026-01-05", "2026-01-12")
    assert seen.arrived["transactions"][-2:] == (Arrived(admitted=4), Arrived(admitted=1))
    assert seen.arrived["app"][-2:] == (Arrived(refused=1), Arrived(admitted=1))
    everything = sum(week.all for weeks in seen.arrived.values() for week in weeks)
    assert everything + seen.found == sum(n for name, n in town.counts().items() if name.startswith("events."))


def test_events_are_counted_by_the_month_they_are_about(seen: DataOverview) -> None:
    assert seen.periods == ("2025-11", "2025-12", "2026-01")
    assert seen.about == {"transactions": (1, 1, 3), "app": (0, 0, 2)}
    assert seen.earlier == 0


def test_freshness_names_the_last_arrival_and_the_newest_event_of_each_source(seen: DataOverview) -> None:
    fresh = {of.source: (of.last, of.newest, of.silent_days, of.total.all) for of in seen.freshness}
    assert fresh["transactions"] == ("2026-01-13", "2026-01-08", 0, 5)
    assert fresh["app"] == ("2026-01-13", "2026-01-13", 0, 2)
    assert fresh["location"] == (None, None, None, 0)
    silence = seen.silence
    assert (silence.customers, silence.whole, silence.never, silence.since[0]) == (2, True, 0, (7, 1))


def test_reasons_of_dead_letters_stay_after_a_retry(town: Bank, seen: DataOverview) -> None:
    assert [(one.field, one.rows) for one in seen.letters] == [("event", 2), ("time", 1)]
    assert list(seen.letters) == reasons(town.context)


def test_movements_without_a_category_are_counted_by_what_they_look_like(seen: DataOverview) -> None:
    assert [(of.period, of.movements, of.uncategorised, of.unknown) for of in seen.movements] == [
        ("2025-11", 1, 1, 0),
        ("2025-12", 1, 0, 1),
        ("2026-01", 3, 0, 0),
    ]
    assert seen.untold == (("money in, MCC 0001, no text", 1), ("money out, other side", 1))
    assert seen.words == (("HOUSE_AND_HOME", 1),)


def test_counts_are_verified_and_a_count_that_was_altered_is_found(bank: Bank) -> None:
    live(bank)
    assert bank.verify().problems == ()
    with bank.context.store.read() as reader:
        of_each_sort = {name.split(" ")[0]: name for name in reader.tallies()}
    names = [*of_each_sort.values(), "category something", "of another program"]
    for name in names:
        bank.context.store.commit(Unit(now=LATER, tallies={name: 1}))
        assert "counts of" in " ".join(bank.verify().problems), name
        bank.context.store.commit(Unit(now=LATER, tallies={name: -1}))
    assert "another program" in " ".join(bank.verify().problems), "nothing counts under this name, not even zero"


def test_of_a_customer_who_is_forgotten_nothing_is_counted_any_more(bank: Bank) -> None:
    live(bank)
    before = bank.data(now=LATER)
    bank.erase("c-1", ground="asked for it", now=LATER)

    left = bank.data(now=LATER)
    assert {source: sum(week.all for week in weeks) for source, weeks in left.arrived.items()} == {"app": 1}
    assert (left.untold, left.words, left.found) == ((), (), 0)
    assert left.letters == before.letters
    assert bank.verify().problems == ()


def test_a_bank_of_an_earlier_release_is_counted_when_it_is_first_opened(project: Path, bank: Bank) -> None:
    live(bank)
    seen = bank.data(now=LATER)
    with bank.context.store.read() as reader:
        new = {name: n for name, n in reader.tallies().items() if not name.startswith(("events.", "letters"))}
    bank.context.store.commit(Unit(now=LATER, tallies={name: -n for name, n in new.items()}))
    assert bank.verify().problems == (), "without the new counts it is a bank of before"
    assert bank.data(now=LATER).arrived == {}

    for _ in range(2):
        with marketofone.open(project, now=LATER) as again:
            assert again.data(now=LATER) == seen
            assert again.verify().problems == ()

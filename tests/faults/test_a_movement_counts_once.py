"""A payment counts once: pending, then booked; corrected under its id; replaced; whatever comes first, and again."""

from __future__ import annotations

import json
import random
from itertools import permutations
from pathlib import Path

import pytest
from situations import NOW, pays, says, sent, values

import marketofone
from marketofone import Bank
from marketofone.domain.moment import DAY, HOUR, Day, Instant, date_of
from proofs import proven

COFFEE, DINNER = -450, -4_500


def spent(bank: Bank, *, now: int = NOW) -> float:
    return values(bank, "anna", now=now)["spend_30d"]


def removes(id: str) -> bytes:  # noqa: A002
    event = json.loads(sent("event.removed", "anna"))
    return json.dumps({**event, "data": {"type": "transaction.booked", "id": id}}).encode()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_pending_payment_that_is_booked_under_another_id_counts_once(bank: Bank, order: tuple[int, ...]) -> None:
    says(bank, "anna")
    rows = [
        pays("anna", COFFEE, "dining", id="other"),
        pays("anna", DINNER, "dining", id="pending-7", status="pending"),
        pays("anna", DINNER - 50, "dining", id="booked-9", replaces="pending-7"),
    ]
    for place in order:
        assert bank.ingest([rows[place]], now=NOW).events == 1
        values(bank, "anna")  # folded in between

    assert spent(bank) == -(COFFEE + DINNER - 50)
    proven(bank)


def test_a_payment_sent_again_under_its_id_with_other_facts_is_corrected(bank: Bank) -> None:
    says(bank, "anna")
    wrong = pays("anna", 10 * COFFEE, "dining", id="1")
    right = pays("anna", COFFEE, "dining", id="1")
    bank.ingest([wrong], now=NOW)
    assert spent(bank) == -10 * COFFEE

    report = bank.ingest([right], now=NOW)
    assert (report.rows, report.events, report.duplicates) == (1, 1, 0)
    assert spent(bank) == -COFFEE

    for known in (right, wrong, right):  # the files may come again, in any order
        assert bank.ingest([known], now=NOW).duplicates == 1
        assert spent(bank) == -COFFEE
    third = bank.ingest([pays("anna", 2 * COFFEE, "dining", id="1")], now=NOW)
    assert (third.events, spent(bank)) == (1, -2 * COFFEE)
    proven(bank)


def test_what_is_sent_again_is_found_wherever_it_stands_in_a_long_journal(bank: Bank) -> None:
    says(bank, "anna")
    told = [pays("anna", COFFEE - step, "dining", at=NOW - HOUR, id=str(step)) for step in range(300)]
    for row in told:
        bank.ingest([row], now=NOW)
    shuffled = random.Random(7).sample(range(300), 300)
    wrong = set(shuffled[::10])
    again = [
        pays("anna", -1, "dining", at=NOW - HOUR, id=str(step)) if step in wrong else told[step] for step in shuffled
    ]

    counts = [bank.ingest(again[start : start + 30], now=NOW) for start in range(0, 300, 30)]

    assert [(report.events, report.duplicates) for report in counts] == [(3, 27)] * 10
    assert spent(bank) == sum(1 if step in wrong else step - COFFEE for step in range(300))
    assert bank.ingest([*again, *told], now=NOW).events == 0
    proven(bank)


def test_what_corrects_an_old_payment_today_is_as_old_as_that_payment(bank: Bank) -> None:
    says(bank, "anna")
    old, new = (date_of(Day(NOW // DAY - ago)).isoformat() for ago in (70, 10))
    bank.ingest(
        [
            pays("anna", 250_000, "salary", at=NOW - 70 * DAY, id="old", booked=old, balance_minor=300_000),
            pays("anna", 250_000, "salary", at=NOW - 10 * DAY, id="new", booked=new, balance_minor=500_000),
        ],
        now=NOW,
    )
    bank.ingest([pays("anna", 240_000, "salary", replaces="old", booked=old, balance_minor=290_000)], now=NOW)

    known = values(bank, "anna")

    assert (known["days_since_income"], known["balance_last"]) == (10, 500_000)
    proven(bank)


def test_a_payment_and_its_correction_may_stand_in_one_batch(bank: Bank) -> None:
    says(bank, "anna")
    rows = [pays("anna", minor, "dining", id="1") for minor in (10 * COFFEE, COFFEE, COFFEE)]

    report = bank.ingest(rows, now=NOW)

    assert (report.rows, report.events, report.duplicates) == (3, 2, 1)
    assert spent(bank) == -COFFEE
    proven(bank)


def test_what_is_removed_goes_with_all_its_versions_and_those_that_are_still_to_come(bank: Bank) -> None:
    says(bank, "anna")
    bank.ingest([pays("anna", COFFEE, "dining", id="other")], now=NOW)
    for minor in (DINNER, DINNER - 1):
        bank.ingest([pays("anna", minor, "dining", id="1")], now=NOW)
    bank.ingest([removes("1")], now=NOW)
    assert spent(bank) == -COFFEE

    bank.ingest([pays("anna", DINNER - 2, "dining", id="1")], now=NOW)
    assert spent(bank) == -COFFEE
    proven(bank)


def test_a_corrected_pending_payment_goes_when_it_is_booked(bank: Bank) -> None:
    says(bank, "anna")
    for minor in (DINNER, DINNER - 1):
        bank.ingest([pays("anna", minor, "dining", id="pending", status="pending")], now=NOW)
    bank.ingest([pays("anna", DINNER - 2, "dining", id="booked", replaces="pending")], now=NOW)

    assert spent(bank) == -(DINNER - 2)
    proven(bank)


def test_what_was_corrected_is_known_to_the_next_process(project: Path) -> None:
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "anna")
        bank.ingest([pays("anna", DINNER, "dining", id="1")], now=NOW)
        bank.ingest([pays("anna", COFFEE, "dining", id="1")], now=NOW)
    with marketofone.open(project, now=NOW) as bank:
        assert bank.ingest([pays("anna", COFFEE, "dining", id="1")], now=NOW).duplicates == 1
        assert spent(bank) == -COFFEE


def test_other_events_that_are_sent_again_stay_as_they_are(bank: Bank) -> None:
    says(bank, "anna")
    for screen in ("home", "cards"):
        report = bank.ingest([sent("app.screen", "anna", id="s", screen=screen)], now=NOW)
    assert report.duplicates == 1


@pytest.mark.parametrize("timezone", ["Europe/Prague", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("written", ["date", "midnight", "booked"])
def test_a_booking_date_counts_on_its_day_wherever_the_bank_is(project: Path, timezone: str, written: str) -> None:
    toml = project / "bank.toml"
    toml.write_text(toml.read_text("utf-8").replace("Europe/Prague", timezone), "utf-8")
    event = json.loads(pays("anna", DINNER, "dining"))
    if written == "booked":
        event["data"]["booked"] = "2026-01-05"
    else:
        event["time"] = "2026-01-05" if written == "date" else "2026-01-05T00:00:00Z"
    noon = Instant(NOW + (-10 if timezone == "Asia/Tokyo" else 9) * HOUR)  # the fifth, in Tokyo too: 22:00Z before it
    with marketofone.open(project, now=noon) as bank:
        says(bank, "anna", now=noon)
        assert bank.ingest([json.dumps(event).encode()], now=noon).events == 1
        today = values(bank, "anna", now=noon).get("spend_1d", 0)
        week = values(bank, "anna", now=noon)["spend_7d"]

    assert (today, week) == (-DINNER, -DINNER)

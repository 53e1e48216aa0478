"""Rows that tell of the future, or take something back, become events; what cannot is a bad row with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from marketofone.domain.event import Event, EventRemoved
from marketofone.domain.money_events import OpenBankingOrder, OrderPlaced
from marketofone.importers.rows import BadRow, Origin, Row, What, events_of

HERE = Origin(customer="c-1", producer="feed")
ELSEWHERE = Origin(customer="c-1", producer="feed", institution="other-bank")
RENT = {"account": "a", "amount": Decimal(800), "currency": "EUR", "order": "so-1", "every": "month"}
COFFEE = {"account": "a", "amount": Decimal("-3.50"), "currency": "EUR"}


def row(what: What, facts: dict[str, Any], *, on: date = date(2026, 6, 1), **more: Any) -> Row:
    return Row(line=1, what=what, facts=facts, on=on, **more)


def events(*rows: Row | BadRow, origin: Origin = ELSEWHERE) -> list[Event]:
    return [event for event in events_of(rows, origin=origin) if isinstance(event, Event)]


def bad(*rows: Row) -> BadRow:
    (found,) = [event for event in events_of(rows, origin=ELSEWHERE) if isinstance(event, BadRow)]
    return found


@pytest.mark.parametrize(
    ("origin", "kind", "data"),
    [
        (HERE, "order.placed", OrderPlaced),
        (ELSEWHERE, "openbanking.order", OpenBankingOrder),
    ],
)
def test_an_order_is_known_here_and_at_another_bank(origin: Origin, kind: str, data: type) -> None:
    (event,) = events(row("order", {**RENT, "next_on": date(2026, 7, 1)}, id="so-1"), origin=origin)
    assert (event.kind, type(event.data)) == (kind, data)
    assert isinstance(event.data, OrderPlaced)
    assert (event.data.amount_minor, event.data.every, event.data.next_on) == (80_000, "month", date(2026, 7, 1))
    assert (event.data.direction, event.data.ended) == ("out", False)


def test_an_order_that_is_told_as_it_stands_since_is_new_and_told_as_before_it_is_not() -> None:
    stands = [{**RENT, "next_on": date(2026, month, 1)} for month in (7, 7, 8)]
    june, again, july = events(
        row("order", stands[0], id="so-1"),
        row("order", stands[1], id="so-1", on=date(2026, 6, 20)),
        row("order", stands[2], id="so-1", on=date(2026, 7, 20)),
    )
    assert june.key == again.key != july.key


def test_what_is_removed_names_the_payment_itself_also_where_the_file_told_it() -> None:
    payment, removal = events(row("movement", COFFEE, id="t", unique=True), row("removed", {"account": "a"}, id="t"))
    assert removal.data == EventRemoved(type="openbanking.transaction", id=payment.id)


def test_of_unique_ids_another_row_is_a_later_version_and_of_others_another_payment() -> None:
    dearer = {**COFFEE, "amount": Decimal("-4.50")}
    first, later = events(*(row("movement", facts, id="t", unique=True) for facts in (COFFEE, dearer)))
    one, other = events(*(row("movement", facts, id="t") for facts in (COFFEE, dearer)))
    assert first.id == later.id == one.id != other.id


def test_an_id_that_is_too_long_is_named_by_its_digest_wherever_it_stands() -> None:
    long = "t" * 210
    pending, booked, removal = events(
        row("movement", COFFEE, id=long, unique=True),
        row("movement", {**COFFEE, "replaces": long}, id="short", unique=True),
        row("removed", {"account": "a"}, id=long),
    )
    assert len(pending.id) < 200
    assert getattr(booked.data, "replaces", None) == pending.id == getattr(removal.data, "id", None)


@pytest.mark.parametrize("amount", ["1e15", "-1e999999", "NaN", "Infinity", "sNaN", "0e99999999"])
def test_a_number_beyond_any_amount_is_refused(amount: str) -> None:
    assert bad(row("movement", {**COFFEE, "amount": Decimal(amount)})).field == "amount"


@pytest.mark.parametrize("on", [date(1, 1, 1), date(9999, 12, 31), datetime(1066, 10, 14, tzinfo=UTC)])
def test_a_day_no_bank_has_seen_is_refused(on: date) -> None:
    assert bad(row("movement", COFFEE, on=on)).field == "date"


def test_an_order_of_an_amount_below_zero_is_refused() -> None:
    assert bad(row("order", {**RENT, "amount": Decimal(-800)})).field == "amount_minor"

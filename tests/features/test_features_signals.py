"""What features tell in the stories the system is built for, and where memory ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import pytest

from marketofone.consent.gate import Admitted, Permit
from marketofone.domain.errors import SchemaChanged, StateAhead
from marketofone.domain.event import Event, MessageReceived, PartnerSearched
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, HOUR, MINUTE, Calendar, Instant, parse_instant
from marketofone.domain.money_events import TransactionBooked
from marketofone.domain.reading import Reading
from marketofone.features.catalogue import Catalogue
from marketofone.features.declare import count, series
from marketofone.features.state import AdmittedEvent, LiveState, fold
from marketofone.features.state_form import from_bytes, to_bytes
from marketofone.features.vector import Seen, see, see_all

NOW = parse_instant("2026-06-15T10:00:00Z", field="now")
UPSET = Reading(
    intents=(),
    sentiment="negative",
    emotion="upset",
    urgency=0.9,
    confidence=0.9,
    topics=("child", "fees"),
    needs=(),
    route="local",
)
Admit = Callable[[Iterable[Event]], list[Admitted]]
Tell = Callable[..., AdmittedEvent]
Look = Callable[..., Seen]


@pytest.fixture(scope="module")
def tell(admitted: Admit) -> Tell:
    """Make one event that happened some microseconds before ``NOW``."""

    def one(kind: str, data: EventData, *, ago: int, name: str = "e", reading: Reading | None = None) -> AdmittedEvent:
        event = Event(id=f"{name}-{ago}", producer="test", kind=kind, customer="c-1", at=Instant(NOW - ago), data=data)
        return admitted([event])[0], reading

    return one


def payment(minor: int, category: str) -> TransactionBooked:
    return TransactionBooked(account="a", amount_minor=minor, currency="EUR", category=category)


@pytest.fixture
def look(catalogue: Catalogue, calendar: Calendar, permit_for: Callable[..., Permit]) -> Look:
    def at(*states: LiveState, now: Instant = NOW) -> Seen:
        permit = permit_for(*(state.source for state in states))
        by_source = {state.source: state for state in states}
        return see(by_source, permit=permit, catalogue=catalogue, calendar=calendar, now=now)

    return at


def test_a_search_from_minutes_ago_counts_now_and_not_two_hours_later(
    tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    search = tell("partner.searched", PartnerSearched(query="baby crib"), ago=5 * MINUTE, reading=UPSET)
    state = fold(None, [search], catalogue=catalogue, calendar=calendar)

    assert look(state).get("child_searches_2h") == 1.0
    assert look(state, now=Instant(NOW + 2 * HOUR)).get("child_searches_2h") == 0.0
    assert look(state, now=Instant(NOW + 2 * HOUR)).get("child_searches_30d") == 1.0


@pytest.mark.parametrize("reading", [None, msgspec.structs.replace(UPSET, route="abstain")])
def test_a_reading_that_abstains_says_nothing(
    reading: Reading | None, tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    message = tell("message.received", MessageReceived(text="hm"), ago=MINUTE, reading=reading)
    seen = look(fold(None, [message], catalogue=catalogue, calendar=calendar))

    assert seen.get("messages_30d") == 1.0
    assert (seen.get("upset_2h"), seen.get("fee_questions_90d"), seen.get("negative_messages_30d")) == (0.0, 0.0, 0.0)


def test_more_dining_and_fewer_groceries_than_ones_own_habit(
    tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    usual = [
        tell("transaction.booked", payment(-1000, category), ago=week * 7 * DAY, name=category)
        for week in range(5, 30)
        for category in ("dining", "groceries")
    ]
    lately = [
        tell("transaction.booked", payment(-1000, "dining"), ago=day * DAY, name="lately") for day in range(1, 10)
    ]
    seen = look(fold(None, usual + lately, catalogue=catalogue, calendar=calendar))

    assert seen.get("dining_vs_habit") == pytest.approx(2.1, abs=0.1)
    assert seen.get("groceries_vs_habit") == 0.0


def test_a_habit_is_unknown_until_enough_of_it_was_lived(
    tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    days = [tell("transaction.booked", payment(-1000, "dining"), ago=day * DAY) for day in range(89)]
    young = fold(None, days, catalogue=catalogue, calendar=calendar)
    grown = fold(
        young,
        [tell("transaction.booked", payment(-1000, "dining"), ago=89 * DAY)],
        catalogue=catalogue,
        calendar=calendar,
    )

    assert look(young).get("dining_vs_habit") is None
    assert look(grown).get("dining_vs_habit") == 1.0


def test_payments_in_quick_succession_stand_out_against_the_daily_habit(
    tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    habit = [tell("transaction.booked", payment(-500, "shopping"), ago=day * DAY) for day in range(2, 92)]
    fast = [tell("transaction.booked", payment(-500, "shopping"), ago=step * MINUTE) for step in range(1, 9)]
    seen = look(fold(None, habit + fast, catalogue=catalogue, calendar=calendar))

    assert seen.get("debits_2h") == 8.0
    assert seen.get("debits_vs_habit") == 8.0


def test_a_source_never_heard_from_is_unknown_and_a_silent_one_is_nought(
    tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    state = fold(None, [tell("transaction.booked", payment(-1, "rent"), ago=0)], catalogue=catalogue, calendar=calendar)

    assert look(state).get("dining_30d") == 0.0
    assert look().get("dining_30d") is None


def test_an_event_older_than_any_window_leaves_no_row_but_is_remembered_as_the_first(
    tell: Tell, catalogue: Catalogue, calendar: Calendar
) -> None:
    new = fold(None, [tell("transaction.booked", payment(-1, "rent"), ago=0)], catalogue=catalogue, calendar=calendar)
    late = tell("transaction.booked", payment(-1, "rent"), ago=2000 * DAY)
    both = fold(new, [late], catalogue=catalogue, calendar=calendar)

    assert both.rows.tolist() == new.rows.tolist()
    assert both.first_day == new.first_day - 2000


def test_a_state_that_is_ahead_of_the_moment_is_not_read(
    tell: Tell, look: Look, catalogue: Catalogue, calendar: Calendar
) -> None:
    state = fold(None, [tell("transaction.booked", payment(-1, "rent"), ago=0)], catalogue=catalogue, calendar=calendar)

    with pytest.raises(StateAhead):
        look(state, now=Instant(NOW - 1))


def test_a_state_of_other_declarations_is_not_read(tell: Tell, catalogue: Catalogue, calendar: Calendar) -> None:
    events = [tell("transaction.booked", payment(-1, "rent"), ago=0)]
    state = fold(None, events, catalogue=catalogue, calendar=calendar)
    other = Catalogue([count("x", series("x", kind="app.opened"), window="7d", owner="app", title="words")], context={})

    with pytest.raises(SchemaChanged):
        from_bytes(to_bytes(state), catalogue=other, calendar=calendar)
    with pytest.raises(SchemaChanged):
        fold(state, events, catalogue=other, calendar=calendar)


def test_a_fold_takes_one_source(tell: Tell, catalogue: Catalogue, calendar: Calendar) -> None:
    mixed = [
        tell("transaction.booked", payment(-1, "rent"), ago=0),
        tell("message.received", MessageReceived(text="hm"), ago=0),
    ]
    for events in (mixed, []):
        with pytest.raises(ValueError, match="one source"):
            fold(None, events, catalogue=catalogue, calendar=calendar)


def test_purposes_seen_together_are_what_each_would_see_alone(
    tell: Tell, catalogue: Catalogue, calendar: Calendar, permit_for: Callable[..., Permit]
) -> None:
    states = {
        "transactions": fold(
            None, [tell("transaction.booked", payment(-9, "dining"), ago=0)], catalogue=catalogue, calendar=calendar
        ),
        "messages": fold(
            None,
            [tell("message.received", MessageReceived(text="t"), ago=0, reading=UPSET)],
            catalogue=catalogue,
            calendar=calendar,
        ),
    }
    permits = (permit_for("transactions", purpose="marketing"), permit_for("messages", purpose="care"))

    together = see_all(states, permits=permits, catalogue=catalogue, calendar=calendar, now=NOW)

    for permit in permits:
        alone = see(states, permit=permit, catalogue=catalogue, calendar=calendar, now=NOW)
        assert together[permit.purpose].values.tobytes() == alone.values.tobytes()
        assert together[permit.purpose].hidden.tolist() == alone.hidden.tolist()
    assert together["marketing"].get("upset_2h") is None
    assert together["care"].get("upset_2h") == 1.0

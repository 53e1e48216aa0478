"""Live equals replay to the bit, and both equal the declaration, worked out event by event without any state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.consent.gate import Permit
from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, HOUR, Calendar, Day, Instant, instant_of
from marketofone.domain.money_events import AccountOpened
from marketofone.features.catalogue import Catalogue
from marketofone.features.declare import READING_FIELDS, Feature, Series, Window
from marketofone.features.layout import COMING_BACK
from marketofone.features.regular import REACH, regular_total, regular_trend
from marketofone.features.state import AdmittedEvent, LiveState, fold
from marketofone.features.state_form import from_bytes, to_bytes
from marketofone.features.vector import see, unchanged_until
from marketofone.profile.account_types import LIQUID, type_of

TURN = Instant(1_792_890_000_000_000)  # 2026-10-25T01:00:00Z: Prague turns its clocks back
Streams = st.SearchStrategy[list[AdmittedEvent]]
PermitFor = Callable[..., Permit]


def by_source(events: Iterable[AdmittedEvent]) -> dict[str, list[AdmittedEvent]]:
    groups: dict[str, list[AdmittedEvent]] = {}
    for heard in events:
        groups.setdefault(heard[0].event.source, []).append(heard)
    return groups


def replayed(events: Iterable[AdmittedEvent], *, catalogue: Catalogue, calendar: Calendar) -> dict[str, LiveState]:
    return {
        source: fold(None, group, catalogue=catalogue, calendar=calendar) for source, group in by_source(events).items()
    }


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_order_in_any_batches_gives_the_same_bytes_and_the_same_vector(
    data: st.DataObject,
    streams: Streams,
    catalogue: Catalogue,
    calendar: Calendar,
    permit_for: PermitFor,
    all_sources: tuple[str, ...],
) -> None:
    events = data.draw(streams)
    live: dict[str, bytes] = {}
    waiting = data.draw(st.permutations(events))
    while waiting:
        size = data.draw(st.integers(1, 7))
        for source, group in by_source(waiting[:size]).items():
            before = from_bytes(live[source], catalogue=catalogue, calendar=calendar) if source in live else None
            live[source] = to_bytes(fold(before, group, catalogue=catalogue, calendar=calendar))
        waiting = waiting[size:]

    again = replayed(events, catalogue=catalogue, calendar=calendar)

    assert live == {source: to_bytes(state) for source, state in again.items()}
    permit = permit_for(*all_sources)
    now = Instant(TURN + data.draw(st.integers(0, 10 * DAY)))
    kept = {source: from_bytes(blob, catalogue=catalogue, calendar=calendar) for source, blob in live.items()}
    one = see(kept, permit=permit, catalogue=catalogue, calendar=calendar, now=now)
    other = see(again, permit=permit, catalogue=catalogue, calendar=calendar, now=now)
    assert one.values.tobytes() == other.values.tobytes()
    assert one.profile == other.profile


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_feature_is_what_its_declaration_says_at_any_later_moment(
    data: st.DataObject,
    streams: Streams,
    catalogue: Catalogue,
    calendar: Calendar,
    permit_for: PermitFor,
    all_sources: tuple[str, ...],
) -> None:
    events = data.draw(streams)
    now = Instant(TURN + data.draw(st.just(0) | st.integers(0, 3 * DAY) | st.integers(0, 500 * DAY)))
    states = replayed(events, catalogue=catalogue, calendar=calendar)

    seen = see(states, permit=permit_for(*all_sources), catalogue=catalogue, calendar=calendar, now=now)

    expected = [Oracle(feature, events, calendar=calendar, now=now).value() for feature in catalogue.features]
    assert [seen.get(feature.name) for feature in catalogue.features] == expected
    assert seen.known.tolist() == [value is not None for value in expected]
    assert not seen.hidden.any()


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_value_changes_before_the_moment_that_is_named_when_nothing_comes(
    data: st.DataObject,
    streams: Streams,
    catalogue: Catalogue,
    calendar: Calendar,
    permit_for: PermitFor,
    all_sources: tuple[str, ...],
) -> None:
    states = replayed(data.draw(streams), catalogue=catalogue, calendar=calendar)
    now = Instant(TURN + data.draw(st.just(0) | st.integers(0, 3 * HOUR) | st.integers(0, 40 * DAY)))
    until = unchanged_until(states.values(), catalogue=catalogue, calendar=calendar, now=now)

    assert now < until <= calendar.start_of(Day(calendar.day_of(now) + 1))
    later = data.draw(st.sampled_from([until - 1]) | st.integers(now, until - 1))
    one, other = (
        see(states, permit=permit_for(*all_sources), catalogue=catalogue, calendar=calendar, now=Instant(at))
        for at in (now, later)
    )
    assert one.values.tobytes() == other.values.tobytes()
    assert one.known.tobytes() == other.known.tobytes()


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_a_refused_source_has_a_part_in_is_hidden_and_the_rest_is_untouched(
    data: st.DataObject,
    streams: Streams,
    catalogue: Catalogue,
    calendar: Calendar,
    permit_for: PermitFor,
    all_sources: tuple[str, ...],
) -> None:
    states = replayed(data.draw(streams), catalogue=catalogue, calendar=calendar)
    everything = see(states, permit=permit_for(*all_sources), catalogue=catalogue, calendar=calendar, now=TURN)

    for size in range(len(all_sources) + 1):
        for sources in combinations(all_sources, size):
            seen = see(states, permit=permit_for(*sources), catalogue=catalogue, calendar=calendar, now=TURN)

            refused = np.array([not feature.lineage <= set(sources) for feature in catalogue.features])
            assert np.array_equal(seen.hidden, refused)
            assert np.array_equal(seen.values, np.where(refused, np.nan, everything.values), equal_nan=True)
            assert not (seen.known & seen.hidden).any()


# ------------------------------------------------------------- the declarations, read literally, event by event


def worth(of: Series, heard: AdmittedEvent) -> int | None:
    event = heard[0].event
    if event.kind not in of.kinds or not met(of, heard):
        return None
    amount: int = getattr(event.data, "amount_minor", 0)
    until = getattr(event.data, "until", None)
    named: dict[str, int | None] = {
        "one": 1,
        "held": int(event.kind != "product.closed"),
        "debit": 1 if amount < 0 else None,
        "inflow_minor": amount if amount > 0 else None,
        "outflow_minor": -amount if amount < 0 else None,
        "spent_minor": -amount if amount < 0 or getattr(event.data, "nature", None) in COMING_BACK else None,
        "until": 2**62 if until is None else instant_of(until),
    }
    return named[of.value] if of.value in named else getattr(event.data, of.value)


def met(of: Series, heard: AdmittedEvent) -> bool:
    def words(field: str) -> Sequence[object]:
        value = getattr(heard[1] if field in READING_FIELDS else heard[0].event.data, field)
        if field == "intents":
            return [intent.intent for intent in value if intent.probability >= 0.5]
        return value if isinstance(value, tuple) else (value,)

    asks = {field for field, _ in of.where + of.unless} & set(READING_FIELDS)
    if asks and (heard[1] is None or heard[1].route == "abstain"):
        return False
    return all(set(words(field)) & set(wanted) for field, wanted in of.where) and not any(
        set(words(field)) & set(unwanted) for field, unwanted in of.unless
    )


class Oracle:
    """One feature of one stream at one moment; a method for each way of making a feature."""

    def __init__(self, feature: Feature, events: Sequence[AdmittedEvent], *, calendar: Calendar, now: Instant) -> None:
        self.feature, self.events, self.calendar, self.now = feature, events, calendar, now
        self.today = calendar.day_of(now)
        found = [(heard[0].event, worth(feature.of, heard)) for heard in events]
        self.counted = [(event, value) for event, value in found if value is not None]

    def value(self) -> float | None:
        if not self.feature.lineage <= {heard[0].event.source for heard in self.events}:
            return None
        value: float | None = getattr(self, self.feature.how)()
        return value

    def window(self) -> Window:
        assert self.feature.window is not None
        return self.feature.window

    def within(self, of: Series, window: Window, *, skip: int = 0) -> list[int]:
        values = [(heard[0].event, worth(of, heard)) for heard in self.events]
        if window.exact:
            oldest = self.now - window.span
            return [value for event, value in values if value is not None and oldest < event.at <= self.now]
        newest = self.today - skip
        days = range(newest - window.span + 1, newest + 1)
        return [value for event, value in values if value is not None and event.day(self.calendar) in days]

    def recent(self) -> list[int]:
        return self.within(self.feature.of, self.window())

    def recent_events(self) -> list[Event]:
        oldest = self.today - self.window().span
        return [event for event, _ in self.counted if event.day(self.calendar) > oldest]

    def days_heard(self) -> int:
        source = self.feature.of.source
        first = min(each.event.day(self.calendar) for each, _ in self.events if each.event.source == source)
        return self.today + 1 - first

    def thing(self, event: Event) -> object:
        return tuple(getattr(event.data, field) for field in self.feature.of.per)

    def newest(self) -> list[tuple[Event, int]]:
        newest: dict[object, tuple[Event, int]] = {}
        for event, value in self.counted:
            before = newest.get(self.thing(event))
            if before is None or (event.at, event.key) > (before[0].at, before[0].key):
                newest[self.thing(event)] = event, value
        owed = self.owed() if self.feature.of.spendable else set()
        return [said for thing, said in newest.items() if thing not in owed]

    def owed(self) -> set[object]:
        told: dict[object, tuple[Instant, bytes, AccountOpened]] = {}
        for heard in self.events:
            event = heard[0].event
            if isinstance(event.data, AccountOpened):
                said = (event.at, event.key, event.data)
                told[event.data.account] = max(told.get(event.data.account, said), said, key=lambda one: one[:2])
        return {(account,) for account, (_, _, of) in told.items() if type_of(of.type or "", of.product) not in LIQUID}

    def total(self) -> float:
        return float(sum(self.recent()))

    def count(self) -> float:
        return float(len(self.recent()))

    def mean(self) -> float | None:
        return sum(self.recent()) / len(self.recent()) if self.recent() else None

    def days(self) -> float:
        return float(len({event.day(self.calendar) for event in self.recent_events()}))

    def distinct(self) -> float:
        return float(len({self.thing(event) for event in self.recent_events()}))

    def share(self) -> float | None:
        assert self.feature.whole is not None
        whole = sum(self.within(self.feature.whole, self.window()))
        return sum(self.recent()) / whole if whole > 0 else None

    def trend(self) -> float | None:
        span = self.window().span
        before = sum(self.within(self.feature.of, self.window(), skip=span))
        return sum(self.recent()) / before - 1 if before > 0 and self.days_heard() >= 2 * span else None

    def paydays(self) -> list[tuple[int, int]]:
        days = dict[int, int]()
        for event, value in self.counted:
            day = event.day(self.calendar)
            if self.today - REACH < day <= self.today:
                days[day] = days.get(day, 0) + value
        return sorted(days.items())

    def regular_total(self) -> float:
        return float(regular_total(self.paydays(), today=self.today))

    def regular_trend(self) -> float | None:
        return regular_trend(self.paydays(), today=self.today, days_known=self.days_heard())

    def habit(self) -> float | None:
        window, habit = self.window(), self.feature.habit
        assert habit is not None
        skip = 2 if window.exact else window.span  # the only exact one is 24h: it touches today and yesterday
        length = window.span / DAY if window.exact else float(window.span)
        lived = min(habit.span, self.days_heard() - skip)
        usual = sum(self.within(self.feature.of, habit, skip=skip))
        return sum(self.recent()) * lived / (usual * length) if usual > 0 and 3 * lived >= habit.span else None

    def last(self) -> float | None:
        window = self.feature.window
        oldest = -(2**31) if window is None else self.today - window.span
        values = [value for event, value in self.newest() if event.day(self.calendar) > oldest]
        return float(sum(values)) if values else None

    def active(self) -> float:
        return float(any(value > self.now for _, value in self.newest()))

    def since(self) -> float | None:
        days = [event.day(self.calendar) for event, _ in self.counted]
        return float(self.today - max(days)) if days else None

    def age(self) -> float | None:
        days = [event.day(self.calendar) for event, _ in self.counted]
        return float(self.today - min(days)) if days else None

"""An action with a schedule is shown in it and at no other time; the decision says which limit stood against it."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_person import ACTIONS_TEXT, CALENDAR, LIFE, NOW, ask, compiled, decision_input, open_to, stage_of

from marketofone.decide.engine import decide
from marketofone.decide.funnel import FunnelCounts, funnel_of
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import Day, date_of
from marketofone.domain.schedule import WEEKDAYS, Schedule

TODAY, MINUTE = CALENDAR.day_of(NOW), CALENDAR.minute_of_day(NOW)  # Monday 15 June 2026, noon
BEFORE = 'id = "savings_plan"\n'


def scheduled(text: str) -> str:
    return ACTIONS_TEXT.replace(BEFORE, f"{BEFORE}schedule = {text}\n")


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("{ from = 2026-06-16 }", "schedule: not before 16 June 2026"),
        ("{ until = 2026-06-14 }", "schedule: over since 14 June 2026"),
        ('{ days = ["saturday", "sunday"] }', "schedule: only on saturday, sunday"),
        ('{ begin = "22:00", end = "06:00" }', "schedule: only between 22:00 and 06:00"),
    ],
)
def test_outside_of_its_schedule_an_action_is_not_shown_and_the_funnel_counts_why(schedule: str, why: str) -> None:
    bank = compiled(scheduled(schedule))
    held = decision_input(LIFE, config=bank)
    made = decide(ask(), held, bank)
    assert "savings_plan" in open_to(decide(ask(), held, compiled()))
    assert stage_of(made, "savings_plan") == ("not_eligible", why)
    counts = FunnelCounts()
    counts.add("c-1", [made], money="not known", hidden=0)
    found = next(one for one in funnel_of(counts, since="", until="").actions if one.action == "savings_plan")
    assert [(stop.gate, stop.why) for stop in found.stops] == [("applicable", why)]


@pytest.mark.parametrize(
    "schedule",
    ["{ from = 2026-06-15, until = 2026-06-15 }", '{ days = ["monday"], begin = "12:00", end = "12:01" }', "{}"],
)
def test_within_its_schedule_an_action_is_as_it_was(schedule: str) -> None:
    bank = compiled(scheduled(schedule))
    assert decide(ask(), decision_input(LIFE, config=bank), bank) == decide(ask(), decision_input(LIFE), compiled())


@given(
    since=st.none() | st.integers(-3, 3),
    length=st.none() | st.integers(0, 3),
    days=st.sets(st.sampled_from(WEEKDAYS)),
    hours=st.none() | st.tuples(st.integers(0, 23), st.integers(0, 23)),
    minute=st.integers(0, 1439),
)
def test_a_schedule_without_one_of_its_limits_is_open_whenever_it_was(
    since: int | None,
    length: int | None,
    days: set[str],
    hours: tuple[int, int] | None,
    minute: int,
) -> None:
    begin, end = (None, None) if hours is None else (f"{hours[0]:02}:00", f"{hours[1]:02}:00")
    limited = msgspec.convert(
        {
            "from": None if since is None else date_of(Day(TODAY + since)),
            "until": None if length is None else date_of(Day(TODAY + (since or 0) + length)),
            "days": sorted(days),
            "begin": begin,
            "end": end,
        },
        Schedule,
    )
    assert not limited.contradicts_itself
    if not limited.objection(day=TODAY, minute_of_day=minute):
        for freed in ({"since": None}, {"until": None}, {"days": ()}, {"begin": None, "end": None}):
            wider = msgspec.structs.replace(limited, **freed)
            assert not wider.objection(day=TODAY, minute_of_day=minute)


def test_hours_over_midnight_belong_to_the_day_of_the_moment() -> None:
    nights = Schedule(days=("monday",), begin="22:00", end="06:00")
    assert not nights.objection(day=TODAY, minute_of_day=23 * 60)
    assert nights.objection(day=Day(TODAY + 1), minute_of_day=5 * 60) == "only on monday"
    assert not nights.objection(day=TODAY, minute_of_day=5 * 60)


@pytest.mark.parametrize("schedule", ["{ from = 2026-06-15, until = 2026-06-14 }", '{ begin = "08:00" }'])
def test_a_schedule_that_contradicts_itself_is_refused_when_it_is_read(schedule: str) -> None:
    with pytest.raises(MalformedDocument, match="schedule"):
        compiled(scheduled(schedule))


def test_doing_nothing_is_always_possible() -> None:
    with pytest.raises(MalformedDocument, match="a time"):
        compiled(ACTIONS_TEXT.replace('id = "nothing"\n', 'id = "nothing"\nschedule = { days = ["monday"] }\n'))


def test_the_first_and_the_last_day_belong_to_it() -> None:
    june = Schedule(since=date(2026, 6, 15), until=date(2026, 6, 16))
    open_on = [day for day in range(TODAY - 2, TODAY + 4) if not june.objection(day=Day(day), minute_of_day=MINUTE)]
    assert open_on == [TODAY, TODAY + 1]

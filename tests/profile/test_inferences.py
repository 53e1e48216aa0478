"""What a person corrects only ever takes away, and takes nothing else away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.event import AppOpened, Event, LifeDeclared, PlaceVisited
from marketofone.domain.fields import EventData
from marketofone.domain.moment import Instant
from marketofone.domain.reading import Intent, Reading
from marketofone.profile.inferences import as_said, concluded_from, family_of, stands, told_by

TOPICS, INTENTS = ("travel", "home", "debt"), ("card_lost", "thanks", "job_loss")
NAMES = [
    *(f"interest.{one}" for one in TOPICS),
    *(f"need.{one}" for one in INTENTS),
    "life.move",
    "place.airport",
    "stress",
]
corrections = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9).map(Instant))


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    intents = draw(st.lists(st.sampled_from(INTENTS), unique=True))
    return Reading(
        intents=tuple(Intent(intent=one, probability=0.9) for one in intents),
        sentiment="neutral",
        emotion="none",
        urgency=0.1,
        confidence=0.9,
        topics=tuple(draw(st.lists(st.sampled_from(TOPICS), unique=True))),
        needs=tuple(f"help: {one}" for one in intents if one != "thanks"),
        route="local",
    )


def event(data: EventData, kind: str, *, at: int = 5) -> Event:
    return Event(id="1", producer="p", kind=kind, customer="c", at=Instant(at), data=data)


@given(reading=readings(), corrected=corrections)
def test_what_is_corrected_is_gone_and_all_else_is_as_it_was_read(
    reading: Reading, corrected: dict[str, Instant]
) -> None:
    said = as_said(reading, corrected)
    assert said is not None
    assert said.topics == tuple(one for one in reading.topics if f"interest.{one}" not in corrected)
    assert said.intents == tuple(one for one in reading.intents if f"need.{one.intent}" not in corrected)
    assert {*said.needs} <= {*reading.needs}
    assert not any(f"help: {name.removeprefix('need.')}" in said.needs for name in corrected)
    assert (said.needs == reading.needs) or said.intents != reading.intents
    assert as_said(said, corrected) == said
    searched = event(AppOpened(), "app.opened")
    assert not corrected.keys() & {*concluded_from(searched, said)}


@given(corrected=corrections, at=st.integers(0, 9), confidence=st.sampled_from((0.4, 0.9, 1.0)))
def test_a_life_event_counts_again_only_for_certain_and_later(
    corrected: dict[str, Instant], at: int, confidence: float
) -> None:
    moved = event(LifeDeclared(event="move", confidence=confidence), "life.declared", at=at)
    again = "life.move" not in corrected or (confidence == 1.0 and at > corrected["life.move"])
    assert stands(moved, corrected) == again
    assert stands(event(PlaceVisited(venue="airport"), "place.visited"), corrected) == (
        "place.airport" not in corrected
    )
    assert stands(event(AppOpened(), "app.opened"), corrected)


def test_each_name_says_of_which_sources_it_is_told() -> None:
    assert {family_of(name): told_by(name) for name in NAMES} == {
        "interest": ("app", "life_events", "messages"),
        "need": ("app", "life_events", "messages"),
        "life": ("life_events",),
        "place": ("location",),
        "stress": ("messages",),
    }

"""Inferences: what the bank concludes about a person from what happened, and what the person says is wrong of it.

An inference has a name: ``life.child``, ``interest.travel``, ``need.card_lost``, ``place.airport``, ``care.health``,
``arrears``, ``stress``. :func:`concluded_from` says which of them an event is evidence of. What a person corrected
counts as if nothing had told it: :func:`stands` and :func:`as_said` are the only places where that is so, and all that
is folded of a person passes them.

1. A life event that was corrected counts no more, but for one that is told for certain and later: that is a new one.
2. A place counts no more, and neither do an interest and a need, which are taken out of what a text was read as,
   whatever comes later. The text itself still counts as one that was written.
3. What protects a person (``arrears``, ``care``, ``stress``) is folded as it was told: a correction of it never opens
   an offer. What it stops is said in ``decide/stress.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from marketofone.domain.event import (
    ArrearsChanged,
    CareFlagged,
    Event,
    InferenceCorrected,
    LifeDeclared,
    PlaceVisited,
    Source,
)
from marketofone.domain.moment import Instant
from marketofone.domain.reading import LIKELY, Reading

Corrected = Mapping[str, Instant]
"""Which inferences a person says are wrong, and when they said so."""
STRESS, ARREARS = "stress", "arrears"
_CERTAIN = 1.0  # of a life event that the person told
_TEXTS: tuple[Source, ...] = ("app", "life_events", "messages")
_TOLD_BY: Mapping[str, tuple[Source, ...]] = {
    "life": ("life_events",),
    "interest": _TEXTS,
    "need": _TEXTS,
    "place": ("location",),
    "care": ("protection",),
    "arrears": ("protection",),
    "stress": ("messages",),
}


def family_of(inference: str) -> str:
    """Give the family of an inference.

    Examples
    --------
    >>> family_of("life.child"), family_of("stress")
    ('life', 'stress')
    """
    return inference.partition(".")[0]


def interest_in(topic: str) -> str:
    """Name the inference that a topic is on a person's mind.

    Examples
    --------
    >>> interest_in("travel")
    'interest.travel'
    """
    return f"interest.{topic}"


def told_by(inference: str) -> tuple[Source, ...]:
    """Give the sources in which something may count otherwise once an inference is corrected."""
    return _TOLD_BY[family_of(inference)]


def concluded_from(event: Event, reading: Reading | None) -> Iterator[str]:
    """Name the inferences of which an event is evidence, by its data and by what its text was read as.

    Examples
    --------
    >>> moved = LifeDeclared(event="move")
    >>> told = Event(id="1", producer="p", kind="life.declared", customer="c", at=Instant(0), data=moved)
    >>> list(concluded_from(told, None))
    ['life.move']
    """
    match event.data:
        case LifeDeclared(event=word):
            yield f"life.{word}"
        case PlaceVisited(venue=venue):
            yield f"place.{venue}"
        case CareFlagged(driver=driver):
            yield f"care.{driver}"
        case ArrearsChanged(in_arrears=True):
            yield ARREARS
    if reading is not None and reading.route != "abstain":
        yield from (interest_in(topic) for topic in reading.topics)
        if reading.needs:
            yield from (f"need.{intent.intent}" for intent in reading.intents if intent.probability >= LIKELY)


def in_force(said: Iterable[Event]) -> Corrected:
    """Give what a person says is wrong, by the last word about each inference."""
    last = {event.data.inference: event for event in said if isinstance(event.data, InferenceCorrected)}
    return {name: event.at for name, event in last.items() if getattr(event.data, "wrong", False)}


def stands(event: Event, corrected: Corrected) -> bool:
    """Say whether an event still counts, by what a person corrected.

    Examples
    --------
    >>> moved = LifeDeclared(event="move")
    >>> told = Event(id="1", producer="p", kind="life.declared", customer="c", at=Instant(5), data=moved)
    >>> [stands(told, {"life.move": Instant(at)}) for at in (4, 5)]
    [True, False]
    """
    if not corrected:
        return True
    match event.data:
        case LifeDeclared(event=word, confidence=confidence):
            since = corrected.get(f"life.{word}")
            return since is None or (confidence >= _CERTAIN and event.at > since)
        case PlaceVisited(venue=venue):
            return f"place.{venue}" not in corrected
        case _:
            return True


def as_said(reading: Reading | None, corrected: Corrected) -> Reading | None:
    """Give what a text was read as without the interests and needs that a person says are wrong."""
    if reading is None or not corrected:
        return reading
    topics = tuple(topic for topic in reading.topics if interest_in(topic) not in corrected)
    intents = tuple(intent for intent in reading.intents if f"need.{intent.intent}" not in corrected)
    if (topics, intents) == (reading.topics, reading.intents):
        return reading
    # Which need belongs to which intent is not kept where one of them has none: then none of them is used.
    paired = zip(reading.intents, reading.needs, strict=False) if len(reading.intents) == len(reading.needs) else ()
    needs = reading.needs if intents == reading.intents else tuple(need for of, need in paired if of in intents)
    return replace(reading, topics=topics, needs=needs, intents=intents)

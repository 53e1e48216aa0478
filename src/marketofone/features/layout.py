"""Where each series is kept: slots, and the rules by which an event finds them.

1. Every feature asks for *tracks* of its series: ``day`` (sum and count a calendar day), ``moment`` (sum and count an
   instant), ``mark`` (the newest day of each different thing), ``last`` and ``first`` (one event kept whole).
2. A track is a *slot*: an integer, ascending by (source, track, series), so that the sorted rows of several sources
   lie sorted side by side. A slot remembers just as far back as its features look.
3. For every kind of event a :class:`Matcher` gives the *takes* of an event: the series it counts in, with their slots.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.event import SOURCES
from marketofone.domain.fields import EventData
from marketofone.domain.moment import instant_of
from marketofone.domain.money_events import ProductClosed
from marketofone.domain.reading import LIKELY, Reading
from marketofone.domain.remembered import remembered
from marketofone.features.abroad import abroad_register
from marketofone.features.declare import READING_FIELDS, Condition, Feature, Plain, Series, reach_days

Track = Literal["day", "moment", "mark", "last", "first"]
# A key is slot * 2^39 + age; ages are days, or microseconds up to twice the 72 hours that moments are kept.
AGE_BITS = 39
AGE_MASK = (1 << AGE_BITS) - 1
_ORDER: dict[Track, int] = {"day": 0, "moment": 1, "mark": 2, "last": 3, "first": 4}
_REMEMBERED = 4096
NEVER_ENDS = 2**62

COMING_BACK = frozenset({"refund", "reversal", "returned_debit"})
"""Natures of money in that answers money out."""

Facts = tuple[Plain, ...]


class Place(NamedTuple):
    """One track of one series."""

    source: str
    track: Track
    series: Series


class Bounds(NamedTuple):
    """The first keys of a source's moments and of its marks."""

    moments: int
    marks: int


class RowTrack(NamedTuple):
    """A track that makes rows: the key of age 0, and the horizon, in microseconds when the track is ``exact``."""

    key: int
    horizon: int
    exact: bool
    mark: bool


class Take(NamedTuple):
    """How one series takes an event: what it is worth, about which thing, and the tracks it leaves.

    ``money`` says that it is worth an amount, which counts in the bank's currency only; of one in another currency the
    register ``abroad`` says when it came last.
    """

    money: bool
    value: Callable[[EventData], int | None]
    thing: Callable[[EventData], int]
    rows: tuple[RowTrack, ...]
    registers: tuple[int, ...]
    abroad: str


class Layout:
    """All slots of a catalogue.

    Attributes
    ----------
    slots
        The slot of each place. ``last`` and ``first`` places are registers and number apart from the others.
    horizon
        int64[slots]: ages a slot keeps are below it, in days or microseconds.
    bounds
        For each source where its days end and its moments, and where its marks begin.
    key_bits
        How many bits of a key hold the slot and the age.
    firsts
        The registers that keep a first event; all others keep a last one.
    matchers
        For each kind of event the rule that gives its takes.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        reach = _reach(features)
        places = sorted(reach, key=_place_order)
        rows = [place for place in places if _ORDER[place.track] <= _ORDER["mark"]]
        registers = [place for place in places if _ORDER[place.track] > _ORDER["mark"]]
        self.slots = {place: slot for of in (rows, registers) for slot, place in enumerate(of)}
        self.key_bits = AGE_BITS + len(rows).bit_length()
        self.firsts = frozenset(slot for slot, place in enumerate(registers) if place.track == "first")
        self.horizon: NDArray[np.int64] = np.array([reach[place] for place in rows], dtype=np.int64)
        order = [_place_order(place) for place in rows]
        self.bounds: dict[str, Bounds] = {
            source: Bounds(
                moments=bisect_left(order, (source, _ORDER["moment"])) << AGE_BITS,
                marks=bisect_left(order, (source, _ORDER["mark"])) << AGE_BITS,
            )
            for source in SOURCES
        }
        self.matchers = {
            kind: Matcher([(of, self._take(of)) for of in _series(features) if kind in of.kinds])
            for kind in sorted({kind for of in _series(features) for kind in of.kinds})
        }

    def _take(self, of: Series) -> Take:
        own = {track: self.slots[place] for track in _ORDER if (place := Place(of.source, track, of)) in self.slots}
        return Take(
            money=of.is_money,
            value=value_of(of.value),
            thing=_thing(of.per),
            rows=tuple(
                RowTrack(slot << AGE_BITS, int(self.horizon[slot]), track == "moment", track == "mark")
                for track, slot in own.items()
                if _ORDER[track] <= _ORDER["mark"]
            ),
            registers=tuple(slot for track, slot in own.items() if _ORDER[track] > _ORDER["mark"]),
            abroad=abroad_register(of),
        )


class Matcher:
    """The rule for one kind of event. What was found for the same facts before is remembered."""

    def __init__(self, takes: Sequence[tuple[Series, Take]]) -> None:
        asked = {field for of, _ in takes for field, _ in of.where + of.unless}
        self._takes = takes
        self._fields = tuple(sorted(asked - set(READING_FIELDS)))
        self._reads = not asked.isdisjoint(READING_FIELDS)
        self._facts = _facts(self._fields)
        self._find = remembered(room=_REMEMBERED)(self._found)

    def __call__(self, data: EventData, reading: Reading | None) -> tuple[Take, ...]:
        """Give the series an event counts in."""
        return self._find(self._facts(data), _heard(reading) if self._reads else None)

    def _found(self, facts: Facts, heard: tuple[Facts, ...] | None) -> tuple[Take, ...]:
        words: dict[str, Facts] = {field: (fact,) for field, fact in zip(self._fields, facts, strict=True)}
        words.update(zip(READING_FIELDS, heard or (), strict=False))
        return tuple(take for of, take in self._takes if _counts(of, words))


def value_of(name: str) -> Callable[[EventData], int | None]:
    """Give the rule by which an event is worth an integer, or does not count."""
    return _VALUES.get(name) or _whole(attrgetter(name))


def _whole(read: Callable[[EventData], int | None]) -> Callable[[EventData], int | None]:
    def whole(data: EventData) -> int | None:
        value = read(data)
        return None if value is None else int(value)

    return whole


def _inflow(data: EventData) -> int | None:
    amount: int = getattr(data, "amount_minor", 0)
    return amount if amount > 0 else None


def _outflow(data: EventData) -> int | None:
    amount: int = getattr(data, "amount_minor", 0)
    return -amount if amount < 0 else None


def _spent(data: EventData) -> int | None:
    """Count money out, and take away what comes back of it."""
    amount: int = getattr(data, "amount_minor", 0)
    return -amount if amount < 0 or getattr(data, "nature", None) in COMING_BACK else None


def _until(data: EventData) -> int | None:
    until = getattr(data, "until", None)
    return NEVER_ENDS if until is None else instant_of(until)


_VALUES: dict[str, Callable[[EventData], int | None]] = {
    "one": lambda _: 1,
    "held": lambda data: int(not isinstance(data, ProductClosed)),
    "inflow_minor": _inflow,
    "outflow_minor": _outflow,
    "spent_minor": _spent,
    "debit": lambda data: None if _outflow(data) is None else 1,
    "until": _until,
}


def _facts(fields: tuple[str, ...]) -> Callable[[EventData], Facts]:
    match fields:
        case ():
            return lambda _: ()
        case (field,):
            return lambda data: (getattr(data, field),)
        case _:
            return attrgetter(*fields)


def _thing(per: tuple[str, ...]) -> Callable[[EventData], int]:
    if not per:
        return lambda _: 0
    fields = attrgetter(*per)
    return lambda data: thing_hash(fields(data))


@remembered(room=_REMEMBERED)
def thing_hash(fields: object) -> int:
    """Give 32 bits that tell one thing of a person from another (two of twenty collide once in twenty million)."""
    return int.from_bytes(blake2b(repr(fields).encode(), digest_size=4).digest(), "little")


def _heard(reading: Reading | None) -> tuple[Facts, ...] | None:
    if reading is None or reading.route == "abstain":
        return None
    intents = tuple(intent.intent for intent in reading.intents if intent.probability >= LIKELY)
    return ((reading.sentiment,), (reading.emotion,), reading.topics, reading.needs, intents)


def _counts(of: Series, words: dict[str, Facts]) -> bool:
    def met(condition: Condition) -> Iterator[bool]:
        return (any(word in wanted for word in words[field]) for field, wanted in condition)

    if any(field not in words for field, _ in of.where + of.unless):
        return False  # it asks about a reading, and there is none
    return all(met(of.where)) and not any(met(of.unless))


def _series(features: Sequence[Feature]) -> list[Series]:
    return list(dict.fromkeys(of for feature in features for of in (feature.of, feature.whole) if of is not None))


def _place_order(place: Place) -> tuple[str | int, ...]:
    return place.source, _ORDER[place.track], place.series.name


def tracks(feature: Feature) -> tuple[Track, ...]:
    """Give the tracks a feature asks of its series."""
    exact = feature.window is not None and feature.window.exact
    match feature.how:
        case "last" | "since" | "active":
            return ("last",)
        case "age":
            return ("first",)
        case "distinct":
            return ("mark",)
        case "habit":
            return ("day", "moment") if exact else ("day",)
        case _:
            return ("moment",) if exact else ("day",)


def _reach(features: Sequence[Feature]) -> dict[Place, int]:
    reach: dict[Place, int] = {}
    for feature in features:
        for of in filter(None, (feature.of, feature.whole)):
            for track in tracks(feature):
                place = Place(of.source, track, of)
                span = reach_days(feature)
                if track == "moment" and feature.window is not None:
                    span = feature.window.span
                reach[place] = max(reach.get(place, 0), span)
    return reach

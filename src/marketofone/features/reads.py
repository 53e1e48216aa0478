"""How the vector is read: every feature's windows as pairs of keys, and how their contents become its value.

Made once for a catalogue. Windows are given in ages; ``vector.py`` shifts them to the moment asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketofone.domain.event import SOURCES
from marketofone.domain.moment import DAY
from marketofone.features.abroad import abroad_register
from marketofone.features.declare import REGULAR, Feature, How, Series, Window, habit_skip
from marketofone.features.layout import AGE_BITS, Layout, Place, Track
from marketofone.features.regular import GRACE, MONTH

Integers = NDArray[np.int64]
EVER = 2**31
LATELY = MONTH + GRACE
"""Days within which what is regular comes again."""
_HABIT_KNOWN_AFTER = 3  # a habit is known once a third of its window has been lived through


class Span(NamedTuple):
    """One window to read: a slot, and ages from (inclusive) and to (exclusive)."""

    slot: int
    newest: int
    oldest: int
    source: int
    exact: bool


class Cells(NamedTuple):
    """Features that are one cell of what is read, ``row * r + span``: row 0 sums, 1 counts, 2 numbers of rows."""

    feature: Integers
    cell: Integers


class Ratios(NamedTuple):
    """Features that divide one cell by another, times a factor, minus an offset.

    The factor is ``min(cap, days heard) / length`` (in days). Days heard count from the first event of the source to
    ``skip`` days ago, where the earlier window ends. Fewer than ``need`` of them: unknown.
    """

    feature: Integers
    part: Integers
    whole: Integers
    source: Integers
    skip: Integers
    cap: Integers
    need: Integers
    offset: Integers
    length: NDArray[np.float64]


class Single(NamedTuple):
    """A feature made of events kept whole; ``window`` is in days; ``spendable`` leaves out money that is owed."""

    feature: int
    how: How
    window: int
    spendable: bool


class Regular(NamedTuple):
    """A feature made of what comes by a rhythm: the first key of the days of its series, and its source."""

    feature: int
    how: How
    base: int
    source: int


class Abroad(NamedTuple):
    """A feature of which nothing is known while its money comes in other currencies only.

    ``register`` says when that came last, ``rows`` is the cell with the number of rows that count, and ``window`` how
    far back the feature looks, in days or in microseconds when it is ``exact``. Without ``rows`` it looks at days one
    by one.
    """

    feature: int
    how: How
    register: str
    rows: int
    window: int
    exact: bool


class Reads:
    """Everything a vector reads.

    Attributes
    ----------
    base, ages, clock
        int64[r], int64[2, r], int64[r]: the spans; ``clock`` is ``2 * source + (1 if exact)``.
    cells, ratios, singles
        How features come out of them; singles by the register that keeps their events.
    regulars
        Features that look at the days of a series one by one.
    abroad
        What is not known of features while money comes in other currencies only, by source.
    lineage
        int64[n]: the sources of each feature, as bits in the order of ``SOURCES``.
    """

    def __init__(self, features: Sequence[Feature], layout: Layout) -> None:
        self._layout = layout
        self._spans: dict[Span, int] = {}
        numbered = list(enumerate(features))
        cells = [(at, _ROWS[of.how], self._recent(of)) for at, of in numbered if of.how in _ROWS]
        ratios = [(at, *self._ratio(of)) for at, of in numbered if of.how in ("mean", "share", "trend", "habit")]
        spans = list(self._spans)
        at, row, span = _columns(cells, 3)
        self.cells = Cells(at, row * len(spans) + span)
        at, part, row, whole, source, skip, cap, need, offset, length = _columns(ratios, 10)
        whole += row * len(spans)
        self.ratios = Ratios(at, part, whole, source, skip, cap, need, offset, length / DAY)
        self.singles: dict[int, list[Single]] = {}
        for number, of in numbered:
            if of.how in ("last", "since", "age", "active"):
                register = layout.slots[Place(of.of.source, "first" if of.how == "age" else "last", of.of)]
                window = EVER if of.window is None else of.window.span
                self.singles.setdefault(register, []).append(Single(number, of.how, window, of.of.spendable))
        self.regulars = [
            Regular(at, of.how, self._days(of.of) << AGE_BITS, SOURCES.index(of.of.source))
            for at, of in numbered
            if of.how in REGULAR
        ]
        self.abroad: dict[str, tuple[Abroad, ...]] = {
            source: tuple(self._abroad(at, of, spans=len(spans)) for at, of in numbered if _tells_abroad(of, source))
            for source in SOURCES
        }
        self.lineage = np.array([bits_of(of.lineage) for of in features], dtype=np.int64)
        self.base = np.array([span.slot << AGE_BITS for span in spans], dtype=np.int64)
        self.ages = np.array([[span.newest for span in spans], [span.oldest for span in spans]], dtype=np.int64)
        self.clock = np.array([2 * span.source + span.exact for span in spans], dtype=np.int64)

    def _abroad(self, at: int, of: Feature, *, spans: int) -> Abroad:
        register = abroad_register(of.of)
        if of.window is None or of.how in REGULAR:  # it looks at days one by one
            return Abroad(at, of.how, register, 0, LATELY, exact=False)
        return Abroad(at, of.how, register, 2 * spans + self._recent(of), of.window.span, of.window.exact)

    def _days(self, of: Series) -> int:
        return self._layout.slots[Place(of.source, "day", of)]

    def _span(self, of: Series, track: Track, *, newest: int, oldest: int) -> int:
        slot = self._layout.slots[Place(of.source, track, of)]
        span = Span(slot, newest, oldest, SOURCES.index(of.source), track == "moment")
        return self._spans.setdefault(span, len(self._spans))

    def _recent(self, feature: Feature, of: Series | None = None) -> int:
        window = _window(feature)
        track: Track = "mark" if feature.how == "distinct" else "moment" if window.exact else "day"
        return self._span(of or feature.of, track, newest=0, oldest=window.span)

    def _ratio(self, feature: Feature) -> tuple[int, ...]:
        window, of, habit = _window(feature), feature.of, feature.habit
        row, skip, cap, need, offset, length = 0, 0, 1, 1, 0, DAY
        if habit is not None:
            skip = habit_skip(window)
            cap, need = habit.span, -(-habit.span // _HABIT_KNOWN_AFTER)
            length = window.span if window.exact else window.span * DAY
            whole = self._span(of, "day", newest=skip, oldest=skip + habit.span)
        elif feature.how == "trend":
            skip, need, offset = window.span, window.span, 1
            whole = self._span(of, "day", newest=skip, oldest=2 * skip)
        else:
            whole, row = self._recent(feature, feature.whole), int(feature.how == "mean")
        return self._recent(feature), row, whole, SOURCES.index(of.source), skip, cap, need, offset, length


def _tells_abroad(of: Feature, source: str) -> bool:
    """Say whether a feature of a source adds up amounts, or looks at the days on which they came."""
    return of.of.is_money and of.of.source == source and of.how not in ("last", "active", "age")


def bits_of(sources: Iterable[str]) -> int:
    """Give different sources as bits, in the order of ``SOURCES``."""
    return sum([_BITS[source] for source in sources])


_BITS: dict[str, int] = {source: 1 << place for place, source in enumerate(SOURCES)}
_ROWS: dict[How, int] = {"total": 0, "count": 1, "days": 2, "distinct": 2}


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Integers]:
    return list(np.ascontiguousarray(np.array(rows, dtype=np.int64).reshape(-1, width).T))


def _window(feature: Feature) -> Window:
    if feature.window is None:
        raise AssertionError(feature.name)  # the declaration gave it one
    return feature.window

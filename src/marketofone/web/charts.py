"""Charts as geometry: templates draw them as SVG, with a table of the same numbers beside each.

Horizontal positions are percentages of the width and vertical ones pixels, so that a chart fills a phone or a desk
while its text keeps its size. Curves are drawn in a square of 1000 units that is stretched to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

LINE = 18  # pixels from one line of text to the next
BAR = 12
GAP = 16
LETTERS = 36  # of a label in one line, beside its value, at 320 pixels
PLOT = 1000


@dataclass(frozen=True)
class Mark:
    """One number to be drawn: what it is, how much, in words, and its tone; if uncertain, its spread and a draw."""

    label: str
    amount: float
    value: str
    tone: str
    spread: float = 0.0
    draw: float = 0.0


@dataclass(frozen=True)
class Row:
    """One mark laid out: lines of text from ``y`` on, a bar or whisker at ``at`` from ``x`` on; the rest in percent."""

    mark: Mark
    lines: list[str]
    y: int
    at: int
    x: float
    width: float
    dot: float
    draw: float


@dataclass(frozen=True)
class Rows:
    """A chart of rows: its height in pixels and where zero lies, in percent."""

    height: int
    zero: float
    rows: tuple[Row, ...]


def bars(marks: Sequence[Mark]) -> Rows:
    """Lay out horizontal bars that grow from zero to either side."""
    return _rows(marks, [(min(0.0, mark.amount), max(0.0, mark.amount)) for mark in marks], margin=0)


def whiskers(marks: Sequence[Mark]) -> Rows:
    """Lay out dots with whiskers of one spread to either side, and the draw beside."""
    return _rows(marks, [(mark.amount - mark.spread, mark.amount + mark.spread) for mark in marks], margin=2)


def _rows(marks: Sequence[Mark], spans: Sequence[tuple[float, float]], *, margin: float) -> Rows:
    bounds = [0.0, *(end for span in spans for end in span), *(mark.draw for mark in marks)]
    low, reach = min(bounds), (max(bounds) - min(bounds)) or 1.0

    def to_x(amount: float) -> float:
        return round(margin + (100 - 2 * margin) * (amount - low) / reach, 2)

    rows: list[Row] = []
    y = 0
    for mark, (begin, end) in zip(marks, spans, strict=True):
        lines = wrap(mark.label, LETTERS)
        at = y + LINE * len(lines) + 6
        width = max(round(to_x(end) - to_x(begin), 2), 0.4)
        rows.append(Row(mark, lines, y + LINE - 4, at, to_x(begin), width, to_x(mark.amount), to_x(mark.draw)))
        y = at + BAR + GAP
    return Rows(height=y, zero=to_x(0.0), rows=tuple(rows))


@dataclass(frozen=True)
class Tick:
    """A line of the grid: where, and its words."""

    at: float
    words: str


@dataclass(frozen=True)
class Event:
    """A dated event on the fan: its number in the table, and where it lies, both in percent."""

    number: int
    x: float
    y: float


@dataclass(frozen=True)
class Fan:
    """A fan: bands from the widest to the narrowest and the median as points, ticks in percent, and events."""

    bands: tuple[str, ...]
    median: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    zero: float | None
    events: tuple[Event, ...]


def fan(
    quantiles: Sequence[Sequence[float]],
    *,
    days: Sequence[Tick],
    events: Sequence[tuple[int, int]],
    levels: Sequence[Tick],
) -> Fan:
    """Lay out quantiles day by day: shape (days, odd number of quantiles, ascending).

    ``days`` are the ticks across, at day indexes; ``levels`` those upwards, at amounts; ``events`` are pairs of a day
    index and a number.
    """
    low = min(min(row) for row in quantiles)
    high = max(max(row) for row in quantiles)
    span = (high - low) or 1.0
    low, high = low - 0.06 * span, high + 0.06 * span
    last = max(len(quantiles) - 1, 1)

    def up(level: float) -> float:
        return round(100 * (high - level) / (high - low), 2)

    def curve(index: int) -> list[str]:
        return [f"{PLOT * day / last:.1f},{10 * up(row[index]):.1f}" for day, row in enumerate(quantiles)]

    width = len(quantiles[0])
    middle = width // 2
    return Fan(
        bands=tuple(" ".join([*curve(index), *reversed(curve(width - 1 - index))]) for index in range(middle)),
        median=" ".join(curve(middle)),
        across=tuple(Tick(at=round(100 * tick.at / last, 2), words=tick.words) for tick in days),
        up=tuple(Tick(at=up(tick.at), words=tick.words) for tick in levels if low < tick.at < high),
        zero=up(0.0) if low < 0.0 < high else None,
        events=tuple(
            Event(number=number, x=round(100 * index / last, 2), y=up(quantiles[index][middle]))
            for index, number in events
        ),
    )


def round_levels(low: float, high: float, *, count: int) -> list[int]:
    """Give round numbers within bounds, about so many.

    Examples
    --------
    >>> round_levels(-30_00, 205_00, count=4)
    [0, 5000, 10000, 15000, 20000]
    """
    step = 1
    while (high - low) / step > count + 1:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    first = -int(-low // step)
    return [level * step for level in range(first, int(high // step) + 1)]

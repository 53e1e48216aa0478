"""Charts as geometry: templates draw them as SVG, with a table of the same numbers beside each.

Horizontal positions are percentages of the width and vertical ones pixels, so that a chart fills a phone or a desk
while its text keeps its size. Curves are drawn in a square of 1000 units that is stretched to fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

LINE = 18  # pixels from one line of text to the next
BAR = 12
GAP = 16
LETTERS = 36  # of a label in one line, beside its value, at 320 pixels
PLOT = 1000


@dataclass(frozen=True)
class Row:
    """One labelled row: lines of text from ``y`` on, the mark below them at ``mark``; x and width in percent."""

    lines: tuple[str, ...]
    value: str
    y: int
    mark: int
    x: float
    width: float
    tone: str
    dot: float = 0.0
    draw: float = 0.0


@dataclass(frozen=True)
class Rows:
    """A chart of rows: its height in pixels and where zero lies, in percent."""

    height: int
    zero: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Bar:
    """One bar to be drawn: what it is, how much, in words, and in which tone."""

    label: str
    amount: float
    value: str
    tone: str


@dataclass(frozen=True)
class Whisker:
    """One uncertain number to be drawn: mean and spread, the draw that was made from it, in words, and a tone."""

    label: str
    mean: float
    spread: float
    draw: float
    value: str
    tone: str


def bars(items: Sequence[Bar]) -> Rows:
    """Lay out horizontal bars that grow from zero to either side."""
    to_x = _scale([0.0, *(item.amount for item in items)], margin=0)
    rows: list[Row] = []
    y = 0
    for item in items:
        lines = tuple(wrap(item.label, LETTERS)) or ("",)
        begin, end = sorted((to_x(0.0), to_x(item.amount)))
        mark = y + LINE * len(lines) + 6
        rows.append(Row(lines, item.value, y + LINE - 4, mark, begin, max(end - begin, 0.4), item.tone))
        y = mark + BAR + GAP
    return Rows(height=y, zero=to_x(0.0), rows=tuple(rows))


def whiskers(items: Sequence[Whisker]) -> Rows:
    """Lay out dots with whiskers of one spread to either side, and the draw beside."""
    bounds = [0.0]
    for item in items:
        bounds += [item.mean - item.spread, item.mean + item.spread, item.draw]
    to_x = _scale(bounds, margin=2)
    rows: list[Row] = []
    y = 0
    for item in items:
        lines = tuple(wrap(item.label, LETTERS)) or ("",)
        begin, end = to_x(item.mean - item.spread), to_x(item.mean + item.spread)
        mark = y + LINE * len(lines) + 12
        rows.append(
            Row(
                lines, item.value, y + LINE - 4, mark, begin, end - begin, item.tone,
                dot=to_x(item.mean), draw=to_x(item.draw),
            )
        )  # fmt: skip
        y = mark + BAR + GAP - 6
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


def _scale(values: Sequence[float], *, margin: float) -> Callable[[float], float]:
    low, span = min(values), (max(values) - min(values)) or 1.0
    return lambda value: round(margin + (100 - 2 * margin) * (value - low) / span, 2)

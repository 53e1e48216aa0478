"""Charts as geometry: templates draw them as SVG, with a table of the same numbers beside each.

Horizontal positions are percentages of the width and vertical ones pixels, so that a chart fills a phone or a desk
while its text keeps its size. Curves are drawn in a square of 1000 units that is stretched to fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import wrap

LINE = 18  # pixels from one line of text to the next
BAR = 12
GAP = 16
LETTERS_BESIDE = 22  # where the value may be several words
COLUMN = 44  # pixels of the highest column
COLUMN_SHARE = 0.8  # of the room that a period has
LETTERS = 36  # of a label in one line, beside its value, at 320 pixels
LETTER = 6.6  # pixels of one letter on a chart, on average and a little more
NARROWEST = 256  # pixels of a chart on a phone of 320
LEVELS = 4  # lines of the grid, about


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


def bars(marks: Sequence[Mark], *, letters: int = LETTERS) -> Rows:
    """Lay out horizontal bars that grow from zero to either side, with so many letters of a label in one line."""
    spans = [(min(0.0, mark.amount), max(0.0, mark.amount)) for mark in marks]
    return _rows(marks, spans, margin=0, letters=letters)


def whiskers(marks: Sequence[Mark]) -> Rows:
    """Lay out dots with whiskers of one spread to either side, and the draw beside."""
    return _rows(marks, [(mark.amount - mark.spread, mark.amount + mark.spread) for mark in marks], margin=2)


def intervals(marks: Sequence[tuple[Mark, float, float]]) -> Rows:
    """Lay out dots with the two ends of their intervals, which need not lie alike to either side."""
    drawn = [replace(mark, draw=mark.amount) for mark, _, _ in marks]
    return _rows(drawn, [(low, high) for _, low, high in marks], margin=2)


def _rows(
    marks: Sequence[Mark], spans: Sequence[tuple[float, float]], *, margin: float, letters: int = LETTERS
) -> Rows:
    bounds = [0.0, *(end for span in spans for end in span), *(mark.draw for mark in marks)]
    low, reach = min(bounds), (max(bounds) - min(bounds)) or 1.0

    def to_x(amount: float) -> float:
        return round(margin + (100 - 2 * margin) * (amount - low) / reach, 2)

    rows: list[Row] = []
    y = 0
    for mark, (begin, end) in zip(marks, spans, strict=True):
        lines = wrap(mark.label, letters)
        at = y + LINE * len(lines) + 6
        width = max(round(to_x(end) - to_x(begin), 2), 0.4)
        rows.append(Row(mark, lines, y + LINE - 4, at, to_x(begin), width, to_x(mark.amount), to_x(mark.draw)))
        y = at + BAR + GAP
    return Rows(height=y, zero=to_x(0.0), rows=tuple(rows))


@dataclass(frozen=True)
class Series:
    """Numbers period by period: what they are, in words how much, and for each period its parts, one for each tone."""

    label: str
    value: str
    tones: tuple[str, ...]
    parts: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Part:
    """One part of a column laid out: in percent from the left, in pixels from the top."""

    x: float
    width: float
    y: float
    height: float
    tone: str


@dataclass(frozen=True)
class ColumnRow:
    """One series laid out: lines of text from ``y`` on, its columns above the line at ``base``."""

    series: Series
    lines: list[str]
    y: int
    base: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Columns:
    """Series above each other, each with a scale of its own; height in pixels."""

    height: int
    rows: tuple[ColumnRow, ...]


def columns(several: Sequence[Series], *, top: float | None = None) -> Columns:
    """Lay out columns, period by period from left to right; ``top`` is the full height, else each one's largest."""
    rows: list[ColumnRow] = []
    y = 0
    for series in several:
        lines = wrap(series.label, LETTERS_BESIDE)
        base = y + LINE * len(lines) + COLUMN
        full = top or max((sum(parts) for parts in series.parts), default=0.0) or 1.0
        rows.append(ColumnRow(series, lines, y + LINE - 4, base, tuple(_stacked(series, base=base, full=full))))
        y = base + GAP
    return Columns(height=y + LINE, rows=tuple(rows))


def _stacked(series: Series, *, base: int, full: float) -> Iterator[Part]:
    step = 100 / max(len(series.parts), 1)
    for place, parts in enumerate(series.parts):
        foot = float(base)
        for tone, amount in zip(series.tones, parts, strict=True):
            height = max(round(COLUMN * amount / full, 2), 1.0) if amount else 0.0  # one event is seen as well
            foot -= height
            if height:
                yield Part(round(place * step, 2), round(step * COLUMN_SHARE, 2), round(foot, 2), height, tone)


@dataclass(frozen=True)
class Fan:
    """Quantiles day by day, as bands around a median. Shapes: (days, odd number of quantiles, ascending)."""

    quantiles: Sequence[Sequence[float]]

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest amount that is drawn, a little beyond the quantiles."""
        low, high = min(row[0] for row in self.quantiles), max(row[-1] for row in self.quantiles)
        margin = 0.06 * ((high - low) or 1.0)
        return low - margin, high + margin

    @property
    def levels(self) -> list[int]:
        """The amounts of the grid's lines."""
        return round_levels(*self.bounds, count=LEVELS)

    @property
    def bands(self) -> list[str]:
        """The bands from the widest to the narrowest, as points."""
        width = len(self.quantiles[0])
        return [" ".join([*self._curve(at), *reversed(self._curve(width - 1 - at))]) for at in range(width // 2)]

    @property
    def median(self) -> str:
        """The middle, as points."""
        return " ".join(self._curve(len(self.quantiles[0]) // 2))

    def x(self, day: int) -> float:
        """Give how far to the right a day lies, in percent."""
        return round(100 * day / max(len(self.quantiles) - 1, 1), 2)

    def y(self, amount: float) -> float:
        """Give how far below the top an amount lies, in percent."""
        low, high = self.bounds
        return round(100 * (high - amount) / (high - low), 2)

    def _curve(self, at: int) -> list[str]:
        return [f"{10 * self.x(day):.1f},{10 * self.y(row[at]):.1f}" for day, row in enumerate(self.quantiles)]


@dataclass(frozen=True)
class Sign:
    """Words on a chart about one day: where they hang, from which lane down, and whether they end or begin there."""

    text: str
    x: float
    y: float
    lane: int
    ends: bool


@dataclass(frozen=True)
class Signs:
    """Signs that never lie over each other, at any width from the narrowest phone on; how many lanes they take."""

    lanes: int
    signs: tuple[Sign, ...]


@dataclass(frozen=True)
class Window:
    """Days that are shaded, in percent, with words: where they hang, and by which end of theirs."""

    x: float
    width: float
    text: str
    at: float
    anchor: str


def signs(fan: Fan, texts: Sequence[tuple[int, str]]) -> Signs:
    """Hang words over days of a fan, in the order of their days, each in the first lane where there is room."""
    lanes: list[list[tuple[float, float]]] = []
    hung: list[Sign] = []
    for day, text in sorted(texts):
        row, x = fan.quantiles[day], fan.x(day)
        ends = x > 50  # noqa: PLR2004 - in the right half words end at their day, so that they stay inside
        begin, end = (x - _breadth(text), x) if ends else (x, x + _breadth(text))
        free = (at for at, taken in enumerate(lanes) if all(end < left or begin > right for left, right in taken))
        lane = next(free, len(lanes))
        lanes[lane:] = lanes[lane:] or [[]]
        lanes[lane].append((begin, end))
        hung.append(Sign(text=text, x=x, y=fan.y(row[len(row) // 2]), lane=lane, ends=ends))
    return Signs(lanes=len(lanes), signs=tuple(hung))


def window(fan: Fan, first: int, last: int, *, text: str) -> Window:
    """Shade some days of a fan; the words hang where they fit on the narrowest phone."""
    begin, end, breadth = fan.x(first), fan.x(last), _breadth(text)
    width = max(end - begin, 0.8)
    if begin + breadth <= 100:  # noqa: PLR2004
        return Window(begin, width, text, begin, "start")
    if end >= breadth:
        return Window(begin, width, text, min(end, 100.0), "end")
    return Window(begin, width, text, 50.0, "middle")


def _breadth(text: str) -> float:
    """Give how broad words are on the narrowest phone, in percent."""
    return 100 * (len(text) * LETTER + 4) / NARROWEST


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

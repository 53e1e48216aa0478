"""What was learned from the past of all people: paths that balances took around their centre, and chances of events.

A path is an error of the centre (see ``panel.py``) at some days ahead, *knots*, in units of turnover. The paths of the
past situations most like a present one are its equally likely futures: scheduled payments and the account's own month
are in the centre, the rest is drawn as whole stretches of ninety days from people in a like situation, balance and
all. So spending reacts to the balance as it did, and an account with a short history borrows from others.

Two corrections are learned from accounts that the forest did not see (cross-conformal): how far the bands must be
stretched so that a tenth of the truths lie beyond each end, by third of the horizon and length of history; and what
share of cases with a given raw chance came true.

Source
------
Barber, Candes, Ramdas and Tibshirani (2021), "Predictive inference with the jackknife+" (cross-conformal residuals).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from marketofone.domain.decoding import msgpack_decoder
from marketofone.models.forecast.block_bootstrap import LEAST_DAYS, PATHS, block_bootstrap
from marketofone.models.forecast.boost import asked, knot_inputs, pulled
from marketofone.models.forecast.calibrate import NO_STRETCH, THIRDS, Odds, Stretch, stretched
from marketofone.models.forecast.features import features
from marketofone.models.forecast.forest import Forest
from marketofone.models.forecast.labels import AHEAD_DAYS, BUFFER, CHANGE, EVENTS, WITHIN_DAYS
from marketofone.models.forecast.panel import (
    MONTHS_OF_YEAR,
    Floats,
    Panel,
    centre,
    leading,
    months_ahead,
    shares_of_months,
    timing,
)

KNOTS = np.array([1, 2, 3, 5, 7, 10, 13, 16, 20, 25, 30, 37, 45, 53, 60, 70, 80, 90])
SHOCK = np.array([1.8, 1.2])
"""How much further down and up bands reach from the first day of a calendar month that was never learned from: a new
season costs money more often than it brings some. A judgement, not an estimate: it was set knowing one January."""
SHORTFALLS = 3
"""How many of the events are about a balance below a line; the others have a forest of their own."""
DRAWN = 2
"""The first so many of them are about lines that stand beside the bands: zero, or the limit, and little above it."""
TENTHS = 10
APART = 2.0
"""How many times larger or smaller than on the worst day of the bands a chance may be. A judgement: on the Czech bank's
customers chances beyond it came true less often than they said."""
_GRAVER = (
    (EVENTS.index("below_zero"), EVENTS.index("below_buffer")),
    (EVENTS.index("income_drop"), EVENTS.index("income_change")),
)
_FLOOR_DAYS, _EXPENSE_DAYS = 60, 90
CERTAIN = 0.97
"""How likely it is that what an order says comes true: some are taken back, and some payments are returned."""
_STEADY = 0.01  # of 473 accounts of the Czech bank whose regular income went on, none had it drop within 90 days
_DAYS = np.arange(1, AHEAD_DAYS + 1)


class Habit(Struct, frozen=True):
    """Extra pay that is the custom: how the income reads, and by which factor more is paid in which months."""

    operation: str | None
    category: str | None
    factors: dict[int, float]


class Ahead(NamedTuple):
    """What may come, for accounts side by side.

    Shapes
    ------
    quantiles : int64[n, 90, 9]
        End-of-day balances at 0.1 to 0.9, minor units.
    chances : float64[n, 6, 3]
        By event and horizon; NaN where the model abstains.
    there : bool[n, 3]
    first, last : int64[n, 3, 3]
        The days ahead between which it happens in the middle 80 % of the paths where a balance falls below a line, by
        line and horizon; 0 where it falls on none.
    """

    quantiles: NDArray[np.int64]
    chances: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    there: NDArray[np.bool_]
    """Whether the balance is below a line already."""


class Model(Struct, frozen=True, kw_only=True):
    """What was learned, or the prior formula where nothing was.

    ``known_until`` is the last day it learned from, ``months`` are the calendar months it saw (1 to 12).
    """

    windows: int = 0
    known_until: int = 0
    months: tuple[int, ...] = ()
    extra: tuple[Habit, ...] = ()
    paths: Forest | None = None
    errors: bytes = b""
    boosted: tuple[str, ...] = ()
    events: Forest | None = None
    came: bytes = b""
    stretch: Stretch = NO_STRETCH
    odds: Odds | None = None

    @property
    def calendar(self) -> bool:
        """Whether every month of the year was seen."""
        return len(self.months) == MONTHS_OF_YEAR

    @property
    def customs(self) -> dict[tuple[str | None, str | None], dict[int, float]]:
        """The extra pay that is the custom, by how the income reads."""
        return {(habit.operation, habit.category): habit.factors for habit in self.extra}

    def ahead(self, panel: Panel) -> Ahead:
        """Look ahead on accounts side by side.

        Quantiles, dates and raw chances of a shortfall are counted on the same paths; the chances are corrected then.
        """
        inputs = features(panel, calendar=self.calendar)
        middle, errors = self._paths(panel, inputs)
        raw, first, last = _shortfalls(panel, middle, errors)
        led = np.flatnonzero(panel.shift.any(axis=1))
        plain = raw.copy()
        if led.size:
            plain[led], _, _ = _shortfalls(panel.some(led), (middle - leading(panel))[led], errors[led])
        chances = self._honest(np.concatenate((plain, self._others(inputs)), axis=1), months=months_ahead(panel.as_of))
        chances[led, :SHORTFALLS] = _moved(chances[led, :SHORTFALLS], plain[led], raw[led])
        there = lines(panel) > panel.opening[:, None]
        quantiles = _quantiles(panel, middle, errors)
        chances = _as_shown(_in_order(chances), quantiles, lines(panel))
        chances[:, :SHORTFALLS][there] = 1.0
        chances = _ordered(_told(_steady(chances, panel), panel), panel)
        return Ahead(quantiles, chances, first, last, there)

    def beyond(self, panel: Panel, balances: Floats, *, third: int) -> Floats:
        """Give the shares of what came that lay below and above the bands, in one third of the horizon.

        Shapes
        ------
        balances : float64[n, 90]
            What came; NaN where it was not observed.
        result : float64[2]
            NaN where nothing was observed.
        """
        days = slice(THIRDS[third] - THIRDS[0], THIRDS[third])
        came, tenths = balances[:, days], self.ahead(panel).quantiles[:, days]
        told = ~np.isnan(came)
        sides = (came < tenths[..., 0], came > tenths[..., -1])
        return np.array([np.mean(side[told]) if told.any() else np.nan for side in sides])

    def raw(self, panel: Panel, inputs: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Give the error paths and the chances before any correction.

        Shapes
        ------
        errors : float64[n, paths, knots]
        chances : float64[n, 6, 3]
        """
        middle, errors = self._paths(panel, inputs)
        raw, _, _ = _shortfalls(panel, middle, errors)
        return errors, np.concatenate((raw, self._others(inputs)), axis=1)

    def _paths(self, panel: Panel, inputs: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Give the middle of the paths, and their errors at the knots."""
        if self.paths is None:
            return _untaught(panel)
        known = np.frombuffer(self.errors, np.float32).reshape(-1, len(KNOTS))
        drawn = known[self.paths.alike(inputs)].astype(np.float64)
        if self.boosted:
            some = knot_inputs(inputs, panel, knots=asked(KNOTS), calendar=self.calendar)
            drawn = pulled(drawn, self.boosted, some, knots=KNOTS)
        wider = self.stretch.factors_of(length=panel.length, knots=KNOTS)
        return centre(panel) + leading(panel), stretched(drawn, wider if self.calendar else wider * self._shock(panel))

    def _shock(self, panel: Panel) -> Floats:
        """Give by how much more bands are stretched from the first day ahead in a month that was never seen."""
        unseen = ~np.isin(months_ahead(panel.as_of), self.months)
        return np.asarray(np.where(np.logical_or.accumulate(unseen, axis=1)[:, KNOTS - 1, None], SHOCK, 1.0))

    def _others(self, inputs: NDArray[np.float32]) -> Floats:
        shape = (len(inputs), len(EVENTS) - SHORTFALLS, len(WITHIN_DAYS))
        if self.events is None:
            return np.full(shape, np.nan)
        came = np.frombuffer(self.came, np.uint8).reshape(-1, shape[1] * shape[2])
        return np.asarray(came[self.events.alike(inputs)].mean(axis=1).reshape(shape))

    def _honest(self, chances: Floats, *, months: NDArray[np.int64]) -> Floats:
        """Correct the chances."""
        honest = self.odds.applied(chances, months=shares_of_months(months)) if self.odds else chances
        return _in_order(honest)

    def to_bytes(self) -> bytes:
        """Give the model as bytes; the same model always gives the same bytes."""
        return msgspec.msgpack.encode(self)

    @staticmethod
    def from_bytes(blob: bytes) -> Model:
        """Read a model back.

        Examples
        --------
        >>> Model.from_bytes(Model().to_bytes()) == Model()
        True
        """
        return msgpack_decoder(Model).decode(blob)


def _in_order(chances: Floats) -> Floats:
    """Let chances grow with the horizon, and a graver event be no likelier than a milder one."""
    ordered = np.maximum.accumulate(chances, axis=2)
    for graver, milder in _GRAVER:
        ordered[:, graver] = np.minimum(ordered[:, graver], ordered[:, milder])
    return ordered


def _moved(chances: Floats, plain: Floats, raw: Floats) -> Floats:
    """Move corrected chances as far as orders moved the raw ones: the correction was learned without orders.

    All arguments have one shape: corrected chances without orders, raw ones without them, and raw ones with them.
    """
    up = (raw - plain) / np.maximum(1.0 - plain, 1e-9)
    down = raw / np.maximum(plain, 1e-9)
    return np.where(raw >= plain, chances + (1.0 - chances) * up, chances * down)


def lines(panel: Panel) -> Floats:
    """Give the lines below which a balance falls short: zero, a tenth of a month's turnover, the own floor.

    The first two lie as much lower as the account may be overdrawn.

    Shapes
    ------
    result : float64[n, 3]
    """
    zero = 0.0 - panel.limit
    return np.column_stack((zero, zero + panel.unit // BUFFER, np.where(np.isnan(panel.floor), -np.inf, panel.floor)))


def _as_shown(chances: Floats, quantiles: NDArray[np.int64], lines: Floats) -> Floats:
    """Let chances of running short say what the bands show that are drawn of the same paths.

    Where ``k`` tenths lie below a line on the worst day, between ``k`` and ``k + 1`` tenths of the paths do. Others
    fall below it on other days, so a chance may be up to twice as large as the bands allow on one day; and corrected
    it may be half as large as they show. Beyond that the two would tell two stories.
    """
    for line in range(DRAWN):
        below = (quantiles < lines[:, line, None, None]).sum(axis=2)
        worst = np.maximum.accumulate(below, axis=1)[:, np.array(WITHIN_DAYS) - 1]
        least, most = worst / TENTHS / APART, (worst + 1) / TENTHS * APART
        chances[:, line] = np.clip(chances[:, line], least, np.minimum(most, 1.0))
    return chances


def _steady(chances: Floats, panel: Panel) -> Floats:
    """Foresee no drop of an income that goes on.

    A block of thirty days may hold none of two monthly salaries, and the next one both: that is the calendar's doing.
    """
    goes_on = panel.regular >= (1 - CHANGE) * panel.income
    drop = EVENTS.index("income_drop")
    chances[goes_on, drop] = np.minimum(chances[goes_on, drop], _STEADY)
    return chances


def _told(chances: Floats, panel: Panel) -> Floats:
    """Abstain where too little is known: two months for an own floor, three for incomes and for large expenses."""
    of = {event: chances[:, number] for number, event in enumerate(EVENTS)}
    of["below_own_floor"][panel.length < _FLOOR_DAYS] = np.nan
    of["large_expense"][panel.length < _EXPENSE_DAYS] = np.nan
    for event in ("income_change", "income_drop"):
        of[event][~(panel.income > 0)] = np.nan
    return chances


def _ordered(chances: Floats, panel: Panel) -> Floats:
    """Let what orders say be next to certain: a large payment, an income that ends, begins or changes."""
    large = EVENTS.index("large_expense")
    due = panel.told_expense[:, None] <= WITHIN_DAYS
    chances[:, large] = np.where(due, np.fmax(chances[:, large], CERTAIN), chances[:, large])
    limit = CHANGE * panel.income[:, None]
    told = panel.told_income
    for event, beyond in (("income_change", np.abs(told) > limit), ("income_drop", told < -limit)):
        of = chances[:, EVENTS.index(event)]
        of[:] = np.where(np.logical_or.accumulate(beyond, axis=1), np.maximum(of, CERTAIN), of)
    return chances


def at_knots(paths: Floats) -> Floats:
    """Give whole paths at the knots."""
    return paths[..., KNOTS - 1]


def _between() -> Floats:
    """Give what each knot weighs on each day: straight lines between the knots, from 0 on the day itself."""
    return np.stack([np.interp(_DAYS, np.append(0, KNOTS), np.append(0.0, row)) for row in np.eye(len(KNOTS))])


_BETWEEN = _between()


def _untaught(panel: Panel) -> tuple[Floats, Floats]:
    """Give the middle and the errors where nothing was learned.

    What is known for long enough repeats its own past; the rest is a random walk with the spread of the account's own
    daily changes, around known payments, and a path keeps its rank.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - only where nothing was learned

    steps = np.square(np.diff(panel.closing, axis=1))
    spread = np.sqrt(np.nansum(steps, axis=1) / np.maximum((~np.isnan(steps)).sum(axis=1), 1)) / panel.unit
    ranks = ndtri((np.arange(PATHS) + 0.5) / PATHS)
    middle, errors = timing(panel), spread[:, None, None] * ranks[:, None] * np.sqrt(KNOTS)
    long = panel.length >= LEAST_DAYS
    if long.any():
        known = panel.some(long)
        middle[long], errors[long] = centre(known), block_bootstrap(known, knots=KNOTS)
    return middle + leading(panel), errors


def _quantiles(panel: Panel, middle: Floats, errors: Floats) -> NDArray[np.int64]:
    count = errors.shape[1]
    at = np.arange(1, 10) * count // 10
    ranked = np.partition(errors, np.unique(np.concatenate((at - 1, at))), axis=1)
    # Between two neighbours: a quantile below a line has at least its share of paths below that line.
    tenths = (ranked[:, at - 1] + ranked[:, at]) / 2 @ _BETWEEN
    moved = (middle[:, None] + tenths) * panel.unit[:, None, None]
    return np.floor(panel.opening[:, None, None] + moved).astype(np.int64).swapaxes(1, 2)


def _shortfalls(panel: Panel, middle: Floats, errors: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Count on the paths how often and when a balance falls below each line within each horizon."""
    below = (lines(panel) - panel.opening[:, None]) / panel.unit[:, None]
    moved = errors.astype(np.float32) @ _BETWEEN.astype(np.float32) + middle[:, None].astype(np.float32)
    lowest = np.minimum.accumulate(moved, axis=2)
    shape = (len(errors), SHORTFALLS, len(WITHIN_DAYS))
    chances, first, last = np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for line in range(SHORTFALLS):
        # The running minimum falls below the line on as many days as are left after the first fall.
        day = AHEAD_DAYS - np.count_nonzero(lowest < below[:, line, None, None], axis=2)
        ranked = np.sort(day, axis=1) + 1
        for at, within in enumerate(WITHIN_DAYS):
            hits = (ranked <= within).sum(axis=1)
            chances[:, line, at] = hits / ranked.shape[1]
            rows, some = np.arange(len(ranked)), hits > 0
            first[:, line, at] = np.where(some, ranked[rows, hits // 10], 0)
            last[:, line, at] = np.where(some, ranked[rows, np.maximum(hits * 9 - 1, 0) // 10], 0)
    return chances, first, last

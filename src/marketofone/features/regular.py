"""Regular money: what comes by a rhythm, counted once a month wherever the days of the calendar fall.

A salary of the last working day falls twice into some windows of 30 days, and not at all into others. So regular money
is counted by *periods* and not by days. Everything is integers, worked out from the sums of days whenever a vector is
read: nothing of it is kept.

1. A payday is a day with its sum. Less than a tenth of the third largest is no part of a rhythm, such as interest.
2. A rhythm of weeks: nearly all paydays keep one day of the week, and mostly stand 7, 14 or 28 days apart. Else a
   rhythm of months: days of the month on which money comes are one *slot* until nine days without any follow. Days of
   the second half of a month are counted from its end. Where no nine days are free, no rhythm is known.
3. The period of a slot ends ``GRACE`` days after its last payday. What came in the period before stands for it until it
   came, or until the period has ended: then it did not come.
4. A *cycle* is one month, or four weeks: one period of each slot, or several of weeks.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from marketofone.domain.moment import Day, date_of
from marketofone.domain.remembered import remembered

REACH = 270
"""How many days back, today included, a rhythm is looked for."""
MONTH, QUARTER = 30, 90
"""The windows, in days, that stand for a month and for a quarter where no rhythm is known."""
GRACE = 5
"""For how many days money may be late, by which it did not fail to come."""

Payday = tuple[int, int]
"""A day, and what came on it."""

_TOGETHER = 256  # people who are asked about side by side: on one day the answer stays the same
_SMALL = 10  # a part of the third largest that is no part of a rhythm
_TYPICAL = 3
_FREE = 9
_PLACES = 31
_HALF = 15
_USUAL = 5  # cycles that say what was usual
_FEWEST_BEFORE = 2
_FOUR_WEEKS = 28
_WEEKS = {gap + early: gap for gap in (7, 14, 28) for early in (-1, 0, 1)}
_FEWEST = 4  # paydays that show a rhythm of weeks
_OFTEN = 5  # one of so many may miss its day of the week


class Cycle(NamedTuple):
    """What came in a cycle, and on how many days."""

    total: int
    paydays: int


_NOTHING = Cycle(0, 0)


class _Beat(NamedTuple):
    """When periods end: so many ``days`` apart from the day ``cut`` on, or each month after the place ``cut``."""

    days: int
    cut: int

    def period(self, day: int) -> int:
        if self.days:
            return (day - self.cut) // self.days
        month, place = _place(day)
        return month + (place > self.cut)


class _Slot(NamedTuple):
    """Paydays that belong together, by their periods; the newest period that counts, and how many make a cycle."""

    paydays: Sequence[Payday]
    periods: Mapping[int, Cycle]
    newest: int
    together: int

    @property
    def comes_back(self) -> bool:
        return len(self.periods) > 1

    @property
    def cycles(self) -> int:
        return (self.newest - min(self.periods) + 1) // self.together

    def cycle(self, back: int) -> Cycle:
        end = self.newest - back * self.together
        return _added([self.periods[at] for at in range(end - self.together + 1, end + 1) if at in self.periods])


def regular_total(paydays: Sequence[Payday], *, today: int) -> int:
    """Add up what came in a month: what is regular once, and everything else of the last 30 days.

    Parameters
    ----------
    paydays
        Days, ascending and none after ``today``, each with what came on it.

    Examples
    --------
    >>> days = [20511, 20543, 20573, 20602]  # the last working days of February to May 2026
    >>> {regular_total([(day, 3_000) for day in days if day <= today], today=today) for today in range(20543, 20630)}
    {3000}
    """
    return _total(tuple(paydays), today=today)


@remembered(room=_TOGETHER)
def _total(paydays: tuple[Payday, ...], *, today: int) -> int:
    slots, others = _slots(paydays, today=today)
    total = sum([slot.cycle(0).total for slot in slots if slot.comes_back])
    for once in (others, *(slot.paydays for slot in slots if not slot.comes_back)):
        total += _between(once, today - MONTH, today)
    return total


def regular_trend(paydays: Sequence[Payday], *, today: int, days_known: int) -> float | None:
    """Compare what comes in a cycle with the middle of the five before, or of two at least: 0.1 is a tenth more.

    None where that is unknown.

    Where no rhythm is known, 90 days are compared with the 90 before, once so many ``days_known``.

    Examples
    --------
    >>> raised = [(20511, 3_000), (20543, 3_000), (20573, 3_000), (20602, 3_300)]
    >>> [round(regular_trend(raised, today=today, days_known=120), 2) for today in (20602, 20630, 20640)]
    [0.1, 0.1, -1.0]
    """
    return _trend(tuple(paydays), today=today, days_known=days_known)


@remembered(room=_TOGETHER)
def _trend(paydays: tuple[Payday, ...], *, today: int, days_known: int) -> float | None:
    slots, _ = _slots(paydays, today=today)
    if not any(slot.comes_back for slot in slots):
        before = _between(paydays, today - 2 * QUARTER, today - QUARTER) if days_known >= 2 * QUARTER else 0
        return _between(paydays, today - QUARTER, today) / before - 1 if before > 0 else None
    known = max([slot.cycles for slot in slots])
    cycles = [_added([slot.cycle(back) for slot in slots]) for back in range(min(known, 2 + _USUAL))]
    if len(cycles) == known > 1 and cycles[-1].paydays < cycles[-2].paydays:
        cycles.pop()  # it had begun before the first day that is known
    now, *before_now = [cycle.total for cycle in cycles[: 1 + _USUAL]]
    usual = median_low(before_now) if len(before_now) >= _FEWEST_BEFORE else 0
    return now / usual - 1 if usual > 0 else None


@remembered(room=_TOGETHER)
def _slots(paydays: tuple[Payday, ...], *, today: int) -> tuple[Sequence[_Slot], Sequence[Payday]]:
    """Part paydays by rhythm into slots; what has no part in one is given beside them."""
    largest = sorted([amount for _, amount in paydays])[-_TYPICAL:]
    if not largest or largest[0] <= 0:
        return [], list(paydays)
    small = [payday for payday in paydays if _SMALL * payday[1] < largest[0]]
    regular = [payday for payday in paydays if _SMALL * payday[1] >= largest[0]]
    weeks = _of_weeks([day for day, _ in regular])
    if weeks is not None:
        return [_gathered(regular, weeks, today=today)], small
    stretches = _stretches(frozenset(_place(day)[1] for day, _ in regular))
    if not stretches:
        return [], list(paydays)
    slots = []
    for first, last in stretches:
        length = (last - first) % _PLACES
        own = [payday for payday in regular if (_place(payday[0])[1] - first) % _PLACES <= length]
        slots.append(_gathered(own, _Beat(0, (last + GRACE - 1) % _PLACES + 1), today=today))
    return slots, small


def _of_weeks(days: Sequence[int]) -> _Beat | None:
    """Give the rhythm of weeks that days keep: periods end between two paydays, a few days behind the usual one."""
    if len(days) < _FEWEST:
        return None
    gaps = [after - before for before, after in pairwise(days)]
    weeks = _WEEKS.get(median_low(gaps))
    if weeks is None or not _mostly(sum([_WEEKS.get(gap) == weeks for gap in gaps]), of=len(gaps)):
        return None
    phases = Counter([day % weeks for day in days])

    def kept(phase: int) -> tuple[int, int, int]:
        near = sum([phases[(phase + early) % weeks] for early in (-1, 0, 1)])
        return near, phases[phase], -phase

    usual = max(phases, key=kept)
    if not _mostly(kept(usual)[0], of=len(days)):
        return None
    return _Beat(weeks, usual + min(GRACE, (weeks - 1) // 2) + 1 - weeks)


def _mostly(some: int, *, of: int) -> bool:
    return _OFTEN * (of - some) <= of


def _stretches(places: frozenset[int]) -> list[tuple[int, int]]:
    """Give the stretches of the month, from place to place, on which money comes; none where too few days are free."""
    order = sorted(places)
    following = [*order[1:], order[0] + _PLACES]
    lasts = [at for at, (place, after) in enumerate(zip(order, following, strict=True)) if after - place > _FREE]
    return [(order[(lasts[turn - 1] + 1) % len(order)], order[last]) for turn, last in enumerate(lasts)]


def _gathered(paydays: Sequence[Payday], beat: _Beat, *, today: int) -> _Slot:
    periods: dict[int, Cycle] = {}
    for day, amount in paydays:
        at = beat.period(day)
        periods[at] = _added([periods.get(at, _NOTHING), Cycle(amount, 1)])
    running = beat.period(today)
    usual = median_low([of.paydays for at, of in periods.items() if at < running] or [1])
    arrived = periods.get(running, _NOTHING).paydays >= usual
    together = _FOUR_WEEKS // beat.days if beat.days else 1
    return _Slot(paydays, periods, running if arrived else running - 1, together)


def _added(cycles: Sequence[Cycle]) -> Cycle:
    return Cycle(sum([cycle.total for cycle in cycles]), sum([cycle.paydays for cycle in cycles]))


def _between(paydays: Sequence[Payday], after: int, upto: int) -> int:
    return sum([amount for day, amount in paydays if after < day <= upto])


@lru_cache(maxsize=30_000)
def _place(day: int) -> tuple[int, int]:
    """Give the month, counted since year 0, and the place of a day in it: the last day of a month is always 31."""
    on = date_of(Day(day))
    length = calendar.monthrange(on.year, on.month)[1]
    return 12 * on.year + on.month, on.day if on.day <= _HALF else _PLACES - length + on.day

"""Payments that come back: found in the past, projected into the future.

Movements of one account belong together when direction, operation, category and counterparty agree; where no
counterparty is named, or its payments keep no rhythm, amounts within 2 % do. A group is a stream when its gaps keep a
weekly, biweekly, monthly, two-monthly or quarterly rhythm with a hit rate of at least 60 %.
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count, pairwise, takewhile
from statistics import median_low
from typing import Literal, NamedTuple

from msgspec import Struct

from marketofone.domain.moment import Day, date_of, day_number
from marketofone.models.forecast.history import Movement

BUCKET = 1.02
HIT_RATE = 0.6
BONUS = 1.2
_RECENT = 6
_LATE_DAYS = 5
_END_OF_MONTH = 31
_TWICE = 2

Rhythm = Literal["weekly", "biweekly", "monthly", "two_monthly", "quarterly"]
Status = Literal["early", "mature", "ended"]


class _Beat(NamedTuple):
    shortest: int
    longest: int
    days: float
    months: int


_BEATS: dict[Rhythm, _Beat] = {
    "weekly": _Beat(6, 8, 7.0, 0),
    "biweekly": _Beat(12, 16, 14.0, 0),
    "monthly": _Beat(25, 36, 30.44, 1),
    "two_monthly": _Beat(55, 67, 60.88, 2),
    "quarterly": _Beat(83, 99, 91.31, 3),
}


class Stream(Struct, frozen=True, kw_only=True):
    """A payment that comes back.

    ``amount_minor`` is the usual amount, ``bonus`` the amount in calendar months where it differs (month to amount);
    ``anchor`` is the day of the month (31: its last day), or the day of the week (0 is Monday) of weekly rhythms.
    ``early`` streams were seen twice, ``ended`` ones missed their last date by more than half a period.
    """

    account: str
    operation: str | None
    category: str | None
    counterparty: str | None
    amount_minor: int
    bonus: dict[int, int]
    rhythm: Rhythm
    anchor: int
    hit_rate: float
    last_day: int
    status: Status

    def dates(self, *, after: int, upto: int) -> Iterator[int]:
        """Give the days on which the stream is expected next; one that is a few days late is expected tomorrow."""
        for day in takewhile(lambda day: day <= upto, self._beats()):
            if day > after - _LATE_DAYS:
                yield max(day, after + 1)

    def _beats(self) -> Iterator[int]:
        beat = _BEATS[self.rhythm]
        if not beat.months:
            return count(self.last_day + int(beat.days), int(beat.days))
        last = date_of(Day(self.last_day))
        month = last.year * 12 + last.month - 1
        # A hit near the turn of a month may belong to the month before or after.
        month = min((month - 1, month, month + 1), key=lambda near: abs(_anchored(near, self.anchor) - self.last_day))
        return (_anchored(later, self.anchor) for later in count(month + beat.months, beat.months))


class Payment(Struct, frozen=True, kw_only=True):
    """A payment expected on a day, from a stream."""

    day: int
    amount_minor: int
    stream: Stream


def find_streams(movements: Iterable[Movement], *, as_of: int) -> tuple[Stream, ...]:
    """Find the payments that come back, as far as known at the end of the day ``as_of``.

    Source
    ------
    Keys, rhythms and hit rate as measured on the standing-order table of a Czech bank.

    Examples
    --------
    >>> rent = [Movement(day, "a", -900_00, "rent", "transfer", "Landlord") for day in (4, 35, 63, 94)]
    >>> [(stream.rhythm, stream.anchor, stream.amount_minor) for stream in find_streams(rent, as_of=100)]
    [('monthly', 5, -90000)]
    """
    groups: defaultdict[tuple[object, ...], list[Movement]] = defaultdict(list)
    for move in movements:
        if move.day <= as_of and move.amount_minor:
            key = (move.account, move.amount_minor > 0, move.operation, move.category, move.counterparty)
            groups[key].append(move)
    found: list[Stream | None] = []
    for group in groups.values():
        whole = _stream(group, as_of=as_of) if group[0].counterparty else None
        found += [whole] if whole else [_stream(bucket, as_of=as_of) for bucket in _buckets(group)]
    return tuple(stream for stream in found if stream is not None)


def project(streams: Iterable[Stream], *, from_day: int, horizon: int) -> tuple[Payment, ...]:
    """Give the payments expected in the ``horizon`` days after ``from_day``, by day.

    Examples
    --------
    >>> rent = [Movement(day, "a", -900_00, "rent", "transfer", "Landlord") for day in (4, 35, 63, 94)]
    >>> streams = find_streams(rent, as_of=100)
    >>> [str(date_of(payment.day)) for payment in project(streams, from_day=100, horizon=60)]
    ['1970-05-05', '1970-06-05']
    """
    payments = [
        Payment(day=day, amount_minor=stream.bonus.get(date_of(Day(day)).month, stream.amount_minor), stream=stream)
        for stream in streams
        if stream.status != "ended"
        for day in stream.dates(after=from_day, upto=from_day + horizon)
    ]
    return tuple(sorted(payments, key=lambda payment: (payment.day, payment.amount_minor)))


def _buckets(group: Sequence[Movement]) -> list[list[Movement]]:
    buckets: list[list[Movement]] = []
    for move in sorted(group, key=lambda move: (abs(move.amount_minor), move.day)):
        if not buckets or abs(move.amount_minor) > BUCKET * abs(buckets[-1][0].amount_minor):
            buckets.append([])
        buckets[-1].append(move)
    # Two payments without a common counterparty prove nothing.
    return [bucket for bucket in buckets if len(bucket) > _TWICE]


def _stream(group: Sequence[Movement], *, as_of: int) -> Stream | None:
    amounts: Counter[int] = Counter()
    for move in group:
        amounts[move.day] += move.amount_minor
    days = sorted(amounts)
    gaps = [after - before for before, after in pairwise(days)]
    usual = median_low(gaps or [0])
    rhythm = next((name for name, beat in _BEATS.items() if beat.shortest <= usual <= beat.longest), None)
    if rhythm is None:
        return None
    beat = _BEATS[rhythm]
    on_beat = 1 + sum(beat.shortest <= gap <= beat.longest for gap in gaps)
    hit_rate = on_beat / max(len(days), 1 + round((days[-1] - days[0]) / beat.days))
    if hit_rate < HIT_RATE:
        return None
    ended = as_of - days[-1] > 1.5 * beat.days + 3
    amount, bonus = _amounts(amounts, days)
    first = group[0]
    return Stream(
        account=first.account,
        operation=first.operation,
        category=first.category,
        counterparty=first.counterparty,
        amount_minor=amount,
        bonus=bonus if beat.months else {},
        rhythm=rhythm,
        anchor=_day_of_month(days) if beat.months else (days[-1] + 3) % 7,
        hit_rate=hit_rate,
        last_day=days[-1],
        status="ended" if ended else "mature" if len(days) > _TWICE else "early",
    )


def _amounts(amounts: Mapping[int, int], days: Sequence[int]) -> tuple[int, dict[int, int]]:
    """Give the usual amount of the last hits, and calendar months in which alone it was clearly larger."""
    usual = sorted((amounts[day] for day in days[-_RECENT:]), key=abs)[(min(len(days), _RECENT) - 1) // 2]
    alone = {
        date_of(Day(day)).month: amounts[day]
        for before, day, after in zip(days, days[1:], days[2:], strict=False)
        if abs(amounts[day]) > BONUS * max(abs(usual), abs(amounts[before]), abs(amounts[after]))
    }
    return usual, alone


def _day_of_month(days: Sequence[int]) -> int:
    """Give the middle day of the month on the circle of days; the last day of a month counts as the 31st."""
    dates = [date_of(Day(day)) for day in days]
    ends = [of.day == calendar.monthrange(of.year, of.month)[1] for of in dates]
    at = [_END_OF_MONTH if end else of.day for of, end in zip(dates, ends, strict=True)]
    centre = at[-1]
    middle = median_low([(day - centre + 15) % _END_OF_MONTH - 15 for day in at])
    return (centre + middle - 1) % _END_OF_MONTH + 1


def _anchored(month: int, anchor: int) -> int:
    year, index = divmod(month, 12)
    return day_number(date(year, index + 1, min(anchor, calendar.monthrange(year, index + 1)[1])))

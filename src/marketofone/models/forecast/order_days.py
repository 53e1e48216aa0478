"""On which days an order is due: its rhythm, the ends of short months, and weekends where they move it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, takewhile

from marketofone.domain.fields import Every
from marketofone.domain.moment import Day, date_of, day_in_month, month_of
from marketofone.profile.orders import Order

MONTHS: dict[Every, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_DAYS: dict[Every, int] = {"day": 1, "week": 7, "fortnight": 14}
LATE_DAYS = 3
_WEEKEND = 2


def due_days(order: Order, *, after: int, upto: int) -> Iterator[int]:
    """Give the days on which an order is due; none where it tells no day or has ended.

    Examples
    --------
    >>> from marketofone.domain.moment import Instant
    >>> rent = Order(account="a", told=Instant(0), sign=-1, amount_minor=-1, first_on=Day(30), every="month")
    >>> [str(date_of(Day(day))) for day in due_days(rent, after=30, upto=100)]
    ['1970-02-28', '1970-03-31']
    """
    begins = order.begins_on
    if begins is None or order.ended:
        return
    last = upto + _WEEKEND if order.last_on is None else min(upto + _WEEKEND, order.last_on)
    for beat in takewhile(lambda beat: beat <= last, _beats(order, begins, after=after - _WEEKEND)):
        day = _working(beat, order)
        if after < day <= upto:
            yield day


def _working(day: int, order: Order) -> int:
    """Give the day itself, or the working day beside a weekend where the order says so."""
    into = (day + 3) % 7 - 5  # 0 is a Saturday, 1 a Sunday
    if into < 0 or order.weekends is None:
        return day
    return day - 1 - into if order.weekends == "before" else day + _WEEKEND - into


def _beats(order: Order, begins: Day, *, after: int) -> Iterable[int]:
    """Give the days of an order's rhythm, from one that is not after the first of interest."""
    if order.every is None:
        return [begins]
    if order.every in _DAYS:
        step = _DAYS[order.every]
        return count(begins + max(0, (after - begins) // step) * step, step)
    step, (month, anchor) = MONTHS[order.every], anchor_of(order, begins)
    first = max(0, (month_of(date_of(Day(after))) - month) // step)
    return (begins if beat == 0 else day_in_month(month + beat * step, anchor) for beat in count(first))


def anchor_of(order: Order, begins: Day) -> tuple[int, int]:
    """Give the month of an order's first payment ahead, and the day of the month on which it is paid.

    They are those of the first payment ever, where the next one only lies beside it because its month is shorter or for
    a weekend.
    """
    told = date_of(begins)
    month = month_of(told)
    if order.first_on is None:
        return month, told.day
    first = date_of(order.first_on).day
    if abs(first - told.day) <= LATE_DAYS:
        return month, first
    for near in (month, month - 1, month + 1):
        due = day_in_month(near, first)
        if begins in (due, _working(due, order)):
            return near, first
    return month, told.day

"""What is coming: ninety days of the total balance as a fan, the dated payments on it, and what may happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from starlette.responses import Response

from marketofone.domain.errors import ConsentRefused
from marketofone.flow.forecast import CustomerForecast, DayBalance, EventAhead
from marketofone.web import charts, words
from marketofone.web.desk import Desk
from marketofone.web.visit import Visit

MARKED = 6  # payments that bear a number on the chart: the largest
LEVELS = 4
WEEK = 7
_SAID = {
    "below_zero": "Your accounts together fall below zero",
    "below_buffer": "Less than a tenth of a month\N{RIGHT SINGLE QUOTATION MARK}s turnover is left",
    "below_own_floor": "Your accounts together fall below your own usual lowest point",
}


def forecast(desk: Desk, visit: Visit) -> Response:
    """Show what is coming, or that this person did not allow looking."""
    customer = visit.path["customer"]
    try:
        ahead = desk.bank.forecast(customer, now=visit.moment(desk.bank.calendar))
    except ConsentRefused as refused:
        return desk.page("customer/forecast_off.html", visit, customer=customer, why=str(refused))
    days = () if ahead.total is None else ahead.total.days
    marked = _marked(ahead)
    return desk.page(
        "customer/forecast.html",
        visit,
        customer=customer,
        ahead=ahead,
        rounded=words.rounded,
        money=partial(words.amount, currency=ahead.currency),
        fan=_fan(ahead, days, marked) if days else None,
        weeks=days[WEEK - 1 :: WEEK],
        payments=[(marked.get(index), payment) for index, payment in enumerate(ahead.payments)],
        horizons=sorted({event.horizon_days for event in ahead.events}),
        risks=_risks(ahead),
        dated=lambda text: words.short_day(date.fromisoformat(text)),
    )


def _marked(ahead: CustomerForecast) -> dict[int, int]:
    """Give the largest payments numbers, in the order of their days."""
    by_size = sorted(range(len(ahead.payments)), key=lambda index: -abs(ahead.payments[index].amount_minor))
    by_day = sorted(by_size[:MARKED], key=lambda index: (ahead.payments[index].day, index))
    return {index: number for number, index in enumerate(by_day, start=1)}


def _risks(ahead: CustomerForecast) -> list[tuple[str, list[EventAhead]]]:
    """Give what may happen, each with its horizons from near to far."""
    found: dict[str, list[EventAhead]] = {}
    for event in sorted(ahead.events, key=lambda event: event.horizon_days):
        found.setdefault(event.event, []).append(event)
    return [(_SAID.get(name, words.sentence(name)), events) for name, events in found.items()]


def _fan(ahead: CustomerForecast, days: Sequence[DayBalance], marked: dict[int, int]) -> charts.Fan:
    place = {day.day: index for index, day in enumerate(days)}
    quantiles = [day.quantiles for day in days]
    low, high = min(row[0] for row in quantiles), max(row[-1] for row in quantiles)
    return charts.fan(
        quantiles,
        days=_ticks(days),
        events=[(place[day], number) for day, number in _days_of(ahead, marked) if day in place],
        levels=[
            charts.Tick(at=level, words=words.rounded(level)) for level in charts.round_levels(low, high, count=LEVELS)
        ],
    )


def _days_of(ahead: CustomerForecast, marked: dict[int, int]) -> list[tuple[str, int]]:
    return [(ahead.payments[index].day, number) for index, number in marked.items()]


def _ticks(days: Sequence[DayBalance]) -> list[charts.Tick]:
    dates = [date.fromisoformat(day.day) for day in days]
    return [charts.Tick(at=index, words=f"{of.day} {of:%b}") for index, of in enumerate(dates) if of.day in (1, 15)]

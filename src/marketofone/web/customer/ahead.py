"""What a customer sees of what is coming: a fan with words on it, tables beside it, and what may help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from marketofone.domain.decision import Decision
from marketofone.domain.errors import ConsentRefused
from marketofone.domain.languages import message
from marketofone.domain.moment import DAY, Instant
from marketofone.models.forecast.account_forecast import RUNS_SHORT
from marketofone.services.foresight.forecast import CustomerForecast, EventAhead, PaymentAhead
from marketofone.services.foresight.liquid_money import in_parts
from marketofone.services.foresight.running_short import running_short
from marketofone.services.rights import history
from marketofone.web import charts, formatting
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData
from marketofone.web.wording import Wording

WORDED = 5  # payments whose words stand on the chart: the largest
MARKED = 6  # payments after those that bear a number on the chart
SHADED = 0.1  # from this chance on, the days of a shortfall are shaded
_NAME = 10  # letters of a payment's name on the chart
_OFFERED_DAYS = 35
_LATEST = 20
_SHORTFALLS = {
    "below_zero": message("below zero"),
    "below_buffer": message("nearly empty"),
    "below_own_floor": message("lower than usual"),
}
RISKS = {
    "below_zero": message("Your accounts together fall below zero"),
    "below_buffer": message("Less than three days of money is left (a tenth of a usual month)"),
    "below_own_floor": message("Your accounts together fall below your own usual lowest point"),
    "large_expense": message("One payment larger than all of a usual month"),
    "income_change": message("Your income differs by more than a fifth, up or down"),
    "income_drop": message("Your income falls by more than a fifth"),
}


_OVERDRAWN = message("below the overdraft")
_LIMITED = message("Your accounts together fall below what you may overdraw")
"""What is said instead of zero, where accounts may be overdrawn."""
_SHADE = message("%(text_risk)s: %(text_chances)s in %(number_days)s days")


@dataclass(frozen=True)
class Risk:
    """What may happen: in words, its chance by horizon, and the row that says when and why."""

    words: str
    chances: Mapping[int, float]
    when: EventAhead


@dataclass(frozen=True)
class Ahead:
    """Everything that is drawn: the fan, what stands on it, and which payments bear a number."""

    fan: charts.Fan
    place: Mapping[str, int]
    signs: charts.Signs
    marked: Mapping[int, int]
    window: charts.Window | None


def forecast(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what is coming: the total balance as a fan, its dated payments, what may happen; or why nobody looked."""
    customer, now = request_data.path["customer"], renderer.bank.now()
    as_of = request_data.as_of(renderer.bank.calendar, now=now)
    try:
        ahead = renderer.bank.show_forecast(customer, now=now, as_of=as_of)
    except ConsentRefused as refused:
        return renderer.page("customer/forecast_off.html", request_data, customer=customer, why=str(refused))
    days = () if ahead.total is None else ahead.total.days
    drawn = None
    if days:
        fan, place = charts.Fan([day.quantiles for day in days]), {day.day: index for index, day in enumerate(days)}
        drawn = _drawn(renderer, fan, place, ahead=ahead)
    short = running_short(ahead)
    words = RISKS | ({"below_zero": _LIMITED} if ahead.limit_minor else {})
    there = [event.event for event in ahead.events if event.expected_from == ahead.as_of]
    told = [event for event in ahead.events if event.event not in there]
    risks = _risks(told, words=words)
    return renderer.page(
        "customer/forecast.html",
        request_data,
        customer=customer,
        ahead=ahead,
        days=days,
        drawn=drawn,
        short=short,
        there=[words[name] for name in dict.fromkeys(there) if name != RUNS_SHORT],
        calm=not short and any(event.event == RUNS_SHORT for event in ahead.events),
        needs_help=any(one.needs_help for one in short),
        risks=risks,
        parts=list(in_parts(ahead.liquid)),
        unsaid=[words[name] for name in words if name not in {event.event for event in ahead.events}],
        helps=_helps(renderer, customer, now=now, as_of=as_of),
    )


def _drawn(
    renderer: PageRenderer,
    fan: charts.Fan,
    place: Mapping[str, int],
    *,
    ahead: CustomerForecast,
) -> Ahead:
    payments = ahead.payments
    shown = [index for index, payment in enumerate(payments) if payment.day in place]
    largest = sorted(shown, key=lambda index: -abs(payments[index].amount_minor))
    worded, rest = sorted(largest[:WORDED]), sorted(largest[WORDED : WORDED + MARKED])
    texts = [(place[payments[index].day], _sign(renderer, payments[index])) for index in worded]
    return Ahead(
        fan=fan,
        place=place,
        signs=charts.signs(fan, texts),
        marked={index: number for number, index in enumerate(rest, start=1)},
        window=_window(fan, place, ahead.events, limited=ahead.limit_minor > 0, words=renderer.words),
    )


def _sign(renderer: PageRenderer, payment: PaymentAhead) -> str:
    what = renderer.words.plainly_told(payment.what)
    name = what if len(what) <= _NAME else what[: _NAME - 1].rstrip() + "…"
    return f"{name} {formatting.short_day(payment.day, calendar=renderer.bank.calendar, words=renderer.words)}"


def _window(
    fan: charts.Fan, place: Mapping[str, int], events: Sequence[EventAhead], *, limited: bool, words: Wording
) -> charts.Window | None:
    """Shade the days of the gravest shortfall that is likely enough to be shown."""
    titles = _SHORTFALLS | ({"below_zero": _OVERDRAWN} if limited else {})
    for name, title in titles.items():
        event = nearest([event for event in events if event.event == name])
        if event is None or event.probability < SHADED or event.expected_from is None or event.expected_to is None:
            continue
        first, last = place.get(event.expected_from, 0), place.get(event.expected_to, 0)
        if event.expected_from not in place:
            continue  # it is there already: the page says so, and until when
        text = words.gettext(
            _SHADE,
            text_risk=words.gettext(title),
            text_chances=formatting.chances(event.probability, words=words),
            number_days=event.horizon_days,
        )
        return charts.window(fan, first, last, text=text)
    return None


def nearest(events: Sequence[EventAhead]) -> EventAhead | None:
    """Give the shortest horizon that holds at least half of the chance of the longest."""
    rows = sorted(events, key=lambda event: event.horizon_days)
    return next((event for event in rows if event.probability * 2 >= rows[-1].probability), None)


def _risks(events: Sequence[EventAhead], *, words: Mapping[str, str]) -> list[Risk]:
    order = list(words)
    known = sorted((event for event in events if event.event in words), key=lambda event: order.index(event.event))
    risks = []
    for name, group in groupby(known, key=lambda event: event.event):
        rows = list(group)
        when = nearest(rows)
        if when is not None:
            risks.append(Risk(words[name], {row.horizon_days: row.probability for row in rows}, when))
    return risks


def _helps(renderer: PageRenderer, customer: str, *, now: Instant, as_of: Instant | None) -> list[Decision]:
    """Give what was offered lately because of a forecast, newest first, each action once; nothing after ``as_of``."""
    context, moment = renderer.bank.context, now if as_of is None else as_of
    latest = history.recent_decisions(context, customer=customer, limit=_LATEST, now=now, until=as_of)
    offered = [made for made in latest if made.notification and moment - _OFFERED_DAYS * DAY < made.at <= moment]
    return list({made.action: made for made in reversed(offered)}.values())[::-1]

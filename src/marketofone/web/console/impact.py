"""The page of impact: what to read first, what the policy adds to each measure, for whom, and beside which groups."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from marketofone.learn.impact import ENOUGH, Impact, Lift
from marketofone.web import charts, formatting
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData

MONEY = ("value", "sells", "helps")
LESS_IS_BETTER = ("declined", "stressed")
MEASURES = {
    "value": "Value, all of it",
    "sells": "For the bank: what sells",
    "helps": "For the customer: what helps",
    "accepted": "Contacts accepted",
    "declined": "Offers declined: less is better",
    "stressed": "Decisions at signs of stress: less is better",
}
ASSIGNMENTS = {
    "policy": "Policy",
    "control": "By lot",
    "catalogue": "Order of the catalogue",
    "ranking": "Best order learned for everybody",
    "nothing": "Left in peace",
}
MONEY_LEFT = {
    "little": "Little money left",
    "enough": "Enough money left",
    "not known": "Not known",
}


def impact(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what the policy is worth against the random control group, what to read first before it."""
    found = renderer.bank.impact()
    lifts = found.comparisons[0].lifts
    return renderer.page(
        "console/impact.html",
        request_data,
        impact=found,
        lifts=lifts,
        groups=[("policy", found.policy, None), *((of.assignment, of.group, of.lifts[0]) for of in found.comparisons)],
        measures=MEASURES,
        money=MONEY,
        titles=ASSIGNMENTS,
        enough=ENOUGH,
        money_left=MONEY_LEFT,
        money_chart=_chart(renderer, [(MEASURES[lift.measure], lift) for lift in lifts if lift.measure in MONEY]),
        share_chart=_chart(renderer, [(MEASURES[lift.measure], lift) for lift in lifts if lift.measure not in MONEY]),
        group_chart=_chart(renderer, _by_money(found)),
        comparison_chart=_chart(renderer, [(ASSIGNMENTS[of.assignment], of.lifts[0]) for of in found.comparisons]),
    )


def _by_money(found: Impact) -> Iterable[tuple[str, Lift]]:
    return [(MONEY_LEFT[of.money], of.lifts[0]) for of in found.by_money]


def _chart(renderer: PageRenderer, named: Iterable[tuple[str, Lift]]) -> charts.Rows:
    return charts.intervals(
        [
            (_mark(renderer, label, lift, lift.value), lift.low, lift.high)
            for label, lift in named
            if lift.value is not None and lift.low is not None and lift.high is not None
        ]
    )


def _mark(renderer: PageRenderer, label: str, lift: Lift, value: float) -> charts.Mark:
    currency = renderer.bank.config.settings.currency
    words = (
        formatting.amount(value, currency=currency, signed=True) if lift.measure in MONEY else formatting.points(value)
    )
    return charts.Mark(label=label, amount=value, value=words, tone=_tone(lift))


def _tone(lift: Lift) -> str:
    """Give the tone of a lift: calm while its interval holds zero, else whether it is good or bad news."""
    if lift.low is None or lift.high is None or lift.low <= 0.0 <= lift.high:
        return "calm"
    return "for" if (lift.low > 0.0) != (lift.measure in LESS_IS_BETTER) else "against"

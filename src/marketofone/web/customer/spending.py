"""What a person's own spending says: what comes back, what shifted, what is unusual."""

from __future__ import annotations

from starlette.responses import Response

from marketofone.models.forecast.spending import Habit
from marketofone.web import charts, formatting
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData
from marketofone.web.wording import Wording

DRAWN = 8  # categories on the chart: those that changed most
# The parts of the page of insights, and which observations stand in each.
SHOWN = {
    "check_in": {"check_in"},
    "standing": {"subscription_new", "subscription_price", "subscription_duplicate", "subscription_ended"},
    "shifts": {"spending_shift"},
    "unusual": {"unusual_amount", "first_seen", "double_charge"},
}


def insights(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what a person's own spending says: what comes back, what shifted, what is unusual; or that nobody looked."""
    customer, now = request_data.path["customer"], renderer.bank.now()
    seen = renderer.bank.spending(customer, now=now, as_of=request_data.as_of(renderer.bank.calendar, now=now))
    changed = [of for of in seen.habits if of.now_minor != of.usual_minor]  # what did not change has no bar
    return renderer.page(
        "customer/insights.html",
        request_data,
        customer=customer,
        seen=seen,
        shown={name: [one for one in seen.insights if one.name in names] for name, names in SHOWN.items()},
        chart=charts.bars([_habit(of, currency=seen.currency, words=renderer.words) for of in changed[:DRAWN]]),
    )


def _habit(of: Habit, *, currency: str, words: Wording) -> charts.Mark:
    change = of.now_minor - of.usual_minor
    return charts.Mark(
        label=formatting.sentence(words.plainly_told(of.category.replace("_", " "))),
        amount=change,
        value=formatting.amount(change, currency=currency, signed=True, words=words),
        tone="for" if of.shifted else "calm",
    )

"""What staff see of one customer: to read only, for a reason that is written down first and that the customer sees."""

from __future__ import annotations

from starlette.responses import Response

from marketofone.domain.errors import ConsentRefused
from marketofone.services.foresight import insights
from marketofone.services.rights import consent_view, history
from marketofone.services.rights.inferences import asked_about
from marketofone.web.console.reasons import REASONS, Looked, looking
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData

LATEST = 20


def ask(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Ask why somebody of the staff looks at a customer; nothing of the customer is shown yet."""
    customer = request_data.path["customer"]
    return renderer.page("console/customer.html", request_data, customer=customer, reasons=REASONS, looked=None)


def look(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show a customer to staff, with no switch to press. The uses it leaves name who looked, and why."""
    customer, said, bank = request_data.path["customer"], request_data.fill_in(Looked), renderer.bank
    context, now = looking(bank.context, said), bank.now()
    standing = consent_view.standing_for_staff(context, customer, now=now)
    try:
        known = insights.profile(context, customer, now=now)
    except ConsentRefused:
        known = None
    return renderer.page(
        "console/customer.html",
        request_data,
        customer=customer,
        reasons=REASONS,
        looked=said,
        standing=standing,
        known=known,
        asked=asked_about(context, customer, now=now),
        decisions=history.recent_decisions(context, customer=customer, limit=LATEST, now=now),
    )

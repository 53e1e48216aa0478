"""Who may act for a customer: who they are and until when, and the form that names one or ends what one may."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.delegation import DelegateName, Delegation, May
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.domain.moment import DAY, Instant, date_of
from marketofone.services.rights.delegates import MOST_DAYS
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData, moment


class _Named(Struct, frozen=True):
    say: Literal["name"]
    name: DelegateName
    may: May
    until: str


def delegates(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show who may act for a customer now, and the form to name somebody; a delegate sees only themselves."""
    bank, customer, acting = renderer.bank, request_data.path["customer"], renderer.acting
    found = bank.rights.delegates(customer)
    return renderer.page(
        "customer/delegates.html",
        request_data,
        customer=customer,
        delegates=[of for of in found if acting is None or of.delegation.name == acting.name],
        latest=date_of(bank.calendar.day_of(Instant(bank.now() + (MOST_DAYS - 1) * DAY))).isoformat(),
    )


def say(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record whom the customer names, or that somebody may act no more; it leads to the list."""
    bank, customer, said = renderer.bank, request_data.path["customer"], request_data.form.get("say", "")
    if said.startswith("end "):
        bank.rights.end_delegate(customer, said.removeprefix("end "), by_customer=True)
    elif said == "name":
        named = request_data.fill_in(_Named)
        until = moment(named.until or None, calendar=bank.calendar, field="until")
        if until is None:
            raise MalformedRequest(field="until", shape=message("missing"), fix=message("give the last day"))
        told = Delegation(name=named.name, authority="named", may=named.may, until=until)
        bank.rights.appoint(customer, told)
    else:
        raise MalformedRequest(
            field="say", shape=message("no button of the page"), fix=message("use the buttons of the page")
        )
    return redirect(address("customer", customer, "delegates"))

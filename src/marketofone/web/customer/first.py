"""The first consent: a short page for somebody who was never asked, on which a no is as easy as a yes.

Nothing is chosen beforehand. Each purpose has a yes and a no of the same size beside each other, one press each; at the
end stand "save" and "no to everything" in the same way. What follows is the receipt of what was said.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from marketofone.consent.policy import ConsentPolicy
from marketofone.consent.saying import latest_end
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.languages import message
from marketofone.services.rights.first_consent import FirstChoice, asked_first, came_of_age, may_begin, say_first
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

Show = Callable[[PageRenderer, RequestData], Response]
_PURPOSE, _CHANNEL = "purpose.", "channel."


def first(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Ask somebody who was never asked before, purpose by purpose; everybody else is led to their data."""
    return _ask(renderer, request_data, FirstChoice(), fault="")


def say_it(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record what was said, and lead to its receipt."""
    bank, customer, said = renderer.bank, request_data.path["customer"], request_data.form.get("say", "")
    asked = asked_first(bank.context, customer, now=bank.now())
    if said not in ("these", "nothing"):
        raise MalformedRequest(
            field="say", shape=message("no button of the page"), fix=message("use the buttons of the page")
        )
    choice = FirstChoice(no=asked) if said == "nothing" else _chosen(request_data, bank.config.policy, asked)
    if choice.fault:
        return _ask(renderer, request_data, choice, fault=choice.fault)
    if not may_begin(bank.context, customer, now=bank.now()):
        return redirect(address("customer", customer))
    given = say_first(
        bank.consent_given,
        customer,
        choice,
        shown=bank.config.policy,
        now=bank.now(),
        language=renderer.read_in,
        delegate=renderer.delegate,
    )
    return redirect(address("customer", customer, "consents", str(given.entry.n)))


def or_first(show: Show) -> Show:
    """Lead somebody nobody heard of yet to the first consent, from a page that would know nothing of them."""

    def shown(renderer: PageRenderer, request_data: RequestData) -> Response:
        try:
            return show(renderer, request_data)
        except UnknownCustomer:
            bank, customer = renderer.bank, request_data.path["customer"]
            if not may_begin(bank.context, customer, now=bank.now()):
                raise
            return redirect(address("customer", customer, "first"))

    return shown


def _ask(renderer: PageRenderer, request_data: RequestData, choice: FirstChoice, *, fault: str) -> Response:
    bank, customer = renderer.bank, request_data.path["customer"]
    if not may_begin(bank.context, customer, now=bank.now()):
        return redirect(address("customer", customer))
    return renderer.page(
        "customer/first.html",
        request_data,
        customer=customer,
        asked=asked_first(bank.context, customer, now=bank.now()),
        came_of_age=came_of_age(bank.context, customer, now=bank.now()),
        choice=choice,
        fault=fault,
        until=latest_end(bank.now(), policy=bank.config.policy),
    )


def _chosen(request_data: RequestData, policy: ConsentPolicy, asked: tuple[str, ...]) -> FirstChoice:
    """Read what was chosen; a purpose counts in the version that was shown, if it is the present one."""
    form = request_data.form
    said = {name: form.get(f"{_PURPOSE}{name}@{policy.purposes[name].version}") for name in asked}
    return FirstChoice(
        yes=tuple(name for name in asked if said[name] == "yes"),
        no=tuple(name for name in asked if said[name] == "no"),
        channels=tuple(name for name in policy.ways if f"{_CHANNEL}{name}" in form),
    )

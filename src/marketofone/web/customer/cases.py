"""What a customer asked a person of the bank: the form to ask, and how each case stands."""

from __future__ import annotations

from typing import get_args

from starlette.responses import Response

from marketofone.domain.case import About, CaseKind
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.services.rights.cases import cases_of, open_case
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

KINDS: tuple[CaseKind, ...] = get_args(CaseKind)


def cases(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show the cases of a customer, the newest first, and the form to be called back."""
    bank, customer = renderer.bank, request_data.path["customer"]
    as_of = request_data.as_of(bank.calendar, now=bank.now())
    found = cases_of(bank.context, customer, until=as_of)
    return renderer.page("customer/cases.html", request_data, customer=customer, cases=found)


def ask(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record that a customer asks for a person; it leads to the case, as the journal has it."""
    bank, customer, form = renderer.bank, request_data.path["customer"], request_data.form
    kind = form.get("kind", "")
    if kind not in KINDS:
        raise MalformedRequest(
            field="kind", shape=message("no kind of case"), fix=message("use the buttons of the page")
        )
    opened = open_case(
        bank.context,
        customer,
        kind,
        about=_about(form.get("about", "")),
        words=form.get("words", "").strip(),
        now=bank.now(),
    )
    return redirect(address("customer", customer, "cases") + f"#case-{opened.n}")


def _about(said: str) -> About | None:
    """Read what a case is about: a kind and a name, with a blank between them; nothing where nothing stands there."""
    if not said:
        return None
    kind, _, decision = said.partition(" ")
    if kind != "decision" or not decision:
        raise MalformedRequest(
            field="about", shape=message("nothing a case is about"), fix=message("use the buttons of the page")
        )
    return "decision", decision

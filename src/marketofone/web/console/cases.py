"""The cases that wait for a person of the bank, the one that is due first, first; and the form to answer one."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from marketofone.domain.texts import ONE_LINE
from marketofone.services.rights.cases import answer_case, open_cases
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import NAME, RequestData


class Answered(Struct, frozen=True):
    """What the form says: which case of which customer, who answered it, and the reason they give."""

    customer: Annotated[str, Meta(pattern=NAME)]
    case: Annotated[str, Meta(pattern=r"^[0-9]{1,18}$(?!\n)")]
    by: Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]
    reason: Annotated[str, Meta(min_length=1, max_length=200, pattern=ONE_LINE)]


def cases(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what waits: who asked for what, in their words, and by when it is due."""
    return renderer.page(
        "console/cases.html", request_data, cases=open_cases(renderer.bank.context), now=renderer.bank.now()
    )


def answer(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record an answer; the customer reads who gave it, and why."""
    said, bank = request_data.fill_in(Answered), renderer.bank
    answer_case(bank.context, said.customer, int(said.case), by=said.by, reason=said.reason, now=bank.now())
    return redirect(address("console", "cases"))

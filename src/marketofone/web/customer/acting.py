"""A customer's pages as a delegate opens them: those of the consent dialogue, as far as the delegation goes.

Whether somebody still acts is asked with each page. What they look at is a use in the customer's log, and what they say
stands in the consent history, with their name.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from marketofone.domain.languages import message
from marketofone.services.bank import Bank
from marketofone.services.rights import delegates
from marketofone.web.page_renderer import Page, PageRenderer
from marketofone.web.request_data import RequestData

_ENDED = message("What you may do for this customer has ended. They, or the bank, can say so anew.")
_NOT_YOURS = message("This is the customer's alone, or more than you may do for them.")


def shown_to_delegate(page: Page, renderer: PageRenderer, request_data: RequestData, *, name: str) -> Response:
    """Show a page to the delegate of a name, or take in what they say there.

    Raises
    ------
    HTTPException
        403 when nobody of that name may act any more, or not so far.
    """
    bank, customer = renderer.bank, request_data.path["customer"]
    found = delegates.acting(bank.context, customer, name, now=bank.now())
    if found is None:
        raise HTTPException(403, _ENDED)
    said = found.delegation
    if page.open_to == "customer" or (page.open_to == "change" and said.may != "change"):
        raise HTTPException(403, _NOT_YOURS)
    lent = Bank(replace(bank.context, actor=said.actor), clock=bank.now, learning=bank.learning)
    if page.method == "GET":
        delegates.record_seen(lent.context, customer, now=bank.now())
    response = page.show(replace(renderer, bank=lent, acting=said), request_data)
    if page.method == "POST" and response.status_code == HTTPStatus.OK:  # a form that shows its page again
        delegates.record_seen(lent.context, customer, now=bank.now())
    return response

"""Who may open a customer's pages: a visitor who came by a link that the bank made for this customer.

The link leaves a cookie that reaches this customer's pages only, and the address that is shown afterwards holds no part
of it. A visitor chooses the language of their pages by a link at the foot of each (``language=de``), and the visit
keeps it.
"""

from __future__ import annotations

from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from marketofone.domain.languages import LANGUAGES, Language, message
from marketofone.services.rights.customer_links import VISIT_SECONDS, CustomerLinks
from marketofone.web.page_renderer import address, redirect

COOKIE = "marketofone-visit"
_CLOSED = message(
    "This page opens with a link of its own, from the bank's app. A link is good for some minutes: open it anew."
)


def opened(links: CustomerLinks, request: Request, customer: str) -> Response | None:
    """Take a visitor who brings a link to its page; None where they bring none.

    Raises
    ------
    HTTPException
        403 when it is another customer's, or too old.
    """
    link = request.query_params.get("link")
    if link is None:
        return None
    visit = links.begin(customer, link=link)
    if visit is None:
        raise HTTPException(403, _CLOSED)
    response = _here_without(request, "link")
    leave(response, customer, visit=visit)
    return response


def chosen(request: Request) -> Language | None:
    """Give the language that a visitor chooses by a link; None where they choose none that there is."""
    asked = request.query_params.get("language", "")
    return cast("Language", asked) if request.method == "GET" and asked in LANGUAGES else None


def kept(request: Request, customer: str, *, visit: str) -> Response:
    """Take a visitor who chose a language back to where they were; their visit keeps it."""
    response = _here_without(request, "language")
    leave(response, customer, visit=visit)
    return response


def _here_without(request: Request, parameter: str) -> Response:
    rest = request.url.remove_query_params(parameter).query
    return redirect(request.scope["path"] + (f"?{rest}" if rest else ""))


def renewed(links: CustomerLinks, request: Request, customer: str) -> str:
    """Check that a visitor came by a link of this customer and was here lately; gives the token by which they go on.

    It keeps the language that they choose now, or chose before.

    Raises
    ------
    HTTPException
        403 when they did not.
    """
    visit = links.renew(customer, visit=request.cookies.get(COOKIE, ""), language=chosen(request))
    if visit is None:
        raise HTTPException(403, _CLOSED)
    return visit


def leave(response: Response, customer: str, *, visit: str) -> None:
    """Leave the token of a visit with the visitor. A link is followed from elsewhere, so its cookie is a lax one."""
    path = address("customer", customer)
    response.set_cookie(COOKIE, visit, path=path, max_age=VISIT_SECONDS, httponly=True, samesite="lax")

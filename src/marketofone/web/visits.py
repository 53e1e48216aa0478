"""Who may open a customer's pages: a visitor who came by a link that the bank made for this customer.

The link leaves a cookie that reaches this customer's pages only, and the address that is shown afterwards holds no part
of it.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from marketofone.services.rights.customer_links import VISIT_SECONDS, CustomerLinks
from marketofone.web.page_renderer import address, redirect

COOKIE = "marketofone-visit"
_CLOSED = "This page opens with a link of its own, from the bank's app. A link is good for some minutes: open it anew."


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
    rest = request.url.remove_query_params("link").query
    response = redirect(request.scope["path"] + (f"?{rest}" if rest else ""))
    leave(response, customer, visit=visit)
    return response


def renewed(links: CustomerLinks, request: Request, customer: str) -> str:
    """Check that a visitor came by a link of this customer and was here lately; gives the token by which they go on.

    Raises
    ------
    HTTPException
        403 when they did not.
    """
    visit = links.renew(customer, visit=request.cookies.get(COOKIE, ""))
    if visit is None:
        raise HTTPException(403, _CLOSED)
    return visit


def leave(response: Response, customer: str, *, visit: str) -> None:
    """Leave the token of a visit with the visitor. A link is followed from elsewhere, so its cookie is a lax one."""
    path = address("customer", customer)
    response.set_cookie(COOKIE, visit, path=path, max_age=VISIT_SECONDS, httponly=True, samesite="lax")

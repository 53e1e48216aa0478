"""Links that open one customer's own pages, and the visits they begin: signed, short-lived, kept nowhere.

The bank's app, where people are signed in, asks for a link and opens it. The link is good for some minutes. The visit
that it begins is renewed with each page, and ends half an hour after the last, or twelve hours after the link. Both
are told by a secret of the bank, so all its processes know them. A link that somebody else got hold of works until it
ends: whoever makes one vouches that it is the customer who gets it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import quote

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant
from marketofone.services.runtime.app_context import AppContext

LINK_SECONDS = 10 * 60
VISIT_SECONDS = 30 * 60
LONGEST_VISIT_SECONDS = 12 * 60 * 60
_PURPOSE = b"pages of a customer, 1"
_MICROSECONDS = 1_000_000
_LONGEST = len(str(2**62))
Kind = Literal["link", "visit"]


class Link(NamedTuple):
    """The path that opens a page of a customer's own, and until when it does."""

    path: str
    until: Instant


class CustomerLinks:
    """Makes tokens of links and visits, and knows them again.

    Parameters
    ----------
    secret
        A secret of the bank, the same in all its processes.
    clock
        The seconds since 1970. A bank's own clock may stand still, and a visit must end.

    Examples
    --------
    >>> links = CustomerLinks(b"secret", clock=lambda: 0.0)
    >>> link = links.link("c-1").path.partition("link=")[2]
    >>> links.begin("c-2", link=link) is None
    True
    >>> visit = links.begin("c-1", link=link)
    >>> links.renew("c-1", visit=visit) == visit
    True
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self._clock = clock

    @classmethod
    def of(cls, context: AppContext) -> CustomerLinks:
        """Give the links of a bank."""
        return cls(context.keys.secret)

    def link(self, customer: str, page: str = "") -> Link:
        """Make the link to one of a customer's pages: ``forecast``, ``decisions/d-1``; to the first without a name.

        Raises
        ------
        MalformedRequest
            When the page lies outside of the customer's own.
        """
        pages = [segment for segment in page.split("/") if segment]
        if not {".", ".."}.isdisjoint(pages):
            raise MalformedRequest(field="page", shape="a step to another folder", fix="name a page such as forecast")
        now = int(self._clock())
        until = now + LINK_SECONDS
        token = self._token("link", customer, begun=now, until=until)
        path = "/".join(quote(segment, safe="") for segment in ("customer", customer, *pages))
        return Link(f"/{path}?link={token}", Instant(until * _MICROSECONDS))

    def begin(self, customer: str, *, link: str) -> str | None:
        """Give the token of the visit that a link begins; None where it is no link of this customer, or too old."""
        is_own = self._begun("link", customer, link) is not None
        return self._lengthened(customer, begun=int(self._clock())) if is_own else None

    def renew(self, customer: str, *, visit: str) -> str | None:
        """Give the token of a visit that goes on; None where it is none of this customer, or ended."""
        begun = self._begun("visit", customer, visit)
        return None if begun is None else self._lengthened(customer, begun=begun)

    def _lengthened(self, customer: str, *, begun: int) -> str:
        until = min(int(self._clock()) + VISIT_SECONDS, begun + LONGEST_VISIT_SECONDS)
        return self._token("visit", customer, begun=begun, until=until)

    def _begun(self, kind: Kind, customer: str, token: str) -> int | None:
        """Say when what a token opens began; None where it was not made for this customer, or has ended."""
        numbers = token.split(".")[:-1]
        if len(numbers) != len(("begun", "until")) or not all(map(_is_number, numbers)):
            return None
        begun, until = map(int, numbers)
        made = self._token(kind, customer, begun=begun, until=until)
        return begun if hmac.compare_digest(made.encode(), token.encode()) and until > self._clock() else None

    def _token(self, kind: Kind, customer: str, *, begun: int, until: int) -> str:
        told = f"{kind}\0{begun}\0{until}\0{customer}".encode()
        return f"{begun}.{until}.{hmac.new(self._key, told, 'sha256').hexdigest()}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST

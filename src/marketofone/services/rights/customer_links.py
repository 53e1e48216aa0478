"""Links that open one customer's own pages, and the visits they begin: signed, short-lived, kept nowhere.

The bank's app, where people are signed in, asks for a link and opens it. The link is good for some minutes; the visit
that it begins is renewed with each page and ends half an hour after the last. Both are told by a secret of the bank, so
all its processes know them. A link that somebody else got hold of works until it ends: whoever makes one vouches that
it is the customer who gets it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import quote

from marketofone.domain.moment import Instant
from marketofone.services.runtime.app_context import AppContext

LINK_SECONDS = 10 * 60
VISIT_SECONDS = 30 * 60
_PURPOSE = b"pages of a customer, 1"
_MICROSECONDS = 1_000_000
_LONGEST = len(str(2**62))
Kind = Literal["link", "visit"]
_LASTS: dict[Kind, int] = {"link": LINK_SECONDS, "visit": VISIT_SECONDS}


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
    >>> links.holds("link", "c-1", token=links.token("link", "c-1"))
    True
    >>> links.holds("link", "c-2", token=links.token("link", "c-1"))
    False
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self._clock = clock

    @classmethod
    def of(cls, context: AppContext) -> CustomerLinks:
        """Give the links of a bank."""
        return cls(context.keys.secret)

    def link(self, customer: str, *pages: str) -> Link:
        """Make the link to one of a customer's pages, named by its segments."""
        token = self.token("link", customer)
        path = "/".join(quote(segment, safe="") for segment in ("customer", customer, *pages))
        return Link(f"/{path}?link={token}", Instant(int(token.partition(".")[0]) * _MICROSECONDS))

    def token(self, kind: Kind, customer: str) -> str:
        """Make what opens a customer's pages from now on, for a while."""
        return self._token(kind, customer, until=int(self._clock()) + _LASTS[kind])

    def holds(self, kind: Kind, customer: str, *, token: str) -> bool:
        """Say whether a token was made for this customer and has not ended."""
        until, _, _ = token.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < _LONGEST) or int(until) <= self._clock():
            return False
        return hmac.compare_digest(self._token(kind, customer, until=int(until)).encode(), token.encode())

    def _token(self, kind: Kind, customer: str, *, until: int) -> str:
        told = f"{kind}\0{until}\0{customer}".encode()
        return f"{until}.{hmac.new(self._key, told, 'sha256').hexdigest()}"

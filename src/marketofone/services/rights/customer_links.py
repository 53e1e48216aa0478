"""Links that open one customer's own pages, and the visits they begin: signed, short-lived, kept nowhere.

The bank's app, where people are signed in, asks for a link and opens it. The link is good for some minutes. The visit
that it begins is renewed with each page, and ends half an hour after the last, or twelve hours after the link. Both
are told by a secret of the bank, so all its processes know them. A link that somebody else got hold of works until it
ends: whoever makes one vouches that it is the customer who gets it.

A link may name the language of the pages; the visit keeps it, or the one that the visitor chose last. A link of a
delegate names who acts for the customer, and so does its visit; whether they still may is asked with each page.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Literal, NamedTuple, cast
from urllib.parse import quote

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import LANGUAGES, Language
from marketofone.domain.moment import Instant
from marketofone.services.runtime.app_context import AppContext

LINK_SECONDS = 10 * 60
VISIT_SECONDS = 30 * 60
LONGEST_VISIT_SECONDS = 12 * 60 * 60
_PURPOSE = b"pages of a customer, 1"
_MICROSECONDS = 1_000_000
_MARK = "-"  # of the name of a delegate: no language begins so
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
    >>> language_of(visit), language_of(links.renew("c-1", visit=visit, language="de"))
    (None, 'de')
    >>> lent = links.link("c-1", delegate="Ann").path.partition("link=")[2]
    >>> delegate_of(links.begin("c-1", link=lent))
    'Ann'
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")
        self._clock = clock

    @classmethod
    def of(cls, context: AppContext) -> CustomerLinks:
        """Give the links of a bank."""
        return cls(context.keys.secret)

    def link(
        self, customer: str, page: str = "", *, language: Language | None = None, delegate: str | None = None
    ) -> Link:
        """Make the link to one of a customer's pages: ``forecast``, ``decisions/d-1``; to the first without a name.

        Without a ``language`` the pages are in the one that the browser asks for. ``delegate`` is who opens them for
        the customer.

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
        token = self._token("link", customer, _Span(now, until, language, delegate))
        path = "/".join(quote(segment, safe="") for segment in ("customer", customer, *pages))
        return Link(f"/{path}?link={token}", Instant(until * _MICROSECONDS))

    def begin(self, customer: str, *, link: str) -> str | None:
        """Give the token of the visit that a link begins; None where it is no link of this customer, or too old."""
        begun = self._span("link", customer, link)
        return None if begun is None else self._lengthened(customer, begun._replace(begun=int(self._clock())))

    def renew(self, customer: str, *, visit: str, language: Language | None = None) -> str | None:
        """Give the token of a visit that goes on; None where it is none of this customer, or ended.

        It keeps its language, where the visitor chooses no other.
        """
        begun = self._span("visit", customer, visit)
        return (
            None if begun is None else self._lengthened(customer, begun._replace(language=language or begun.language))
        )

    def _lengthened(self, customer: str, told: _Span) -> str:
        until = min(int(self._clock()) + VISIT_SECONDS, told.begun + LONGEST_VISIT_SECONDS)
        return self._token("visit", customer, told._replace(until=until))

    def _span(self, kind: Kind, customer: str, token: str) -> _Span | None:
        """Give what a token tells; None where it was not made for this customer, or has ended."""
        told = _read(token)
        if told is None:
            return None
        made = self._token(kind, customer, told)
        return told if hmac.compare_digest(made.encode(), token.encode()) and told.until > self._clock() else None

    def _token(self, kind: Kind, customer: str, told: _Span) -> str:
        signed = f"{kind}\0{told.text}\0{customer}".encode()
        return f"{told.text}.{hmac.new(self._key, signed, 'sha256').hexdigest()}"


class _Span(NamedTuple):
    """What a token tells: when what it opens began, until when it is open, in which language, and who acts."""

    begun: int
    until: int
    language: Language | None
    delegate: str | None

    @property
    def text(self) -> str:
        named = None if self.delegate is None else _MARK + self.delegate.encode().hex()
        return ".".join(str(one) for one in (self.begun, self.until, self.language, named) if one is not None)


def language_of(visit: str) -> Language | None:
    """Give the language of a visit, by its token; None where nobody chose one."""
    told = _read(visit)
    return None if told is None else told.language


def delegate_of(visit: str) -> str | None:
    """Give who acts in a visit for the customer, by its token; None where they are there themselves."""
    told = _read(visit)
    return None if told is None else told.delegate


def _read(token: str) -> _Span | None:
    """Read what a token says of itself, signed or not."""
    numbers, named = token.split(".")[:-1][:2], token.split(".")[2:-1]
    if len(numbers) != len(("begun", "until")) or not all(map(_is_number, numbers)):
        return None
    acts = _name_of(named.pop()) if named and named[-1].startswith(_MARK) else None
    if len(named) > 1 or (named and named[0] not in LANGUAGES):
        return None
    return _Span(int(numbers[0]), int(numbers[1]), cast("Language", named[0]) if named else None, acts)


def _name_of(word: str) -> str:
    """Read the name of a delegate; what names none was not signed either."""
    try:
        return bytes.fromhex(word.removeprefix(_MARK)).decode()
    except ValueError:
        return ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST

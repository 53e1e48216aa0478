"""What every answer carries, and what a form must bring: headers, known hosts, and a token against forged forms.

Staff and customers are not authenticated yet. Until they are, the server listens on loopback only, answers only to
loopback's own names (a foreign name that resolves to loopback gets nothing), takes no form from another site, and lets
no page of another site load anything of ours: every reading is a use, so it would write into a customer's journal.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from marketofone.domain.languages import message

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "marketofone-form"
_FOREIGN = message("This form is too old or not ours. Please go back, reload the page and try again.")
_OURS = frozenset({"same-origin", "none"})

# No inline script or style, nothing from elsewhere, and nobody may frame a page.
_POLICY = (
    b"default-src 'none'",
    b"style-src 'self'",
    b"img-src 'self'",
    b"form-action 'self'",
    b"base-uri 'none'",
    b"frame-ancestors 'none'",
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", b"; ".join(_POLICY)),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def check_host(header: str) -> None:
    """Check that a Host header names this machine to itself.

    Raises
    ------
    HTTPException
        421 when it is another's name.

    Examples
    --------
    >>> check_host("127.0.0.1:8000")
    >>> check_host("[::1]")
    >>> check_host("rebound.example")
    Traceback (most recent call last):
    starlette.exceptions.HTTPException: 421: This server answers on loopback only.
    """
    name, _, port = header.rpartition(":")
    if not name or not port.isdigit():
        name = header
    if name.removeprefix("[").removesuffix("]").lower() not in LOOPBACK:
        raise HTTPException(421, "This server answers on loopback only.")


def check_site(headers: Headers, *, method: str) -> None:
    """Check that a browser does not ask because a page of another site makes it; following a link is allowed.

    Programs, and browsers that say nothing of the site, are let through.

    Raises
    ------
    HTTPException
        403 when another site loads, sends or frames something of ours.

    Examples
    --------
    >>> check_site(Headers({"sec-fetch-site": "same-origin"}), method="GET")
    >>> link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    >>> check_site(Headers(link), method="GET")
    >>> check_site(Headers({**link, "sec-fetch-dest": "image"}), method="GET")
    Traceback (most recent call last):
    starlette.exceptions.HTTPException: 403: Another site may link to this page, and load nothing of it.
    """
    if headers.get("sec-fetch-site", "none") in _OURS:
        return
    followed = (method, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("GET", "navigate", "document")
    if not followed:
        raise HTTPException(403, "Another site may link to this page, and load nothing of it.")


def hand_out(response: Response, token: str) -> None:
    """Leave the token with the visitor; their forms must bring the same."""
    response.set_cookie(COOKIE, token, path="/", httponly=True, samesite="strict")


class Forms:
    """Tokens of forms. With a new secret after a restart, forms that were opened before it are asked to reload."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token_of(self, request: Request) -> str:
        """Give the token of this visitor's forms: the one of their cookie, or a new one."""
        kept = request.cookies.get(COOKIE, "")
        return kept if self._signed(kept) else self._sign(secrets.token_urlsafe(18))

    def check(self, request: Request, token: str) -> None:
        """Check that a form was filled in on a page of ours.

        Raises
        ------
        HTTPException
            403 when its token is not the one we handed out.
        """
        kept = request.cookies.get(COOKIE, "")
        if not self._signed(kept) or not hmac.compare_digest(kept.encode(), token.encode()):
            raise HTTPException(403, _FOREIGN)

    def _sign(self, nonce: str) -> str:
        return f"{nonce}.{hmac.new(self._secret, nonce.encode(), sha256).hexdigest()}"

    def _signed(self, token: str) -> bool:
        nonce, _, _ = token.partition(".")
        return bool(nonce) and hmac.compare_digest(self._sign(nonce).encode(), token.encode())

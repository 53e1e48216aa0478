"""The link that opens a customer's own pages, for the app of the bank to open."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from marketofone.domain.delegation import DelegateName
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import Language
from marketofone.domain.moment import text_of
from marketofone.services.bank import Bank
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.services.rights.delegates import check_acting
from marketofone.web.request_data import RequestData

Page = Annotated[
    str,
    Meta(
        max_length=300,
        pattern=r"^(?!(?:.*/)?\.\.?(?:/|$))[^\x00-\x20]*$(?!\n)",
        description="Which page: `forecast`, `decisions/d-1`; the first one where it is left out.",
    ),
]


class LinkRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of a customer's pages a link opens, and in which language; else it is the one their browser asks for.

    ``delegate`` is who opens it for them, as far as that one may; left out where it is the customer.
    """

    page: Page = ""
    language: Language | None = None
    delegate: DelegateName | None = None


class LinkMade(Struct, frozen=True, kw_only=True):
    """The path that opens a customer's pages, on this server, and until when it does."""

    path: str
    until: str


def link(bank: Bank, request_data: RequestData) -> LinkMade:
    """Make the link that opens a customer's own pages, for some minutes: the app of the bank asks for it and opens it.

    Whoever asks vouches that it is this customer who gets it, or the delegate whom it names.
    """
    asked, customer = request_data.read(LinkRequest), request_data.path["customer"]
    if asked.language not in (None, *bank.config.settings.languages):
        fix = f"use one of {', '.join(bank.config.settings.languages)}, or leave it out"
        raise MalformedRequest(field="language", shape="a language that the bank does not offer", fix=fix)
    if asked.delegate is not None:
        check_acting(bank.context, customer, asked.delegate, now=bank.now())
    links = CustomerLinks.of(bank.context)
    made = links.link(customer, asked.page, language=asked.language, delegate=asked.delegate)
    return LinkMade(path=made.path, until=text_of(made.until))

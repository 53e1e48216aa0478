"""What a customer says of the merchants they pay: how each is called, and what they buy there."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.models.movement import CATEGORIES
from marketofone.services.intake.merchants import MerchantSaid
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

SAYS = ("save", "take back")


class _Form(Struct, frozen=True):
    """What the form holds; an empty field says nothing."""

    merchant: str
    say: str
    name: str = ""
    category: str = ""
    back: Literal["merchants", "wrong"] = "merchants"


def merchants(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show whom a person paid, and what they said of each."""
    customer, bank = request_data.path["customer"], renderer.bank
    now = bank.now()
    found = bank.merchants(customer, now=now, as_of=request_data.as_of(bank.calendar, now=now))
    return renderer.page(
        "customer/merchants.html",
        request_data,
        customer=customer,
        merchants=[(row_of(one.merchant), one) for one in found],
        categories=CATEGORIES,
    )


def correct(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Keep what a person says of a merchant, or take it back; it holds for all their payments there."""
    customer, form = request_data.path["customer"], request_data.fill_in(_Form)
    if form.say not in SAYS:
        raise MalformedRequest(field="say", shape=message("no answer"), fix=message("use the buttons of the page"))
    bank, now = renderer.bank, renderer.bank.now()
    known = [one for one in bank.merchants(customer, now=now) if one.merchant == form.merchant]
    before = (known[0].said_name, known[0].said_category) if known else (None, None)
    said = (form.name or before[0], form.category or before[1]) if form.say == "save" else (None, None)
    bank.correct_merchant(customer, MerchantSaid(merchant=form.merchant, name=said[0], category=said[1]), now=now)
    return redirect(address("customer", customer, form.back) + f"#{row_of(form.merchant)}")


def row_of(merchant: str) -> str:
    """Give the id of a merchant's row, which says how it stands: there a form leads back to."""
    return f"m-{blake2b(merchant.encode(), digest_size=6).hexdigest()}"

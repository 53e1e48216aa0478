"""Wrong about me: what the bank concludes about a customer, from what, and what they say of it."""

from __future__ import annotations

from hashlib import blake2b

from msgspec.structs import asdict
from starlette.responses import Response

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.domain.moment import Instant, text_of
from marketofone.models.movement import CATEGORIES
from marketofone.services.intake.merchants import MerchantView
from marketofone.services.rights.cases import cases_of, open_case
from marketofone.services.rights.inferences import InferenceSaid, ask_about
from marketofone.web.customer.merchants import row_of
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

PAGE = "wrong"
_MERCHANTS = 5
_LONGEST = 128  # of the name of what a case is about
_MERCHANT = "merchant "


class _Merchant(MerchantView, frozen=True, kw_only=True):
    """A merchant, and by when a case about it is answered."""

    due: str | None


def wrong(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what is concluded about a person, the evidence for each, and what they say of it."""
    customer, bank = request_data.path["customer"], renderer.bank
    now = bank.now()
    as_of = request_data.as_of(bank.calendar, now=now)
    found = bank.rights.inferences(customer, now=now, as_of=as_of)
    said_wrong = sum(one.wrong for one in found)
    return renderer.page(
        "customer/wrong.html",
        request_data,
        customer=customer,
        inferences=[(_row(one.inference), one) for one in found],
        used=sum(bool(one.purposes) and not one.wrong for one in found),
        wrong=said_wrong,
        merchants=[(row_of(one.merchant), one) for one in _merchants(renderer, customer, now=now, as_of=as_of)],
        categories=CATEGORIES,
    )


def say(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record what a person says of an inference, or that they ask a person; it leads to its row."""
    customer, bank, now = request_data.path["customer"], renderer.bank, renderer.bank.now()
    said, _, about = request_data.form.get("say", "").partition(" ")
    row = _row(about)
    if said == "ask" and about.startswith(_MERCHANT):
        merchant = about.removeprefix(_MERCHANT)
        if merchant not in {one.merchant for one in bank.merchants(customer, now=now)}:
            shape = message("nobody whom you pay")
            raise MalformedRequest(field="merchant", shape=shape, fix=message("use the buttons of the page"))
        open_case(bank.context, customer, "ask a person", about=("inference", about[:_LONGEST]), now=now)
        row = row_of(merchant)
    elif said == "ask":
        ask_about(bank.context, customer, about, now=now)
    elif said in ("wrong", "right"):
        bank.rights.correct(customer, InferenceSaid(inference=about, wrong=said == "wrong", page=PAGE), now=now)
    else:
        raise MalformedRequest(field="say", shape=message("no answer"), fix=message("use the buttons of the page"))
    return redirect(address("customer", customer, PAGE) + f"#{row}")


def _merchants(renderer: PageRenderer, customer: str, *, now: Instant, as_of: Instant | None) -> list[_Merchant]:
    """Give those whom a person pays most often."""
    bank = renderer.bank
    due = {case.about: text_of(case.due) for case in cases_of(bank.context, customer, until=as_of) if not case.answer}
    return [
        _Merchant(**asdict(one), due=due.get(("inference", f"{_MERCHANT}{one.merchant}"[:_LONGEST])))
        for one in bank.merchants(customer, now=now, as_of=as_of)[:_MERCHANTS]
    ]


def _row(inference: str) -> str:
    """Give the id of the row of an inference: there a form leads back to."""
    return f"i-{blake2b(inference.encode(), digest_size=6).hexdigest()}"

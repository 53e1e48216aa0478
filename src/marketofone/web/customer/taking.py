"""What a customer takes along when they leave, and how they are forgotten: a page to ask, and one to confirm."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.moment import DAY, Instant
from marketofone.services.rights.consent_service import known
from marketofone.services.rights.erase import BARRED_DAYS
from marketofone.web.page_renderer import PageRenderer, attachment
from marketofone.web.request_data import JSON, RequestData

WORDS = "forget me"
"""What is typed so that nobody is forgotten by a slip."""
GROUND = "asked by the customer on their own page"
PARTS = {
    "consents": "What you said about consent",
    "identity": "Keys by which you were recognised",
    "corrections": "What you corrected",
    "decisions": "Decisions, each with its reasons",
    "outcomes": "Your answers, and what followed",
    "cases": "What you asked a person of ours, and the answers",
    "shown": "What was shown to you and still counts",
}


class _Form(Struct, frozen=True):
    words: str


def take(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what is in the file that a customer may take along; the link gives it."""
    customer = request_data.path["customer"]
    told = renderer.bank.rights.contents(customer)
    sources = {str(name): source.title for name, source in renderer.bank.config.policy.sources.items()}
    titles = sources | dict.fromkeys(told.events.keys() - sources.keys(), "What takes back or limits other events")
    lines = [(title, told.events[name]) for name, title in titles.items() if name in told.events]
    lines += [(title, told.parts[name]) for name, title in PARTS.items()]
    return renderer.page(
        "customer/take.html",
        request_data,
        customer=customer,
        lines=[(title, counted) for title, counted in lines if counted.many],
        refused=told.refused,
        several=told.several,
    )


def file(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Give the file: the same bytes as the command and the interface give."""
    made = renderer.bank.rights.export(request_data.path["customer"])
    return attachment(msgspec.json.encode(made), media=JSON, name="my-data.json")


def forget(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Say what being forgotten means, what stays and why, and ask to confirm it."""
    customer = request_data.path["customer"]
    if not known(renderer.bank.context, customer):
        raise UnknownCustomer
    policy = renderer.bank.config.policy
    holds = renderer.bank.rights.holds(customer)
    return renderer.page(
        "customer/forget.html",
        request_data,
        customer=customer,
        kept=[source.title for source in policy.sources.values() if source.kept],
        holds=holds,
        may_from=max((of.hold.until for of in holds), default=None),
        until=Instant(renderer.bank.now() + BARRED_DAYS * DAY),
        words=WORDS,
    )


def forgotten(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Forget a customer who confirmed it, and say what was done. There is no page of theirs to send them back to."""
    if request_data.fill_in(_Form).words.casefold() != WORDS:
        raise MalformedRequest(field="words", shape="other words", fix=f"type {WORDS} if you mean it")
    done = renderer.bank.erase(request_data.path["customer"], ground=GROUND)
    return renderer.page("customer/forgotten.html", request_data, done=done)

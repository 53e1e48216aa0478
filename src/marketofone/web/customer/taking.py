"""What a customer takes along when they leave, and how they are forgotten: a page to ask, and one to confirm."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.languages import message
from marketofone.domain.moment import DAY, Instant
from marketofone.services.rights.consent_service import known
from marketofone.services.rights.erase import BARRED_DAYS
from marketofone.web.page_renderer import PageRenderer, attachment
from marketofone.web.request_data import JSON, RequestData

WORDS = message("forget me")
"""What is typed, in the language of the page, so that nobody is forgotten by a slip."""
_OTHER_WORDS, _TYPE = message("other words"), message("type %(name)s if you mean it")
_TAKES_BACK = message("What takes back or limits other events")
GROUND = "asked by the customer on their own page"
PARTS = {
    "consents": message("What you said about consent"),
    "identity": message("Keys by which you were recognised"),
    "corrections": message("What you corrected"),
    "decisions": message("Decisions, each with its reasons"),
    "outcomes": message("Your answers, and what followed"),
    "cases": message("What you asked a person of ours, and the answers"),
    "shown": message("What was shown to you and still counts"),
}


class _Form(Struct, frozen=True):
    words: str


def take(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what is in the file that a customer may take along; the link gives it."""
    customer = request_data.path["customer"]
    told = renderer.bank.rights.contents(customer)
    words = renderer.words
    sources = {str(name): source.title for name, source in renderer.policy.sources.items()}
    titles = sources | dict.fromkeys(told.events.keys() - sources.keys(), words.gettext(_TAKES_BACK))
    lines = [(title, told.events[name]) for name, title in titles.items() if name in told.events]
    lines += [(words.gettext(title), told.parts[name]) for name, title in PARTS.items()]
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
    policy = renderer.policy
    holds = renderer.bank.rights.holds(customer)
    return renderer.page(
        "customer/forget.html",
        request_data,
        customer=customer,
        kept=[source.title for source in policy.sources.values() if source.kept],
        holds=holds,
        may_from=max((Instant(of.hold.until + DAY) for of in holds), default=None),  # the day after the last
        until=Instant(renderer.bank.now() + BARRED_DAYS * DAY),
        words=renderer.words.gettext(WORDS),
    )


def forgotten(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Forget a customer who confirmed it, and say what was done. There is no page of theirs to send them back to."""
    asked_for = renderer.words.gettext(WORDS)
    if request_data.fill_in(_Form).words.casefold() != asked_for.casefold():
        raise MalformedRequest(field="words", shape=_OTHER_WORDS, fix=_TYPE % {"name": asked_for})
    done = renderer.bank.erase(request_data.path["customer"], ground=GROUND)
    return renderer.page("customer/forgotten.html", request_data, done=done)

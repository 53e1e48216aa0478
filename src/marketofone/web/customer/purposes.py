"""One purpose: what it is for, how each source of it stands, what was said about it; and the page before a yes."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET
from starlette.responses import Response

from marketofone.consent.ledger import EVERY, ConsentChange, plain_of
from marketofone.consent.policy import Purpose
from marketofone.consent.saying import latest_end
from marketofone.domain.decoding import convert
from marketofone.domain.errors import MalformedRequest, NotFound
from marketofone.domain.languages import message
from marketofone.services.rights import consent_history, purposes
from marketofone.services.rights.changed_meaning import changed_meaning
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

HISTORY = 10  # consent entries on one page
_BUTTONS = message("use the buttons of the page")
_NO_WORDS = message("a yes needs at least one source and one channel")
_CHANGED = message("what it is for changed meanwhile; here is what it is now")
Asked = Literal["source", "channel"]


def purpose(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show one purpose: notice, what it gives, its sources and channels with their ends, and its history."""
    bank, customer, now = renderer.bank, request_data.path["customer"], renderer.bank.now()
    name, spec = _purpose(renderer, request_data)
    as_of = request_data.as_of(bank.calendar, now=now)
    standing = purposes.purposes(bank.context, customer, now=now, as_of=as_of)[name]
    said = consent_history.consent_entries(
        bank.context, customer, purpose=name, until=as_of, before=request_data.number("before"), limit=HISTORY + 1
    )
    return renderer.page(
        "customer/purpose.html",
        request_data,
        customer=customer,
        purpose_name=name,
        purpose=spec,
        standing=standing,
        unneeded=purposes.unneeded(bank.context, customer, standing, now=now) if as_of is None else (),
        unneeded_days=purposes.UNNEEDED_DAYS,
        before=_before(renderer, customer, name) if standing.changed and as_of is None else None,
        history=said[:HISTORY],
        more=len(said) > HISTORY,
    )


def ask(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what a yes would mean, before it is said: notice, what it gives, sources, channels, and its end."""
    return _ask(renderer, request_data)


def switch(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record what was said. A no works at once; whatever it was leads to its entry of the journal."""
    said = request_data.form.get("say", "").split(" ")
    customer, bank = request_data.path["customer"], renderer.bank
    scope: dict[str, tuple[str, ...]]
    match said:
        case ["withdraw", purpose, source, channel]:
            scope = {"purposes": (purpose,), "sources": (source,), "channels": (channel,)}
        case ["grant", purpose]:
            sources, channels = _ticked(request_data, "source"), _ticked(request_data, "channel")
            if not (sources and channels):
                return _ask(renderer, request_data, why=_NO_WORDS)
            if not _is_present(renderer, purpose):
                return _ask(renderer, request_data, why=_CHANGED)
            scope = {"purposes": (purpose,), "sources": sources, "channels": channels}
        case ["pause" | "resume" | "object" | "lift"]:
            scope = {}
        case ["resume", purpose]:
            scope = {"purposes": (purpose,)}
        case _:
            raise MalformedRequest(field="say", shape=message("no switch"), fix=_BUTTONS)
    now = bank.now()
    told: dict[str, object] = {"customer": customer, "change": said[0], "since": now, **scope}
    if renderer.read_in is not UNSET:
        told["language"] = renderer.read_in
    if renderer.delegate is not UNSET:
        told["delegate"] = renderer.delegate
    given = bank.consent_given(convert(told, of=ConsentChange), now=now)
    return redirect(address("customer", customer, "consents", str(given.entry.n)))


def _is_present(renderer: PageRenderer, word: str) -> bool:
    """Say whether a purpose is meant in the version that is in force: a yes is to what was shown."""
    spec = renderer.bank.config.policy.purposes.get(plain_of(word))
    return spec is None or word in (plain_of(word), f"{plain_of(word)}@{spec.version}")


def _ask(renderer: PageRenderer, request_data: RequestData, *, why: str = "") -> Response:
    bank, policy = renderer.bank, renderer.policy
    name, spec = _purpose(renderer, request_data)
    if spec.basis != "consent":
        raise NotFound(what="switch")
    sources = _asked_for(request_data, "source", [of for of in policy.sources if of in spec.sources])
    channels = _asked_for(request_data, "channel", list(policy.channels))
    customer = request_data.path["customer"]
    standing = purposes.purposes(bank.context, customer, now=bank.now())[name]
    if standing.stopped == "under_age":  # nobody can say yes to it, and its page says so
        return redirect(address("customer", customer, "purposes", name))
    return renderer.page(
        "customer/allow.html",
        request_data,
        customer=customer,
        purpose_name=name,
        purpose=spec,
        standing=standing,
        sources=sources,
        channels=channels,
        until=latest_end(bank.now(), policy=policy),
        why=why,
        asked=bool((request_data.form if request_data.body else request_data.query).get("asked")),
        before=_before(renderer, customer, name) if standing.changed else None,
    )


def _before(renderer: PageRenderer, customer: str, name: str) -> Purpose | None:
    """Give what the purpose was for when the person said yes to it."""
    bank = renderer.bank
    return changed_meaning(bank.context, customer, name, now=bank.now(), language=renderer.language)


def _purpose(renderer: PageRenderer, request_data: RequestData) -> tuple[str, Purpose]:
    """Give the purpose that the address names, or the form."""
    name = request_data.path.get("purpose") or plain_of(request_data.form.get("say", "").partition(" ")[2])
    spec = renderer.policy.purposes.get(name)
    if spec is None:
        raise NotFound(what="purpose")
    return name, spec


def _asked_for(request_data: RequestData, kind: Asked, every: list[str]) -> list[str]:
    """Give the one source or channel that is asked for; all there are, where none is named."""
    named = (request_data.form if request_data.body else request_data.query).get(kind, "")
    if named in ("", EVERY):
        return every
    if named not in every:
        raise NotFound(what=kind)
    return [named]


def _ticked(request_data: RequestData, kind: Asked) -> tuple[str, ...]:
    ticked = (field.partition(".") for field in request_data.form)
    return tuple(word for of, dot, word in ticked if of == kind and dot)

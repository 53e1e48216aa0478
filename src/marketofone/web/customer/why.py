"""Why a person sees something, what was used for it, and their answer."""

from __future__ import annotations

from starlette.responses import Response

from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Reason
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.outcome import WHY_NOT, WHY_YES, OutcomeFields, Verdict
from marketofone.learn.join import answer
from marketofone.services.decisions.visible import HIDDEN_ACTION
from marketofone.services.rights import history
from marketofone.web import charts, formatting
from marketofone.web.page_renderer import PageRenderer, address, redirect
from marketofone.web.request_data import RequestData


def why(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show why a person sees something, and what was used for it; of a slate at one of its places."""
    bank, slot = renderer.bank, request_data.slot
    told = _own(renderer, request_data, changes=slot == 1)
    made = told.decision
    decision, as_of = made.place(slot), request_data.as_of(bank.calendar, now=bank.now())
    scored = [reason for reason in decision.reasons if reason.term]
    heard = [one for one in history.outcomes_of(bank.context, made) if as_of is None or one.at <= as_of]
    said = answer([one for one in heard if one.place == slot])
    declines = bank.config.compiled.guardrails.declines
    return renderer.page(
        "customer/why.html",
        request_data,
        customer=request_data.path["customer"],
        decision=decision,
        slot=slot,
        slots=made.slots,
        places=[place.action for place in made.places if place.action != NOTHING],
        otherwise=told.otherwise,
        said=said,
        kept_away=None if said is None or said.why_not is None else declines.get(said.why_not),
        scored=scored,
        chart=charts.bars([_bar(reason, currency=bank.config.settings.currency) for reason in scored]),
        why_not=WHY_NOT,
        why_yes=WHY_YES,
    )


def say(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Hear what a person says to a decision: yes, or not for me because; of a slate to one of its places."""
    made, said, slot = (
        _own(renderer, request_data, changes=False).decision,
        request_data.form.get("say", ""),
        request_data.slot,
    )
    decision = made.place(slot)
    yes = said == "yes" or said in WHY_YES
    if not yes and said not in WHY_NOT:
        raise MalformedRequest(field="say", shape="no answer", fix="use the buttons of the page")
    if decision.action in (NOTHING, HIDDEN_ACTION):
        raise MalformedRequest(field="say", shape="an answer to nothing", fix="nothing was shown")
    verdict: Verdict = "accepted" if yes else "declined"
    more: OutcomeFields = {"why": "" if said == "yes" else said}
    if made.slots > 1:
        more["slot"] = slot
    renderer.bank.outcome(decision.id, verdict, customer=decision.customer, **more)
    customer, place = request_data.path["customer"], str(slot) if made.slots > 1 else ""
    return redirect(address("customer", customer, "decisions", decision.id, slot=place) + "#answer")


def _own(renderer: PageRenderer, request_data: RequestData, *, changes: bool) -> history.Explained:
    """Give a person's own decision, and where it is asked for what would have changed it.

    Nobody learns from an address that somebody else's exists. At a moment that is asked about there is none that came
    later.
    """
    bank, path, now = renderer.bank, request_data.path, renderer.bank.now()
    told = history.explained(bank.context, path["decision"], customer=path["customer"], now=now, changes=changes)
    as_of = request_data.as_of(bank.calendar, now=now)
    if as_of is not None and told.decision.at > as_of:
        raise UnknownDecision
    return told


def _bar(reason: Reason, *, currency: str) -> charts.Mark:
    return charts.Mark(
        label=formatting.sentence(reason.text),
        amount=reason.term,
        value=formatting.amount(reason.term, currency=currency, signed=True),
        tone="for" if reason.term > 0 else "against",
    )

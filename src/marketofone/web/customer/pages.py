"""What a customer sees and says: my data, why am I seeing this, what is coming."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from marketofone.consent.ledger import EVERY, ConsentChange, Validity
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision, Reason
from marketofone.domain.decoding import convert
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant, text_of
from marketofone.domain.outcome import WHY_NOT, WHY_YES, OutcomeFields, Verdict
from marketofone.learn.join import answer
from marketofone.models.forecast.spending import Habit
from marketofone.services.decisions.visible import HIDDEN_ACTION
from marketofone.services.rights import history
from marketofone.web import charts, formatting
from marketofone.web.customer.ahead import forecast
from marketofone.web.customer.merchants import correct, merchants
from marketofone.web.page_renderer import Page, PageRenderer, address, redirect
from marketofone.web.request_data import RequestData, moment

LATEST = 8
DRAWN = 8  # categories on the chart: those that changed most
ON = "granted"
# The parts of the page of insights, and which observations stand in each.
SHOWN = {
    "check_in": {"check_in"},
    "standing": {"subscription_new", "subscription_price", "subscription_duplicate", "subscription_ended"},
    "shifts": {"spending_shift"},
    "unusual": {"unusual_amount", "first_seen", "double_charge"},
}


@dataclass(frozen=True)
class Row:
    """One source for one purpose: each channel with how it stands and what was last said about it."""

    source: str
    switches: tuple[tuple[str, str, Validity | None], ...]

    @property
    def state(self) -> str:
        """How the switch of the whole row stands: ``on``, ``off`` or ``partly``."""
        on = sum(state == ON for _, state, _ in self.switches)
        return "on" if on == len(self.switches) else "partly" if on else "off"

    @property
    def since(self) -> Instant | None:
        """When this row was last touched."""
        return max((said.since for _, _, said in self.switches if said), default=None)

    @property
    def until(self) -> Instant | None:
        """When the first channel that is on ends by itself."""
        ends = (said.until for _, state, said in self.switches if said and state == ON)
        return min((end for end in ends if end), default=None)


def my_data(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what may be used for what, how it was used, and what was decided lately."""
    bank, customer, now = renderer.bank, request_data.path["customer"], renderer.bank.now()
    return renderer.page(
        "customer/data.html",
        request_data,
        customer=customer,
        latest=history.recent_decisions(bank.context, customer=customer, limit=LATEST, now=now),
        rows=_rows(renderer, customer, now=now, as_of=request_data.as_of(bank.calendar, now=now)),
        changed=_changed(renderer, request_data.query.get("changed", "")),
        until=moment(request_data.query.get("until"), calendar=bank.calendar, field="until"),
        used=bank.uses(customer),
        licences=bank.consents(customer, now=now).licences,
    )


def switch(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Grant or withdraw: the same single click either way, effective before the page is shown again."""
    customer, said, now = request_data.path["customer"], request_data.form.get("say", ""), renderer.bank.now()
    match said.split(" "):
        case ["grant" | "withdraw" as change, purpose, source, channel]:
            scope = {"purposes": (purpose,), "sources": (source,), "channels": (channel,)}
        case _:
            raise MalformedRequest(field="say", shape="no switch", fix="use the switches of the page")
    told = {"customer": customer, "change": change, "since": now, **scope}
    given = renderer.bank.consent_given(convert(told, of=ConsentChange), now=now)
    until = "" if given.until is None else text_of(given.until)
    anchor = "page" if purpose == EVERY else purpose if source == EVERY else f"{purpose}-{source}"
    return redirect(address("customer", customer, changed=said, until=until) + f"#{anchor}")


def insights(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what a person's own spending says: what comes back, what shifted, what is unusual; or that nobody looked."""
    customer, now = request_data.path["customer"], renderer.bank.now()
    seen = renderer.bank.spending(customer, now=now, as_of=request_data.as_of(renderer.bank.calendar, now=now))
    return renderer.page(
        "customer/insights.html",
        request_data,
        customer=customer,
        seen=seen,
        shown={name: [one for one in seen.insights if one.name in names] for name, names in SHOWN.items()},
        chart=charts.bars([_habit(of, currency=seen.currency) for of in seen.habits[:DRAWN]]),
    )


def why(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show why a person sees something, and what was used for it; of a slate at one of its places."""
    made, bank, slot = _own(renderer, request_data), renderer.bank, request_data.slot
    decision = made.place(slot)
    scored = [reason for reason in decision.reasons if reason.term]
    said = answer([one for one in history.outcomes_of(bank.context, made) if one.place == slot])
    declines = bank.config.compiled.guardrails.declines
    return renderer.page(
        "customer/why.html",
        request_data,
        customer=request_data.path["customer"],
        decision=decision,
        slot=slot,
        slots=made.slots,
        places=[place.action for place in made.places if place.action != NOTHING],
        otherwise=bank.otherwise(made.id, customer=made.customer) if made.candidates and slot == 1 else None,
        said=said,
        kept_away=None if said is None or said.why_not is None else declines.get(said.why_not),
        scored=scored,
        chart=charts.bars([_bar(reason, currency=bank.config.settings.currency) for reason in scored]),
        why_not=WHY_NOT,
        why_yes=WHY_YES,
    )


def say(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Hear what a person says to a decision: yes, or not for me because; of a slate to one of its places."""
    made, said, slot = _own(renderer, request_data), request_data.form.get("say", ""), request_data.slot
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


def _own(renderer: PageRenderer, request_data: RequestData) -> Decision:
    """Give a person's own decision; nobody learns from an address that somebody else's exists."""
    bank, path = renderer.bank, request_data.path
    return history.shown_decision(bank.context, path["decision"], customer=path["customer"], now=bank.now())


def _habit(of: Habit, *, currency: str) -> charts.Mark:
    change = of.now_minor - of.usual_minor
    return charts.Mark(
        label=formatting.sentence(of.category.replace("_", " ")),
        amount=change,
        value=formatting.amount(change, currency=currency, signed=True),
        tone="for" if of.shifted else "calm",
    )


def _bar(reason: Reason, *, currency: str) -> charts.Mark:
    return charts.Mark(
        label=formatting.sentence(reason.text),
        amount=reason.term,
        value=formatting.amount(reason.term, currency=currency, signed=True),
        tone="for" if reason.term > 0 else "against",
    )


def _rows(renderer: PageRenderer, customer: str, *, now: Instant, as_of: Instant | None) -> dict[str, list[Row]]:
    """Give the rows of every purpose; those that nobody can switch have none."""
    policy = renderer.bank.config.policy
    consents = history.consents_of(renderer.bank.context, customer, as_of=as_of)
    moment = now if as_of is None else as_of
    rows: dict[str, list[Row]] = {purpose: [] for purpose in policy.purposes}
    for (purpose, source), scopes in groupby(policy.scopes(), key=lambda scope: (scope.purpose, scope.source)):
        switches = ((scope.channel, consents.state(scope, moment), consents.validity(scope)) for scope in scopes)
        rows[purpose].append(Row(source, tuple(switches)))
    return rows


def _changed(renderer: PageRenderer, text: str) -> list[str] | None:
    """Read what a redirect says was just changed; only words of the policy pass."""
    policy, said = renderer.bank.config.policy, text.split(" ")
    known = {"grant", "withdraw", EVERY, *policy.purposes, *policy.sources, *policy.channels}
    return said if len(said) == len(("change", "purpose", "source", "channel")) and known.issuperset(said) else None


PAGES = (
    Page("GET", "/customer/{customer}", my_data),
    Page("POST", "/customer/{customer}/consents", switch),
    Page("GET", "/customer/{customer}/forecast", forecast),
    Page("GET", "/customer/{customer}/insights", insights),
    Page("GET", "/customer/{customer}/merchants", merchants),
    Page("POST", "/customer/{customer}/merchants", correct),
    Page("GET", "/customer/{customer}/decisions/{decision}", why),
    Page("POST", "/customer/{customer}/decisions/{decision}/answer", say),
)

"""What a customer sees and says: my data, why am I seeing this, what is coming."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import msgspec
from starlette.responses import Response

from marketofone.consent.ledger import EVERY, ConsentChange, Validity
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision, Reason
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.moment import Instant
from marketofone.flow import history
from marketofone.learn.join import answer
from marketofone.models.forecast.spending import Habit
from marketofone.web import charts, words
from marketofone.web.customer.ahead import forecast
from marketofone.web.desk import Desk, Page, address, redirect
from marketofone.web.visit import Visit

# What people may say with one click when something is not for them.
WHY_NOT = ("not now", "not useful to me", "you are wrong about me", "too often")
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


def my_data(desk: Desk, visit: Visit) -> Response:
    """Show what may be used for what, how it was used, and what was decided lately."""
    bank, customer = desk.bank, visit.path["customer"]
    return desk.page(
        "customer/data.html",
        visit,
        customer=customer,
        latest=history.recent_decisions(bank.kit, customer=customer, limit=LATEST),
        rows=_rows(desk, customer, now=visit.moment(bank.calendar) or bank.now()),
        changed=_changed(desk, visit.query.get("changed", "")),
        used=bank.uses(customer),
    )


def switch(desk: Desk, visit: Visit) -> Response:
    """Grant or withdraw: the same single click either way, effective before the page is shown again."""
    customer, said, now = visit.path["customer"], visit.form.get("say", ""), desk.bank.now()
    match said.split(" "):
        case ["grant" | "withdraw" as change, purpose, source, channel]:
            cell = {"purposes": (purpose,), "sources": (source,), "channels": (channel,)}
        case _:
            raise MalformedRequest(field="say", shape="no switch", mend="use the switches of the page")
    told = {"customer": customer, "change": change, "since": now, **cell}
    desk.bank.consent(msgspec.convert(told, ConsentChange), now=now)
    anchor = "page" if purpose == EVERY else purpose if source == EVERY else f"{purpose}-{source}"
    return redirect(address("customer", customer, changed=said) + f"#{anchor}")


def insights(desk: Desk, visit: Visit) -> Response:
    """Show what a person's own spending says: what comes back, what shifted, what is unusual; or that nobody looked."""
    customer = visit.path["customer"]
    seen = desk.bank.spending(customer, now=visit.moment(desk.bank.calendar))
    return desk.page(
        "customer/insights.html",
        visit,
        customer=customer,
        seen=seen,
        shown={name: [one for one in seen.insights if one.name in names] for name, names in SHOWN.items()},
        chart=charts.bars([_habit(of, currency=seen.currency) for of in seen.habits[:DRAWN]]),
    )


def why(desk: Desk, visit: Visit) -> Response:
    """Show why a person sees something, and what was used for it."""
    decision, bank = _own(desk, visit), desk.bank
    scored = [reason for reason in decision.because if reason.term]
    return desk.page(
        "customer/why.html",
        visit,
        customer=visit.path["customer"],
        decision=decision,
        said=answer(history.outcomes_of(bank.kit, decision)),
        scored=scored,
        chart=charts.bars([_bar(reason, currency=bank.kit.book.settings.currency) for reason in scored]),
        why_not=WHY_NOT,
    )


def say(desk: Desk, visit: Visit) -> Response:
    """Hear what a person says to a decision: yes, or not for me because."""
    decision, said = _own(desk, visit), visit.form.get("say", "")
    if said != "yes" and said not in WHY_NOT:
        raise MalformedRequest(field="say", shape="no answer", mend="use the buttons of the page")
    if decision.action == NOTHING:
        raise MalformedRequest(field="say", shape="an answer to nothing", mend="nothing was shown")
    yes = said == "yes"
    desk.bank.outcome(decision.id, "accepted" if yes else "declined", why="" if yes else said)
    return redirect(address("customer", visit.path["customer"], "decisions", decision.id) + "#answer")


def _own(desk: Desk, visit: Visit) -> Decision:
    decision = desk.bank.decision(visit.path["decision"])
    if decision.customer != visit.path["customer"]:
        raise UnknownDecision  # nobody learns from an address that somebody else's decision exists
    return decision


def _habit(of: Habit, *, currency: str) -> charts.Mark:
    change = of.now_minor - of.usual_minor
    return charts.Mark(
        label=words.sentence(of.category.replace("_", " ")),
        amount=change,
        value=words.amount(change, currency=currency, signed=True),
        tone="for" if of.shifted else "calm",
    )


def _bar(reason: Reason, *, currency: str) -> charts.Mark:
    return charts.Mark(
        label=words.sentence(reason.text),
        amount=reason.term,
        value=words.amount(reason.term, currency=currency, signed=True),
        tone="for" if reason.term > 0 else "against",
    )


def _rows(desk: Desk, customer: str, *, now: Instant) -> dict[str, list[Row]]:
    """Give the rows of every purpose; those that nobody can switch have none."""
    policy = desk.bank.kit.book.policy
    consents = history.consents_of(desk.bank.kit, customer)
    rows: dict[str, list[Row]] = {purpose: [] for purpose in policy.purposes}
    for (purpose, source), cells in groupby(policy.cells(), key=lambda cell: (cell.purpose, cell.source)):
        switches = ((cell.channel, consents.state(cell, now), consents.validity(cell, now)) for cell in cells)
        rows[purpose].append(Row(source, tuple(switches)))
    return rows


def _changed(desk: Desk, text: str) -> list[str] | None:
    """Read what a redirect says was just changed; only words of the policy pass."""
    policy, said = desk.bank.kit.book.policy, text.split(" ")
    known = {"grant", "withdraw", EVERY, *policy.purposes, *policy.sources, *policy.channels}
    return said if len(said) == len(("change", "purpose", "source", "channel")) and known.issuperset(said) else None


PAGES = (
    Page("GET", "/customer/{customer}", my_data),
    Page("POST", "/customer/{customer}/consents", switch),
    Page("GET", "/customer/{customer}/forecast", forecast),
    Page("GET", "/customer/{customer}/insights", insights),
    Page("GET", "/customer/{customer}/decisions/{decision}", why),
    Page("POST", "/customer/{customer}/decisions/{decision}/answer", say),
)

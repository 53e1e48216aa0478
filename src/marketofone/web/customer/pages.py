"""What a customer sees and says: my data, why am I seeing this, what is coming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.consent.policy import Purpose
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision, Reason
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.moment import Instant
from marketofone.flow import history
from marketofone.flow.rights import Use
from marketofone.learn.join import answer
from marketofone.web import charts, words
from marketofone.web.bankface import action_of
from marketofone.web.customer.ahead import forecast
from marketofone.web.desk import Desk, Page, address, redirect
from marketofone.web.visit import Visit

# What people may say with one click when something is not for them.
WHY_NOT = ("not now", "not useful to me", "you are wrong about me", "too often")
LATEST = 8
ON = "granted"


@dataclass(frozen=True)
class Switch:
    """One channel of one source for one purpose: how it stands, since and until when."""

    channel: str
    state: str
    since: Instant | None
    until: Instant | None


@dataclass(frozen=True)
class Row:
    """One source for one purpose over all channels: ``on``, ``off`` or ``partly``."""

    source: str
    switches: tuple[Switch, ...]

    @property
    def state(self) -> str:
        """How the switch of the whole row stands."""
        on = sum(switch.state == ON for switch in self.switches)
        return "on" if on == len(self.switches) else "partly" if on else "off"

    @property
    def since(self) -> Instant | None:
        """When this row was last touched."""
        return max((switch.since for switch in self.switches if switch.since is not None), default=None)

    @property
    def until(self) -> Instant | None:
        """When the first channel that is on ends by itself."""
        return min((switch.until for switch in self.switches if switch.state == ON and switch.until), default=None)


@dataclass(frozen=True)
class Section:
    """One purpose with its rows."""

    name: str
    purpose: Purpose
    rows: tuple[Row, ...]


def my_data(desk: Desk, visit: Visit) -> Response:
    """Show what may be used for what, how it was used, and what was decided lately."""
    bank, customer = desk.bank, visit.path["customer"]
    now = visit.moment(bank.calendar) or bank.now()
    latest = history.recent_decisions(bank.kit, customer=customer, limit=LATEST)
    used = bank.uses(customer)
    return desk.page(
        "customer/data.html",
        visit,
        customer=customer,
        sections=_sections(desk, customer, now=now),
        changed=_changed(desk, visit.query.get("changed", "")),
        latest=[(decision, action_of(bank, decision.action)) for decision in latest],
        days=[(day, _by_purpose(list(lines))) for day, lines in groupby(used, key=lambda use: use.day)],
    )


def switch(desk: Desk, visit: Visit) -> Response:
    """Grant or withdraw: the same single click either way, effective before the page is shown again."""
    customer, form = visit.path["customer"], visit.form
    change, _, cell = form.get("say", "").partition(" ")
    names = cell.split(" ")
    if change not in ("grant", "withdraw") or len(names) != len(("purpose", "source", "channel")):
        raise MalformedRequest(field="say", shape="no switch", mend="use the switches of the page")
    purpose, source, channel = names
    now = desk.bank.now()
    desk.bank.consent(
        ConsentChange(
            customer=customer,
            change="grant" if change == "grant" else "withdraw",
            purposes=(purpose,),
            sources=(source,),
            channels=(channel,),
            since=now,
        ),
        now=now,
    )
    anchor = "page" if purpose == EVERY else purpose if source == EVERY else f"{purpose}-{source}"
    return redirect(address("customer", customer, changed=f"{change} {purpose} {source} {channel}") + f"#{anchor}")


def why(desk: Desk, visit: Visit) -> Response:
    """Show why a person sees something, and what was used for it."""
    decision = _own(desk, visit)
    bank = desk.bank
    scored = [reason for reason in decision.because if reason.term]
    instead = None if decision.instead is None else action_of(bank, decision.instead.action)
    return desk.page(
        "customer/why.html",
        visit,
        customer=visit.path["customer"],
        decision=decision,
        action=action_of(bank, decision.action),
        said=answer(history.outcomes_of(bank.kit, decision)),
        conditions=[reason for reason in decision.because if not reason.term],
        scored=scored,
        total=sum(reason.term for reason in scored),
        chart=charts.bars([_bar(reason, currency=bank.kit.book.settings.currency) for reason in scored]),
        instead=instead,
        options=sum(candidate.stage in ("scored", "chosen") for candidate in decision.candidates),
        why_not=WHY_NOT,
    )


def say(desk: Desk, visit: Visit) -> Response:
    """Hear what a person says to a decision: yes, or not for me because."""
    decision, said = _own(desk, visit), visit.form.get("say", "")
    if said != "yes" and said not in WHY_NOT:
        raise MalformedRequest(field="say", shape="no answer", mend="use the buttons of the page")
    if decision.action == NOTHING:
        raise MalformedRequest(field="say", shape="an answer to nothing", mend="nothing was shown")
    if said == "yes":
        desk.bank.outcome(decision.id, "accepted")
    else:
        desk.bank.outcome(decision.id, "declined", why=said)
    return redirect(address("customer", visit.path["customer"], "decisions", decision.id) + "#answer")


def _own(desk: Desk, visit: Visit) -> Decision:
    decision = desk.bank.decision(visit.path["decision"])
    if decision.customer != visit.path["customer"]:
        raise UnknownDecision  # nobody learns from an address that somebody else's decision exists
    return decision


def _bar(reason: Reason, *, currency: str) -> charts.Mark:
    return charts.Mark(
        label=words.sentence(reason.text),
        amount=reason.term,
        value=words.amount(reason.term, currency=currency, signed=True),
        tone="for" if reason.term > 0 else "against",
    )


def _sections(desk: Desk, customer: str, *, now: Instant) -> list[Section]:
    policy = desk.bank.kit.book.policy
    consents = history.consents_of(desk.bank.kit, customer)
    switches: dict[tuple[str, str], list[Switch]] = {}
    for cell in policy.cells():
        validity = consents.validity(cell, now)
        switches.setdefault((cell.purpose, cell.source), []).append(
            Switch(
                channel=cell.channel,
                state=consents.state(cell, now),
                since=None if validity is None else validity.since,
                until=None if validity is None else validity.until,
            )
        )
    return [
        Section(
            name=name,
            purpose=purpose,
            rows=tuple(
                Row(source=source, switches=tuple(switches[of, source])) for of, source in switches if of == name
            ),
        )
        for name, purpose in policy.purposes.items()
    ]


def _changed(desk: Desk, text: str) -> tuple[str, ...] | None:
    """Read what a redirect says was just changed; only words of the policy pass."""
    policy, parts = desk.bank.kit.book.policy, tuple(text.split(" "))
    match parts:
        case ("grant" | "withdraw", purpose, source, channel) if (
            purpose in (EVERY, *policy.purposes)
            and source in (EVERY, *policy.sources)
            and channel in (EVERY, *policy.channels)
        ):
            return parts
        case _:
            return None


def _by_purpose(uses: Sequence[Use]) -> list[tuple[str, list[Use]]]:
    return [(purpose, list(lines)) for purpose, lines in groupby(uses, key=lambda use: use.purpose)]


PAGES = (
    Page("GET", "/customer/{customer}", my_data),
    Page("POST", "/customer/{customer}/consents", switch),
    Page("GET", "/customer/{customer}/forecast", forecast),
    Page("GET", "/customer/{customer}/decisions/{decision}", why),
    Page("POST", "/customer/{customer}/decisions/{decision}/answer", say),
)

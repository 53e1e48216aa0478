"""What staff see: counts, decisions traced to their outcome, the review board's rulings, impact.

Staff are not authenticated yet; every page says so, and the server listens on loopback only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.decision import Candidate
from marketofone.domain.fields import Text
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.board import APPROVAL_DAYS, Ruling
from marketofone.governance.tiers import Tier
from marketofone.services.rights import history
from marketofone.web import charts, formatting
from marketofone.web.console import customer
from marketofone.web.console.cases import answer, cases
from marketofone.web.console.data import data
from marketofone.web.console.gates import gates
from marketofone.web.console.impact import impact
from marketofone.web.page_renderer import Page, PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

RECENT = 50
DRAWN = 12  # scored candidates that the chart shows; the table shows all
GATES = (
    ("Eligible", "not_eligible"),
    ("Permitted", "not_permitted"),
    ("Within guardrails", "guarded"),
    ("Approved by the board", "not_approved"),
)


def home(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Tell visitors where the doors are."""
    return renderer.page("home.html", request_data)


def console(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show counts and the newest decisions."""
    decisions = history.recent_decisions(renderer.bank.context, customer=None, limit=RECENT, now=renderer.bank.now())
    counts = sorted(renderer.bank.counts().items())
    return renderer.page("console/home.html", request_data, counts=counts, decisions=decisions)


def board(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show how every action stands with the review board, with the forms to rule."""
    now = renderer.bank.now()
    standings = renderer.bank.board(now=now, as_of=request_data.as_of(renderer.bank.calendar, now=now))
    standings.sort(key=lambda standing: (-standing.tier, standing.action))
    return renderer.page("console/board.html", request_data, standings=standings, tiers=Tier, days=APPROVAL_DAYS)


class Ruled(Struct, frozen=True):
    """What the form of the board says."""

    ruling: Literal["approve", "stop", "resume"]
    action: str
    by: Text


def rule(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Record a ruling of the board; the next decision follows it."""
    said, now = request_data.fill_in(Ruled), renderer.bank.now()
    until = Instant(now + APPROVAL_DAYS * DAY) if said.ruling == "approve" else None
    renderer.bank.rule(Ruling(ruling=said.ruling, scope=said.action, by=said.by, at=now, until=until))
    return redirect(address("console", "board") + f"#{said.action}")


def trace(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Trace one decision from its candidates through gates, scores and draw to the outcome; of a slate one place."""
    bank = renderer.bank
    made = history.shown_decision(
        bank.context, request_data.path["decision"], customer=request_data.customer, now=bank.now()
    )
    decision = made.place(request_data.slot)
    scored = [candidate for candidate in decision.candidates if candidate.stage in ("scored", "chosen")]
    scored.sort(key=lambda candidate: (candidate.stage != "chosen", -candidate.draw))
    passed = _gates(list(decision.candidates))
    return renderer.page(
        "console/trace.html",
        request_data,
        decision=decision,
        slot=request_data.slot,
        slots=made.slots,
        places=[place.action for place in made.places],
        gates=passed,
        funnel=charts.bars([charts.Mark(label, left, f"{left:,}", "for") for label, left, _ in passed]),
        scored=scored,
        shown=min(DRAWN, len(scored)),
        whiskers_chart=charts.whiskers([_whisker(renderer, candidate) for candidate in scored[:DRAWN]]),
        stages={stage: label for label, stage in GATES},
        outcomes=history.outcomes_of(renderer.bank.context, made),
    )


def _gates(candidates: Sequence[Candidate]) -> list[tuple[str, int, int]]:
    """Give, gate by gate, its name, how many are left behind it and how many it stopped."""
    left = len(candidates)
    found = [("Considered", left, 0)]
    for label, stage in GATES:
        stopped = sum(candidate.stage == stage for candidate in candidates)
        left -= stopped
        found.append((label, left, stopped))
    return [*found, ("Chosen", 1, left - 1)]


def _whisker(renderer: PageRenderer, candidate: Candidate) -> charts.Mark:
    currency = renderer.bank.config.settings.currency
    return charts.Mark(
        label=formatting.action_of(candidate.action, catalogue=renderer.bank.catalogue).title,
        amount=candidate.mean,
        spread=candidate.spread,
        draw=candidate.draw,
        value=formatting.amount(candidate.draw, currency=currency, signed=True),
        tone="for" if candidate.stage == "chosen" else "calm",
    )


PAGES = (
    Page("GET", "/", home),
    Page("GET", "/console", console),
    Page("GET", "/console/board", board),
    Page("POST", "/console/board", rule),
    Page("GET", "/console/cases", cases),
    Page("POST", "/console/cases", answer),
    Page("GET", "/console/impact", impact),
    Page("GET", "/console/gates", gates),
    Page("GET", "/console/data", data),
    Page("GET", "/console/decisions/{decision}", trace),
    Page("GET", "/console/customers/{customer}", customer.ask),
    Page("POST", "/console/customers/{customer}", customer.look),
)

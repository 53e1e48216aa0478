"""What staff see: counts, decisions traced to their outcome, the review board's rulings, impact.

Staff are not authenticated yet; every page says so, and the server listens on loopback only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.decision import Candidate
from marketofone.domain.event import Text
from marketofone.domain.moment import DAY, Instant
from marketofone.flow import history
from marketofone.governance.board import APPROVAL_DAYS, Ruling
from marketofone.governance.tiers import Tier
from marketofone.web import charts, words
from marketofone.web.desk import Desk, Page, address, redirect
from marketofone.web.visit import Visit

RECENT = 50
DRAWN = 12  # scored candidates that the chart shows; the table shows all
GATES = (
    ("Eligible", "not_eligible"),
    ("Permitted", "not_permitted"),
    ("Within guardrails", "guarded"),
    ("Approved by the board", "not_approved"),
)


def home(desk: Desk, visit: Visit) -> Response:
    """Tell visitors where the doors are, and take a customer's id to their page."""
    customer = visit.query.get("customer", "").strip()
    if customer:
        return redirect(address("customer", customer))
    return desk.page("home.html", visit)


def console(desk: Desk, visit: Visit) -> Response:
    """Show counts and the newest decisions."""
    decisions = history.recent_decisions(desk.bank.kit, customer=None, limit=RECENT)
    counts = sorted(desk.bank.counts().items())
    return desk.page("console/home.html", visit, counts=counts, decisions=decisions)


def board(desk: Desk, visit: Visit) -> Response:
    """Show how every action stands with the review board, with the forms to rule."""
    standings = desk.bank.board(now=visit.moment(desk.bank.calendar))
    standings.sort(key=lambda standing: (-standing.tier, standing.action))
    return desk.page("console/board.html", visit, standings=standings, tiers=Tier, days=APPROVAL_DAYS)


class Ruled(Struct, frozen=True):
    """What the form of the board says."""

    ruling: Literal["approve", "stop", "resume"]
    action: str
    by: Text


def rule(desk: Desk, visit: Visit) -> Response:
    """Record a ruling of the board; the next decision follows it."""
    said, now = visit.fill_in(Ruled), desk.bank.now()
    until = Instant(now + APPROVAL_DAYS * DAY) if said.ruling == "approve" else None
    desk.bank.rule(Ruling(ruling=said.ruling, scope=said.action, by=said.by, at=now, until=until))
    return redirect(address("console", "board") + f"#{said.action}")


def impact(desk: Desk, visit: Visit) -> Response:
    """Show what the policy is worth against the random control group."""
    return desk.page("console/impact.html", visit, impact=desk.bank.impact())


def trace(desk: Desk, visit: Visit) -> Response:
    """Trace one decision from its candidates through gates, scores and draw to the outcome."""
    decision = desk.bank.decision(visit.path["decision"])
    scored = [candidate for candidate in decision.candidates if candidate.stage in ("scored", "chosen")]
    scored.sort(key=lambda candidate: (candidate.stage != "chosen", -candidate.draw))
    gates = _gates(decision.candidates)
    return desk.page(
        "console/trace.html",
        visit,
        decision=decision,
        gates=gates,
        funnel=charts.bars([charts.Mark(label, left, f"{left:,}", "for") for label, left, _ in gates]),
        scored=scored,
        shown=min(DRAWN, len(scored)),
        whiskers_chart=charts.whiskers([_whisker(desk, candidate) for candidate in scored[:DRAWN]]),
        stages={stage: label for label, stage in GATES},
        outcomes=history.outcomes_of(desk.bank.kit, decision),
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


def _whisker(desk: Desk, candidate: Candidate) -> charts.Mark:
    currency = desk.bank.kit.book.settings.currency
    return charts.Mark(
        label=words.action_of(candidate.action, catalogue=desk.bank.catalogue).title,
        amount=candidate.mean,
        spread=candidate.spread,
        draw=candidate.draw,
        value=words.amount(candidate.draw, currency=currency, signed=True),
        tone="for" if candidate.stage == "chosen" else "calm",
    )


PAGES = (
    Page("GET", "/", home),
    Page("GET", "/console", console),
    Page("GET", "/console/board", board),
    Page("POST", "/console/board", rule),
    Page("GET", "/console/impact", impact),
    Page("GET", "/console/decisions/{decision}", trace),
)

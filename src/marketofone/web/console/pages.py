"""What staff see: counts, decisions traced to their outcome, the review board's rulings, impact.

Staff are not authenticated yet; every page says so, and the server listens on loopback only.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from marketofone.domain.decision import Candidate
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant
from marketofone.flow import history
from marketofone.governance.board import APPROVAL_DAYS, Ruling
from marketofone.governance.tiers import Tier
from marketofone.web import charts, words
from marketofone.web.bankface import action_of
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
    return desk.page(
        "console/home.html",
        visit,
        counts=[(_counted(name), count) for name, count in sorted(desk.bank.counts().items())],
        decisions=[(decision, action_of(desk.bank, decision.action)) for decision in decisions],
    )


def board(desk: Desk, visit: Visit) -> Response:
    """Show how every action stands with the review board, with the forms to rule."""
    standings = desk.bank.board(now=visit.moment(desk.bank.calendar))
    standings.sort(key=lambda standing: (-standing.tier, standing.action))
    return desk.page("console/board.html", visit, standings=standings, tiers=Tier, days=APPROVAL_DAYS)


def rule(desk: Desk, visit: Visit) -> Response:
    """Record a ruling of the board; the next decision follows it."""
    form, now = visit.form, desk.bank.now()
    ruling, by = form.get("ruling", ""), form.get("by", "").strip()
    if not by or len(by) > 200:  # noqa: PLR2004 - as long as a text may be
        raise MalformedRequest(field="by", shape=f"text of {len(by)} characters", mend="say who rules")
    scope = desk.bank.kit.book.actions.action(form.get("action", "")).id
    match ruling:
        case "approve":
            desk.bank.rule(Ruling(ruling=ruling, scope=scope, by=by, at=now, until=Instant(now + APPROVAL_DAYS * DAY)))
        case "stop" | "resume":
            desk.bank.rule(Ruling(ruling=ruling, scope=scope, by=by, at=now))
        case _:
            raise MalformedRequest(field="ruling", shape="unknown", mend="approve, stop or resume")
    return redirect(address("console", "board") + f"#{scope}")


def impact(desk: Desk, visit: Visit) -> Response:
    """Show what the policy is worth against the random control group."""
    return desk.page("console/impact.html", visit, impact=desk.bank.impact())


def trace(desk: Desk, visit: Visit) -> Response:
    """Trace one decision from its candidates through gates, scores and draw to the outcome."""
    bank = desk.bank
    decision = bank.decision(visit.path["decision"])
    scored = [candidate for candidate in decision.candidates if candidate.stage in ("scored", "chosen")]
    scored.sort(key=lambda candidate: (candidate.stage != "chosen", -candidate.draw))
    stopped = [candidate for candidate in decision.candidates if candidate.stage not in ("scored", "chosen")]
    return desk.page(
        "console/trace.html",
        visit,
        decision=decision,
        action=action_of(bank, decision.action),
        titles={candidate.action: action_of(bank, candidate.action).title for candidate in decision.candidates},
        gates=(gates := _gates(decision.candidates)),
        funnel=charts.bars([charts.Mark(label, left, f"{left:,}", "for") for label, left, _ in gates]),
        scored=scored,
        shown=min(DRAWN, len(scored)),
        whiskers_chart=charts.whiskers([_whisker(desk, candidate) for candidate in scored[:DRAWN]]),
        stages={stage: label for label, stage in GATES},
        stopped=stopped,
        outcomes=history.outcomes_of(bank.kit, decision),
    )


def _counted(name: str) -> str:
    """Say what was counted: ``events.admitted`` as "events admitted", ``entries.decision`` as "decision entries"."""
    what, _, kind = name.partition(".")
    if what == "entries":
        return f"{kind} entries"
    return {"letters": "dead letters"}.get(name, f"{what} {kind}".strip())


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
        label=action_of(desk.bank, candidate.action).title,
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

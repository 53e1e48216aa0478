"""One decision, traced by staff for a reason that is written down first and that the customer sees."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from marketofone.domain.decision import Candidate
from marketofone.services.rights import history
from marketofone.web import charts, formatting
from marketofone.web.console.reasons import REASONS, Looked, looking
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData

DRAWN = 12  # scored candidates that the chart shows; the table shows all
GATES = (
    ("Eligible", "not_eligible"),
    ("Permitted", "not_permitted"),
    ("Within guardrails", "guarded"),
    ("Approved by the board", "not_approved"),
)


def ask(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Ask why somebody of the staff traces a decision; nothing of it is shown or read yet."""
    return renderer.page(
        "console/trace.html",
        request_data,
        decision_id=request_data.path["decision"],
        customer=request_data.customer,
        slot=request_data.slot,
        reasons=REASONS,
        looked=None,
    )


def look(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Trace one decision from its candidates through gates, scores and draw to the outcome; of a slate one place.

    The use that it leaves names who looked, and why.
    """
    said, bank = request_data.fill_in(Looked), renderer.bank
    context = looking(bank.context, said)
    made = history.shown_decision(
        context, request_data.path["decision"], customer=request_data.customer, now=bank.now()
    )
    decision = made.place(request_data.slot)
    scored = [candidate for candidate in decision.candidates if candidate.stage in ("scored", "chosen")]
    scored.sort(key=lambda candidate: (candidate.stage != "chosen", -candidate.draw))
    passed = _gates(list(decision.candidates))
    return renderer.page(
        "console/trace.html",
        request_data,
        decision_id=decision.id,
        customer=decision.customer,
        reasons=REASONS,
        looked=said,
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
        outcomes=history.outcomes_of(context, made),
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

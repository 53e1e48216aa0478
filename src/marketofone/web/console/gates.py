"""The page of the gates: the funnel of a period, action by action with reasons, and who got nothing."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from marketofone.decide.funnel import NOT_ASKED, Funnel, UnservedGate
from marketofone.decide.gates import GATES, Gate
from marketofone.services.rights.funnel_service import MOST_DAYS, count_funnel
from marketofone.web import charts
from marketofone.web.console.impact import ASSIGNMENTS, MONEY_LEFT
from marketofone.web.console.reasons import REASONS, Looked, looking
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData

TITLES: dict[Gate, str] = {
    "eligible": "Eligible",
    "applicable": "Applicable now",
    "suitable": "Suitable for the person",
    "permitted": "Permitted",
    "guarded": "Within guardrails",
    "approved": "Approved by the board",
    "scored": "Scored",
    "chosen": "Chosen",
}
STOPPED: dict[UnservedGate, str] = {
    NOT_ASKED: "Nobody asked",
    "eligible": "Nothing was eligible",
    "applicable": "Too late, or told already",
    "suitable": "Not suitable",
    "permitted": "Not permitted",
    "guarded": "Stopped by a guardrail",
    "approved": "Not approved by the board",
    "scored": "Not scored",
    "chosen": "Something passed, and was never worth it",
}


def gates(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show how far actions came for people, why they came no further, and for how many nothing was chosen."""
    return _page(renderer, request_data, looked=None)


def unserved(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show the same, and for whom nothing was chosen; the use that each leaves names who looked, and why."""
    return _page(renderer, request_data, looked=request_data.fill_in(Looked))


def _page(renderer: PageRenderer, request_data: RequestData, *, looked: Looked | None) -> Response:
    bank = renderer.bank
    now, days = bank.now(), request_data.days
    as_of = request_data.as_of(bank.calendar, now=now)
    context = bank.context if looked is None else looking(bank.context, looked)
    found = count_funnel(context, days=days, now=now, as_of=as_of, lists_people=looked is not None)
    return renderer.page(
        "console/gates.html",
        request_data,
        found=found,
        days=days,
        looked=looked,
        reasons=REASONS,
        asked_as_of=request_data.query.get("as_of", ""),
        most_days=MOST_DAYS,
        gates=GATES,
        titles=TITLES,
        stopped_titles=STOPPED,
        unserved=_unserved(found),
        funnel_chart=_bars([("Considered", found.pairs), *((TITLES[of.gate], of.passed) for of in found.gates)], "for"),
        unserved_chart=_bars(((STOPPED[gate], n) for gate, n in _unserved(found)), "against"),
        groups=[
            *(("Money left", MONEY_LEFT[of.group], of) for of in found.by_money),
            *(("Chosen by", ASSIGNMENTS[of.group], of) for of in found.by_assignment),
        ],
    )


def _unserved(found: Funnel) -> list[tuple[UnservedGate, int]]:
    return [(gate, found.unserved[gate]) for gate in STOPPED if gate in found.unserved]


def _bars(counted: Iterable[tuple[str, int]], tone: str) -> charts.Rows:
    return charts.bars([charts.Mark(label, n, f"{n:,}", tone) for label, n in counted])

"""What staff see: counts, decisions traced to their outcome, the review board's rulings, impact.

Staff are not authenticated yet; every page says so, and the server listens on loopback only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from marketofone.domain.decision import Decision
from marketofone.domain.fields import Text
from marketofone.domain.moment import DAY, Instant
from marketofone.governance.board import APPROVAL_DAYS, Ruling
from marketofone.governance.tiers import Tier
from marketofone.services.rights import history
from marketofone.web.console import customer, trace
from marketofone.web.console.cases import answer, cases
from marketofone.web.console.data import data
from marketofone.web.console.gates import gates, unserved
from marketofone.web.console.impact import impact
from marketofone.web.console.reasons import REASONS, Looked, looking
from marketofone.web.page_renderer import Page, PageRenderer, address, redirect
from marketofone.web.request_data import RequestData

RECENT = 50


def home(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Tell visitors where the doors are."""
    return renderer.page("home.html", request_data)


def console(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show counts, and lead to a customer; people stand here only for a reason that is said first."""
    if request_data.customer:
        return redirect(address("console", "customers", request_data.customer))
    return _home(renderer, request_data, decisions=(), looked=None)


def newest(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show the newest decisions of all customers; the use that each leaves names who looked, and why."""
    said, bank = request_data.fill_in(Looked), renderer.bank
    context = looking(bank.context, said)
    decisions = history.recent_decisions(context, customer=None, limit=RECENT, now=bank.now())
    return _home(renderer, request_data, decisions=decisions, looked=said)


def _home(
    renderer: PageRenderer, request_data: RequestData, *, decisions: Sequence[Decision], looked: Looked | None
) -> Response:
    counts = sorted(renderer.bank.counts().items())
    return renderer.page(
        "console/home.html", request_data, counts=counts, decisions=decisions, reasons=REASONS, looked=looked
    )


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


PAGES = (
    Page("GET", "/", home),
    Page("GET", "/console", console),
    Page("POST", "/console", newest),
    Page("GET", "/console/board", board),
    Page("POST", "/console/board", rule),
    Page("GET", "/console/cases", cases),
    Page("POST", "/console/cases", answer),
    Page("GET", "/console/impact", impact),
    Page("GET", "/console/gates", gates),
    Page("POST", "/console/gates", unserved),
    Page("GET", "/console/data", data),
    Page("GET", "/console/decisions/{decision}", trace.ask),
    Page("POST", "/console/decisions/{decision}", trace.look),
    Page("GET", "/console/customers/{customer}", customer.ask),
    Page("POST", "/console/customers/{customer}", customer.look),
)

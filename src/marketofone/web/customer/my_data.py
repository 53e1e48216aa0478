"""My data: one screen that says what was used this month, what is on, and how to stop it."""

from __future__ import annotations

from starlette.responses import Response

from marketofone.consent.ledger import PAUSE_DAYS
from marketofone.domain.languages import message
from marketofone.domain.moment import Calendar, Day, Instant, date_of, day_in_month, month_of
from marketofone.services.rights import first_consent, history, purposes, use_log
from marketofone.services.rights.use_log import UsesOfPeriod
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData

LATEST = 3
NAMED = 3  # sources that the sentence names
_MORE = message("%(number)s more sources")


def my_data(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show in one sentence what was used, what is on by purpose, and what was decided lately."""
    bank, customer, now = renderer.bank, request_data.path["customer"], renderer.bank.now()
    as_of = request_data.as_of(bank.calendar, now=now)
    moment = now if as_of is None else as_of
    standing = purposes.purposes(bank.context, customer, now=now, as_of=as_of)
    seen = use_log.uses_of_period(
        bank.context, customer, since=month_began(moment, calendar=bank.calendar), until=Instant(moment + 1)
    )
    latest = history.recent_decisions(bank.context, customer=customer, limit=LATEST, now=now, until=as_of)
    consents = bank.consents(customer, now=now, as_of=as_of)
    return renderer.page(
        "customer/data.html",
        request_data,
        customer=customer,
        sources=_sources_in_words(renderer, seen),
        shown=seen.shown,
        consents=consents,
        came_of_age=as_of is None and first_consent.came_of_age(bank.context, customer, now=now),
        standing=standing,
        latest=latest,
        offers=bank.config.policy.serving("marketing"),
        pause_days=min(PAUSE_DAYS, bank.config.policy.pause_days),
    )


def month_began(moment: Instant, *, calendar: Calendar) -> Instant:
    """Give when the month of a moment began."""
    return calendar.start_of(first_of_month(calendar.day_of(moment)))


def first_of_month(day: Day) -> Day:
    """Give the first day of the month of a day."""
    return day_in_month(month_of(date_of(day)), 1)


def _sources_in_words(renderer: PageRenderer, seen: UsesOfPeriod) -> str:
    """Name the sources that were used, as the log tells it; empty where none was."""
    words, sources = renderer.words, renderer.policy.sources
    titles = {str(name): words.inside(of.title) for name, of in sources.items()}
    names = [titles.get(of.source, of.source) for of in seen.sources]
    more = len(names) - NAMED
    named = names if more <= 1 else [*names[:NAMED], words.gettext(_MORE, number=more)]
    return words.listed(named) if named else ""

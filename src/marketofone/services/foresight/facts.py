"""From a finished forecast to the few numbers that decisions use, and what changed since the forecast before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b

from marketofone.decide.forecast_facts import SETTLED, PredictedEvent
from marketofone.domain.moment import Instant
from marketofone.domain.money import Rate
from marketofone.features.state import MONEY
from marketofone.models.forecast import Expected, Forecast
from marketofone.projection.person import Person
from marketofone.projection.records import ForecastSummary


def facts_of(
    ahead: Forecast,
    *,
    person: Person,
    sources: Iterable[str],
    now: Instant,
    buffer_minor: int,
    rates: Iterable[Rate],
    in_bank: Callable[[int], int | None],
) -> ForecastSummary:
    """Give what decisions need of a forecast.

    Parameters
    ----------
    ahead
        The forecast, made at ``now``.
    person
        Whom it is about, with what the forecast before said.
    sources
        What was read for it.
    buffer_minor
        What a person needs to have at hand, in minor units: money beyond it that nine of ten futures leave untouched
        for 90 days rests idle.
    rates
        By which the accounts were added up, and what is told was put into the currency of the bank.
    in_bank
        Gives an amount in the currency of the bank, in which decisions count; None where no rate is known.
    """
    before = person.forecast
    days = () if ahead.total is None or ahead.total.relative else ahead.total.days
    lows = [day.quantiles[len(day.quantiles) // 2] for day in days]
    low = min(lows, default=None)
    idle = max(min(day.quantiles[0] for day in days) - buffer_minor, 0) if days else None
    likely = {event.event for event in ahead.events if event.probability >= SETTLED}
    settled = {} if before is None else dict(before.settled)
    settled.update({event.event: now for event in ahead.events if event.event not in likely})
    return ForecastSummary(
        at=now,
        sources=tuple(sorted(sources)),
        low_point_minor=None if low is None else in_bank(low),
        low_point_day=None if low is None else lows.index(low) + 1,
        idle_minor=None if idle is None else in_bank(idle),
        events=tuple(_ahead(event, as_of=ahead.as_of) for event in ahead.events),
        settled=settled,
        seen=money_seen(person),
        rates=tuple(rates),
    )


def money_seen(person: Person) -> str:
    """Name what is kept of a person's money: it changes with every movement, however late it arrives."""
    return blake2b(repr(person.last_kept(MONEY)).encode(), digest_size=8).hexdigest()


def _ahead(event: Expected, *, as_of: int) -> PredictedEvent:
    first, last = event.expected_from, event.expected_to
    return PredictedEvent(
        event.event,
        event.horizon_days,
        event.probability,
        None if first is None else first - as_of,
        None if last is None else last - as_of,
        event.cause,
    )

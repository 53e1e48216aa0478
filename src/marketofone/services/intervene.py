"""From forecasts to help: whoever something new is foreseen for is asked about, on the occasion of the forecast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marketofone.consent.gate import permit
from marketofone.decide.catalogue import FORECAST_MADE
from marketofone.decide.forecast_facts import told_at
from marketofone.domain.decision import Decision, Request
from marketofone.domain.moment import Instant
from marketofone.services.app_context import AppContext
from marketofone.services.contacts import for_guardrails
from marketofone.services.decide import decide_all
from marketofone.services.forecast import CHANNEL, PURPOSE
from marketofone.services.live_snapshot import LiveSnapshot

LIKELY = 0.3  # from this chance on, something foreseen is worth a question
_TOGETHER = 500  # decisions in one commit


def intervene(context: AppContext, customers: Iterable[str] | None, *, now: Instant) -> list[Decision]:
    """Decide for those of some customers, or of everybody, whose last forecast found something likely and not yet told.

    Who allows no forecasts is passed over unread. In the quiet hours nothing interrupts: the answer waits in a channel
    that does not. The same forecast is asked about once for each channel, however often this runs; a decision may
    always be to do nothing.
    """
    config = context.config
    spec = config.actions.occasion(FORECAST_MADE)
    quiet = config.compiled.guardrails.quiet(config.calendar.minute_of_day(now))
    silent = config.compiled.guardrails.quiet_hours.channels if quiet else ()
    open_channels = [name for name in (spec.channel, *config.policy.channels) if name not in silent]
    if not open_channels:
        return []
    with context.store.read() as reader:
        snapshot = LiveSnapshot(reader, context, committed=True)
        asked = reader.customers() if customers is None else customers
        people = {snapshot.person(customer): customer for customer in asked}
        requests = list(_requests(context, snapshot, people.items(), channel=open_channels[0], now=now))
    parts = (requests[begin : begin + _TOGETHER] for begin in range(0, len(requests), _TOGETHER))
    return [made for part in parts for made in decide_all(context, part)]


def _requests(
    context: AppContext, snapshot: LiveSnapshot, people: Iterable[tuple[str, str]], *, channel: str, now: Instant
) -> Iterator[Request]:
    answered = {
        action.about for action in context.config.actions.offered if action.about and channel in action.channels
    }
    for person, customer in people:
        granted = permit(
            PURPOSE, snapshot.consents(person), customer=person, channel=CHANNEL, policy=context.config.policy, now=now
        )
        facts = snapshot.forecast_summary(person) if granted.sources else None
        if facts is None or facts.at > now or not granted.sources.issuperset(facts.sources):
            continue
        forecast = facts.forecast(calendar=context.config.calendar, now=now)
        contacts = for_guardrails(snapshot.contacts(person), now=now)
        notification = filter(None, (forecast.notification(event) for event in answered))
        likely = (new for new in notification if new.probability >= LIKELY)
        if any(told_at(new, contacts, settled=forecast.settled) is None for new in likely):
            name = f"{FORECAST_MADE}:{channel}:{facts.at}:{customer}"
            yield Request(id=name, customer=customer, occasion=FORECAST_MADE, channel=channel, at=now)

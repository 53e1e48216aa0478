"""From forecasts to help: whoever something new is foreseen for is asked about, on the occasion of the forecast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marketofone.consent.gate import permit
from marketofone.decide.catalogue import FORECAST_MADE
from marketofone.decide.foresight import told_at
from marketofone.domain.decision import Decision, Request
from marketofone.domain.moment import Instant
from marketofone.flow.contacts import for_guardrails
from marketofone.flow.decide import decide_all
from marketofone.flow.equipment import Equipment
from marketofone.flow.forecast import CHANNEL, PURPOSE
from marketofone.flow.stored import StoredView

LIKELY = 0.3  # from this chance on, something foreseen is worth a question
_TOGETHER = 500  # decisions in one commit


def intervene(kit: Equipment, customers: Iterable[str] | None, *, now: Instant) -> list[Decision]:
    """Decide for those of some customers, or of everybody, whose last forecast found something likely and not yet told.

    Who allows no forecasts is passed over unread. In the quiet hours nothing interrupts: the answer waits in a channel
    that does not. The same forecast is asked about once for each channel, however often this runs; a decision may
    always be to do nothing.
    """
    book = kit.book
    spec = book.actions.occasion(FORECAST_MADE)
    quiet = book.playbook.guardrails.quiet(book.calendar.minute_of_day(now))
    silent = book.playbook.guardrails.quiet_hours.channels if quiet else ()
    open_channels = [name for name in (spec.channel, *book.policy.channels) if name not in silent]
    if not open_channels:
        return []
    with kit.store.read() as reader:
        view = StoredView(reader, kit, committed=True)
        asked = reader.customers() if customers is None else customers
        people = {view.person(customer): customer for customer in asked}
        requests = list(_requests(kit, view, people.items(), channel=open_channels[0], now=now))
    parts = (requests[begin : begin + _TOGETHER] for begin in range(0, len(requests), _TOGETHER))
    return [made for part in parts for made in decide_all(kit, part)]


def _requests(
    kit: Equipment, view: StoredView, people: Iterable[tuple[str, str]], *, channel: str, now: Instant
) -> Iterator[Request]:
    answered = {action.about for action in kit.book.actions.offered if action.about and channel in action.channels}
    for person, customer in people:
        leave = permit(
            PURPOSE, view.consents(person), customer=person, channel=CHANNEL, policy=kit.book.policy, now=now
        )
        facts = view.forecast_facts(person) if leave.sources else None
        if facts is None or facts.at > now or not leave.sources.issuperset(facts.sources):
            continue
        foresight = facts.foresight(calendar=kit.book.calendar, now=now)
        contacts = for_guardrails(view.contacts(person), now=now)
        foretold = filter(None, (foresight.foretold(event) for event in answered))
        likely = (new for new in foretold if new.probability >= LIKELY)
        if any(told_at(new, contacts, settled=foresight.settled) is None for new in likely):
            name = f"{FORECAST_MADE}:{channel}:{facts.at}:{customer}"
            yield Request(id=name, customer=customer, occasion=FORECAST_MADE, channel=channel, at=now)

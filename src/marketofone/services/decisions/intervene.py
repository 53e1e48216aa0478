"""From forecasts to help: whoever something new is foreseen for is asked about, on the occasion of the forecast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from marketofone.decide.catalogue import FORECAST_MADE
from marketofone.decide.forecast_facts import told_at
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.contacts import for_guardrails
from marketofone.projection.person import Person
from marketofone.projection.records import ForecastSummary
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.decide import decide_each
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.population import together
from marketofone.services.runtime.uses import append_unmoved, use_of
from marketofone.store.ports import Draft

LIKELY = 0.3  # from this chance on, something foreseen is worth a question
_TOGETHER = 500  # decisions in one commit


def intervene(context: AppContext, customers: Iterable[str] | None, *, now: Instant) -> list[Decision]:
    """Decide for those of some customers, or of everybody, whose last forecast found something likely and not yet told.

    Who allows no forecasts is passed over unread. In the quiet hours nothing interrupts: the answer waits in a channel
    that does not. The same forecast is asked about once for each channel, however often this runs; a decision may
    always be to do nothing.
    """
    made: list[Decision] = []
    names = sorted(one.name for one in context.keys.customers()) if customers is None else customers
    for some in together(names, size=_TOGETHER):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            channel = _open_channel(snapshot.config, now=now)
            if channel is None:
                return []
            read = list(_foreseen(snapshot, _people(snapshot, some), now=now))
        still = append_unmoved(context, read, entry=partial(_use, actor=context.actor, now=now), now=now)
        requests = list(_requests(context, snapshot, still, channel=channel, now=now))
        made += [one for one in decide_each(context, requests) if isinstance(one, Decision)]
    return made


def _open_channel(config: BankConfig, *, now: Instant) -> str | None:
    guardrails = config.compiled.guardrails
    quiet = guardrails.quiet(config.calendar.minute_of_day(now))
    silent = guardrails.quiet_hours.channels if quiet else ()
    channels = (config.actions.occasion(FORECAST_MADE).channel, *config.policy.channels)
    return next((name for name in channels if name not in silent), None)


def _people(snapshot: Snapshot, names: Iterable[str]) -> list[Person]:
    """Give each person once, by the id that was named first."""
    found: dict[str, Person] = {}
    for name in names:
        with suppress(UnknownCustomer):
            person = snapshot.person(name)
            found.setdefault(person.name, person)
    return list(found.values())


class _Foreseen(NamedTuple):
    """A person whose last forecast is read, for a purpose that allows it."""

    person: Person
    purpose: str
    summary: ForecastSummary


def _foreseen(snapshot: Snapshot, people: Iterable[Person], *, now: Instant) -> Iterator[_Foreseen]:
    policy = snapshot.config.policy
    purpose = policy.serving("forecast")
    for person in people:
        judged = person.judged(now)
        opened = person.permit(purpose, policy=policy, now=judged)
        summary = person.forecast_at(judged) if opened.sources else None
        if summary is not None and summary.at <= now and opened.sources.issuperset(summary.sources):
            yield _Foreseen(person, purpose, summary)


def _use(read: _Foreseen, *, actor: str, now: Instant) -> tuple[Person, Draft | None]:
    scopes = ((read.purpose, source) for source in read.summary.sources)
    return read.person, use_of(read.person, "intervene", scopes, actor=actor, at=read.person.judged(now))


def _requests(
    context: AppContext, snapshot: Snapshot, read: Iterable[_Foreseen], *, channel: str, now: Instant
) -> Iterator[Request]:
    config = snapshot.config
    answered = {action.about for action in config.actions.offered if action.about and channel in action.channels}
    for person, _, summary in read:
        judged = person.judged(now)
        forecast = summary.facts(calendar=config.calendar, now=now)
        contacts = for_guardrails(person.contacts, latest=judged)
        notifications = filter(None, (forecast.notification(event) for event in answered))
        likely = (new for new in notifications if new.probability >= LIKELY)
        if any(told_at(new, contacts, settled=forecast.settled) is None for new in likely):
            asked = person.asked.name
            name = context.keys.mark(FORECAST_MADE, channel, str(summary.at), asked).hex()
            yield Request(id=name, customer=asked, occasion=FORECAST_MADE, channel=channel, at=now)

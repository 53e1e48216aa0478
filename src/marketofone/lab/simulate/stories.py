"""Four scripted stories: the same few days told event by event, with the decisions before and after.

Each story is a generator of steps; walking through it lives it on the bank. Its people have an ordinary history of 200
days that ends at ``moment``, and belong to no control group: control is drawn by person, so the first of a few
namesakes who is not in it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.domain.decision import Decision
from marketofone.domain.event import Event, MessageReceived, PartnerSearched
from marketofone.domain.fields import EventData
from marketofone.domain.moment import DAY, HOUR, MINUTE, Day, Instant
from marketofone.domain.money_events import TransactionBooked
from marketofone.lab.simulate.chronicle import quiet
from marketofone.lab.simulate.life import live
from marketofone.lab.simulate.people import TRAITS, Person, draw_person
from marketofone.lab.simulate.span import span_of
from marketofone.lab.simulate.voice import CURRENCY, account_of, events_of
from marketofone.services.bank import Bank

HISTORY_DAYS = 200
_ALL_BUT_LIFE = ("transactions", "app", "open_banking", "location", "messages")
_SHIFT_DAYS = 32
_UNTOLD = {"partner.searched", "message.received", "app.searched", "place.visited"}  # left to the script


class Step(Struct, frozen=True, kw_only=True):
    """One step of a story: what happened, and the decision that was asked for then."""

    story: str
    text: str
    decision: Decision


class _Cast(Struct, frozen=True, kw_only=True):
    """Somebody in a story, on a bank."""

    story: str
    bank: Bank
    person: Person
    moment: Instant
    history: list[Event]

    def event(self, kind: str, data: EventData, *, at: int) -> Event:
        who = self.person.id
        return Event(id=f"{who}-{kind}-{at}", producer="/stories", kind=kind, customer=who, at=Instant(at), data=data)

    def paid(self, category: str, minor: int, *, at: int, balance: int | None = None) -> Event:
        data = TransactionBooked(
            account=account_of(self.person, 0),
            amount_minor=-minor,
            currency=CURRENCY,
            category=category,
            operation="card",
            merchant=f"A place for {category}",
            balance_minor=balance,
        )
        return self.event("transaction.booked", data, at=at)

    def step(self, text: str, *, occasion: str, at: int) -> Step:
        """Ask for a decision."""
        name, now = f"{self.person.id}-{at}", Instant(at)
        decision = self.bank.decide(self.person.id, occasion=occasion, id=name, now=now)
        return Step(story=self.story, text=text, decision=decision)


def crib(bank: Bank, *, moment: Instant) -> Iterator[Step]:
    """Tell of a search for baby cribs by two people: one allowed life events, the other did not."""
    people = (("ana", (EVERY,), "who allowed life events"), ("ben", _ALL_BUT_LIFE, "who did not allow life events"))
    for name, sources, told in people:
        cast, before = _enter(bank, name, "a search for baby cribs", sources, moment=moment, until=moment)
        yield before
        for number, query in enumerate(("baby crib", "best baby crib for newborn"), start=10):
            data = PartnerSearched(query=query, site="home-and-baby")
            at = Instant(moment + number * MINUTE)
            bank.ingest([cast.event("partner.searched", data, at=at)], now=at)
        text = f"minutes after the search, for a person {told}"
        yield cast.step(text, occasion="partner.searched", at=moment + 14 * MINUTE)


def table(bank: Bank, *, moment: Instant) -> Iterator[Step]:
    """Tell of a month of eating out instead of cooking, against a person's own habit."""
    begin = Instant(moment - _SHIFT_DAYS * DAY)
    cast, before = _enter(bank, "cleo", "more dining out, fewer groceries", (EVERY,), moment=moment, until=begin)
    yield before
    rest = (event for event in cast.history if event.at >= begin)
    kept = [event for event in rest if getattr(event.data, "category", None) not in {"groceries", "dining"}]
    kept += [cast.paid("dining", 3_200, at=begin + day * DAY + HOUR) for day in range(1, _SHIFT_DAYS) if day % 3]
    kept.sort(key=lambda event: event.at)
    bank.ingest(kept, now=moment)
    yield cast.step("a month of eating out instead of cooking", occasion="app.opened", at=moment + MINUTE)


def storm(bank: Bank, *, moment: Instant) -> Iterator[Step]:
    """Tell of money leaving fast together with an upset message, and of the days after."""
    story = "fast-moving money and an upset message"
    cast, before = _enter(bank, "dana", story, (EVERY,), moment=moment, until=moment)
    yield before
    spent = [cast.paid("shopping", 4_000 + 90 * part, at=moment + part * MINUTE) for part in range(5, 50, 5)]
    wrote = Instant(moment + 50 * MINUTE)
    words = "I am really upset and desperate. I was charged a fee again and I do not know how to pay the rent."
    bank.ingest([*spent, cast.event("message.received", MessageReceived(text=words), at=wrote)], now=wrote)
    for text, occasion, wait in (
        ("minutes after nine payments in an hour and an upset message", "message.received", 2 * MINUTE),
        ("half an hour later, opening the app", "app.opened", 30 * MINUTE),
        ("four days later, opening the app", "app.opened", 4 * DAY),
    ):
        yield cast.step(text, occasion=occasion, at=wrote + wait)


def rent(bank: Bank, *, moment: Instant) -> Iterator[Step]:
    """Tell of a rent that falls due before pay day and is not covered: foreseen, helped in time, and told once."""
    story, own = "a rent that falls due before pay day", _short_of_rent
    cast, before = _enter(bank, "emil", story, (EVERY,), moment=moment, until=moment, own=own)
    yield before
    seen = Instant(moment + 10 * MINUTE)
    bank.forecast(cast.person.id, now=seen)
    for decision in bank.intervene([cast.person.id], now=seen):
        yield Step(story=story, text="eleven days before the rent, when the forecast is made", decision=decision)
        bank.outcome(decision.id, "accepted", now=Instant(seen + HOUR))
    later = Instant(seen + DAY)
    bank.forecast(cast.person.id, now=later)
    yield cast.step("a day later, opening the app: it is not told again", occasion="app.opened", at=later + MINUTE)


STORIES: tuple[Callable[..., Iterator[Step]], ...] = (crib, table, storm, rent)


def moment_before(bank: Bank, *, day: Day) -> Instant:
    """Give the moment at which stories are told: five in the afternoon a week before a day."""
    return Instant(bank.calendar.start_of(Day(day - 7)) + 17 * HOUR)


def _short_of_rent(cast: _Cast) -> list[Event]:
    """Earn, pay rent four days before and shop every month, until a repair takes what the next rent needs."""
    months = range(0, HISTORY_DAYS - 20, 30)
    flows = [(3, -95_000, "household")]
    flows += [flow for ago in months for flow in ((ago + 15, 120_000, "salary"), (ago + 19, -90_000, "rent"))]
    flows += [(ago, -900, "groceries") for ago in range(1, HISTORY_DAYS, 4)]
    balance, events = 35_000 - sum(minor for _, minor, _ in flows), []
    for ago, minor, category in sorted(flows, reverse=True):
        balance += minor
        at = Instant(cast.moment - ago * DAY - HOUR)
        events.append(cast.paid(category, -minor, at=at, balance=balance))
    return events


def _enter(
    bank: Bank,
    name: str,
    story: str,
    sources: tuple[str, ...],
    *,
    moment: Instant,
    until: Instant,
    own: Callable[[_Cast], list[Event]] = lambda cast: cast.history,
) -> tuple[_Cast, Step]:
    """Let the first namesake who is in no control group join with an ordinary history, or one of their own."""
    for number in count(1):
        cast = _cast(f"story-{name}-{number}", story, sources, bank, moment=moment)
        cast = replace(cast, history=own(cast))
        for change in cast.person.consents:
            bank.consent(change, now=change.since)
        bank.ingest([event for event in cast.history if event.at < until], now=until)
        step = cast.step("an ordinary day", occasion="app.opened", at=until + MINUTE)
        if step.decision.assignment == "policy":
            break
    return cast, step


def _cast(name: str, story: str, sources: tuple[str, ...], bank: Bank, *, moment: Instant) -> _Cast:
    """Draw somebody with an ordinary history up to a moment: the same for all people, but for names and consents."""
    first = Day(bank.calendar.day_of(moment) - HISTORY_DAYS + 1)
    span = span_of(bank.calendar, first=first, days=HISTORY_DAYS)
    allowed = ConsentChange(
        customer=name,
        change="grant",
        purposes=(EVERY,),
        sources=sources,
        channels=(EVERY,),
        since=span.at(0, minute=0),
    )
    person = replace(
        draw_person(0, seed=5, span=span),
        id=name,
        traits=(0.0,) * len(TRAITS),
        joined=0,
        stage="work",
        cycle="monthly",
        pay_minor=260_000,
        holds=("current_account", "debit_card", "savings_account"),
        consents=(allowed,),
    )
    rows = live(person, quiet(span), span=span, rng=np.random.default_rng(5)).rows
    once = rows[np.unique(rows["number"], return_index=True)[1]]
    told = events_of(once, [person])
    history = [event for event in told if event.kind not in _UNTOLD and event.at < moment - HOUR]
    return _Cast(story=story, bank=bank, person=person, moment=moment, history=history)

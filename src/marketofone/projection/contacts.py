"""What was said to a person lately: the memory behind caps, cool-offs and the joining of outcomes.

Contacts follow the order of entries and the instants at which these were recorded, never a moment that a caller names.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.action import Kind
from marketofone.domain.decision import Assignment, Notification
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome, told_no
from marketofone.governance.guardrails import COUNTED, MOST_DAYS, Contact

KEPT = 120 * DAY
DECLINE_KEPT = MOST_DAYS * DAY
"""A no is remembered as long as ``guardrails.toml`` can ask for."""


class Decided(Struct, frozen=True, array_like=True, gc=False):
    """A decision that was answered, in the words that a no must be remembered by.

    ``seen`` says how many look where it stood, of those who look at the first place.
    """

    action: str
    kind: Kind | None
    channel: str
    at: Instant
    seen: float = 1.0


class ContactRecord(Struct, frozen=True, array_like=True, gc=False):
    """One thing the bank said, and what the person answered so far: each answer with the instant it was recorded."""

    decision: str
    action: str
    kind: Kind
    channel: str
    at: Instant
    stamp: int
    answers: tuple[tuple[Instant, Outcome], ...] = ()
    notification: Notification | None = None

    @property
    def declined(self) -> tuple[Instant, Outcome] | None:
        """The no that holds back, if there is one, and when it was recorded."""
        place = told_no([said for _, said in self.answers])
        return None if place is None else self.answers[place]


Contacts = tuple[ContactRecord, ...]


class Place(NamedTuple):
    """What stands at one place of a decision; an order of an app's parts, and nothing at all, have no kind."""

    action: str
    kind: Kind | None
    notification: Notification | None


class Said(Struct, frozen=True, gc=False):
    """What a decision said, without how it was made: as much as is remembered of it; ``asks`` what it asked for."""

    decision: str
    channel: str
    at: Instant
    assignment: Assignment
    placement: str | None
    places: tuple[Place, ...]
    asks: tuple[tuple[str, str], ...] = ()


def remember(contacts: Contacts, said: Said, *, recorded: Instant, stamp: int) -> Contacts:
    """Add what a decision said, a slate several things.

    What is older than four months is forgotten, unless it was declined since.
    """
    if said.places[0].kind is None:
        return contacts
    fresh = [
        ContactRecord(said.decision, place.action, place.kind, said.channel, recorded, stamp, (), place.notification)
        for place in said.places
        if place.kind is not None
    ]
    horizon = recorded - KEPT
    return (*[old for old in contacts if old.at > horizon or _was_declined(old, since=recorded - DECLINE_KEPT)], *fresh)


def _was_declined(contact: ContactRecord, *, since: int) -> bool:
    declined = contact.declined
    return declined is not None and declined[0] > since


def answered(contacts: Contacts, outcome: Outcome, *, to: Decided | None, recorded: Instant, stamp: int) -> Contacts:
    """Note what a person answered to a decision; a no is noted also where the decision is forgotten by now."""
    said = find(contacts, outcome.decision, action=None if to is None else to.action)
    if said is None:
        if told_no((outcome,)) is None or to is None or to.kind is None:
            return contacts
        late = ((recorded, outcome),)
        return (*contacts, ContactRecord(outcome.decision, to.action, to.kind, to.channel, to.at, stamp, late))
    noted = replace(said, answers=(*said.answers, (recorded, outcome)))
    return tuple(noted if one is said else one for one in contacts)


def find(contacts: Contacts, decision: str, *, action: str | None) -> ContactRecord | None:
    """Find what was said by a decision; None when it is not remembered any more, or said nothing.

    No action stands twice in a slate, so the action says which of its places is meant; without one the first is.
    """
    return next((said for said in contacts if said.decision == decision and action in (None, said.action)), None)


def merged(each: Sequence[Contacts]) -> Contacts:
    """Put the contacts of several ids of one person in the order of their entries."""
    if len(each) == 1:
        return each[0]
    return tuple(heapq.merge(*each, key=lambda said: said.stamp))


def for_guardrails(contacts: Contacts, *, latest: Instant) -> tuple[Contact, ...]:
    """Give contacts as guardrails judge them at a moment; what was said or declined after it counts as just then.

    What no person counts any more, answered or not, is left out: most of what was said in four months.
    """
    counted = latest - COUNTED
    return tuple(
        [
            _for_guardrails(said, latest)
            for said in contacts
            if said.at > counted or said.answers or said.notification is not None
        ]
    )


def _for_guardrails(said: ContactRecord, latest: Instant) -> Contact:
    declined = said.declined if said.answers else None
    return Contact(
        action=said.action,
        kind=said.kind,
        at=min(said.at, latest),
        channel=said.channel,
        declined_at=None if declined is None else min(declined[0], latest),
        why=None if declined is None else declined[1].why_not,
        notification=said.notification,
    )

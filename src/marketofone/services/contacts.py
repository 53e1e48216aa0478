"""What was said to a person lately: the memory behind caps, cool-offs and the joining of outcomes."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from marketofone.decide.catalogue import ActionCatalogue
from marketofone.domain.action import Kind
from marketofone.domain.decision import Decision, Notification
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.governance.guardrails import Contact

KEPT = 120 * DAY


class ContactRecord(Struct, frozen=True, kw_only=True, array_like=True):
    """One thing the bank said, and what the person answered so far."""

    decision: str
    action: str
    kind: Kind
    channel: str
    at: Instant
    answers: tuple[Outcome, ...] = ()
    notification: Notification | None = None

    def declined_at(self, now: Instant) -> Instant | None:
        """Give when the person said no, if they had by a moment."""
        return next((one.at for one in self.answers if one.verdict == "declined" and one.at <= now), None)


Contacts = tuple[ContactRecord, ...]
_DECODER = msgspec.msgpack.Decoder(Contacts)


def remember(contacts: Contacts, decision: Decision, *, actions: ActionCatalogue) -> Contacts:
    """Add a decision that says something; what is older than four months, or left the catalogue, is forgotten."""
    action = next((action for action in actions.offered if action.id == decision.action), None)
    if action is None:
        return contacts
    said = ContactRecord(
        decision=decision.id,
        action=action.id,
        kind=action.kind,
        channel=decision.channel,
        at=decision.at,
        notification=decision.notification,
    )
    return (*(old for old in contacts if old.at > decision.at - KEPT), said)


def note_outcome(contacts: Contacts, outcome: Outcome) -> Contacts:
    """Note what a person answered; contacts that do not hold the decision stay the same object."""
    said = find(contacts, outcome.decision)
    if said is None:
        return contacts
    answered = msgspec.structs.replace(said, answers=(*said.answers, outcome))
    return tuple(answered if one is said else one for one in contacts)


def find(contacts: Contacts, decision: str) -> ContactRecord | None:
    """Find what was said by a decision; None when it is not remembered any more, or said nothing."""
    return next((said for said in contacts if said.decision == decision), None)


def for_guardrails(contacts: Contacts, *, now: Instant) -> tuple[Contact, ...]:
    """Give the contacts up to a moment, as guardrails judge them."""
    return tuple(
        Contact(
            action=said.action,
            kind=said.kind,
            at=said.at,
            channel=said.channel,
            declined_at=said.declined_at(now),
            notification=said.notification,
        )
        for said in contacts
        if said.at <= now
    )


def contacts_from(blob: bytes | None) -> Contacts:
    """Read contacts as they were kept."""
    return () if blob is None else _DECODER.decode(blob)


def contacts_to(contacts: Contacts) -> bytes:
    """Write contacts to be kept."""
    return msgspec.msgpack.encode(contacts)

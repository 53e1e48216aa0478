"""What was said to a person lately: the memory behind caps, cool-offs and the joining of outcomes."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from marketofone.domain.action import NOTHING, Action, Kind
from marketofone.domain.decision import Decision
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.outcome import Outcome
from marketofone.governance.guardrails import Contact

KEPT = 120 * DAY


class Said(Struct, frozen=True, kw_only=True, array_like=True):
    """One thing the bank said, and when the person said no to it."""

    decision: str
    action: str
    kind: Kind
    channel: str
    at: Instant
    declined_at: Instant | None = None


Contacts = tuple[Said, ...]
_DECODER = msgspec.msgpack.Decoder(Contacts)


def remember(contacts: Contacts, decision: Decision, action: Action) -> Contacts:
    """Add a decision that says something; what is older than four months is forgotten."""
    if action.id == NOTHING:
        return contacts
    said = Said(decision=decision.id, action=action.id, kind=action.kind, channel=decision.channel, at=decision.at)
    return (*(old for old in contacts if old.at > decision.at - KEPT), said)


def hear(contacts: Contacts, outcome: Outcome) -> Contacts:
    """Note that a person declined. The first answer stands."""
    if outcome.verdict != "declined":
        return contacts
    return tuple(
        msgspec.structs.replace(said, declined_at=said.declined_at or outcome.at)
        if said.decision == outcome.decision
        else said
        for said in contacts
    )


def for_guardrails(contacts: Contacts, *, now: Instant) -> tuple[Contact, ...]:
    """Give the contacts up to a moment, as guardrails judge them."""
    return tuple(
        Contact(
            action=said.action,
            kind=said.kind,
            at=said.at,
            channel=said.channel,
            declined_at=said.declined_at if said.declined_at is not None and said.declined_at <= now else None,
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

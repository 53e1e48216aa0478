"""Decisions that were made: found again by their ids, and read from their entries."""

from __future__ import annotations

from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import decision_mark
from marketofone.store.keystore import Customer
from marketofone.store.ports import Entry, Reader


def find_decision(
    context: AppContext, reader: Reader, snapshot: Snapshot, decision_id: str, *, customer: str | None
) -> tuple[DecisionRecord, Person]:
    """Find a recorded decision and its person.

    Raises
    ------
    UnknownDecision
    """
    owner, n = place_of(context, reader, decision_id, customer=customer)
    return decision_at(reader, owner, n), snapshot.person_of(owner)


def place_of(context: AppContext, reader: Reader, decision_id: str, *, customer: str | None) -> tuple[Customer, int]:
    """Give the customer and the entry of a decision.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When several customers have one of this id and none of them is named.
    """
    places = reader.decisions(decision_mark(context.keys, decision_id))
    owners = [(context.keys.customer(subject), n) for subject, n in places]
    found = [(owner, n) for owner, n in owners if owner is not None and customer in (None, owner.name)]
    if not found:
        raise UnknownDecision
    if len(found) > 1:
        raise MalformedRequest(
            field="customer", shape="left out", fix="name whose decision it is: several customers have one of this id"
        )
    return found[0]


def decision_at(reader: Reader, owner: Customer, n: int) -> DecisionRecord:
    """Read a decision from its entry."""
    record: DecisionRecord = codec.read(entry_at(reader, owner, n), box=owner.box)
    return record


def entry_at(reader: Reader, owner: Customer, n: int) -> Entry:
    """Read an entry of a journal."""
    return next(iter(reader.entries(owner.subject, after=n - 1, upto=n)))

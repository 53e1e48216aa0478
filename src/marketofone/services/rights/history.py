"""What was decided before and what followed, read again for the people who ask: only what may still be shown."""

from __future__ import annotations

from heapq import merge
from itertools import islice

from marketofone.consent.ledger import NEVER_ASKED, Consents
from marketofone.domain.decision import Decision
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.feedback import outcomes_between
from marketofone.services.decisions.recorded import find_decision
from marketofone.services.decisions.visible import visible
from marketofone.services.rights.consent_service import said_by
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import BANK, Entry, Reader


def recent_decisions(context: AppContext, *, customer: str | None, limit: int, now: Instant) -> list[Decision]:
    """Give the newest decisions for a person, or for everybody, newest first, as they may be shown now.

    Raises
    ------
    UnknownCustomer
        When no entry names this customer.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        if customer is None:
            return _of_all(context, reader, snapshot, limit=limit, now=now)
        person = snapshot.person(customer)
        entries = islice(_newest(reader, person), limit)
        return [_shown(snapshot, person, entry, now=now) for entry in entries]


def shown_decision(context: AppContext, decision_id: str, *, now: Instant, customer: str | None = None) -> Decision:
    """Give a decision as it may be shown now: whole, or only that it was made. Raises as :func:`find_decision`."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        record, person = find_decision(context, reader, snapshot, decision_id, customer=customer)
    return visible(record, person, config=snapshot.config, now=now)


def outcomes_of(context: AppContext, decision: Decision) -> list[Outcome]:
    """Give what followed a decision, in the order in which it was heard."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        _, person = find_decision(context, reader, snapshot, decision.id, customer=decision.customer)
        return outcomes_between(reader, person.asked, decision, before=person.own.n + 1)


def consents_of(context: AppContext, customer: str, *, as_of: Instant | None = None) -> Consents:
    """Give what a person allows or once allowed, scope by scope, with the moments since and until when."""
    with context.store.read() as reader:
        try:
            person = context.snapshot(reader).person(customer)
        except UnknownCustomer:
            return NEVER_ASKED
        return person.consents if as_of is None else said_by(reader, person, as_of)


def answers(context: AppContext) -> int:
    """Give the last entry of the bank's journal: cheap proof that the store answers."""
    with context.store.read() as reader:
        return reader.head(BANK).n


def _newest(reader: Reader, person: Person) -> list[Entry]:
    each = (
        reader.entries(one.subject, kinds=("decision",), newest_first=True, upto=person.states[one.subject].n)
        for one in person.members
    )
    return list(merge(*each, key=lambda entry: -entry.stamp))


def _of_all(context: AppContext, reader: Reader, snapshot: Snapshot, *, limit: int, now: Instant) -> list[Decision]:
    shown = []
    for entry in reader.recent(kinds=("decision",), limit=limit):
        owner = context.keys.customer(entry.subject)
        if owner is not None:
            shown.append(_shown(snapshot, snapshot.person_of(owner), entry, now=now))
    return shown


def _shown(snapshot: Snapshot, person: Person, entry: Entry, *, now: Instant) -> Decision:
    owner = next(one for one in person.members if one.subject == entry.subject)
    return visible(codec.read(entry, box=owner.box), person, config=snapshot.config, now=now)

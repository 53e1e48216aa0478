"""What was decided before, what followed, and what a person said: read again for the people who ask."""

from __future__ import annotations

import msgspec

from marketofone.consent.ledger import Consents
from marketofone.domain.decision import Decision
from marketofone.domain.outcome import Outcome
from marketofone.services.app_context import AppContext
from marketofone.services.consent_service import must_exist
from marketofone.services.live_snapshot import LiveSnapshot

_DECISION = msgspec.json.Decoder(Decision)
_OUTCOME = msgspec.json.Decoder(Outcome)


def recent_decisions(context: AppContext, *, customer: str | None, limit: int) -> list[Decision]:
    """Give the newest decisions for a person, or for everybody, newest first.

    Raises
    ------
    UnknownCustomer
        When no event, consent or decision names this customer.
    """
    with context.store.read() as reader:
        members = None
        if customer is not None:
            must_exist(reader, customer)
            members = reader.members(reader.person(customer))
        entries = reader.entries(kinds=("decision",), customers=members, newest_first=True, limit=limit)
        return [_DECISION.decode(entry.body) for entry in entries if entry.body is not None]


def outcomes_of(context: AppContext, decision: Decision) -> list[Outcome]:
    """Give what followed a decision, in the order in which it was heard."""
    with context.store.read() as reader:
        entries = reader.entries(kinds=("outcome",), customers=(decision.customer,))
        heard = [_OUTCOME.decode(entry.body) for entry in entries if entry.body is not None]
    return [outcome for outcome in heard if outcome.decision == decision.id]


def consents_of(context: AppContext, customer: str) -> Consents:
    """Give what a person said about consent, scope by scope, with the moments since and until when."""
    with context.store.read() as reader:
        snapshot = LiveSnapshot(reader, context, committed=True)
        return snapshot.consents(snapshot.person(customer))


def position(context: AppContext) -> int:
    """Give the sequence number of the journal's last entry: cheap proof that the store answers."""
    with context.store.read() as reader:
        return reader.position()

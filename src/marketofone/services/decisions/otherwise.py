"""What would have changed a decision: found when somebody asks, on what it rested on then, folded again."""

from __future__ import annotations

from functools import partial

from marketofone.decide import engine
from marketofone.domain.decision import Decision, Otherwise
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.moment import Instant
from marketofone.projection.live import Projection
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.inputs import decision_input_of
from marketofone.services.decisions.looked_up import look_up
from marketofone.services.decisions.rests import BankHistory, Rests, is_replayable, put_together
from marketofone.services.decisions.visible import refusal_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

GONE = "somebody it rested on was forgotten since"
ANOTHER_RELEASE = "it was made by an earlier release, which decided in another way"


def otherwise(context: AppContext, decision_id: str, *, now: Instant, customer: str | None = None) -> Otherwise:
    """Find what would have changed a decision, while everything it rests on is allowed ``now``.

    The decision is made again first: what is told holds of the one that was recorded, or nothing is told.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When several customers have one of this id and none of them is named.
    """
    return look_up(context, decision_id, customer=customer, now=now, look=partial(told, context, now=now))


def told(
    context: AppContext, reader: Reader, snapshot: Snapshot, record: DecisionRecord, person: Person, *, now: Instant
) -> tuple[Otherwise, tuple[Scope, ...]]:
    """Find what would have changed a decision that was read, and say which scopes that rests on."""
    refused = refusal_of(record, person, config=snapshot.config, now=now)
    if refused:
        return Otherwise(untold=refused), ()
    if record.counterfactual is not None:
        return Otherwise(counterfactual=record.counterfactual), record.decision.uses
    found = _found(context, reader, record, customer=person.asked)
    return found, record.decision.uses


def _found(context: AppContext, reader: Reader, record: DecisionRecord, *, customer: Customer) -> Otherwise:
    history = BankHistory.of(context, reader)
    if not is_replayable(context, history, record):
        return Otherwise(untold=GONE)
    try:
        rests = put_together(
            context,
            reader,
            history,
            record,
            customer=customer,
            journals=reader,
            projection=Projection(context.keys),
        )
        return _asked_again(rests, record.decision, secret=context.keys.secret)
    except MarketOfOneError:  # an earlier release kept what this one does not read
        return Otherwise(untold=ANOTHER_RELEASE)


def _asked_again(rests: Rests, made: Decision, *, secret: bytes) -> Otherwise:
    snapshot, person, policy = rests
    compiled = snapshot.config.compiled
    asked = decision_input_of(snapshot, person, made.request, policy=policy, secret=secret)
    if engine.decide(made.request, asked, compiled) != made:
        return Otherwise(untold=ANOTHER_RELEASE)
    return Otherwise(counterfactual=engine.otherwise(made.request, asked, compiled))

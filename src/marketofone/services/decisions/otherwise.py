"""What would have changed a decision: found when somebody asks, on what it rested on then, folded again."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from marketofone.decide import engine
from marketofone.decide.decision_input import HARD_PRESSED, DecisionInput
from marketofone.decide.money_left import is_overdrawn
from marketofone.domain.decision import Decision, Otherwise
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.languages import message
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

GONE = message("somebody it rested on was forgotten since")
ANOTHER_RELEASE = message("it was made by an earlier release, which decided in another way")


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
    return changed(made_again(context, reader, record, customer=person.asked)), record.decision.uses


class MadeAgain(NamedTuple):
    """What a decision rested on, folded again, after the decision came out of it as it was recorded.

    ``input`` is what it looked at.
    """

    rests: Rests
    made: Decision
    secret: bytes
    input: DecisionInput

    @property
    def overdrawn(self) -> bool:
        """Whether the decision saw that the person's money was below zero."""
        return is_overdrawn(self.input)

    @property
    def hard_pressed(self) -> bool:
        """Whether the person was in trouble, or might come into it, by what stops a credit."""
        return self.input.credit_could_hurt(self.made.request.at) in HARD_PRESSED

    def asked(self, person: Person) -> DecisionInput:
        """Give what the decision may look at, had the person been another."""
        return _input(self.rests, person, self.made, secret=self.secret)


def _input(rests: Rests, person: Person, made: Decision, *, secret: bytes) -> DecisionInput:
    return decision_input_of(rests.snapshot, person, made.request, policy=rests.policy, secret=secret)


def made_again(context: AppContext, reader: Reader, record: DecisionRecord, *, customer: Customer) -> MadeAgain | str:
    """Make a decision again on what it rested on; gives why that cannot be told where it does not come out the same."""
    history = BankHistory.of(context, reader)
    if not is_replayable(context, history, record):
        return GONE
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
        secret = context.keys.secret
        again = MadeAgain(rests, record.decision, secret, _input(rests, rests.person, record.decision, secret=secret))
        decided = engine.decide(again.made.request, again.input, rests.snapshot.config.compiled)
    except MarketOfOneError:  # an earlier release kept what this one does not read
        return ANOTHER_RELEASE
    return again if decided == record.decision else ANOTHER_RELEASE


def changed(again: MadeAgain | str) -> Otherwise:
    """Find what would have changed a decision that was made again."""
    if isinstance(again, str):
        return Otherwise(untold=again)
    compiled = again.rests.snapshot.config.compiled
    return Otherwise(counterfactual=engine.otherwise(again.made.request, again.input, compiled))

"""A decision that is looked up again: what it rests on is read once more, so that is a use like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from marketofone.domain.moment import Instant
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.recorded import find_decision
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.uses import record_use
from marketofone.store.ports import Reader

T = TypeVar("T")
LookUp = Callable[[Reader, Snapshot, DecisionRecord, Person], tuple[T, Iterable[Scope]]]
"""Says what is told of a decision, and which scopes that rests on."""


@repeated
def look_up(context: AppContext, decision_id: str, *, customer: str | None, now: Instant, look: LookUp[T]) -> T:
    """Tell something of a decision that was made, and record the use before it is told.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When several customers have one of this id and none of them is named.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        record, person = find_decision(context, reader, snapshot, decision_id, customer=customer)
        told, uses = look(reader, snapshot, record, person)
    record_use(context, person, "decision", uses, now=now)
    return told

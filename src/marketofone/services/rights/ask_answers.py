"""What a person says about consent after a decision asked for a permission is the answer to that decision.

A yes that opens what was asked for accepts it, a no that leaves none of it open declines it, by whichever door it is
said; nothing else answers such a decision. So a yes that something stops is no answer: a pause, another id's silence,
or the person's own no where a delegate said it. An answer counts for as long as answers do at all, and the latest one
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from marketofone.consent.asking import is_allowed
from marketofone.consent.ledger import EVERY, ConsentChange, plain_of
from marketofone.domain.decision import Decision
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import SAID, Outcome, OutcomeFields, Verdict
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.contacts import ContactRecord
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.services.decisions.feedback import last_day, record_answer
from marketofone.services.decisions.recorded import decision_at, place_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer


def answer_asks(
    context: AppContext, changes: Iterable[ConsentChange], *, now: Instant, heard: Callable[[Instant], object]
) -> None:
    """Record what was just said about consent as the answer to the decisions that had asked for it.

    ``heard`` is told of each, so that somebody learns from it.
    """
    for change in changes if context.config.asks else ():
        if change.change not in ("grant", "withdraw"):
            continue
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            asked = _answered(snapshot.person(change.customer), change, config=snapshot.config, now=now)
            places = [(one, place_of(context, reader, one.said.decision, customer=one.owner.name)) for one in asked]
            found = [(one, place, decision_at(reader, *place).decision) for one, place in places]
        for (_, said, verdict), (owner, n), decision in found:
            if _last(said) != verdict:
                outcome = Outcome(decision=said.decision, verdict=verdict, at=now, **_slot(decision, said.action))
                record_answer(context, owner, n, outcome, now=now)
                heard(now)


class _Answered(NamedTuple):
    """Something that was asked of a person, by one of their ids, and what a change answers to it."""

    owner: Customer
    said: ContactRecord
    verdict: Verdict


def _answered(person: Person, change: ConsentChange, *, config: BankConfig, now: Instant) -> Iterator[_Answered]:
    """Give what was asked of a person, by any of their ids, that a change answers and that may still be answered."""
    for owner in person.members:
        for said in person.states[owner.subject].contacts:
            scope = config.asks.get(said.action)
            if scope is not None and _is_about(change, scope) and now <= last_day(said.at, config=config):
                allowed = is_allowed(*scope, person.consents, policy=config.policy, now=person.judged(now))
                if allowed == (change.change == "grant"):
                    yield _Answered(owner, said, "accepted" if allowed else "declined")


def _is_about(change: ConsentChange, scope: Scope) -> bool:
    purpose, source = scope
    purposes = {plain_of(word) for word in change.purposes}
    return not purposes.isdisjoint((EVERY, purpose)) and not {EVERY, source}.isdisjoint(change.sources)


def _last(said: ContactRecord) -> Verdict | None:
    return next((heard.verdict for _, heard in reversed(said.answers) if heard.verdict in SAID), None)


def _slot(decision: Decision, action: str) -> OutcomeFields:
    if decision.slots == 1:
        return {}
    return {"slot": 1 + [place.action for place in decision.places].index(action)}

"""What a person says about consent after a decision asked for a permission is the answer to that decision.

A yes to what was asked for accepts it, a no to it declines it, by whichever door it is said; nothing else answers such
a decision. It counts for as long as answers count at all, and the latest one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from marketofone.consent.ledger import EVERY, ConsentChange, What, plain_of
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

_MEANS: dict[What, Verdict] = {"grant": "accepted", "withdraw": "declined"}


def answer_asks(
    context: AppContext, changes: Iterable[ConsentChange], *, now: Instant, heard: Callable[[Instant], object]
) -> None:
    """Record what was just said about consent as the answer to the decisions that had asked for it.

    ``heard`` is told of each, so that somebody learns from it.
    """
    for change in changes if context.config.asks else ():
        verdict = _MEANS.get(change.change)
        if verdict is None:
            continue
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            asked = _asked(snapshot.person(change.customer), change, config=snapshot.config, now=now)
            found = [(said, place_of(context, reader, said.decision, customer=owner.name)) for owner, said in asked]
            places = [(said, place, decision_at(reader, *place).decision) for said, place in found]
        for said, (owner, n), decision in places:
            if _last(said) != verdict:
                outcome = Outcome(decision=said.decision, verdict=verdict, at=now, **_slot(decision, said.action))
                record_answer(context, owner, n, outcome, now=now)
                heard(now)


def _asked(
    person: Person, change: ConsentChange, *, config: BankConfig, now: Instant
) -> Iterator[tuple[Customer, ContactRecord]]:
    """Give what was asked of a person, by any of their ids, that a change is about and that may still be answered."""
    for owner in person.members:
        for said in person.states[owner.subject].contacts:
            scope = config.asks.get(said.action)
            if scope is not None and _is_about(change, scope) and now <= last_day(said.at, config=config):
                yield owner, said


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

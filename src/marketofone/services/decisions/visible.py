"""What of the past may still be shown: after a no, what rested on it is hidden from every surface."""

from __future__ import annotations

from msgspec.structs import replace

from marketofone.consent.gate import NOT_USED, REFUSED, WHY, permit, stopped
from marketofone.consent.ledger import Consents
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.action import ROLE_OF
from marketofone.domain.decision import Candidates, Decision, Reason
from marketofone.domain.languages import message
from marketofone.domain.moment import Instant
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord

HIDDEN = message("not shown: it rests on information that may not be used any more")
DEPARTED = message("it rests on an id that does not belong to this person any more")
_STOPPED = message("%(purpose)s is stopped: %(text_why)s")
_HIDDEN_FOR = message("not shown: it rests on information that may not be used any more (%(text_why)s)")
HIDDEN_ACTION = "not_shown"
"""Stands for an action whose name alone would tell what it rested on."""


def refusal_of(record: DecisionRecord, person: Person, *, config: BankConfig, now: Instant) -> str:
    """Say what a decision rests on that may not be used any more, and why; empty when there is nothing.

    ``now`` is when it is asked for. A decision rests on the ids that were one person when it was made: what another id
    told is not theirs to show once they are apart, or once that id was forgotten.
    """
    decision, judged = record.decision, person.judged(now)
    if decision.uses and not record.rests_on.subjects <= person.states.keys():
        return DEPARTED
    purposes = dict.fromkeys(purpose for purpose, _ in decision.uses)
    consents = person.consents_over(record.rests_on.subjects, now=judged)
    permits = {
        purpose: permit(
            purpose,
            consents,
            customer=decision.customer,
            channel=decision.channel,
            policy=config.policy,
            now=judged,
            made=decision.at,
        )
        for purpose in purposes
    }
    for purpose, source in decision.uses:
        if source not in permits[purpose].sources:
            why = permits[purpose].refused.get(source, NOT_USED)
            return REFUSED % {"source": source, "purpose": purpose, "text_why": why}
    return _stop(record, consents, policy=config.policy, now=judged)


def _stop(record: DecisionRecord, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> str:
    """Say what stops an action that was chosen, also one that rests on no information; empty where nothing does."""
    kinds = (record.kind, *(slot.kind for slot in record.decision.below))
    roles = dict.fromkeys(role for kind in kinds if kind is not None and (role := ROLE_OF[kind]) is not None)
    for purpose in map(policy.serving, roles):
        state = stopped(purpose, consents, policy=policy, now=now)
        if state is not None:
            return _STOPPED % {"purpose": purpose, "text_why": WHY[state]}
    return ""


def visible(record: DecisionRecord, person: Person, *, config: BankConfig, now: Instant) -> Decision:
    """Give a decision as it may be shown now: whole, or that it was made and nothing it rested on."""
    return shown(record.decision, refused=refusal_of(record, person, config=config, now=now))


def shown(decision: Decision, *, refused: str) -> Decision:
    """Give a decision whole, or where something is ``refused``, that it was made and nothing it rested on."""
    if not refused:
        return decision
    return replace(
        decision,
        action=HIDDEN_ACTION,
        guardrails=(),
        reasons=(Reason(text=_HIDDEN_FOR % {"text_why": refused}, feature=None, source=None, term=0.0),),
        candidates=Candidates(),
        context=(),
        notification=None,
        below=(),
        charged=(),
        asks=(),
    )

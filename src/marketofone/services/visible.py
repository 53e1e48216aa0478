"""What of the past may still be shown: after a no, what rested on it is hidden from every surface."""

from __future__ import annotations

from msgspec.structs import replace

from marketofone.consent.gate import permit
from marketofone.consent.ledger import Consents
from marketofone.domain.decision import Decision, Reason
from marketofone.domain.moment import Instant
from marketofone.projection.bank_config import BankConfig

HIDDEN = "not shown: it rests on information that may not be used any more"
HIDDEN_ACTION = "not_shown"
"""Stands for an action whose name alone would tell what it rested on."""


def refusal_of(decision: Decision, consents: Consents, *, config: BankConfig, now: Instant) -> str:
    """Say which source a decision rests on that may not be used any more, and why; empty when there is none."""
    purposes = dict.fromkeys(purpose for purpose, _ in decision.uses)
    permits = {
        purpose: permit(
            purpose, consents, customer=decision.customer, channel=decision.channel, policy=config.policy, now=now
        )
        for purpose in purposes
    }
    for purpose, source in decision.uses:
        if source not in permits[purpose].sources:
            why = permits[purpose].refused.get(source, "the bank does not use it")
            return f"{source} is refused for {purpose}: {why}"
    return ""


def visible(decision: Decision, consents: Consents, *, config: BankConfig, now: Instant) -> Decision:
    """Give a decision as it may be shown now: whole, or that it was made and nothing it rested on."""
    refused = refusal_of(decision, consents, config=config, now=now)
    if not refused:
        return decision
    return replace(
        decision,
        action=HIDDEN_ACTION,
        guardrails=(),
        reasons=(Reason(text=f"{HIDDEN} ({refused})", feature=None, source=None, term=0.0),),
        counterfactual=None,
        candidates=(),
        context=(),
        notification=None,
    )

"""How much money a decision knew a person has left: read off how its candidates fared, or off what it saw.

Where a late payment or an account that may run short stopped a credit, or a help against running short was open to
them, little is left. Where no such thing stopped a credit, enough is. Where neither was judged, nobody knew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from marketofone.decide.decision_input import MAY_RUN_SHORT, PAYMENT_LATE, DecisionInput
from marketofone.decide.forecast_facts import SHORTFALLS
from marketofone.domain.action import Action
from marketofone.domain.decision import Candidate, Decision, MoneyLeft

_SHORT = tuple(f"credit_protection: {why}" for why in (PAYMENT_LATE, MAY_RUN_SHORT))
_JUDGED_BEFORE = ("credit_protection", "stress")  # guardrails that leave open whether a credit would hurt


class MoneyActions(NamedTuple):
    """The actions whose fate tells how much money is left: those that lend, and those that answer a shortfall ahead."""

    lending: frozenset[str]
    helping: frozenset[str]


def money_actions(actions: Iterable[Action]) -> MoneyActions:
    """Give these of a catalogue."""
    known = tuple(actions)
    return MoneyActions(
        lending=frozenset(action.id for action in known if action.credit),
        helping=frozenset(action.id for action in known if action.about in SHORTFALLS),
    )


def money_left(decision: Decision, *, actions: MoneyActions) -> MoneyLeft:
    """Say how much money a decision knew its person has left."""
    enough = False
    for candidate in decision.candidates:
        if candidate.action in actions.helping and candidate.stage not in ("not_eligible", "not_permitted"):
            return "little"
        if candidate.action in actions.lending:
            if candidate.why in _SHORT:
                return "little"
            enough |= _was_judged_harmless(candidate)
    return "enough" if enough else "not known"


def is_overdrawn(decision_input: DecisionInput) -> bool:
    """Say whether what is spendable lies below zero, as far as some purpose of a decision saw it."""
    return any(
        (value := seen.get(feature.name)) is not None and value < 0.0
        for seen in decision_input.seen.values()
        for feature in seen.catalogue.features
        if feature.how == "last" and feature.of.value == "balance_minor" and feature.of.spendable
    )


def _was_judged_harmless(candidate: Candidate) -> bool:
    """Say whether a credit came past the question whether it could hurt: what stops it later comes after that."""
    if candidate.stage == "guarded":
        return not candidate.why.startswith(_JUDGED_BEFORE)
    return candidate.stage in ("scored", "chosen", "not_approved")

"""At which gate an action was stopped: the gates that stages and reasons of a decision's candidates stand for.

1. eligible: its own condition holds, as far as the bank knows.
2. applicable: it belongs there, its schedule is open, there is still time for it, and neither itself nor its cause was
   told already.
3. suitable: it does not hurt: care comes first at signs of stress, and no credit where it could do harm.
4. permitted: the person allows what it has to know, and the purpose it serves.
5. guarded: no cap, cool-off or quiet hour stands against it.
6. approved: the review board lets it run.
7. scored: it stood for the choice.
8. chosen.

An action that passed a gate in one decision of a period and failed it in another passed it. Of one decision only the
first reason to stop an action is kept, so a gate hides what later ones would have said.
"""

from __future__ import annotations

from typing import Literal, get_args

from marketofone.domain.decision import Candidate, Stage

Gate = Literal["eligible", "applicable", "suitable", "permitted", "guarded", "approved", "scored", "chosen"]
GATES: tuple[Gate, ...] = get_args(Gate)

OUTSCORED = "another action, or leaving in peace, was worth more"
_UNKNOWN = "unknown, because "
_LATE = "too late to help"
_NOT_HERE_OR_NOW = ("schedule:", "placement:", "above:")
_APPLICABLE = ("told_already",)
_SUITABLE = ("stress", "credit_protection")
_OTHERS: dict[Stage, Gate] = {"not_permitted": "permitted", "not_approved": "approved", "scored": "chosen"}


def stopped_at(candidate: Candidate) -> tuple[Gate, str] | None:
    """Give the gate that stopped a candidate, and why; None when it was chosen.

    Examples
    --------
    >>> stopped_at(Candidate(action="loan", stage="guarded", why="credit_protection: a payment is late"))
    ('suitable', 'credit_protection: a payment is late')
    >>> stopped_at(Candidate(action="loan", stage="chosen")) is None
    True
    """
    match candidate.stage:
        case "chosen":
            return None
        case "not_eligible":
            return _not_eligible(candidate.why)
        case "guarded":
            return _guarded(candidate.why)
        case stage:
            return _OTHERS[stage], candidate.why or OUTSCORED


def _not_eligible(why: str) -> tuple[Gate, str]:
    if why.startswith(_LATE):
        return "applicable", _LATE
    if why.startswith(_NOT_HERE_OR_NOW):
        return "applicable", why
    return ("permitted", why) if why.startswith(_UNKNOWN) else ("eligible", why)


def _guarded(why: str) -> tuple[Gate, str]:
    name = why.partition(":")[0]
    if name in _APPLICABLE:
        return "applicable", name
    return ("suitable", why) if name in _SUITABLE else ("guarded", why)

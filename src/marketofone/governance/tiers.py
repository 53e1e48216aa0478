"""Risk tiers: how much harm an action could do, computed from what it does and never declared by its author.

The highest trigger wins. A tier-3 action needs the review board's approval, a tier-4 action can have none.
"""

from __future__ import annotations

import ast
from enum import IntEnum

from marketofone.domain.action import NOTHING, Action

# Life events in which a person is at their weakest. To sell because of one is tier 3, to lend because of one is tier 4.
SENSITIVE_LIFE_EVENTS: frozenset[str] = frozenset({"bereavement", "separation", "job_loss"})
# What a person wrote to us may reveal their state of mind: to sell because of it is tier 3. What a legal duty protects
# may never become a reason to sell.
REVEALING: frozenset[str] = frozenset({"messages"})
PROTECTED: frozenset[str] = frozenset({"protection"})


class Tier(IntEnum):
    """The risk of an action, from none to forbidden."""

    NONE = 0
    SERVICE = 1
    SELLING = 2
    SENSITIVE = 3
    FORBIDDEN = 4


def tier_of(action: Action) -> Tier:
    """Compute the risk tier of an action.

    Examples
    --------
    >>> offer = Action(id="card", kind="offer", title="A card", text="A card.", credit=True)
    >>> tier_of(offer)
    <Tier.SENSITIVE: 3>
    """
    sensitive = bool(SENSITIVE_LIFE_EVENTS & (life_events_read(action.eligible) | set(action.tags)))
    lends = action.credit or action.personal_price
    if (action.marketing and PROTECTED & set(action.needs)) or (lends and sensitive):
        return Tier.FORBIDDEN
    if lends or (action.marketing and (sensitive or REVEALING & set(action.needs))):
        return Tier.SENSITIVE
    if action.marketing:
        return Tier.SELLING
    return Tier.NONE if action.kind == NOTHING else Tier.SERVICE


def life_events_read(eligible: str) -> set[str]:
    """Give the sensitive life events an expression asks for: by ``life("...")``, or by a feature named after one.

    Examples
    --------
    >>> sorted(life_events_read('life("separation") < 120 or life_job_loss_days < 90'))
    ['job_loss', 'separation']
    """
    try:
        tree = ast.parse(eligible.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return set()  # the catalogue of actions refuses it and says why
    words = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    words += [str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {event for event in SENSITIVE_LIFE_EVENTS if any(event in word for word in words)}

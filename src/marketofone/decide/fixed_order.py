"""Fixed orders: how actions are chosen for people in a group that compares something simpler with the policy.

The groups are declared in ``bank.toml`` and a person stays in theirs. All gates hold for them as for anybody; of what
is open the first of an order wins, with no person in it. Doing nothing stands at 0 in every order. Now and then, as for
everybody, the lot decides instead, so that propensities are exact and none is zero.

- ``catalogue``: what the catalogue declares, chance times value less the cost.
- ``ranking``: the same by what outcomes taught of each action, from everybody together, in the version in force.
- ``nothing``: leave in peace; where somebody has to reach out, in the catalogue's order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketofone.decide.context_matrix import FloatArray
from marketofone.domain.action import Action
from marketofone.domain.decision import Assignment


def fixed_order(
    assignment: Assignment, *, actions: Sequence[Action], ranking: FloatArray | None = None
) -> FloatArray | None:
    """Give what each action is worth in a group's order, and 0 for doing nothing at the end; None without an order.

    Shapes
    ------
    ranking : float64[k]
        What outcomes taught of each action, in minor units; the catalogue's order where none is given.
    result : float64[k + 1]

    Examples
    --------
    >>> tip = Action(id="tip", kind="insight", title="A tip", text="A tip.", value_minor=400, cost_minor=40)
    >>> fixed_order("catalogue", actions=[tip]).tolist()
    [-20.0, 0.0]
    """
    if assignment in ("policy", "control"):
        return None
    declared = catalogue_order(actions)
    worth = ranking if assignment == "ranking" and ranking is not None else declared
    if assignment == "nothing":
        worth = declared - max(float(declared.max(initial=0.0)), 0.0) - 1.0  # in the same order, below nothing
    return np.append(worth, 0.0)


def catalogue_order(actions: Sequence[Action]) -> FloatArray:
    """Give what each action is worth by the catalogue: chance times value less the cost. Shapes: (k,)."""
    return np.array(
        [action.acceptance_probability * action.value_minor - action.cost_minor for action in actions], dtype=np.float64
    )

"""What a decision turned out to be worth, as the reward that policies are compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from marketofone.domain.action import NOTHING
from marketofone.domain.decision import Decision
from marketofone.domain.outcome import Outcome, answer, reported_value


class Prices(Struct, frozen=True, kw_only=True):
    """By action, in minor units: what an acceptance is believed to be worth over 12 months, and what showing costs."""

    values: Mapping[str, int]
    costs: Mapping[str, int]


def reward_of(decision: Decision, outcomes: Sequence[Outcome], *, prices: Prices) -> int:
    """Give what was reported of a decision, else the belief where it was accepted, less the cost of what was shown.

    ``outcomes`` are those of the decision, in the order in which they were recorded.
    """
    if decision.action == NOTHING:
        return 0
    heard, reported = answer(outcomes), reported_value(outcomes)
    cost = prices.costs.get(decision.action, 0)
    if heard is None or heard.verdict != "accepted":
        return -cost
    return (prices.values.get(decision.action, 0) if reported is None else reported) - cost

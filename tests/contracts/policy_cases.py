"""The policies that keep the contract of ``test_policy_contract.py``, over one small catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from five_actions import ACTIONS, DIM
from marketofone.models.bandit import HEADS, MANNERS, Beliefs, Distrust, Head, Outcome, OwnAnswers, Policy, Start, State

POLICIES = {
    name: Policy(Start(actions=ACTIONS, dim=DIM, fits=(2,), manner=manner)) for name, manner in MANNERS.items()
} | {
    "distrusting": Policy(
        Start(actions=ACTIONS, dim=DIM, fits=(2,), distrust=Distrust(above=1.0, whole=1.5, harm=-3.0, actions=2.0))
    )
}
NOBODY = OwnAnswers()
SOMEBODY = OwnAnswers((("a0", True), ("a3", False), ("a4", True)), (("a4", 700.0),))

NUMBERS = st.floats(-1.0, 1.0, allow_subnormal=False)
_UNITS: dict[Head, float] = {"chance": 1.0, "worth": 5_000.0}


def outcome(head: Head, row: int, rest: Sequence[float], reward: float) -> Outcome:
    """Make an outcome; its reward is given as a part of the most."""
    return Outcome(head, ACTIONS[row].id, np.array([1.0, *rest]), _UNITS[head] * reward)


OUTCOMES = st.lists(
    st.builds(
        outcome,
        st.sampled_from(HEADS),
        st.integers(0, len(ACTIONS) - 1),
        st.lists(NUMBERS, min_size=DIM - 1, max_size=DIM - 1),
        st.floats(0.0, 1.0),
    ),
    max_size=20,
)


def learned(
    policy: Policy, outcomes: Iterable[Outcome], *, before: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """Give all states after some outcomes, as bytes."""
    known = dict(before or {})
    return known | policy.update(outcomes, states=read(policy, known).get)


def read(policy: Policy, states: Mapping[str, bytes]) -> dict[str, State]:
    """Read states as a version does."""
    return {name: policy.read(name, blob) for name, blob in states.items()}


def believed(policy: Policy, outcomes: Iterable[Outcome]) -> Beliefs:
    """Give what is believed after some outcomes."""
    states = learned(policy, outcomes)
    return policy.beliefs(read(policy, states).get, moved=states)

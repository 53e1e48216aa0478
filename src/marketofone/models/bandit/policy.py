"""A policy: what is believed at the start, what outcomes move, what a score is made of, and all of it as bytes.

Whoever decides, learns or replays knows names, bytes and scores, and no formula. What was learned is a set of *states*,
each with a name: one for each line of each action, and one for what actions share. A policy is pure: states are handed
in by name, and given back as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from marketofone.models.bandit import arm as arms
from marketofone.models.bandit import shared as sharing
from marketofone.models.bandit.arm import Arm, FloatArray
from marketofone.models.bandit.beliefs import HEADS, Beliefs, Head, Start
from marketofone.models.bandit.shared import Shared

State: TypeAlias = Arm | Shared
States: TypeAlias = Callable[[str], State | None]
"""Gives what was learned under a name; None before the first outcome."""

SHARED = "shared"
FAMILIES: tuple[str, ...] = (*HEADS, SHARED)
"""What the name of a state begins with, up to the first colon."""


class Outcome(NamedTuple):
    """What a policy learns from: an answer to an action (1 or 0), or a report of what its acceptance was worth."""

    head: Head
    action: str
    context: FloatArray
    reward: float


@dataclass(frozen=True, eq=False)
class Policy:
    """One way to decide, over one catalogue of actions.

    Examples
    --------
    >>> import numpy as np
    >>> from marketofone.domain.action import Action
    >>> tip = Action(id="tip", kind="insight", title="t", text="t", acceptance_probability=0.1, value_minor=900)
    >>> policy = Policy(Start(actions=(tip,), dim=1, fits=()))
    >>> states = policy.update([Outcome("chance", "tip", np.ones(1), 1.0)], states={}.get)
    >>> sorted(states)
    ['chance:tip', 'shared:chance']
    >>> learned = {name: policy.read(name, blob) for name, blob in states.items()}
    >>> after = policy.beliefs(learned.get, moved=states)
    >>> bool(after.rates[0] > policy.prior.rates[0])
    True
    """

    start: Start

    @cached_property
    def prior(self) -> Beliefs:
        """What is believed before the first outcome."""
        return Beliefs.at_start(self.start)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all states that this policy may have."""
        return (*self.at_start, *(_name(SHARED, head) for head in HEADS))

    @cached_property
    def at_start(self) -> Mapping[str, Arm]:
        """The states of actions before the first outcome, by name."""
        return {
            _name(head, action.id): arm
            for head, arms_of in self.start.arms.items()
            for action, arm in zip(self.start.actions, arms_of, strict=True)
        }

    @staticmethod
    def read(name: str, blob: bytes) -> State:
        """Read a state that :meth:`update` gave, to the bit.

        Raises
        ------
        MalformedDocument
            When the bytes are no such state.
        """
        return sharing.from_bytes(blob) if name.startswith(f"{SHARED}:") else arms.from_bytes(blob)

    def update(self, outcomes: Iterable[Outcome], *, states: States) -> dict[str, bytes]:
        """Give the states that outcomes move, as bytes; what actions share moves with any of them.

        Raises
        ------
        MalformedRequest
            When a context was made with another catalogue of features.
        """
        moved: dict[Head, dict[str, Arm]] = {head: {} for head in HEADS}
        for head, action, context, reward in outcomes:
            before = moved[head].get(action) or _arm(states, head, action)
            moved[head][action] = self.start.learned(head, action, before, context=context, reward=reward)
        given = {
            _name(head, action): arms.to_bytes(arm)
            for head, learned in moved.items()
            for action, arm in learned.items()
        }
        for head, learned in moved.items():
            if learned:
                shared = self.start.pooled(
                    head, self._learned(head, states) | learned, before=_shared(states, head), moved=learned
                )
                given[_name(SHARED, head)] = sharing.to_bytes(shared)
        return given

    def beliefs(self, states: States, *, moved: Collection[str], before: Beliefs | None = None) -> Beliefs:
        """Lay states out for decisions.

        Parameters
        ----------
        states
            All that was learned.
        moved
            The names of states that are not as in ``before``; others are not asked for.
        before
            What was laid out earlier; by default what is believed at the start.
        """
        learned: dict[Head, dict[str, Arm]] = {head: {} for head in HEADS}
        for head, of in learned.items():
            for action in self.start.rows:
                name = _name(head, action)
                if name in moved:
                    of[action] = _arm(states, head, action) or self.at_start[name]
        shared = {head: part for head in HEADS if (part := _shared(states, head)) is not None}
        return (before or self.prior).after(learned, shared=shared)

    def _learned(self, head: Head, states: States) -> dict[str, Arm]:
        each = ((action, _arm(states, head, action)) for action in self.start.rows)
        return {action: arm for action, arm in each if arm is not None}


class Learned:
    """A policy with what it learned, in memory: for the laboratory and for benchmarks, where no version is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from marketofone.domain.action import Action
    >>> tip = Action(id="tip", kind="insight", title="t", text="t", acceptance_probability=0.1, value_minor=900)
    >>> learned = Learned(Policy(Start(actions=(tip,), dim=1, fits=())))
    >>> learned.hear([Outcome("chance", "tip", np.ones(1), 0.0)])
    >>> bool(learned.beliefs.rates[0] < 0.1)
    True
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.states: dict[str, State] = {}
        self.beliefs = policy.prior

    def hear(self, outcomes: Iterable[Outcome]) -> None:
        """Learn from outcomes; afterwards ``beliefs`` know them."""
        moved = self.policy.update(outcomes, states=self.states.get)
        self.states |= {name: self.policy.read(name, blob) for name, blob in moved.items()}
        if moved:
            self.beliefs = self.policy.beliefs(self.states.get, moved=moved, before=self.beliefs)


def _name(family: str, of: str) -> str:
    return f"{family}:{of}"


def _arm(states: States, head: Head, action: str) -> Arm | None:
    found = states(_name(head, action))
    return found if isinstance(found, Arm) else None


def _shared(states: States, head: Head) -> Shared | None:
    found = states(_name(SHARED, head))
    return found if isinstance(found, Shared) else None

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

from marketofone.domain.errors import MalformedRequest
from marketofone.models.bandit import arm as arms
from marketofone.models.bandit import shared as sharing
from marketofone.models.bandit import surrogate
from marketofone.models.bandit.arm import Arm, FloatArray
from marketofone.models.bandit.beliefs import Beliefs, OwnAnswers
from marketofone.models.bandit.predict import Rows, Scores
from marketofone.models.bandit.shared import Shared
from marketofone.models.bandit.start import HEADS, Head, Start
from marketofone.models.bandit.surrogate import Imputed, Reading, SignSums, Stated

State: TypeAlias = Arm | Shared | SignSums | Imputed
States: TypeAlias = Callable[[str], State | None]
"""Gives what was learned under a name; None before the first outcome."""

SHARED, SIGNS, IMPUTED = "shared", "signs", "imputed"
FAMILIES: tuple[str, ...] = (*HEADS, SHARED, SIGNS, IMPUTED)
"""What the name of a state begins with, up to the first colon."""


class Outcome(NamedTuple):
    """What a policy learns from: an answer to an action (1 or 0), or a report of what its acceptance was worth.

    ``signs`` are what the early signs of that acceptance were, where they had been read.
    """

    head: Head
    action: str
    context: FloatArray
    reward: float
    signs: Reading | None = None


class EarlySigns(NamedTuple):
    """What a policy learns from before a value is reported: the early signs of an acceptance."""

    action: str
    context: FloatArray
    signs: Reading


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
        stated = self.start.signs
        early = () if stated is None else (_imputed_name(stated), *(_signs_name(stated, of) for of in self.start.rows))
        return (*self.at_start, *(_name(SHARED, head) for head in HEADS), *early)

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
        return _READERS.get(name.split(":", 1)[0], arms.from_bytes)(blob)

    def update(self, outcomes: Iterable[Outcome | EarlySigns], *, states: States) -> dict[str, bytes]:
        """Give the states that outcomes move, as bytes; what actions share moves with any of them.

        Raises
        ------
        MalformedRequest
            When a context was made with another catalogue of features.
        """
        outcomes = list(outcomes)
        moved = self._moved(outcomes, states)
        signs = [outcome for outcome in outcomes if outcome.signs is not None]
        known = {head: self.learned(head, states) | learned for head, learned in moved.items() if learned or signs}
        said, imputed = self._imputed(signs, known.get("worth", {}), states=states)
        given = said | {
            _name(head, action): arms.to_bytes(arm)
            for head, learned in moved.items()
            for action, arm in learned.items()
        }
        if moved["chance"]:
            pooled = self.start.pooled(
                "chance", known["chance"], before=_shared(states, "chance"), moved=moved["chance"]
            )
            given[_name(SHARED, "chance")] = sharing.to_bytes(pooled)
        return given | self._worths(moved, known, imputed, said=bool(said), states=states)

    def _worths(
        self,
        moved: Mapping[Head, Mapping[str, Arm]],
        known: Mapping[Head, Mapping[str, Arm]],
        imputed: Mapping[str, Arm],
        *,
        said: bool,
        states: States,
    ) -> dict[str, bytes]:
        """Give what worths share, where reports, early signs, or answers that change what is suspected move it."""
        chances = known.get("chance") or self.learned("chance", states)
        worths = known.get("worth")
        if not (moved["worth"] or said):
            if not self._is_suspected_anew(chances, states):
                return {}
            worths, (_, imputed) = self.learned("worth", states), self._what_signs_say(states)
        if not (worths or imputed):
            return {}
        before = _shared(states, "worth")
        pooled = self.start.pooled(
            "worth", worths or {}, before=before, moved=moved["worth"], beside=imputed, chances=chances
        )
        return {_name(SHARED, "worth"): sharing.to_bytes(pooled)}

    def _is_suspected_anew(self, chances: Mapping[str, Arm], states: States) -> bool:
        """Say whether answers change of what any action is suspected."""
        if self.start.distrust is None:
            return False
        was, now = (
            self.start.suspected(self.start.times_declared(of)) for of in (self.learned("chance", states), chances)
        )
        return bool((was != now).any())

    def _moved(self, outcomes: Iterable[Outcome | EarlySigns], states: States) -> dict[Head, dict[str, Arm]]:
        """Give the arms that answers and reports move."""
        moved: dict[Head, dict[str, Arm]] = {head: {} for head in HEADS}
        for outcome in outcomes:
            if isinstance(outcome, Outcome):
                head, action, context, reward, _ = outcome
                before = moved[head].get(action) or _arm(states, head, action)
                moved[head][action] = self.start.learned(head, action, before, context=context, reward=reward)
        return moved

    def _imputed(
        self, heard: Iterable[Outcome | EarlySigns], worths: Mapping[str, Arm], *, states: States
    ) -> tuple[dict[str, bytes], dict[str, Arm]]:
        """Give the states that early signs and reports move, and the arms of actions with what their signs say."""
        stated = self.start.signs
        if stated is None or not (worths or heard):
            return {}, {}
        sums = self.signs(states)
        moved = {}
        for outcome in heard:
            before = sums.get(outcome.action) or surrogate.no_sums(dim=self.start.dim, signs=len(stated.helps))
            sums[outcome.action] = moved[outcome.action] = self._heard(before, outcome)
        index = surrogate.index_of((sums[action] for action in sorted(sums)), stated)
        found = {
            action: self.start.with_signs(action, worths.get(action), of, index)
            for action, of in sorted(sums.items())
            if of.waiting
        }
        given = {_signs_name(stated, action): surrogate.to_bytes(of) for action, of in moved.items()}
        if found or states(_imputed_name(stated)) is not None:
            given[_imputed_name(stated)] = surrogate.imputed_to_bytes(found)
        return given, found

    def _heard(self, sums: SignSums, outcome: Outcome | EarlySigns) -> SignSums:
        if outcome.signs is None or len(outcome.signs.signs) + 1 != sums.pull.size:
            raise MalformedRequest(field="signs", shape="not the signs that are stated", fix="leave them out")
        if isinstance(outcome, EarlySigns):
            return sums.waits(outcome.signs, outcome.context)
        return sums.valued(outcome.signs, outcome.context, z=self._apart(outcome.action, outcome.reward))

    def _apart(self, action: str, value: float) -> float:
        """Say how far a reported value lies from what the catalogue states, in units of that."""
        first = self.at_start[_name("worth", action)]
        return (self.start.counted(action, value) - float(first.mean[0])) / self.start.stated(action)

    def distrusted(self, states: States) -> tuple[float, dict[str, float]]:
        """Give how much of what the bank states of distrust remains, and how much of it belongs to which action.

        Actions to which nothing of it belongs are left out.
        """
        if not self.start.distrusts:
            return 0.0, {}
        shared = _shared(states, "worth")
        each = self.start.suspicion(self.start.times_declared(self.learned("chance", states))).tolist()
        of = {action: part for action, part in zip(self.start.rows, each, strict=True) if part > 0.0}
        return (1.0 if shared is None else shared.distrust), of

    def signs(self, states: States) -> dict[str, SignSums]:
        """Give what is kept of early signs, by action; nothing where the bank reads none."""
        stated = self.start.signs
        if stated is None:
            return {}
        each = ((action, states(_signs_name(stated, action))) for action in self.start.rows)
        return {action: found for action, found in each if isinstance(found, SignSums)}

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
        name_of_signs, said = self._what_signs_say(states)
        for head, of in learned.items():
            every, imputed = (name_of_signs in moved, said) if head == "worth" else (False, {})
            for action in self.start.rows:
                name = _name(head, action)
                if every or name in moved:
                    of[action] = imputed.get(action) or _arm(states, head, action) or self.at_start[name]
        shared = {head: part for head in HEADS if (part := _shared(states, head)) is not None}
        return (before or self.prior).after(learned, shared=shared)

    def _what_signs_say(self, states: States) -> tuple[str, Mapping[str, Arm]]:
        """Give the name of the state that holds arms with what signs say, and these; none where no signs are read."""
        if self.start.signs is None:
            return "", {}
        name = _imputed_name(self.start.signs)
        found = states(name)
        return name, found.arms if isinstance(found, Imputed) else {}

    def learned(self, head: Head, states: States) -> dict[str, Arm]:
        """Give the arms of a head that outcomes moved, by action."""
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

    def score(self, contexts: FloatArray, *, own: OwnAnswers, rows: Rows) -> Scores:
        """Score some actions, each in its own context. Shape of the contexts: (r, d)."""
        return self.beliefs.score(contexts, own=own, rows=rows)


_READERS: Mapping[str, Callable[[bytes], State]] = {
    SHARED: sharing.from_bytes,
    SIGNS: surrogate.from_bytes,
    IMPUTED: surrogate.imputed_from_bytes,
}


def _name(family: str, of: str) -> str:
    return f"{family}:{of}"


def _signs_name(stated: Stated, action: str) -> str:
    return _name(SIGNS, f"{stated.label}/{action}")


def _imputed_name(stated: Stated) -> str:
    return _name(IMPUTED, stated.label)


def _arm(states: States, head: Head, action: str) -> Arm | None:
    found = states(_name(head, action))
    return found if isinstance(found, Arm) else None


def _shared(states: States, head: Head) -> Shared | None:
    found = states(_name(SHARED, head))
    return found if isinstance(found, Shared) else None

"""Lessons: what outcomes that were recorded teach, and which states of a version they move.

What a lesson teaches is judged when it is learned, so a no that came meanwhile is followed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.learn.join import Example, SignsLabel, SignsRead, Skipped, ValueLabel
from marketofone.learn.values import ValuePosterior, learn_value
from marketofone.learn.values import to_bytes as value_to_bytes
from marketofone.models.bandit import EarlySigns, Outcome, Reading, State
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import ModelVersion, belief_name, value_name
from marketofone.services.decisions.feedback import same_features, taught
from marketofone.services.learning.lesson_facts import facts_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import Lesson, Reader


def moved_states(
    context: AppContext,
    reader: Reader,
    snapshot: Snapshot,
    version: ModelVersion,
    waiting: Iterable[Lesson],
    *,
    now: Instant,
    learned_before: bool = False,
) -> tuple[dict[str, bytes], tuple[tuple[int, int], ...]]:
    """Give the states that lessons move, and the lessons that teach something.

    A pause takes back nothing that was learned before.
    """
    moved = _Moved(context, reader, version, snapshot.config)
    learned: list[tuple[int, int]] = []
    for lesson in waiting:
        task = task_of(context, reader, snapshot, lesson, now=now, learned=learned_before)
        if task is None or isinstance(task, Skipped):
            continue
        moved.learn(task)
        learned.append((lesson.subject, lesson.n))
    return moved.states(), tuple(learned)


class _Moved:
    """The states of a version that lessons move, as they move."""

    def __init__(self, context: AppContext, reader: Reader, version: ModelVersion, config: BankConfig) -> None:
        self._versions, self._reader, self._version, self._config = context.versions, reader, version, config
        self._outcomes: list[Outcome | EarlySigns] = []
        self._values: dict[str, ValuePosterior] = {}

    def learn(self, task: Example | ValueLabel | SignsLabel) -> None:
        """Learn one lesson."""
        context = np.array(task.context)
        if isinstance(task, SignsLabel):
            self._outcomes.append(EarlySigns(task.action, context, _reading(task.signs)))
            return
        if isinstance(task, Example):
            self._outcomes.append(Outcome("chance", task.action, context, task.reward))
            return
        action = self._config.actions.action(task.action)
        before = self._values.get(action.id) or self._versions.value(self._reader, self._version, action)
        self._values[action.id] = learn_value(before, value_minor=task.value_minor)
        signs = None if task.signs is None else _reading(task.signs)
        self._outcomes.append(Outcome("worth", task.action, context, float(task.value_minor), signs))

    def states(self) -> dict[str, bytes]:
        """Give the states that moved."""
        policy, features = self._config.compiled.policy, self._config.features
        moved = policy.update(self._outcomes, states=self._state)
        values = {value_name(name): value_to_bytes(value) for name, value in self._values.items()}
        return values | {belief_name(name, features=features): blob for name, blob in moved.items()}

    def _state(self, name: str) -> State | None:
        return self._versions.belief(self._reader, self._version, name, config=self._config)


def _reading(read: SignsRead) -> Reading:
    return Reading(read.place, read.signs.seen)


def task_of(
    context: AppContext, reader: Reader, snapshot: Snapshot, lesson: Lesson, *, now: Instant, learned: bool = False
) -> Example | ValueLabel | SignsLabel | Skipped | None:
    """Give what a lesson teaches now; None when its person was forgotten, or another id that its decision rests on."""
    owner = context.keys.customer(lesson.subject)
    if owner is None:
        return None
    try:
        person = snapshot.person_of(owner)
    except UnknownCustomer:
        return None
    facts = facts_of(context, reader, owner, lesson)
    if any(context.keys.customer(subject) is None for subject in facts.subjects):
        return None
    return taught(
        person,
        facts,
        config=snapshot.config,
        outdated=not same_features(reader, context.configs, snapshot.bank, facts.decision, snapshot.config),
        now=now,
        learned=learned,
    )

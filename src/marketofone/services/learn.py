"""Learning: waiting lessons become a new version of what was learned.

A version is one entry of the bank's journal. It names its parent, its lessons in order, and the digests of the states
that changed. What a lesson teaches is judged when it is learned, so a no that came meanwhile is followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.errors import Refused, UnknownCustomer, UnknownVersion
from marketofone.domain.moment import Instant
from marketofone.learn.join import Example, LessonFacts, Skipped, ValueLabel
from marketofone.learn.update import learn as updated
from marketofone.learn.values import ValuePosterior, learn_value
from marketofone.learn.values import to_bytes as value_to_bytes
from marketofone.models.bandit import Arm
from marketofone.models.bandit import to_bytes as arm_to_bytes
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import RollbackRecord, VersionRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import ModelVersion, arm_name, value_name
from marketofone.services.app_context import AppContext, repeated
from marketofone.services.decide import decision_at, place_of
from marketofone.services.feedback import earlier_outcomes, same_features, taught
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Expectation, Lesson, Reader, Unit

TOGETHER = 1_000
"""Lessons in one version."""


class VersionView(Struct, frozen=True, kw_only=True):
    """One version, as people are shown it."""

    version: int
    parent: int
    recorded: Instant
    lessons: int
    debt: int
    states: tuple[str, ...]
    why: str
    active: bool


def learn(context: AppContext, *, now: Instant) -> int:
    """Learn from every lesson that waits. Gives how many lessons became part of a version."""
    learned = 0
    while True:
        waiting, took = _learn_some(context, now=now)
        learned += took
        if waiting < TOGETHER:
            return learned


def record_version(
    context: AppContext, states: Mapping[str, bytes | None], *, now: Instant, at: Instant, why: str
) -> int:
    """Record states that were trained as a new version, active at once. Gives its number."""
    sealed = {
        name: None if plain is None else codec.seal_state(name, plain, box=context.keys.bank)
        for name, plain in states.items()
    }
    return _record_sealed(context, sealed, now=now, at=at, why=why)


@repeated
def _record_sealed(
    context: AppContext, sealed: Mapping[str, tuple[bytes, bytes] | None], *, now: Instant, at: Instant, why: str
) -> int:
    with context.store.read() as reader:
        head = reader.head(BANK)
        parent = context.snapshot(reader).bank.version
    record = VersionRecord(
        context.actor,
        parent,
        {name: None if pair is None else pair[0] for name, pair in sealed.items()},
        at=at,
        why=why,
    )
    unit = Unit(
        now=now,
        expects={BANK: Expectation(head.guard, head.n)},
        drafts=[codec.draft("version", record, subject=BANK, box=context.keys.bank, at=at)],
        states={pair[0]: pair[1] for pair in sealed.values() if pair is not None},
    )
    return context.store.commit(unit)[0].n


def versions(context: AppContext, *, debt: int) -> list[VersionView]:
    """List all versions, newest first. ``debt`` counts lessons of the active one that may not be used any more."""
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
    return [
        VersionView(
            version=info.n,
            parent=info.parent,
            recorded=info.recorded,
            lessons=info.lessons,
            debt=debt if info.n == bank.version else 0,
            states=tuple(sorted(info.changed)),
            why=info.why,
            active=info.n == bank.version,
        )
        for info in sorted(bank.versions.values(), key=lambda one: -one.n)
        if info.n <= bank.n
    ]


@repeated
def roll_back(context: AppContext, version: int, *, now: Instant) -> None:
    """Make an earlier version active again; 0 is what was known before anything was learned.

    Raises
    ------
    UnknownVersion
    """
    with context.store.read() as reader:
        head = reader.head(BANK)
        bank = context.snapshot(reader).bank
    if version and version not in bank.versions:
        raise UnknownVersion
    if not bank.destroyed.isdisjoint(context.versions.version(bank, version).digests.values()):
        raise Refused(why="this version was learned from somebody who was forgotten, and is destroyed")
    record = RollbackRecord(context.actor, version)
    draft = codec.draft("rollback", record, subject=BANK, box=context.keys.bank, at=now)
    context.store.commit(Unit(now=now, expects={BANK: Expectation(head.guard, head.n)}, drafts=[draft]))


@repeated
def _learn_some(context: AppContext, *, now: Instant) -> tuple[int, int]:
    with context.store.read() as reader:
        waiting = reader.lessons(limit=TOGETHER)
        if not waiting:
            return 0, 0
        head = reader.head(BANK)
        snapshot = context.snapshot(reader)
        version = context.versions.version(snapshot.bank, snapshot.bank.version)
        states, lessons = moved_states(context, reader, snapshot, version, waiting, now=now)
    unit = _unit(
        context, waiting, lessons, states, parent=version.number, now=now, expected=Expectation(head.guard, head.n)
    )
    context.store.commit(unit)
    return len(waiting), len(lessons)


def _unit(
    context: AppContext,
    waiting: Iterable[Lesson],
    lessons: tuple[tuple[int, int], ...],
    states: Mapping[str, bytes],
    *,
    parent: int,
    now: Instant,
    expected: Expectation,
) -> Unit:
    waiting = list(waiting)
    learned = set(lessons)
    dropped = tuple(place for lesson in waiting if (place := (lesson.subject, lesson.n)) not in learned)
    sealed = {name: codec.seal_state(name, plain, box=context.keys.bank) for name, plain in states.items()}
    digests: dict[str, bytes | None] = {name: digest for name, (digest, _) in sealed.items()}
    record = VersionRecord(context.actor, parent, digests, lessons, at=now, why="outcomes", dropped=dropped)
    return Unit(
        now=now,
        expects={BANK: expected},
        drafts=[codec.draft("version", record, subject=BANK, box=context.keys.bank, at=now)],
        states=dict(sealed.values()),
        learned=[lesson.row for lesson in waiting],
    )


def moved_states(
    context: AppContext,
    reader: Reader,
    snapshot: Snapshot,
    version: ModelVersion,
    waiting: Iterable[Lesson],
    *,
    now: Instant,
) -> tuple[dict[str, bytes], tuple[tuple[int, int], ...]]:
    """Give the states that lessons move, and the lessons that teach something."""
    arms: dict[str, Arm] = {}
    values: dict[str, ValuePosterior] = {}
    learned: list[tuple[int, int]] = []
    config = snapshot.config
    for lesson in waiting:
        task = task_of(context, reader, snapshot, lesson, now=now)
        if task is None or isinstance(task, Skipped):
            continue
        action = config.actions.action(task.action)
        if isinstance(task, ValueLabel):
            before = values.get(action.id) or context.versions.value(reader, version, action)
            values[action.id] = learn_value(before, value_minor=task.value_minor)
        else:
            arm = arms.get(action.id) or context.versions.arm(reader, version, action, config=config)
            arms[action.id] = updated(arm, task)
        learned.append((lesson.subject, lesson.n))
    states = {arm_name(name, features=config.features): arm_to_bytes(arm) for name, arm in arms.items()}
    states |= {value_name(name): value_to_bytes(value) for name, value in values.items()}
    return states, tuple(learned)


def task_of(
    context: AppContext, reader: Reader, snapshot: Snapshot, lesson: Lesson, *, now: Instant
) -> Example | ValueLabel | Skipped | None:
    """Give what a lesson teaches now; None when its person was forgotten."""
    owner = context.keys.customer(lesson.subject)
    if owner is None:
        return None
    try:
        person = snapshot.person_of(owner)
    except UnknownCustomer:
        return None
    facts = _facts_of(context, reader, owner, person, lesson)
    return taught(
        person,
        facts.decision,
        facts.outcome,
        earlier=facts.earlier,
        config=snapshot.config,
        outdated=not same_features(reader, context.configs, snapshot.bank, facts.decision, snapshot.config),
        now=now,
    )


def _facts_of(context: AppContext, reader: Reader, owner: Customer, person: Person, lesson: Lesson) -> LessonFacts:
    """Give what a lesson is about: read once, for a debt of one customer makes all others' lessons be learned again."""
    place = (lesson.subject, lesson.n)
    known = context.lessons.get(place)
    if known is None:
        entry = next(iter(reader.entries(owner.subject, after=lesson.n - 1, upto=lesson.n)))
        outcome = codec.read(entry, box=owner.box).outcome
        _, n = place_of(context, reader, outcome.decision, customer=owner.name)
        decision = replace(decision_at(reader, owner, n).decision, candidates=())  # which are most of it
        earlier = earlier_outcomes(reader, person, decision, after=n, before=lesson.n)
        known = LessonFacts(outcome, decision, tuple(earlier))
        context.lessons.put(place, known)
    return known

"""Learning: waiting lessons become a new version of what was learned.

A version is one entry of the bank's journal. It names its parent, its lessons in order, and the digests of the states
that changed. A lesson whose customer said no, or was forgotten, while the version was computed is a debt, paid at once.
An answer that took the place of another is learned from once what that one taught is gone: no version holds both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from marketofone.domain.errors import Refused, UnknownVersion
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.bank_state import BankState
from marketofone.projection.records import RollbackRecord, Stage, VersionRecord
from marketofone.projection.versions import DESTROYED, FORECAST
from marketofone.services.intake.identity import members_of
from marketofone.services.learning.debts import debt_of, may_owe, pay
from marketofone.services.learning.lesson_facts import facts_of
from marketofone.services.learning.lessons import moved_states
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.ports import BANK, Expectation, Lesson, Reader, Unit

TOGETHER = 1_000
"""Lessons in one version."""
NO_READING = Instant(0)


class VersionView(Struct, frozen=True, kw_only=True):
    """One version, as people are shown it.

    ``active`` says that it decides; ``share`` for which share of people. What is ``destroyed`` was learned from
    somebody who was forgotten, and decides no more.
    """

    version: int
    parent: int
    recorded: Instant
    lessons: int
    debt: int
    states: tuple[str, ...]
    why: str
    active: bool
    stage: Stage
    share: float = 0.0
    destroyed: bool = False


def learn(context: AppContext, *, now: Instant) -> int:
    """Learn from every lesson that waits. Gives how many lessons became part of a version."""
    learned = 0
    while True:
        waiting, took, moved = _learn_some(context, now=now)
        learned += took
        if moved:
            pay(context, now=now, subjects=may_owe(context, moved))
        if waiting < TOGETHER:
            return learned


def record_version(
    context: AppContext,
    states: dict[str, bytes | None],
    *,
    now: Instant,
    at: Instant,
    why: str,
    read_at: Instant = NO_READING,
) -> int:
    """Record states that were trained as a new version, active at once: of each version in use. Gives its number.

    Each state is taken out of ``states`` when it is sealed: beside what is written it would hold its memory again.
    ``read_at`` is the instant of the uses by which the training read people.
    """
    sealed = {name: _sealed(context, name, states.pop(name)) for name in list(states)}
    return _record_sealed(context, sealed, now=now, at=at, why=why, read_at=read_at)


def _sealed(context: AppContext, name: str, plain: bytes | None) -> tuple[bytes, bytes] | None:
    return None if plain is None else codec.seal_state(name, plain, box=context.keys.bank)


@repeated
def _record_sealed(
    context: AppContext,
    sealed: Mapping[str, tuple[bytes, bytes] | None],
    *,
    now: Instant,
    at: Instant,
    why: str,
    read_at: Instant,
) -> int:
    with context.store.read() as reader:
        head = reader.head(BANK)
        parents = context.snapshot(reader).bank.in_use  # the first is what learning goes on from
    states = {name: None if pair is None else pair[0] for name, pair in sealed.items()}
    records = [VersionRecord(context.actor, parent, states, at=at, why=why, read_at=read_at) for parent in parents]
    unit = Unit(
        now=now,
        expects={BANK: Expectation(head.guard, head.n)},
        drafts=[codec.draft("version", record, subject=BANK, box=context.keys.bank, at=at) for record in records],
        states={pair[0]: pair[1] for pair in sealed.values() if pair is not None},
    )
    return context.store.commit(unit)[0].n


def versions(context: AppContext, *, debt: int) -> list[VersionView]:
    """List all versions, newest first. ``debt`` counts lessons of the active one that may not be used any more."""
    with context.store.read() as reader:
        bank = context.snapshot(reader).bank
    views = [
        VersionView(
            version=info.n,
            parent=info.parent,
            recorded=info.recorded,
            lessons=info.lessons,
            debt=debt if info.n == bank.decides else 0,
            states=tuple(sorted(info.changed)),
            why=info.why,
            active=info.n == bank.decides,
            stage=bank.stage(info.n),
            share=_share(bank, info.n),
            destroyed=context.versions.is_destroyed(bank, info.n),
        )
        for info in sorted(bank.versions.values(), key=lambda one: one.n)  # each is put together from its parent
        if info.n <= bank.n
    ]
    return views[::-1]


def _share(bank: BankState, version: int) -> float:
    on_trial = 0.0 if bank.trial is None else bank.trial.share
    shares: dict[Stage, float] = {"full": 1.0 - on_trial, "share": on_trial, "shadow": 0.0}
    return shares[bank.stage(version)]


@repeated
def roll_back(context: AppContext, version: int, *, now: Instant) -> None:
    """Make an earlier version active again; 0 is what was known before anything was learned.

    Learning goes on from it, and decisions follow what is learned: a trial ends, and so does what was promoted.

    Raises
    ------
    UnknownVersion
    Refused
        When the version contains somebody who was forgotten, or what a training gave up for too few allow it.
    """
    with context.store.read() as reader:
        head = reader.head(BANK)
        bank = context.snapshot(reader).bank
        if version and version not in bank.versions:
            raise UnknownVersion
        if not bank.destroyed.isdisjoint(context.versions.version(bank, version).digests.values()):
            raise Refused(why=DESTROYED)
        if _looks_ahead_with_what_was_given_up(context, reader, bank, version):
            raise Refused(why="a later training gave up what this version learned to look ahead: too few allow it")
    record = RollbackRecord(context.actor, version)
    draft = codec.draft("rollback", record, subject=BANK, box=context.keys.bank, at=now)
    context.store.commit(Unit(now=now, expects={BANK: Expectation(head.guard, head.n)}, drafts=[draft]))


def _looks_ahead_with_what_was_given_up(context: AppContext, reader: Reader, bank: BankState, version: int) -> bool:
    """Say whether a training that came later found too few who allow what a version learned to look ahead."""
    kept = context.versions.version(bank, version).digests.get(FORECAST)
    recorded = [info for n, info in sorted(bank.versions.items()) if n <= bank.n and info.changed.get(FORECAST)]
    trained = [info for info in recorded if info.changed[FORECAST] not in bank.destroyed]
    places = [place for place, info in enumerate(trained) if kept is not None and info.changed[FORECAST] == kept]
    later = trained[places[0] + 1 :] if places else []
    models = (context.versions.forecast_model(reader, context.versions.version(bank, info.n)) for info in later)
    return any(not model.windows for model in models)


@repeated
def _learn_some(context: AppContext, *, now: Instant) -> tuple[int, int, set[int]]:
    """Learn some lessons; gives how many waited, how many were learned, and whose guard moved meanwhile."""
    with context.store.read() as reader:
        waiting = reader.lessons(limit=TOGETHER)
        if not waiting:
            return 0, 0, set()
        head = reader.head(BANK)
        snapshot = context.snapshot(reader)
        version = context.versions.version(snapshot.bank, snapshot.bank.version)
        changed = _answered_otherwise(context, reader, waiting)
        owes = bool(changed) and bool(debt_of(context, reader, snapshot, now=now, subjects=changed).owed)
        states, lessons = ({}, ()) if owes else moved_states(context, reader, snapshot, version, waiting, now=now)
        taught = {subject for subject, _ in lessons}
        before = reader.heads(sorted(members_of(reader, taught)))
    if owes:
        pay(context, now=now, subjects=changed)
        return TOGETHER, 0, set()  # look again
    unit = _unit(
        context, waiting, lessons, states, parent=version.number, now=now, expected=Expectation(head.guard, head.n)
    )
    context.store.commit(unit)
    with context.store.read() as reader:  # what moves from here on sees this version, and pays by itself
        after = reader.heads(list(before))
    return len(waiting), len(lessons), {of for of in before if after[of].guard != before[of].guard}


def _answered_otherwise(context: AppContext, reader: Reader, waiting: Iterable[Lesson]) -> set[int]:
    """Give those among whose waiting lessons is an answer that took the place of another."""
    owners = ((context.keys.customer(lesson.subject), lesson) for lesson in waiting)
    each = ((owner, facts_of(context, reader, owner, lesson)) for owner, lesson in owners if owner is not None)
    return {owner.subject for owner, facts in each if facts.outcome.changes == "answer" and not facts.about_signs}


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

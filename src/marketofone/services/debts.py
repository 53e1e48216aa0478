"""The debt of learning: what was learned from somebody who took their yes back, or was forgotten, is learned anew.

1. Owed are lessons of versions whose outcome may not teach any more.
2. The beliefs that the versions of these lessons moved are made again from their priors, from all other lessons, in the
   order in which versions name them. That is one more version; it names the lessons that went.
3. What contains somebody who was forgotten is destroyed: others' decisions that used it cannot be recomputed any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from marketofone.domain.moment import Instant
from marketofone.learn.join import Skipped
from marketofone.projection import codec
from marketofone.projection.records import VersionRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import ModelVersion
from marketofone.services.app_context import AppContext, repeated
from marketofone.services.lessons import moved_states, task_of
from marketofone.store.ports import BANK, Expectation, Lesson, Reader, Unit

Place = tuple[int, int]
_PRIORS = ModelVersion(0, {})
_BELIEFS = ("arm:", "value:")


class Debt(NamedTuple):
    """Lessons that may not be used any more and still are; those among them of people who were forgotten."""

    owed: frozenset[Place]
    forgotten: frozenset[Place]


def may_owe(context: AppContext, subject: int) -> bool:
    """Say whether a customer ever taught anything: cheap, to be asked with every no."""
    with context.store.read() as reader:
        return next(iter(reader.entries(subject, kinds=("outcome",))), None) is not None


def count(context: AppContext, *, now: Instant) -> int:
    """Count lessons that may not be used any more and still are, in what was learned so far."""
    with context.store.read() as reader:
        return len(debt_of(context, reader, context.snapshot(reader), now=now).owed)


def debt_of(
    context: AppContext, reader: Reader, snapshot: Snapshot, *, now: Instant, subjects: Collection[int] | None = None
) -> Debt:
    """Say what is owed, to everybody or to some."""
    records = _records(context, reader)
    owed: set[Place] = set()
    forgotten: set[Place] = set()
    for place in _taught(records):
        if subjects is not None and place[0] not in subjects:
            continue
        if context.keys.customer(place[0]) is None:
            forgotten.add(place)
        else:
            task = task_of(context, reader, snapshot, Lesson(0, *place), now=now)
            if isinstance(task, Skipped) and task.why == "not_permitted":
                owed.add(place)
    return Debt(frozenset(owed | forgotten), frozenset(forgotten))


@repeated
def pay(context: AppContext, *, now: Instant, subjects: Collection[int] | None = None) -> int:
    """Learn again without what is owed. Gives how many lessons went."""
    with context.store.read() as reader:
        head = reader.head(BANK)
        snapshot = context.snapshot(reader)
        debt = debt_of(context, reader, snapshot, now=now, subjects=subjects)
        if not debt.owed:
            return 0
        unit = _unit(context, reader, snapshot, debt, now=now, expected=Expectation(head.guard, head.n))
    context.store.commit(unit)
    return len(debt.owed)


def _unit(
    context: AppContext, reader: Reader, snapshot: Snapshot, debt: Debt, *, now: Instant, expected: Expectation
) -> Unit:
    records = _records(context, reader)
    first = min(n for n, record in records.items() if not debt.owed.isdisjoint(record.lessons))
    later = [record for n, record in records.items() if n >= first]
    touched = {
        name
        for record in later
        if not debt.owed.isdisjoint(record.lessons)
        for name in record.states
        if name.startswith(_BELIEFS)
    }
    remaining = [
        Lesson(0, *place) for place in _taught(_lineage(records, snapshot.bank.version)) if place not in debt.owed
    ]
    again, _ = moved_states(context, reader, snapshot, _PRIORS, remaining, now=now)
    sealed = {
        name: codec.seal_state(name, again[name], box=context.keys.bank) for name in sorted(touched) if name in again
    }
    digests = {name: sealed[name][0] if name in sealed else None for name in sorted(touched)}
    gone = {record.states[name] for record in later for name in touched & record.states.keys()} - {None}
    destroyed = tuple(sorted(digest for digest in gone if digest is not None)) if debt.forgotten else ()
    record = VersionRecord(
        context.actor,
        snapshot.bank.version,
        digests,
        at=now,
        why="without what may not be used any more",
        destroyed=destroyed,
        withdrawn=tuple(sorted(debt.owed)),
    )
    return Unit(
        now=now,
        expects={BANK: expected},
        drafts=[codec.draft("version", record, subject=BANK, box=context.keys.bank, at=now)],
        states=dict(sealed.values()),
        destroyed=destroyed,
    )


def _records(context: AppContext, reader: Reader) -> dict[int, VersionRecord]:
    entries = reader.entries(BANK, kinds=("version",))
    return {entry.n: codec.read(entry, box=context.keys.bank) for entry in entries}


def _lineage(records: dict[int, VersionRecord], version: int) -> dict[int, VersionRecord]:
    """Give a version and all it was made from, the oldest first."""
    found: dict[int, VersionRecord] = {}
    while version:
        found[version] = records[version]
        version = records[version].parent
    return dict(sorted(found.items()))


def _taught(records: dict[int, VersionRecord]) -> Iterable[Place]:
    """Give the lessons of versions in order, without those that went."""
    went = {place for record in records.values() for place in record.withdrawn}
    return [place for record in records.values() for place in record.lessons if place not in went]

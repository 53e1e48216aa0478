"""The debt of learning: what was learned from somebody who took their yes back, or was forgotten, is learned anew.

1. Owed are lessons of the versions in use and of all they were made from whose outcome may not teach any more: somebody
   took a yes back, or answered otherwise since, or the decision rests on an id that is not the person's any more. A
   pause owes nothing: what was learned before it could not come back by itself when it ends.
2. The beliefs that the versions of these lessons moved are made again from their priors, from all other lessons, in the
   order in which versions name them. That is one more version, of each in use; it names the lessons that went.
3. What contains somebody who was forgotten is destroyed, in every version, active or not: others' decisions that used
   it cannot be recomputed any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.domain.moment import Instant
from marketofone.learn.join import Skipped
from marketofone.models.bandit import FAMILIES
from marketofone.projection import codec
from marketofone.projection.records import VersionRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import ModelVersion
from marketofone.services.intake.identity import members_of
from marketofone.services.learning.lessons import moved_states, task_of
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.ports import BANK, Draft, Expectation, Lesson, Reader, Unit

Place = tuple[int, int]
_OWED = frozenset({"not_permitted", "replaced"})
_PRIORS = ModelVersion(0, {})
_BELIEFS = tuple(f"{family}:" for family in (*FAMILIES, "value"))


class Debt(NamedTuple):
    """Lessons that may not be used any more and still are; those among them of people who were forgotten."""

    owed: frozenset[Place]
    forgotten: frozenset[Place]


def may_owe(context: AppContext, subjects: Iterable[int]) -> set[int]:
    """Give who ever taught anything, of customers and all who are one person with them: cheap, asked with every no."""
    with context.store.read() as reader:
        members = members_of(reader, subjects)
        return {of for of in members if next(iter(reader.entries(of, kinds=("outcome",))), None) is not None}


def count(context: AppContext, *, now: Instant) -> int:
    """Count lessons that may not be used any more and still are, in what was learned so far."""
    with context.store.read() as reader:
        return len(debt_of(context, reader, context.snapshot(reader), now=now).owed)


def debt_of(
    context: AppContext, reader: Reader, snapshot: Snapshot, *, now: Instant, subjects: Collection[int] | None = None
) -> Debt:
    """Say which lessons are owed, of all customers or of some."""
    records = context.versions.records(reader)
    used = {place for number in snapshot.bank.in_use for place in _taught(_lineage(records, number))}
    owed: set[Place] = set()
    forgotten: set[Place] = set()
    for place in _in_question(records, used, snapshot.bank.destroyed):
        if subjects is not None and place[0] not in subjects:
            continue
        task = task_of(context, reader, snapshot, Lesson(0, *place), now=now, learned=True)
        if task is None:
            forgotten.add(place)
        elif place in used and isinstance(task, Skipped) and task.why in _OWED:
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
    records = context.versions.records(reader)
    destroyed = tuple(sorted(_containing(records, debt.forgotten) - snapshot.bank.destroyed))
    drafts, states = list[Draft](), dict[bytes, bytes]()
    for number in snapshot.bank.in_use:
        lineage = _lineage(records, number)
        owed = debt.owed if number == snapshot.bank.version else debt.owed.intersection(_taught(lineage))
        if owed:
            record, sealed = _without(context, reader, snapshot, lineage, owed, number=number, now=now)
            record = replace(record, destroyed=destroyed)
            drafts.append(codec.draft("version", record, subject=BANK, box=context.keys.bank, at=now))
            states |= sealed
    return Unit(now=now, expects={BANK: expected}, drafts=drafts, states=states, destroyed=destroyed)


def _without(
    context: AppContext,
    reader: Reader,
    snapshot: Snapshot,
    lineage: dict[int, VersionRecord],
    owed: AbstractSet[Place],
    *,
    number: int,
    now: Instant,
) -> tuple[VersionRecord, dict[bytes, bytes]]:
    """Learn a version again without what is owed; gives its record and its sealed states."""
    touched = sorted(_touched(lineage.values(), owed & set(_taught(lineage))))
    remaining = [Lesson(0, *place) for place in _taught(lineage) if place not in owed]
    again, _ = moved_states(context, reader, snapshot, _PRIORS, remaining, now=now, learned_before=True)
    sealed = {name: codec.seal_state(name, again[name], box=context.keys.bank) for name in touched if name in again}
    record = VersionRecord(
        context.actor,
        number,
        {name: sealed[name][0] if name in sealed else None for name in touched},
        at=now,
        why="without what may not be used any more",
        withdrawn=tuple(sorted(owed)),
    )
    return record, dict(sealed.values())


def _lineage(records: dict[int, VersionRecord], version: int) -> dict[int, VersionRecord]:
    """Give a version and all it was made from, the oldest first."""
    found: dict[int, VersionRecord] = {}
    while version:
        found[version] = records[version]
        version = records[version].parent
    return dict(sorted(found.items()))


def _taught(lineage: dict[int, VersionRecord]) -> list[Place]:
    """Give the lessons of a version and of all it was made from, in order, without those that went on the way."""
    went = {place for record in lineage.values() for place in record.withdrawn}
    return [place for record in lineage.values() for place in record.lessons if place not in went]


def _in_question(
    records: dict[int, VersionRecord], used: AbstractSet[Place], destroyed: AbstractSet[bytes]
) -> Iterator[Place]:
    """Give lessons that are used, and those whose states are kept still: a roll-back could bring these back."""
    for record in records.values():
        is_kept = not all(digest in destroyed for digest in _beliefs(record).values())
        yield from (place for place in record.lessons if is_kept or place in used)


def _touched(records: Iterable[VersionRecord], places: AbstractSet[Place]) -> set[str]:
    """Name the beliefs that lessons may have moved."""
    return {name for record in records if not places.isdisjoint(record.lessons) for name in _beliefs(record)}


def _containing(records: dict[int, VersionRecord], places: AbstractSet[Place]) -> set[bytes]:
    """Give the digests of all states, of any version, that lessons may have moved or that were made from such."""
    touched = _touched(records.values(), places)
    contained: dict[int, frozenset[Place]] = {0: frozenset()}
    found: set[bytes] = set()
    for n, record in records.items():
        contained[n] = contained[record.parent].union(place for place in record.lessons if place in places)
        contained[n] -= frozenset(record.withdrawn)
        if contained[n]:
            found.update(digest for name, digest in _beliefs(record).items() if name in touched)
    return found


def _beliefs(record: VersionRecord) -> dict[str, bytes]:
    """Give the digests of the beliefs that a version moved."""
    return {name: digest for name, digest in record.states.items() if digest is not None and name.startswith(_BELIEFS)}

"""Fits hold each person that they were learned from: a fit that holds somebody who was forgotten is destroyed.

1. A training says in its version at which instant it read people; each reading is a use in the journal of a person.
2. By these uses an erasure finds the fits, of any version, that were learned from a customer. One more version destroys
   them, and what was active among them is at its prior again.
3. The versions tell what was destroyed and not learned again since, so the first to come learns it: the erasure, the
   same one again, or the next process, where it was killed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.records import UseRecord, VersionRecord
from marketofone.projection.versions import AFFINITY, BANDS, FITS, FORECAST
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.ports import BANK, Expectation, Reader, Unit

TRAINING = "train"
"""What a use says that was recorded by a training."""


_LEARNED_BY = {AFFINITY: {"recommend"}, FORECAST: {"forecast"}, BANDS: {"forecast", "bands"}}
"""Which tasks of a training learn a fit; the bands of a model go with it."""
FORGOTTEN = "without somebody who was forgotten"
"""Why a version destroys fits."""


class Destroyed(NamedTuple):
    """Active fits that were destroyed and are to be learned again, by name, and as of when they had been learned."""

    names: tuple[str, ...] = ()
    at: Instant = Instant(0)


def readings(context: AppContext, reader: Reader, subjects: Iterable[int]) -> set[Instant]:
    """Give the instants at which trainings read some customers; the keys of these still exist."""
    found: set[Instant] = set()
    for subject in subjects:
        owner = context.keys.customer(subject)
        if owner is None:
            continue
        for entry in reader.entries(subject, kinds=("use",)):
            record: UseRecord = codec.read(entry, box=owner.box)
            if record.what == TRAINING:
                found.add(entry.at)
    return found


@repeated
def destroy(context: AppContext, read_at: Collection[Instant], *, now: Instant) -> None:
    """Destroy every fit that was learned from what was read at some instants, active or not."""
    with context.store.read() as reader:
        head = reader.head(BANK)
        bank = context.snapshot(reader).bank
        records = context.versions.records(reader)
        used = {number: context.versions.version(bank, number).digests for number in bank.in_use}
    holding = _holding(records, read_at)
    if holding <= bank.destroyed:
        return
    gone = {number: _gone(digests, holding) for number, digests in used.items()}
    destroyed = tuple(sorted(holding - bank.destroyed))
    made = [
        VersionRecord(
            context.actor,
            number,
            dict.fromkeys(sorted(of)),
            at=now,
            why=FORGOTTEN,
            destroyed=destroyed,
        )
        for number, of in gone.items()
        if of or number == bank.version
    ]
    drafts = [codec.draft("version", record, subject=BANK, box=context.keys.bank, at=now) for record in made]
    expected = {BANK: Expectation(head.guard, head.n)}
    context.store.commit(Unit(now=now, expects=expected, drafts=drafts, destroyed=destroyed))


def unlearned(context: AppContext) -> Destroyed:
    """Name the active fits that were destroyed for somebody who was forgotten, and not learned again since."""
    with context.store.read() as reader:
        version = context.snapshot(reader).bank.version
        records = context.versions.records(reader)
    trained: set[str] = set()  # by newer versions
    gone: set[str] = set()
    learned: list[Instant] = []
    while version:
        record = records[version]
        for name in FITS:
            if name in gone and record.states.get(name) is not None:
                learned.append(record.at)
            elif record.why == FORGOTTEN and name in record.states and name not in trained:
                gone.add(name)
        trained.update(name for name in FITS if name in record.states or _tries(record, name))
        version = record.parent
    return Destroyed(tuple(sorted(gone)), max(learned, default=Instant(0)))


def _tries(record: VersionRecord, name: str) -> bool:
    """Say whether a version is of a training that learns a fit, also where it found too little to learn from."""
    words = record.why.split()
    return words[:1] == [TRAINING] and not _LEARNED_BY[name].isdisjoint(words)


def _gone(digests: Mapping[str, bytes], holding: set[bytes]) -> set[str]:
    """Name the fits of a version that are destroyed; bands go with the model that they follow."""
    names = {name for name in FITS if digests.get(name) in holding}
    return names | ({BANDS} & digests.keys() if FORECAST in names else set())


def _holding(records: dict[int, VersionRecord], read_at: Collection[Instant]) -> set[bytes]:
    """Give the digests of fits that were learned at some instants, and of bands that follow such a model."""
    model_of: dict[int, bytes | None] = {0: None}
    found: set[bytes] = set()
    for n, record in sorted(records.items()):
        model_of[n] = model = record.states.get(FORECAST, model_of[record.parent])
        bands = record.states.get(BANDS)
        if record.read_at in read_at:
            found.update(digest for name in FITS if (digest := record.states.get(name)) is not None)
        elif bands is not None and model in found:
            found.add(bands)
    return found

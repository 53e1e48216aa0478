"""What versions hold: no lesson is learned twice, and of each decision one answer at most teaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from marketofone.bank import Bank
from marketofone.projection import codec
from marketofone.projection.records import VersionRecord
from marketofone.store.ports import BANK, Reader


def taught_twice(bank: Bank) -> list[str]:
    """Say which lessons are learned twice, and of which decisions any version holds two answers."""
    context = bank.context
    with context.store.read() as reader:
        versions = [(entry.n, codec.read(entry, box=context.keys.bank)) for entry in reader.entries(BANK)]
        answers = dict(_answers(bank, reader))
    made: dict[int, VersionRecord] = {n: record for n, record in versions if isinstance(record, VersionRecord)}
    learned = Counter(lesson for record in made.values() for lesson in record.lessons)
    found = [f"the lesson {lesson} is learned {times} times" for lesson, times in learned.items() if times > 1]
    held: dict[int, set[tuple[int, int]]] = {0: set()}
    for n, record in made.items():
        held[n] = (held[record.parent] | {*record.lessons}) - {*record.withdrawn}
        of = Counter(answers[lesson] for lesson in held[n] if lesson in answers)
        found += [f"version {n} holds {times} answers to {made}" for made, times in of.items() if times > 1]
    return found


def _answers(bank: Bank, reader: Reader) -> Iterator[tuple[tuple[int, int], tuple[Any, ...]]]:
    """Give each answer's entry, and which place of which decision it answers."""
    for subject in reader.subjects(limit=1_000):
        owner = bank.context.keys.customer(subject)
        if owner is None:
            continue
        for entry in reader.entries(subject, kinds=("outcome",)):
            outcome = codec.read(entry, box=owner.box).outcome
            if outcome.verdict != "valued":
                yield (subject, entry.n), (subject, outcome.decision, outcome.place)

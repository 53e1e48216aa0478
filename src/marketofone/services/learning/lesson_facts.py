"""What a lesson is about: read from the journal of the person, and never changed afterwards."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from marketofone.domain.decision import Candidates
from marketofone.domain.outcome import Outcome
from marketofone.learn.join import LessonFacts, SignsRead
from marketofone.projection import codec
from marketofone.projection.records import OutcomeRecord, SignsRecord
from marketofone.services.decisions.feedback import numbered_outcomes
from marketofone.services.decisions.recorded import decision_at, place_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import Lesson, Reader


def facts_of(context: AppContext, reader: Reader, owner: Customer, lesson: Lesson) -> LessonFacts:
    """Give what a lesson is about: read once, for a debt of one customer makes all others' lessons be learned again."""
    place = (lesson.subject, lesson.n)
    known = context.lessons.get(place)
    if known is None:
        known = _read_facts(context, reader, owner, lesson)
        context.lessons.put(place, known)
    return known


def _read_facts(context: AppContext, reader: Reader, owner: Customer, lesson: Lesson) -> LessonFacts:
    record = _record_at(reader, owner, lesson.n)
    of = record.of if isinstance(record, SignsRecord) else lesson.n
    outcome = record.outcome if of == lesson.n else _record_at(reader, owner, of).outcome
    _, n = place_of(context, reader, outcome.decision, customer=owner.name)
    made = decision_at(reader, owner, n)
    heard = numbered_outcomes(reader, owner, made.decision, after=n, before=lesson.n)
    heard = [(at, said) for at, said in heard if said.place == outcome.place]
    since = max((at for at, said in heard if said.changes == "answer"), default=n)  # what was seen before is of another
    decision = replace(made.decision.place(outcome.place), candidates=Candidates())  # which are most of it
    earlier, entry = tuple(said for _, said in heard), (owner.subject, lesson.n)
    facts = LessonFacts(outcome, decision, earlier, made.rests_on.subjects, entry=entry)
    if isinstance(record, SignsRecord):
        is_first = signs_before(reader, owner, outcome, after=since, before=lesson.n) is None
        signs = SignsRead((owner.subject, lesson.n), record.signs) if is_first else None
        return replace(facts, signs=signs, about_signs=True)
    if outcome.verdict != "valued":
        return facts
    return replace(facts, signs=signs_before(reader, owner, outcome, after=since, before=lesson.n))


def signs_before(
    reader: Reader, owner: Customer, outcome: Outcome, *, after: int, before: int | None = None
) -> SignsRead | None:
    """Find the early signs of what an outcome is about, between two entries of a journal, both exclusive."""
    upto = None if before is None else before - 1
    for entry in reader.entries(owner.subject, kinds=("signs",), after=after, upto=upto):
        record: SignsRecord = codec.read(entry, box=owner.box)
        accepted = _outcome_of(reader, owner, record)
        if (accepted.decision, accepted.place) == (outcome.decision, outcome.place):
            return SignsRead((owner.subject, entry.n), record.signs)
    return None


def _outcome_of(reader: Reader, owner: Customer, record: OutcomeRecord | SignsRecord) -> Outcome:
    """Give the outcome of an entry; of early signs that is the acceptance."""
    if isinstance(record, OutcomeRecord):
        return record.outcome
    accepted: OutcomeRecord = _record_at(reader, owner, record.of)
    return accepted.outcome


def _record_at(reader: Reader, owner: Customer, n: int) -> Any:
    return codec.read(next(iter(reader.entries(owner.subject, after=n - 1, upto=n))), box=owner.box)

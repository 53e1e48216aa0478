"""Cases: what a customer asks a person of the bank to do, with the day by which it is due, and its answer.

A case is an entry of the customer's own journal, and its answer is another one: nothing is kept beside. Asking for the
same thing again while it waits opens no second case. No purpose is asked for: the customer speaks to the bank, and what
they say is shown to whoever answers.

>>> from marketofone.services.rights import cases  # doctest: +SKIP
>>> cases.open_case(context, "c-42", "call back", now=now).due  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from marketofone.domain.case import About, CaseKind, due_on
from marketofone.domain.errors import MalformedRequest, UnknownEntry
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import CaseRecord
from marketofone.services.decisions.recorded import place_of
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.store.keystore import Customer
from marketofone.store.ports import Draft, Entry, Reader, Unit

_ALL = 1_000_000


class CaseAnswer(Struct, frozen=True, kw_only=True):
    """The answer to a case: when, by whom, and the reason they give."""

    at: Instant
    by: str
    reason: str


class Case(Struct, frozen=True, kw_only=True):
    """A case of a customer: entry ``n`` of their journal, what it asks for, and by when it is due."""

    customer: str
    n: int
    kind: CaseKind
    about: About | None
    asked: Instant
    due: Instant
    words: str
    answer: CaseAnswer | None = None


@repeated
def open_case(
    context: AppContext, customer: str, kind: CaseKind, *, about: About | None = None, words: str = "", now: Instant
) -> Case:
    """Record that a customer asks for a person of the bank; gives the case that waits, also where it did already.

    Words that a waiting case does not have open one of their own: nothing that was written is lost.

    Raises
    ------
    UnknownCustomer
    UnknownDecision
        When it is about a decision that is not theirs.
    MalformedRequest
        When the words are no single line of 200 characters.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        if about is not None and about[0] == "decision":
            place_of(context, reader, about[1], customer=customer)
        said = _cases(_entries(reader, person), owner=person.asked)
        alike = (one for one in said if (one.kind, one.about, one.answer) == (kind, about, None))
        waiting = next((one for one in alike if words in ("", one.words)), None)
        if waiting is not None:
            return waiting
        config, at = snapshot.config, person.judged(now)
        contact = config.settings.contact
        due = due_on(at, days=contact.days_of(kind), counted=contact.days, calendar=config.calendar)
    n = _append(context, person, CaseRecord(context.actor, kind, about, due, words), at=at)
    return Case(customer=customer, n=n, kind=kind, about=about, asked=at, due=due, words=words)


@repeated
def answer_case(context: AppContext, customer: str, n: int, *, by: str, reason: str, now: Instant) -> None:
    """Record that a person of the bank answered a case, and the reason they give: the customer reads both.

    Raises
    ------
    UnknownEntry
        When this entry of the customer's journal opens no case.
    MalformedRequest
        When it was answered already, or the answer names nobody or gives no reason.
    """
    for field, text in (("by", by), ("reason", reason)):
        if not text.strip():
            raise MalformedRequest(field=field, shape="empty", fix="write it: the customer reads it")
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        case = next((one for one in _cases(_entries(reader, person), owner=person.asked) if one.n == n), None)
    if case is None:
        raise UnknownEntry
    if case.answer is not None:
        raise MalformedRequest(
            field="case", shape="answered already", fix="open a case anew where there is more to say"
        )
    record = CaseRecord(context.actor, case.kind, case.about, Instant(0), reason, n, by)
    _append(context, person, record, at=person.judged(now))


def cases_of(context: AppContext, customer: str, *, until: Instant | None = None) -> list[Case]:
    """Give the cases of a customer id, the newest first; as they stood at ``until``, where that is asked about.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        entries = (entry for entry in _entries(reader, person) if until is None or entry.recorded <= until)
        return _cases(entries, owner=person.asked)[::-1]


def open_cases(context: AppContext) -> list[Case]:
    """Give the cases of all customers that wait for an answer, the one that is due first, first."""
    entries: dict[int, list[Entry]] = {}
    with context.store.read() as reader:
        for entry in reversed(reader.recent(kinds=("case",), limit=_ALL)):
            entries.setdefault(entry.subject, []).append(entry)
    owners = {subject: context.keys.customer(subject) for subject in entries}
    found = [
        case
        for subject, owner in owners.items()
        if owner is not None
        for case in _cases(entries[subject], owner=owner)
        if case.answer is None
    ]
    return sorted(found, key=lambda case: (case.due, case.asked, case.customer))


def _entries(reader: Reader, person: Person) -> Iterator[Entry]:
    return iter(reader.entries(person.asked.subject, kinds=("case",), upto=person.own.n))


def _cases(entries: Iterable[Entry], *, owner: Customer) -> list[Case]:
    """Put entries together, each case with its answer, in the order in which they were asked."""
    read: list[tuple[Entry, CaseRecord]] = [(entry, codec.read(entry, box=owner.box)) for entry in entries]
    answers = {
        record.of: CaseAnswer(at=entry.recorded, by=record.by, reason=record.words)
        for entry, record in read
        if record.of
    }
    return [
        Case(
            customer=owner.name,
            n=entry.n,
            kind=record.kind,
            about=record.about,
            asked=entry.recorded,
            due=record.due,
            words=record.words,
            answer=answers.get(entry.n),
        )
        for entry, record in read
        if not record.of
    ]


def _append(context: AppContext, person: Person, record: CaseRecord, *, at: Instant) -> int:
    """Append an entry if nothing arrived about the person meanwhile: a case opens once, and is answered once."""
    owner = person.asked
    draft: Draft = codec.draft("case", record, subject=owner.subject, box=owner.box, at=at)
    unit = Unit(now=at, expects=person.expects(strict=True), together=person.together, drafts=[draft])
    (head,) = context.store.commit(unit)
    return head.n

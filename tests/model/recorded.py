"""What the journals say after a race: a history that the reference bank could have had, one thing after the other.

- the entries of a person have one order, and their numbers, stamps and instants never step back;
- every decision is what the model says of exactly the entries before it in that order;
- what was acknowledged before somebody asked (a no, a stop, an erasure) was known to the answer;
- a name of a decision has one answer; a lesson is learned once; a replay finds no difference;
- of an erased customer nothing opens, and nothing stands beside the journal, which ends with the erasure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from documents import RULES
from histories import CUSTOMERS, Differs, same
from lessons import taught_twice
from product import Product, as_decided, stages_of
from reference import Answered, Arrived, Board, Entry, Happened, No, Objects, Paused, Said, uses_of, verdicts

from marketofone.consent.ledger import ConsentChange
from marketofone.domain.cloudevents import parse_event
from marketofone.domain.decision import Decision
from marketofone.domain.event import Event, EventRemoved, InferenceCorrected
from marketofone.projection import codec
from marketofone.projection.counts import VERDICT_COUNTS
from marketofone.projection.records import (
    ConsentRecord,
    DecisionRecord,
    IdentityRecord,
    IngestRecord,
    OutcomeRecord,
    RulingRecord,
)
from marketofone.store.ports import BANK, GUARDING
from marketofone.store.ports import Entry as Stored

NEVER = 2**63
"""When something ended whose process was killed: whether it was done, only the journals tell."""


UNKNOWN = "UnknownCustomer"
SPOKEN = frozenset({"consent", "objection", "pause", "resume"})
"""What somebody says about consent."""
REFUSED: dict[str, Any] = {
    "consent": "Refused",
    "objection": "Refused",
    "pause": "Refused",
    "resume": "Refused",
    "link": None,
    "outcome": "UnknownDecision",
    "recall": "UnknownDecision",
    **dict.fromkeys(("decide", "forecast", "profile", "ask", "erase"), UNKNOWN),
}
"""What is answered about a customer who was erased."""


class Crashed(Exception):
    """Something failed with an error that is no answer."""


class Done(NamedTuple):
    """One thing that was done: between which two moments of the clock that all processes share, and the answer."""

    began: int
    ended: int
    name: str
    arguments: dict[str, Any]
    answer: Any

    @property
    def may_have_worked(self) -> bool:
        """Say whether it was done, or its process was killed before it could say."""
        return self.answer is None or self.ended == NEVER


class Kept(NamedTuple):
    """One entry as it was kept, and its record."""

    entry: Stored
    record: Any


class Recorded:
    """What the journals say after a race."""

    def __init__(self, product: Product, done: Sequence[Done]) -> None:
        self.product, self.done = product, done
        context = product.bank.context
        with context.store.read() as reader:
            customers = context.keys.find(CUSTOMERS)
            subjects = reader.subjects(limit=1_000)
            self.names = {of: f"erased {of}" for of in subjects}
            self.names.update((one.subject, name) for name, one in customers.items())
            self.erased = {of: list(reader.entries(of)) for of in subjects if context.keys.customer(of) is None}
            self.beside = {of: [*reader.snapshots(of), *reader.keys_of(of)] for of in self.erased}
            self.lessons = {lesson.subject for lesson in reader.lessons(limit=1_000)}
            self.journals = {
                name: [Kept(entry, codec.read(entry, box=one.box)) for entry in reader.entries(one.subject)]
                for name, one in customers.items()
            }
            self.bank = [Kept(entry, codec.read(entry, box=context.keys.bank)) for entry in reader.entries(BANK)]

    def check(self) -> None:
        """Check everything that is said above.

        Raises
        ------
        Differs
        """
        for one in self.done:
            if isinstance(one.answer, Crashed) or (isinstance(one.answer, No) and one.answer.name == "StoreBusy"):
                raise Differs(f"{one.name} {one.arguments} failed: {one.answer!r}")
        for name, journal in self.journals.items():
            self.check_order(name, [kept.entry for kept in journal])
            for place, kept in enumerate(journal):
                if isinstance(kept.record, DecisionRecord):
                    self.check_decision(name, place, kept)
        self.check_erased()
        self.check_people()
        self.check_answers()
        self.check_lessons()
        self.check_counts()
        replayed = self.product.bank.replay()
        same(0, replayed.differences, f"replay, {replayed.first_difference}")
        verified = self.product.bank.verify()
        if not verified.ok:
            raise Differs(f"verify: {verified}")

    def check_order(self, name: str, journal: Sequence[Stored]) -> None:
        """A journal has no gap, its stamps grow, and no instant steps back."""
        for place, (before, after) in enumerate(pairwise(journal), 1):
            grew = after.n == place + 1 and after.stamp > before.stamp
            if not grew or after.recorded < before.recorded:
                raise Differs(f"{name}: entry {place + 1} does not follow the one before")

    def ids_before(self, name: str, stamp: int) -> tuple[str, ...]:
        """Give the ids of a person as their journal says before a stamp."""
        told = [of for of in self.journals[name] if of.entry.stamp < stamp and isinstance(of.record, IdentityRecord)]
        members = [self.names[of] for of in told[-1].record.members] if told else []
        return tuple(sorted(members)) if len(members) > 1 else (name,)

    def check_decision(self, name: str, place: int, kept: Kept) -> None:
        """A decision is what the model says of the entries before it, in the order of the person."""
        decision, stamp = kept.record.decision, kept.entry.stamp
        where = f"{name}: decision {decision.id}, entry {place + 1}, stamp {stamp}"
        ids = self.ids_before(name, stamp)
        if not self.journals.keys() >= {*ids}:
            return  # it rests on somebody who was erased since: what it was is not known any more
        for other in ids:
            same(ids, self.ids_before(other, stamp), f"{where}: who is one person, as {other} says")
        rested = {self.names[subject]: n for subject, n in kept.record.rests_on.journals}
        same(set(ids), set(rested), f"{where}: whose journals it rests on")
        for other in ids:
            late = [of.entry for of in self.journals[other] if of.entry.stamp < stamp and of.entry.n > rested[other]]
            if any(entry.kind in GUARDING for entry in late):
                raise Differs(f"{where}: it did not see {[(entry.kind, entry.n) for entry in late]} of {other}")
            early = [
                of.entry.n for of in self.journals[other] if of.entry.stamp >= stamp and of.entry.n <= rested[other]
            ]
            same([], early, f"{where}: it rests on entries of {other} that come later")
        person = {other: self.told(other, upto=rested[other]) for other in ids}
        board = self.board(kept.record.rests_on.bank)
        at = int(decision.at)
        expected = verdicts(person, board, decision.occasion, decision.channel, at=at)
        same(expected, stages_of(decision), where)
        same(uses_of(person, board, decision.channel, at), tuple(sorted(decision.uses)), f"{where}: uses")
        if expected[decision.action] != "open":
            raise Differs(f"{where}: {decision.action} is {expected[decision.action]}")

    def told(self, name: str, *, upto: int) -> list[Entry]:
        """Give a journal as the model knows it."""
        return [
            Entry(of.entry.stamp, int(of.entry.recorded), _as_model(of.record))
            for of in self.journals[name]
            if of.entry.n <= upto
        ]

    def board(self, upto: int) -> Board:
        """Fold what the board said."""
        board = Board(RULES[0])
        for kept in self.bank:
            if kept.entry.n <= upto and isinstance(kept.record, RulingRecord):
                ruling = kept.record.ruling
                if ruling.until is not None:
                    board.approvals[ruling.scope] = int(ruling.until)
                else:
                    scope = {ruling.scope}
                    board.stops = board.stops | scope if ruling.ruling == "stop" else board.stops - scope
        return board

    def check_people(self) -> None:
        """At the end all journals agree who is one person, and it follows from the keys that are linked."""
        linked: dict[bytes, set[str]] = {}
        for name, journal in self.journals.items():
            for kept in journal:
                if isinstance(kept.record, IdentityRecord) and kept.record.own and kept.record.key[0] == 1:
                    holders = linked.setdefault(kept.record.key, set())
                    (holders.add if kept.record.linked else holders.discard)(name)
        for name, journal in self.journals.items():
            reached, waiting = {name}, [name]
            while waiting:
                of = waiting.pop()
                for holders in linked.values():
                    if of in holders and len(holders) <= 4:
                        waiting += holders - reached
                        reached |= holders
            if journal:
                same(tuple(sorted(reached)), self.ids_before(name, NEVER), f"who is one person with {name}")

    def check_answers(self) -> None:
        """A name has one answer; what was acknowledged before somebody asked was known to the answer."""
        made = Counter(
            (name, kept.record.decision.id)
            for name, journal in self.journals.items()
            for kept in journal
            if isinstance(kept.record, DecisionRecord)
        )
        same([], [name for name, times in made.items() if times > 1], "names of two decisions")
        for one in self.done:
            if one.name == "decide" and isinstance(one.answer, Decision) and one.arguments["customer"] in self.journals:
                customer = one.arguments["customer"]
                found = next(
                    kept
                    for kept in self.journals[customer]
                    if isinstance(kept.record, DecisionRecord) and kept.record.decision.id == one.answer.id
                )
                same(found.record.decision, one.answer, f"the answer to {one.arguments}")
                same(
                    (one.arguments["occasion"], one.arguments["channel"]),
                    (one.answer.occasion, one.answer.channel),
                    "another request of this name",
                )
                self.check_nothing_missed(one, found)
            if one.name in ("decide", "recall") and isinstance(one.answer, Decision):
                self.check_release(one)

    def check_nothing_missed(self, asked: Done, found: Kept) -> None:
        """A no or a stop that was acknowledged before this was asked stands before the decision."""
        if not self.is_first_answer(asked):
            return
        rulings = [of for of in self.done if of.name == "rule" and of.ended < asked.began and of.answer is None]
        known = sum(
            isinstance(of.record, RulingRecord) and of.entry.n <= found.record.rests_on.bank for of in self.bank
        )
        if known < len(rulings):
            raise Differs(f"{asked.arguments} knew {known} rulings, and {len(rulings)} were acknowledged before")
        rested = {self.names[subject]: n for subject, n in found.record.rests_on.journals}
        for customer, n in rested.items():
            if customer not in self.journals:
                continue
            said = [
                of
                for of in self.done
                if of.name in SPOKEN
                and of.ended < asked.began
                and of.answer is None
                and of.arguments["customer"] == customer
            ]
            seen = sum(isinstance(of.record, ConsentRecord) for of in self.journals[customer][:n])
            if seen < len(said):
                raise Differs(f"{asked.arguments} knew {seen} words of {customer}, and {len(said)} were acknowledged")

    def is_first_answer(self, asked: Done) -> bool:
        """Say whether nothing that began before this one can have made the decision."""
        return all(
            of.began >= asked.began or of.answer != asked.answer
            if of.ended < NEVER
            else of.arguments["name"] != asked.arguments["name"]
            for of in self.done
            if of.name == "decide"
        )

    def check_release(self, asked: Done) -> None:
        """What rests on something withdrawn before, and not granted since, is not released."""
        answer: Decision = asked.answer
        self.check_objections(asked)
        said = [of for of in self.done if of.name == "consent" and of.arguments["customer"] == answer.customer]
        grants = [of for of in said if of.arguments["said"].granted and of.may_have_worked]
        for no in said:
            words = no.arguments["said"]
            if words.granted or no.answer is not None or no.ended >= asked.began:
                continue
            if any(yes.ended > no.began and yes.began < asked.ended for yes in grants):
                continue
            for purpose, source in answer.uses:
                named = {purpose, "*"} & {*words.purposes} and {source, "*"} & {*words.sources}
                if named and {answer.channel, "*"} & {*words.channels}:
                    raise Differs(f"{asked.name} {asked.arguments} rests on {source}, withdrawn before by {words}")

    def check_objections(self, asked: Done) -> None:
        """What rests on marketing is not released after an objection that nobody can have lifted since."""
        answer: Decision = asked.answer
        spoken = [of for of in self.done if of.name == "objection" and of.arguments["customer"] == answer.customer]
        lifts = [of for of in spoken if not of.arguments["stands"] and of.may_have_worked]
        for no in spoken:
            if not no.arguments["stands"] or no.answer is not None or no.ended >= asked.began:
                continue
            if any(lift.ended > no.began and lift.began < asked.ended for lift in lifts):
                continue
            if any(purpose == "marketing" for purpose, _ in answer.uses):
                raise Differs(f"{asked.name} {asked.arguments} rests on marketing, objected to before")

    def check_lessons(self) -> None:
        """No lesson is learned twice, and of each decision one answer at most teaches."""
        same([], taught_twice(self.product.bank), "lessons")

    def check_erased(self) -> None:
        """The journal of an erased customer ends with the erasure, nothing stands beside it, and nobody comes back."""
        for subject, journal in self.erased.items():
            name = self.names[subject]
            self.check_order(name, journal)
            same(["erasure"], [entry.kind for entry in journal if entry.kind == "erasure"], f"{name}: erasures")
            same("erasure", journal[-1].kind, f"{name}: its last entry")
            same([], self.beside[subject], f"{name}: what stands beside its journal")
            same(False, subject in self.lessons, f"{name}: it still teaches")
        for one in self.done:
            if one.name == "erase" and one.answer is None:
                customer = one.arguments["customer"]
                same(False, customer in self.journals, f"{customer} was erased, and is known")
                for after in self.done:
                    if one.ended < after.began < after.ended < NEVER and after.arguments.get("customer") == customer:
                        self.check_refused(after)
        self.product.bank.learn()  # pays what a process owed that was killed
        same(0, self.product.bank.debt(), "lessons of erased customers that a version still holds")

    def check_refused(self, asked: Done) -> None:
        """What is asked about a customer who was erased finds nobody; a request may be malformed besides."""
        answer = asked.answer.name if isinstance(asked.answer, No) else asked.answer
        if answer != "MalformedRequest":
            same(REFUSED[asked.name], answer, f"{asked.name} {asked.arguments} after the erasure")

    def check_counts(self) -> None:
        """What is counted is what the journals of all who are known say."""
        counted = Counter(self.counted())
        stored = self.product.bank.counts()
        same(
            {name: counted[name] for name in VERDICT_COUNTS.values()},
            {name: stored.get(name, 0) for name in VERDICT_COUNTS.values()},
            "counts of events",
        )
        same(len(self.journals), stored["customers"], "customers of whom something is known")

    def counted(self) -> Iterator[str]:
        """Name what each entry adds to the counts."""
        for journal in self.journals.values():
            for kept in journal:
                if isinstance(kept.record, IngestRecord):
                    yield from (VERDICT_COUNTS[event.verdict] for event in kept.record.events)
                elif isinstance(kept.record, IdentityRecord) and kept.record.own:
                    yield "events.admitted"


def _takes(event: Event) -> tuple[str, str] | None:
    return (event.data.id, event.data.type) if isinstance(event.data, EventRemoved) else None


def _says(event: Event) -> tuple[str, bool] | None:
    said = event.data
    return (said.inference, said.wrong) if isinstance(said, InferenceCorrected) else None


def _said(change: ConsentChange) -> Objects | Paused | Said:
    until = None if change.until is None else int(change.until)
    if change.change in ("object", "lift"):
        return Objects(change.change == "object")
    if change.change in ("pause", "resume"):
        return Paused(change.purposes, until)
    return Said(change.change == "grant", change.purposes, change.sources, change.channels, until)


def _as_model(record: Any) -> Any:
    if isinstance(record, ConsentRecord):
        return _said(record.change)
    if isinstance(record, IngestRecord):
        events = [parse_event(event.body) for event in record.events if event.body is not None]
        return Arrived(
            tuple(Happened(event.id, event.kind, int(event.at), _takes(event), _says(event)) for event in events)
        )
    if isinstance(record, DecisionRecord):
        return as_decided(record.decision)._replace(kind=record.kind or "")
    if isinstance(record, OutcomeRecord):
        said = record.outcome
        return Answered(said.decision, said.verdict, int(said.at), (), said.why)
    return None

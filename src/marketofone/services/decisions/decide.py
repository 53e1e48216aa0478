"""Ask, get the permits, see, foresee, choose, explain, append: released only if what it rests on still stands.

1. A person is read: consents, state, contacts, the active version, the rulings. All of it is computed beside the store.
2. The decision names what it rests on. It is appended under the guards of all ids of the person and of the bank.
3. Where a guard moved, it is computed again; where only something arrived, at most twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.decide import engine
from marketofone.decide.decision_input import DecisionInput
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import (
    ConsentRefused,
    DecisionExists,
    MalformedRequest,
    MarketOfOneError,
    UnknownCustomer,
)
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.counts import charges
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, RestsOn, UseRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import PolicySnapshot
from marketofone.services.decisions import assignment, budgets, visible
from marketofone.services.decisions.inputs import decision_input_of
from marketofone.services.decisions.looked_up import look_up
from marketofone.services.decisions.recorded import entry_at
from marketofone.services.foresight.forecast import look_ahead, outdated
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.combining import Combiner
from marketofone.services.runtime.directory import decision_mark
from marketofone.services.runtime.runs import Computed, Proved, Written, in_runs
from marketofone.services.runtime.uses import draft_of, read_person
from marketofone.store.keystore import Customer
from marketofone.store.ports import Head, Reader


class Question(NamedTuple):
    """What is asked; ``waits`` says that a forecast that is due is made first."""

    request: Request
    waits: bool = False


Answer = Proved[Decision] | MarketOfOneError | None
"""A decision, or why there is none; None where it waits for a forecast."""


def decide(context: AppContext, request: Request) -> Proved[Decision]:
    """Decide for one person on one occasion. The same id gives the same decision, while it may still be released.

    Where money moved since a person was last looked ahead for, that is done again first, if they still allow it. Where
    a thread of this process looks ahead beside the way, the decision does not wait: it follows the last forecast.

    Raises
    ------
    DecisionExists
        When the id was used for another request about this customer.
    ConsentRefused
        When the decision of this id rests on something the person does not allow any more.
    UnknownCustomer
        When no entry names this customer.
    """
    with context.turns.take(request.customer):
        answer = _together(context, Question(request, waits=True))
        if answer is None:
            with suppress(ConsentRefused):
                look_ahead(context, request.customer, now=request.at)
            answer = _together(context, Question(request))
    if isinstance(answer, Proved):
        return answer
    raise answer or AssertionError("who does not wait is answered")


def _together(context: AppContext, asked: Question) -> Answer:
    """Answer one of the questions that several threads of this process ask at once."""
    combiner: Combiner[Question, Answer] = context.combiner
    return combiner.ask(asked, work=partial(_answered, context, strict=True), by=context.actor)


def decide_all(context: AppContext, requests: Sequence[Request]) -> list[Decision]:
    """Decide for many people, in the order given, on the forecasts that were made already.

    Raises
    ------
    MarketOfOneError
        The first that :func:`decide_each` gives. All others are decided, and are given again by their ids.
    """
    decided: list[Decision] = []
    for made in decide_each(context, requests):
        if isinstance(made, MarketOfOneError):
            raise made
        decided.append(made)
    return decided


def decide_each(context: AppContext, requests: Sequence[Request]) -> list[Decision | MarketOfOneError]:
    """Decide for many people as :func:`decide_all` does; a request that is refused gives why, and stops no other."""
    answers = _answered(context, [Question(request) for request in requests])
    return [answer.answer if isinstance(answer, Proved) else answer for answer in answers if answer is not None]


def _answered(context: AppContext, asked: Sequence[Question], *, strict: bool = False) -> list[Answer]:
    """Answer questions, in the order given."""
    known = _somebody(context, {one.request.customer for one in asked})
    places = [place for place, one in enumerate(asked) if one.request.customer in known]
    things = [(known[asked[place].request.customer], asked[place]) for place in places]
    size = partial(budgets.room, moments=[one.request.at for one in asked])
    made = in_runs(context, things, compute=partial(_tried, context), size=size, strict=strict)
    answers: dict[int, Answer] = dict(zip(places, map(_told, made), strict=True))
    return [answers.get(place, UnknownCustomer()) for place in range(len(asked))]


def _somebody(context: AppContext, names: set[str]) -> Mapping[str, Customer]:
    """Give the customers whom an entry names; of those whose journal is remembered it is known."""
    known = context.keys.find(names)
    unsure = [one.subject for one in known.values() if context.projection.remembered(one.subject) is None]
    if not unsure:
        return known
    with context.store.read() as reader:
        heads = reader.heads(unsure)
    return {name: one for name, one in known.items() if one.subject not in heads or heads[one.subject].n}


def _told(made: Proved[Decision | Answer]) -> Answer:
    answer = made.answer
    return Proved(answer, made.entry) if isinstance(answer, Decision) else answer


def ask(context: AppContext, request: Request, *, as_of: Instant) -> Decision:
    """Answer what would be decided on what was known at an earlier moment.

    What may be used is judged now. The answer is a use and never a contact: no later decision knows of it.

    Raises
    ------
    MalformedRequest
        When the moment lies ahead.
    UnknownCustomer
    """

    def look(
        snapshot: Snapshot, person: Person, judged: Instant, moment: Instant
    ) -> tuple[Decision, tuple[tuple[str, str], ...]]:
        with context.store.read() as reader:
            policy = assignment.policy_for(context, reader, snapshot, person)
        asked = decision_input_of(
            snapshot,
            person,
            replace(request, at=judged),
            policy=policy,
            secret=context.keys.secret,
            as_of=moment,
            domain="question",
        )
        answer = engine.decide(replace(request, at=moment), asked, snapshot.config.compiled)
        return answer, answer.uses

    return read_person(context, request.customer, what="question", now=request.at, as_of=as_of, look=look)


def recall(context: AppContext, decision_id: str, *, now: Instant, customer: str | None = None) -> Decision:
    """Give a decision again, exactly as it was recorded, while everything it rests on is allowed ``now``.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When several customers have one of this id and none of them is named.
    ConsentRefused
    """

    def look(
        _: Reader, snapshot: Snapshot, record: DecisionRecord, person: Person
    ) -> tuple[Decision, tuple[tuple[str, str], ...]]:
        refused = visible.refusal_of(record, person, config=snapshot.config, now=now)
        if refused:
            raise ConsentRefused(why=refused)
        return record.decision, record.decision.uses

    return look_up(context, decision_id, customer=customer, now=now, look=look)


def compute(snapshot: Snapshot, person: Person, request: Request, *, policy: PolicySnapshot, secret: bytes) -> Decision:
    """Compute a decision from what was folded: the pure heart, live and replayed."""
    asked = decision_input_of(snapshot, person, request, policy=policy, secret=secret)
    return engine.decide(request, asked, snapshot.config.compiled)


def _tried(
    context: AppContext, reader: Reader, snapshot: Snapshot, run: Sequence[tuple[Person, Question]]
) -> list[Computed[Decision | Answer]]:
    """Decide for people who all differ, or give again what was decided; a request that is refused stops no other.

    None stands for a decision that waits for a forecast.
    """
    tried: dict[int, Computed[Decision | Answer]] = {}
    for place, answer in _made_before(context, reader, snapshot, run).items():
        tried[place] = _given_again(context, *run[place], answer)
    for place in _due(context, [(place, *run[place]) for place in range(len(run)) if place not in tried]):
        tried[place] = Computed(run[place][0], None, None)
    places = [place for place in range(len(run)) if place not in tried]
    fresh = [(run[place][0], run[place][1].request) for place in places]
    tried.update(zip(places, _decided(context, reader, snapshot, fresh), strict=True))
    return [tried[place] for place in range(len(run))]


def _due(context: AppContext, run: Sequence[tuple[int, Person, Question]]) -> list[int]:
    """Name the places of those who wait until somebody looked ahead for them; who need not wait is looked at later."""
    late = [(place, person) for place, person, asked in run if asked.waits and outdated(person, now=asked.request.at)]
    if not late or context.looks_ahead is None:
        return [place for place, _ in late]
    context.money_moved.update(person.asked.subject for _, person in late)
    context.looks_ahead()
    return []


def _decided(
    context: AppContext, reader: Reader, snapshot: Snapshot, run: Sequence[tuple[Person, Request]]
) -> list[Computed[Decision | Answer]]:
    """Compute decisions about people who all differ; gives why one is refused."""
    closed = cache(partial(budgets.closed, reader, snapshot.config))
    asked: dict[int, _Asked] = {}
    refused: dict[int, MalformedRequest] = {}
    for place, (person, request) in enumerate(run):
        try:
            asked[place] = _asked(context, reader, snapshot, person, request, closed=closed)
        except MalformedRequest as error:
            refused[place] = error
    records: dict[int, DecisionRecord] = {}
    inputs = [(one.request, one.input) for one in asked.values()]
    for (place, one), made in zip(asked.items(), engine.decide_each(inputs, snapshot.config.compiled), strict=True):
        if isinstance(made, MalformedRequest):
            refused[place] = made
        else:
            records[place] = _record(context, snapshot, one, made)
    owners = [run[place][0].asked for place in records]
    drafts = codec.decision_drafts(list(records.values()), boxes=[(owner.subject, owner.box) for owner in owners])
    computed: dict[int, Computed[Decision | Answer]] = {}
    for (place, record), draft in zip(records.items(), drafts, strict=True):
        if isinstance(draft, MalformedRequest):
            refused[place] = draft
        else:
            made = record.decision
            mark = decision_mark(context.keys, made.id)
            most = budgets.most(snapshot.config, made.charged, at=made.at)
            written = Written(draft, record, name=mark, counts=charges(made.charged), most=most)
            computed[place] = Computed(run[place][0], made, written)
    computed |= {place: Computed(run[place][0], error, None) for place, error in refused.items()}
    return [computed[place] for place in range(len(run))]


class _Asked(NamedTuple):
    """What is decided about a person, and by which version."""

    person: Person
    request: Request
    policy: PolicySnapshot
    input: DecisionInput


def _asked(
    context: AppContext,
    reader: Reader,
    snapshot: Snapshot,
    person: Person,
    request: Request,
    *,
    closed: Callable[[Instant], tuple[str, ...]],
) -> _Asked:
    at = person.judged(request.at)  # a clock that steps back moves nothing
    request = replace(request, at=at, closed=closed(at))
    policy = assignment.policy_for(context, reader, snapshot, person)
    secret = context.keys.secret
    return _Asked(person, request, policy, decision_input_of(snapshot, person, request, policy=policy, secret=secret))


def _record(context: AppContext, snapshot: Snapshot, asked: _Asked, made: Decision) -> DecisionRecord:
    kind = snapshot.config.actions.contact_kind(made.action, placement=made.placement)
    rests_on = RestsOn(snapshot.bank.n, asked.policy.version.number, asked.person.journals)
    return DecisionRecord(context.actor, made, rests_on, kind)


def _made_before(
    context: AppContext, reader: Reader, snapshot: Snapshot, run: Sequence[tuple[Person, Question]]
) -> dict[int, Answer]:
    """Give again what was decided under the same ids, by place, or why it is not given."""
    marks = [decision_mark(context.keys, asked.request.id) for _, asked in run]
    named = reader.named(marks)
    found: dict[int, Answer] = {}
    for place, (person, asked) in enumerate(run):
        places = dict(reader.decisions(marks[place])) if marks[place] in named else {}
        n = places.get(person.asked.subject)
        if n is not None:
            found[place] = _again(reader, snapshot, person, asked.request, n=n)
    return found


def _given_again(context: AppContext, person: Person, asked: Question, answer: Answer) -> Computed[Decision | Answer]:
    """Release a decision that was made before as any other: what it rests on is read once more, and that is a use."""
    uses = answer.answer.uses if isinstance(answer, Proved) else ()
    if not uses:
        return Computed(person, answer, None)
    record = UseRecord(context.actor, "decision", tuple(sorted(uses)))
    draft = draft_of(person, record, at=person.judged(asked.request.at))
    return Computed(person, answer, Written(draft, record))


def _again(
    reader: Reader, snapshot: Snapshot, person: Person, request: Request, *, n: int
) -> Proved[Decision] | MarketOfOneError:
    entry = entry_at(reader, person.asked, n)
    record: DecisionRecord = codec.read(entry, box=person.asked.box)
    made = record.decision
    if replace(made.request, at=request.at, closed=()) != request:
        return DecisionExists()
    refused = visible.refusal_of(record, person, config=snapshot.config, now=request.at)
    if refused:
        return ConsentRefused(why=refused)
    return Proved(made, Head(entry.subject, entry.n, entry.hash, stamp=entry.stamp, recorded=entry.recorded))

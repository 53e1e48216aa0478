"""Ask, get the permits, see, foresee, choose, explain, append: released only if what it rests on still stands.

1. A person is read: consents, state, contacts, the active version, the rulings. All of it is computed beside the store.
2. The decision names what it rests on. It is appended under the guards of all ids of the person and of the bank.
3. Where a guard moved, it is computed again; where only something arrived, at most twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Literal, NamedTuple

from msgspec.structs import replace

from marketofone.consent.gate import Permit
from marketofone.decide import engine
from marketofone.decide.decision_input import ACTION_ROLES, FORECAST, PROTECTION, DecisionInput
from marketofone.decide.forecast_facts import ForecastFacts
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import (
    ConsentRefused,
    DecisionExists,
    MalformedRequest,
    MarketOfOneError,
    Moved,
    UnknownCustomer,
)
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.role import Role
from marketofone.models.bandit import OwnAnswers
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.contacts import for_guardrails
from marketofone.projection.counts import charges
from marketofone.projection.own_answers import own_answers
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, RestsOn
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import PolicySnapshot
from marketofone.services.decisions import assignment, budgets, visible
from marketofone.services.decisions.recorded import entry_at, find_decision
from marketofone.services.foresight.forecast import look_ahead, outdated
from marketofone.services.runtime.app_context import STRICT_ATTEMPTS, AppContext, attempts
from marketofone.services.runtime.directory import decision_mark
from marketofone.services.runtime.runs import Computed, Proved, Written, append, in_runs
from marketofone.services.runtime.uses import read_person
from marketofone.store.ports import Head, Reader

FORECAST_AGE = 35 * DAY
_ROLES = (*ACTION_ROLES, FORECAST, PROTECTION)
Domain = Literal["decision", "question"]


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
        return _decide(context, request)


def _decide(context: AppContext, request: Request) -> Proved[Decision]:
    for attempt in attempts():
        made = _made(context, request)
        if isinstance(made, Proved):
            return made
        snapshot, computed = made
        try:
            return append(context, snapshot, [computed], strict=attempt < STRICT_ATTEMPTS)[0]
        except Moved:
            continue
    raise AssertionError("attempts end with an error")


def _made(
    context: AppContext, request: Request, *, ahead: bool = False
) -> Proved[Decision] | tuple[Snapshot, Computed[Decision]]:
    """Give the decision that was made before, or compute it; ``ahead`` says that its forecast was just made again."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(request.customer)
        before = _made_before(context, reader, snapshot, person, request)
        if before is not None:
            return before
        due = not ahead and outdated(person, now=request.at)
        if due and context.looks_ahead is not None:
            context.money_moved.add(person.asked.subject)
            context.looks_ahead()
        if not due or context.looks_ahead is not None:
            return snapshot, _decided_alone(context, reader, snapshot, person, request)
    with suppress(ConsentRefused):
        look_ahead(context, request.customer, now=request.at)
    return _made(context, request, ahead=True)


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
    known = context.keys.find({request.customer for request in requests})
    with context.store.read() as reader:
        heads = reader.heads([one.subject for one in known.values()])
    somebody = {name: one for name, one in known.items() if heads[one.subject].n}
    places = [place for place, request in enumerate(requests) if request.customer in somebody]
    things = [(somebody[requests[place].customer], requests[place]) for place in places]
    size = partial(budgets.room, moments=[request.at for request in requests])
    answers = (made.answer for made in in_runs(context, things, compute=partial(_tried, context), size=size))
    made = dict(zip(places, answers, strict=True))
    return [made.get(place, UnknownCustomer()) for place in range(len(requests))]


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
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        record, person = find_decision(context, reader, snapshot, decision_id, customer=customer)
        refused = visible.refusal_of(record, person, config=snapshot.config, now=now)
    if refused:
        raise ConsentRefused(why=refused)
    return record.decision


def compute(snapshot: Snapshot, person: Person, request: Request, *, policy: PolicySnapshot, secret: bytes) -> Decision:
    """Compute a decision from what was folded: the pure heart, live and replayed."""
    asked = decision_input_of(snapshot, person, request, policy=policy, secret=secret)
    return engine.decide(request, asked, snapshot.config.compiled)


def decision_input_of(
    snapshot: Snapshot,
    person: Person,
    request: Request,
    *,
    policy: PolicySnapshot,
    secret: bytes,
    as_of: Instant | None = None,
    domain: Domain = "decision",
) -> DecisionInput:
    """Gather everything one decision may look at, behind the gate.

    ``as_of`` is the moment that is asked about, where that is earlier; permission is judged at the request's.
    """
    config, now = snapshot.config, request.at
    moment, judged = now if as_of is None else as_of, person.judged(now)
    if request.channel not in config.policy.channels:
        raise MalformedRequest(field="channel", shape="not one of consent.toml", fix="name one of its channels")
    permits = permits_of(person, config=config, channel=request.channel, now=judged)
    seen = snapshot.seen(person, permits=list(permits.values()), now=moment, judged=judged)
    group = assignment.group_of(person, settings=config.settings, secret=secret)
    return DecisionInput(
        permits=permits,
        seen={role: seen[opened.purpose] for role, opened in permits.items()},
        contacts=for_guardrails(person.contacts, latest=moment),
        board=snapshot.bank.board,
        beliefs=policy.beliefs,
        own_answers=_own_answers(person, config=config, moment=moment, judged=judged),
        affinity=policy.affinity,
        forecast=_forecast_facts(snapshot, person, now=moment, judged=judged),
        money_moved=outdated(person, now=now),
        assignment=group,
        order=assignment.order_of(group, config=config, policy=policy),
        exploration=config.settings.exploration,
        day=config.calendar.day_of(moment),
        minute_of_day=config.calendar.minute_of_day(moment),
        seed=seed_of(person, secret=secret, domain=domain),
        epoch=person.consents.epoch,
        position=person.own.n,
        documents=config.digest,
    )


def permits_of(person: Person, *, config: BankConfig, channel: str, now: Instant) -> dict[Role, Permit]:
    """Give the permit for each role that a purpose of the bank serves."""
    policy = config.policy
    served = {role: policy.serving(role) for role in _ROLES}
    purposes = tuple(dict.fromkeys(filter(None, served.values())))
    opened = person.permits(purposes, policy=policy, now=now, channel=channel)
    return {role: opened[purpose] for role, purpose in served.items() if purpose}


def _own_answers(person: Person, *, config: BankConfig, moment: Instant, judged: Instant) -> OwnAnswers:
    """Give what a person did with what was shown to them, and what came of it, while they allow learning from it."""
    learning = person.permit(config.policy.serving("learning"), policy=config.policy, now=judged)
    return own_answers(person.answers, until=moment) if learning.sources else OwnAnswers()


def seed_of(person: Person, *, secret: bytes, domain: Domain) -> bytes:
    """Give what the random numbers of the next decision come from; no caller can choose or foresee it.

    It counts the decisions of the id that was asked for: that number only grows, also when ids are linked and parted.
    """
    return assignment.drawn(secret, domain.encode(), person.asked.subject, person.own.decisions)


def _tried(
    context: AppContext, reader: Reader, snapshot: Snapshot, run: Sequence[tuple[Person, Request]]
) -> list[Computed[Decision | MarketOfOneError]]:
    """Decide for people who all differ, or give again what was decided; a request that is refused stops no other."""
    marks = [decision_mark(context.keys, request.id) for _, request in run]
    known = reader.named(marks)
    tried: dict[int, Computed[Decision | MarketOfOneError]] = {}
    for place, (person, request) in enumerate(run):
        if marks[place] in known:
            try:
                before = _made_before(context, reader, snapshot, person, request)
            except (ConsentRefused, DecisionExists) as refused:
                tried[place] = Computed(person, refused, None)
            else:
                if before is not None:
                    tried[place] = Computed(person, before.answer, None)
    places = [place for place in range(len(run)) if place not in tried]
    tried.update(zip(places, _decided(context, reader, snapshot, [run[place] for place in places]), strict=True))
    return [tried[place] for place in range(len(run))]


def _decided_alone(
    context: AppContext, reader: Reader, snapshot: Snapshot, person: Person, request: Request
) -> Computed[Decision]:
    (made,) = _decided(context, reader, snapshot, [(person, request)])
    if isinstance(made.answer, MarketOfOneError):
        raise made.answer
    return Computed(person, made.answer, made.written)


def _decided(
    context: AppContext, reader: Reader, snapshot: Snapshot, run: Sequence[tuple[Person, Request]]
) -> list[Computed[Decision | MarketOfOneError]]:
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
    computed: dict[int, Computed[Decision | MarketOfOneError]] = {}
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
    context: AppContext, reader: Reader, snapshot: Snapshot, person: Person, request: Request
) -> Proved[Decision] | None:
    places = dict(reader.decisions(decision_mark(context.keys, request.id)))
    n = places.get(person.asked.subject)
    if n is None:
        return None
    entry = entry_at(reader, person.asked, n)
    record: DecisionRecord = codec.read(entry, box=person.asked.box)
    made = record.decision
    if replace(made.request, at=request.at, closed=()) != request:
        raise DecisionExists
    refused = visible.refusal_of(record, person, config=snapshot.config, now=request.at)
    if refused:
        raise ConsentRefused(why=refused)
    return Proved(made, Head(entry.subject, entry.n, entry.hash, stamp=entry.stamp, recorded=entry.recorded))


def _forecast_facts(snapshot: Snapshot, person: Person, *, now: Instant, judged: Instant) -> ForecastFacts | None:
    summary = person.forecast_at(judged)
    if summary is None or not now - FORECAST_AGE < summary.at <= now:
        return None
    return summary.facts(calendar=snapshot.config.calendar, now=now)

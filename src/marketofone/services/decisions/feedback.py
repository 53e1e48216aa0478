"""Hear what a person did and join it to its decision; what it teaches waits in the queue of lessons.

An answer may be changed for as long as answers are attributed to their decision (``outcome_days``). The later one waits
as a lesson also where it teaches nothing by itself: whoever takes it from the queue learns again without the earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET, Struct
from msgspec.structs import replace

from marketofone.consent.gate import Permit, permit
from marketofone.consent.ledger import without_pauses
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant, check_instant
from marketofone.domain.outcome import (
    MAX_VALUE,
    MAX_WHY,
    SAID,
    Changes,
    Outcome,
    WhyNot,
    WhyYes,
    changes_of,
)
from marketofone.learn.join import Example, LessonFacts, SignsLabel, Skipped, ValueLabel, join, join_signs
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.bank_state import BankState
from marketofone.projection.contacts import KEPT, Decided, find
from marketofone.projection.person import Person
from marketofone.projection.records import OutcomeRecord
from marketofone.projection.snapshot import Configs, Snapshot
from marketofone.services.decisions.recorded import decision_at, place_of
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.runs import Computed, Proved, Written, in_runs, one_by_one
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

NO_SOURCES: frozenset[str] = frozenset()


class UpdateResult(Struct, frozen=True, kw_only=True):
    """What an outcome teaches: ``action`` names what is learned about, ``why_not`` why nothing is.

    ``understood`` is the reason of a no or a yes in the words of the vocabulary; None for any other text. ``changes``
    says what a later answer changes: the answer, its reason alone, or nothing; None for a first one.
    """

    decision: str
    learned: bool
    action: str | None = None
    why_not: str | None = None
    understood: WhyNot | WhyYes | None = None
    changes: Changes | None = None


def record_outcome(
    context: AppContext, outcome: Outcome, *, now: Instant, customer: str | None = None
) -> Proved[UpdateResult]:
    """Record an outcome; what it teaches is learned with the next version.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When a value is announced and not given, given without being announced, or no whole number in range; when it
        lies ahead; when it is about a slate and does not name one of its places; when it is an answer that comes later
        than answers may be changed, or to what asked for a permission.
    """
    check_outcome(outcome, now=now)
    (result,) = _record(context, [outcome], now=now, customer=customer)
    return result


def record_outcomes(context: AppContext, outcomes: Sequence[Outcome], *, now: Instant) -> list[UpdateResult]:
    """Record many outcomes in the order given, each at its own instant; all are checked before the first.

    Raises as :func:`record_outcome` does.
    """
    for outcome in outcomes:
        check_outcome(outcome, now=now)
    return [result.answer for result in _record(context, outcomes)]


def record_answer(context: AppContext, owner: Customer, n: int, outcome: Outcome, *, now: Instant) -> None:
    """Record what a person said about consent as the answer to the decision at entry ``n`` that had asked for it."""
    in_runs(context, [(owner, (n, outcome))], compute=one_by_one(partial(_noted, context, now)), now=now)


def record_heard(context: AppContext, things: Sequence[tuple[Customer, int, Outcome]], *, now: Instant) -> int:
    """Record what events of the app say a person did, to the decision at an entry of a customer's journal.

    Only what teaches is recorded, and nothing of which an answer is known. Gives how much was.
    """
    answered = [(owner, (n, outcome)) for owner, n, outcome in things]
    results = in_runs(context, answered, compute=one_by_one(partial(_heard, context, now)), now=now)
    return sum(result.entry is not None for result in results)


def check_outcome(outcome: Outcome, *, now: Instant) -> None:
    """Check an outcome before anything is written: a journal's instants never step back from one that lies ahead.

    Raises
    ------
    MalformedRequest
    """
    if check_instant(outcome.at, field="at") > now:
        raise MalformedRequest(field="at", shape="a moment in the future", fix="say what was done by now")
    value = outcome.value_minor
    if value is not None and (type(value) is not int or abs(value) > MAX_VALUE):
        raise MalformedRequest(
            field="value_minor",
            shape=f"a {type(value).__name__}" if type(value) is not int else "a number out of range",
            fix=f"give a whole number of minor units, at most {MAX_VALUE} either way",
        )
    if type(outcome.why) is not str or len(outcome.why) > MAX_WHY:
        raise MalformedRequest(field="why", shape="no text, or too long", fix=f"give at most {MAX_WHY} characters")
    if (outcome.verdict == "valued") != (value is not None):
        raise MalformedRequest(
            field="value_minor", shape="does not go with the verdict", fix="give it with 'valued', and only then"
        )


def taught(
    person: Person, facts: LessonFacts, *, config: BankConfig, outdated: bool, now: Instant, learned: bool = False
) -> Example | ValueLabel | SignsLabel | Skipped:
    """Join an outcome, or early signs, to its decision under the person's permission to learn, as it stands now.

    A person permits nothing for an id that is not theirs any more. ``learned`` is as for :func:`learning_permit`.
    """
    decision, outcome = facts.decision, facts.outcome
    known = any(action.id == decision.action for action in config.actions.offered)
    if decision.context and (outdated or not known):
        return Skipped(decision=decision.id, why="outdated")
    if facts.entry is not None and person.is_replaced(facts.entry, of=(decision.id, outcome.place)):
        return Skipped(decision=decision.id, why="replaced")
    theirs = facts.subjects <= person.states.keys()
    at = max(now, outcome.at)
    leave = learning_permit(person, facts, config=config, now=at, learned=learned) if theirs else None
    early = config.settings.early_signs
    if facts.about_signs:
        return join_signs(facts, permit=leave, label=None if early is None else early.label)
    days, signs = config.settings.outcome_days, facts.signs
    signs = signs if signs is not None and early is not None and signs.signs.label == early.label else None
    return join(outcome, decision=decision, earlier=facts.earlier, permit=leave, window_days=days, signs=signs)


def learning_permit(
    person: Person, facts: LessonFacts, *, config: BankConfig, now: Instant, learned: bool = False
) -> Permit:
    """Give the person's permit to learn from what the decision of a lesson used; as :func:`leave_to_learn`."""
    return leave_to_learn(person, facts.decision, facts.subjects, config=config, now=now, learned=learned)


def leave_to_learn(
    person: Person,
    decision: Decision,
    subjects: frozenset[int],
    *,
    config: BankConfig,
    now: Instant,
    learned: bool = False,
) -> Permit:
    """Give the person's permit to learn from what a decision used, which rests on the journals of some subjects.

    What was ``learned`` before stays while they pause: it could not come back by itself when the pause ends.
    """
    judged = person.judged(now)
    consents = person.consents_over(subjects, now=judged)
    return permit(
        config.policy.serving("learning"),
        without_pauses(consents) if learned else consents,
        customer=person.name,
        channel=decision.channel,
        policy=config.policy,
        now=judged,
        made=decision.at,
    )


def same_features(reader: Reader, configs: Configs, bank: BankState, decision: Decision, config: BankConfig) -> bool:
    """Say whether the documents a decision followed declare the features that are declared now."""
    if decision.documents == config.digest:
        return True
    entry = next((n for n, digest in bank.digests.items() if digest == decision.documents and n <= bank.n), None)
    return entry is not None and configs.of(reader, bank, entry=entry).features.digest == config.features.digest


def _earlier(
    reader: Reader, person: Person, decision: Decision, *, place: int, after: int, now: Instant
) -> list[Outcome]:
    """Give what was heard about a place of a decision so far, in order; the decision is entry ``after``.

    A contact older than contacts are kept may have been forgotten, and remembered again with a late no alone.
    """
    owner = next(one for one in person.members if one.name == decision.customer)
    contacts = person.states[owner.subject].contacts  # another id of the person may use the same name
    said = find(contacts, decision.id, action=decision.place(place).action)
    if said is not None and said.at > now - KEPT:
        return [outcome for _, outcome in said.answers]
    heard = outcomes_between(reader, owner, decision, after=after)
    return [outcome for outcome in heard if outcome.place == place]


def outcomes_between(
    reader: Reader, owner: Customer, decision: Decision, *, after: int = 0, before: int | None = None
) -> list[Outcome]:
    """Read what was heard about a decision, whatever its places, between two entries of its journal, both exclusive."""
    return [outcome for _, outcome in numbered_outcomes(reader, owner, decision, after=after, before=before)]


def numbered_outcomes(
    reader: Reader, owner: Customer, decision: Decision, *, after: int, before: int | None = None
) -> list[tuple[int, Outcome]]:
    """Read what was heard as :func:`outcomes_between` does, each with its entry."""
    upto = None if before is None else before - 1
    entries = reader.entries(owner.subject, kinds=("outcome",), after=after, upto=upto)
    heard = ((entry.n, codec.read(entry, box=owner.box).outcome) for entry in entries)
    return [(n, outcome) for n, outcome in heard if outcome.decision == decision.id]


def last_day(made: Instant, *, config: BankConfig) -> Instant:
    """Give the last moment at which an answer to a decision may be told, or changed."""
    return Instant(made + config.settings.outcome_days * DAY)


def _check_fits(outcome: Outcome, decision: Decision, *, config: BankConfig) -> None:
    if decision.slots > 1 and outcome.slot is UNSET:
        raise MalformedRequest(
            field="slot", shape="left out", fix="say which place of the slate it is about, from 1 on"
        )
    action = decision.place(outcome.place).action
    if outcome.verdict in SAID and action in config.actions.asks:
        raise MalformedRequest(
            field="verdict",
            shape="an answer to what asks for a permission",
            fix="record what the person says about consent, a yes or a no: it is the answer to this decision",
        )
    if outcome.verdict in SAID and outcome.at > last_day(decision.at, config=config):
        raise MalformedRequest(
            field="at",
            shape=f"more than {config.settings.outcome_days} days after the decision",
            fix="the answer stands as it is: tell an answer to a newer decision, or 'taken_back' of what was accepted",
        )


def _record(
    context: AppContext, outcomes: Sequence[Outcome], *, now: Instant | None = None, customer: str | None = None
) -> list[Proved[UpdateResult]]:
    with context.store.read() as reader:
        config = context.snapshot(reader).config
        places = [place_of(context, reader, outcome.decision, customer=customer) for outcome in outcomes]
        for (owner, n), outcome in zip(places, outcomes, strict=True):
            _check_fits(outcome, decision_at(reader, owner, n).decision, config=config)
    things = [(owner, (n, outcome)) for (owner, n), outcome in zip(places, outcomes, strict=True)]
    return in_runs(context, things, compute=one_by_one(partial(_noted, context, now)), now=now)


def _heard(
    context: AppContext, now: Instant, reader: Reader, snapshot: Snapshot, person: Person, answered: tuple[int, Outcome]
) -> Computed[UpdateResult]:
    """Join what an event says to its decision, if that teaches anything; the event is a use of the app's data."""
    noted = _noted(context, now, reader, snapshot, person, answered, also=frozenset({"app"}))
    is_first = noted.answer.learned and noted.answer.changes is None  # what is seen takes the place of no answer
    return noted if is_first else Computed(person, noted.answer, None)


def _noted(
    context: AppContext,
    now: Instant | None,
    reader: Reader,
    snapshot: Snapshot,
    person: Person,
    answered: tuple[int, Outcome],
    also: frozenset[str] = NO_SOURCES,
) -> Computed[UpdateResult]:
    """Join an outcome to the decision at entry ``n`` of the journal of the id that it was made for.

    ``also`` names sources that tell of the outcome itself.
    """
    n, outcome = answered
    judged = person.judged(outcome.at if now is None else now)
    asked, made = person.asked, decision_at(reader, person.asked, n)
    decision = made.decision.place(outcome.place)
    earlier = tuple(_earlier(reader, person, made.decision, place=outcome.place, after=n, now=judged))
    was_told = outcome in [replace(known, changes=UNSET) for known in earlier]
    outcome = replace(outcome, changes=changes_of(outcome, earlier=earlier))
    facts = LessonFacts(outcome, decision, earlier, made.rests_on.subjects)
    lesson = taught(
        person,
        facts,
        config=snapshot.config,
        outdated=not same_features(reader, context.configs, snapshot.bank, decision, snapshot.config),
        now=judged,
    )
    if was_told and outcome.changes == "nothing":
        return Computed(person, _result(outcome, lesson), None)
    teaches = not isinstance(lesson, Skipped)
    uses = _learned_from(snapshot, person, facts, now=judged, also=also) if teaches else ()
    to = Decided(decision.action, made.kind_at(outcome.place), decision.channel, decision.at, decision.seen)
    record = OutcomeRecord(context.actor, outcome, uses, to)
    draft = codec.draft("outcome", record, subject=asked.subject, box=asked.box, at=outcome.at)
    return Computed(person, _result(outcome, lesson), Written(draft, record, lesson=record.waits))


def _learned_from(
    snapshot: Snapshot, person: Person, facts: LessonFacts, *, now: Instant, also: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    leave = learning_permit(person, facts, config=snapshot.config, now=now)
    used = {source for _, source in facts.decision.uses} | also
    return tuple((leave.purpose, source) for source in sorted(leave.sources & used) or sorted(leave.sources)[:1])


def _result(outcome: Outcome, lesson: Example | ValueLabel | SignsLabel | Skipped) -> UpdateResult:
    why_not, action = (lesson.why, None) if isinstance(lesson, Skipped) else (None, lesson.action)
    return UpdateResult(
        decision=outcome.decision,
        learned=why_not is None,
        action=action,
        why_not=why_not,
        understood=outcome.why_not or outcome.why_yes,
        changes=None if outcome.changes is UNSET else outcome.changes,
    )

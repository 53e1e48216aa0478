"""Hear what a person did, join it to its decision, learn from it: one commit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from marketofone.consent.gate import permit
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.outcome import Outcome
from marketofone.learn.join import LEARNING, Example, Skipped, ValueLabel, join
from marketofone.learn.update import learn
from marketofone.learn.values import learn_value
from marketofone.learn.values import to_bytes as value_to_bytes
from marketofone.models.bandit import to_bytes as arm_to_bytes
from marketofone.services.app_context import AppContext
from marketofone.services.bank_config import BankConfig
from marketofone.services.contacts import contacts_to, find
from marketofone.services.contacts import note_outcome as noted
from marketofone.services.live_snapshot import CONTACTS, LiveSnapshot
from marketofone.services.model_version import ModelVersion, arm_name, posterior_of, value_name
from marketofone.services.recordable import recordable
from marketofone.services.snapshot import Snapshot
from marketofone.store.ports import Reader, Writer

_DECISION = msgspec.json.Decoder(Decision)
_OUTCOME = msgspec.json.Decoder(Outcome)


class UpdateResult(Struct, frozen=True, kw_only=True):
    """What an outcome taught: ``action`` names the model that moved, ``why_not`` why none did."""

    decision: str
    learned: bool
    action: str | None = None
    why_not: str | None = None


def record_outcome(context: AppContext, outcome: Outcome) -> UpdateResult:
    """Record an outcome and learn from it what the person allows.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When a value is announced and not given, or given without being announced.
    """
    return record_outcomes(context, [outcome])[0]


def record_outcomes(context: AppContext, outcomes: Sequence[Outcome]) -> list[UpdateResult]:
    """Record many outcomes, in the order given, in one commit. Where one cannot be recorded, none is."""
    if not outcomes:
        return []
    with context.store.read() as reader:
        LiveSnapshot(reader, context, committed=True).model_version()  # once, into the cache

    def work(writer: Writer) -> list[UpdateResult]:
        snapshot = LiveSnapshot(writer, context, committed=False)
        return [_record(writer, outcome, snapshot=snapshot) for outcome in outcomes]

    return context.store.commit(work)


def taught(
    snapshot: Snapshot, decision: Decision, outcome: Outcome, *, earlier: Sequence[Outcome]
) -> Example | ValueLabel | Skipped:
    """Join an outcome to its decision under the person's permission to learn."""
    config = snapshot.config
    known = any(action.id == decision.action for action in config.actions.offered)
    if decision.context and not (known and snapshot.features(decision.documents) == config.features.digest):
        return Skipped(decision=decision.id, why="outdated")
    person = snapshot.person(decision.customer)
    granted = permit(
        LEARNING,
        snapshot.consents(person),
        customer=person,
        channel=decision.channel,
        policy=config.policy,
        now=outcome.at,
    )
    return join(outcome, decision=decision, earlier=earlier, permit=granted, window_days=config.settings.outcome_days)


def moved(lesson: Example | ValueLabel, *, model_version: ModelVersion, config: BankConfig) -> tuple[str, bytes]:
    """Give the one model state that a lesson moves, by name."""
    action = config.actions.action(lesson.action)
    if isinstance(lesson, ValueLabel):
        posterior = learn_value(posterior_of(model_version, action), value_minor=lesson.value_minor)
        return value_name(action.id), value_to_bytes(posterior)
    arm = model_version.arms.get(action.id) or config.compiled.prior(action)
    return arm_name(action.id, features=config.features), arm_to_bytes(learn(arm, lesson))


def _record(writer: Writer, outcome: Outcome, *, snapshot: LiveSnapshot) -> UpdateResult:
    if (outcome.verdict == "valued") != (outcome.value_minor is not None):
        raise MalformedRequest(
            field="value_minor", shape="does not go with the verdict", fix="give it with 'valued', and only then"
        )
    entry = writer.decision(outcome.decision)
    if entry is None or entry.body is None:
        raise UnknownDecision
    decision = _DECISION.decode(entry.body)
    person = writer.person(decision.customer)
    before = snapshot.contacts(person)
    said = find(before, decision.id)
    earlier = _earlier(writer, decision) if said is None else said.answers
    lesson = taught(snapshot, decision, outcome, earlier=earlier)
    heard = writer.append("outcome", at=outcome.at, customer=decision.customer, body=recordable(outcome))
    after = noted(before, outcome)
    if after is not before:
        writer.put_state(person, CONTACTS, contacts_to(after))
    if isinstance(lesson, Skipped):
        snapshot.changed(person, models={})
        return UpdateResult(decision=decision.id, learned=False, why_not=lesson.why)
    name, body = moved(lesson, model_version=snapshot.model_version(), config=snapshot.config)
    writer.put_model(name, body, seq=heard.seq)
    snapshot.changed(person, models={name: body})
    return UpdateResult(decision=decision.id, learned=True, action=lesson.action)


def _earlier(reader: Reader, decision: Decision) -> list[Outcome]:
    entries = reader.entries(kinds=("outcome",), customers=(decision.customer,))
    heard = (_OUTCOME.decode(entry.body) for entry in entries if entry.body is not None)
    return [outcome for outcome in heard if outcome.decision == decision.id]

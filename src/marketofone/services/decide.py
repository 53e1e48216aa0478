"""Ask, get the permits, see, foresee, choose, explain, record: released only if what it rests on still stands."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b

import msgspec

from marketofone.consent.gate import permit
from marketofone.decide import engine
from marketofone.decide.decision_input import PROTECTION, PURPOSES, DecisionInput
from marketofone.decide.forecast_facts import ForecastFacts
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import ConsentRefused, DecisionExists, EpochChanged, MalformedRequest, UnknownDecision
from marketofone.domain.moment import DAY, Instant
from marketofone.features.vector import see_all
from marketofone.services.app_context import AppContext
from marketofone.services.consent_service import must_exist
from marketofone.services.contacts import contacts_to, for_guardrails, remember
from marketofone.services.facts import outdated
from marketofone.services.forecast import look_ahead
from marketofone.services.live_snapshot import CONTACTS, LiveSnapshot, ReadSet
from marketofone.services.model_version import ModelVersion, PolicySnapshot, policy_snapshot_of
from marketofone.services.snapshot import Snapshot
from marketofone.store.ports import Reader, Writer

FORECAST_AGE = 35 * DAY
_SHARES = 2**64
_DECODER = msgspec.json.Decoder(Decision)
_ENCODE = msgspec.json.Encoder().encode


def decide(context: AppContext, request: Request) -> Decision:
    """Decide for one person on one occasion. The same id gives the same decision.

    The decision is computed beside the writer. When it is released, consents, state, models and rulings are compared
    once more; if anything moved, it is computed again inside the unit of work, where nothing can. Where money moved
    since a person was last looked ahead for, that is done again first, if they still allow it.

    Raises
    ------
    DecisionExists
        When the id was used for another request.
    UnknownCustomer
        When no event and no consent names this customer.
    """
    with context.store.read() as reader:
        made = _made_before(reader, request)
        if made is not None:
            return made
        snapshot = LiveSnapshot(reader, context, committed=True)
        person = snapshot.person(request.customer)
        if not snapshot.remembers(person):
            must_exist(reader, request.customer)
        read_set = snapshot.read_set(person, epoch=snapshot.consents(person).epoch)
        moved = outdated(snapshot.forecast_summary(person), read_set.blobs, now=request.at)
        decision = None if moved else compute(context, snapshot, request)
    if decision is None:
        with suppress(ConsentRefused):
            look_ahead(context, request.customer, now=request.at)
        return decide_all(context, [request])[0]
    try:
        return context.store.commit(lambda writer: _release(context, writer, request, decision, read_set))
    except EpochChanged:
        return decide_all(context, [request])[0]


def decide_all(context: AppContext, requests: Sequence[Request]) -> list[Decision]:
    """Decide for many people, in the order given, in one commit, on the forecasts that were made already.

    Raises
    ------
    DecisionExists
        When an id was used for another request; then nothing of it is recorded.
    """
    if not requests:
        return []
    with context.store.read() as reader:
        LiveSnapshot(reader, context, committed=True).model_version()  # once, into the cache

    def work(writer: Writer) -> list[Decision]:
        snapshot = LiveSnapshot(writer, context, committed=False)
        return [_decide_alone(context, writer, request, snapshot=snapshot) for request in requests]

    return context.store.commit(work)


def recall(context: AppContext, decision_id: str) -> Decision:
    """Give a decision again, exactly as it was recorded.

    Raises
    ------
    UnknownDecision
    """
    with context.store.read() as reader:
        entry = reader.decision(decision_id)
    if entry is None or entry.body is None:
        raise UnknownDecision
    return _DECODER.decode(entry.body)


def compute(context: AppContext, snapshot: Snapshot, request: Request) -> Decision:
    """Compute a decision from a view of the world: the pure heart of the journey."""
    return engine.decide(
        request,
        decision_input_of(snapshot, request, policy_snapshot=_policy_snapshot(context, snapshot)),
        snapshot.config.compiled,
    )


def decision_input_of(snapshot: Snapshot, request: Request, *, policy_snapshot: PolicySnapshot) -> DecisionInput:
    """Gather everything one decision may look at, behind the gate."""
    config, now = snapshot.config, request.at
    if request.channel not in config.policy.channels:
        raise MalformedRequest(field="channel", shape="not one of consent.toml", fix="name one of its channels")
    person = snapshot.person(request.customer)
    consents = snapshot.consents(person)
    permits = [
        permit(purpose, consents, customer=person, channel=request.channel, policy=config.policy, now=now)
        for purpose in (*PURPOSES, PROTECTION)
    ]
    seen = see_all(
        snapshot.states(person, now=now),
        permits=permits,
        catalogue=config.features,
        calendar=config.calendar,
        now=now,
    )
    return DecisionInput(
        permits={permit.purpose: permit for permit in permits},
        seen=seen,
        contacts=for_guardrails(snapshot.contacts(person), now=now),
        board=snapshot.board(),
        arms=policy_snapshot.arms,
        values=policy_snapshot.values,
        affinity=policy_snapshot.affinity,
        forecast=_forecast_model(snapshot, person, now=now),
        control=in_control(person, share=config.settings.control_share),
        exploration=config.settings.exploration,
        minute_of_day=config.calendar.minute_of_day(now),
        epoch=consents.epoch,
        position=snapshot.position(),
        documents=config.digest,
    )


def in_control(person: str, *, share: float) -> bool:
    """Say whether a person belongs to the random control group, by a hash that never changes."""
    number = int.from_bytes(blake2b(person.encode(), digest_size=8, person=b"control").digest(), "big")
    return number < share * _SHARES


def record(writer: Writer, decision: Decision, *, snapshot: LiveSnapshot) -> Decision:
    """Append a decision to the journal at its place, and remember the contact."""
    decision = msgspec.structs.replace(decision, position=writer.position())
    entry = writer.append("decision", at=decision.at, customer=decision.customer, body=_ENCODE(decision))
    writer.index_decision(decision.id, seq=entry.seq)
    person = snapshot.person(decision.customer)
    before = snapshot.contacts(person)
    after = remember(before, decision, actions=snapshot.config.actions)
    if after is not before:
        writer.put_state(person, CONTACTS, contacts_to(after))
        snapshot.changed(person, models={})
    return decision


def _release(context: AppContext, writer: Writer, request: Request, decision: Decision, read_set: ReadSet) -> Decision:
    made = _made_before(writer, request)
    if made is not None:
        return made
    if not read_set.is_current(writer):
        raise EpochChanged
    return record(writer, decision, snapshot=LiveSnapshot(writer, context, committed=False, read_set=read_set))


def _decide_alone(context: AppContext, writer: Writer, request: Request, *, snapshot: LiveSnapshot) -> Decision:
    made = _made_before(writer, request)
    if made is None:
        must_exist(writer, request.customer)
    return made or record(writer, compute(context, snapshot, request), snapshot=snapshot)


def _made_before(reader: Reader, request: Request) -> Decision | None:
    entry = reader.decision(request.id)
    if entry is None or entry.body is None:
        return None
    made = _DECODER.decode(entry.body)
    if (made.customer, made.occasion, made.channel) != (request.customer, request.occasion, request.channel):
        raise DecisionExists
    return made


def _policy_snapshot(context: AppContext, snapshot: Snapshot) -> PolicySnapshot:
    model_version: ModelVersion = snapshot.model_version()
    kept = context.caches.policy_snapshot
    if kept is None or kept.model_version is not model_version or kept.compiled is not snapshot.config.compiled:
        kept = context.caches.policy_snapshot = policy_snapshot_of(
            model_version, compiled=snapshot.config.compiled, before=kept
        )
    return kept


def _forecast_model(snapshot: Snapshot, person: str, *, now: Instant) -> ForecastFacts | None:
    facts = snapshot.forecast_summary(person)
    if facts is None or not now - FORECAST_AGE < facts.at <= now:
        return None
    return facts.forecast(calendar=snapshot.config.calendar, now=now)

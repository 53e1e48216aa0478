"""Ask, get the permits, see, foresee, choose, explain, record: released only if what it rests on still stands."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b

import msgspec

from marketofone.consent.gate import permit
from marketofone.decide import engine
from marketofone.decide.foresight import Foresight
from marketofone.decide.situation import PROTECTION, PURPOSES, Situation
from marketofone.domain.decision import Decision, Request
from marketofone.domain.errors import ConsentRefused, DecisionExists, EpochChanged, MalformedRequest, UnknownDecision
from marketofone.domain.moment import DAY, Instant
from marketofone.features.vector import see_all
from marketofone.flow.contacts import contacts_to, for_guardrails, remember
from marketofone.flow.equipment import Equipment
from marketofone.flow.facts import outdated
from marketofone.flow.forecast import look_ahead
from marketofone.flow.learned import Learned, Mind, mind_of
from marketofone.flow.rights import must_exist
from marketofone.flow.stored import CONTACTS, Fence, StoredView
from marketofone.flow.view import View
from marketofone.store.ports import Reader, Writer

FORECAST_AGE = 35 * DAY
_SHARES = 2**64
_DECODER = msgspec.json.Decoder(Decision)
_ENCODE = msgspec.json.Encoder().encode


def decide(kit: Equipment, request: Request) -> Decision:
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
    with kit.store.read() as reader:
        made = _made_before(reader, request)
        if made is not None:
            return made
        view = StoredView(reader, kit, committed=True)
        person = view.person(request.customer)
        if not view.remembers(person):
            must_exist(reader, request.customer)
        fence = view.fence(person, epoch=view.consents(person).epoch)
        moved = outdated(view.forecast_facts(person), fence.blobs, now=request.at)
        decision = None if moved else compute(kit, view, request)
    if decision is None:
        with suppress(ConsentRefused):
            look_ahead(kit, request.customer, now=request.at)
        return decide_all(kit, [request])[0]
    try:
        return kit.store.commit(lambda writer: _release(kit, writer, request, decision, fence))
    except EpochChanged:
        return decide_all(kit, [request])[0]


def decide_all(kit: Equipment, requests: Sequence[Request]) -> list[Decision]:
    """Decide for many people, in the order given, in one commit, on the forecasts that were made already.

    Raises
    ------
    DecisionExists
        When an id was used for another request; then nothing of it is recorded.
    """
    if not requests:
        return []
    with kit.store.read() as reader:
        StoredView(reader, kit, committed=True).learned()  # once, into the cache

    def work(writer: Writer) -> list[Decision]:
        view = StoredView(writer, kit, committed=False)
        return [_decide_alone(kit, writer, request, view=view) for request in requests]

    return kit.store.commit(work)


def recall(kit: Equipment, decision_id: str) -> Decision:
    """Give a decision again, exactly as it was recorded.

    Raises
    ------
    UnknownDecision
    """
    with kit.store.read() as reader:
        entry = reader.decision(decision_id)
    if entry is None or entry.body is None:
        raise UnknownDecision
    return _DECODER.decode(entry.body)


def compute(kit: Equipment, view: View, request: Request) -> Decision:
    """Compute a decision from a view of the world: the pure heart of the journey."""
    return engine.decide(request, situation_of(view, request, mind=_mind(kit, view)), view.book.playbook)


def situation_of(view: View, request: Request, *, mind: Mind) -> Situation:
    """Gather everything one decision may look at, behind the gate."""
    book, now = view.book, request.at
    if request.channel not in book.policy.channels:
        raise MalformedRequest(field="channel", shape="not one of consent.toml", mend="name one of its channels")
    person = view.person(request.customer)
    consents = view.consents(person)
    permits = [
        permit(purpose, consents, customer=person, channel=request.channel, policy=book.policy, now=now)
        for purpose in (*PURPOSES, PROTECTION)
    ]
    seen = see_all(
        view.states(person, now=now),
        permits=permits,
        catalogue=book.features,
        calendar=book.calendar,
        now=now,
    )
    return Situation(
        permits={leave.purpose: leave for leave in permits},
        seen=seen,
        contacts=for_guardrails(view.contacts(person), now=now),
        board=view.board(),
        arms=mind.arms,
        values=mind.values,
        affinity=mind.affinity,
        foresight=_foresight(view, person, now=now),
        control=in_control(person, share=book.settings.control_share),
        exploration=book.settings.exploration,
        minute_of_day=book.calendar.minute_of_day(now),
        epoch=consents.epoch,
        position=view.position(),
        documents=book.digest,
    )


def in_control(person: str, *, share: float) -> bool:
    """Say whether a person belongs to the random control group, by a hash that never changes."""
    number = int.from_bytes(blake2b(person.encode(), digest_size=8, person=b"control").digest(), "big")
    return number < share * _SHARES


def record(writer: Writer, decision: Decision, *, view: StoredView) -> Decision:
    """Append a decision to the journal at its place, and remember the contact."""
    decision = msgspec.structs.replace(decision, position=writer.position())
    entry = writer.append("decision", at=decision.at, customer=decision.customer, body=_ENCODE(decision))
    writer.index_decision(decision.id, seq=entry.seq)
    person = view.person(decision.customer)
    before = view.contacts(person)
    after = remember(before, decision, actions=view.book.actions)
    if after is not before:
        writer.put_state(person, CONTACTS, contacts_to(after))
        view.changed(person, models={})
    return decision


def _release(kit: Equipment, writer: Writer, request: Request, decision: Decision, fence: Fence) -> Decision:
    made = _made_before(writer, request)
    if made is not None:
        return made
    if not fence.stands(writer):
        raise EpochChanged
    return record(writer, decision, view=StoredView(writer, kit, committed=False, fence=fence))


def _decide_alone(kit: Equipment, writer: Writer, request: Request, *, view: StoredView) -> Decision:
    made = _made_before(writer, request)
    if made is None:
        must_exist(writer, request.customer)
    return made or record(writer, compute(kit, view, request), view=view)


def _made_before(reader: Reader, request: Request) -> Decision | None:
    entry = reader.decision(request.id)
    if entry is None or entry.body is None:
        return None
    made = _DECODER.decode(entry.body)
    if (made.customer, made.occasion, made.channel) != (request.customer, request.occasion, request.channel):
        raise DecisionExists
    return made


def _mind(kit: Equipment, view: View) -> Mind:
    learned: Learned = view.learned()
    kept = kit.caches.mind
    if kept is None or kept.learned is not learned or kept.playbook is not view.book.playbook:
        kept = kit.caches.mind = mind_of(learned, playbook=view.book.playbook, before=kept)
    return kept


def _foresight(view: View, person: str, *, now: Instant) -> Foresight | None:
    facts = view.forecast_facts(person)
    if facts is None or not now - FORECAST_AGE < facts.at <= now:
        return None
    return facts.foresight(calendar=view.book.calendar, now=now)

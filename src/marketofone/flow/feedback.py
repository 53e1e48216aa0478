"""Hear what a person did, join it to its decision, learn from it: one commit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from marketofone.consent.gate import permit
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest, UnknownDecision
from marketofone.domain.outcome import Outcome
from marketofone.flow.book import Book
from marketofone.flow.contacts import contacts_to, find
from marketofone.flow.contacts import hear as noted
from marketofone.flow.equipment import Equipment
from marketofone.flow.learned import Learned, arm_name, belief_of, value_name
from marketofone.flow.recordable import recordable
from marketofone.flow.stored import CONTACTS, StoredView
from marketofone.flow.view import View
from marketofone.learn.join import LEARNING, Example, Untaught, Worth, join
from marketofone.learn.update import learn
from marketofone.learn.values import learn_value
from marketofone.learn.values import to_bytes as value_to_bytes
from marketofone.models.bandit import to_bytes as arm_to_bytes
from marketofone.store.ports import Reader, Writer

_DECISION = msgspec.json.Decoder(Decision)
_OUTCOME = msgspec.json.Decoder(Outcome)


class Taught(Struct, frozen=True, kw_only=True):
    """What an outcome taught: ``action`` names the model that moved, ``why_not`` why none did."""

    decision: str
    learned: bool
    action: str | None = None
    why_not: str | None = None


def hear(kit: Equipment, outcome: Outcome) -> Taught:
    """Record an outcome and learn from it what the person allows.

    Raises
    ------
    UnknownDecision
        When no decision has this id.
    MalformedRequest
        When a value is announced and not given, or given without being announced.
    """
    return hear_all(kit, [outcome])[0]


def hear_all(kit: Equipment, outcomes: Sequence[Outcome]) -> list[Taught]:
    """Hear many outcomes, in the order given, in one commit. Raises as :func:`hear` does; then none is recorded."""
    if not outcomes:
        return []
    with kit.store.read() as reader:
        StoredView(reader, kit, committed=True).learned()  # once, into the cache

    def work(writer: Writer) -> list[Taught]:
        view = StoredView(writer, kit, committed=False)
        return [_hear(writer, outcome, view=view) for outcome in outcomes]

    return kit.store.commit(work)


def taught(
    view: View, decision: Decision, outcome: Outcome, *, earlier: Sequence[Outcome]
) -> Example | Worth | Untaught:
    """Join an outcome to its decision under the person's permission to learn."""
    book = view.book
    known = any(action.id == decision.action for action in book.actions.offered)
    if decision.context and not (known and view.features(decision.documents) == book.features.digest):
        return Untaught(decision=decision.id, why="outdated")
    person = view.person(decision.customer)
    leave = permit(
        LEARNING, view.consents(person), customer=person, channel=decision.channel, policy=book.policy, now=outcome.at
    )
    return join(outcome, decision=decision, earlier=earlier, permit=leave, window_days=book.settings.outcome_days)


def moved(lesson: Example | Worth, *, learned: Learned, book: Book) -> tuple[str, bytes]:
    """Give the one model state that a lesson moves, by name."""
    action = book.actions.action(lesson.action)
    if isinstance(lesson, Worth):
        belief = learn_value(belief_of(learned, action), value_minor=lesson.value_minor)
        return value_name(action.id), value_to_bytes(belief)
    arm = learned.arms.get(action.id) or book.playbook.prior(action)
    return arm_name(action.id, features=book.features), arm_to_bytes(learn(arm, lesson))


def _hear(writer: Writer, outcome: Outcome, *, view: StoredView) -> Taught:
    if (outcome.verdict == "valued") != (outcome.value_minor is not None):
        raise MalformedRequest(
            field="value_minor", shape="does not go with the verdict", mend="give it with 'valued', and only then"
        )
    entry = writer.decision(outcome.decision)
    if entry is None or entry.body is None:
        raise UnknownDecision
    decision = _DECISION.decode(entry.body)
    person = writer.person(decision.customer)
    before = view.contacts(person)
    said = find(before, decision.id)
    earlier = _earlier(writer, decision) if said is None else said.answers
    lesson = taught(view, decision, outcome, earlier=earlier)
    heard = writer.append("outcome", at=outcome.at, customer=decision.customer, body=recordable(outcome))
    after = noted(before, outcome)
    if after is not before:
        writer.put_state(person, CONTACTS, contacts_to(after))
    if isinstance(lesson, Untaught):
        view.changed(person, models={})
        return Taught(decision=decision.id, learned=False, why_not=lesson.why)
    name, body = moved(lesson, learned=view.learned(), book=view.book)
    writer.put_model(name, body, seq=heard.seq)
    view.changed(person, models={name: body})
    return Taught(decision=decision.id, learned=True, action=lesson.action)


def _earlier(reader: Reader, decision: Decision) -> list[Outcome]:
    entries = reader.entries(kinds=("outcome",), customers=(decision.customer,))
    heard = (_OUTCOME.decode(entry.body) for entry in entries if entry.body is not None)
    return [outcome for outcome in heard if outcome.decision == decision.id]

"""Reads are uses: what somebody reads behind a permit is in the journal before the first byte leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import Scope, UseRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.services.app_context import AppContext, repeated
from marketofone.store.ports import Draft, Unit

T = TypeVar("T")
Look = Callable[[Snapshot, Person, Instant], tuple[T, Iterable[Scope]]]
"""Reads a person, judged at a moment, and says which scopes it read."""


def asked_moment(as_of: Instant | None, *, now: Instant) -> Instant:
    """Give the moment a question is about: now, or an earlier one.

    Raises
    ------
    MalformedRequest
        When the moment lies ahead.
    """
    if as_of is not None and as_of > now:
        raise MalformedRequest(field="as_of", shape="a moment in the future", fix="ask about now or earlier")
    return now if as_of is None else as_of


def use_of(person: Person, what: str, uses: Iterable[Scope], *, actor: str, at: Instant) -> Draft | None:
    """Give the entry of a reading; None when nothing was read behind a permit."""
    scopes = tuple(sorted(set(uses)))
    if not scopes:
        return None
    asked = person.asked
    return codec.draft("use", UseRecord(actor, what, scopes), subject=asked.subject, box=asked.box, at=at)


@repeated
def read_person(context: AppContext, customer: str, *, what: str, now: Instant, look: Look[T]) -> T:
    """Read a person behind the gate, and record the use before anything of it is given away.

    Raises
    ------
    UnknownCustomer
        When no journal names this customer.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        judged = person.judged(now)
        result, uses = look(snapshot, person, judged)
    draft = use_of(person, what, uses, actor=context.actor, at=judged)
    if draft is None:
        return result
    unit = Unit(now=now, drafts=[draft], expects=person.expects(strict=False), together=person.together)
    context.store.commit(unit)
    return result

"""Delegates: who may act for a customer. A customer names one, or the bank records one whose authority it has seen.

A delegation is an entry of the customer's own journal, under the name by which they read of it. It ends by its date, a
guardian's when the child comes of age, or by another entry: from then on nothing opens and nothing is said. Who
acts is asked for anew with each page and each word, inside of the unit of work that records it, so that what is ended
meanwhile stops it. Each page that a delegate opens is a use in the customer's log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from marketofone.consent.gate import is_under_age
from marketofone.consent.ledger import ConsentChange
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.decoding import convert
from marketofone.domain.delegation import DelegateAuthority, DelegateName, Delegation, Evidence, May
from marketofone.domain.errors import MalformedRequest, Refused, UnknownCustomer
from marketofone.domain.languages import message
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import DelegateRecord, Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import refuse_forgotten
from marketofone.services.runtime.uses import read_person
from marketofone.store.ports import BANK, Expectation, Unit

MOST_DAYS = 3_653
"""How long a delegation lasts at most, ten years: who needs it longer says so again."""
MOST = 16
"""How many delegates a customer has at once."""
PAGES_SEEN: Scope = ("acting for the customer", "pages")
"""For what a delegate sees. It has blanks, so no bank can have a purpose of this name."""
_NOBODY = message("nobody who may act for this customer now")
_ASK = message("see who may act, and until when")
_VIEW_ONLY = message("a delegate who may look, and say nothing")


class StandingDelegate(Struct, frozen=True, kw_only=True):
    """A delegate who may act: what was said of them, when it was recorded and by whom, and when it ends by itself."""

    delegation: Delegation
    recorded: Instant
    actor: str
    ends: Instant


def delegates(context: AppContext, customer: str, *, now: Instant) -> list[StandingDelegate]:
    """Give the delegates of a customer who may act now, the one named first before the others.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        return standing_delegates(snapshot, person, now=person.judged(now))


def standing_delegates(snapshot: Snapshot, person: Person, *, now: Instant) -> list[StandingDelegate]:
    """Give the delegates of a person who may act at a moment."""
    of_age, last = _of_age(person, policy=snapshot.config.policy), dict[str, StandingDelegate]()
    for entry in snapshot.reader.entries(person.asked.subject, kinds=("delegate",), upto=person.own.n):
        record: DelegateRecord = codec.read(entry, box=person.asked.box)
        said = record.delegation
        last.pop(said.name, None)
        if not record.ended:
            ends = said.ends(recorded=entry.recorded, of_age=of_age)
            last[said.name] = StandingDelegate(delegation=said, recorded=entry.recorded, actor=record.actor, ends=ends)
    return [one for one in last.values() if now < one.ends]


def _of_age(person: Person, *, policy: ConsentPolicy) -> Instant | None:
    """Give the moment at which a person comes of age, or did; None where no birth is known."""
    born = person.consents.born
    return None if born is None else policy.came_of_age(born)


def _of_name(found: Iterable[StandingDelegate], name: str) -> StandingDelegate | None:
    return next((one for one in found if one.delegation.name == name), None)


def acting(context: AppContext, customer: str, name: str, *, now: Instant) -> StandingDelegate | None:
    """Give the delegate of a name, who may act for a customer now; None where none of that name may."""
    try:
        return _of_name(delegates(context, customer, now=now), name)
    except UnknownCustomer:
        return None


def check_acting(context: AppContext, customer: str, name: str, *, now: Instant) -> StandingDelegate:
    """Give the delegate of a name, who may act for a customer now.

    Raises
    ------
    MalformedRequest
        When none of that name may.
    """
    found = acting(context, customer, name, now=now)
    if found is None:
        raise MalformedRequest(field="delegate", shape=_NOBODY, fix=_ASK)
    return found


def said_for(snapshot: Snapshot, person: Person | None, change: ConsentChange, *, now: Instant) -> ConsentChange:
    """Give what a delegate says about consent with who they are and on whose word; what the person says is as it was.

    Raises
    ------
    MalformedRequest
        When none of that name may act now, or they may only look.
    """
    if change.delegate is UNSET:
        return change
    found = [] if person is None else standing_delegates(snapshot, person, now=now)
    standing = _of_name(found, change.delegate)
    if standing is None or standing.delegation.may != "change":
        raise MalformedRequest(field="delegate", shape=_NOBODY if standing is None else _VIEW_ONLY, fix=_ASK)
    return replace(change, actor=standing.delegation.actor, authority=standing.delegation.evidence)


def appoint(context: AppContext, customer: str, delegation: Delegation, *, now: Instant) -> StandingDelegate:
    """Record a delegate, or say one of the same name anew.

    Raises
    ------
    UnknownCustomer
    MalformedRequest
        When a word of it is none of the known ones, there is no evidence of an authority, the end is not within ten
        years, there are too many, somebody under age names one themselves, or somebody names one as the bank calls
        another whose authority it recorded: that one would stand no more.
    """
    check_delegation(delegation, now=now)
    return _record(context, customer, DelegateRecord(context.actor, delegation, ended=False), now=now)


def check_delegation(said: Delegation, *, now: Instant) -> None:
    """Check what is said of a delegate. Raises as :func:`appoint`."""
    for field, of in (("name", DelegateName), ("evidence", Evidence)):
        try:
            convert(getattr(said, field), of=of)
        except msgspec.ValidationError as error:
            shape = f"text of {len(getattr(said, field))} characters"
            raise MalformedRequest(field=field, shape=shape, fix="write one line of printed ones") from error
    for field, words in (("authority", get_args(DelegateAuthority)), ("may", get_args(May))):
        if getattr(said, field) not in words:
            raise MalformedRequest(field=field, shape="none of the known words", fix=f"use one of {', '.join(words)}")
    if said.authority != "named" and not said.evidence:
        raise MalformedRequest(
            field="evidence", shape="empty", fix="write what the bank has seen: a deed, a certificate"
        )
    latest = Instant(now + MOST_DAYS * DAY)
    if not now < said.until <= latest:
        shape, fix = message("not within ten years from now"), f"give an end by {text_of(latest)}"
        raise MalformedRequest(field="until", shape=shape, fix=fix)


def end(context: AppContext, customer: str, name: str, *, now: Instant, by_customer: bool = False) -> StandingDelegate:
    """End what a delegate may before its time; effective when this returns.

    Raises
    ------
    UnknownCustomer
    MalformedRequest
        When none of that name may act.
    Refused
        When it is a guardian whom the customer would end ``by_customer`` themselves.
    """
    found = check_acting(context, customer, name, now=now)
    if by_customer and found.delegation.authority == "guardian":
        raise Refused(why=message("a guardian is recorded by the bank: ask us"))
    return _record(context, customer, DelegateRecord(context.actor, found.delegation, ended=True), now=now)


@repeated
def _record(context: AppContext, customer: str, record: DelegateRecord, *, now: Instant) -> StandingDelegate:
    refuse_forgotten(context.keys, customer, now=now)
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person, said = snapshot.person(customer), record.delegation
        if not record.ended:
            _check_room(snapshot, person, said, now=person.judged(now))
        draft = codec.draft("delegate", record, subject=person.asked.subject, box=person.asked.box, at=now)
        expects = {BANK: Expectation(snapshot.bank.guard), **person.expects(strict=False)}
        unit = Unit(now=now, expects=expects, together=person.together, drafts=[draft])
        of_age = _of_age(person, policy=snapshot.config.policy)
    (made,) = context.store.commit(unit)
    refuse_forgotten(context.keys, customer, now=now)  # whose erasure began meanwhile
    ends = said.ends(recorded=made.recorded, of_age=of_age)
    return StandingDelegate(delegation=said, recorded=made.recorded, actor=record.actor, ends=ends)


def _check_room(snapshot: Snapshot, person: Person, said: Delegation, *, now: Instant) -> None:
    standing = [one.delegation for one in standing_delegates(snapshot, person, now=now)]
    if len([one for one in standing if one.name != said.name]) >= MOST:
        raise MalformedRequest(field="name", shape=f"one of more than {MOST} delegates", fix="end another one first")
    if said.authority != "named":
        return
    if any(one.name == said.name and one.authority != "named" for one in standing):
        shape = message("that of somebody whose authority the bank recorded")
        raise MalformedRequest(field="name", shape=shape, fix=message("give another name"))
    if is_under_age(person.consents, policy=snapshot.config.policy, now=now):
        shape = message("somebody whom a customer under age names")
        raise MalformedRequest(field="authority", shape=shape, fix=message("the bank records a guardian"))


def record_seen(context: AppContext, customer: str, *, now: Instant) -> None:
    """Record that a delegate, as whom the context acts, opens a page of a customer: a use, whatever stands on it.

    Raises
    ------
    UnknownCustomer
    """

    def look(_: Snapshot, __: Person, ___: Instant, ____: Instant) -> tuple[None, tuple[Scope, ...]]:
        return None, (PAGES_SEEN,)

    read_person(context, customer, what="delegate", now=now, look=look)

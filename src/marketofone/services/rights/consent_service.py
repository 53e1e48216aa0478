"""What a person can do about their information: say yes or no, and see how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

from msgspec import UNSET, Struct
from msgspec.structs import replace

from marketofone.consent.gate import admissible
from marketofone.consent.ledger import NEVER_ASKED, TAKING_BACK, ConsentChange, Consents, apply, fold, together
from marketofone.consent.policy import ConsentPolicy
from marketofone.consent.saying import explicit
from marketofone.domain.cloudevents import check_customer
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.parted import names_of, source_of
from marketofone.projection.person import Person
from marketofone.projection.records import ConsentRecord
from marketofone.projection.reducer import NOTHING
from marketofone.projection.snapshot import Snapshot
from marketofone.services.rights.delegates import said_for
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import account_mark, enrolled, event_number, refuse_forgotten
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Draft, Expectation, Head, Reader, Unit


class ConsentGiven(Struct, frozen=True, kw_only=True):
    """What was recorded: the person's consents now, until when a grant holds, and the entry that proves it."""

    consents: Consents
    until: Instant | None
    entry: Head


class _Waiting(NamedTuple):
    """One thing a customer says; an empty key recognises nothing."""

    customer: Customer
    change: ConsentChange
    key: bytes

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Where it would be known: the journal, and the number of its key in it."""
        subject = self.customer.subject
        return ((subject, event_number(self.key, subject=subject)),) if self.key else ()


class _Prepared(Struct, frozen=True):
    """One thing a customer says, ready to be appended: who is known, what is recorded, and which snapshots go."""

    person: Person | None
    customer: Customer
    record: ConsentRecord
    draft: Draft
    drop: tuple[tuple[int, str], ...]


@repeated
def change_consents(
    context: AppContext, changes: Sequence[ConsentChange], *, now: Instant, keys: Sequence[bytes] = ()
) -> list[ConsentGiven | None]:
    """Record what customers say who are all different people, in one unit of work; gives None for what is known.

    When this returns it is durable, and the next decisions follow it. ``keys`` recognise what was recorded before: one
    for each change, or none at all.

    Nothing is folded: snapshots of a source that may not be used any more go with it, one that may be used again is
    folded when somebody looks.
    """
    for change in changes:
        check_customer(change.customer)
        refuse_forgotten(context.keys, change.customer, now=now)
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        policy = snapshot.config.policy
        changes = [_read_in(change, config=snapshot.config) for change in changes]
        for change in changes:
            explicit(change, policy=policy, now=now)
        customers = enrolled(context.keys, *(change.customer for change in changes), now=now)
        padded = keys or [b""] * len(changes)
        waiting = [_Waiting(customers[of.customer], of, key) for of, key in zip(changes, padded, strict=True)]
        known = reader.known([place for one in waiting for place in one.places])
        fresh = [one for one in waiting if known.isdisjoint(one.places)]
        prepared = [_prepared(snapshot, one, now=now) for one in fresh]
    heads = context.store.commit(_unit(prepared, bank=snapshot.bank.guard, now=now)) if prepared else []
    given = {id(one): _given(context, of, head) for one, of, head in zip(fresh, prepared, heads, strict=True)}
    return [given.get(id(one)) for one in waiting]


@repeated
def change_at_once(context: AppContext, changes: Sequence[ConsentChange], *, now: Instant) -> Head:
    """Record several things that one customer, who is known, says at once: in one unit of work, with one receipt.

    Gives the first of its entries. When this returns it is durable, and the next decisions follow it.

    Raises
    ------
    UnknownCustomer
    MalformedRequest
    """
    (name,) = {change.customer for change in changes}
    refuse_forgotten(context.keys, name, now=now)
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person, policy = snapshot.person(name), snapshot.config.policy
        read = [_read_in(change, config=snapshot.config) for change in changes]
        judged, consents = person.judged(now), person.consents
        read = [said_for(snapshot, person, change, now=judged) for change in read]
        said = [explicit(change, policy=policy, now=judged, consents=consents) for change in read]
        drop = _no_longer_admitted(person, said, policy=policy, now=now)
        owner, parts = person.asked, len(said)
        drafts = [
            codec.draft(
                "consent",
                ConsentRecord(one.actor, one, bank=snapshot.bank.n, part=part, parts=parts),
                subject=owner.subject,
                box=owner.box,
                at=one.since,
            )
            for part, one in enumerate(said, start=1)
        ]
    expects = {BANK: Expectation(snapshot.bank.guard), **person.expects(strict=False)}
    heads = context.store.commit(Unit(now=now, expects=expects, together=person.together, drafts=drafts, drop=drop))
    for subject, dropped in drop:
        context.projection.drop(subject, source_of(dropped))
    return heads[0]


def _read_in(change: ConsentChange, *, config: BankConfig) -> ConsentChange:
    """Check the language in which a notice was read; the bank's own is left out, as it always was.

    Raises
    ------
    MalformedRequest
        When the bank has no notice in it.
    """
    if change.language == config.settings.own_language:
        return replace(change, language=UNSET)
    if change.language is UNSET or change.language in config.policy.translations:
        return change
    there = ", ".join([config.settings.own_language, *config.policy.translations])
    raise MalformedRequest(field="language", shape="one in which no notice is", fix=f"use one of {there}")


def _prepared(snapshot: Snapshot, waiting: _Waiting, *, now: Instant) -> _Prepared:
    """Spell out a change, and judge it at the instant at which everything about the person is judged.

    Where the clock stepped back, a grant that would have ended by then is refused: it would be no yes.
    """
    policy, customer = snapshot.config.policy, waiting.customer
    try:
        person = snapshot.person_of(customer)
    except UnknownCustomer:
        person = None
    judged, before = (now, NEVER_ASKED) if person is None else (person.judged(now), person.consents)
    change = said_for(snapshot, person, waiting.change, now=judged)
    said = explicit(change, policy=policy, now=judged, consents=before)
    drop = [] if person is None else _no_longer_admitted(person, [said], policy=policy, now=now)
    record = ConsentRecord(said.actor, said, waiting.key, bank=snapshot.bank.n)
    numbers = [number for _, number in waiting.places]
    draft = codec.draft("consent", record, subject=customer.subject, box=customer.box, at=said.since, keys=numbers)
    return _Prepared(person, customer, record, draft, tuple(drop))


def _unit(prepared: Sequence[_Prepared], *, bank: int, now: Instant) -> Unit:
    expects: dict[int, Expectation] = {BANK: Expectation(bank)}
    together: dict[int, tuple[int, ...]] = {}
    for one in prepared:
        if one.person is None:
            expects[one.customer.subject] = Expectation(0)
        else:
            expects.update(one.person.expects(strict=False))
            together.update(one.person.together)
    return Unit(
        now=now,
        expects=expects,
        together=together,
        drafts=[one.draft for one in prepared],
        drop=[place for one in prepared for place in one.drop],
    )


def _given(context: AppContext, one: _Prepared, head: Head) -> ConsentGiven:
    for subject, name in one.drop:
        context.projection.drop(subject, source_of(name))
    context.follow(NOTHING if one.person is None else one.person.own, one.draft, head, one.record)
    said = one.record.change
    return ConsentGiven(consents=_after(one.person, one.customer.subject, said), until=said.until, entry=head)


def said_by(reader: Reader, person: Person, moment: Instant) -> Consents:
    """Give what had been said by a moment: what was recorded later is left aside, but for who is how old."""
    folded = {
        owner: fold(change for _, change in _spoken(reader, person, owner, moment=moment)) for owner in person.members
    }
    return together([replace(of, born=person.states[owner.subject].consents.born) for owner, of in folded.items()])


def heard(reader: Reader, person: Person, *, moment: Instant) -> list[tuple[Instant, ConsentChange]]:
    """Give what all ids of a person had said by a moment, one id after the other, and when each was recorded."""
    return [one for owner in person.members for one in _spoken(reader, person, owner, moment=moment)]


def _spoken(
    reader: Reader, person: Person, owner: Customer, *, moment: Instant
) -> Iterator[tuple[Instant, ConsentChange]]:
    """Read what one id of a person said about consent by a moment, in order, and when each was recorded."""
    for entry in reader.entries(owner.subject, kinds=("consent",), upto=person.states[owner.subject].n):
        if entry.recorded <= moment:
            yield entry.recorded, codec.read(entry, box=owner.box).change


def known(context: AppContext, customer: str) -> bool:
    """Say whether any entry names a customer."""
    found = context.keys.find((customer,)).get(customer)
    if found is None:
        return False
    with context.store.read() as reader:
        return reader.head(found.subject).n > 0


def whose(context: AppContext, reference: str) -> str:
    """Give the customer a reference means: itself where it names a customer, else the one owner of that account.

    Raises
    ------
    MalformedRequest
        When it is no name, or several customers hold the account.
    """
    check_customer(reference)
    if known(context, reference):
        return reference
    with context.store.read() as reader:
        holders = reader.holders(account_mark(context.keys, reference), limit=8)
    owners = [one.name for one in map(context.keys.customer, holders) if one is not None]
    if len(owners) > 1:
        raise MalformedRequest(
            field="customer", shape=f"an account of {len(owners)} customers", fix="name the customer that is meant"
        )
    return owners[0] if owners else reference


def epoch(context: AppContext, customer: str) -> int:
    """Give the consent epoch of a customer, 0 when nothing was ever said."""
    if not known(context, customer):
        return 0
    with context.store.read() as reader:
        return context.snapshot(reader).person(customer).consents.epoch


def _no_longer_admitted(
    person: Person, said: Sequence[ConsentChange], *, policy: ConsentPolicy, now: Instant
) -> list[tuple[int, str]]:
    """Name the snapshots, of all ids of the person, whose source no purpose may use any more."""
    if TAKING_BACK.isdisjoint(one.change for one in said):
        return []
    after = _after(person, person.asked.subject, *said)
    return [
        (subject, name)
        for subject, state in sorted(person.states.items())
        for source in sorted(state.sources)
        if not admissible(source, after, policy=policy, now=now)
        for name in names_of(source)
    ]


def _after(person: Person | None, subject: int, *said: ConsentChange) -> Consents:
    if person is None:
        return reduce(apply, said, NEVER_ASKED)
    states = person.states.items()
    return together([reduce(apply, said, state.consents) if of == subject else state.consents for of, state in states])

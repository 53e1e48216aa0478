"""Who is who: customers that share a strong key are one person, for as long as they share it.

A link is one unit of work under the lock of its key: an entry in the journal of every customer whose person changes,
and no other. A device and an account identify no person. A key that more than a few customers share says nothing about
any of them: it links none, and says so. Journals never merge, so a link taken back leaves everything as it would be.

A key that was taken back stays so until it is linked later: a link that arrives late, and is older, is recorded and
joins nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marketofone.domain.errors import MalformedEvent
from marketofone.domain.event import Event, IdentityLinked, IdentityUnlinked
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.counts import added_by_link
from marketofone.projection.records import IdentityRecord
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import (
    STRONG,
    enrolled,
    event_number,
    naming_mark,
    refuse_forgotten,
    strong_mark,
)
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Directory, Draft, Expectation, Head, LinkChange, Reader, Unit

IDENTIFYING = frozenset({"identity.linked", "identity.unlinked"})
NEVER_IDENTIFYING = frozenset({"device", "account"})
MOST_HOLDERS = 4
"""A key that more customers share is a default, a kiosk or a mistake."""
MOST_IDS = 16
"""Of more customers no key makes one person, or a chain of keys that two share would bind a whole bank together."""

Members = tuple[int, ...]


@repeated
def change_link(context: AppContext, event: Event, body: bytes, *, now: Instant) -> list[Head]:
    """Record that a key was linked with a customer, or taken back; gives the entries, none when it is known already.

    Raises
    ------
    Refused
        When the customer was forgotten, and that is barred.
    MalformedEvent
        When one person would have more than ``MOST_IDS`` ids.
    """
    data = event.data
    if not isinstance(data, IdentityLinked | IdentityUnlinked):
        raise TypeError("not an event about identity")
    customer = enrolled(context.keys, event.customer, now=now)[event.customer]
    number = event_number(event.key, subject=customer.subject)
    with context.store.read() as reader:
        if reader.known([(customer.subject, number)]):
            return []
        refuse_forgotten(context.keys, event.customer, now=now)  # an erasure that comes later moves the guard
        unit = _unit(context, reader, customer, event, body, number=number, now=now)
    heads = context.store.commit(unit)
    context.regrouped.update(unit.together)
    context.left_open.update(unit.together)  # what moves between accounts of one person, or does no more
    return heads


def _unit(
    context: AppContext, reader: Reader, customer: Customer, event: Event, body: bytes, *, number: int, now: Instant
) -> Unit:
    data = event.data
    assert isinstance(data, IdentityLinked | IdentityUnlinked)  # noqa: S101 - the caller checked
    strong = data.key_kind not in NEVER_IDENTIFYING
    if strong:
        key = strong_mark(context.keys, kind=data.key_kind, key=data.key)
    else:
        key = naming_mark(context.keys, kind=data.key_kind, key=data.key)
    holders = reader.holders(key, limit=2**31)
    linked = isinstance(data, IdentityLinked) and (
        customer.subject in holders or not _taken_back(reader, customer, key, since=event.at)
    )
    after = sorted({*holders, customer.subject}) if linked else [of for of in holders if of != customer.subject]
    change = LinkChange(key, customer.subject, linked)
    before_of, after_of = _people(reader, customer.subject, key, holders, after) if strong else ({}, {})
    if linked and (ids := max(map(len, after_of.values()), default=1)) > MOST_IDS:
        fix = f"unlink what is no one's own key: a person has at most {MOST_IDS} customer ids"
        raise MalformedEvent(field="data.key", shape=f"a key that makes one person of {ids} customers", fix=fix)
    alone = after_of.get(customer.subject) or _members(reader, customer.subject, {})
    concerned = sorted({of for of in before_of if before_of[of] != after_of[of]} | {customer.subject})
    shared = strong and len(after) > MOST_HOLDERS
    drafts: list[Draft] = []
    for of in concerned:
        known = context.keys.customer(of)
        if known is None:
            continue
        own = of == customer.subject
        record = IdentityRecord(context.actor, key, linked, own, after_of.get(of, alone), shared, body if own else None)
        drafts.append(
            codec.draft("identity", record, subject=of, box=known.box, at=event.at, keys=(number,) if own else ())
        )
    added = added_by_link(event.at)
    read = sorted({*before_of, *after_of, *concerned})
    heads = reader.heads(read)
    return Unit(
        now=now,
        expects={of: Expectation(heads[of].guard) for of in read} | {BANK: Expectation(reader.head(BANK).guard)},
        holders={key: len(holders)},
        drafts=drafts,
        together=_together(before_of, after_of, {customer.subject: alone}),
        links=[change],
        tallies=added.counts,
        daily=[added.daily[0] if draft.subject == customer.subject else {} for draft in drafts],
    )


def _taken_back(reader: Reader, customer: Customer, key: bytes, *, since: Instant) -> bool:
    """Say whether a customer took a key back after a moment, by when it happened."""
    later = (entry for entry in reader.entries(customer.subject, kinds=("identity",)) if entry.at > since)
    records = (codec.read(entry, box=customer.box) for entry in later)
    return any(record.own and record.key == key and not record.linked for record in records)


def _people(
    reader: Directory, subject: int, key: bytes, holders: list[int], after: list[int]
) -> tuple[Mapping[int, Members], Mapping[int, Members]]:
    """Give who is one person before and after a change, for all people whose person may change."""
    reached: dict[int, Members] = {}
    possibly = {subject}
    if len(holders) <= MOST_HOLDERS or len(after) <= MOST_HOLDERS:
        possibly |= {*holders, *after}
    for of in sorted(possibly):
        if of not in reached:
            reached.update(dict.fromkeys(found := _members(reader, of, {}), found))
    again: dict[int, Members] = {}
    for of in sorted(reached):
        if of not in again:
            again.update(dict.fromkeys(found := _members(reader, of, {key: after}), found))
    for of in again:
        reached.setdefault(of, (of,))
    return reached, again


def _members(reader: Directory, subject: int, instead: Mapping[bytes, list[int]]) -> Members:
    """Give all customers that are reached over keys that only a few share; ``instead`` says who holds some keys."""
    reached, waiting = {subject}, [subject]
    while waiting:
        of = waiting.pop()
        keys = {key for key in reader.keys_of(of) if key[0] == STRONG}
        keys = {key for key in keys if of in instead.get(key, (of,))} | {key for key in instead if of in instead[key]}
        for key in sorted(keys):
            sharing = instead.get(key) or reader.holders(key, limit=MOST_HOLDERS + 1)
            if len(sharing) <= MOST_HOLDERS:
                waiting += [other for other in sharing if other not in reached]
                reached.update(sharing)
    return tuple(sorted(reached))


def members_of(reader: Directory, subjects: Iterable[int]) -> set[int]:
    """Give some customers and all that are one person with any of them."""
    return {member for subject in subjects for member in _members(reader, subject, {})}


def ever_members(reader: Reader, customer: Customer, *, upto: int | None = None) -> set[int]:
    """Give all customers that are or were one person with a customer, as its journal tells up to an entry."""
    entries = reader.entries(customer.subject, kinds=("identity",), upto=upto)
    return {customer.subject}.union(*(codec.read(entry, box=customer.box).members for entry in entries))


def parted(reader: Directory, subject: int) -> dict[int, Members]:
    """Give who is one person with whom once a customer holds no key any more, for all people whose person changes."""
    keys = [key for key in reader.keys_of(subject) if key[0] == STRONG]
    instead: dict[bytes, list[int]] = {}
    possibly = set(_members(reader, subject, {}))
    for key in keys:
        holders = reader.holders(key, limit=MOST_HOLDERS + 2)
        if len(holders) <= MOST_HOLDERS + 1:  # a key of more holders links none, before and after
            instead[key] = [of for of in holders if of != subject]
            possibly.update(instead[key])
    possibly.discard(subject)
    after = {of: _members(reader, of, instead) for of in possibly}
    return {of: members for of, members in after.items() if members != _members(reader, of, {})}


def _together(*each: Mapping[int, Members]) -> dict[int, Members]:
    """Give, for the stamps, all who are or were one person with a customer."""
    subjects: dict[int, set[int]] = {}
    for people in each:
        for of, members in people.items():
            subjects.setdefault(of, set()).update(members)
    return {of: tuple(sorted(members)) for of, members in subjects.items() if len(members) > 1}


def names_of(context: AppContext, subjects: Iterable[int]) -> list[str]:
    """Give the names of customers that were not forgotten, sorted."""
    known = (context.keys.customer(subject) for subject in subjects)
    return sorted(one.name for one in known if one is not None)

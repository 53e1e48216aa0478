"""What a person said about consent, entry by entry: what each entry changed, and how it is undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import islice

from msgspec import Struct

from marketofone.consent.ledger import ConsentChange, Consents, fold, latest_end, together
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.errors import UnknownEntry
from marketofone.domain.moment import Instant
from marketofone.projection import codec
from marketofone.projection.person import Person
from marketofone.projection.records import ConsentRecord
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import Entry, Reader


class ConsentSaid(Struct, frozen=True, kw_only=True):
    """One consent entry: whose journal and which entry of it, when it was recorded and by whom, and what it says."""

    customer: str
    n: int
    stamp: int
    recorded: Instant
    actor: str
    change: ConsentChange


class ConsentReceipt(Struct, frozen=True, kw_only=True):
    """What one consent entry changed.

    ``closed`` and ``opened`` are the scopes that it ended and began, ``on`` those that were on right after it.
    ``undone_by`` are the changes that bring back what it changed, as far as nothing was said of it since.
    """

    said: ConsentSaid
    closed: tuple[ConsentScope, ...]
    opened: tuple[ConsentScope, ...]
    on: tuple[ConsentScope, ...]
    undone_by: tuple[ConsentChange, ...]


def consent_entries(
    context: AppContext,
    customer: str,
    *,
    purpose: str = "",
    until: Instant | None = None,
    before: int | None = None,
    limit: int,
) -> list[ConsentSaid]:
    """Give what a person said about consent, newest first; of one purpose where it is named.

    Entries are left out that were recorded after ``until``, and those from the stamp ``before`` on.

    Raises
    ------
    UnknownCustomer
    """

    def asked(said: ConsentSaid) -> bool:
        return (
            (before is None or said.stamp < before)
            and (until is None or said.recorded <= until)
            and purpose in ("", *said.change.purposes)
        )

    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        return list(islice(filter(asked, _newest(reader, person)), limit))


def consent_receipt(context: AppContext, customer: str, n: int, *, now: Instant) -> ConsentReceipt:
    """Give what a consent entry of a customer changed; it is read from the journal.

    Raises
    ------
    UnknownCustomer
    UnknownEntry
        When no entry of this number in the customer's journal says something about consent.
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        said = _said(consent_entry(reader, person, n), person.asked)
        every = list(_newest(reader, person))
    scopes = snapshot.config.policy.scopes()
    earlier = _consents(person, [one for one in every if one.stamp < said.stamp])
    later = _consents(person, [one for one in every if one.stamp <= said.stamp])
    was, became = (_on(of, scopes, now=said.recorded) for of in (earlier, later))
    closed = tuple(scope for scope in was if scope not in became)
    opened = tuple(scope for scope in became if scope not in was)
    unchanged = partial(_holds_still, later, person.consents)
    given_back = _granted_again(filter(unchanged, closed), earlier, policy=snapshot.config.policy, now=now)
    taken_back = _grouped((scope, None) for scope in opened if unchanged(scope))
    made = partial(_change, customer=person.asked.name, now=now)
    undone_by = [
        *(made(scopes, until, change="grant") for scopes, until in given_back),
        *(made(scopes, None, change="withdraw") for scopes, _ in taken_back),
    ]
    return ConsentReceipt(said=said, closed=closed, opened=opened, on=tuple(became), undone_by=tuple(undone_by))


def consent_entry(reader: Reader, person: Person, n: int) -> Entry:
    """Give the consent entry of a number in a customer's own journal. Raises as :func:`consent_receipt` does."""
    upto = min(n, person.own.n)
    entry = next(iter(reader.entries(person.asked.subject, after=n - 1, upto=upto)), None) if 0 < n <= upto else None
    if entry is None or entry.kind != "consent":
        raise UnknownEntry
    return entry


def _said(entry: Entry, owner: Customer) -> ConsentSaid:
    record: ConsentRecord = codec.read(entry, box=owner.box)
    return ConsentSaid(
        customer=owner.name,
        n=entry.n,
        stamp=entry.stamp,
        recorded=entry.recorded,
        actor=record.actor,
        change=record.change,
    )


def _newest(reader: Reader, person: Person) -> Iterator[ConsentSaid]:
    def of_one(owner: Customer) -> Iterator[ConsentSaid]:
        upto = person.states[owner.subject].n
        for entry in reader.entries(owner.subject, kinds=("consent",), newest_first=True, upto=upto):
            yield _said(entry, owner)

    return merge(*map(of_one, person.members), key=lambda said: -said.stamp)


def _consents(person: Person, newest_first: Sequence[ConsentSaid]) -> Consents:
    """Fold some entries of a person, each id's by itself."""
    told = {
        owner.name: [one.change for one in reversed(newest_first) if one.customer == owner.name]
        for owner in person.members
    }
    return together([fold(told[owner.name]) for owner in person.members])


def _on(consents: Consents, scopes: Iterable[ConsentScope], *, now: Instant) -> dict[ConsentScope, None]:
    return dict.fromkeys(scope for scope in scopes if consents.state(scope, now) == "granted")


def _holds_still(then: Consents, now: Consents, scope: ConsentScope) -> bool:
    """Say whether nothing was said of a scope since."""
    return then.validity(scope) == now.validity(scope)


Together = tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], Instant | None]
"""Purposes, sources and channels of which every combination is meant, and until when."""


def _granted_again(
    closed: Iterable[ConsentScope], before: Consents, *, policy: ConsentPolicy, now: Instant
) -> list[Together]:
    """Give scopes back until the end that each had; one whose end has come is not given back."""
    latest = latest_end(now, policy=policy)
    ends = ((scope, said.until or latest) for scope in closed if (said := before.validity(scope)) is not None)
    return _grouped((scope, min(end, latest)) for scope, end in ends if end > now)


def _grouped(scopes: Iterable[tuple[ConsentScope, Instant | None]]) -> list[Together]:
    """Put scopes together into as few changes as say no more than they do.

    Examples
    --------
    >>> scope = lambda purpose, source: ConsentScope(purpose=purpose, source=source, channel="app")
    >>> _grouped([(scope("a", "x"), None), (scope("a", "y"), None), (scope("b", "x"), None)])
    [((('a',), ('x', 'y'), ('app',)), None), ((('b',), ('x',), ('app',)), None)]
    """
    channels: dict[tuple[str, str, Instant | None], tuple[str, ...]] = {}
    for scope, end in scopes:
        place = (scope.purpose, scope.source, end)
        channels[place] = (*channels.get(place, ()), scope.channel)
    sources: dict[tuple[str, tuple[str, ...], Instant | None], tuple[str, ...]] = {}
    for (purpose, source, end), ways in channels.items():
        sources[purpose, ways, end] = (*sources.get((purpose, ways, end), ()), source)
    purposes: dict[tuple[tuple[str, ...], tuple[str, ...], Instant | None], tuple[str, ...]] = {}
    for (purpose, ways, end), from_where in sources.items():
        purposes[from_where, ways, end] = (*purposes.get((from_where, ways, end), ()), purpose)
    return [((names, from_where, ways), end) for (from_where, ways, end), names in purposes.items()]


def _change(
    words: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    until: Instant | None,
    *,
    change: str,
    customer: str,
    now: Instant,
) -> ConsentChange:
    purposes, sources, channels = words
    return ConsentChange(
        customer=customer,
        change="grant" if change == "grant" else "withdraw",
        purposes=purposes,
        sources=sources,
        channels=channels,
        since=now,
        until=until,
    )

"""What a person said about consent, entry by entry: what each entry changed, and how it is undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import islice
from typing import NamedTuple, TypedDict

from msgspec import UNSET, Struct
from msgspec.structs import replace

from marketofone.consent.gate import as_of_age, is_under_age, scope_state, stopped
from marketofone.consent.ledger import ConsentChange, Consents, State, What, fold, together
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.consent.saying import latest_end
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
    """What one consent entry changed, or several by which something was said at once.

    ``said`` is the first of the ``parts``.
    ``closed`` and ``opened`` are the scopes that it ended and began, ``on`` those that were open right after it. What a
    grant opens is told also where a pause or an objection stops it; ``stopped`` are purposes of its words of which that
    holds. ``undone_by`` are the changes that bring back what it changed, as far as nothing was said of it since.
    """

    said: ConsentSaid
    parts: tuple[ConsentSaid, ...]
    closed: tuple[ConsentScope, ...]
    opened: tuple[ConsentScope, ...]
    on: tuple[ConsentScope, ...]
    stopped: tuple[str, ...]
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
        parts = [_said(entry, person.asked) for entry in change_entries(reader, person, n)]
        every = list(_newest(reader, person))
    return _receipt(snapshot.config.policy, person, parts, every, now=person.judged(now))


def _receipt(
    policy: ConsentPolicy, person: Person, parts: Sequence[ConsentSaid], newest: Sequence[ConsentSaid], *, now: Instant
) -> ConsentReceipt:
    said, last, present = parts[0], parts[-1], policy
    change, then = said.change, said.recorded
    for part in parts:
        policy = as_said(part.change, policy=policy)
    before = _consents(person, [one for one in newest if one.stamp < said.stamp])
    after = _consents(person, [one for one in newest if one.stamp <= last.stamp])
    state = _allowed if change.change in ("grant", "withdraw") else scope_state
    was, became = (
        dict.fromkeys(scope for scope in policy.scopes() if state(scope, of, policy=policy, now=then) == "granted")
        for of in (before, after)
    )
    closed = tuple(scope for scope in was if scope not in became)
    opened = tuple(scope for scope in became if scope not in was)
    since = frozenset(one.change.change for one in newest if one.stamp > last.stamp)
    between = _Between(before, after, person.consents, since, policy)
    return ConsentReceipt(
        said=said,
        parts=tuple(parts),
        closed=closed,
        opened=opened,
        on=tuple(of for of in policy.scopes() if scope_state(of, after, policy=policy, now=then) == "granted"),
        stopped=tuple(name for name in _purposes(parts) if stopped(name, after, policy=policy, now=then) is not None),
        undone_by=tuple(_undone_by(parts, between, _of_now(closed, policy, present), opened, present, now)),
    )


def _purposes(parts: Sequence[ConsentSaid]) -> dict[str, None]:
    return dict.fromkeys(name for part in parts for name in part.change.purposes)


def consent_entry(reader: Reader, person: Person, n: int) -> Entry:
    """Give the consent entry of a number in a customer's own journal. Raises as :func:`consent_receipt` does."""
    upto = min(n, person.own.n)
    entry = next(iter(reader.entries(person.asked.subject, after=n - 1, upto=upto)), None) if 0 < n <= upto else None
    if entry is None or entry.kind != "consent":
        raise UnknownEntry
    return entry


def change_entries(reader: Reader, person: Person, n: int) -> list[Entry]:
    """Give the entries of what was said at once; the number names any of them. Raises as :func:`consent_receipt`."""
    entry = consent_entry(reader, person, n)
    record: ConsentRecord = codec.read(entry, box=person.asked.box)
    first = n - record.part + 1
    return list(reader.entries(person.asked.subject, after=first - 1, upto=first + record.parts - 1))


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
    folded = {owner: fold(told[owner.name]) for owner in person.members}
    return together([replace(of, born=person.states[owner.subject].consents.born) for owner, of in folded.items()])


class _Between(NamedTuple):
    """What a person allowed before an entry and after it, what they allow now, and which words they said since."""

    before: Consents
    after: Consents
    now: Consents
    since: frozenset[What]
    policy: ConsentPolicy

    @property
    def began_to_object(self) -> bool:
        """Whether the entry is what an objection stands on."""
        return self.after.objects and not self.before.objects

    @property
    def ceased_to_object(self) -> bool:
        """Whether the entry is what ended an objection."""
        return self.before.objects and not self.after.objects

    def holds_still(self, scope: ConsentScope) -> bool:
        """Say whether nothing was said of a scope since."""
        spoken = self.policy.spoken(scope)
        return self.after.validity(spoken) == self.now.validity(spoken)


def _allowed(scope: ConsentScope, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> State:
    """Say how a scope stands by what was said of it, also where an objection or a pause stops it.

    It is asked as :func:`scope_state`.
    """
    if scope.purpose in policy.barred and is_under_age(consents, policy=policy, now=now):
        return "under_age"
    return as_of_age(consents, policy=policy).state(policy.spoken(scope), now)


def as_said(change: ConsentChange, *, policy: ConsentPolicy) -> ConsentPolicy:
    """Give the policy with the versions of purposes that a grant or a withdrawal was about."""
    if change.change not in ("grant", "withdraw"):
        return policy
    said = {name: 1 if change.versions is UNSET else change.versions[at] for at, name in enumerate(change.purposes)}
    others = {name: spec for name, spec in policy.purposes.items() if said.get(name, spec.version) != spec.version}
    if not others:
        return policy
    then = {name: replace(spec, version=said[name]) for name, spec in others.items()}
    return replace(policy, purposes={**policy.purposes, **then})


def _of_now(scopes: Iterable[ConsentScope], then: ConsentPolicy, present: ConsentPolicy) -> tuple[ConsentScope, ...]:
    """Give the scopes whose purpose still is in the version that was meant: a new one is not said yes to by an undo."""
    return tuple(scope for scope in scopes if then.words.get(scope.purpose) == present.words.get(scope.purpose))


def _undone_by(
    parts: Sequence[ConsentSaid],
    between: _Between,
    closed: Iterable[ConsentScope],
    opened: Iterable[ConsentScope],
    policy: ConsentPolicy,
    now: Instant,
) -> Iterator[ConsentChange]:
    made = partial(ConsentChange, customer=parts[0].customer, since=now)
    match parts[0].change.change:
        case "grant" | "withdraw":
            given_back = _granted_again(filter(between.holds_still, closed), between.before, policy=policy, now=now)
            for words, until in given_back:
                yield made(change="grant", until=until, **words)
            for words, _ in _grouped((scope, None) for scope in opened if between.holds_still(scope)):
                yield made(change="withdraw", **words)
        case "object" if between.began_to_object and "lift" not in between.since:
            yield made(change="lift")
        case "lift" if between.ceased_to_object and "object" not in between.since:
            yield made(change="object")
        case _:  # a pause that was ended is begun anew, with an end of its own
            for pause in (part.change for part in parts if part.change.change == "pause"):
                for end, names in _paused_before(pause, between, now=now).items():
                    change: What = "resume" if end is None else "pause"
                    yield made(change=change, purposes=names, until=end)


def _paused_before(said: ConsentChange, between: _Between, *, now: Instant) -> dict[Instant | None, tuple[str, ...]]:
    """Give the purposes that a pause stops still, by the end of the pause that it took the place of; None for none."""
    found: dict[Instant | None, tuple[str, ...]] = {}
    for name in said.purposes:
        end = between.before.paused_until(name, now)
        if end != said.until and between.now.paused_until(name, now) == said.until:
            found[end] = (*found.get(end, ()), name)
    return found


class _Words(TypedDict):
    """Purposes, sources and channels of which every combination is meant."""

    purposes: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]


_Together = tuple[_Words, Instant | None]
"""What is meant, and until when."""


def _granted_again(
    closed: Iterable[ConsentScope], before: Consents, *, policy: ConsentPolicy, now: Instant
) -> list[_Together]:
    """Give scopes back until the end that each had; one whose end has come is not given back."""
    latest = latest_end(now, policy=policy)
    ends = (
        (scope, said.until or latest) for scope in closed if (said := before.validity(policy.spoken(scope))) is not None
    )
    return _grouped((scope, min(end, latest)) for scope, end in ends if end > now)


def _grouped(scopes: Iterable[tuple[ConsentScope, Instant | None]]) -> list[_Together]:
    """Put scopes together into as few changes as say no more than they do.

    Examples
    --------
    >>> scope = lambda purpose, source: ConsentScope(purpose=purpose, source=source, channel="app")
    >>> found = _grouped([(scope("a", "x"), None), (scope("a", "y"), None), (scope("b", "x"), None)])
    >>> [(words["purposes"], words["sources"]) for words, _ in found]
    [(('a',), ('x', 'y')), (('b',), ('x',))]
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
    return [
        (_Words(purposes=names, sources=from_where, channels=ways), end)
        for (from_where, ways, end), names in purposes.items()
    ]

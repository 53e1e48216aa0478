"""The whole population's money, person by person, as far as one purpose may know it: for nightly runs and training.

Each person is read in a snapshot of their own. No snapshot is held for the whole run, and no more people are in memory
than the caller keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from marketofone.consent.gate import Permit
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.languages import message
from marketofone.domain.moment import Day, Instant, date_of
from marketofone.features.state import LiveState, side_by_side
from marketofone.models.forecast.history import MAXIMUM_SILENCE, heard_until
from marketofone.profile.account_orders import by_account
from marketofone.profile.account_types import LIQUID, account_numbers, account_shares, account_titles, account_types
from marketofone.profile.currencies import parted_orders
from marketofone.profile.ledger import NO_MOVEMENTS, Account, Ledger, accounts
from marketofone.profile.orders import Order, limits_of, orders_of
from marketofone.profile.payments_due import parted_from_due
from marketofone.profile.registers import Registers
from marketofone.projection.beside import twice_in
from marketofone.projection.person import Person
from marketofone.projection.records import Scope
from marketofone.projection.snapshot import Snapshot
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.uses import append_unmoved, use_of
from marketofone.store.ports import Draft

NOTHING_SINCE = message("nothing has moved since %(day)s, so nothing is said of now; as of %(day)s more can be said")
ORDERS_APART = message("orders in %(name)s are not in this forecast")
LIMIT_APART = message("the limit of your %(text_account)s is told in %(name)s, and its money is not: it does not count")
SOURCE_NOT_USED = message("%(source)s not used: %(text_why)s")
NOTHING_HEARD = message(
    "nothing was heard of your %(text_account)s since %(day)s: what was due there since then may have been paid"
)
T = TypeVar("T")
_TOGETHER = 64  # people read in one snapshot of the store
_RECORDED = 256  # uses recorded in one unit of work


class SourceView(NamedTuple):
    """What one source told of a person; ``whole`` also has what it told of accounts that count as told here."""

    ledger: Ledger
    registers: Registers
    whole: Registers


def not_heard(read: Iterable[Account], *, as_of: int) -> Iterator[str]:
    """Say of which accounts nothing was heard of late: nothing on them has ended by that."""
    told = list(read)
    titles = account_titles(told)
    for account in told:
        until = heard_until(account, as_of=as_of)
        if until < as_of and account.type in LIQUID and as_of - until <= MAXIMUM_SILENCE:
            yield NOTHING_HEARD % {"text_account": titles[account.name], "day": date_of(Day(until)).isoformat()}


def ended_on(read: Iterable[Account], *, as_of: int) -> str | None:
    """Give the day on which something moved last, where that is too long ago to say anything of now, else None."""
    last = max((int(one.days[-1]) for one in read if one.days.size), default=as_of)
    return date_of(Day(last)).isoformat() if as_of - last > MAXIMUM_SILENCE else None


class Known(NamedTuple):
    """One person as far as a permit allows: the sources it opens of those asked for, and what they told.

    ``same`` gives the names under which accounts count, by their other names.
    """

    person: Person
    permit: Permit
    open: frozenset[str]
    told: Mapping[str, SourceView]
    same: Mapping[str, str]

    @property
    def uses(self) -> tuple[Scope, ...]:
        """The scopes that were read."""
        return tuple((self.permit.purpose, source) for source in sorted(self.open))

    def accounts(self, *, also_ordered: bool = False) -> list[Account]:
        """Read the person's accounts, sorted by name, each with its type, limit and orders as they were told.

        ``also_ordered`` are those of which nothing but orders is told.
        """
        told = [self.told[source] for source in sorted(self.told)]
        return accounts_of(told, same=self.same, also_ordered=also_ordered)

    def limits_apart(self, accounts: Iterable[Account]) -> list[tuple[str, str]]:
        """Give the accounts, and currencies, of limits in a currency that their account has no money in."""
        held: dict[str, set[str]] = {}
        for account in accounts:
            held.setdefault(account.name, set()).add(account.currency)
        limits = _first_here((_limits(one.whole) for one in self.told.values()), same=self.same)
        return [
            (name, currency)
            for name, of in sorted(limits.items())
            for currency in sorted(of)
            if name in held and not held[name] & of.keys()
        ]


def accounts_of(told: Collection[SourceView], *, same: Mapping[str, str], also_ordered: bool = False) -> list[Account]:
    """Read the accounts that some sources told of, sorted by name, each with its type, limit and orders.

    ``same`` gives the names here of accounts that are told elsewhere, too. Their type and limit count as told here,
    and as told elsewhere where nothing is told here.
    """
    read = accounts((one.ledger for one in told), same=same)
    types = _first_here((account_types(one.whole) for one in told), same=same)
    limits = _first_here((_limits(one.whole) for one in told), same=same)
    spendable = [one.name for one in read if types.get(one.name, one.type) in LIQUID]
    numbers = _first_here((account_numbers(one.whole) for one in told), same=same)
    shares = shares_of(told)
    known = [order for one in told for order in orders_of(one.registers)]
    if also_ordered:
        read = sorted([*read, *_only_ordered(known, read, same=same)], key=lambda one: (one.name, one.currency))
    told_of = parted_from_due(known, read, types=types, same=same)
    orders = by_account(told_of.orders, spendable=spendable, same=same, numbers=numbers, due=told_of.due)
    parted = parted_orders(orders, read)
    return [
        replace(
            one,
            type=types.get(one.name, one.type),
            limit=limits.get(one.name, {}).get(one.currency, 0),
            orders=parted[one.name, one.currency].own,
            foreign=parted[one.name, one.currency].foreign,
            share=shares.get(one.name, 1.0),
        )
        for one in read
    ]


def _only_ordered(orders: Iterable[Order], read: Iterable[Account], *, same: Mapping[str, str]) -> list[Account]:
    """Give the accounts on which nothing has moved yet and something is to be paid, each in its currency."""
    moved = {account.name for account in read}
    found = dict[str, Account]()
    for order in orders:
        name = same.get(order.account, order.account)
        if name not in moved and order.currency is not None:
            found.setdefault(name, Account(name, order.currency, (), *NO_MOVEMENTS))
    return list(found.values())


def _limits(registers: Registers) -> dict[str, dict[str, int]]:
    return {account: {currency: minor} for (account, currency), minor in limits_of(registers).items()}


def _first_here(told: Iterable[Mapping[str, T]], *, same: Mapping[str, str]) -> dict[str, T]:
    """Put together what sources told by account, under the names here; of an account told twice what is told here."""
    facts = {name: fact for one in told for name, fact in one.items()}
    elsewhere = {same[name]: fact for name, fact in facts.items() if name in same}
    return {**elsewhere, **{name: fact for name, fact in facts.items() if name not in same}}


def shares_of(told: Iterable[SourceView]) -> dict[str, float]:
    """Give how much of accounts is the person's, by their names, where it was told."""
    return {name: share for one in told for name, share in account_shares(one.registers).items()}


class DataScope(NamedTuple):
    """For which purpose, from which sources, as of when, and at which moment permission is judged."""

    purpose: str
    sources: frozenset[str]
    now: Instant
    judged: Instant


def load_person(snapshot: Snapshot, person: Person, asked: DataScope) -> Known:
    """Read one person."""
    judged = person.judged(asked.judged)
    opened = person.permit(asked.purpose, policy=snapshot.config.policy, now=judged)
    wanted = opened.sources & asked.sources
    states = snapshot.states(person, now=asked.now, sources=wanted, judged=judged) if wanted else {}
    return Known(person, opened, wanted, told_in(states, sources=wanted), same_in(states))


def told_in(states: Mapping[str, LiveState], *, sources: Container[str]) -> dict[str, SourceView]:
    """Give what some sources told beside each other: an account that two of them tell once."""
    shown = side_by_side(states, sources=sources)
    return {
        source: SourceView(shown[source].ledger, shown[source].registers, states[source].registers)
        for source in sorted(shown)
    }


def same_in(states: Mapping[str, LiveState]) -> dict[str, str]:
    """Give the names under which accounts count, by their other names in a source and elsewhere."""
    here = {name: alias.account for (name, _), alias in twice_in(states).items()}
    one = {name: alias.account for state in states.values() for (name, _), alias in state.aliases.items()}
    return here | {
        name: here.get(account, account) for name, account in one.items() if here.get(account, account) != name
    }


def population(context: AppContext, asked: DataScope, *, customers: Iterable[str] | None = None) -> Iterator[Known]:
    """Read all people of whom anything is kept or said, sorted by name; also those who allow nothing."""
    names = sorted(one.name for one in context.keys.customers()) if customers is None else customers
    projection = context.projection.apart(room=_TOGETHER)
    for some in together(names, size=_TOGETHER):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader, projection=projection)
            read = [load_person(snapshot, person, asked) for person in people(snapshot, some)]
        yield from read


def read_population(context: AppContext, asked: DataScope, *, what: str, needs: str | None = None) -> Iterator[Known]:
    """Read those who allow it, each reading a use that is recorded before it is given away.

    Who does not allow the source that it ``needs``, or takes their yes back meanwhile, is left out.
    """
    allowing = (known for known in population(context, asked) if known.open and needs in {None, *known.open})
    for some in together(allowing, size=_RECORDED):
        entry = partial(_use, what=what, actor=context.actor, now=asked.judged)
        yield from append_unmoved(context, some, entry=entry, now=asked.judged)


def _use(known: Known, *, what: str, actor: str, now: Instant) -> tuple[Person, Draft | None]:
    return known.person, use_of(known.person, what, known.uses, actor=actor, at=now)


def people(snapshot: Snapshot, names: Iterable[str]) -> Iterator[Person]:
    """Give each person once, by the id that names them; public statistics are about no person."""
    for name in names:
        try:
            person = snapshot.person(name)
        except UnknownCustomer:
            continue
        if person.name == name and is_somebody(person):
            yield person


def is_somebody(person: Person) -> bool:
    """Tell people from what only public statistics are about."""
    if person.consents.epoch or person.decisions or person.contacts:
        return True
    sources = {source for state in person.states.values() for source in state.sources}
    return bool(sources - {"reference"})


def together(items: Iterable[T], *, size: int) -> Iterator[list[T]]:
    """Cut a walk into lists of a size; the last may be shorter."""
    walk = iter(items)
    while some := list(islice(walk, size)):
        yield some

"""Joint accounts: who holds one, and to whom goes what is booked on it.

1. ``account.opened`` leaves a keyed mark of its account with its customer, also where its content may not be kept. The
   mark tells no account and no name; without it the no of one holder would close the account of another.
2. Where several customers hold an account, the journal of each of them says so, and since when this one does.
3. What is booked on a joint account arrives once: about one of its holders, or about the account. It becomes an event
   of the journal of each holder, under the id it came with and that customer's name, and each is judged by what that
   customer allows. A holder sees what counts on or after the day they became one.
4. What takes such an event back goes to each holder who keeps it. An event about an account that one customer holds
   alone costs nothing of this.

It counts once, as what became of it in the journal of the customer it came about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import NamedTuple

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import ACCOUNT_OPENED, KINDS, REMOVED, Event, EventRemoved, key_of, removal_of
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import BalanceStated, Movement, OrderPlaced
from marketofone.projection import codec
from marketofone.projection.amendments import is_gone, later_id
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.records import AccountRecord
from marketofone.projection.reducer import Holding, SubjectState
from marketofone.services.intake.arrivals import Arrival, about, arrival_from
from marketofone.services.intake.corrections import kept_versions, said
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import HOLDER, event_number, holder_mark, sharer_mark
from marketofone.store.keystore import Customer
from marketofone.store.ports import Draft, Expectation, LinkChange, Reader, Unit

MOST_HOLDERS = 16
"""What more customers hold is no joint account: nothing booked on it goes from one to another."""
BOOKED = frozenset({"transaction.booked", "balance.stated", "order.placed"})
"""The kinds of events that belong to an account here, and so to each of its holders."""
_MOST_SHARERS = 256
_MARK = 17  # bytes of a mark; the key of the event that opened the account stands behind it


class Asked:
    """What arrivals ask of other journals: accounts whose holders may change, and customers who hold some together."""

    def __init__(self) -> None:
        self.accounts: set[bytes] = set()
        self.removing: set[Customer] = set()
        self.sharing: dict[str, Customer] = {}

    def hear(
        self, customer: Customer, state: SubjectState, arrivals: Iterable[Arrival], links: Iterable[LinkChange]
    ) -> None:
        """Note what arrived about one customer: accounts that it opens, or that were opened by mistake."""
        self.accounts.update(link.key for link in links if link.key[0] == HOLDER)
        for data in (arrival.event.data for arrival in arrivals):
            if isinstance(data, EventRemoved) and data.type == ACCOUNT_OPENED:
                self.removing.add(customer)
        if state.accounts:
            self.sharing[customer.name] = customer


def reading_of(context: AppContext, event: Event, *, account: str) -> bytes:
    """Give what an event that opens an account is read as: the mark of the account, and the key of the event."""
    return holder_mark(context.keys, account) + event.key


def mark_of(reading: bytes) -> bytes:
    """Give the mark of the account that an event opened."""
    return reading[:_MARK]


class Holder(NamedTuple):
    """A customer who is linked with an account, and since when they hold it; None where that was taken back."""

    customer: Customer
    state: SubjectState
    since: Instant | None


@repeated
def settle(context: AppContext, asked: Asked, *, now: Instant) -> None:
    """Write into journals who holds accounts together, where that changed; their holders share them from then on."""
    with context.store.read() as reader:
        look = HolderLook(context, reader)
        marks = set(asked.accounts)
        for customer in asked.removing:
            marks |= {key for key in reader.keys_of(customer.subject) if key[0] == HOLDER}
        drafts: list[Draft] = []
        links: list[LinkChange] = []
        expected: dict[bytes, int] = {}
        for mark in sorted(marks):
            holders = look.linked(mark)
            if len(holders) <= MOST_HOLDERS:
                expected[mark] = len(holders)
            changed, gone = _changes(context, mark, holders, now=now)
            drafts += changed
            links += gone
            asked.sharing.update({one.customer.name: one.customer for one in holders if len(holders) > 1})
        concerned = {draft.subject for draft in drafts}
        states = {subject: look.state(subject) for subject in look.seen}
        unit = Unit(
            now=now,
            expects={subject: Expectation(state.guard) for subject, state in states.items()},
            holders=expected,
            drafts=drafts,
            together={of: states[of].members for of in concerned if states[of].members},
            links=links,
        )
    if drafts:
        context.store.commit(unit)


def _changes(
    context: AppContext, mark: bytes, holders: Sequence[Holder], *, now: Instant
) -> tuple[list[Draft], list[LinkChange]]:
    """Give the entries of the holders to whom the journal says something else by now, and the links that go."""
    standing = tuple(sorted(one.customer.subject for one in holders if one.since is not None))
    shared = standing if 1 < len(standing) <= MOST_HOLDERS else ()
    drafts: list[Draft] = []
    links: list[LinkChange] = []
    for customer, state, since in holders:
        told = None if since is None or not shared else Holding(since, shared)
        if since is not None and state.accounts.get(mark) == told:
            continue
        record = AccountRecord(
            context.actor, mark, since is not None, since or Instant(0), told.holders if told else ()
        )
        drafts.append(codec.draft("account", record, subject=customer.subject, box=customer.box, at=now))
        others = [subject for subject in record.holders if subject != customer.subject]
        links += [LinkChange(sharer_mark(context.keys, of), customer.subject, linked=True) for of in others]
        if since is None:
            links.append(LinkChange(mark, customer.subject, linked=False))
    return drafts, links


def copies(context: AppContext, arrivals: Iterable[Arrival], *, sharing: Mapping[str, Customer]) -> list[Arrival]:
    """Give what arrived about customers who share accounts as events of the other holders."""
    with context.store.read() as reader:
        look = HolderLook(context, reader)
        given: list[Arrival] = []
        for arrival in arrivals:
            customer = sharing.get(arrival.event.customer)
            if customer is not None and arrival.event.kind in BOOKED:
                given += look.booked(customer, arrival)
            elif customer is not None and arrival.event.kind == REMOVED:
                given += look.removed(customer, arrival)
        return given


class HolderLook:
    """One look at journals and the directory; what is asked twice is read once."""

    def __init__(self, context: AppContext, reader: Reader) -> None:
        self._context = context
        self._reader = reader
        self._calendar = context.snapshot(reader).config.calendar
        self._states: dict[int, SubjectState] = {}
        self._given: set[tuple[int, bytes]] = set()  # what goes on to other holders, before it is kept
        self.mark = cache(partial(holder_mark, context.keys))
        self.linked = cache(self._linked)

    @property
    def seen(self) -> Collection[int]:
        """The subjects whose journals were looked at."""
        return self._states.keys()

    def state(self, subject: int) -> SubjectState:
        """Give what a journal says."""
        known = self._states.get(subject)
        if known is None:
            customer = self._context.keys.customer(subject)
            head = self._reader.head(subject)
            known = SubjectState()
            with suppress(UnknownCustomer):  # they are being forgotten
                if customer is not None:
                    known = self._context.projection.subject(self._reader, customer, head=head)
            self._states[subject] = known
        return known

    def booked(self, customer: Customer, arrival: Arrival) -> list[Arrival]:
        """Give what was booked as events of the other holders of its account.

        What one of them was told to be taken back is taken back for each, whichever came first. Of what was sent in
        several versions the last one is given.
        """
        event = arrival.event
        last = self._last_version(customer, event)
        if last is not None and said(last, self._calendar) != said(event, self._calendar):
            return []  # sent once more as it was before
        own = self.state(customer.subject).accounts.get(self._account(event))
        others = [] if own is None else self._others(customer, own)
        given = self._moved(customer, arrival, but=others)
        if self._is_gone(event, customer, others):
            return given + [
                arrival_from(removal_of(event, id=f"{event.id}~removed", customer=one.name))
                for one in (customer, *others)
                if self._keeps(one, event.key, kind=event.kind)
                and not is_gone(event, self.state(one.subject).removed_keys)
            ]
        seeing = [one for one in others if self._sees(one, event)]
        self._given.update((one.subject, event.key) for one in seeing)
        return given + [about(arrival, one.name) for one in seeing]

    def _last_version(self, customer: Customer, event: Event) -> Event | None:
        """Give the last version of an event that a journal keeps, where there are several."""
        ids = kept_versions(self._reader, customer, producer=event.producer, id=event.id)
        if len(ids) < 2:  # noqa: PLR2004 - one is no later one
            return None
        key = key_of(event.producer, ids[-1])
        return next((kept for kept in self._kept(customer, kind=event.kind) if kept.key == key), None)

    def _is_gone(self, event: Event, customer: Customer, others: Collection[Customer]) -> bool:
        """Say whether what was booked was taken back, from a customer or from another holder.

        From another holder it may only have gone because a later version was of another account.
        """
        second = key_of(event.producer, later_id(event.id, 2))
        told = (customer,) if self._is_known(customer, second) else (customer, *others)
        return any(is_gone(event, self.state(one.subject).removed_keys) for one in told)

    def removed(self, customer: Customer, arrival: Arrival) -> list[Arrival]:
        """Give what takes an event back as events of the other holders who keep it of an account they share."""
        data = arrival.event.data
        if not isinstance(data, EventRemoved) or data.type not in BOOKED:
            return []
        key = key_of(data.producer or arrival.event.producer, data.id)
        return [about(arrival, one.name) for one in self._co_holders(customer) if self._keeps(one, key, kind=data.type)]

    def _linked(self, mark: bytes) -> list[Holder]:
        """Give the customers who are linked with an account, one more than there may be at most."""
        subjects = self._reader.holders(mark, limit=MOST_HOLDERS + 1)
        customers = [one for one in map(self._context.keys.customer, subjects) if one is not None]
        alone = len(customers) == 1
        return [Holder(one, self.state(one.subject), self._since(one, mark, alone=alone)) for one in customers]

    def _since(self, customer: Customer, mark: bytes, *, alone: bool) -> Instant | None:
        """Give since when a customer holds an account, by the events that opened it and were not taken back."""
        state = self.state(customer.subject)
        if alone and not state.removed:
            return Instant(0)  # a single holder is asked by no other since when
        removed = state.removed_keys.get(KINDS[ACCOUNT_OPENED][1], ())
        opening = (
            event.at
            for entry in self._reader.entries(customer.subject, kinds=HOLDS_EVENTS, upto=state.n)
            for event in codec.read(entry, box=customer.box).events
            if event.kind == ACCOUNT_OPENED
            and event.reading is not None
            and mark_of(event.reading) == mark
            and event.reading[_MARK:] not in removed
        )
        return min(opening, default=None)

    def _account(self, event: Event) -> bytes:
        return self.mark(account_of(event))

    def _others(self, customer: Customer, held: Holding) -> list[Customer]:
        """Give the other holders of an account who were not forgotten."""
        subjects = (subject for subject in held.holders if subject != customer.subject)
        return [one for one in map(self._context.keys.customer, subjects) if one is not None]

    def _co_holders(self, customer: Customer) -> list[Customer]:
        """Give all customers with whom one shares any account, ascending."""
        subjects = {of for held in self.state(customer.subject).accounts.values() for of in held.holders}
        return self._others(customer, Holding(Instant(0), tuple(sorted(subjects))))

    def _sees(self, holder: Customer, event: Event) -> bool:
        """Say whether an event counts since a holder is one; what is ordered is told for what is to come."""
        held = self.state(holder.subject).accounts.get(self._account(event))
        if held is None:
            return False
        return isinstance(event.data, OrderPlaced) or event.day(self._calendar) >= self._calendar.day_of(held.since)

    def counts_for(self, holder: Customer, event: Event, mark: bytes) -> bool:
        """Say the same of an account that a holder may hold alone by now: what was before is another's alone."""
        since = self._since(holder, mark, alone=False)
        on = event.day(self._calendar)
        return since is not None and (isinstance(event.data, OrderPlaced) or on >= self._calendar.day_of(since))

    def _moved(self, customer: Customer, arrival: Arrival, *, but: Collection[Customer]) -> list[Arrival]:
        """Take back what a movement replaces, for holders to whom that went and the movement does not go.

        It may replace itself: what is sent again under its id, as one of another account. Then only the version that
        went to them goes, for the next one may be of theirs again.
        """
        event, data = arrival.event, arrival.event.data
        if not isinstance(data, Movement):
            return []
        given = list[Arrival]()
        for one in self._co_holders(customer):
            if one in but:
                continue
            if self._keeps(one, event.key, kind=event.kind):
                last = kept_versions(self._reader, one, producer=event.producer, id=event.id)[-1]
                gone = removal_of(event, id=f"{last}~moved", of=last, customer=one.name, only=True)
                given.append(arrival_from(gone))
            if data.replaces and self._keeps(one, key_of(event.producer, data.replaces), kind=event.kind):
                gone = removal_of(event, id=f"{event.id}~removed", of=data.replaces, customer=one.name)
                given.append(arrival_from(gone))
        return given

    def left_with(self, event: Event) -> list[Customer]:
        """Give those who held an account together with a customer who was forgotten, and keep what is taken back."""
        data, erased = event.data, self._context.keys.erased(event.customer)
        assert isinstance(data, EventRemoved)  # noqa: S101 - its kind says so
        if data.type not in BOOKED or erased is None or erased.subject is None:
            return []
        key = key_of(data.producer or event.producer, data.id)
        found = self._reader.holders(sharer_mark(self._context.keys, erased.subject), limit=_MOST_SHARERS)
        sharers = (one for one in map(self._context.keys.customer, found) if one is not None)
        return [one for one in sharers if self._keeps(one, key, kind=data.type)]

    def keeps_removed(self, customer: Customer, event: Event) -> bool:
        """Say whether a journal keeps what an event takes back."""
        data = event.data
        assert isinstance(data, EventRemoved)  # noqa: S101 - its kind says so
        return self._keeps(customer, key_of(data.producer or event.producer, data.id), kind=data.type)

    def _keeps(self, customer: Customer, key: bytes, *, kind: str) -> bool:
        """Say whether a journal keeps an event of an account that is shared: of others nothing comes from others."""
        if (customer.subject, key) in self._given:
            return True
        if not self._is_known(customer, key):
            return False
        shared = self.state(customer.subject).accounts
        return any(event.key == key and self._account(event) in shared for event in self._kept(customer, kind=kind))

    def _is_known(self, customer: Customer, key: bytes) -> bool:
        return bool(self._reader.known([(customer.subject, event_number(key, subject=customer.subject))]))

    def _kept(self, customer: Customer, *, kind: str) -> Iterator[Event]:
        """Read the events of a kind that a journal keeps, the newest first."""
        entries = self._reader.entries(customer.subject, kinds=HOLDS_EVENTS, newest_first=True)
        for entry in entries:
            for kept in codec.read(entry, box=customer.box).events:
                if kept.kind == kind and kept.body is not None:
                    yield read_kept(kept.body, kind=kind)


def account_of(event: Event) -> str:
    """Give the account that an event of :data:`BOOKED` is about."""
    data = event.data
    assert isinstance(data, Movement | BalanceStated | OrderPlaced)  # noqa: S101 - BOOKED names their kinds
    return data.account

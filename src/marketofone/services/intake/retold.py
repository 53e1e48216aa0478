"""Files tell one payment several times: pending, then booked under another id; in a report, then in a statement.

An import of a file asks nothing. What was kept of the customer from the same producer before is compared with
what is new in the file, and what another movement stands for by now is taken back, only in the version that was kept:
a bank that books it under its own id after all adds a later one. A pending payment that a file neither books nor tells
again, though it tells later days of the account, was given up, and is taken back as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.event import Event, EventRemoved, key_of
from marketofone.domain.fields import EventData, Fate
from marketofone.domain.money_events import Movement
from marketofone.models.movement import retold
from marketofone.models.movement.retold import Seen, WholeFile, is_another
from marketofone.projection.amendments import first_id, is_taken_back
from marketofone.services.intake.imports import Item, UntilBroken
from marketofone.services.intake.ingest import MAX_BATCH, EventOfRow, Incoming
from marketofone.services.intake.paid_abroad import PaidAbroad
from marketofone.services.intake.pendings import MOST, MOST_PENDING, is_pending, newest_kept, removal
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import kept_keys
from marketofone.services.runtime.population import together

_DIGEST_BYTES = 12
_FAMILY = re.compile(r"(.+):(?:[0-9a-f]{24}|[0-9]{4}-[0-9]{2}-[0-9]{2}:-?[0-9.]+)", re.DOTALL)
_WHOLE = 2**31


class _Kept(NamedTuple):
    """What was kept of a customer from one producer, by id, and what it said."""

    subject: int
    events: dict[str, Event]
    pending: list[Seen]
    booked: list[Seen]


class _Family(NamedTuple):
    """Movements to which a bank gave one id: by the ids under which they were kept, and those by what they say."""

    by_id: dict[str, list[Seen]]
    names: dict[Seen, str]


def _family(name: str, *, account: str) -> str:
    """Give the id that the bank gave, without what tells a movement apart behind it: a digest, or day and amount.

    An id that looks like a digest itself stays whole.
    """
    given = name.removeprefix(f"{account}:")
    found = _FAMILY.fullmatch(given)
    return name[: len(name) - len(given)] + found[1] if found else name


class Retold:
    """Follows the items of one file, and adds what takes back the movements that it tells otherwise.

    ``count`` is how many those are. Nothing is compared with what the file itself told before.

    Parameters
    ----------
    customer, producer
        Whose rows they are, and who tells them.
    with_fewer_words
        Whether the producer tells an entry first in a report with few words, and later in a statement with more.
    ids_come_again
        Whether the producer may give one id to several movements.
    ids_change
        Whether the producer may give one movement another id each time. Its files are held whole.
    """

    def __init__(
        self,
        context: AppContext,
        *,
        customer: str,
        producer: str,
        with_fewer_words: bool = False,
        ids_come_again: bool = False,
        ids_change: bool = False,
    ) -> None:
        self.count = 0
        self._context, self._customer, self._producer = context, customer, producer
        self._with_fewer_words, self._ids_come_again = with_fewer_words, ids_come_again
        self._ids_change = ids_change
        self._calendar = context.config.calendar
        self._again = set[str]()
        self._gone = set[str]()
        self._latest: dict[str, int] = {}

    def items(self, items: Iterable[Item[Incoming]]) -> Iterator[Item[Incoming]]:
        """Give the items of a file, and beside them what they take back."""
        walk = UntilBroken(items)
        for some in together(walk, size=_WHOLE if self._ids_change else MAX_BATCH):
            batch = self._under_their_ids(some) if self._ids_come_again else some
            beside = _beside(self._not_told_again(batch)) if self._ids_change else []
            beside += _beside(self._taken_back(batch))  # before the batch is kept
            yield from batch
            yield from beside
        yield from _beside(self._given_up())
        if walk.broken is not None:
            raise walk.broken

    def _under_their_ids(self, items: Iterable[Item[Incoming]]) -> list[Item[Incoming]]:
        """Give each movement the id under which it was kept, or another where its own was that of another movement."""
        batch = list(items)
        booked = [event for item in batch if (event := _event_in(item)) is not None and not is_pending(event)]
        told = {event.id for event in booked}
        file = None
        if self._ids_change:
            seen = [self._seen(event, event.data) for event in booked if isinstance(event.data, Movement)]
            file = retold.WholeFile(seen)
        return [self._told_apart(self._paid_again(item, told=told), file=file) for item in batch]

    def _paid_again(self, item: Item[Incoming], *, told: Collection[str]) -> Item[Incoming]:
        event = item.incoming
        if not isinstance(event, Event) or is_pending(event):
            return item
        name = self._abroad.name_of(event, told=told)
        return item if name is None else item._replace(incoming=replace(event, id=name))

    @cached_property
    def _abroad(self) -> PaidAbroad:
        kept = self._kept
        booked = (kept.events[one.id] for one in kept.booked)
        return PaidAbroad(booked, calendar=self._calendar)

    def _told_apart(self, item: Item[Incoming], *, file: WholeFile | None) -> Item[Incoming]:
        """Give a movement another id where its own was kept of another movement: that under which it was kept, or new.

        In one file the reader tells such movements apart by a digest, but for the first, which may be any of them.
        """
        event = item.incoming
        if not isinstance(event, Event) or not isinstance(event.data, Movement) or is_pending(event):
            return item
        named = _family(event.id, account=event.data.account)
        kept = self._families.get(named)
        if kept is None:
            return item
        one = self._seen(event, event.data)
        own = kept.by_id.get(event.id, [])
        if own and not all(is_another(one, before) for before in own):
            return item
        if file is not None and any(file.corrects(one, before) for before in own):
            return item
        name = kept.names.get(one._replace(id=named))
        if name is None and own:
            said = f"{one.day} {one.amount} {one.text}"
            name = f"{named}:{blake2b(said.encode(), digest_size=_DIGEST_BYTES).hexdigest()}"
        return item if name is None else item._replace(incoming=replace(event, id=name))

    @cached_property
    def _families(self) -> dict[str, _Family]:
        """What was kept, by the id that the bank gave it."""
        families: dict[str, _Family] = {}
        for one in self._kept.booked:
            name = first_id(one.id) or one.id
            given = _family(name, account=one.account)
            family = families.setdefault(given, _Family({}, {}))
            family.by_id.setdefault(name, []).append(one)
            family.names[one._replace(id=given)] = name
        return families

    def _not_told_again(self, batch: list[Item[Incoming]]) -> Iterator[Event]:
        """Give movements of a whole file the ids under which they were kept, and give what takes back those before."""
        booked = [event for item in batch if (event := _event_in(item)) is not None and not is_pending(event)]
        told = [self._seen(event, event.data) for event in booked if isinstance(event.data, Movement)]
        again = {name for event in booked for name in _named_in(event)}
        before = [one for one in self._kept.booked if (first_id(one.id) or one.id) not in again]
        if not before or not told:
            return
        found = retold.reissued(before, told, self._new(told))
        for at, item in enumerate(batch):
            incoming = item.incoming
            if isinstance(incoming, Event) and (name := found.names.get(incoming.id)) is not None:
                batch[at] = item._replace(incoming=replace(incoming, id=first_id(name) or name))
        yield from self._removals(dict.fromkeys(found.gone, "retold"), self._kept.events)

    def _taken_back(self, batch: Iterable[Item[Incoming]]) -> Iterator[Event]:
        """Give what takes back those movements kept before, or new in a batch, that others stand for by now."""
        kept = self._kept
        events = [event for item in batch if (event := _event_in(item)) is not None] if kept.events else []
        self._again.update(*map(_named_in, events))
        pending_ids = {event.id for event in events if is_pending(event)}
        waiting = self._open(kept.pending)[:MOST_PENDING]
        before = self._open(kept.booked) if self._with_fewer_words else []
        if not (events and (waiting or before or pending_ids)):
            return
        told = [self._seen(event, event.data) for event in events if isinstance(event.data, Movement)]
        for one in told:
            if one.id not in pending_ids:
                self._latest[one.account] = max(self._latest.get(one.account, one.day), one.day)
        new = self._new(told)
        booked, pending = _parted(new, pending_ids)
        del pending[MOST_PENDING:]
        gone: dict[str, Fate] = dict.fromkeys(retold.booked_by_now(waiting, booked), "retold")
        again = retold.booked_by_now([one for one in waiting if one.id not in gone], pending)
        gone |= dict.fromkeys(again, "told_again")
        gone |= dict.fromkeys(retold.booked_by_now(pending, kept.booked, earliest=1), "retold")
        gone |= dict.fromkeys(retold.told_with_more(before, booked) if self._with_fewer_words else (), "retold")
        yield from self._removals(gone, {**kept.events, **{event.id: event for event in events}})

    def _given_up(self) -> Iterator[Event]:
        """Give what takes back pending movements that the file neither books nor tells, though it tells later days."""
        if not self._latest:
            return
        waiting = self._open(self._kept.pending)
        gone = [one.id for one in waiting if retold.has_lapsed(one, on=self._latest.get(one.account, one.day))]
        yield from self._removals(dict.fromkeys(gone, "lapsed"), self._kept.events)

    def _removals(self, gone: Mapping[str, Fate], events: Mapping[str, Event]) -> Iterator[Event]:
        for name in sorted(gone):
            self._gone.add(name)
            self.count += 1
            yield removal(events[name], because=gone[name])

    def _open(self, some: Iterable[Seen]) -> list[Seen]:
        """Leave out what the file tells as well, and what was taken back already."""
        return [one for one in some if one.id not in self._gone and (first_id(one.id) or one.id) not in self._again]

    def _new(self, told: Sequence[Seen]) -> list[Seen]:
        """Leave out what was kept before."""
        keys = {one.id: key_of(self._producer, one.id) for one in told}
        with self._context.store.read() as reader:
            kept = kept_keys(reader, self._kept.subject, keys.values())
        return [one for one in told if keys[one.id] not in kept]

    @cached_property
    def _kept(self) -> _Kept:
        kept = _Kept(0, {}, [], [])
        with self._context.store.read() as reader, suppress(UnknownCustomer):
            person = self._context.snapshot(reader).person(self._customer)
            (member,) = (one for one in person.members if one.name == self._customer)
            removed = person.states[member.subject].removed_keys
            kept = _Kept(member.subject, {}, [], [])
            for _, event in islice(newest_kept(reader, member), MOST):
                if event.producer == self._producer and not is_taken_back(event, removed):
                    kept.events[event.id] = event
                    (kept.pending if is_pending(event) else kept.booked).append(self._seen(event, event.data))
        return kept

    def _seen(self, event: Event, data: EventData) -> Seen:
        assert isinstance(data, Movement)  # noqa: S101 - its kind says so
        return retold.seen(event, data, calendar=self._calendar)


def _beside(events: Iterable[Event]) -> list[Item[Incoming]]:
    return [Item(None, event, is_row=False) for event in events]


def _event_in(item: Item[Incoming]) -> Event | None:
    given = item.incoming.event if isinstance(item.incoming, EventOfRow) else item.incoming
    return given if isinstance(given, Event) else None


def _named_in(event: Event) -> Iterator[str]:
    """Name the movements that an event of a file tells or takes back itself."""
    yield event.id
    data = event.data
    if isinstance(data, EventRemoved):
        yield data.id
    elif isinstance(data, Movement) and data.replaces is not None:
        yield data.replaces


def _parted(some: Iterable[Seen], pending: Collection[str]) -> tuple[list[Seen], list[Seen]]:
    parted: tuple[list[Seen], list[Seen]] = ([], [])
    for one in some:
        parted[one.id in pending].append(one)
    return parted

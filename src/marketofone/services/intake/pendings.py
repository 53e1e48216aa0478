"""What became of pending payments in a feed, where no event of it says so: each counts once, and not for ever.

A journal remembers the last entry that told a pending movement. While one of them counts, every movement and balance of
its customer opens a look at those of the same producer, here or at the same bank. What is booked by now under another
id, was told again as pending under another id, or lapsed is taken back by an event of the journal that says so. So a
replay compares nothing. What was taken back as booked keeps the booking it is, so of two equal ones of which one is
booked the other one stays. What stands in one entry was told in one list, and is a purchase each.

Of files it is the import that compares them (``retold.py``): it knows what a file tells again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from marketofone.consent.licence import Licences, beyond
from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import MOVEMENTS, REMOVED, Event, EventRemoved, key_of, removal_of
from marketofone.domain.fields import Fate
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.money_events import (
    BalanceStated,
    Movement,
    OpenBankingBalance,
    OpenBankingTransaction,
    institution_key,
)
from marketofone.models.movement.retold import (
    Pending,
    Purchase,
    booked_by_now,
    each_purchase,
    has_lapsed,
    purchase_of,
    seen,
)
from marketofone.projection import codec
from marketofone.projection.amendments import Removals, first_id, is_gone, is_taken_back
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.reducer import SubjectState
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

MOST = 5_000
"""Movements of a customer that are compared: the newest."""
MOST_PENDING = 500
"""Pending movements, of those and of a file, that are compared: a person has a few."""
FILES = frozenset({"berlin", "camt", "csv", "fdx", "mt940", "ofx", "parquet", "plaid", "qif", "uk-ob", "xlsx"})
"""The formats of files, by which their producers are called."""
BALANCES = frozenset({"balance.stated", "openbanking.balance"})
_ASKED = MOVEMENTS | BALANCES | {REMOVED}
_Teller = tuple[str, str, str]  # producer, source and the other bank


class Unsaid(NamedTuple):
    """What takes back pending movements that count no more, and whether others still wait."""

    removals: list[Event]
    waiting: bool


class _Told(NamedTuple):
    """A movement as one entry told it, and whether it was taken back, in that version or with all of them."""

    event: Event
    data: Movement
    n: int
    is_taken_back: bool
    is_gone: bool

    @property
    def is_pending(self) -> bool:
        return self.data.status == "pending"


class _Feed:
    """What one producer told of the accounts at one bank, the newest first.

    ``fates`` are what became of movements that were taken back here, by their ids; ``newest`` gives for each account
    the last day that is known of it.
    """

    def __init__(self) -> None:
        self.told: list[_Told] = []
        self.fates: dict[str, Fate] = {}
        self.newest: dict[str, Day] = {}

    def know(self, account: str, *, on: Day) -> None:
        """Note that an account is known up to a day."""
        self.newest[account] = max(self.newest.get(account, on), on)


def is_pending(event: Event) -> bool:
    """Say whether an event tells a movement that is not booked yet."""
    return isinstance(event.data, Movement) and event.data.status == "pending"


def is_of_file(producer: str) -> bool:
    """Say whether a producer tells files: their import knows what they tell again."""
    return producer.split("/", maxsplit=1)[0] in FILES


def may_wait(context: AppContext, subject: int, state: SubjectState) -> bool:
    """Say whether a pending movement of a journal may count no more, though no event of its producer says so."""
    return state.pending > 0 and context.none_pending.get(subject) != state.guard


def removal(event: Event, *, because: Fate) -> Event:
    """Make the event that takes a movement back, in that version only: the bank may book it under its id after all."""
    return removal_of(event, id=f"{event.id}~{because}", only=True, because=because)


def newest_kept(
    reader: Reader, member: Customer, *, kinds: Collection[str] = MOVEMENTS, upto: int | None = None
) -> Iterator[tuple[int, Event]]:
    """Read events of some kinds that a journal keeps, each with its entry, the newest entry first."""
    for entry in reader.entries(member.subject, upto=upto, kinds=HOLDS_EVENTS, newest_first=True):
        for one in codec.read(entry, box=member.box).events:
            if one.kind in kinds and one.body is not None:
                yield entry.n, read_kept(one.body, kind=one.kind)


def unsaid(  # noqa: PLR0913 - all that it rests on
    reader: Reader,
    member: Customer,
    *,
    upto: int,
    removed: Removals,
    sources: Collection[str],
    licences: Licences,
    calendar: Calendar,
    now: Instant,
) -> Unsaid:
    """Compare the pending movements of one journal with what else it tells of their accounts.

    Parameters
    ----------
    upto
        Where the journal ends.
    removed
        The keys of events that were taken back, by source.
    sources, licences
        What of the person's money may be looked at.
    """
    feeds = _feeds(
        (
            (n, event)
            for n, event in newest_kept(reader, member, kinds=_ASKED, upto=upto)
            if event.kind == REMOVED or (event.source in sources and beyond(event, licences, now=now) is None)
        ),
        removed=removed,
        calendar=calendar,
    )
    removals, waiting = list[Event](), False
    for (producer, *_), feed in feeds.items():
        if not is_of_file(producer) and any(one.is_pending and not one.is_taken_back for one in feed.told):
            found = _compared(feed, calendar=calendar)
            removals += found.removals
            waiting = waiting or found.waiting
    return Unsaid(removals, waiting)


def _feeds(events: Iterable[tuple[int, Event]], *, removed: Removals, calendar: Calendar) -> dict[_Teller, _Feed]:
    """Part what a journal keeps, the newest first, by who told it; what took a movement back is met before it."""
    feeds: dict[_Teller, _Feed] = {}
    fates: dict[bytes, Fate] = {}
    left = MOST
    for n, event in events:
        data = event.data
        if isinstance(data, EventRemoved):
            if data.only and data.because is not None:
                fates[key_of(data.producer or event.producer, data.id)] = data.because
            continue
        feed = feeds.setdefault(_teller(event), _Feed())
        if isinstance(data, BalanceStated | OpenBankingBalance | Movement) and not is_pending(event):
            feed.know(data.account, on=event.day(calendar))
        if isinstance(data, Movement):
            gone, all_gone = is_taken_back(event, removed), is_gone(event, removed)
            feed.told.append(_Told(event, data, n, gone, all_gone))
            if event.key in fates:
                feed.fates[event.id] = fates[event.key]
            left -= 1
            if left == 0:
                break
    return feeds


def _compared(feed: _Feed, *, calendar: Calendar) -> Unsaid:
    """Say what became of the pending movements that one producer told of the accounts at one bank."""
    by_id = {one.event.id: one for one in feed.told}
    # of these a booked one says that it stands for them
    named = {_first(one.data.replaces) for one in feed.told if not one.is_pending and one.data.replaces is not None}
    pending = _pending(feed, named=named, calendar=calendar)
    booked = [one for one in feed.told if not (one.is_pending or one.is_taken_back or _says_which(one, by_id))]
    free = [seen(one.event, one.data, calendar=calendar, told=one.n) for one in booked]
    held = [one.one for one in pending if one.is_booked and _first(one.one.id) not in named]
    before = booked_by_now(held[:MOST_PENDING], free, earliest=0)
    taken = set(before.values())
    each, again = each_purchase(pending)
    waiting = [one.one for one in each[:MOST_PENDING]]
    found = before | booked_by_now(waiting, [one for one in free if one.id not in taken], earliest=0)
    fates: dict[str, Fate] = {
        one.one.id: "lapsed" for one in pending if has_lapsed(one.one, on=feed.newest.get(one.one.account, one.one.day))
    }
    fates.update(dict.fromkeys((one.one.id for one in again), "told_again"))
    fates.update(dict.fromkeys(found, "retold"))
    counting = {one.one.id for one in pending if one.counts}
    removals = [removal(by_id[name].event, because=fates[name]) for name in sorted(counting & fates.keys())]
    return Unsaid(removals, waiting=not counting <= fates.keys())


def _pending(feed: _Feed, *, named: Collection[str], calendar: Calendar) -> list[Pending]:
    """Give the pending payments but for those withdrawn, each in the version that counts, else in the last one."""
    versions: dict[str, _Told] = {}
    lists: dict[tuple[str, Purchase], set[int]] = {}
    booked = set(named)
    for one in (one for one in feed.told if one.is_pending):
        name = _first(one.event.id)
        if name not in versions or versions[name].is_taken_back > one.is_taken_back:
            versions[name] = one
        lists.setdefault((name, purchase_of(one.event, one.data, calendar=calendar)), set()).add(one.n)
        if feed.fates.get(one.event.id) == "retold":
            booked.add(name)
    pending: list[Pending] = []
    for name, one in versions.items():
        withdrawn = one.is_gone or (one.is_taken_back and one.event.id not in feed.fates)
        if withdrawn and name not in named:
            continue
        purchase = purchase_of(one.event, one.data, calendar=calendar)
        pending.append(
            Pending(
                seen(one.event, one.data, calendar=calendar, told=one.n),
                purchase,
                frozenset(lists[name, purchase]),
                is_booked=name in booked,
                counts=not one.is_taken_back,
            )
        )
    return pending


def _says_which(one: _Told, by_id: Mapping[str, _Told]) -> bool:
    """Say whether a booked movement tells itself which pending one it is, and so is no other."""
    asked = set[str]()
    while one.data.replaces is not None and one.event.id not in asked:
        asked.add(one.event.id)
        before = by_id.get(one.data.replaces)
        if before is None or before.is_pending:
            return True
        one = before
    return False


def _teller(event: Event) -> _Teller:
    data = event.data
    bank = institution_key(data.institution) if isinstance(data, OpenBankingTransaction | OpenBankingBalance) else ""
    return event.producer, event.source, bank


def _first(event_id: str) -> str:
    return first_id(event_id) or event_id

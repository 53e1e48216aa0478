"""Which movements are told once more under another id: pending ones, booked by now or not, and entries told with more.

A bank that books what was pending often gives it another id, another amount (a tip, a rate of exchange) and a later
day. So it is found by what stays: an id that goes on, the same amount, the other side. A pending payment that is taken
for another one by chance is missing until it is booked; one that stays beside its booking would count twice for ever.

Of pending ones that stand in one list each is a purchase. Two that agree in all that tells purchases apart, and stand
in no list together, are one that was told again. Where days or instants differ, nothing tells whether the second one is
the first: then both count, for too little money that is shown for some days harms a person less than too much.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from typing import NamedTuple

from marketofone.domain.event import Event
from marketofone.domain.moment import DAY, Calendar, Instant
from marketofone.domain.money_events import Movement

DAYS = 14
"""How long a pending payment may wait: until then it may be booked under another id, and after it, it lapsed.

Card networks let a shop hold money for 5 to 10 days, hotels and car hires for 30. What is booked later counts then.
"""
_DAYS_BY_ID, _DAYS_BEFORE = 60, 3
_LEAST, _MOST = 0.7, 1.3  # of the pending amount
_CLOSEST = 50  # that a pending payment is compared with: of hundreds of equal ones any will do
_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = re.compile(r"(.+):(?:pending|waiting)?")


class Seen(NamedTuple):
    """A movement as it was told: how much moved where, on which day, and the words and the text that tell the rest."""

    id: str
    account: str
    currency: str
    amount: int
    day: int
    words: frozenset[str] = frozenset()
    text: str = ""
    told: int = 0
    """The later it was told, the higher; equal for what was told together."""


class Purchase(NamedTuple):
    """What tells a pending payment from others. ``at`` is None where a date was told and no instant."""

    account: str
    currency: str
    amount: int
    day: int
    at: Instant | None
    said: str
    reference: str | None


class Pending(NamedTuple):
    """A pending payment under one id, the lists that told it, whether its booking is known, and whether it counts."""

    one: Seen
    purchase: Purchase
    lists: frozenset[int]
    is_booked: bool = False
    counts: bool = True


def seen(event: Event, data: Movement, *, calendar: Calendar, told: int = 0) -> Seen:
    """Give a movement by what is compared."""
    said = _said(data)
    words = frozenset(_WORD.findall(said.casefold()))
    return Seen(event.id, data.account, data.currency, data.amount_minor, event.day(calendar), words, said, told)


def purchase_of(event: Event, data: Movement, *, calendar: Calendar) -> Purchase:
    """Give what tells a pending payment from others."""
    at = None if data.booked is not None or event.at % DAY == 0 else event.at
    said = " ".join(_said(data).casefold().split())
    return Purchase(data.account, data.currency, data.amount_minor, event.day(calendar), at, said, data.reference)


def _said(data: Movement) -> str:
    return " ".join(text for text in (data.counterparty, data.merchant, data.text) if text)


def each_purchase(pending: Iterable[Pending]) -> tuple[list[Pending], list[Pending]]:
    """Part pending payments that are not booked: those that stand for a purchase each, and those told again.

    Of payments that agree there are as many purchases as one list tells at most. What is told last stands for it.

    Examples
    --------
    >>> coffee = Purchase("a", "EUR", -450, 100, None, "kiosk", None)
    >>> told = (("p-1", {1}), ("p-2", {2, 3}), ("p-3", {3}))
    >>> some = [Pending(Seen(id, *coffee[:4]), coffee, frozenset(lists)) for id, lists in told]
    >>> [[one.one.id for one in part] for part in each_purchase(some)]
    [['p-3', 'p-2'], ['p-1']]
    """
    same: dict[Purchase, list[Pending]] = {}
    for one in pending:
        same.setdefault(one.purchase, []).append(one)
    each, again = list[Pending](), list[Pending]()
    for some in same.values():
        most = max(Counter(told for one in some for told in one.lists).values())
        first = min(told for one in some for told in one.lists)
        waiting = [one for one in some if not one.is_booked]
        waiting.sort(key=lambda one: (one.counts, max(one.lists), one.one.id), reverse=True)
        left = max(0, most - (len(some) - len(waiting)))
        each += [one._replace(one=one.one._replace(told=first)) for one in waiting[:left]]
        again += waiting[left:]
    return each, again


def has_lapsed(pending: Seen, *, on: int) -> bool:
    """Say whether a payment still pends, though a day of its account is known by which it would be booked.

    Examples
    --------
    >>> waits = Seen("p-1", "a", "EUR", -4_500, 100)
    >>> [has_lapsed(waits, on=day) for day in (101, 114, 115)]
    [False, False, True]
    """
    return on > pending.day + DAYS


def booked_by_now(pending: Iterable[Seen], told: Iterable[Seen], *, earliest: int = -_DAYS_BEFORE) -> dict[str, str]:
    """Give the ids of pending movements that others are, each with the one that it is; the best pairs first.

    Parameters
    ----------
    pending
        What was pending.
    told
        What was told otherwise: booked, or pending under another id. Each is at most one of the pending.
    earliest
        How many days after the pending one another is at least. Where it was told later than the pending one it may
        be three days before it, for banks date bookings back over weekends.

    Examples
    --------
    >>> waits = Seen("p-1", "a", "EUR", -4_500, 100, frozenset({"trattoria", "sole"}))
    >>> booked = Seen("b-9", "a", "EUR", -4_950, 102, frozenset({"trattoria"}))
    >>> booked_by_now([waits], [booked]), booked_by_now([waits], [booked._replace(amount=-9_000)])
    ({'p-1': 'b-9'}, {})
    """
    slots: dict[tuple[str, str], list[Seen]] = {}
    for one in told:
        slots.setdefault((one.account, one.currency), []).append(one)
    for slot in slots.values():
        slot.sort(key=lambda one: one.day)
    pairs: list[tuple[int, int, str, str]] = []
    for before in pending:
        ranked = _ranked(before, slots.get((before.account, before.currency), ()), earliest=earliest)
        of_this = ((rank, abs(later.day - before.day), before.id, later.id) for rank, later in ranked)
        pairs += nsmallest(_CLOSEST, of_this)
    pairs.sort()
    found, taken = dict[str, str](), set[str]()
    for _, _, before_id, later_id in pairs:
        if before_id not in found and later_id not in taken:
            found[before_id] = later_id
            taken.add(later_id)
    return found


def _ranked(before: Seen, told: Sequence[Seen], *, earliest: int) -> Iterator[tuple[int, Seen]]:
    """Give what a pending movement may be by now, and how well it fits: 0 is best."""
    stem = _STEM.fullmatch(before.id)
    at = bisect_left(told, before.day + min(earliest, -_DAYS_BEFORE), key=lambda one: one.day)
    for later in told[at:]:
        if later.day > before.day + _DAYS_BY_ID:
            return
        if later.day < before.day + earliest and later.told <= before.told:
            continue
        goes_on = stem is not None and f"{later.id}:".startswith((f"{stem[1]}:", f"{stem[1]}/"))
        rank = 0 if goes_on else _rank(before, later)
        if rank is not None:
            yield rank, later


def _rank(before: Seen, later: Seen) -> int | None:
    if later.day > before.day + DAYS:
        return None
    named = not before.words.isdisjoint(later.words)
    if before.amount == later.amount:
        return 1 if named else 2
    alike = before.amount != 0 and _LEAST <= later.amount / before.amount <= _MOST
    return 3 if named and alike else None


def is_another(one: Seen, before: Seen) -> bool:
    """Say whether two movements of one id are two: neither amount nor text is the same, or their days lie far apart.

    Some banks begin to count anew in each file, or give the instalments of a purchase one id.

    Examples
    --------
    >>> shop = Seen("7", "a", "BRL", -4_500, 100, text="Loja 1/3")
    >>> is_another(shop._replace(amount=-4_600), shop), is_another(shop._replace(day=131, text="Loja 2/3"), shop)
    (False, True)
    """
    return abs(one.day - before.day) > DAYS or (abs(one.amount) != abs(before.amount) and one.text != before.text)


def told_with_more(fewer: Iterable[Seen], more: Iterable[Seen]) -> set[str]:
    """Give the ids of movements that say nothing but day and amount, where another of that day and amount says more.

    Examples
    --------
    >>> bare = Seen("r-1", "a", "EUR", -450, 100)
    >>> told_with_more([bare, bare._replace(id="r-2")], [bare._replace(id="s-1", words=frozenset({"coffee"}))])
    {'r-1'}
    """
    left: dict[Seen, int] = {}
    for one in more:
        if one.words:
            left[_bare(one)] = left.get(_bare(one), 0) + 1
    found = set[str]()
    for one in sorted(fewer):
        if not one.words and left.get(_bare(one), 0) > 0:
            left[_bare(one)] -= 1
            found.add(one.id)
    return found


class Reissued(NamedTuple):
    """Booked movements that come again under other ids.

    ``names`` gives by the new id the one under which it was kept; what is ``gone`` is told under no id any more.
    """

    names: dict[str, str]
    gone: set[str]


def reissued(kept: Iterable[Seen], told: Sequence[Seen], new: Iterable[Seen]) -> Reissued:
    """Find booked movements to which a bank gives another id each time it is asked.

    What was kept counts as told anew where all that a file tells of its day leaves it out, and tells a movement of the
    same day and amount, with words of it, under an id that is new. Of the first and the last day of a file, which may
    lie within a page, nothing is said. Where several were kept of one that is told, the others are gone.

    Parameters
    ----------
    kept
        What is booked by earlier files, and stands in this one under no id.
    told
        All that this file tells as booked.
    new
        What of that was never told under its id.

    Examples
    --------
    >>> inn = Seen("e-1", "a", "NOK", -46_964, 100, frozenset({"inn"}))
    >>> days = [inn._replace(id=f"d-{day}", day=day) for day in (99, 101)]
    >>> again = inn._replace(id="e-7")
    >>> reissued([inn], [*days, again], [again]), reissued([inn], [again], [again])
    (Reissued(names={'e-7': 'e-1'}, gone=set()), Reissued(names={}, gone=set()))
    """
    days = _days_of(told)
    left: dict[Seen, list[Seen]] = {}
    for one in sorted(kept):
        first, last = days.get(one.account, (one.day, one.day))
        if first < one.day < last:
            left.setdefault(_bare(one), []).append(one)
    names, gone = dict[str, str](), set[str]()
    for one in sorted(new, key=lambda one: (one.day, one.id)):
        alike = [before for before in left.get(_bare(one), ()) if _share_words(one, before)]
        if alike:
            chosen = max(alike, key=lambda before: (before.text == one.text, before.words == one.words))
            names[one.id] = chosen.id
            left[_bare(one)].remove(chosen)
            gone |= {before.id for before in alike}
    return Reissued(names, gone - set(names.values()))


class WholeFile:
    """What one file tells as booked, where it tells all of the days within it.

    Examples
    --------
    >>> inn = Seen("t-1", "a", "EUR", -4_500, 100, text="Inn")
    >>> days = [inn._replace(id=f"d-{day}", amount=-100, day=day) for day in (99, 101)]
    >>> hotel = inn._replace(amount=-3_100, text="Hotel")
    >>> WholeFile([*days, hotel]).corrects(hotel, inn), WholeFile([*days, hotel, inn]).corrects(hotel, inn)
    (True, False)
    """

    def __init__(self, told: Sequence[Seen]) -> None:
        self._days = _days_of(told)
        self._told = {_bare(one) for one in told}

    def corrects(self, one: Seen, before: Seen) -> bool:
        """Say whether what is told under the id of a movement is that movement: the file leaves it out of its day."""
        first, last = self._days.get(before.account, (before.day, before.day))
        is_left_out = first < before.day < last and _bare(before) not in self._told
        return is_left_out and one.account == before.account and abs(one.day - before.day) <= _DAYS_BEFORE


def _days_of(told: Iterable[Seen]) -> dict[str, tuple[int, int]]:
    """Give the first and the last day on which each account is told of."""
    days: dict[str, tuple[int, int]] = {}
    for one in told:
        first, last = days.get(one.account, (one.day, one.day))
        days[one.account] = min(first, one.day), max(last, one.day)
    return days


def _share_words(one: Seen, other: Seen) -> bool:
    return one.words == other.words or not one.words.isdisjoint(other.words)


def _bare(one: Seen) -> Seen:
    return one._replace(id="", words=frozenset(), text="", told=0)

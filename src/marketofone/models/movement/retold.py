"""Which movements are told once more under another id: pending ones that are booked now, and entries told with more.

A bank that books what was pending often gives it another id, another amount (a tip, a rate of exchange) and a later
day. So it is found by what stays: an id that goes on, the same amount, the other side. A pending payment that is taken
for another one by chance is missing until it is booked; one that stays beside its booking would count twice for ever.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from typing import NamedTuple

from marketofone.domain.event import Event
from marketofone.domain.moment import Calendar
from marketofone.domain.money_events import Movement

DAYS = 14
"""How long after it was first told a pending payment may be booked under another id."""
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


def seen(event: Event, data: Movement, *, calendar: Calendar, told: int = 0) -> Seen:
    """Give a movement by what is compared."""
    said = " ".join(text for text in (data.counterparty, data.merchant, data.text) if text)
    words = frozenset(_WORD.findall(said.casefold()))
    return Seen(event.id, data.account, data.currency, data.amount_minor, event.day(calendar), words, said, told)


def may_be_booked_yet(pending: Seen, *, on: int) -> bool:
    """Say whether what is booked on a day may still be a payment that was pending.

    Examples
    --------
    >>> waits = Seen("p-1", "a", "EUR", -4_500, 100)
    >>> [may_be_booked_yet(waits, on=day) for day in (101, 114, 115)]
    [True, True, False]
    """
    return on <= pending.day + (DAYS if _STEM.fullmatch(pending.id) is None else _DAYS_BY_ID)


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
    days: dict[str, tuple[int, int]] = {}
    for one in told:
        first, last = days.get(one.account, (one.day, one.day))
        days[one.account] = min(first, one.day), max(last, one.day)
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


def _share_words(one: Seen, other: Seen) -> bool:
    return one.words == other.words or not one.words.isdisjoint(other.words)


def _bare(one: Seen) -> Seen:
    return one._replace(id="", words=frozenset(), text="", told=0)

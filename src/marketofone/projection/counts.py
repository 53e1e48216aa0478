"""What entries add to the bank's counts: when events arrived, what they are about, and what no rule told of a movement.

A count has a name, in which words are separated by a blank:

========================================  ======================================================================
``arrived SOURCE VERDICT DAY``            events that were recorded on a day (UTC)
``about SOURCE MONTH``                    events, by the month they are about
``newest SOURCE DAY``                     entries of whose events the newest is about a day
``movements SOURCE HOW MONTH``            movements that are kept, by how far it is told what they are
``untold LOOKS``                          movements of which no nature or no category is told, by what they look like
``category WORD``                         words of producers for a category that no rule knows
``found SOURCE``                          what movements turned out to be later; these events arrive from nowhere
``events.VERDICT``                        all of them
``charged ACTION DAY``                    contacts that were taken from the budget of an action for a day (the bank's)
========================================  ======================================================================

A count rests in clear and stays in backups, so no name of one holds what a person wrote: codes stand as they are, of
texts only how they are shaped. Everything is determined by the entries alone, whatever the models of a release know:
so a verification counts again and compares, and an erasure takes away what only its entries explain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import KINDS, MOVEMENTS, UNDERSTANDING
from marketofone.domain.fields import Nature
from marketofone.domain.moment import DAY, Day, Instant, date_of
from marketofone.domain.money_events import Movement
from marketofone.domain.reading import MovementReading
from marketofone.projection.folding import movement_reading
from marketofone.projection.records import (
    ADMITTED,
    GAP,
    REFUSED,
    DecisionRecord,
    IdentityRecord,
    IngestRecord,
    KeptEvent,
)
from marketofone.store.counting import dated
from marketofone.store.ports import Entry

COUNTED: Final = "counted 1"
"""Stands among the counts of a bank whose entries all were counted by these rules."""
CHARGED: Final = "charged "
VERDICT_COUNTS: Final = {ADMITTED: "events.admitted", REFUSED: "events.refused", GAP: "events.gap"}
VERDICTS: Final = {verdict: name.removeprefix("events.") for verdict, name in VERDICT_COUNTS.items()}
TOLD, UNCATEGORISED, UNKNOWN = "told", "uncategorised", "unknown"
"""How far it is told what a movement is: far enough, all but the category, nothing."""

_FOUND = "found"
_MONTH = r"\d{4}-\d{2}"
_DAY = rf"{_MONTH}-\d{{2}}"
_SORTED: frozenset[Nature] = frozenset({"spending", "refund"})
"""Natures that have a category."""
_BANK_CODE = re.compile(r"[A-Z]{4}(-[A-Z]{4}){0,2}|[A-Z]?[0-9]{2,3}")
_PURPOSE = re.compile(r"[A-Z]{4}")
_CODE = re.compile(r"[A-Z]{2,24}([_.-][A-Z]{1,24}){1,4}|[a-z]{2,24}(_[a-z]{1,24}){1,4}")
"""Words that are joined as programs join them: a person writes a blank."""
_MOST_WORDS = 4
_NAME = re.compile(
    rf"{COUNTED}|letters|events\.(admitted|refused|gap)|found \w+|arrived \w+ (admitted|refused|gap) {_DAY}"
    rf"|about \w+ {_MONTH}|newest \w+ {_DAY}|movements \w+ ({TOLD}|{UNCATEGORISED}|{UNKNOWN}) {_MONTH}"
    rf"|untold money (in|out), .+|category .+|charged \S+ {_DAY}"
)


class Told(NamedTuple):
    """How far it is told what a movement is, empty of what is none, and under which names the rest is counted."""

    how: str = ""
    missing: tuple[str, ...] = ()


NO_MOVEMENT = Told()
_ENOUGH = Told(TOLD)

Sort = tuple[str, int, int, str]
"""Source, verdict, the day (UTC) that events are about, and how far they are told."""


class Added(NamedTuple):
    """What a unit of work adds to counts: whatever the day, and entry by entry on the day on which it is recorded."""

    counts: dict[str, int]
    daily: list[Mapping[str, int]]


def told_of(data: Movement, said: MovementReading) -> Told:
    """Say how far it is told what a movement is, by its producer and by what it was read as.

    Examples
    --------
    >>> told_of(Movement(account="a", amount_minor=-900, currency="EUR", mcc="0001"), MovementReading())
    Told(how='unknown', missing=('untold money out, MCC 0001, no text',))
    """
    nature = data.nature or said.nature
    if data.amount_minor == 0 or (nature is not None and nature not in _SORTED):
        return _ENOUGH
    word = data.category if said.category is None else None
    foreign = () if word is None else (f"category {_word_shape(word)}",)
    if nature is not None and (said.category or (word and data.nature)):
        return Told(TOLD, foreign)
    return Told(UNCATEGORISED if nature else UNKNOWN, (f"untold {_looks(data)}", *foreign))


def added_by(entries: Iterable[tuple[Sequence[KeptEvent], Sequence[Told]]]) -> Added:
    """Give what entries add together, from the events of each and how far they are told."""
    alone: dict[Sort, int] = {}  # of entries that hold one event: a feed sends thousands of them
    sorts: dict[Sort, int] = {}
    counts: dict[str, int] = {}
    daily: list[Mapping[str, int]] = []
    for events, told in entries:
        if len(events) != 1:
            daily.append(_add_several(_sorted(events, told, counts), sorts, counts))
            continue
        (kept,), (of,) = events, told
        sort = (kept.source, kept.verdict, kept.at // DAY, _FOUND if kept.kind in UNDERSTANDING else of.how)
        alone[sort] = alone.get(sort, 0) + 1
        daily.append(_arrived(sort[0], sort[1], sort[3] != _FOUND))
        for name in of.missing:
            _add(counts, name, 1)
    for each, n in alone.items():
        sorts[each] = sorts.get(each, 0) + n
        if each[3] != _FOUND:
            _add(counts, _newest(each[0], each[2]), n)
    for each, n in sorts.items():
        for name in _names(*each):
            _add(counts, name, n)
    return Added(counts, daily)


def _sorted(events: Sequence[KeptEvent], told: Sequence[Told], counts: dict[str, int]) -> dict[Sort, int]:
    """Count the events of an entry by their sort, and what is missing of them by its name."""
    within: dict[Sort, int] = {}
    for kept, of in zip(events, told, strict=True):
        sort = (kept.source, kept.verdict, kept.at // DAY, _FOUND if kept.kind in UNDERSTANDING else of.how)
        within[sort] = within.get(sort, 0) + 1
        for name in of.missing:
            _add(counts, name, 1)
    return within


def _add_several(within: Mapping[Sort, int], sorts: dict[Sort, int], counts: dict[str, int]) -> dict[str, int]:
    """Add an entry of several events; gives what it adds on the day on which it is recorded."""
    arrived: dict[str, int] = {}
    newest: dict[str, int] = {}
    for sort, n in within.items():
        source, verdict, day, how = sort
        sorts[sort] = sorts.get(sort, 0) + n
        if how != _FOUND:
            newest[source] = max(newest.get(source, day), day)
            for name in _arrived(source, verdict, True):
                _add(arrived, name, n)
    for source, day in newest.items():
        _add(counts, _newest(source, day), 1)
    return arrived


def _add(counts: dict[str, int], name: str, n: int) -> None:
    counts[name] = counts.get(name, 0) + n


def added_by_link(at: int) -> Added:
    """Give what the entry adds by which a key was linked with its customer, or taken back."""
    kind = "identity.linked"
    return added_by([((KeptEvent(ADMITTED, KINDS[kind][1], kind, Instant(at), None),), (NO_MOVEMENT,))])


def charges(charged: Iterable[str]) -> tuple[str, ...]:
    """Give the names of counts that a decision adds to, from what it took from budgets."""
    return tuple(f"{CHARGED}{name}" for name in charged)


def counted(entry: Entry, record: IngestRecord | IdentityRecord | DecisionRecord) -> Counter[str]:
    """Give all that an entry added to the bank's counts."""
    if isinstance(record, DecisionRecord):
        return Counter(charges(record.decision.charged))
    if isinstance(record, IngestRecord):
        added = added_by([(record.events, [_told(kept) for kept in record.events])])
    elif record.own:
        added = added_by_link(entry.at)
    else:
        return Counter()
    return Counter(added.counts | {dated(name, entry.recorded): n for name, n in added.daily[0].items()})


def is_count(name: str) -> bool:
    """Say whether something is counted under a name of this form."""
    return _NAME.fullmatch(name) is not None


def _told(kept: KeptEvent) -> Told:
    if kept.body is None or kept.kind not in MOVEMENTS:
        return NO_MOVEMENT
    data = read_kept(kept.body, kind=kept.kind).data
    return told_of(data, movement_reading(kept)) if isinstance(data, Movement) else NO_MOVEMENT


def _looks(data: Movement) -> str:
    """Say what a movement looks like, without what anybody wrote: its sign, its codes, and whether there is a text."""
    codes = (
        ("MCC", data.mcc, None),
        ("purpose", data.purpose_code, _PURPOSE),
        ("bank code", data.bank_code, _BANK_CODE),
        ("operation", data.operation, _CODE),
    )
    named = [
        f"{title} {code if pattern is None or pattern.fullmatch(code) else 'of its own'}"
        for title, code, pattern in codes
        if code
    ]
    texts = ("text", data.text), ("other side", data.counterparty or data.merchant)
    shown = [name for name, there in texts if there] or ["no text"]
    return ", ".join(("money in" if data.amount_minor > 0 else "money out", *named, *shown))


@lru_cache(maxsize=4_096)
def _word_shape(word: str) -> str:
    """Give a category that is written as a code; of any other how many words it has."""
    if _CODE.fullmatch(word):
        return word
    words = len(word.split())
    return {1: "one word", _MOST_WORDS: f"{_MOST_WORDS} words or more"}.get(min(words, _MOST_WORDS), f"{words} words")


@lru_cache(maxsize=50_000)
def _names(source: str, verdict: int, day: int, how: str) -> tuple[str, ...]:
    every = VERDICT_COUNTS[verdict]
    if how == _FOUND:
        return every, f"found {source}"
    month = f"{date_of(Day(day)):%Y-%m}"
    about = f"about {source} {month}"
    return (every, about, f"movements {source} {how} {month}") if how else (every, about)


@lru_cache(maxsize=50_000)
def _newest(source: str, day: int) -> str:
    return f"newest {source} {date_of(Day(day))}"


@lru_cache(maxsize=1_000)
def _arrived(source: str, verdict: int, arrives: bool) -> Mapping[str, int]:  # noqa: FBT001 - a key of the cache
    """Give what one event adds on the day on which it is recorded; always the same mapping."""
    return {f"arrived {source} {VERDICTS[verdict]}": 1} if arrives else {}

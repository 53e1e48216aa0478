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
========================================  ======================================================================

A count rests in clear and stays in backups, so no name of one holds what a person wrote: codes stand as they are, of
texts only how they are shaped. Everything is determined by the entries alone, whatever the models of a release know:
so a verification counts again and compares, and an erasure takes away what only its entries explain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from marketofone.domain.cloudevents import read_kept
from marketofone.domain.event import KINDS, MOVEMENTS, UNDERSTANDING
from marketofone.domain.fields import Nature
from marketofone.domain.moment import DAY, Day, date_of
from marketofone.domain.money_events import Movement
from marketofone.domain.reading import MovementReading
from marketofone.projection.folding import movement_reading
from marketofone.projection.records import ADMITTED, GAP, REFUSED, IdentityRecord, IngestRecord, KeptEvent
from marketofone.store.counting import dated
from marketofone.store.ports import Entry

COUNTED: Final = "counted 1"
"""Stands among the counts of a bank whose entries all were counted by these rules."""
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
    r"|untold money (in|out), .+|category .+"
)


class Told(NamedTuple):
    """How far it is told what a movement is, empty of what is none, and under which names the rest is counted."""

    how: str = ""
    missing: tuple[str, ...] = ()


NO_MOVEMENT = Told()
_ENOUGH = Told(TOLD)

Sort = tuple[str, int, int, str]
"""Source, verdict, the day (UTC) that events are about, and how far they are told."""


class Holding(NamedTuple):
    """What an entry holds: how many events of each sort, and how often what was not told looks alike."""

    events: Mapping[Sort, int]
    missing: Mapping[str, int]


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


def holding_of(events: Iterable[tuple[KeptEvent, Told]]) -> Holding:
    """Say what events that arrived together hold."""
    sorts: dict[Sort, int] = {}
    missing: dict[str, int] = {}
    for kept, told in events:
        how = _FOUND if kept.kind in UNDERSTANDING else told.how
        sort = (kept.source, kept.verdict, kept.at // DAY, how)
        sorts[sort] = sorts.get(sort, 0) + 1
        for name in told.missing:
            missing[name] = missing.get(name, 0) + 1
    return Holding(sorts, missing)


def counts_of(holding: Holding) -> dict[str, int]:
    """Give what is counted of an entry whatever the day on which it is recorded."""
    counts = dict(holding.missing)
    newest: dict[str, int] = {}
    for (source, verdict, day, how), n in holding.events.items():
        names = _names(source, verdict, day, how)
        for name in names:
            counts[name] = counts.get(name, 0) + n
        if how != _FOUND:
            newest[source] = max(newest.get(source, day), day)
    for source, day in newest.items():
        counts[_newest(source, day)] = 1
    return counts


def daily_counts_of(holding: Holding) -> dict[str, int]:
    """Give what is counted of an entry under the day on which it is recorded."""
    counts: dict[str, int] = {}
    for (source, verdict, _, how), n in holding.events.items():
        if how != _FOUND:
            name = _arrived(source, verdict)
            counts[name] = counts.get(name, 0) + n
    return counts


def holding_of_link(at: int) -> Holding:
    """Say what the entry holds by which a key was linked with its customer, or taken back."""
    return Holding({(KINDS["identity.linked"][1], ADMITTED, at // DAY, ""): 1}, {})


def counted(entry: Entry, record: IngestRecord | IdentityRecord) -> Counter[str]:
    """Give all that an entry added to the bank's counts."""
    if isinstance(record, IdentityRecord):
        if not record.own:
            return Counter()
        holding = holding_of_link(entry.at)
    else:
        holding = holding_of((kept, _told(kept)) for kept in record.events)
    by_day = {dated(name, entry.recorded): n for name, n in daily_counts_of(holding).items()}
    return Counter(counts_of(holding) | by_day)


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
def _arrived(source: str, verdict: int) -> str:
    return f"arrived {source} {VERDICTS[verdict]}"

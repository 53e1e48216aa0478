"""The log of uses: what was read of a person, when, for what, and by whom.

A journal is read backwards and only as far as is asked: instants of a journal never step back, so the entries of a
period stand together, and where they begin is found by halving.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import merge
from typing import NamedTuple

from msgspec import Struct

from marketofone.domain.moment import Calendar, Instant, date_of, text_of
from marketofone.projection import codec
from marketofone.projection.journals import HOLDS_EVENTS
from marketofone.projection.person import Person
from marketofone.projection.records import Scope, UseRecord
from marketofone.services.intake.identity import ever_members
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import Entry, EntryKind, Reader

TELLING: tuple[EntryKind, ...] = (*HOLDS_EVENTS, "decision", "forecast", "outcome", "signs", "use")
"""The kinds of entries that may tell a use."""
_EVENTS: dict[EntryKind, str] = {"ingest": "message", "signal": "message", "amendment": "message"}


class Use(Struct, frozen=True, kw_only=True):
    """One line of the log: on this day, for this purpose, this source was read so often."""

    day: str
    purpose: str
    source: str
    count: int
    last: str


class RecordedUse(Struct, frozen=True, kw_only=True):
    """One reading: when, for what occasion and by whom, which sources for which purposes; how many things it showed.

    ``what`` is ``decided``, ``forecast``, ``outcome``, ``signs``, ``message`` (what was written was read), or the name
    of the question that was asked. ``actor`` is who acted as the journal names them.
    """

    at: Instant
    what: str
    actor: str
    scopes: tuple[Scope, ...]
    shown: int = 0


class SourceUse(Struct, frozen=True, kw_only=True):
    """How often a source was read in a period, and when last."""

    source: str
    count: int
    last: Instant


class OccasionUse(Struct, frozen=True, kw_only=True):
    """How often something was read on one occasion by one actor in a period, and when last."""

    what: str
    actor: str
    count: int
    last: Instant


class DayUse(Struct, frozen=True, kw_only=True):
    """How many readings a day has."""

    day: str
    count: int


class UsesOfPeriod(Struct, frozen=True, kw_only=True):
    """What was read of a person in a period: lines of the log, days, sources (most first), occasions; what was shown.

    ``recorded`` counts entries of the journal, each of which may read several sources. ``began`` is when the first
    entry of the person was recorded.
    """

    lines: tuple[Use, ...]
    days: tuple[DayUse, ...]
    sources: tuple[SourceUse, ...]
    occasions: tuple[OccasionUse, ...]
    recorded: int
    shown: int
    began: Instant


class _Span(NamedTuple):
    """A part of a journal: the entries after one, up to another."""

    owner: Customer
    after: int
    upto: int


def uses(context: AppContext, customer: str, *, days: int) -> list[Use]:
    """Give the log of uses of a person, newest day first, by purpose and source, of the last days that have any.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        return _lines(_last_days(_newest(context, reader, snapshot.person(customer)), snapshot.config.calendar, days))


def uses_of(context: AppContext, reader: Reader, person: Person, *, calendar: Calendar) -> list[Use]:
    """Give the whole log of uses of a person, newest day first, by purpose and source."""
    return _lines(_dated(_newest(context, reader, person), calendar))


def recorded_uses(
    context: AppContext, customer: str, *, since: Instant, until: Instant, purpose: str = "", source: str = ""
) -> list[RecordedUse]:
    """Give the readings of a period, newest first; a purpose or a source, where named, keeps only what is of it.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        return list(_of_period(context, reader, person, since=since, until=until, purpose=purpose, source=source))


def unread(
    context: AppContext, reader: Reader, person: Person, *, purpose: str, sources: Collection[str], since: Instant
) -> set[str]:
    """Give those of some sources that were not read for a purpose since a moment. No more is read than is needed."""
    left = set(sources)
    for one in _newest(context, reader, person, since=since) if left else ():
        left.difference_update(source for of, source in one.scopes if of == purpose)
        if not left:
            break
    return left


def uses_of_period(
    context: AppContext, customer: str, *, since: Instant, until: Instant, purpose: str = "", source: str = ""
) -> UsesOfPeriod:
    """Give what was read from ``since`` up to ``until``, as :func:`recorded_uses` keeps it. Only this period is read.

    Raises
    ------
    UnknownCustomer
    """
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        person = snapshot.person(customer)
        began = min(_first_recorded(reader, owner.subject) for owner in person.members)
        of_period = _of_period(context, reader, person, since=since, until=until, purpose=purpose, source=source)
        found = list(of_period)
    dated = list(_dated(found, snapshot.config.calendar))
    days = Counter(day for day, one in dated if one.scopes)
    return UsesOfPeriod(
        lines=tuple(_lines(dated)),
        days=tuple(DayUse(day=day, count=count) for day, count in days.items()),
        sources=tuple(_by_source(found)),
        occasions=tuple(_by_occasion(found)),
        recorded=sum(bool(one.scopes) for one in found),
        shown=sum(one.shown for one in found),
        began=began,
    )


def _of_period(
    context: AppContext, reader: Reader, person: Person, *, since: Instant, until: Instant, purpose: str, source: str
) -> Iterator[RecordedUse]:
    for one in _newest(context, reader, person, since=since, until=until):
        scopes = tuple(scope for scope in one.scopes if purpose in ("", scope[0]) and source in ("", scope[1]))
        if scopes or (one.shown and not purpose and not source):
            yield RecordedUse(at=one.at, what=one.what, actor=one.actor, scopes=scopes, shown=one.shown)


def _dated(found: Iterable[RecordedUse], calendar: Calendar) -> Iterator[tuple[str, RecordedUse]]:
    return ((date_of(calendar.day_of(one.at)).isoformat(), one) for one in found)


def _last_days(found: Iterable[RecordedUse], calendar: Calendar, days: int) -> Iterator[tuple[str, RecordedUse]]:
    """Give readings, newest first, with their days, until so many days were seen."""
    seen: set[str] = set()
    for day, one in _dated(found, calendar):
        if one.scopes:
            seen.add(day)
        if len(seen) > days:
            return
        yield day, one


def _lines(dated: Iterable[tuple[str, RecordedUse]]) -> list[Use]:
    counts: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], Instant] = {}
    for day, one in dated:
        for purpose, source in one.scopes:
            counts[day, purpose, source] += 1
            last[day, purpose, source] = max(last.get((day, purpose, source), one.at), one.at)
    return [
        Use(day=day, purpose=purpose, source=source, count=count, last=text_of(last[day, purpose, source]))
        for (day, purpose, source), count in sorted(counts.items(), reverse=True)
    ]


def _by_source(found: Iterable[RecordedUse]) -> list[SourceUse]:
    """Count the readings of each source; one that reads it for several purposes counts once."""
    moments: dict[str, list[Instant]] = {}
    for one in found:
        for source in dict.fromkeys(source for _, source in one.scopes):
            moments.setdefault(source, []).append(one.at)
    counted = [SourceUse(source=source, count=len(at), last=max(at)) for source, at in moments.items()]
    return sorted(counted, key=lambda use: (-use.count, use.source))


def _by_occasion(found: Iterable[RecordedUse]) -> list[OccasionUse]:
    moments: dict[tuple[str, str], list[Instant]] = {}
    for one in found:
        if one.scopes:
            moments.setdefault((one.what, one.actor), []).append(one.at)
    counted = [
        OccasionUse(what=what, actor=actor, count=len(at), last=max(at)) for (what, actor), at in moments.items()
    ]
    return sorted(counted, key=lambda use: (-use.count, use.what, use.actor))


def _newest(
    context: AppContext,
    reader: Reader,
    person: Person,
    *,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Iterator[RecordedUse]:
    """Give the readings of a person, newest first, also those of an id that was one person with them, while it was."""
    spans = [_Span(one, 0, person.states[one.subject].n) for one in person.members]
    for subject in sorted(_former(reader, person)):
        owner = context.keys.customer(subject)
        if owner is not None:
            spans += _while_together(reader, owner, person)
    within = (_within(reader, span, since=since, until=until) for span in spans)
    return merge(*(_recorded(reader, span) for span in within), key=lambda one: -one.at)


def _recorded(reader: Reader, span: _Span) -> Iterator[RecordedUse]:
    if span.after < span.upto:
        for entry in reader.entries(
            span.owner.subject, kinds=TELLING, after=span.after, upto=span.upto, newest_first=True
        ):
            yield read_use(entry, span.owner)


def read_use(entry: Entry, owner: Customer) -> RecordedUse:
    """Give what an entry of one of these kinds tells of a use."""
    if entry.kind == "decision":
        made = codec.read_decision_uses(entry, box=owner.box)
        return RecordedUse(at=entry.recorded, what="decided", actor=made.actor, scopes=made.uses, shown=made.shown)
    record = codec.read(entry, box=owner.box)
    what = record.what if isinstance(record, UseRecord) else _EVENTS.get(entry.kind, entry.kind)
    return RecordedUse(at=entry.recorded, what=what, actor=record.actor, scopes=record.uses)


def _within(reader: Reader, span: _Span, *, since: Instant | None, until: Instant | None) -> _Span:
    after, upto = span.after, span.upto
    if since is not None:
        after = _last_before(reader, span, moment=since)
    if until is not None:
        upto = _last_before(reader, span._replace(after=after), moment=until)
    return _Span(span.owner, after, upto)


def _last_before(reader: Reader, span: _Span, *, moment: Instant) -> int:
    """Give the last entry of a span that was recorded before a moment; where there is none, the one before the span."""
    low, high = span.after, span.upto
    while low < high:
        middle = (low + high + 1) // 2
        (entry,) = reader.entries(span.owner.subject, after=middle - 1, upto=middle)
        low, high = (middle, high) if entry.recorded < moment else (low, middle - 1)
    return low


def _first_recorded(reader: Reader, subject: int) -> Instant:
    return next(iter(reader.entries(subject, after=0, upto=1))).recorded


def _former(reader: Reader, person: Person) -> set[int]:
    """Give the ids that were one person with these, and are no more."""
    each = (ever_members(reader, one, upto=person.states[one.subject].n) for one in person.members)
    return set[int]().union(*each) - person.states.keys()


def _while_together(reader: Reader, owner: Customer, person: Person) -> Iterator[_Span]:
    """Give the parts of another id's journal in which it was one person with these: it was read of all of them."""
    began: int | None = None
    for entry in reader.entries(owner.subject, kinds=("identity",)):
        joined = not person.states.keys().isdisjoint(codec.read(entry, box=owner.box).members)
        if began is not None and not joined:
            yield _Span(owner, began, entry.n)
        began = (entry.n if began is None else began) if joined else None
    if began is not None:
        yield _Span(owner, began, reader.head(owner.subject).n)

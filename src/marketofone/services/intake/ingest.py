"""Arrive, pass the gate, be understood, be appended: judged before the lock, in durable pieces.

1. Rows are parsed. What is malformed becomes a dead letter: shape and reason; the row itself stays only where the bank
   may keep it.
2. Events about one customer become one entry of that customer's journal. Nothing is folded here.
3. A piece of events is one unit of work. Where a consent or a link moved meanwhile, or an event is known already, only
   the customers concerned are judged again.
4. Links between customers are units of their own (``identity.py``), in the order of the batch.
5. What is booked on a joint account goes on to its other holders (``joint_accounts.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Self

import msgspec
from msgspec import Struct

from marketofone.domain.cloudevents import cloudevent
from marketofone.domain.errors import MalformedEvent, Moved, UnknownCustomer
from marketofone.domain.errors import Refused as TurnedAway
from marketofone.domain.event import ACCOUNT_OPENED, REMOVED, Event, IdentityLinked, IdentityUnlinked
from marketofone.domain.moment import Instant
from marketofone.features.state import MONEY
from marketofone.projection import codec
from marketofone.projection.counts import added_by
from marketofone.projection.records import IngestRecord, LettersRecord
from marketofone.services.intake.addressing import addressed
from marketofone.services.intake.arrivals import Arrival, Waiting, arrival_of, each_once, size_of, without_known
from marketofone.services.intake.identity import IDENTIFYING, change_link
from marketofone.services.intake.joint_accounts import Asked, copies, settle
from marketofone.services.intake.judging import Judged, judge
from marketofone.services.intake.letters import dead_letters, digest_of
from marketofone.services.runtime.app_context import AppContext, attempts
from marketofone.store.ports import BANK, Expectation, Head, Unit


class EventOfRow(Struct, frozen=True):
    """An event that was made of a row, and what writes the row as it is kept, should the event be turned away."""

    event: Event
    write: Callable[[], bytes]

    @property
    def raw(self) -> bytes:
        """The row as it is kept."""
        return self.write()


Incoming = Event | EventOfRow | bytes | dict[str, object] | MalformedEvent
MAX_BATCH = 10_000
PIECE, SHORT_PIECE = 2_000, 250
"""Events in one unit of work: a long one writes few pages for each event, a short one lets others in soon."""

_ENCODE = msgspec.json.Encoder().encode
NO_HOLDER = MalformedEvent(
    field="subject",
    shape="an account of which no holder is known",
    fix="send account.opened about its holder first, or stop sending what is booked on it",
)
FORGOTTEN = MalformedEvent(field="subject", shape="erased", fix="stop sending events about who was forgotten")


class IngestReport(Struct, frozen=True, kw_only=True):
    """What became of a batch: ``rows = events + dead_letters + duplicates``; refused ones are events as well."""

    rows: int = 0
    events: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    refused: int = 0
    gaps: int = 0

    def __add__(self, other: IngestReport) -> Self:
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class BatchReport(IngestReport, frozen=True, kw_only=True):
    """What became of one batch, the entries that prove it, each with its journal, place and hash, and what was bad.

    ``refusals`` say why events may not be used, each with how many.
    """

    entries: tuple[Head, ...] = ()
    faults: tuple[tuple[Incoming, MalformedEvent], ...] = ()
    refusals: tuple[tuple[str, int], ...] = ()


def ingest(context: AppContext, incoming: Sequence[Incoming], *, now: Instant) -> BatchReport:
    """Take a batch of events in: each becomes an event, a duplicate or a dead letter, and nothing is lost.

    Durable when it returns. Late events are taken like all others.
    """
    arrivals: list[Arrival] = []
    faults: list[tuple[Incoming, MalformedEvent]] = []
    for item in context.right_of_way.paced(incoming):
        try:
            arrivals.append(_parse(context, item, now=now))
        except MalformedEvent as error:
            faults.append((item, error))
    report = _keep_letters(context, faults, now=now) if faults else BatchReport()
    for identifies, some in groupby(arrivals, key=lambda one: one.event.kind in IDENTIFYING):
        if identifies:
            report += _links(context, some, now=now)
        else:
            for piece in _pieces(context, list(some)):
                report += _take_and_pass_on(context, piece, now=now)
    return report


def _take_and_pass_on(context: AppContext, arrivals: list[Arrival], *, now: Instant) -> BatchReport:
    """Append a piece, and what it says of joint accounts to the journals of their other holders; a row counts once.

    Who holds an account is told first, wherever it stands in the piece.
    """
    opening = [arrival for arrival in arrivals if arrival.event.kind == ACCOUNT_OPENED]
    if opening and len(opening) < len(arrivals):
        others = [arrival for arrival in arrivals if arrival.event.kind != ACCOUNT_OPENED]
        return _take_and_pass_on(context, opening, now=now) + _take_and_pass_on(context, others, now=now)
    to, asked = addressed(context, arrivals, now=now), Asked()
    arrivals = to.arrivals
    report = BatchReport(rows=to.done, duplicates=to.done)
    if to.orphaned:
        report += _keep_letters(context, [(NO_HOLDER, NO_HOLDER)] * to.orphaned, now=now)
    report += _take(context, arrivals, now=now, asked=asked)
    if asked.accounts or asked.removing:
        settle(context, asked, now=now)
    if asked.sharing or to.beside:
        shared = copies(context, arrivals, sharing=asked.sharing) if asked.sharing else []
        for piece in _pieces(context, [*to.beside, *shared]):
            passed_on = _take(context, piece, now=now, asked=Asked())
            report += BatchReport(entries=passed_on.entries)
    return report


def _parse(context: AppContext, item: Incoming, *, now: Instant) -> Arrival:
    if isinstance(item, MalformedEvent):
        raise item
    return arrival_of(context, item if isinstance(item, bytes) else _encoded(item), now=now)


def _encoded(item: Event | EventOfRow | dict[str, object]) -> bytes:
    item = item.event if isinstance(item, EventOfRow) else item
    try:
        return _ENCODE(cloudevent(item) if isinstance(item, Event) else item)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedEvent(field="event", shape="nothing that JSON can say", fix="send CloudEvents JSON") from error


def _keep_letters(
    context: AppContext, faults: Sequence[tuple[Incoming, MalformedEvent]], *, now: Instant
) -> BatchReport:
    with context.store.read() as reader:
        letters = dead_letters(context, context.snapshot(reader), faults, now=now)
    record = LettersRecord(context.actor, tuple(map(digest_of, letters)))
    draft = codec.draft("letters", record, subject=BANK, box=context.keys.bank, at=now)
    heads = context.store.commit(Unit(now=now, drafts=[draft], letters=letters, tallies={"letters": len(letters)}))
    return BatchReport(rows=len(letters), dead_letters=len(letters), entries=tuple(heads), faults=tuple(faults))


def _links(context: AppContext, arrivals: Iterable[Arrival], *, now: Instant) -> BatchReport:
    report = BatchReport()
    for arrival in arrivals:
        data = arrival.event.data
        assert isinstance(data, IdentityLinked | IdentityUnlinked)  # noqa: S101 - IDENTIFYING names their kinds
        try:
            heads = change_link(context, arrival.event, arrival.body, now=now)
        except (TurnedAway, MalformedEvent) as error:  # forgotten a moment ago, or one person would have too many ids
            fault = error if isinstance(error, MalformedEvent) else FORGOTTEN
            row = _ENCODE(cloudevent(arrival.event))
            report += _keep_letters(context, [(row, fault)], now=now)
            continue
        report += BatchReport(rows=1, events=int(bool(heads)), duplicates=int(not heads), entries=tuple(heads))
    return report


def _pieces(context: AppContext, arrivals: list[Arrival]) -> Iterator[list[Arrival]]:
    while arrivals:
        size = SHORT_PIECE if context.right_of_way.is_asked else PIECE
        yield arrivals[:size]
        arrivals = arrivals[size:]


def _take(context: AppContext, arrivals: list[Arrival], *, now: Instant, asked: Asked) -> BatchReport:
    """Append a piece; who moved meanwhile is judged again, and all others are appended without them."""
    by_name: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        by_name.setdefault(arrival.event.customer, []).append(arrival)
    customers = context.keys.enrol(by_name, now=now)
    late = [one for name, some in by_name.items() if name not in customers for one in some]  # they were forgotten
    waiting, equal, again = each_once({one.subject: (one, by_name[name]) for name, one in customers.items()})
    report = BatchReport(rows=len(arrivals) - len(again), duplicates=equal)
    report += _take_fresh(context, waiting, late, now=now, asked=asked)
    return report + _take(context, again, now=now, asked=asked) if again else report


def _take_fresh(
    context: AppContext, waiting: Waiting, late: list[Arrival], *, now: Instant, asked: Asked
) -> BatchReport:
    """Append arrivals that differ; those that are ``late`` are about customers who were forgotten."""
    report = BatchReport()
    for _ in attempts():
        waiting, more = _without_forgotten(context, waiting, now=now)
        report, late = _with_late(context, report, late + more, now=now), []
        if not waiting:
            return report
        try:
            judged, expects = judge(context, waiting.values(), now=now, asked=asked)
        except UnknownCustomer:  # one of them is being forgotten, and is left out the next time
            continue
        fresh = _not_kept_before(context, judged, waiting)
        if size_of(fresh) < size_of(waiting):
            report += BatchReport(duplicates=size_of(waiting) - size_of(fresh))
            if not fresh:
                return report
            waiting = fresh
            continue
        appended, moved = _commit(context, judged, expects, now=now)
        report += _counted([one for one, _ in appended], entries=[head for _, head in appended])
        if not moved:
            return report
        waiting = {subject: waiting[subject] for subject in moved}
        fresh = without_known(context, waiting, corrected=True)
        report += BatchReport(duplicates=size_of(waiting) - size_of(fresh))
        if not fresh:
            return report
        waiting = fresh
    raise AssertionError("attempts end with an error")


def _without_forgotten(context: AppContext, waiting: Waiting, *, now: Instant) -> tuple[Waiting, list[Arrival]]:
    """Turn away what arrives about customers who are being forgotten; gives the others, and what is turned away."""
    barred = context.keys.barred([customer.name for customer, _ in waiting.values()], now=now)
    if not barred:
        return waiting, []
    late = [one for customer, arrivals in waiting.values() if customer.name in barred for one in arrivals]
    return {of: one for of, one in waiting.items() if one[0].name not in barred}, late


def _with_late(context: AppContext, report: BatchReport, late: list[Arrival], *, now: Instant) -> BatchReport:
    """Keep how many events of customers who were forgotten arrived; their rows are counted already.

    What a removal asks for is done already.
    """
    letters = sum(arrival.event.kind != REMOVED for arrival in late)
    report += BatchReport(duplicates=len(late) - letters)
    if not letters:
        return report
    kept = _keep_letters(context, [(FORGOTTEN, FORGOTTEN)] * letters, now=now)
    return report + msgspec.structs.replace(kept, rows=0)


def _commit(
    context: AppContext, judged: Sequence[Judged], expects: dict[int, Expectation], *, now: Instant
) -> tuple[list[tuple[Judged, Head]], frozenset[int]]:
    """Append what can be appended; gives it with its entries, and the subjects that moved."""
    late: frozenset[int] = frozenset()
    while judged:
        added = added_by((one.record.events, one.told) for one in judged)
        unit = Unit(
            now=now,
            expects=expects,
            drafts=[one.draft for one in judged],
            together={one.draft.subject: one.before.members for one in judged if one.before.members},
            tallies=added.counts,
            daily=added.daily,
            links=[link for one in judged for link in one.links],
            drop=[place for one in judged for place in one.drop],
        )
        try:
            heads = context.store.commit(unit)
        except Moved as error:
            blocked = _concerned(judged, error.subjects)
            late |= blocked
            judged = [one for one in judged if one.draft.subject not in blocked]
            expects = {subject: held for subject, held in expects.items() if subject not in error.subjects}
        else:
            appended = list(zip(judged, heads, strict=True))
            for one, head in context.right_of_way.paced(appended):
                context.follow(one.before, one.draft, head, one.record)
                if one.left_open:  # not before it is kept: a look that came first would not see it
                    context.left_open.add(one.draft.subject)
            _look_ahead_soon(context, judged)
            return appended, late
    return [], late


def _look_ahead_soon(context: AppContext, judged: Sequence[Judged]) -> None:
    """Say whose money moved, where somebody looks ahead beside the way, for those who were looked ahead for before."""
    if context.looks_ahead is not None:
        of_money = (one for one in judged if not MONEY.isdisjoint(event.source for event in one.record.events))
        moved = {one.draft.subject for one in of_money}
        if moved:
            context.money_moved |= moved
            context.looks_ahead()


def _concerned(judged: Sequence[Judged], moved: frozenset[int]) -> frozenset[int]:
    """Give the journals whose verdicts rest on journals that moved."""
    if BANK in moved:
        return frozenset(one.draft.subject for one in judged)
    return frozenset(
        one.draft.subject for one in judged if one.draft.subject in moved or not moved.isdisjoint(one.before.members)
    )


def _not_kept_before(context: AppContext, judged: Sequence[Judged], waiting: Waiting) -> Waiting:
    """Leave out what was kept while it was allowed, and is refused now that it is sent again: it is known."""
    refused = {one.draft.subject for one in judged if one.before.n and one.refused + one.gaps and _loses(one.record)}
    if not refused:
        return dict(waiting)
    fresh = without_known(context, {subject: waiting[subject] for subject in waiting if subject in refused})
    return {subject: some for subject, some in waiting.items() if subject not in refused} | fresh


def _loses(record: IngestRecord) -> bool:
    """Say whether the content of an event is not kept."""
    return any(event.body is None for event in record.events)


def _counted(judged: Sequence[Judged], *, entries: Iterable[Head] = ()) -> BatchReport:
    return BatchReport(
        events=sum(len(one.record.events) for one in judged),
        refused=sum(one.refused for one in judged),
        gaps=sum(one.gaps for one in judged),
        entries=tuple(entries),
        refusals=tuple(pair for one in judged for pair in one.refusals.items()),
    )

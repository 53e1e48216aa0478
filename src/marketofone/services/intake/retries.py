"""Dead letters are tried again: what can be read by now is taken in, and what cannot be read stays as it is.

Events that were sent are read as they are. Rows of tables are read by a reader that is given, through the mappings of
today. A movement of a row that is kept already is never corrected by it: without its file a row does not know whether
another one has its id, and the file, when it is imported again, does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import asdict

from marketofone.domain.cloudevents import cloudevent
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant
from marketofone.projection.kept_rows import KeptRow
from marketofone.services.intake.arrivals import arrival_of, kept_before
from marketofone.services.intake.imports import Reason, Reasons
from marketofone.services.intake.ingest import IngestReport
from marketofone.services.intake.letters import opened_letters
from marketofone.services.runtime.app_context import AppContext

ReadAgain = Callable[[Sequence[KeptRow]], Iterable[tuple[int, Event | MalformedEvent]]]
"""Reads kept rows of tables, each as an event or with why it is none, and with its line."""

_ENCODE = msgspec.json.Encoder().encode
_NO_READER = MalformedEvent(
    field="row", shape="a row of a table", fix="try it again with `marketofone letters retry`, which reads tables"
)


class Retried(IngestReport, frozen=True, kw_only=True):
    """What became of the rows that can be read by now, and how many cannot, with the reasons.

    ``without_row`` counts letters of which no row is kept, or none that may be opened now.
    """

    still_bad: int = 0
    without_row: int = 0
    reasons: tuple[Reason, ...] = ()


def retry(
    context: AppContext,
    take: Callable[[Iterable[bytes]], IngestReport],
    *,
    read: ReadAgain | None,
    now: Instant,
) -> Retried:
    """Take in what can be read by now of the rows of dead letters; what is in already is a duplicate."""
    letters = opened_letters(context, now=now)
    reasons = Reasons()
    sent = [row for row in letters.sent if _can_arrive(context, row, now=now, reasons=reasons)]
    of_tables: list[tuple[Event, bytes]] = []
    for line, told in (_unread if read is None else read)(letters.of_tables):
        if isinstance(told, MalformedEvent):
            reasons.add(told, line=line)
            continue
        body = _ENCODE(cloudevent(told))
        if _can_arrive(context, body, now=now, reasons=reasons, line=line):
            of_tables.append((told, body))
    fresh = _without_known(context, of_tables)
    known = len(of_tables) - len(fresh)
    report = take([*sent, *fresh]) + IngestReport(rows=known, duplicates=known)
    told_why = reasons.told()
    return Retried(
        **asdict(report),
        still_bad=sum(reason.rows for reason in told_why),
        without_row=letters.without_row,
        reasons=told_why,
    )


def _can_arrive(context: AppContext, body: bytes, *, now: Instant, reasons: Reasons, line: int | None = None) -> bool:
    try:
        arrival_of(context, body, now=now)
    except MalformedEvent as why:
        reasons.add(why, line=line)
        return False
    return True


def _unread(rows: Sequence[KeptRow]) -> Iterator[tuple[int, MalformedEvent]]:
    return ((row.line, _NO_READER) for row in rows)


def _without_known(context: AppContext, events: Sequence[tuple[Event, bytes]]) -> list[bytes]:
    """Leave out events that are kept already."""
    of_each: dict[str, list[Event]] = {}
    for event, _ in events:
        of_each.setdefault(event.customer, []).append(event)
    kept = {customer: kept_before(context, some, customer=customer) for customer, some in of_each.items()}
    return [body for event, body in events if event.key not in kept[event.customer]]

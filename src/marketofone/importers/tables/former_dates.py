"""Rows that were read with day and month the other way round: once the mapping is mended, they are taken back.

A row without an id is known by what it says, its date too. So rows of a mended mapping are other movements than before,
and those before must go. They are those that the same file tells in the other order of dates. They go only where the
journal has nearly all of them, and none of those that the file tells now: rent that was paid on 4 March and on 3 April
proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from marketofone.domain.event import REMOVED, Event, EventRemoved
from marketofone.importers.rows import Origin, Row, events_of
from marketofone.importers.tables.dates import Order
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import Mapping
from marketofone.importers.tables.tabular import SAMPLE_ROWS, Table

_OTHER: dict[Order, Order] = {"DMY": "MDY", "MDY": "DMY"}
_FEWEST, _NEARLY_ALL = 3, 0.8

Kept = Callable[[Collection[Event]], set[bytes]]
"""Gives the keys of those events that the journal has."""


def removals(table: Table, mapping: Mapping, *, origin: Origin, kept: Kept) -> list[Event]:
    """Give what takes back the rows of a table that came in with day and month the other way round."""
    other = _OTHER.get(mapping.date)
    if other is None:
        return []
    former = replace(mapping, date=other)
    now, before = (_by_key(table, one, origin=origin, most=SAMPLE_ROWS) for one in (mapping, former))
    only_before = [event for key, event in before.items() if key not in now]
    if len(only_before) < _FEWEST or len(kept(only_before)) < _NEARLY_ALL * len(only_before):
        return []
    if kept([event for key, event in now.items() if key not in before]):
        return []
    now, before = (_by_key(table, one, origin=origin) for one in (mapping, former))
    gone = [event for key, event in before.items() if key not in now]
    known = kept(gone)
    return [_removal(event) for event in gone if event.key in known]


def _by_key(table: Table, mapping: Mapping, *, origin: Origin, most: int | None = None) -> dict[bytes, Event]:
    rows = MappedRows(table, mapping, elsewhere=origin.institution is not None)
    told = events_of(_no_accounts(islice(rows, most)), origin=origin)
    return {one.key: one for one in told if isinstance(one, Event)}


def _no_accounts(rows: Iterable[object]) -> Iterator[Row]:
    return (row for row in rows if isinstance(row, Row) and row.what != "account")


def _removal(event: Event) -> Event:
    data = EventRemoved(type=event.kind, id=event.id)
    return Event(
        id=f"{event.id}:removed",
        producer=event.producer,
        kind=REMOVED,
        customer=event.customer,
        at=event.at,
        data=data,
    )

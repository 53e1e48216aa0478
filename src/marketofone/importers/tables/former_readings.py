"""Rows that were read with another order of dates, or another decimal sign: once the mapping is mended, they go.

A row without an id is known by what it says, its date and amount too. So rows of a mended mapping are other movements
than before, and those before must be taken back. They are those that the same lines of the file tell when they are read
the other way. They go only where the journal has nearly all of them, and none of those that these lines tell now: rent
that was paid on 4 March and on 3 April proves nothing. Nor does a line that only the mended mapping can read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from msgspec.structs import replace

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Event, removal_of
from marketofone.importers.numbered import NumberedRows
from marketofone.importers.rows import Origin, Row, events_of
from marketofone.importers.tables.amounts import DecimalSign
from marketofone.importers.tables.dates import Order
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import Mapping
from marketofone.importers.tables.tabular import SAMPLE_ROWS, Table

_ORDERS: dict[Order, Order] = {"DMY": "MDY", "MDY": "DMY"}
_SIGNS: dict[DecimalSign, DecimalSign] = {".": ",", ",": "."}
_FEWEST, _NEARLY_ALL = 3, 0.8

Kept = Callable[[Collection[Event]], set[bytes]]
"""Gives the keys of those events that the journal has."""
_ByLine = dict[int, list[Event]]


def removals(table: Table, mapping: Mapping, *, origin: Origin, kept: Kept) -> list[Event]:
    """Give what takes back the rows of a table that came in as another order of dates or decimal sign reads them."""
    now = _by_line(table, mapping, origin=origin, most=SAMPLE_ROWS)
    for former in _formers(mapping):
        before = _by_line(table, former, origin=origin, most=SAMPLE_ROWS)
        if _came_in(before, now=now, kept=kept):
            now, before = (_by_line(table, one, origin=origin) for one in (mapping, former))
            gone = _only_in(before, now)
            known = kept(gone)
            return [removal_of(event, id=f"{event.id}:removed") for event in gone if event.key in known]
    return []


def _formers(mapping: Mapping) -> Iterator[Mapping]:
    order = _ORDERS.get(mapping.date)
    if order is not None:
        yield replace(mapping, date=order)
    yield replace(mapping, decimal=_SIGNS[mapping.decimal])


def _came_in(before: _ByLine, *, now: _ByLine, kept: Kept) -> bool:
    """Say whether the journal has what a former mapping told, and nothing of what its lines tell now."""
    gone = _only_in(before, now)
    if len(gone) < _FEWEST or len(kept(gone)) < _NEARLY_ALL * len(gone):
        return False
    return not kept(_only_in({line: now[line] for line in before.keys() & now.keys()}, before))


def _only_in(some: _ByLine, others: _ByLine) -> list[Event]:
    known = {event.key for events in others.values() for event in events}
    return list({event.key: event for events in some.values() for event in events if event.key not in known}.values())


def _by_line(table: Table, mapping: Mapping, *, origin: Origin, most: int | None = None) -> _ByLine:
    rows = MappedRows(table, mapping, elsewhere=origin.institution is not None)
    numbered = NumberedRows(_no_accounts(islice(rows, most)), elsewhere=False)
    found: _ByLine = {}
    with suppress(MalformedDocument):  # where it breaks off, what is there counts
        for event in events_of(numbered, origin=origin):
            if isinstance(event, Event) and numbered.line is not None:
                found.setdefault(numbered.line, []).append(event)
    return found


def _no_accounts(rows: Iterable[object]) -> Iterator[Row]:
    return (row for row in rows if isinstance(row, Row) and row.what != "account")

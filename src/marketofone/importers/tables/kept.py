"""Rows of a table that could not be taken in: as they are kept, and as the mapping of that name reads them now.

Read again, rows of one file get the ids that the whole file would give them: equal rows among them are told apart by
occurrence, in the order of their lines. What only a whole file tells comes with the file, when it is imported again:
what an account at another bank holds at its end, its number, and a bad row that says the same as a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from msgspec.structs import replace

from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.domain.event import Event
from marketofone.importers.encoding import bytes_in
from marketofone.importers.numbered import NumberedRows
from marketofone.importers.rows import BadRow, Origin, events_of, origin_of
from marketofone.importers.tables.cells import Cell
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import Mapping, load_mapping, place_of, with_options
from marketofone.importers.tables.periods import ABOVE, period_above
from marketofone.importers.tables.tabular import Table, TableRow
from marketofone.projection.kept_rows import KeptRow, KeptTable, KeptValue, kept_row_bytes

_DIGEST_BYTES = 16
_IMPORT_AGAIN = "import the file again"
_NO_ROW = MalformedEvent(
    field="row", shape="a line that sums up or notes something, as it is read now", fix="leave it: it is no row"
)


def kept_table(
    table: Table, mapping: Mapping, *, form: str, name: str, account: str | None, currency: str | None
) -> KeptTable:
    """Say how a table is read: after which mapping, by its lasting name, and with what was typed beside it."""
    period = period_above(table.above)
    return KeptTable(
        form=form,
        file="",
        mapping=name,
        columns=table.columns,
        header=mapping.header,
        sheet=mapping.sheet,
        separator=table.separator,
        encoding=table.encoding,
        period=None if period is None else str(period),
        account=account,
        currency=currency,
    )


def digest_of(path: Path, *, table: str = "") -> bytes:
    """Give a digest of what stands in a file, and of which table in it is meant."""
    digest = blake2b(table.encode(), digest_size=_DIGEST_BYTES)
    with suppress(MalformedDocument):  # where it breaks off, what is there counts
        for piece in bytes_in(path):
            digest.update(piece)
    return digest.digest()


class RowKeeper:
    """Writes rows of one file as they are kept. Nothing is done for rows that are not asked for."""

    def __init__(self, path: Path, table: KeptTable, *, origin: Origin) -> None:
        self._path = path
        self._table = replace(table, institution=origin.institution)
        self._origin = origin

    @cached_property
    def _of_file(self) -> KeptTable:
        return replace(self._table, file=digest_of(self._path).hex())

    def write(self, row: TableRow, *, before: int | None) -> bytes:
        """Write a row as it is kept; nothing where it is longer than any event."""
        kept = KeptRow(
            subject=self._origin.customer,
            type=self._origin.movement,
            version=1,
            table=self._of_file,
            line=row.line,
            cells=tuple(map(_kept_cell, row.cells)),
            before=before,
        )
        written = kept_row_bytes(kept)
        return written if len(written) <= MAX_EVENT_BYTES else b""


def reader_of(folder: Path) -> Callable[[Sequence[KeptRow]], Iterator[tuple[int, Event | BadRow]]]:
    """Give what reads kept rows through the mappings of a bank as they are now, each with its line."""

    def read(kept: Sequence[KeptRow]) -> Iterator[tuple[int, Event | BadRow]]:
        files: dict[tuple[str, str, KeptTable], dict[int, KeptRow]] = {}
        for row in kept:
            files.setdefault((row.subject, row.type, row.table), {}).setdefault(row.line, row)
        for (subject, _, table), rows in files.items():
            yield from _read_again(table, [rows[line] for line in sorted(rows)], subject=subject, folder=folder)

    return read


def _read_again(
    table: KeptTable, rows: Sequence[KeptRow], *, subject: str, folder: Path
) -> Iterator[tuple[int, Event | BadRow]]:
    origin = origin_of(table.form, customer=subject, institution=table.institution)
    unread = {row.line for row in rows}
    try:
        mapped = _mapped(table, rows, _mapping_now(table, folder=folder))
    except MalformedEvent as why:
        yield from ((row.line, BadRow(line=row.line, raw=b"", why=why)) for row in rows)
        return
    numbered = NumberedRows(mapped.rows(), elsewhere=table.institution is not None)
    for read in events_of(numbered, origin=origin):
        line = numbered.line or 0
        unread.discard(line)
        yield line, read
    yield from ((line, BadRow(line=line, raw=b"", why=_NO_ROW)) for line in sorted(unread))


def _mapped(table: KeptTable, rows: Sequence[KeptRow], mapping: Mapping) -> MappedRows:
    read = [TableRow(row.line, [_cell(one) for one in row.cells], b"") for row in rows]
    before = {row.line: row.before for row in rows if row.before is not None}
    again = Table(name=place_of(table.mapping), columns=table.columns, rows=lambda: iter(read))
    try:
        return MappedRows(again, mapping, elsewhere=table.institution is not None, stood_before=before)
    except MalformedDocument as error:
        raise MalformedEvent(field=f"{again.name}: {error.field}", shape=error.shape, fix=error.fix) from error


def _mapping_now(table: KeptTable, *, folder: Path) -> Mapping:
    """Read a mapping as it is now, and check that it is still one for tables such as this one."""
    place = place_of(table.mapping)
    try:
        mapping = load_mapping(table.mapping, folder=folder)
    except MalformedDocument as error:
        if error.field != "--mapping":
            raise MalformedEvent(field=place, shape=error.shape, fix=error.fix) from error
        fix = f"save it there again, or {_IMPORT_AGAIN} with another one"
        raise MalformedEvent(field=place, shape="no mapping is there any more", fix=fix) from error
    if mapping.header not in {(), table.columns, table.header}:
        shape = f"a header of {len(mapping.header)} columns that this row's file does not have"
        raise MalformedEvent(
            field=f"{place}: header", shape=shape, fix=f"{_IMPORT_AGAIN} with a mapping for its header"
        )
    for key, then in (("separator", table.separator), ("encoding", table.encoding), ("sheet", table.sheet)):
        now = getattr(mapping, key)
        if now != then and (key == "sheet" or None not in {now, then}):
            shape = "another one than the row was read with"
            raise MalformedEvent(field=f"{place}: {key}", shape=shape, fix=_IMPORT_AGAIN)
    if mapping.period == ABOVE:
        mapping = replace(mapping, period=table.period or ABOVE)
    return with_options(mapping, account=table.account, currency=table.currency)


def _kept_cell(cell: Cell) -> str | KeptValue:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        return KeptValue(number=cell)
    return KeptValue(moment=cell) if isinstance(cell, datetime) else KeptValue(date=cell)


def _cell(kept: str | KeptValue) -> Cell:
    if isinstance(kept, str):
        return kept
    return next((value for value in (kept.number, kept.moment, kept.date) if value is not None), "")

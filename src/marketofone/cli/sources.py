"""What a file gives, whatever its format: its rows as events, the people in it, what is told beside the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from marketofone import wiring
from marketofone.cli import terminal
from marketofone.cli.mapping_dialog import Chosen, Wanted, choose_mapping, look_at
from marketofone.cli.session import Session
from marketofone.domain.event import Event
from marketofone.domain.moment import Instant, date_of
from marketofone.importers import berka, cloudevents, rates
from marketofone.importers.formats import QIF, TABLES, check_form, check_packed, read_rows
from marketofone.importers.numbered import NumberedRows
from marketofone.importers.rows import BadRow, Origin, Row, events_of, origin_of
from marketofone.importers.statements import qif
from marketofone.importers.statements.statement import Difference, Report
from marketofone.importers.tables.former_readings import removals
from marketofone.importers.tables.kept import RowKeeper, digest_of, kept_table
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import lasting_name
from marketofone.importers.tables.proposal import MAIN, unnamed_account, unnamed_currency
from marketofone.services.intake.arrivals import kept_before
from marketofone.services.intake.imports import Item
from marketofone.services.intake.ingest import BatchReport, EventOfRow, Incoming
from marketofone.services.intake.known_accounts import KnownAccounts
from marketofone.services.intake.rates import RatesImport
from marketofone.services.intake.retold import Retold
from marketofone.services.intake.told_files import FOLDER, ToldFile

RATES = "rates"
OF_ITS_OWN = ("berka", "cloudevents", RATES)
"""Formats that name people or rates themselves: no option says whose rows they are."""
_NOTHING_BESIDE: dict[str, object] = {
    "beside": {}, "mapping": None, "unsure": (), "differs": None, "table": None, "retold": 0
}  # fmt: skip


class Source(NamedTuple):
    """What is imported: its items, the people in it, and, once all was read, what is told beside the counts of rows.

    ``take`` takes them in, where they are no events.
    """

    items: Iterable[Item[Any]]
    people: Sequence[str] = ()
    told: Callable[[], dict[str, object]] = partial(dict, _NOTHING_BESIDE)
    take: Callable[[Sequence[Any]], BatchReport] | None = None


def source_of(
    session: Session,
    progress: terminal.Progress,
    form: str,
    path: Path,
    wanted: Wanted,
    *,
    looked: Chosen | None = None,
) -> Source:
    """Open a file of any format.

    Raises
    ------
    MalformedDocument
        When it cannot be read as one of this format.
    """
    named = () if wanted.customer is None else (wanted.customer,)
    if form == "berka":
        dump = berka.read(path)
        rows = progress.over(dump.rows, total=len(dump.rows), label="import")
        return Source((Item(None, row) for row in rows), people=(*dump.people, *named))
    if form == "cloudevents":
        if path != cloudevents.STANDARD_INPUT:
            check_form(form, path)
        lines = cloudevents.read(path)
        return Source((Item(lines.line, raw) for raw in lines), people=named)
    if form == RATES:
        return _of_rates(session, path, wanted)
    if form in TABLES:
        check_form(form, path)
        found = looked or _looked_at(session, form, path, wanted)
        return _of_table(session, form, path, wanted, chosen=choose_mapping(session, found, path, wanted))
    return _of_statements(session, form, path, wanted)


def _of_statements(session: Session, form: str, path: Path, wanted: Wanted) -> Source:
    differences: list[Difference] = []
    check_packed(path)
    rows_read = _rows(session, form, path, wanted, report=differences.append)
    numbered = NumberedRows(rows_read, elsewhere=wanted.institution is not None)
    unsure = _not_named(session, wanted) if form == QIF else ()
    again = _again(session, path, wanted) if form == QIF else None  # the others say themselves what they mean

    def told() -> dict[str, object]:
        if again is not None:
            again.keep()
            numbered.found.update({"removals": again.count} if again.count else {})
        differs = {"rows": len(differences), "line": differences[0].line} if differences else None
        found = {**_found(numbered), "retold": retold.count}
        return {**_NOTHING_BESIDE, **found, "unsure": unsure, "differs": differs}

    retold = _retold(session, wanted, form=form)
    items = retold.items(_items(session, numbered, wanted, form=form))
    if again is not None:
        items = again.items(items)
    return Source(items, people=(wanted.customer or "",), told=told)


def _of_rates(session: Session, path: Path, wanted: Wanted) -> Source:
    file = rates.RatesFile(path, base=wanted.currency or rates.EURO)
    table = wanted.table or file.publisher
    taken = RatesImport(session.bank.context, table=table, now=session.bank.now())

    def told() -> dict[str, object]:
        beside = {"corrections": taken.corrections, "notes": file.notes}
        return {**_NOTHING_BESIDE, "beside": beside, "unsure": file.unsure, "table": table}

    return Source((Item(line, row) for line, row in file), told=told, take=taken.take)


def _rows(session: Session, form: str, path: Path, wanted: Wanted, *, report: Report) -> Iterable[Row | BadRow]:
    if form != QIF:
        return read_rows(form, path, report=report)
    currency = wanted.currency or session.bank.config.settings.currency
    return qif.read(path, account=wanted.account or MAIN, currency=currency)


def _not_named(session: Session, wanted: Wanted) -> tuple[str, ...]:
    """Say what no QIF names, and what stands for it."""
    unsure = [] if wanted.account else [unnamed_account()]
    unsure += [] if wanted.currency else [unnamed_currency(session.bank.config.settings.currency)]
    return tuple(unsure)


def _looked_at(session: Session, form: str, path: Path, wanted: Wanted) -> Chosen:
    return look_at(form, path, wanted, folder=session.folder, otherwise=session.bank.config.settings.currency)


def _of_table(session: Session, form: str, path: Path, wanted: Wanted, *, chosen: Chosen) -> Source:
    mapped = MappedRows(chosen.table, chosen.mapping, elsewhere=wanted.institution is not None)
    numbered = NumberedRows(mapped, elsewhere=wanted.institution is not None)
    origin = _origin(wanted, form=form)
    name = lasting_name(chosen.name, folder=session.folder)
    typed = {"account": wanted.account, "currency": wanted.currency}
    of_table = kept_table(chosen.table, chosen.mapping, form=form, name=name, **typed)
    keeper = RowKeeper(path, of_table, origin=origin)
    kept = partial(kept_before, session.bank.context, customer=origin.customer)
    again = _again(session, path, wanted, table=of_table.sheet or "")
    gone = [] if again.is_known else removals(chosen.table, chosen.mapping, origin=origin, kept=kept)

    def told() -> dict[str, object]:
        again.keep()
        if gone or again.count:
            numbered.found["removals"] = len(gone) + again.count
        check = mapped.check
        differs = {"rows": check.differences, "line": check.first} if check.differences else None
        found = {**_found(numbered, notes=mapped.notes), "retold": retold.count}
        return {**_NOTHING_BESIDE, **found, "mapping": chosen.name, "unsure": chosen.unsure, "differs": differs}

    first: list[Item[Incoming]] = [Item(None, event, is_row=False) for event in gone]
    rows = _that_are_kept(_items(session, numbered, wanted, form=form), mapped, keeper, now=session.bank.now())
    retold = _retold(session, wanted, form=form)
    items = again.items(retold.items(chain(first, rows)))
    return Source(items, people=(wanted.customer or "",), told=told)


def _again(session: Session, path: Path, wanted: Wanted, *, table: str = "") -> ToldFile:
    """Open what a file told when it came before."""
    return ToldFile(
        session.bank.context,
        folder=session.folder / wiring.DATA / FOLDER,
        content=digest_of(path, table=table),
        customer=wanted.customer or "",
        now=session.bank.now(),
    )


def _retold(session: Session, wanted: Wanted, *, form: str) -> Retold:
    return Retold(
        session.bank.context,
        customer=wanted.customer or "",
        producer=_origin(wanted, form=form).producer,
        with_fewer_words=form == "camt",  # reports of a day come before the statement
        ids_come_again=form in ("ofx", "berlin"),
        ids_change=form == "berlin",
    )


def _items(session: Session, numbered: NumberedRows, wanted: Wanted, *, form: str) -> Iterator[Item[Incoming]]:
    today = date_of(session.bank.calendar.day_of(session.bank.now()))
    origin = replace(_origin(wanted, form=form), today=today)
    if form == "plaid":  # older versions name no account where they remove a payment
        known = KnownAccounts(session.bank.context, customer=origin.customer, producer=origin.producer)
        origin = replace(origin, account_of=known)
    for event in events_of(numbered, origin=origin):
        yield Item(numbered.line, event, numbered.is_row)


def _origin(wanted: Wanted, *, form: str) -> Origin:
    return origin_of(form, customer=wanted.customer or "", institution=wanted.institution)


def _that_are_kept(
    items: Iterable[Item[Incoming]], mapped: MappedRows, keeper: RowKeeper, *, now: Instant
) -> Iterator[Item[Incoming]]:
    """Give bad rows as they may be kept. An event that lies ahead may be turned away: it brings what writes its row."""
    for item in items:
        row, before, read = mapped.row, mapped.before, item.incoming
        if row is None:
            yield item
        elif isinstance(read, BadRow):
            yield item._replace(incoming=BadRow(line=read.line, raw=keeper.write(row, before=before), why=read))
        elif isinstance(read, Event) and read.at > now:
            yield item._replace(incoming=EventOfRow(read, partial(keeper.write, row, before=before)))
        else:
            yield item


def _found(numbered: NumberedRows, **more: int) -> dict[str, object]:
    return {"beside": {"balances": 0, "accounts": 0, **numbered.found, **more}}

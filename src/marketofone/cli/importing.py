"""The command that imports: which reader and which mapping, whose rows, what became of them, and why some are bad."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from marketofone.bank import Bank
from marketofone.cli import terminal
from marketofone.cli.mapping_dialog import Chosen, Wanted
from marketofone.cli.session import BAD_INPUT, Session, on_bank
from marketofone.cli.sources import OF_ITS_OWN, RATES, source_of
from marketofone.consent.gate import NOT_GRANTED
from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.consent.saying import latest_end
from marketofone.domain.cloudevents import check_customer
from marketofone.domain.decoding import json_decoder
from marketofone.domain.errors import BadInput, Refused
from marketofone.domain.event import KINDS, SWITCHABLE, Event
from marketofone.domain.moment import Instant, text_of
from marketofone.domain.money import decimals_of
from marketofone.importers.formats import ELSEWHERE, FORMATS, QIF, TABLES
from marketofone.services.intake.imports import Imported, Item, UntilBroken, take_in
from marketofone.services.intake.ingest import Incoming
from marketofone.services.runtime.population import together
from marketofone.services.runtime.short_collections import short_collections

_GRANTED_TOGETHER = 500
_LOOKED_AT = 100
"""Events that are looked at before the first is taken."""


class _Told(Struct, frozen=True):
    """What an event says of whom and what it is about."""

    subject: str
    type: str


_TOLD = json_decoder(_Told)


@click.command(name="import")
@on_bank
@click.argument("form", type=click.Choice([*OF_ITS_OWN, *TABLES, *FORMATS, QIF]))
@click.argument("path", type=click.Path(path_type=Path, exists=True, allow_dash=True))
@click.option("--customer", metavar="ID", help="Whose rows they are; berka, cloudevents and rates ask for none.")
@click.option("--mapping", metavar="NAME", help="How rows are read: a mapping of the bank's mappings/, or a file.")
@click.option("--yes", is_flag=True, help="Take the mapping that is proposed, and ask nothing.")
@click.option("--institution", metavar="NAME", help="The other bank where the accounts are.  [default: here]")
@click.option("--account", metavar="NAME", help="The account of all rows.  [default: what the file says]")
@click.option(
    "--currency", metavar="CODE", help="The currency of all rows, or the base of rates.  [default: what the file says]"
)
@click.option("--table", metavar="NAME", help="Of rates: who publishes them.  [default: ECB for its layouts]")
@click.option(
    "--grant",
    type=click.Choice(["none", "all"]),
    default="none",
    show_default=True,
    help="Record a grant of everything, for --customer or for each person in the files of berka.",
)
@click.option(
    "--authority", default="stated by the operator on import", show_default=True, help="On what ground, with --grant."
)
def import_(session: Session, *, form: str, path: Path, grant: str, authority: str, **options: Any) -> None:
    """Import the files of another system. They carry no consents: nothing may be used unless it is granted.

    Tables (csv, xlsx, parquet) need a mapping: one is proposed, shown, and saved in mappings/. A bad row stops no
    other: it is kept aside as a dead letter, the reasons are told, and the exit code is 3.

    Reference tables of daily rates (rates) are about no customer: by them amounts of several currencies are added.
    """
    whole = import_file(session, form, path, Wanted(**options), grant=grant, authority=authority)
    sys.exit(0 if whole else BAD_INPUT)


def import_file(
    session: Session,
    form: str,
    path: Path,
    wanted: Wanted,
    *,
    grant: str,
    authority: str,
    looked: Chosen | None = None,
) -> bool:
    """Import a file and say what became of its rows; gives whether none of them is bad.

    ``looked`` is the table with its mapping, where somebody looked at it already.
    """
    began = time.perf_counter()
    wanted = check_options(wanted, form=form)
    with terminal.Progress(quiet=session.as_json) as progress:
        source = source_of(session, progress, form, path, wanted, looked=looked)
        granted = _granted(session.bank, source.people, grant=grant, authority=authority)
        if form not in OF_ITS_OWN:
            _say_what_is_not_allowed(session, wanted)
        items = _after_a_look(session, source.items) if form in ("berka", "cloudevents") else source.items
        with short_collections():
            imported = take_in(items, ingest_batch=source.take or session.bank.ingest_batch)
    told = {**_counts(imported), **source.told(), **granted, "seconds": round(time.perf_counter() - began, 3)}
    session.say(told, "imported", folder=_named(session), customer=wanted.customer, not_granted=NOT_GRANTED)
    return imported.is_whole


def check_options(wanted: Wanted, *, form: str) -> Wanted:
    """Check what was typed, before anything is read.

    Raises
    ------
    MalformedRequest
        When there is no such currency, or a customer cannot be called so.
    """
    if form not in OF_ITS_OWN and wanted.customer is None:
        raise click.UsageError("say whose rows they are: --customer ID")
    if form not in TABLES and (wanted.mapping or wanted.yes):
        raise click.UsageError(f"--mapping and --yes are for {', '.join(TABLES)}")
    if form not in {*TABLES, QIF} and (wanted.account or (wanted.currency and form != RATES)):
        raise click.UsageError(f"--account and --currency are for {', '.join((*TABLES, QIF))}")
    if form == RATES and (wanted.customer or wanted.institution):
        raise click.UsageError("rates are about no customer: leave --customer and --institution out")
    if form != RATES and wanted.table:
        raise click.UsageError("--table is for rates")
    if wanted.mapping and wanted.yes:
        raise click.UsageError("--yes takes a mapping that is proposed: leave it out beside --mapping")
    if wanted.customer is not None:
        check_customer(wanted.customer)
    if wanted.currency is not None:
        decimals_of(wanted.currency)
    if form in ELSEWHERE and wanted.institution is None:
        return replace(wanted, institution=form)
    return wanted


def _counts(imported: Imported) -> dict[str, object]:
    breaks_off = None if imported.broken is None else str(imported.broken)
    refusals = [{"why": why, "rows": rows} for why, rows in imported.refusals.items()]
    return {**asdict(imported.report), "refusals": refusals, "reasons": imported.reasons, "breaks_off": breaks_off}


def _named(session: Session) -> str:
    return "" if session.folder == Path() else f" --bank {session.folder}"


def _say_what_is_not_allowed(session: Session, wanted: Wanted) -> None:
    """Say before rows are taken that nothing may be used of them, where that is so."""
    kind = "transaction.booked" if wanted.institution is None else "openbanking.transaction"
    source, customer = KINDS[kind][1], wanted.customer or ""
    if any(cell.source == source and cell.state == "granted" for cell in session.bank.consents(customer).cells):
        return
    known = session.bank.config.policy.sources.get(source)
    kept = known is not None and known.kept
    text = terminal.text_for_people("not_allowed", source, customer, kept=kept, folder=_named(session))
    click.echo(text, err=True)


def _after_a_look(session: Session, items: Iterable[Item[Incoming]]) -> Iterator[Item[Incoming]]:
    """Say before events of many customers are taken that nothing may be used of the first ones, where that is so."""
    walk = UntilBroken(items)
    rest = iter(walk)
    first = list(islice(rest, _LOOKED_AT))
    found = {scope for item in first if (scope := _scope_of(item.incoming)) is not None}
    allowed = {
        (customer, cell.source)
        for customer in {customer for customer, _ in found}
        for cell in session.bank.consents(customer).cells
        if cell.state == "granted"
    }
    if found and found.isdisjoint(allowed):
        sources = sorted({source for _, source in found})
        text = terminal.text_for_people("none_allowed", sources, len(first), folder=_named(session))
        click.echo(text, err=True)
    yield from first
    yield from rest
    if walk.broken is not None:
        raise walk.broken


def _scope_of(incoming: Incoming) -> tuple[str, str] | None:
    """Give the customer of an event and the source that their consent must open; None where none must or shows."""
    if isinstance(incoming, Event):
        customer, kind = incoming.customer, incoming.kind
    elif isinstance(incoming, bytes):
        try:
            told = _TOLD.decode(incoming)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        customer, kind = told.subject, told.type
    else:
        return None
    source = KINDS[kind][1] if kind in KINDS else None
    return None if source is None or source not in SWITCHABLE else (customer, source)


def _granted(bank: Bank, people: Iterable[str], *, grant: str, authority: str) -> dict[str, object]:
    """Grant everything to the people of a file, where that was asked; gives what is told of it."""
    if grant != "all":
        return {"granted_until": None, "left_out": 0}
    if not people:
        raise click.UsageError("--grant all needs --customer here: events say their own consents with `consent grant`")
    until, left_out = _grant_all(bank, people, authority=authority)
    return {"granted_until": text_of(until), "left_out": left_out}


def _grant_all(bank: Bank, people: Iterable[str], *, authority: str) -> tuple[Instant, int]:
    """Grant everything from now on for as long as the bank may, to people who said nothing yet.

    Gives the end, and for how many nothing could be granted.
    """
    everything = dict.fromkeys(("purposes", "sources", "channels"), (EVERY,))
    said: dict[str, Any] = {"actor": "importer", "authority": authority, **everything}
    now = bank.now()
    until = latest_end(now, policy=bank.config.policy)
    silent = (person for person in people if bank.epoch(person) == 0)  # a second import adds nothing
    left_out = 0
    for some in together(silent, size=_GRANTED_TOGETHER):
        grants = [ConsentChange(customer=one, change="grant", since=now, until=until, **said) for one in some]
        left_out += _left_out(bank, grants, now=now)
    return until, left_out


def _left_out(bank: Bank, grants: Sequence[ConsentChange], *, now: Instant) -> int:
    """Record grants, but for those that are refused; gives how many. A unit is kept whole or not, so it is halved."""
    try:
        bank.consents_given(grants, now=now)
    except (BadInput, Refused):  # somebody who was forgotten, or no name of a customer
        middle = len(grants) // 2
        return sum(_left_out(bank, half, now=now) for half in (grants[:middle], grants[middle:])) if middle else 1
    return 0


COMMANDS = (import_,)

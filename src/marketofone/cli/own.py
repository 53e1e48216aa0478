"""One command for a person with a statement: their file becomes a bank of one, and a page that looks ahead."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path

import click
from msgspec.structs import replace

from marketofone import wiring
from marketofone.bank import Bank, wall_clock
from marketofone.bank import open as open_bank
from marketofone.cli.importing import check_options, import_file
from marketofone.cli.mapping_dialog import Chosen, Wanted, look_at
from marketofone.cli.project import clock_shift, port_option, serve_bank
from marketofone.cli.session import ACTOR, BAD_INPUT, Session, as_json
from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import DAY, Instant, instant_of
from marketofone.importers.formats import FORMATS, QIF, TABLES, check_packed, form_of
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements import qif
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.proposal import MAIN
from marketofone.models.forecast.history import QUIET_DAYS
from marketofone.services.rights.customer_links import CustomerLinks

FOLDER = Path("my-money")
CUSTOMER = "me"
AUTHORITY = "the person's own data"
_OLD = QUIET_DAYS * DAY
"""What a file does not tell of is no payment that stayed away: beyond a week the time of the bank waits for more."""
_EVENING = time(20, tzinfo=UTC)
_OTHERWISE = "EUR"
_DATED = frozenset({"movement", "balance"})
"""What a statement tells of days that are over; orders are about days ahead."""
_TABLES_BY_NAME = frozenset({".csv", ".tsv", ".txt"})
_MANY = 1_000_000


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@as_json
@click.option("--bank", "folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Its bank.")
@click.option("--currency", metavar="CODE", help="The currency of all rows.  [default: what the file says]")
@click.option("--account", metavar="NAME", help="The account of all rows.  [default: what the file says]")
@click.option("--mapping", metavar="NAME", help="How rows are read: a mapping of the bank's mappings/, or a file.")
@click.option("--serve/--no-serve", default=True, show_default=True, help="Serve the pages afterwards.")
@port_option
def own(*, file: Path, as_json: bool, folder: Path, serve: bool, port: int, **known: str | None) -> None:
    """Look ahead on your own money: FILE is a statement or an export of your bank.

    It is read with the mapping that is proposed, into a bank of your own on this machine; nothing leaves it. Everything
    is granted there, for it is yours. Where the file ended more than a week ago, the time of this bank stands at its
    end; a later file moves it on.
    """
    form = _form(file)
    wanted = Wanted(customer=CUSTOMER, yes=known["mapping"] is None, institution=None, **known)
    if form not in TABLES:
        wanted = replace(wanted, yes=False)
        check_options(wanted, form=form)
    is_new, stands = not (folder / "bank.toml").is_file(), wiring.clock_of(folder)
    looked = _looked_at(file, form, wanted, folder=folder) if form in TABLES else None
    if is_new:
        _lay_out(folder, _rows(file, form, wanted, looked), currency=wanted.currency)
    elif stands is not None:
        _move_on(folder, _ended(_told(_rows(file, form, wanted, looked))), stands=stands)
    with open_bank(folder) as bank:
        bank.context.actor = ACTOR
        _grant_again(bank)
        session = Session(bank, as_json, folder)
        whole = import_file(session, form, file, wanted, grant="all", authority=AUTHORITY, looked=looked)
        session.say(bank.forecast(CUSTOMER), "forecast")
        page = CustomerLinks.of(bank.context).link(CUSTOMER, "forecast").path
    if serve:
        click.echo(f"your page: http://127.0.0.1:{port}{page}", err=True)
        serve_bank(folder, port=port, shift=clock_shift(folder))
    sys.exit(0 if whole else BAD_INPUT)


def _form(file: Path) -> str:
    form = form_of(file) or ("csv" if file.suffix.lower() in _TABLES_BY_NAME else None)
    if form is None or form not in {*TABLES, *FORMATS, QIF}:
        check_packed(file)
        fix = f"give a file of {', '.join((*TABLES, *FORMATS, QIF))}"
        raise MalformedDocument(field=file.name, shape="no statement that is known", fix=fix)
    return form


def _looked_at(file: Path, form: str, wanted: Wanted, *, folder: Path) -> Chosen:
    return look_at(form, file, wanted, folder=folder, otherwise=wiring.currency_of(folder) or _OTHERWISE)


def _rows(file: Path, form: str, wanted: Wanted, looked: Chosen | None) -> Iterable[Row | BadRow]:
    if looked is not None:
        return MappedRows(looked.table, looked.mapping)
    if form == QIF:
        return qif.read(file, account=wanted.account or MAIN, currency=wanted.currency or _OTHERWISE)
    return FORMATS[form](file)


def _lay_out(folder: Path, rows: Iterable[Row | BadRow], *, currency: str | None) -> None:
    """Lay a bank out that counts in the currency of a file, and whose time stands at its end where that is long ago."""
    told = _told(rows)
    wiring.lay_out(folder)
    currencies = Counter(str(row.facts["currency"]) for row in told if row.facts.get("currency"))
    counted = currency or next(iter(currencies.most_common(1)), (_OTHERWISE, 0))[0]
    wiring.count_in(folder, counted)
    _stop_clock_at(folder, _ended(told))


def _told(rows: Iterable[Row | BadRow]) -> list[Row]:
    return [row for row in islice(rows, _MANY) if isinstance(row, Row)]


def _ended(told: Iterable[Row]) -> Instant:
    """Give the evening of the last day on which something moved, or a balance stood; now, where there is none."""
    days = [row.on.date() if isinstance(row.on, datetime) else row.on for row in told if row.what in _DATED]
    return instant_of(datetime.combine(max(days), _EVENING)) if days else wall_clock()


def _stop_clock_at(folder: Path, ended: Instant) -> None:
    """Let the time of a bank stand at the end of its data, where that is long ago, and go with the wall's otherwise."""
    if ended < wall_clock() - _OLD:
        wiring.stop_clock(folder, ended)
    else:
        wiring.run_clock(folder)


def _move_on(folder: Path, ended: Instant, *, stands: Instant) -> None:
    """Move the time of a bank on to the end of a later file: what it tells would lie in the future."""
    if ended > stands:
        _stop_clock_at(folder, ended)


def _grant_again(bank: Bank) -> None:
    """Grant again what ended by itself, in a bank of one's own; what its person said no to stays so."""
    if not bank.epoch(CUSTOMER):
        return  # it is granted with the first file
    cells = bank.consents(CUSTOMER).cells
    ended = [(cell.purpose, cell.source, cell.channel) for cell in cells if cell.state == "expired"]
    if ended and all(cell.state != "withdrawn" for cell in cells):
        ended = [(EVERY, EVERY, EVERY)]
    now = bank.now()
    for purpose, source, channel in ended:
        said = ConsentChange(
            customer=CUSTOMER,
            change="grant",
            purposes=(purpose,),
            sources=(source,),
            channels=(channel,),
            since=now,
            actor=ACTOR,
            authority=AUTHORITY,
        )
        bank.consent(said, now=now)


COMMANDS = (own,)

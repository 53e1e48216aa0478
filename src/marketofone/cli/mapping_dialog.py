"""Which mapping reads a table: one that was saved, or one that is proposed, shown, agreed to, and saved."""

from __future__ import annotations

import sys
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click
from msgspec import Struct
from msgspec.structs import replace

from marketofone.cli import terminal
from marketofone.cli.session import SAID_NO, Session
from marketofone.domain.money import CURRENCIES, decimals_of
from marketofone.importers.formats import open_table
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.mapping import FOLDER, Mapping, load_mapping, save_mapping, with_options
from marketofone.importers.tables.proposal import MAIN, propose, unnamed_account
from marketofone.importers.tables.recognised import recognised
from marketofone.importers.tables.tabular import Table

_SHOWN_ROWS = 5


class Wanted(Struct, frozen=True, kw_only=True):
    """What was asked of an import: whose rows they are, and what is known of them."""

    customer: str | None
    mapping: str | None
    yes: bool
    institution: str | None
    account: str | None
    currency: str | None
    table: str | None = None


class Chosen(NamedTuple):
    """A table with the mapping that reads it, the name to find that again, and what in it is not sure."""

    table: Table
    mapping: Mapping
    name: str
    unsure: tuple[str, ...]


def choose_mapping(session: Session, found: Chosen, path: Path, wanted: Wanted) -> Chosen:
    """Take the mapping that was named; or show the one that is proposed, ask, and save it."""
    if wanted.mapping is not None:
        return found
    agreed = wanted.yes or _ask(session, found.table, found.mapping, unsure=found.unsure)
    name = found.name or save_mapping(found.mapping, folder=session.folder, made_from=path.name).stem
    if not agreed:
        click.echo(terminal.text_for_people("not_imported", name, Path(FOLDER) / f"{name}.toml"), err=True)
        sys.exit(SAID_NO)
    return found._replace(name=name)


def look_at(form: str, path: Path, wanted: Wanted, *, folder: Path, otherwise: str) -> Chosen:
    """Read the mapping that was named; or find the one that was saved for the header, or propose one.

    It has no name where it is not saved yet.

    Raises
    ------
    MalformedDocument
        When the file holds no table that can be read, or the mapping breaks its contract.
    """
    if wanted.mapping is not None:
        mapping = _with_what_was_typed(load_mapping(wanted.mapping, folder=folder), wanted)
        return Chosen(open_table(form, path, mapping=mapping), mapping, wanted.mapping, ())
    table = open_table(form, path)
    proposal = propose(table, account=wanted.account, currency=wanted.currency, otherwise=otherwise)
    known = recognised(table, proposal, folder=folder)
    if known is None:
        return Chosen(table, proposal.mapping, "", proposal.unsure)
    mapping = _with_what_was_typed(known.mapping, wanted)
    unsure = (unnamed_account(),) if mapping.account == MAIN else ()
    return Chosen(table, mapping, known.name if known.as_saved else "", unsure)


def _with_what_was_typed(mapping: Mapping, wanted: Wanted) -> Mapping:
    return with_options(mapping, account=wanted.account, currency=wanted.currency)


def _ask(session: Session, table: Table, mapping: Mapping, *, unsure: tuple[str, ...]) -> bool:
    """Show a proposal and the first rows as they are understood, and ask whether it is right."""
    if session.as_json or not sys.stdin.isatty():
        raise click.UsageError(
            "no question can be asked here: --yes takes the mapping that is proposed, --mapping a saved one"
        )
    read = MappedRows(replace(table, rows=lambda: iter(table.sample())), mapping)
    rows = (row for row in read if isinstance(row, BadRow) or row.what != "account")
    shown = [_shown(row) for row in islice(rows, _SHOWN_ROWS)]
    click.echo(
        terminal.text_for_people(
            "proposal", table.name, mapping, columns=list(mapping.columns.named()), unsure=unsure, rows=shown
        )
    )
    return click.confirm("Import it so?")


def _shown(row: Row | BadRow) -> dict[str, Any]:
    if isinstance(row, BadRow):
        return {"line": row.line, "why": str(row)}
    told = (row.facts.get(key) for key in ("account", "category", "counterparty", "merchant", "text"))
    amount, currency = row.facts.get("amount", row.facts.get("balance")), str(row.facts["currency"])
    return {
        "line": row.line,
        "why": None,
        "on": row.on,
        "what": row.what,
        "amount": _written(Decimal(str(amount)), currency=currency),
        "currency": currency,
        "told": [one for one in told if one],
    }


def _written(amount: Decimal, *, currency: str) -> str:
    """Write an amount with the decimals of its currency, and with those that a file has beyond them."""
    usual, exponent = decimals_of(currency) if currency in CURRENCIES else 0, amount.as_tuple().exponent
    return f"{amount:,.{max(usual, -exponent if isinstance(exponent, int) else 0)}f}"

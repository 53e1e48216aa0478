"""A mapping: how the rows of one kind of table become movements. It rests as TOML under the bank's ``mappings/``.

What a key means stands in :class:`Mapping`, and in the file beside it. Version 1 of the format.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields, replace

from marketofone.domain.decoding import decode_toml
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.fields import Currency, Name
from marketofone.importers.tables.amounts import DecimalSign, Direction
from marketofone.importers.tables.dates import Order
from marketofone.importers.tables.periods import ABOVE, period_of
from marketofone.importers.tables.vocabulary import folded

FOLDER = "mappings"
FileOrder = Literal["oldest first", "newest first"]


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column says what, by the names of the header.

    Of ``booked`` the first column counts that is filled, of ``text`` all of them. An amount stands in one column
    (``amount``, with ``direction`` where another column says which way it went) or in two (``debit`` and ``credit``).
    A ``fee`` beside an amount that does not hold it goes out with it.
    The other side of a movement is the ``counterparty``; or ``payee`` of money out, and ``payer`` of money in.
    ``number`` is the account's number, where the account has another name. ``balance_direction`` holds words that say
    whether a ``balance`` without a sign is money of the person or owed.
    """

    booked: tuple[str, ...]
    value_date: str | None = None
    amount: str | None = None
    direction: str | None = None
    debit: str | None = None
    credit: str | None = None
    currency: str | None = None
    balance: str | None = None
    balance_direction: str | None = None
    account: str | None = None
    number: str | None = None
    text: tuple[str, ...] = ()
    counterparty: str | None = None
    payer: str | None = None
    payee: str | None = None
    counterparty_account: str | None = None
    merchant: str | None = None
    category: str | None = None
    id: str | None = None
    reference: str | None = None
    bank_code: str | None = None
    mcc: str | None = None
    purpose_code: str | None = None
    status: str | None = None
    original: str | None = None
    original_currency: str | None = None
    fee: str | None = None

    def named(self) -> Iterator[tuple[str, str]]:
        """Give each key with each column that it names."""
        for field in fields(self):
            columns = getattr(self, field.name)
            for column in columns if isinstance(columns, tuple) else (columns,):
                if column is not None:
                    yield field.name, column


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What words in cells mean, as the file writes them, beside the words that are known (``vocabulary.toml``).

    ``money_in`` and ``money_out`` stand in the columns ``direction`` and ``balance_direction``, ``transfer`` in
    ``direction`` or ``category``: money that went to an account of one's own. ``pending`` and ``void`` stand in
    ``status``; a void row moved no money.
    """

    money_in: tuple[str, ...] = ()
    money_out: tuple[str, ...] = ()
    transfer: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    void: tuple[str, ...] = ()


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows of one kind of table are read.

    ``date`` is the order of year, month and day; a year of four digits that comes first is never misread. ``decimal``
    is the sign before the decimals. ``positive`` says what a number without a sign is: of an amount money ``"in"`` or
    ``"out"``, of a debit column ``"out"`` as a rule, and ``"in"`` where debits carry a minus. ``order`` says which row
    is the last of a day. ``period`` tells the years of dates that have none: ``"above"`` where it stands above the
    table, else as ``"2025-12-01/2026-01-31"``. ``account`` and ``currency`` hold for all rows, where no column says
    them; ``number`` is what the file calls that account, so that ``account`` may be another name for it. ``separator``
    and ``encoding`` are those of text, ``sheet`` is that of a spreadsheet; what is left out is found out. ``credits``
    says what a number without a sign is in a credit column. ``header`` are the columns of the file that it was proposed
    for: a later file with the same ones is read with it.
    """

    format: Literal[1] = 1
    columns: Columns
    date: Order = "YMD"
    decimal: DecimalSign = "."
    positive: Direction = "in"
    credits: Direction = "in"
    order: FileOrder = "oldest first"
    period: str | None = None
    account: Name | None = None
    number: Name | None = None
    currency: Currency | None = None
    separator: Annotated[str, Meta(pattern=r'^[^"\r\n]$(?!\n)')] | None = None
    encoding: str | None = None
    sheet: str | None = None
    header: tuple[str, ...] = ()
    words: Words = Words()

    def __post_init__(self) -> None:
        if self.period not in {None, ABOVE}:
            try:
                period_of(str(self.period))
            except ValueError:
                raise ValueError(f'period: "{ABOVE}", or a first and a last day as 2025-12-01/2026-01-31') from None
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ValueError("encoding: no such set of letters") from None

    def check(self, columns: Sequence[str]) -> None:
        """Check that the mapping says enough, and names only columns that a table has.

        Raises
        ------
        MalformedDocument
        """
        for key, column in self.columns.named():
            if column not in columns:
                shape = f"a column of {len(column)} characters that the file does not have"
                raise MalformedDocument(field=f"columns.{key}", shape=shape, fix=f"use one of {', '.join(columns)}")
        for key, fix in self._missing():
            raise MalformedDocument(field=key, shape="missing", fix=fix)

    def _missing(self) -> Iterator[tuple[str, str]]:
        said = self.columns
        if not said.booked:
            yield "columns.booked", "name the column with the date of booking"
        if said.amount is None and said.debit is None and said.credit is None:
            yield "columns.amount", "name the column with amounts, or those for debit and credit"
        if self.account is None and said.account is None:
            yield "account", "name the account, or the column that names it"
        if self.currency is None and said.currency is None:
            yield "currency", "name the currency, or the column that names it"


def with_options(mapping: Mapping, *, account: str | None, currency: str | None) -> Mapping:
    """Let what was typed count more than what a mapping says."""
    columns = mapping.columns
    if account is not None:
        mapping = replace(mapping, account=account)
        columns = replace(columns, account=None, number=columns.number or columns.account)
    if currency is not None:
        mapping, columns = replace(mapping, currency=currency), replace(columns, currency=None)
    return replace(mapping, columns=columns)


_NOTES = {
    "date": "order of year, month and day",
    "decimal": "the sign before the decimals",
    "positive": 'what a number without a sign is: money "in" or "out"',
    "credits": "the same in a credit column",
    "order": "of the rows",
    "period": "it tells the years of dates that have none",
    "account": "of all rows",
    "number": "what the file calls this account: others keep their own names",
    "currency": "of all rows",
    "separator": "of the cells",
    "encoding": "where the bytes leave it open",
    "header": "a file with these columns is read so without being asked about",
}


def to_toml(mapping: Mapping, *, made_from: str) -> str:
    """Write a mapping as a document, with words about its keys.

    Examples
    --------
    >>> said = Mapping(columns=Columns(booked=("Date",), amount="Amount"), account="main", currency="EUR")
    >>> parse_mapping(to_toml(said, made_from="june.csv"), name="june") == said
    True
    """
    lines = [f"# How rows of files like {made_from} are read; docs/import.md says what may stand here.", "format = 1"]
    for field in fields(mapping):
        value = getattr(mapping, field.name)
        if field.name not in {"format", "columns", "words"} and value not in {None, ()}:
            note = _NOTES.get(field.name)
            lines.append(f"{field.name} = {_toml_value(value)}" + (f"  # {note}" if note else ""))
    for name, table in (("columns", mapping.columns), ("words", mapping.words)):
        said = [(field.name, getattr(table, field.name)) for field in fields(table)]
        lines += ["", f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in said if value not in {None, ()})]
    return "\n".join(lines) + "\n"


def _toml_value(value: str | tuple[str, ...]) -> str:
    # A basic string of TOML is one of JSON, but for a sign that JSON leaves as it is.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def parse_mapping(text: str, *, name: str) -> Mapping:
    """Read a mapping.

    Raises
    ------
    MalformedDocument
        Naming the key that breaks the contract.
    """
    try:
        return decode_toml(text, of=Mapping)
    except msgspec.DecodeError as error:
        raise MalformedDocument(
            field=name, shape=str(error), fix="see docs/import.md for what may stand there"
        ) from error


def load_mapping(said: str, *, folder: Path) -> Mapping:
    """Read a mapping that was saved under a bank's ``mappings/``, or that lies in a file.

    Raises
    ------
    MalformedDocument
        When there is none, or it breaks the contract.
    """
    found = _found(said, folder=folder)
    if found is None:
        there = ", ".join(sorted(one.stem for one in (folder / FOLDER).glob("*.toml"))) or "none yet"
        raise MalformedDocument(
            field="--mapping", shape="no mapping of this name", fix=f"name a file, or one of: {there}"
        )
    try:
        return parse_mapping(found.read_text(encoding="utf-8"), name=found.name)
    except UnicodeDecodeError as error:
        raise MalformedDocument(field=found.name, shape="bytes that are no UTF-8", fix="save it as UTF-8") from error


def lasting_name(said: str, *, folder: Path) -> str:
    """Give the name by which a mapping is found again: its name under ``mappings/``, or else its whole path."""
    found = _found(said, folder=folder)
    if found is None or found.resolve().parent == (folder / FOLDER).resolve():
        return said if found is None else found.stem
    return str(found.resolve())


def place_of(name: str) -> str:
    """Say where a mapping with this lasting name lies.

    Examples
    --------
    >>> place_of("june-2026")
    'mappings/june-2026.toml'
    """
    return name if Path(name).is_absolute() else f"{FOLDER}/{name}.toml"


def _found(said: str, *, folder: Path) -> Path | None:
    saved, path = folder / FOLDER / f"{said}.toml", Path(said)
    return next((one for one in (saved, path) if one.is_file()), None)


def saved_mappings(folder: Path) -> Iterator[tuple[str, Mapping]]:
    """Give the mappings of a bank that can be read, each with its name, the one that was changed last first."""
    paths = sorted((folder / FOLDER).glob("*.toml"), key=lambda path: (-path.stat().st_mtime_ns, path.name))
    for path in paths:
        with suppress(MalformedDocument, UnicodeDecodeError):
            yield path.stem, parse_mapping(path.read_text(encoding="utf-8"), name=path.name)


def save_mapping(mapping: Mapping, *, folder: Path, made_from: str) -> Path:
    """Save a mapping under a bank's ``mappings/``, named after the file it was made from; gives where it is.

    One that is there already is never written over: another one gets a number.
    """
    text = to_toml(mapping, made_from=made_from)
    (folder / FOLDER).mkdir(exist_ok=True)
    for path in _places(folder / FOLDER, re.split(r"\.", made_from, maxsplit=1)[0]):
        if not path.exists():
            path.write_text(text, encoding="utf-8")
            return path
        if _holds(path, mapping):
            return path
    raise AssertionError("numbers do not end")


def _places(folder: Path, stem: str) -> Iterator[Path]:
    name = "-".join(folded(stem).split()) or "table"
    yield folder / f"{name}.toml"
    number = 2
    while True:
        yield folder / f"{name}-{number}.toml"
        number += 1


def _holds(path: Path, mapping: Mapping) -> bool:
    try:
        return parse_mapping(path.read_text(encoding="utf-8"), name=path.name) == mapping
    except (MalformedDocument, UnicodeDecodeError):
        return False

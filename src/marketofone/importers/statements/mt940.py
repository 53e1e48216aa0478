"""MT940 and MT942: statements of SWIFT, several in one file, with or without their envelope.

The library ``mt-940`` reads statement lines and balances. It gets them one by one: it names no lines, gives up a whole
statement for one bad line, and forgets a statement line that has no type of transaction when the next one comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from marketofone.domain.account_numbers import account_number
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements.mt940_details import details_in, original_in, reference_in
from marketofone.importers.statements.statement import (
    EXTRA,
    AccountFacts,
    Report,
    StatementFile,
    content_of,
    cut_off,
    ignored,
    printed,
    text_of,
)

if TYPE_CHECKING:
    from mt940.models import Transactions

_FIELD = re.compile(r":([0-9]{2}[A-Z]?|NS):")
_KNOWN = frozenset({"NS", "13", "20", "21", "25", "28", "34", "60", "61", "62", "64", "65", "86", "90"})
_LINE_END = re.compile(r"\r\n|\r|\n")
_ENVELOPE = re.compile(r"\{[1-5]:")
_BLOCK = "{4:"
_EXPECTED = re.compile(r"([0-9]{6}(?:[0-9]{4})?)E([CD])")  # MT942: a movement that is not booked yet
_REVERSED = frozenset({"RC", "RD"})
_ENDINGS = {"F": "final_", "M": "intermediate_"}
_BALANCES = {"60": "opening_balance", "62": "closing_balance"}


class _Field(Struct, frozen=True):
    """One field: its name, its lines, and the line of the file in which it begins."""

    name: str
    line: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        return self.line + max(len(self.lines) - 1, 0)

    @property
    def value(self) -> str:
        return "\n".join(self.lines).rstrip()

    @property
    def written(self) -> str:
        return f":{self.name}:{self.value}"


def read(path: Path, *, encoding: str | None = None, report: Report = ignored) -> Iterator[Row | BadRow]:
    """Read the rows of a file, in its order.

    Parameters
    ----------
    path
        The file.
    encoding
        How letters are written where they are not UTF-8; without it as on Windows in western Europe.
    report
        Takes statements whose balances do not agree with the rows between them.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, holds no field of MT940, or the library is not installed.
    """
    text, encoding = text_of(content_of(path), declared=encoding)
    fields = list(_fields(text))
    if not any(field.name in ("20", "25", "61") for field in fields):
        raise MalformedDocument(field=path.name, shape="a text without fields of MT940", fix="export it as MT940")
    yield from _Reading(report=report, encoding=encoding).rows(fields)


def _fields(text: str) -> Iterator[_Field]:
    """Give the fields, and one without a name where a statement ends."""
    name, began, lines = "", 0, list[str]()
    for number, written in enumerate(_LINE_END.split(text), start=1):
        envelope = _ENVELOPE.match(written) is not None
        line = written.partition(_BLOCK)[2] if envelope else written
        match = _FIELD.match(line)
        known = match is not None and match[1][:2] in _KNOWN
        ends = written.startswith("-}") or written.rstrip() == "-" or (envelope and written[1] == "1")
        if name and (known or ends):
            yield _Field(name, began, tuple(lines))
            name = ""
        if ends:
            yield _Field("", number, ())
        if match is not None and known:
            name, began, lines = match[1], number, [line[match.end() :]]
        elif name and line.strip():
            lines.append(line)
    if name:
        yield _Field(name, began, tuple(lines))


class _Reading:
    """One file while it is read: the statement, and the movement whose details may still come."""

    def __init__(self, *, report: Report, encoding: str) -> None:
        self._file, self._encoding = StatementFile(report=report), encoding
        self._library = _library()
        self._statement: Transactions = self._library()
        self._account: str | None = None
        self._open = False
        self._moved: _Field | None = None
        self._details: list[str] = []

    def rows(self, fields: Sequence[_Field]) -> Iterator[Row | BadRow]:
        for field in fields:
            if field.name[:2] == "86":
                self._details += [line for line in field.lines if line.strip()] if self._moved else []
            elif field.name != "NS":
                yield from self._movement()
                yield from self._of(field)
        if self._open:  # no closing balance came: the last movement may be cut off
            last = self._moved or fields[-1]
            self._moved = None
            raw = self._bytes([field.written for field in fields if field.line >= last.line])
            yield from self._ends()
            yield BadRow(line=last.line, raw=raw, why=cut_off(line=fields[-1].last))
        else:
            yield from self._movement()
            yield from self._ends()

    def _of(self, field: _Field) -> Iterator[Row | BadRow]:
        try:
            match field.name[:2]:
                case "20":
                    yield from self._ends()
                    self._statement, self._account = self._library(), None
                case "":
                    yield from self._ends()
                case "25":
                    self._account = _account_in(field.value)
                case "34":
                    _read_field(self._statement, field)
                case "60":
                    yield from self._opens(field)
                case "61":
                    self._moved = field
                case "62":
                    yield from self._closes(field)
        except MalformedEvent as why:
            yield BadRow(line=field.line, raw=self._bytes([field.written]), why=why)

    def _opens(self, field: _Field) -> Iterator[Row]:
        balance = _balance_in(self._statement, field)
        self._open = True
        on, currency = _plain(balance.date), balance.amount.currency
        within = field.name == "60M"
        self._file.opens(balance.amount.amount, currency=currency, on=on, line=field.line, within=within)
        yield from self._described(on=on, line=field.line)

    def _described(self, *, on: date, line: int) -> Iterator[Row]:
        account, currency = self._account, self._statement.currency
        if account is not None and currency is not None:
            described = AccountFacts(account=account, currency=currency, number=account)
            yield from self._file.account(described, on=on, line=line)

    def _closes(self, field: _Field) -> Iterator[Row]:
        self._open = False
        balance = _balance_in(self._statement, field)
        currency = balance.amount.currency
        on, within = _plain(balance.date), field.name == "62M"
        self._file.closes(balance.amount.amount, currency=currency, on=on, line=field.line, within=within)
        yield from self._ends()

    def _movement(self) -> Iterator[Row | BadRow]:
        """Give the movement that is waiting, with the details that came."""
        field, details, self._moved, self._details = self._moved, self._details, None, []
        if field is None:
            return
        raw = self._bytes([field.written, *details])
        try:
            facts, on = self._facts(field, details)
        except MalformedEvent as why:
            yield BadRow(line=field.line, raw=raw, why=why)
        else:
            yield from self._described(on=on, line=field.line)
            yield Row(line=field.line, what="movement", facts=facts, on=on, raw=raw)

    def _facts(self, field: _Field, details: Sequence[str]) -> tuple[dict[str, object], date]:
        """Say what a statement line and its details mean."""
        expected = _EXPECTED.match(field.value)
        line = _EXPECTED.sub(r"\1\2", field.value) if expected else field.value
        said: dict[str, Any] = _read_field(self._statement, field, value=line).transactions[-1].data
        amount, currency = said["amount"].amount, said["currency"]
        value_date = _plain(said["date"])
        on = _nearest(_plain(said["entry_date"]), to=value_date) if said.get("entry_date") else value_date
        beside = said.get("extra_details") or ""
        told: dict[str, object] = {"bank_code": said.get("id"), "text": printed(beside)} | details_in(details)
        if amount > 0:
            told.pop("merchant", None)  # who receives it is the account's owner
        if said["status"].upper() in _REVERSED:
            told["operation"] = "reversal"
        told |= original_in(beside + "".join(details), currency=currency or "", negative=amount < 0)
        told |= {"account": self._account, "amount": amount, "currency": currency, "value_date": value_date}
        told.setdefault("reference", reference_in(said.get("customer_reference")))
        if expected:
            return told | {"status": "pending"}, on
        self._file.moves(amount, currency=currency or "", on=on)
        return told | {"booked": on}, on

    def _bytes(self, written: Sequence[str]) -> bytes:
        return "\n".join(written).encode(self._encoding, errors="replace")

    def _ends(self) -> Iterator[Row]:
        """End the statement, or a page of one that goes on."""
        rows = self._file.ends(account=self._account or "")
        if self._account is not None:
            yield from rows
        else:
            list(rows)
        self._open = False


def _library() -> Callable[[], Transactions]:
    """Give what makes a statement that knows all habits of banks that the library knows."""
    try:
        import mt940  # noqa: PLC0415 - an extra
    except ImportError as error:
        fix = f"install {EXTRA}"
        raise MalformedDocument(field="MT940", shape="a format whose library is absent", fix=fix) from error
    options = mt940.Options.all()
    return lambda: mt940.models.Transactions(options=options)


def _read_field(statement: Transactions, field: _Field, *, value: str | None = None) -> Transactions:
    """Let the library read one field into a statement.

    Raises
    ------
    MalformedEvent
        When it cannot.
    """
    said = field.value if value is None else value
    why = MalformedEvent(
        field=f":{field.name}:", shape=f"text of {len(said)} characters", fix="write it as SWIFT describes MT940"
    )
    tag = statement.tags.get(field.name) or statement.tags[int(field.name[:2])]
    if tag.re.match(said) is None:  # the library would write what stands there into a log
        raise why
    statement.transactions.clear()
    try:
        statement.parse(f":{field.name}:{said}")
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise why from error
    return statement


def _balance_in(statement: Transactions, field: _Field) -> Any:
    """Give the library's balance of a field such as 60F or 62M."""
    slug = _ENDINGS.get(field.name[2:], "") + _BALANCES[field.name[:2]]
    return _read_field(statement, field).data[slug]


def _account_in(value: str) -> str | None:
    """Name the account of field 25: an IBAN, or bank and number."""
    bank, _, number = value.partition("\n")[0].strip().rpartition("/")
    return account_number(number, bank=bank) or None


def _plain(day: date) -> date:
    """Give a date of the library as one of Python's own."""
    return date(day.year, day.month, day.day)


def _nearest(entry: date, *, to: date) -> date:
    """Give the date of booking, which is written without a year: the one next to the value date."""
    distances = {}
    for year in (to.year - 1, to.year, to.year + 1):
        with suppress(ValueError):  # the 29th of February
            one = entry.replace(year=year)
            distances[abs(one - to)] = one
    return distances[min(distances)]

"""Rows of a table as movements, after a mapping; what cannot be one is a bad row with its reason.

1. Each column has a reader, made once for all rows.
2. A line that sums others up, says what stood on the account, or is a note below the rows, is no row: it is counted.
3. Rows of one day keep their order: by the time beside their date where there is one, else as they stand in the file.
4. Balances stand beside the movements; of an account at another bank the last one is told by itself.
5. Where an IBAN stands above the table or in a column, and the account has another name, it is told as its number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from marketofone.domain.account_numbers import world_number
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.tables.amounts import SYMBOLS, amount_reader
from marketofone.importers.tables.balances import BalanceCheck
from marketofone.importers.tables.cells import Cell, account_of, iban_in, is_empty, text_of
from marketofone.importers.tables.dates import date_reader, is_islamic
from marketofone.importers.tables.details import NAME_LENGTH, Cells, details_of, folded_words
from marketofone.importers.tables.mapping import Mapping, Words
from marketofone.importers.tables.periods import ABOVE, period_above, period_of
from marketofone.importers.tables.tabular import Table, TableRow
from marketofone.importers.tables.vocabulary import begins_like_a_total, says

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp][Mm])?")
_LAST_SECOND = 86_399
_PLACES = 1000  # for the rows of one moment
_NOTE_CELLS = 2  # so few filled cells, of which none is a date or an amount, are a note and no row

WITHOUT_YEAR = 'set period = "2025-12-01/2026-01-31" with its own days in the mapping'
"""How a mapping tells the years of dates that have none."""

Amount = Callable[[Cells], Decimal | None]


class _Balance(NamedTuple):
    """What an account held after a row: its line, its date and its place among the rows of that day."""

    line: int
    on: date
    place: int
    balance: Decimal


class MappedRows:
    """Reads a table after its mapping, once.

    Once all were read, ``notes`` counts lines that are no rows, and ``check`` tells where balances do not follow. While
    a row is read, ``row`` is what stands there, and ``before`` how many rows of its moment stood before it, where its
    date could be read. Where only some rows of a file are read, ``stood_before`` says that of their lines.

    Raises
    ------
    MalformedDocument
        When the mapping names what the table does not have.
    """

    def __init__(
        self,
        table: Table,
        mapping: Mapping,
        *,
        elsewhere: bool = False,
        stood_before: dict[int, int] | None = None,
    ) -> None:
        mapping.check(table.columns)
        self.notes = 0
        self.row: TableRow | None = None
        self.before: int | None = None
        self.check = BalanceCheck(mapping.order)
        self._table = table
        self._mapping = mapping
        self._elsewhere = elsewhere
        self._width = len(table.columns)
        self._at = {name: number for number, name in enumerate(table.columns)}
        self._places = {key: self._at[column] for key, column in mapping.columns.named()}
        self._date = date_reader(mapping.date, dated=_dated(mapping, table))
        self._number = amount_reader(mapping.decimal)
        self._sign_of = _signs(mapping.words)
        self._amount = self._amount_of()
        texts = [self._at[column] for column in mapping.columns.text]
        self._details = details_of(mapping, self._places, number=self._number, day=self._date, texts=texts)
        self._last: dict[tuple[str, str], _Balance] = {}
        self._first: dict[tuple[str, str], tuple[date, int]] = {}
        self._above = {found for cells in table.above for cell in cells if (found := iban_in(cell)) is not None}
        self._numbers: dict[tuple[str, str], set[str]] = {}  # that stand in rows, by account and currency
        self._before = Counter[tuple[date, int]]()  # rows that told the same date and time
        self._stood_before = stood_before or {}

    def __iter__(self) -> Iterator[Row | BadRow]:
        yield from self.rows()
        yield from self._balances()
        yield from self._numbered()

    def rows(self) -> Iterator[Row | BadRow]:
        """Give what stands in the rows, without what is told of accounts by all of them together."""
        for row in self._table.rows():
            self.row = self.before = None
            if isinstance(row, BadRow):
                yield row
                continue
            self.row = row
            if (read := self._read(row)) is not None:
                yield read
            else:
                self.notes += 1
        self.row = None

    def _balances(self) -> Iterator[Row]:
        """Give what accounts at another bank held after their last row."""
        for (account, currency), last in self._last.items():
            facts = {
                "account": account,
                "currency": currency,
                "balance": last.balance,
                "number": self._number_of(account, currency),
            }
            yield Row(line=last.line, what="balance", facts=facts, on=last.on)

    def _numbered(self) -> Iterator[Row]:
        """Give the accounts whose number stands above the table or in it, where they have another name."""
        for (account, currency), (on, line) in self._first.items():
            number = self._number_of(account, currency)
            if number is not None:
                facts = {"account": account, "product": "current", "currency": currency, "number": number}
                yield Row(line=line, what="account", facts=facts, on=on, id=f"account:{currency}:{number}")

    def _number_of(self, account: str, currency: str) -> str | None:
        """Give the one number in the rows of an account, unless that is its name.

        Where none stands there and no column names the account, it is the one IBAN above the table.
        """
        above = self._above if self._mapping.columns.account is None else set[str]()
        numbers = self._numbers.get((account, currency)) or above
        if len(numbers) != 1:
            return None
        (number,) = numbers
        return None if world_number(account) == world_number(number) else number

    def _cell(self, cells: Cells, key: str) -> Cell:
        at = self._places.get(key)
        return "" if at is None else cells[at]

    def _read(self, row: TableRow) -> Row | BadRow | None:
        line, cells, raw = row
        missing = self._width - len(cells)
        if missing:
            cells = [*cells, *[""] * missing] if missing > 0 else cells
        try:
            self._check_width(cells)
            return self._understood(line, cells, raw)
        except MalformedEvent as why:
            return None if self._is_note(cells) else BadRow(line=line, raw=raw, why=why)

    def _check_width(self, cells: Cells) -> None:
        if len(cells) > self._width and not is_empty(cells[self._width :]):
            fix = f"write {self._width}, and quote what holds a separator"
            raise MalformedEvent(field="row", shape=f"{len(cells)} cells", fix=fix)

    def _understood(self, line: int, cells: Cells, raw: bytes) -> Row:
        on, clock = self._booked(cells)
        place = self._place(on, clock, line)
        amount = self._amount(cells)
        facts: dict[str, object] = {"account": self._account(cells), "currency": self._currency(cells)}
        if self._above or "number" in self._places:
            self._open(cells, str(facts["account"]), str(facts["currency"]), on, line)
        balance = self._balance(cells)
        if balance is not None:
            self._see(facts, amount or Decimal(0), _Balance(line, on, place, balance))
        if amount is None:
            if balance is None:
                raise MalformedEvent(field="amount", shape="missing", fix="write an amount")
            place = 0 if self._elsewhere else place
            return Row(line=line, what="balance", facts={**facts, "balance": balance}, on=on, raw=raw, place=place)
        if not amount:
            raise MalformedEvent(field="amount", shape="zero", fix="leave the row out: no money moved")
        facts["amount"] = amount
        if balance is not None and not self._elsewhere:
            facts["balance"] = balance
        for add in self._details:
            add(facts, cells, amount)
        if balance is None and self._mapping.columns.balance is not None and facts.get("status") != "pending":
            self.check.see((facts["account"], facts["currency"]), amount=amount, balance=None, line=line)
        id = text_of(self._cell(cells, "id")) or None  # noqa: A001 - the word of CloudEvents
        return Row(line=line, what="movement", facts=facts, on=on, id=id, raw=raw, place=place)

    def _place(self, on: date, clock: int, line: int) -> int:
        """Give the place of a row among those of its day: by its time, then by its place in the file.

        A row that turns out to be bad takes its place as well: it may be read later.
        """
        self.before = self._stood_before.get(line, self._before[on, clock])
        self._before[on, clock] = self.before + 1
        before = min(self.before, _PLACES - 1)
        return _PLACES * clock + (before if self._mapping.order == "oldest first" else _PLACES - 1 - before)

    def _booked(self, cells: Cells) -> tuple[date, int]:
        """Give the date of a row, and the second of that day where a time stands beside it."""
        for column in self._mapping.columns.booked:
            cell = cells[self._at[column]]
            if cell != "":
                try:
                    return self._date(cell), _second_of(cell)
                except ValueError:
                    raise self._undated(cell, column) from None
        raise MalformedEvent(field="booked", shape="missing", fix="write the date of booking")

    def _undated(self, cell: Cell, column: str) -> MalformedEvent:
        """Say why a cell is no date: some banks write there that a payment waits."""
        if says("pending", text_of(cell)):
            fix = "import the file again once it is booked, or write its date"
            return MalformedEvent(field="booked", shape="a payment that waits, without a date", fix=fix)
        fix = f"write a date as {self._mapping.date} in the column {column}"
        shape = "a date of the Islamic calendar" if is_islamic(text_of(cell)) else _shape(cell)
        return MalformedEvent(field="booked", shape=shape, fix=fix)

    def _amount_of(self) -> Amount:
        """Give what reads the amount of a row, money in being positive; None where nothing stands."""
        read = self._without_fee()
        return (
            read if self._mapping.columns.fee is None else partial(_with_fee, read, self._figure("fee", self._number))
        )

    def _without_fee(self) -> Amount:
        said = self._mapping.columns
        if said.amount is None:
            return self._of_two()
        if said.direction is None:
            return self._figure("amount", amount_reader(self._mapping.decimal, positive=self._mapping.positive))
        return partial(_directed, self._figure("amount", self._number), self._at[said.direction], self._sign_of)

    def _of_two(self) -> Amount:
        positive = self._mapping.positive
        debit = self._figure("debit", amount_reader(self._mapping.decimal, positive=positive))
        credit = self._figure("credit", amount_reader(self._mapping.decimal, positive=self._mapping.credits))

        def read(cells: Cells) -> Decimal | None:
            out, into = debit(cells), credit(cells)
            if out and into:
                raise MalformedEvent(field="amount", shape="a debit and a credit", fix="write one of them in each row")
            return None if out is None and into is None else out or into or Decimal(0)

        return read

    def _figure(self, key: str, number: Callable[[Cell], Decimal]) -> Amount:
        at, column = self._places.get(key), getattr(self._mapping.columns, key)

        def read(cells: Cells) -> Decimal | None:
            cell: Cell = "" if at is None else cells[at]
            if cell == "" or (isinstance(cell, str) and not cell.strip()):
                return None
            try:
                return number(cell)
            except ValueError:
                fix = f"write a number with {self._mapping.decimal} before its decimals in the column {column}"
                raise MalformedEvent(field=key, shape=_shape(cell), fix=fix) from None

        return read

    def _balance(self, cells: Cells) -> Decimal | None:
        """Give what stood on the account after a row; what cannot be read is left out, for the row says enough."""
        cell = self._cell(cells, "balance")
        try:
            balance = self._number(cell) if cell != "" else None
        except ValueError:
            return None
        at = self._places.get("balance_direction")
        if balance is None or at is None or not (word := text_of(cells[at])):
            return balance
        sign = self._sign_of(word)
        return None if not sign else balance if sign > 0 else -abs(balance)

    def _account(self, cells: Cells) -> str:
        name = account_of(self._cell(cells, "account"))[:NAME_LENGTH] or self._mapping.account
        if not name:
            raise MalformedEvent(field="account", shape="missing", fix="name the account, or give --account")
        return name

    def _currency(self, cells: Cells) -> str:
        word = text_of(self._cell(cells, "currency"))
        code = SYMBOLS.get(word.lower(), word.upper()) or self._mapping.currency
        if not code:
            raise MalformedEvent(field="currency", shape="missing", fix="write a code of ISO 4217, or give --currency")
        return code

    def _see(self, facts: dict[str, object], amount: Decimal, said: _Balance) -> None:
        """Check a balance, and remember the last one of an account at another bank."""
        key = (str(facts["account"]), str(facts["currency"]))
        self.check.see(key, amount=amount, balance=said.balance, line=said.line)
        before = self._last.get(key)
        if self._elsewhere and (before is None or (before.on, before.place) < (said.on, said.place)):
            self._last[key] = said

    def _open(self, cells: Cells, account: str, currency: str, on: date, line: int) -> None:
        """Remember on which day an account is told of first, and the number that stands beside it."""
        number = world_number(account_of(self._cell(cells, "number")))
        if number is not None:
            self._numbers.setdefault((account, currency), set()).add(number)
        before = self._first.get((account, currency))
        if before is None or on < before[0]:
            self._first[account, currency] = on, line

    def _is_note(self, cells: Cells) -> bool:
        """Say whether a line below the rows only sums up, or notes something."""
        filled = [text for cell in cells if (text := text_of(cell))]
        try:
            self._booked(cells)
        except MalformedEvent:
            pass
        else:
            return False
        said = self._mapping.columns
        amounts = [self._cell(cells, key) for key in ("amount", "debit", "credit") if getattr(said, key) is not None]
        few = len(filled) <= _NOTE_CELLS or is_empty([cells[self._at[column]] for column in said.booked])
        return not filled or begins_like_a_total(filled[0]) or (few and is_empty(amounts))


def _dated(mapping: Mapping, table: Table) -> Callable[[int, int], date] | None:
    """Give what tells the years of dates that have none."""
    if mapping.period is None:
        return None
    period = period_above(table.above) if mapping.period == ABOVE else period_of(mapping.period)
    if period is None:
        fix = f"write it into a line above the header, or {WITHOUT_YEAR}"
        raise MalformedDocument(field="period", shape="no period above the table", fix=fix)
    return period.day


def _with_fee(read: Amount, fee: Amount, cells: Cells) -> Decimal | None:
    """Give an amount with the fee that went out beside it."""
    amount, beside = read(cells), fee(cells)
    return (amount or Decimal(0)) - abs(beside) if beside else amount


def _signs(words: Words) -> Callable[[str], int]:
    """Give what says which way a word points: 1 for money in, -1 for money out, 0 where it says neither."""
    signs = dict.fromkeys(folded_words(words.money_in), 1) | dict.fromkeys(folded_words(words.money_out), -1)

    def sign_of(said: str) -> int:
        word = said.casefold()
        if word not in signs:
            signs[word] = 1 if says("money_in", word) else -1 if says("money_out", word) else 0
        return signs[word]

    return sign_of


def _directed(read: Amount, at: int, sign_of: Callable[[str], int], cells: Cells) -> Decimal | None:
    amount = read(cells)
    if amount is None:
        return None
    word = text_of(cells[at])
    sign = sign_of(word)
    if not sign:
        fix = "write the word into words.money_in or words.money_out of the mapping"
        raise MalformedEvent(field="direction", shape=_shape(word), fix=fix)
    return sign * amount


def _second_of(cell: Cell) -> int:
    """Give the second of the day that stands beside a date, 0 where none does."""
    if isinstance(cell, datetime):
        return 3600 * cell.hour + 60 * cell.minute + cell.second
    match = _CLOCK.search(cell) if isinstance(cell, str) and ":" in cell else None
    if match is None:
        return 0
    hour, minute, second, half = match.groups()
    hours = int(hour) % 12 + 12 * (half.lower() == "pm") if half else int(hour)
    return min(3600 * hours + 60 * int(minute) + int(second or 0), _LAST_SECOND)


def _shape(cell: Cell) -> str:
    return f"text of {len(cell)} characters" if isinstance(cell, str) else f"a {type(cell).__name__.lower()}"

"""Which column of a table says what: by the words of its header, and only where its cells agree.

All pairs of a column and a role that its header may mean are weighed; the heaviest that fits goes first, and takes
both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from statistics import median

from marketofone.domain.account_numbers import world_number
from marketofone.domain.money import CURRENCIES
from marketofone.importers.tables.amounts import SYMBOLS, AmountStyle, amount_style
from marketofone.importers.tables.cells import Cell, text_of
from marketofone.importers.tables.dates import DateStyle, date_style
from marketofone.importers.tables.tabular import Table, TableRow
from marketofone.importers.tables.vocabulary import roles_of, says

_LEAST_WEIGHT, _CLEAR = 0.3, 0.5
_NAME_LETTERS = 64
_HALF, _MOST, _NEARLY_ALL = 0.5, 0.8, 0.9
_FEW_ACCOUNTS, _FEW_STATES, _FEW_KINDS = 5, 10, 40
_PROVEN = frozenset({"direction", "currency"})  # what fits these is nothing else, whatever else its header may mean
_CODES = frozenset(CURRENCIES)
_MCC, _PURPOSE = re.compile(r"\d{3,4}"), re.compile(r"[A-Z]{4}")
FOUR_DIGITS = re.compile(r"(?:\D*\d){4}")
"""What an account's number has at least."""


class Column:
    """A column of a table: its header, and its cells that are filled."""

    def __init__(self, name: str, cells: Sequence[Cell]) -> None:
        self.name = name
        self.rows = len(cells)
        self.filled = {number for number, cell in enumerate(cells) if text_of(cell)}
        self.cells = [cells[number] for number in sorted(self.filled)]
        self.weights = roles_of(name)

    @cached_property
    def texts(self) -> list[str]:
        """The filled cells as text."""
        return [text_of(cell) for cell in self.cells]

    @cached_property
    def dates(self) -> DateStyle:
        """How its cells read as dates."""
        return date_style(self.cells)

    @cached_property
    def amounts(self) -> AmountStyle:
        """How its cells read as amounts."""
        return amount_style(self.cells)

    @cached_property
    def distinct(self) -> int:
        """How many different texts stand in it."""
        return len(set(self.texts))

    def share(self, holds: Callable[[str], object]) -> float:
        """Give the share of its filled cells for which something holds."""
        return sum(bool(holds(text)) for text in self.texts) / len(self.texts) if self.texts else 0.0

    def is_dates(self) -> bool:
        """Say whether nearly all of its cells are dates."""
        return self.dates.share >= _MOST

    def is_amounts(self) -> bool:
        """Say whether nearly all of its cells are amounts."""
        return self.amounts.share >= _NEARLY_ALL

    def is_words(self) -> bool:
        """Say whether it holds words, and neither dates nor amounts; an empty one may."""
        return not self.cells or not (self.is_dates() or self.is_amounts())

    def is_names(self) -> bool:
        """Say whether it holds words, of which hardly any is an account's number; an empty one may."""
        return self.is_words() and self.share(world_number) < _HALF

    def is_marks(self) -> bool:
        """Say whether nearly all of its cells are words for money in or out."""
        return self.share(lambda text: says("money_out", text) or says("money_in", text)) >= _NEARLY_ALL

    def repeats(self, *, few: int, share: float) -> bool:
        """Say whether it holds few different texts, or not many for its many rows."""
        return 0 < self.distinct <= max(few, share * len(self.texts))


def columns_of(table: Table, rows: Sequence[TableRow]) -> list[Column]:
    """Look at each column of some rows of a table; rows with few cells are notes, and tell nothing of columns."""
    width = len(table.columns)
    filled = [sum(text_of(cell) != "" for cell in row.cells) for row in rows]
    usual = median(filled)
    whole = [row for row, count in zip(rows, filled, strict=True) if 2 * count > usual]
    cells = [[*row.cells[:width], *[""] * (width - len(row.cells))] for row in whole]
    return [Column(name, column) for name, column in zip(table.columns, zip(*cells, strict=True), strict=True)]


def roles_in(columns: Sequence[Column]) -> dict[str, Column]:
    """Give each role the column that has it.

    Examples
    --------
    >>> columns = [Column("Valuta", ["01.06.2026"]), Column("Betrag", ["5,00"]), Column("Valuta", ["EUR"])]
    >>> {role: columns.index(column) for role, column in sorted(roles_in(columns).items())}
    {'amount': 1, 'currency': 2, 'value_date': 0}
    """
    weighed = [
        (weight + (role in _PROVEN), -number, role)
        for number, column in enumerate(columns)
        for role, weight in column.weights.items()
        if weight >= _LEAST_WEIGHT and FITS[role](column)
    ]
    found: dict[str, Column] = {}
    for _, number, role in sorted(weighed, reverse=True):
        column = columns[-number]
        if role not in found and all(column is not taken for taken in found.values()):
            found[role] = column
    return found


def _is_direction(column: Column) -> bool:
    return column.is_marks() and column.share(lambda text: says("money_out", text)) > 0


def _is_currency(column: Column) -> bool:
    return column.share(lambda text: text.upper() in _CODES or text.lower() in SYMBOLS) >= _HALF


def _is_id(column: Column) -> bool:
    """Say whether each row has one of its own, which is no number of the row in this one file."""
    if column.distinct < len(column.texts) or len(column.texts) < _NEARLY_ALL * column.rows or column.is_dates():
        return False
    numbers = sorted(int(text) for text in column.texts if text.isascii() and text.isdigit())
    return len(numbers) < len(column.texts) or numbers not in (
        list(range(len(numbers))),
        list(range(1, len(numbers) + 1)),
    )


def _is_account(column: Column) -> bool:
    few = max(1, min(_FEW_ACCOUNTS, len(column.texts) // 2))
    named = column.weights["account"] >= _CLEAR or (column.distinct == 1 and bool(FOUR_DIGITS.match(column.texts[0])))
    short = bool(column.cells) and max(map(len, column.texts)) <= _NAME_LETTERS
    return short and named and column.repeats(few=few, share=0.1) and not column.is_dates()


FITS: Mapping[str, Callable[[Column], bool]] = {
    "booked": lambda column: column.dates.share >= _HALF,
    "value_date": lambda column: column.dates.share >= _HALF,
    "amount": lambda column: column.amounts.share >= _HALF and not _is_plain_date(column),
    "debit": lambda column: column.amounts.share >= _HALF or not column.cells,
    "credit": lambda column: column.amounts.share >= _HALF or not column.cells,
    "balance": lambda column: column.amounts.share >= _HALF,
    "original": lambda column: column.amounts.share >= _HALF,
    "fee": lambda column: column.amounts.share >= _HALF,
    "currency": _is_currency,
    "original_currency": _is_currency,
    "direction": _is_direction,
    "account": _is_account,
    "counterparty_account": lambda column: not column.cells or column.share(FOUR_DIGITS.match) >= _MOST,
    "id": _is_id,
    "mcc": lambda column: column.share(_MCC.fullmatch) >= _MOST,
    "purpose_code": lambda column: column.share(_PURPOSE.fullmatch) >= _MOST,
    "status": lambda column: column.repeats(few=_FEW_STATES, share=0.1) and column.is_words(),
    "category": lambda column: column.repeats(few=_FEW_KINDS, share=0.5) and column.is_words(),
    "bank_code": lambda column: column.repeats(few=_FEW_KINDS, share=0.5) and not column.is_dates(),
    "reference": lambda column: bool(column.cells) and not column.is_dates(),
    "text": Column.is_words,
    "counterparty": Column.is_names,
    "payer": Column.is_names,
    "payee": Column.is_names,
    "merchant": Column.is_names,
}
"""What must hold of the cells of a column that is called so, before it has a role; some may be broken."""


def _is_plain_date(column: Column) -> bool:
    """Say whether what reads as amounts are dates without signs between their parts."""
    return column.is_dates() and all(len(text) == len("YYYYMMDD") for text in column.texts)

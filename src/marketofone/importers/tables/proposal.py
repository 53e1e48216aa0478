"""A mapping for a table that comes without one: from the words of its header, and from what stands in its cells.

1. Columns get their roles (``roles.py``). Where no header names a date, an amount or a text, cells alone decide.
2. The order of dates, the sign before decimals, the currency, the account and the words of direction are found.
3. The first rows are read with what was found: balances and signs settle which way money went (``signs.py``).
4. What stays open is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.account_numbers import world_number
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.money import CURRENCIES, currency_of_country, decimals_of
from marketofone.importers.tables.amounts import DecimalSign, amount_style, currency_beside
from marketofone.importers.tables.cells import Cell, iban_in, text_of
from marketofone.importers.tables.dates import Order, date_style, dates_in, is_islamic
from marketofone.importers.tables.mapped import WITHOUT_YEAR
from marketofone.importers.tables.mapping import Columns, Mapping, Words
from marketofone.importers.tables.periods import ABOVE, Period, period_above
from marketofone.importers.tables.roles import FITS, FOUR_DIGITS, Column, columns_of, roles_in
from marketofone.importers.tables.signs import settle
from marketofone.importers.tables.tabular import Table, TableRow, unnamed_column
from marketofone.importers.tables.vocabulary import currency_in, currency_of_words, roles_of, says

MAIN = "main"
"""What an account is called that nothing names."""

_MONEY = ("amount", "debit", "credit", "balance", "original")
_FORMS = frozenset({"amount", "debit", "credit"})
_TOLD = frozenset({"text", "counterparty", "payee", "payer", "merchant"})
_TEXTS_OF_A_ROW = 8
_CLEAR, _FITTING = 0.5, 0.3
_MONEY_LIKE = 0.6
_DECIMALS = re.compile(r"[.,]\d{1,2}\D*$")
_A_WORD = 6  # letters of what is no code
_LEAP_YEAR = Period(date(2024, 1, 1), date(2024, 12, 31))  # it has every day
_NUMBERS = 0.8  # the share of cells that are numbers, in a column of them


class Proposal(Struct, frozen=True, kw_only=True):
    """A mapping, and sentences about what in it is not sure.

    ``told`` are those of ``account``, ``currency``, ``date``, ``decimal`` and ``signs`` which the file itself tells.
    """

    mapping: Mapping
    unsure: tuple[str, ...] = ()
    told: frozenset[str] = frozenset()


def propose(table: Table, *, account: str | None = None, currency: str | None = None, otherwise: str) -> Proposal:
    """Propose how the rows of a table become movements.

    Parameters
    ----------
    account, currency
        What is known already; it counts more than what the table says.
    otherwise
        The currency that is taken where nothing says one.

    Raises
    ------
    MalformedDocument
        When the table has no rows, or none of its columns holds dates or amounts.
    """
    rows = table.sample()
    if not rows:
        raise MalformedDocument(field=table.name, shape="no rows", fix="name a file of rows")
    return _Proposing(table, rows).proposal(account=account, currency=currency, otherwise=otherwise)


def unnamed_account() -> str:
    """Say that no account is named, and what stands for it."""
    return f"account: nothing names it; it is called {MAIN} unless --account names it"


def unnamed_currency(taken: str) -> str:
    """Say that no currency is named, and which is taken."""
    return f"currency: nothing names it; {taken} is taken unless --currency names it"


class _Proposing:
    """What is found out about one table, step by step."""

    def __init__(self, table: Table, rows: Sequence[TableRow]) -> None:
        self.table = table
        self.rows = rows
        self.columns = columns_of(table, rows)
        self.roles = roles_in(self.columns)
        self.period: Period | None = None  # where dates have no year
        self.unsure: list[str] = []
        self.told: set[str] = set()

    def proposal(self, *, account: str | None, currency: str | None, otherwise: str) -> Proposal:
        self._find_what_is_needed()
        if account is not None:
            self._take_for_number(self.roles.pop("account", None))
        if currency is not None:
            self.roles.pop("currency", None)
        mapping = Mapping(
            columns=self._columns(),
            date=self._date_order(),
            decimal=self._decimal_sign(),
            period=None if self.period is None else ABOVE,
            account=account or self._account(),
            number=self._account_above(),
            currency=currency or self._currency(otherwise),
            separator=self.table.separator,
            encoding=self.table.encoding,
            header=self._header(),
            words=self._words(),
        )
        first_rows = replace(self.table, rows=lambda: iter(self.rows))
        others = [column.name for column in self._free() if column.is_amounts()]
        settled = settle(mapping, first_rows, others=others, marks=self._marks())
        self.unsure += settled.unsure
        self.told |= {"signs"} if settled.proven else set()
        self._say_what_is_not_used(settled.mapping)
        return Proposal(mapping=settled.mapping, unsure=tuple(self.unsure), told=frozenset(self.told))

    def _header(self) -> tuple[str, ...]:
        """Give the columns by which a later file is known again; those of a table without a header tell nothing."""
        named = any(column.name != unnamed_column(number) for number, column in enumerate(self.columns, start=1))
        return self.table.columns if named else ()

    def _free(self) -> list[Column]:
        taken = list(self.roles.values())
        return [column for column in self.columns if column.cells and column not in taken]

    def _marks(self) -> list[str]:
        """Name the columns that hold nothing but words for money in and out."""
        return [column.name for column in self.columns if column.is_marks()]

    def _find_what_is_needed(self) -> None:
        """Let cells decide where no header names a date, an amount or a text."""
        if "booked" not in self.roles:
            self._find_dates()
        if not _FORMS & self.roles.keys():
            self._take_original()
        if not _FORMS & self.roles.keys():
            self._find_amounts()
        if "direction" not in self.roles and (words := _best(self.columns, FITS["direction"])) is not None:
            self.roles["direction"] = words
        if not _TOLD & self.roles.keys() and (worded := _best(self._free(), _likeness_of_text)) is not None:
            self.roles["text"] = worded

    def _find_dates(self) -> None:
        """Take another column of dates; else dates without a year, where the period above the table tells it."""
        dated = self.roles.pop("value_date", None) or _best(self._free(), _likeness_of_dates)
        if dated is not None:
            self.roles["booked"] = dated
            self._say_taken("booked", dated)
            return
        found = _without_year(self._free())
        if not found:
            self._refuse_islamic()
            raise self._lacks("dates", "write a column of dates, under a header such as Date")
        self.period = period_above(self.table.above)
        if self.period is None:
            fix = f"write the year into them, or the period into a line above the header, or {WITHOUT_YEAR}"
            raise MalformedDocument(field=found["booked"].name, shape="dates without a year", fix=fix)
        self.roles |= found
        first, last = self.period
        self.unsure.append(f"date: it has no year; taken from the period above the table, {first} to {last}")

    def _refuse_islamic(self) -> None:
        """Refuse dates whose days only an almanac tells."""
        for column in self._free():
            if column.share(is_islamic) >= _NUMBERS:
                fix = "write them in the Gregorian calendar, as 2026-01-31"
                raise MalformedDocument(field=column.name, shape="dates of the Islamic calendar", fix=fix)

    def _take_original(self) -> None:
        """Take amounts that are called those of the source for the amounts, where no header names others."""
        if (figures := self.roles.pop("original", None)) is not None:
            self.roles["amount"] = figures
            self._say_taken("amount", figures)
        if "currency" not in self.roles and (currency := self.roles.pop("original_currency", None)) is not None:
            self.roles["currency"] = currency

    def _find_amounts(self) -> None:
        """Take two columns of which each row fills one; else the column of amounts with most decimals and signs."""
        free = [column for column in self._free() if column.is_amounts() and not column.is_dates()]
        for debit, credit in pairwise(free):
            if _take_turns(debit, credit):
                self.roles |= {"debit": debit, "credit": credit}
                self._say_taken("debit", debit)
                self._say_taken("credit", credit)
                return
        figures = _best(free, _likeness_of_amounts)
        if figures is None:
            raise self._lacks("amounts", "write a column of amounts, under a header such as Amount")
        self.roles["amount"] = figures
        self._say_taken("amount", figures)

    def _lacks(self, what: str, fix: str) -> MalformedDocument:
        return MalformedDocument(field=self.table.name, shape=f"no column of {what}", fix=fix)

    def _say_taken(self, role: str, column: Column) -> None:
        self.unsure.append(f"{role}: no header names it; the column {column.name} is taken for what stands in it")

    def _columns(self) -> Columns:
        named = {role: column.name for role, column in self.roles.items() if role not in {"booked", "text"}}
        if "counterparty" not in named and len({"payer", "payee"} & named.keys()) == 1:
            named["counterparty"] = named.pop("payer", "") or named.pop("payee")
        return Columns(booked=self._booked(), text=self._texts(), **named)

    def _booked(self) -> tuple[str, ...]:
        """Name the column of dates; where it is not always filled, another one after it."""
        first = self.roles["booked"]
        others = [one for one in self._free() if one.is_dates() and one.weights.get("booked", 0) >= _CLEAR]
        filled = len(first.cells) == first.rows
        return (first.name, *(one.name for one in others if not filled and len(one.cells) > len(first.cells)))

    def _texts(self) -> tuple[str, ...]:
        """Name all columns that hold text, as they stand; a word for the kind of payment is text as well."""
        first = self.roles.get("text")
        free = [one for one in self._free() if one.is_words() and one.weights.get("text", 0) >= _FITTING]
        kinds = [one for one in (self.roles.get("bank_code"),) if one is not None and _likeness_of_text(one) >= _A_WORD]
        return tuple(one.name for one in self.columns if one is first or one in free or one in kinds)[:_TEXTS_OF_A_ROW]

    def _cells(self, *roles: str) -> list[Cell]:
        return [cell for role in roles if (column := self.roles.get(role)) is not None for cell in column.cells]

    def _date_order(self) -> Order:
        cells = self._cells("booked", "value_date")
        style = date_style(cells, dated=None if self.period is None else self.period.day)
        if not style.sure:
            above = [found for line in self.table.above for cell in line for found in dates_in(cell)]
            style = date_style([*cells, *above], dated=None if self.period is None else self.period.day)
        if style.sure:
            self.told.add("date")
        else:
            self.unsure.append(f"date: day and month cannot be told apart; they are read as {style.order}")
        return style.order

    def _decimal_sign(self) -> DecimalSign:
        style = amount_style(self._cells(*_MONEY), otherwise="," if self.table.separator == ";" else ".")
        if style.sure:
            self.told.add("decimal")
        else:
            self.unsure.append(f"decimal: no amount shows what stands before its decimals; {style.decimal} is taken")
        return style.decimal

    def _account(self) -> str | None:
        """Name the account of rows that name none: the one above the header, or a word for it."""
        column = self.roles.get("account")
        if column is not None and len(column.cells) == column.rows:
            return None
        above = self._account_above()
        if above is None:
            self.unsure.append(unnamed_account())
        else:
            self.told.add("account")
        return above or MAIN

    def _account_above(self) -> str | None:
        """Give what is called an account above the header, where no column names it."""
        if "account" in self.roles:
            return None
        numbers = (value for value in self._named_above("account") if FOUR_DIGITS.match(value))
        return next(self._ibans_above(), None) or next(numbers, None)

    def _take_for_number(self, column: Column | None) -> None:
        """Take the column that names the account for its number, where it has another name and numbers stand there."""
        if column is not None and column.share(world_number) >= _NUMBERS:
            self.roles["number"] = column

    def _named_above(self, role: str) -> Iterator[str]:
        """Give what stands beside a word above the header, in the next cell or after a colon."""
        for cells in self.table.above:
            told = [part.strip() for cell in cells for part in cell.split(":", maxsplit=1) if part.strip()]
            for word, value in pairwise(told):
                if roles_of(word).get(role, 0) >= _CLEAR and not roles_of(value):
                    yield value[:64]

    def _ibans_above(self) -> Iterator[str]:
        for cells in self.table.above:
            for cell in cells:
                if (found := iban_in(cell)) is not None:
                    yield found

    def _currency(self, otherwise: str) -> str | None:
        column = self.roles.get("currency")
        if column is not None and len(column.cells) == column.rows:
            return None
        headers = [currency_in(self.roles[role].name) for role in _MONEY if role in self.roles]
        if told := [code for code in headers if code is not None]:
            self.told.add("currency")
            return told[0]
        beside = Counter(one for cell in self._cells(*_MONEY[:-1]) if (one := currency_beside(cell)) is not None)
        if beside:
            code, sure = beside.most_common(1)[0][0]
            self.told.add("currency")
            if len({one.code for one in beside}) > 1 or not sure:
                code = code if sure else self._currency_of_place() or code
                self.unsure.append(f"currency: the sign beside amounts is that of several; {code} is taken")
            return code
        above = {cell for cells in self.table.above for cell in cells if cell in CURRENCIES}
        if len(above) == 1:
            self.told.add("currency")
            return above.pop()
        taken = self._currency_of_place() or otherwise
        self.unsure.append(unnamed_currency(taken))
        return taken

    def _currency_of_place(self) -> str | None:
        """Give the currency of the country of an IBAN above, or of where headers are written so, if amounts allow."""
        places = {currency_of_country(iban[:2]) for iban in self._ibans_above()}
        code = places.pop() if len(places) == 1 else currency_of_words(self.table.columns)
        if code is not None and not decimals_of(code) and any(map(_has_decimals, self._cells(*_MONEY))):
            return None
        return code

    def _words(self) -> Words:
        found = {
            meaning: tuple(dict.fromkeys(word for role in roles for word in self._said(role) if says(meaning, word)))
            for meaning, roles in {
                "money_in": ("direction",),
                "money_out": ("direction",),
                "transfer": ("direction",),
                "pending": ("status",),
                "void": ("status",),
            }.items()
        }
        return Words(**found)

    def _said(self, role: str) -> list[str]:
        column = self.roles.get(role)
        return [] if column is None else column.texts

    def _say_what_is_not_used(self, mapping: Mapping) -> None:
        used = {column for _, column in mapping.columns.named()}
        used |= {self.roles["fee"].name} if "fee" in self.roles else set()  # what it says is told already
        left = [one.name for one in self.columns if one.name not in used and _likeness_of_amounts(one) >= _MONEY_LIKE]
        if left:
            self.unsure.append(f"not used, though amounts stand there: {', '.join(left)}")


def _without_year(columns: Sequence[Column]) -> dict[str, Column]:
    """Give the columns of dates that have no year, by what their headers call them, or for the names of months."""
    found: dict[str, Column] = {}
    for column in columns:
        if date_style(column.cells, dated=_LEAP_YEAR.day).share < _NUMBERS:
            continue
        role = max(("booked", "value_date"), key=lambda one: column.weights.get(one, 0.0))
        if column.weights.get(role, 0.0) >= _CLEAR or not column.is_amounts():
            found.setdefault(role, column)
    return {"booked": found["value_date"]} if found.keys() == {"value_date"} else found


def _has_decimals(cell: Cell) -> bool:
    return _DECIMALS.search(text_of(cell)) is not None


def _best(columns: Sequence[Column], likeness: Callable[[Column], float]) -> Column | None:
    best = max(columns, key=likeness, default=None)
    return best if best is not None and likeness(best) else None


def _take_turns(one: Column, other: Column) -> bool:
    return len(one.cells) + len(other.cells) == one.rows and one.filled.isdisjoint(other.filled)


def _likeness_of_dates(column: Column) -> float:
    return column.dates.share if column.is_dates() else 0.0


def _likeness_of_amounts(column: Column) -> float:
    """Weigh a column of numbers: amounts have decimals and signs, and ids have neither."""
    if not column.is_amounts() or column.is_dates():
        return 0.0
    with_sign = column.share(lambda text: any(sign in text for sign in "-.,("))
    return 0.1 + with_sign


def _likeness_of_text(column: Column) -> float:
    return sum(map(len, column.texts)) / len(column.texts) if column.is_words() else 0.0

"""What all formats of statements share: how texts, numbers and accounts are written, and whether the balances agree.

The id of an account must be the same in every file and every format: it is the IBAN where there is one, else the bank
and the number; the number of a card is masked.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.encoding import bytes_in
from marketofone.importers.rows import Row

EXTRA = "marketofone[statements]"
LONGEST_TEXT, LONGEST_PARTY, LONGEST_NAME = 500, 200, 64
EVENING = 86_400
"""The place of a balance of the end of a day: after those within it, which have the second at which they were so."""
_PRODUCTS: dict[AccountType | None, str] = {
    None: "current_account",
    "current": "current_account",
    "savings": "savings_account",
    "card": "credit_card",
    "loan": "loan",
    "mortgage": "mortgage",
    "investment": "investment_account",
}
_UNPRINTED = re.compile(r"[\x00-\x20\x7f]+")
_PLAIN = re.compile(r"[+-]?(?:[0-9]{1,15}(?:[.,][0-9]{0,10})?|[.,][0-9]{1,10})")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:([,.'\u2019])[0-9]{3})(?:\1[0-9]{3}){0,4}(?:(?!\1)[.,][0-9]{0,10})?")
_DATE = re.compile(r"((?:19|20|21)[0-9]{2})-?([0-9]{2})-?([0-9]{2})")
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Difference(Struct, frozen=True, kw_only=True):
    """A statement whose balances do not agree with the movements that were read between them.

    ``expected`` is the opening balance and those movements, ``found`` the closing balance that stands in ``line``.
    """

    account: str
    currency: str
    line: int
    expected: Decimal
    found: Decimal


Report = Callable[[Difference], None]
"""Takes the differences that a reader finds, for example ``list.append``."""


def ignored(_: Difference) -> None:
    """Take a difference, and do nothing about it."""


class AccountFacts(Struct, frozen=True, kw_only=True):
    """What a statement says of its account; without a type it is a current account."""

    account: str
    currency: str
    type: AccountType | None = None
    number: str | None = None
    limit: Decimal | None = None


class _Stood(Struct, frozen=True):
    """What stood on an account; ``within`` a statement that goes on it only checks the rows, and is told nowhere."""

    amount: Decimal
    on: date
    line: int
    within: bool


class StatementFile:
    """The accounts and balances of one file, each given once, and the sum of the statement that is being read.

    Parameters
    ----------
    report
        Takes each statement whose balances do not agree with its movements.

    Examples
    --------
    >>> file = StatementFile(report=lambda one: print(one.expected, one.found))
    >>> file.opens(Decimal("100.00"), currency="EUR", on=date(2026, 5, 31), line=3)
    >>> file.moves(Decimal("-30.00"), currency="EUR", on=date(2026, 6, 1))
    >>> file.closes(Decimal("60.00"), currency="EUR", on=date(2026, 6, 1), line=9)
    >>> [row.on.day for row in file.ends(account="a")]
    70.00 60.00
    [31, 1]
    """

    def __init__(self, *, report: Report = ignored) -> None:
        self._report = report
        self._accounts: set[AccountFacts] = set()
        self._balances: set[tuple[str, str, date, Decimal]] = set()
        self._opening: dict[str, _Stood] = {}
        self._closing: dict[str, _Stood] = {}
        self._moved: dict[str, Decimal] = {}
        self._first: date | None = None

    def account(self, facts: AccountFacts, *, on: date, line: int) -> Iterator[Row]:
        """Give the row of an account that was not given yet. It is a new one only where it says something new."""
        if facts in self._accounts:
            return
        self._accounts.add(facts)
        told = {
            "account": facts.account,
            "product": _PRODUCTS[facts.type],
            "currency": facts.currency,
            "type": facts.type,
            "number": facts.number,
            "limit": facts.limit,
        }
        name = ":".join(str(told[what]) for what in ("type", "currency", "limit"))
        yield Row(line=line, what="account", facts=told, on=on, id=f"account:{name}")

    def balance(
        self, amount: Decimal, *, account: str, currency: str, on: date, line: int, place: int = 0
    ) -> Iterator[Row]:
        """Give the row of a balance at the end of a day, or within it at a ``place``, once."""
        if (account, currency, on, amount) not in self._balances:
            self._balances.add((account, currency, on, amount))
            facts = {"account": account, "balance": amount, "currency": currency}
            yield Row(line=line, what="balance", facts=facts, on=on, place=place)

    def opens(self, amount: Decimal, *, currency: str, on: date, line: int, within: bool = False) -> None:
        """Note the booked balance before the movements of a statement, or of a page ``within`` it."""
        self._opening.setdefault(currency, _Stood(amount, on, line, within))

    def moves(self, amount: Decimal, *, currency: str, on: date) -> None:
        """Note a booked movement."""
        self._moved[currency] = self._moved.get(currency, Decimal(0)) + amount
        if self._first is None or on < self._first:
            self._first = on

    def closes(self, amount: Decimal, *, currency: str, on: date, line: int, within: bool = False) -> None:
        """Note the booked balance after the movements of a statement, or of a page ``within`` it."""
        self._closing[currency] = _Stood(amount, on, line, within)

    def ends(self, *, account: str) -> Iterator[Row]:
        """Give the balances of the statement, and report where they do not agree with what was read between them."""
        for currency, stood in self._opening.items():
            # An opening balance stood before the first movement, though many banks date it on the day of that one.
            before = stood.on if self._first is None else min(stood.on, self._first - timedelta(days=1))
            yield from self._told(stood, account=account, currency=currency, on=before)
        for currency, stood in self._closing.items():
            yield from self._told(stood, account=account, currency=currency, on=stood.on)
            self._check(account, currency=currency)
        self._opening, self._closing, self._moved, self._first = {}, {}, {}, None

    def _told(self, stood: _Stood, *, account: str, currency: str, on: date) -> Iterator[Row]:
        if not stood.within:
            yield from self.balance(
                stood.amount, account=account, currency=currency, on=on, line=stood.line, place=EVENING
            )

    def _check(self, account: str, *, currency: str) -> None:
        closing, opening = self._closing[currency], self._opening.get(currency)
        if opening is None:
            return
        expected = opening.amount + self._moved.get(currency, Decimal(0))
        if expected != closing.amount:
            self._report(
                Difference(
                    account=account, currency=currency, line=closing.line, expected=expected, found=closing.amount
                )
            )


def content_of(path: Path) -> bytes:
    """Read a file, unpacked where it is gzip.

    Raises
    ------
    MalformedDocument
        When it cannot be read, or breaks off.
    """
    return b"".join(bytes_in(path, wanted="a file that can be read"))


def text_of(content: bytes, *, declared: str | None = None) -> tuple[str, str]:
    """Read bytes as text, and name the encoding: that of a byte order mark, UTF-8, the declared one, Windows-1252.

    What is UTF-8 is read as UTF-8 whatever a header says, for many banks write one and declare the other. Hardly any
    text in another encoding happens to be UTF-8.

    Examples
    --------
    >>> text_of("Müller".encode("cp1252"), declared="1252")
    ('Müller', 'cp1252')
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace"), encoding
    for encoding in ("utf-8", *([declared] if declared else ())):
        try:
            return content.decode(encoding), codecs.lookup(encoding).name
        except (LookupError, UnicodeError):
            continue
    return content.decode("cp1252", errors="replace"), "cp1252"


def printed(text: str | None, *, limit: int = LONGEST_TEXT) -> str | None:
    r"""Give a text on one line, no longer than it may be; None when nothing is printed.

    Examples
    --------
    >>> printed(" Rent\n  May "), printed("\x00 ")
    ('Rent May', None)
    """
    if not text:
        return None
    said = " ".join(text.split())
    if not said.isprintable():
        said = _UNPRINTED.sub(" ", said).strip()
    return said[:limit].rstrip() or None


def decimal_in(text: str, *, field: str) -> Decimal:
    """Read an amount. The decimal sign is a point or a comma; where both stand the last one, and the first groups.

    Raises
    ------
    MalformedEvent
        When it is no number, or one of more than fifteen digits.

    Examples
    --------
    >>> decimal_in("-12,5", field="amount"), decimal_in("1,234.50", field="amount")
    (Decimal('-12.5'), Decimal('1234.50'))
    """
    plain = text.strip()
    if _PLAIN.fullmatch(plain) is None:
        grouped = _GROUPED.fullmatch(plain)
        if grouped is None:
            shape = f"text of {len(text)} characters"
            raise MalformedEvent(field=field, shape=shape, fix="write a number such as -12.50")
        plain = plain.replace(grouped[1], "")
    return Decimal(plain.replace(",", "."))


@lru_cache(maxsize=4096)
def date_in(text: str, *, field: str) -> date:
    """Read the date with which a text begins, as it is printed: what follows it, such as a time, is left.

    Raises
    ------
    MalformedEvent
        When it begins with no date of the years from 1900 to 2199.

    Examples
    --------
    >>> date_in("2026-11-05T23:30:00-05:00", field="date"), date_in("20261105", field="date")
    (datetime.date(2026, 11, 5), datetime.date(2026, 11, 5))
    """
    match = _DATE.match(text)
    try:
        return date(*map(int, match.groups())) if match else _no_date(text, field=field)
    except ValueError:
        return _no_date(text, field=field)


def _no_date(text: str, *, field: str) -> NoReturn:
    raise MalformedEvent(field=field, shape=f"text of {len(text)} characters", fix="write a date such as 2026-11-05")


def date_or_none(text: str | None) -> date | None:
    """Read a date that may be missing, or written as zeros."""
    try:
        return date_in(text, field="date") if text else None
    except MalformedEvent:
        return None


def rate_in(text: str | None) -> float | None:
    """Read a rate of exchange; None where there is none that can be one."""
    try:
        rate = float(decimal_in(text or "", field="rate"))
    except MalformedEvent:
        return None
    return rate if rate > 0 else None


def cut_off(*, line: int) -> MalformedEvent:
    """Give what is wrong with a file that ends, or cannot be read further, in the middle of something."""
    return MalformedEvent(field="file", shape=f"a file that breaks off in line {line}", fix="export it again, whole")

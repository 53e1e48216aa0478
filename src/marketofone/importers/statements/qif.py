"""QIF: what Quicken and many banks write, one field a line, one record up to a ``^``.

The format tells no currency, and no account that other files know. So the caller names both, and the order in which
dates are written where the file leaves it open. The splits of a purchase stay one movement. Lists of categories and the
like hold no rows; each record of an investment is a bad row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec import Struct

from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements.statement import (
    LONGEST_NAME,
    LONGEST_PARTY,
    AccountFacts,
    StatementFile,
    content_of,
    cut_off,
    decimal_in,
    printed,
    text_of,
)

DateOrder = Literal["mdy", "dmy", "ymd"]
_LINE_END = re.compile(r"\r\n|\r|\n")
_DATE = re.compile(r"([0-9]{1,4})[/.-]([0-9]{1,2})([/.'-]+)([0-9]{1,4})")
_TRANSFER = re.compile(r"\[(.+?)\]")
_RUN = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_CENTURY, _TURN = 100, 70  # two digits from 70 on are of the last century
_LAST_MONTH = 12
_TYPES: dict[str, AccountType | None] = {
    "bank": "current",
    "cash": "current",
    "ccard": "card",
    "oth a": "investment",
    "oth l": "loan",
}
_LISTS = frozenset({"cat", "class", "tag", "memorized", "security", "prices", "budget", "bills", "template"})
_SWITCHES = ("option:", "clear:")  # headers of no records
_OPENING = "opening balance"


class _Record(Struct, frozen=True):
    """The fields of a record, its first and its last line, the header above it, and whether its end is there."""

    line: int
    last: int
    section: str
    fields: list[tuple[str, str]]
    raw: bytes
    ended: bool

    def first(self, code: str) -> str | None:
        return next((said for one, said in self.fields if one == code), None)

    def bad(self, why: MalformedEvent) -> BadRow:
        return BadRow(line=self.line, raw=self.raw, why=why)


def read(
    path: Path, *, account: str, currency: str, dates: DateOrder | None = None, encoding: str | None = None
) -> Iterator[Row | BadRow]:
    """Read the rows of a file, in its order.

    Parameters
    ----------
    path
        The file.
    account, currency
        Whose movements they are, and in which currency. Where the file itself holds several accounts, the others carry
        the names that it gives them.
    dates
        The order of day, month and year; without it the dates of the file tell.
    encoding
        How letters are written where they are not UTF-8; without it as on Windows in western Europe.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, is no QIF, or its dates can be read in two ways.
    """
    text, encoding = text_of(content_of(path), declared=encoding)
    lines = _LINE_END.split(text)
    if not any(line.startswith(("!", "^")) for line in lines):
        raise MalformedDocument(field=path.name, shape="a text without records", fix="export the file as QIF")
    records = list(_records(lines, encoding=encoding))
    order = dates or date_order(said for record in records if (said := record.first("D")))
    if order is None:
        fix = "say in which order they are written: dmy or mdy"
        raise MalformedDocument(field=path.name, shape="dates that can be read in two ways", fix=fix)
    yield from _Reading(account=account, currency=currency, order=order).rows(records)


def date_order(dates: Iterable[str]) -> DateOrder | None:
    """Find out in which order dates are written; None when they can be read in two ways.

    Examples
    --------
    >>> date_order(["1/ 6'26", "1/31'26"]), date_order(["05.01.2026"]), date_order(["1/6/2026"])
    ('mdy', 'dmy', None)
    """
    matches = [match for said in dates if (match := _DATE.fullmatch(_plain(said)))]
    told = {order for match in matches if (order := _told_by(match))}
    if len(told) == 1:
        return told.pop()
    return None if matches else "mdy"


def _told_by(match: re.Match[str]) -> DateOrder | None:
    first, second, sign, _ = match.groups()
    if len(first) > 2:  # noqa: PLR2004 - a year has four digits
        return "ymd"
    if int(first) > _LAST_MONTH >= int(second) or (sign == "." and int(second) <= _LAST_MONTH):
        return "dmy"
    return "mdy" if int(second) > _LAST_MONTH >= int(first) else None


def date_of(said: str, *, order: DateOrder) -> date:
    """Read a date as it is written in QIF.

    Raises
    ------
    MalformedEvent
        When it is none.

    Examples
    --------
    >>> date_of("1/ 6'26", order="mdy"), date_of("31.12.99", order="dmy")
    (datetime.date(2026, 1, 6), datetime.date(1999, 12, 31))
    """
    plain = _plain(said)
    run, match = _RUN.fullmatch(plain), _DATE.fullmatch(plain)
    try:
        if run is not None:
            return date(int(run[1]), int(run[2]), int(run[3]))
        if match is not None:
            written = "ymd" if len(match[1]) > 2 else order  # noqa: PLR2004 - a year has four digits
            parts = dict(zip(written, (match[1], match[2], match[4]), strict=True))
            return date(_year(parts["y"], since_2000="'" in match[3]), int(parts["m"]), int(parts["d"]))
    except ValueError:
        pass
    raise MalformedEvent(field="D", shape=f"text of {len(said)} characters", fix=f"write a date as {order}")


def _plain(said: str) -> str:
    return said.replace(" ", "")


def _year(written: str, *, since_2000: bool) -> int:
    year = int(written)
    if len(written) > 2:  # noqa: PLR2004 - a year of two digits needs a century
        if not 1900 <= year < 2200:  # noqa: PLR2004 - what is not meant
            raise ValueError
        return year
    return 2000 + year if since_2000 or year < _TURN else 1900 + year


def _records(lines: Sequence[str], *, encoding: str) -> Iterator[_Record]:
    section = "type:bank"
    held: list[tuple[int, str]] = []  # the lines of a record, with their numbers
    for number, line in enumerate((*lines, "!"), start=1):
        if not line.startswith(("!", "^")):
            held += [(number, line)] if line.strip() else []
            continue
        if held:
            fields = [(one[0], one[1:].strip()) for _, one in held]
            raw = "\n".join(one for _, one in held).encode(encoding, errors="replace")
            yield _Record(held[0][0], held[-1][0], section, fields, raw, ended=line[0] == "^")
        rest = line[1:].strip()
        held = [(number, rest)] if rest and line[0] == "^" else []
        if line[0] == "!" and not rest.lower().startswith(_SWITCHES):
            section = rest.lower()


class _Reading:
    """One file while it is read: which of its accounts the next record is about."""

    def __init__(self, *, account: str, currency: str, order: DateOrder) -> None:
        self._account, self._currency, self._order = account, currency, order
        self._file = StatementFile()
        self._described: dict[str | None, _Record] = {}
        self._named: str | None = None  # the account of the next record, as the file calls it
        self._own: str | None = None  # how it calls the account that was asked for
        self._current: str | None = None

    def rows(self, records: Sequence[_Record]) -> Iterator[Row | BadRow]:
        for record in records:
            kind = record.section.removeprefix("type:")
            if record.section == "account":
                self._named = record.first("N")
                self._described[self._named] = record
            elif kind not in _LISTS:
                yield from self._of(record, kind=kind)
        yield from self._ends()

    def _of(self, record: _Record, *, kind: str) -> Iterator[Row | BadRow]:
        if not record.ended:
            yield record.bad(cut_off(line=record.last))
            return
        if self._current is None:
            self._own = self._named
        if self._current != self._name_of(self._named):
            yield from self._ends()
            self._current = self._name_of(self._named)
        try:
            _check(record, kind=kind)
            on = date_of(record.first("D") or "", order=self._order)
            amount = decimal_in(record.first("T") or record.first("U") or "", field="T")
        except MalformedEvent as why:
            yield record.bad(why)
        else:
            yield from self._rows(record, on=on, amount=amount, kind=kind)

    def _rows(self, record: _Record, *, on: date, amount: Decimal, kind: str) -> Iterator[Row]:
        account = self._name_of(self._named)
        limit = _limit_in(self._described.get(self._named))
        described = AccountFacts(
            account=account, currency=self._currency, type=_TYPES[kind], number=account, limit=limit
        )
        yield from self._file.account(described, on=on, line=record.line)
        if (record.first("P") or "").lower() == _OPENING:
            self._file.opens(amount, currency=self._currency, on=on, line=record.line)
            return
        self._file.moves(amount, currency=self._currency, on=on)
        facts = {"account": account, "amount": amount, "currency": self._currency, "booked": on}
        yield Row(line=record.line, what="movement", facts=facts | self._said(record), on=on, raw=record.raw)

    def _ends(self) -> Iterator[Row]:
        """Give the balances of the account whose records end here."""
        account = self._current
        if account is None:
            return
        yield from self._file.ends(account=account)
        told = self._described.get(self._own if account == self._account else account)
        if told is None:
            return
        with suppress(MalformedEvent):  # a list of accounts is no statement: most leave the balance empty
            on, amount = date_of(told.first("/") or "", order=self._order), decimal_in(told.first("$") or "", field="$")
            yield from self._file.balance(amount, account=account, currency=self._currency, on=on, line=told.line)

    def _said(self, record: _Record) -> dict[str, object]:
        number = record.first("N")
        numbered = any(sign.isdigit() for sign in number or "")
        split = {said for code, said in record.fields if code == "S"}
        category = record.first("L") if len(split) != 1 else split.pop()
        transfer = _TRANSFER.match(category or "")
        if transfer or len(split) > 1:  # parts that are filed differently have no category together
            category = None
        return {
            "counterparty": printed(record.first("P"), limit=LONGEST_PARTY),
            "text": printed(record.first("M")),
            "reference": printed(number, limit=LONGEST_NAME) if numbered else None,
            "bank_code": None if numbered else printed(number, limit=LONGEST_NAME),
            "category": printed(category, limit=LONGEST_NAME),
            "counterparty_account": printed(self._name_of(transfer[1]), limit=LONGEST_NAME) if transfer else None,
        }

    def _name_of(self, named: str | None) -> str:
        """Give the account that the file calls so: the first one with records is the one that was asked for."""
        return self._account if named is None or named == self._own else named


def _check(record: _Record, *, kind: str) -> None:
    if kind not in _TYPES:
        raise MalformedEvent(field="!Type", shape="records that are no payments", fix="send its cash account")
    if sum(code == "D" for code, _ in record.fields) > 1:
        raise MalformedEvent(field="D", shape="two dates in one record", fix="write ^ after each record")


def _limit_in(described: _Record | None) -> Decimal | None:
    """Give how far an account may be overdrawn, where its description says so."""
    try:
        limit = decimal_in((described and described.first("L")) or "", field="L")
    except MalformedEvent:
        return None
    return limit if limit > 0 else None

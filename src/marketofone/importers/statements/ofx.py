"""OFX 1 (SGML) and OFX 2 (XML), and QFX: statements of bank accounts and credit cards, several in one file.

Tags are read one after the other, without a tree: banks leave out end tags, and what is broken in one transaction must
not take the others with it. The date of a transaction is the one that is printed, whatever offset stands behind it.
What a correction replaces or deletes counts no more. Of an investment account the movements of money are read, and each
trade is a bad row.

An amount beside ``CURRENCY`` is in ``CURSYM``, and ``CURRATE`` says how much of ``CURDEF`` one unit of it is worth: so
the specification has it (OFX 2.2, section 5.2), and so brokers write it. It becomes an amount of the account. Where no
rate can be one it stays in the other currency, and is counted apart. An amount beside ``ORIGCURRENCY`` was changed.

The library ``ofxtools`` is the judge of this reader in its tests, and not the reader: it gives instants in UTC, which
do not tell the printed date any more, and refuses a whole file for one transaction that is wrong.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from marketofone.domain.account_numbers import account_number
from marketofone.domain.errors import MalformedDocument, MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.payload_values import in_cents
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements.statement import (
    LONGEST_NAME,
    LONGEST_PARTY,
    AccountFacts,
    StatementFile,
    content_of,
    cut_off,
    date_in,
    date_or_none,
    decimal_in,
    printed,
    rate_in,
    text_of,
)

_TAG = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9._]*)[^<>]*>\s*"
    r"(?:<!\[CDATA\[(.{0,4000}?)\]\]>|([^<]*(?:<(?![/A-Za-z!?])[^<]*)*))"  # within a line: it swallows no other row
)
_BEGINNING = re.compile(r"<OFX[\s>]", re.IGNORECASE)
_ENTITY = re.compile(r"&[#A-Za-z0-9]{1,8};")
_DECLARED = re.compile(rb"(?:CHARSET:\s*|<\?xml[^>]*encoding=[\"'])([A-Za-z0-9._-]+)")
_CHARSETS = {"1252": "cp1252", "NONE": None}
_HEADER_BYTES = 2000
_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS", "INVSTMTRS", "LOANSTMTRS"})
_LISTS = frozenset({"BANKTRANLIST", "BANKTRANLISTP", "INVTRANLIST", "INVBANKTRAN"})
_TRANSACTIONS = frozenset({"STMTTRN", "STMTTRNP"})
_NOT_READ = frozenset({"INVTRAN", "LOANSTMTTRN"})
# Aggregates whose fields are known by their own name and that of the aggregate.
_PARTS = frozenset(
    {"BANKACCTFROM", "CCACCTFROM", "INVACCTFROM", "BANKACCTTO", "CCACCTTO", "PAYEE", "CURRENCY", "ORIGCURRENCY"}
    | {"LEDGERBAL", "AVAILBAL"}
)
_AGGREGATES = _STATEMENTS | _LISTS | _TRANSACTIONS | _NOT_READ | _PARTS
_AMOUNT = "TRNAMT"
_NO_RATE = Decimal(0)
_LEAST_RATE, _MOST_RATE = Decimal("0.000001"), Decimal(1_000_000)
"""Between them lie the rates of all pairs of currencies that are money."""
_TYPES: dict[str, AccountType] = {
    "CHECKING": "current",
    "SAVINGS": "savings",
    "MONEYMRKT": "savings",
    "CREDITLINE": "loan",
    "CD": "investment",
}


def read(path: Path) -> Iterator[Row | BadRow]:
    """Read the rows of a file, in its order.

    The format tells no opening balance, so no balance can be checked against the rows.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, holds nothing of OFX, or declares a document type.
    """
    content = content_of(path)
    declared = _DECLARED.search(content[:_HEADER_BYTES])
    charset = declared[1].decode("ascii") if declared else "NONE"
    text, encoding = text_of(content, declared=_CHARSETS.get(charset, charset))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        fix = "take the declaration out: nothing of it is followed"
        raise MalformedDocument(field=path.name, shape="a document type or entities", fix=fix)
    if _BEGINNING.search(text) is None:
        raise MalformedDocument(
            field=path.name, shape="a text without the tag OFX", fix="export the file as OFX or QFX"
        )
    yield from _Reading(text, encoding=encoding).rows()


class _Reading:
    """One file while it is read: the statement and the transaction in which the next tag stands."""

    def __init__(self, text: str, *, encoding: str) -> None:
        self._text, self._encoding = text, encoding
        self._file = StatementFile()
        self._found: list[Row | BadRow] = []
        self._line, self._counted = 1, 0
        self._prefix = ""
        self._whole = False
        self._server = ""
        self._statement: dict[str, str] = {}
        self._transaction: dict[str, str] | None = None
        self._began = (0, 1)  # offset and line
        self._broken = False

    def rows(self) -> Iterator[Row | BadRow]:
        """Give all rows."""
        found = self._found
        for match in _TAG.finditer(self._text):
            slash, name, raw, value = match.groups()
            tag = name.upper()
            if slash:
                self._end(tag, at=match.start(), behind=match.end(2) + 1)
            elif tag in _AGGREGATES:
                self._start(tag, at=match.start())
            elif said := (raw or value).strip():
                self._leaf(tag, said, at=match.start())
            if found:
                yield from found
                found.clear()
        self._finish()
        yield from found

    def _leaf(self, tag: str, said: str, *, at: int) -> None:
        if self._transaction is None:
            if tag == _AMOUNT:  # its transaction was never opened
                self._open("", at=at, broken=True)
            elif tag == "DTSERVER":
                self._server = said
            self._statement.setdefault(self._prefix + tag, said)
            return
        self._broken |= tag == _AMOUNT and _AMOUNT in self._transaction
        self._transaction.setdefault(self._prefix + tag, said)

    def _start(self, tag: str, *, at: int) -> None:
        if tag in _TRANSACTIONS:
            self._close(at)
            self._open(tag, at=at)
        elif tag in _PARTS:
            self._prefix = f"{tag}."
        elif tag in _LISTS:
            self._prefix = ""
        elif tag in _STATEMENTS:
            self._end_statement(at)
        else:
            self._refuse("a trade or a payment of a loan account", "send the movements of its cash account", at=at)

    def _end(self, tag: str, *, at: int, behind: int) -> None:
        if tag in _TRANSACTIONS:
            if self._transaction is None:
                self._refuse("a transaction without a beginning", "export the file again", at=at)
            self._close(behind)
        elif tag in _PARTS:
            self._prefix = ""
            if tag == "LEDGERBAL":
                self._found += self._balance(line=self._line_of(at))
        elif tag in _LISTS:
            self._close(at)
        elif tag in _STATEMENTS:
            self._end_statement(at)
        elif tag == "OFX":
            self._end_statement(at)
            self._whole = True

    def _open(self, tag: str, *, at: int, broken: bool = False) -> None:
        self._transaction = {"": tag}
        self._began = (at, self._line_of(at))
        self._prefix, self._broken = "", broken

    def _close(self, at: int) -> None:
        """End the transaction, if one is open, where the next one begins or its list ends."""
        facts, self._transaction, self._prefix = self._transaction, None, ""
        if facts is None:
            return
        start, line = self._began
        raw = self._bytes(start, at)
        try:
            row = self._row(facts, line=line, raw=raw)
        except MalformedEvent as why:
            self._found.append(BadRow(line=line, raw=raw, why=why))
        else:
            self._found += [*self._account(on=row.on, line=line), row]

    def _row(self, facts: dict[str, str], *, line: int, raw: bytes) -> Row:
        if self._broken:
            raise MalformedEvent(field="STMTTRN", shape="parts of several transactions", fix="export it again")
        account = account_in(self._statement)
        if account is None:
            raise MalformedEvent(field="ACCTID", shape="missing", fix="name the account above its transactions")
        corrected = facts.get("CORRECTFITID")
        if corrected and facts.get("CORRECTACTION", "").upper() == "DELETE":
            on = date_in(facts.get("DTPOSTED", self._server), field="DTPOSTED")
            return Row(line=line, what="removed", facts={"account": account}, on=on, id=corrected, raw=raw)
        pending = facts[""] == "STMTTRNP" or facts.get("TRNTYPE", "").upper() == "HOLD"
        told = movement_in(facts, currency=self._statement.get("CURDEF"))
        on = date_in(facts.get("DTPOSTED") or facts.get("DTTRAN", ""), field="DTPOSTED")
        if told["currency"] != self._statement.get("CURDEF", told["currency"]):
            self._found.append(Row(line=line, what="unconverted", facts={}, on=on))
        told |= {"account": account, "status": "pending" if pending else "booked", "replaces": corrected}
        if not pending:
            told["booked"] = on
        name = facts.get("FITID", "")  # some banks write 0 for all
        return Row(line=line, what="movement", facts=told, on=on, id=name if name.strip("0") else None, raw=raw)

    def _account(self, *, on: date, line: int) -> Iterator[Row]:
        statement = self._statement
        name = account_in(statement)
        if name is None:
            return
        kind = _TYPES.get(statement.get("BANKACCTFROM.ACCTTYPE", "").upper())
        if "BANKACCTFROM.ACCTID" not in statement:
            kind = "card" if "CCACCTFROM.ACCTID" in statement else "investment"
        facts = AccountFacts(account=name, currency=statement.get("CURDEF", ""), type=kind, number=name)
        yield from self._file.account(facts, on=date_or_none(statement.get("DTSTART")) or on, line=line)

    def _balance(self, *, line: int) -> Iterator[Row | BadRow]:
        account, statement = account_in(self._statement), self._statement
        if account is None:
            return
        try:
            on = date_in(statement.get("LEDGERBAL.DTASOF", ""), field="DTASOF")
            amount = decimal_in(statement.get("LEDGERBAL.BALAMT", ""), field="BALAMT")
        except MalformedEvent as why:
            yield BadRow(line=line, raw=b"", why=why)
            return
        currency = statement.get("CURDEF", "")
        yield from self._account(on=on, line=line)
        yield from self._file.balance(amount, account=account, currency=currency, on=on, line=line)

    def _end_statement(self, at: int) -> None:
        self._close(at)
        self._statement = {}

    def _finish(self) -> None:
        """Say so where the end is missing; what is cut off may be cut within an amount, so it is no row."""
        if not self._whole or self._transaction is not None:
            end = len(self._text)
            last = self._line_of(end)
            start, line = (end, last) if self._transaction is None else self._began
            self._found.append(BadRow(line=line, raw=self._bytes(start, end), why=cut_off(line=last)))

    def _refuse(self, shape: str, fix: str, *, at: int) -> None:
        why = MalformedEvent(field="transaction", shape=shape, fix=fix)
        written = self._text[at : at + 500].partition("\n")[0]
        self._found.append(BadRow(line=self._line_of(at), raw=self._bytes(at, at + len(written)), why=why))

    def _line_of(self, at: int) -> int:
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at
        return self._line

    def _bytes(self, start: int, end: int) -> bytes:
        return self._text[start:end].encode(self._encoding, errors="replace")


def account_in(statement: dict[str, str]) -> str | None:
    """Name the account of a statement, from the fields of its aggregates."""
    if number := statement.get("BANKACCTFROM.ACCTID"):
        bank = statement.get("BANKACCTFROM.BANKID", "")
        branch = statement.get("BANKACCTFROM.BRANCHID", "")
        return account_number(number, bank=f"{bank}-{branch}" if branch else bank)
    if number := statement.get("CCACCTFROM.ACCTID"):
        return account_number(number)
    if number := statement.get("INVACCTFROM.ACCTID"):
        return account_number(number, bank=statement.get("INVACCTFROM.BROKERID", ""))
    return None


def movement_in(facts: dict[str, str], *, currency: str | None) -> dict[str, object]:
    """Say what the fields of a transaction mean, but for its account and its dates of booking.

    Raises
    ------
    MalformedEvent
        When an amount or a date is none.

    Examples
    --------
    >>> movement_in({"TRNAMT": "-3.50", "NAME": "Caf&#233; Rio", "TRNTYPE": "POS"}, currency="EUR")["counterparty"]
    'Café Rio'
    """
    if _AMOUNT not in facts:
        raise MalformedEvent(field=_AMOUNT, shape="missing", fix="write an amount")
    code = facts.get("SIC", "")
    told: dict[str, object] = {
        **_amount(facts, currency=currency),
        "value_date": date_or_none(facts.get("DTAVAIL")),
        "counterparty": _said(facts.get("EXTDNAME") or facts.get("NAME") or facts.get("PAYEE.NAME"), LONGEST_PARTY),
        "counterparty_account": _counterparty_account(facts),
        "text": _said(facts.get("MEMO")),
        "bank_code": printed(facts.get("TRNTYPE"), limit=LONGEST_NAME),
        "mcc": code if len(code) == 4 and code.isdecimal() and code.isascii() else None,  # noqa: PLR2004 - as ISO 18245
        "reference": printed(facts.get("CHECKNUM") or facts.get("REFNUM"), limit=LONGEST_NAME),
    }
    return told


def _amount(facts: dict[str, str], *, currency: str | None) -> dict[str, object]:
    """Give the amount in the currency of the account, and what it was in another one, at which rate."""
    amount, other = decimal_in(facts[_AMOUNT], field=_AMOUNT), facts.get("CURRENCY.CURSYM")
    told: dict[str, object] = {
        "amount": amount,
        "currency": other or currency,
        "rate": rate_in(facts.get("CURRENCY.CURRATE") or facts.get("ORIGCURRENCY.CURRATE")),
        # The amount is in the account's currency already; how much was paid in the other one is not told.
        "original_currency": facts.get("ORIGCURRENCY.CURSYM"),
    }
    if other is None or currency is None or other == currency:
        return told
    changed = in_cents(amount * _rate(facts.get("CURRENCY.CURRATE")), currency=currency)
    if changed == 0:
        return told | {"rate": None}
    return told | {"amount": changed, "currency": currency, "original": amount, "original_currency": other}


def _rate(text: str | None) -> Decimal:
    """Give how much of the account's currency one unit of another is worth; 0 where the file names no such rate.

    A rate of 1 is what programs write that know none.
    """
    try:
        rate = decimal_in(text or "", field="CURRATE")
    except MalformedEvent:
        return _NO_RATE
    return rate if _LEAST_RATE <= rate <= _MOST_RATE and rate != 1 else _NO_RATE


def _counterparty_account(facts: dict[str, str]) -> str | None:
    if number := facts.get("BANKACCTTO.ACCTID"):
        return printed(account_number(number, bank=facts.get("BANKACCTTO.BANKID", "")), limit=LONGEST_NAME)
    number = facts.get("CCACCTTO.ACCTID")
    return printed(account_number(number), limit=LONGEST_NAME) if number else None


def _said(text: str | None, limit: int | None = None) -> str | None:
    if text and "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return printed(text, limit=limit) if limit else printed(text)

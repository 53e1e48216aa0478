"""What the entries and balances of a camt statement mean: texts come in by their path, as ``AmtDtls/TxAmt/Amt``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from marketofone.domain.account_numbers import account_number
from marketofone.domain.errors import MalformedEvent
from marketofone.domain.fields import AccountType
from marketofone.importers.open_banking.payloads import expected
from marketofone.importers.payload_values import limit_apart
from marketofone.importers.rows import BadRow, Row
from marketofone.importers.statements.statement import (
    EVENING,
    LONGEST_NAME,
    LONGEST_PARTY,
    AccountFacts,
    StatementFile,
    date_in,
    date_or_none,
    decimal_in,
    printed,
    rate_in,
)

Facts = dict[str, str]
_TYPES: dict[str, AccountType] = {
    "CACC": "current",
    "TRAN": "current",
    "SLRY": "current",
    "CASH": "current",
    "SVGS": "savings",
    "ONDP": "savings",
    "MOMA": "savings",
    "CARD": "card",
    "LOAN": "loan",
    "MORT": "mortgage",
}
_OPENING, _CLOSING = frozenset({"OPBD", "PRCD"}), "CLBD"
_STAND_IN = ("ITBD", "CLAV")
"""What is told where no booked balance closes, the first of these: what stood within the day, what can be spent."""
_TO_COME, _FOR_INFORMATION = "FUTR", "INFO"
_STATUS = {"BOOK": "booked", "": "booked", "PDNG": "pending", _TO_COME: "pending"}
"""The words of ISO 20022 (ExternalEntryStatus1Code), which older versions write as text and later ones as a code."""
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NONREF", "NOTAVAILABLE", "NOT PROVIDED"})
_TRUE = ("true", "1")
_TIME = re.compile(r"[0-9-]+T([0-9]{2}):([0-9]{2}):([0-9]{2})")
_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
_CONVERTED = ("AmtDtls/InstdAmt", "AmtDtls/TxAmt", "AmtDtls/CntrValAmt")


class Place(Struct, frozen=True, kw_only=True):
    """Where an entry stands: its first line, and its bytes."""

    line: int
    raw: bytes


class Statement:
    """One statement while it is read.

    Parameters
    ----------
    facts
        Those of the statement itself; they grow meanwhile.
    file
        The accounts and balances of the file.
    made
        When the message was made, as it is written.
    pending
        The names of pending rows of the file, which grow as well.
    all_booked
        Whether its entries are booked where they do not say so in a word of ISO 20022: those of a statement (053) are,
        those of a report or a notice need not be.
    """

    def __init__(self, facts: Facts, *, file: StatementFile, made: str, pending: set[str], all_booked: bool) -> None:
        self._facts, self._file, self._made, self._all_booked = facts, file, made, all_booked
        self._pending = pending
        self._limit: Decimal | None = None
        self._beside: dict[tuple[str, str], tuple[Decimal, date, int]] = {}
        self._closed: set[str] = set()
        self._currency = ""
        self._told = False
        self._day: date | None = None
        self._names: Counter[str] = Counter()

    @property
    def account(self) -> str | None:
        """The account: its IBAN, or bank and number."""
        facts = self._facts
        number = facts.get("Acct/Id/IBAN") or facts.get("Acct/Id/Othr/Id") or facts.get("Acct/Id/PrtryAcct/Id")
        bank = facts.get("Acct/Svcr/FinInstnId/BICFI") or facts.get("Acct/Svcr/FinInstnId/BIC")
        bank = bank or facts.get("Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId", "")
        return account_number(number, bank=bank) if number else None

    @property
    def _written(self) -> str:
        return self._facts.get("CreDtTm") or self._made

    def balance(self, facts: Facts, *, line: int) -> Iterator[BadRow]:
        """Take a balance."""
        code = facts.get("Tp/CdOrPrtry/Cd") or facts.get("Tp/Cd", "")
        if code not in {*_OPENING, _CLOSING, *_STAND_IN}:
            return
        within = facts.get("Tp/SubTp/Cd") == "INTM"
        try:
            amount, currency = _signed(facts), facts.get("Amt@Ccy", "")
            on = date_in(facts.get("Dt/Dt") or facts.get("Dt/DtTm", ""), field="Bal.Dt")
            limit = decimal_in(facts.get("CdtLine/Amt", "0"), field="CdtLine.Amt")
        except MalformedEvent as why:
            yield BadRow(line=line, raw=b"", why=why)
            return
        self._currency = self._currency or currency
        if limit > 0 and facts.get("CdtLine/Amt@Ccy", currency) == currency:
            self._limit = limit
        elif limit > 0:
            yield BadRow(line=line, raw=b"", why=limit_apart("CdtLine.Amt@Ccy"))
        if code in _OPENING:
            self._file.opens(amount, currency=currency, on=on, line=line, within=within)
        elif code == _CLOSING:
            self._closed.add(currency)
            self._file.closes(amount, currency=currency, on=on, line=line, within=within)
        elif facts.get("CdtLine/Incl") != "true":
            self._beside[currency, code] = (amount, on, line)  # the last of a report is the newest

    def entry(self, entry: Facts, details: Sequence[Facts], *, place: Place) -> Iterator[Row | BadRow]:
        """Give the rows of an entry: one for each of its transactions where their amounts add up, else one."""
        if _status(entry) == _FOR_INFORMATION:
            on = date_or_none(self._written) or date.min
            yield Row(line=place.line, what="notice", facts={}, on=on, raw=place.raw)
            return
        try:
            rows = self._movements(entry, details, place=place)
        except MalformedEvent as why:
            yield BadRow(line=place.line, raw=place.raw, why=why)
            return
        yield from self._account(on=rows[0].on, line=place.line)
        yield from rows

    def ends(self) -> Iterator[Row]:
        """Give the account, if no entry did, and the balances."""
        account = self.account
        rows = self._file.ends(account=account or "")
        if account is None:
            list(rows)
            return
        if made := date_or_none(self._written):
            yield from self._account(on=made, line=1)
        yield from rows
        for currency in sorted({of for of, _ in self._beside} - self._closed):
            amount, on, line = next(
                found for code in _STAND_IN if (found := self._beside.get((currency, code))) is not None
            )
            yield from self._file.balance(
                amount, account=account, currency=currency, on=on, line=line, place=_second_of(self._written)
            )

    def _account(self, *, on: date, line: int) -> Iterator[Row]:
        account, facts = self.account, self._facts
        if self._told or account is None:
            return
        self._told = True
        described = AccountFacts(
            account=account,
            currency=facts.get("Acct/Ccy") or self._currency,
            type=_TYPES.get(facts.get("Acct/Tp/Cd", "")),
            number=account,
            limit=self._limit,
        )
        began = date_or_none(facts.get("FrToDt/FrDtTm") or facts.get("FrToDt/FrDt"))
        yield from self._file.account(described, on=min(on, began or on), line=line)

    def _movements(self, entry: Facts, details: Sequence[Facts], *, place: Place) -> list[Row]:
        amount, currency = _signed(entry), entry.get("Amt@Ccy", "")
        self._currency = self._currency or currency
        told = _status(entry)
        status = "booked" if self._all_booked and "Sts/Prtry" in entry else _STATUS.get(told)
        if status is None:
            fix = "write BOOK, PDNG, FUTR or INFO: a bank's own word may mean any of them"
            raise MalformedEvent(field="Sts", shape=f"text of {len(told)} characters", fix=fix)
        booked = _date_of(entry, "BookgDt")
        value_date = _date_of(entry, "ValDt")
        on = booked or value_date or (date_or_none(self._written) if status == "pending" else None)
        if on is None:
            raise MalformedEvent(field="BookgDt", shape="missing", fix="write the date of booking")
        common: dict[str, object] = {
            "account": self.account,
            "currency": currency,
            "status": status,
            "booked": on if status == "booked" else None,
            "value_date": value_date,
            "operation": "reversal" if entry.get("RvslInd") in _TRUE else None,
        }
        parts = _parts(details, amount=amount, currency=currency) if len(details) > 1 else None
        single = (details[0] if len(details) == 1 else {}, amount)
        rows = [
            self._row(common, entry=entry, detail=detail, amount=part, on=on, part=number if parts else 0, place=place)
            for number, (detail, part) in enumerate(parts or [single], start=1)
        ]
        if status == "booked":
            self._file.moves(amount, currency=currency, on=on)
        told_on = min(date_or_none(self._written) or on, on)
        return [_to_come(row, told_on=told_on) for row in rows] if told == _TO_COME else rows

    def _row(
        self,
        common: Mapping[str, object],
        *,
        entry: Facts,
        detail: Facts,
        amount: Decimal,
        on: date,
        part: int,
        place: Place,
    ) -> Row:
        facts = {**common, "amount": amount, **_described(entry, detail)}
        facts |= _party(entry, detail, incoming=amount > 0, account=self.account, owner=_name(self._facts, "Acct/Ownr"))
        facts |= _original(entry, detail, currency=str(common["currency"]), negative=amount < 0)
        name = self._name(entry, detail, part=part)
        if name is not None and common["status"] == "pending":
            name = f"{name}:pending"
            self._pending.add(name)
        elif name is not None:
            before = f"{name}:pending"
            facts["replaces"] = before if before in self._pending else _whole(entry, on=on) if part == 1 else None
            name = self._told_apart(_booked(name, amount=amount, on=on), on=on)
        return Row(line=place.line, what="movement", facts=facts, on=on, id=name, raw=place.raw)

    def _name(self, entry: Facts, detail: Facts, *, part: int) -> str | None:
        """Give the bank's reference; of a part with its number, for some banks repeat that of the batch in each."""
        whole, own = _reference(entry.get("AcctSvcrRef")), _reference(detail.get("Refs/AcctSvcrRef"))
        if part == 0 or own not in (None, whole):
            return own or whole
        return f"{whole}/{part}" if whole else None

    def _told_apart(self, name: str, *, on: date) -> str:
        """Count where a statement tells one reference, date and amount twice: one booking stands in it only once."""
        if on != self._day:
            self._day, self._names = on, Counter()
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}:{self._names[name]}"


def _status(entry: Facts) -> str:
    """Give the word that an entry says of itself: that of ISO 20022, or the bank's own."""
    return entry.get("Sts/Cd") or entry.get("Sts/Prtry") or entry.get("Sts", "")


def _to_come(row: Row, *, told_on: date) -> Row:
    """Tell what the bank is going to book as an order: it leads the forecast until its day, and counts once booked."""
    named = None if row.id is None else row.id.removesuffix(":pending")
    what, facts, on, name = expected({**row.facts, "booked": row.on}, as_of=told_on, id=named)
    return Row(line=row.line, raw=row.raw, what=what, facts=facts, on=on, id=name)


def _second_of(moment: str) -> int:
    """Give the second of its day that is printed in an instant; 0 where none is."""
    found = _TIME.match(moment)
    hours, minutes, seconds = map(int, found.groups()) if found else (0, 0, 0)
    return min(hours * 3_600 + minutes * 60 + seconds, EVENING - 1)


def _booked(name: str, *, amount: Decimal, on: date) -> str:
    return f"{name}:{on:%Y%m%d}:{amount.normalize():f}"


def _whole(entry: Facts, *, on: date) -> str | None:
    """Name the entry of a batch as it is told where nothing is said of its parts: a report does so, or a statement."""
    name = _reference(entry.get("AcctSvcrRef"))
    return _booked(name, amount=_signed(entry), on=on) if name else None


def _signed(facts: Facts) -> Decimal:
    """Give an amount with the sign that its mark tells, also where it is reversed."""
    amount = decimal_in(facts.get("Amt", ""), field="Amt")
    if amount < 0:
        raise MalformedEvent(field="Amt", shape="a negative number", fix="write it without a sign, beside CRDT or DBIT")
    mark = facts.get("CdtDbtInd", "")
    if mark not in ("CRDT", "DBIT"):
        raise MalformedEvent(field="CdtDbtInd", shape=f"text of {len(mark)} characters", fix="write CRDT or DBIT")
    return amount if mark == "CRDT" else -amount


def _date_of(facts: Facts, name: str) -> date | None:
    text = facts.get(f"{name}/Dt") or facts.get(f"{name}/DtTm")
    return date_in(text[:10], field=name) if text else None


def _parts(details: Sequence[Facts], *, amount: Decimal, currency: str) -> list[tuple[Facts, Decimal]] | None:
    """Give the transactions of a batch with their amounts; None where the amounts do not add up to the entry."""
    parts: list[tuple[Facts, Decimal]] = []
    for detail in details:
        at = next((path for path in _AMOUNTS if detail.get(f"{path}@Ccy") == currency), None)
        mark = detail.get("CdtDbtInd") or ("CRDT" if amount >= 0 else "DBIT")
        if at is None:
            return None
        try:
            parts.append((detail, _signed({"Amt": detail.get(at, ""), "CdtDbtInd": mark})))
        except MalformedEvent:
            return None
    return parts if sum(part for _, part in parts) == amount else None


def _described(entry: Facts, detail: Facts) -> dict[str, object]:
    structured = detail.get("RmtInf/Strd/CdtrRefInf/Ref")
    text = (
        detail.get("RmtInf/Ustrd")
        or detail.get("RmtInf/Strd/AddtlRmtInf")
        or structured
        or detail.get("AddtlTxInf")
        or entry.get("AddtlNtryInf")
    )
    purpose = detail.get("Purp/Cd", "")
    reference = _reference(detail.get("Refs/EndToEndId")) or structured
    return {
        "text": printed(text),
        "reference": printed(reference, limit=LONGEST_NAME),
        "mandate": printed(_reference(detail.get("Refs/MndtId")), limit=LONGEST_NAME),
        "purpose_code": purpose if purpose.isalnum() and purpose.isascii() else None,
        "bank_code": printed(_bank_code(detail) or _bank_code(entry), limit=LONGEST_NAME),
    }


def _bank_code(facts: Facts) -> str | None:
    """Give the code of ISO 20022 as domain, family and sub-family, or else the bank's own."""
    domain = facts.get("BkTxCd/Domn/Cd")
    if domain is None:
        return facts.get("BkTxCd/Prtry/Cd")
    family, below = facts.get("BkTxCd/Domn/Fmly/Cd"), facts.get("BkTxCd/Domn/Fmly/SubFmlyCd")
    return "-".join(code for code in (domain, family, below) if code)


def _party(entry: Facts, detail: Facts, *, incoming: bool, account: str | None, owner: str | None) -> dict[str, object]:
    """Say who the other side is: of money that came in who owed it, else who was owed it.

    A return names them as the payment did which it sends back, so there they stand the other way round.
    """
    sides = ("Dbtr", "Cdtr") if incoming else ("Cdtr", "Dbtr")
    returned = entry.get("RvslInd") in _TRUE or "RtrInf/Rsn/Cd" in detail
    told: dict[str, object] = {}
    for side in reversed(sides) if returned else sides[:1]:
        name, number = _name(detail, f"RltdPties/{side}"), _number(detail, side)
        ours = (number is not None and number == account) or (name is not None and name == owner)
        if (name or number) and not ours:
            told["counterparty"] = printed(name, limit=LONGEST_PARTY)
            told["counterparty_account"] = printed(number, limit=LONGEST_NAME)
            break
    if not incoming and not returned:
        told["merchant"] = printed(_name(detail, "RltdPties/UltmtCdtr"), limit=LONGEST_PARTY)
    return told


def _name(facts: Facts, path: str) -> str | None:
    return facts.get(f"{path}/Nm") or facts.get(f"{path}/Pty/Nm")


def _number(detail: Facts, side: str) -> str | None:
    number = detail.get(f"RltdPties/{side}Acct/Id/IBAN")
    if number is not None:
        return account_number(number)
    number = detail.get(f"RltdPties/{side}Acct/Id/Othr/Id")
    bank = detail.get(f"RltdAgts/{side}Agt/FinInstnId/BICFI") or detail.get(f"RltdAgts/{side}Agt/FinInstnId/BIC")
    return account_number(number, bank=bank or "") if number else None


def _original(entry: Facts, detail: Facts, *, currency: str, negative: bool) -> dict[str, object]:
    """Say what was paid in another currency, and at which rate."""
    for facts in (detail, entry):
        for path in _CONVERTED:
            other = facts.get(f"{path}/Amt@Ccy", currency)
            if other != currency:
                amount = decimal_in(facts.get(f"{path}/Amt", ""), field=path)
                rates = (facts.get(f"{each}/CcyXchg/XchgRate") for each in _CONVERTED)
                rate = next((rate for text in rates if (rate := rate_in(text))), None)
                original = -amount if negative else amount
                return {"original": original, "original_currency": other, "rate": rate}
    return {}


def _reference(text: str | None) -> str | None:
    """Give a reference, or None where a bank writes that there is none."""
    said = printed(text, limit=100)
    return None if said is None or said.upper() in _NO_REFERENCE else said

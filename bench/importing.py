"""Files of other systems, read and made into events: rows for each second of CPU, without what keeps them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import NamedTuple

from bench.figures import Aim, Figure, rate
from bench.figures import Row as FigureRow
from marketofone.domain.event import Event
from marketofone.domain.money import minor_of
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.statements import camt, ofx
from marketofone.importers.tables import delimited
from marketofone.importers.tables.mapped import MappedRows
from marketofone.importers.tables.proposal import propose

_FIRST = date(2026, 1, 1)
_A_DAY = 30
_Read = Callable[[Path], Iterator[Row | BadRow]]


class _Format(NamedTuple):
    """A format: how so many rows of it are written and read, and how many a CPU second must and should give."""

    name: str
    written: Callable[[int], str]
    read: _Read
    must: float
    bound: float


def measure(*, folder: Path, rows: int) -> Iterator[Figure]:
    """Write a statement of so many rows in each format, and read it."""
    formats = (
        _Format("CSV", _csv, _proposed, 10_000.0, 30_000.0),
        _Format("camt", _camt, camt.read, 5_000.0, 10_000.0),
        _Format("OFX", _ofx, ofx.read, 5_000.0, 10_000.0),
    )
    for form in formats:
        path = folder / form.name
        path.write_text(form.written(rows), encoding="utf-8")
        began = process_time()
        good = sum(event.kind == "transaction.booked" for event in _events(path, read=form.read))
        seconds = process_time() - began
        own = rate(f"import {form.name}: rows become events", "rows/CPU s", count=good, seconds=seconds)
        plain = (_plain(path),) if form.name == "CSV" else ()
        yield Figure(own=own, yardsticks=plain, aim=Aim(of="rate", bound=form.bound, must=form.must, above=True))


def _proposed(path: Path) -> Iterator[Row | BadRow]:
    """Read a table with the mapping that is proposed for it; finding it counts."""
    table = delimited.read(path)
    return iter(MappedRows(table, propose(table, otherwise="EUR").mapping))


def _plain(path: Path) -> FigureRow:
    """Do the least that could be done with a table: its dates and amounts are known, nothing is checked or named."""
    began = process_time()
    count = 0
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            datetime.strptime(row["Date"], "%d/%m/%Y")  # noqa: DTZ007 - a date, which has no zone
            minor_of(Decimal(row["Amount"]), currency=row["Currency"])
            count += 1
    return rate("csv, strptime and Decimal alone", "rows/CPU s", count=count, seconds=process_time() - began)


def _events(path: Path, *, read: _Read) -> Iterator[Event]:
    for event in events_of(read(path), origin=Origin(customer="c-1", producer="bench")):
        if isinstance(event, BadRow):
            raise event
        yield event


def _dates(rows: int) -> Iterator[tuple[int, date]]:
    return ((row, _FIRST + timedelta(days=row // _A_DAY)) for row in range(rows))


def _csv(rows: int) -> str:
    lines = (
        f"{on:%d/%m/%Y},CARD PAYMENT TO SHOP {row % 97} LEITH,-{row % 900 + 1}.{row % 100:02},{10**6 - row}.50,GBP\n"
        for row, on in _dates(rows)
    )
    return "Date,Description,Amount,Balance,Currency\n" + "".join(lines)


def _ofx(rows: int) -> str:
    transactions = "".join(
        f"<STMTTRN>\n<TRNTYPE>POS\n<DTPOSTED>{on:%Y%m%d}120000[-5:EST]\n<TRNAMT>-{row % 900}.{row % 100:02}\n"
        f"<FITID>{on:%Y%m%d}{row:06}\n<NAME>SHOP {row % 97} &amp; SONS\n<MEMO>CARD PURCHASE {row}\n</STMTTRN>\n"
        for row, on in _dates(rows)
    )
    account = "<BANKACCTFROM><BANKID>011000015<ACCTID>123456789<ACCTTYPE>CHECKING</BANKACCTFROM>"
    statement = f"<STMTRS><CURDEF>USD{account}<BANKTRANLIST><DTSTART>20260101\n{transactions}</BANKTRANLIST></STMTRS>"
    return f"OFXHEADER:100\nDATA:OFXSGML\nCHARSET:1252\n\n<OFX>{statement}</OFX>\n"


_ENTRY = """<Ntry>
 <NtryRef>{row}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
 <BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt><AcctSvcrRef>2026{row:012}</AcctSvcrRef>
 <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RDDT</Cd><SubFmlyCd>ESDD</SubFmlyCd></Fmly></Domn>
  <Prtry><Cd>NDDT+105+9248</Cd><Issr>DK</Issr></Prtry></BkTxCd>
 <NtryDtls><TxDtls><Refs><EndToEndId>E{row}</EndToEndId><MndtId>M-{shop}</MndtId></Refs>
  <Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>
  <RltdPties><Dbtr><Pty><Nm>Ann Roe</Nm></Pty></Dbtr>
   <DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct><Cdtr><Pty><Nm>Shop {shop}</Nm></Pty></Cdtr>
   <CdtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></CdtrAcct></RltdPties>
  <RltdAgts><CdtrAgt><FinInstnId><BICFI>BYLADEM1001</BICFI></FinInstnId></CdtrAgt></RltdAgts>
  <Purp><Cd>RINP</Cd></Purp><RmtInf><Ustrd>Invoice {row}, with thanks</Ustrd></RmtInf></TxDtls></NtryDtls>
 <AddtlNtryInf>SEPA Direct Debit</AddtlNtryInf>
</Ntry>
"""


def _camt(rows: int) -> str:
    entries = "".join(
        _ENTRY.format(row=row, on=on, shop=row % 97, amount=f"{row % 900}.{row % 100:02}") for row, on in _dates(rows)
    )
    account = "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    made = "<CreDtTm>2026-01-01T08:00:00</CreDtTm>"
    name = 'xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"'
    statement = f"<BkToCstmrStmt><GrpHdr>{made}</GrpHdr><Stmt>{made}{account}{entries}</Stmt></BkToCstmrStmt>"
    return f"<Document {name}>{statement}</Document>"

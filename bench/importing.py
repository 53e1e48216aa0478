"""Files of other systems, read and made into events: rows for each second of CPU, without what keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from time import process_time

from bench.figures import Aim, Figure, rate
from marketofone.domain.event import Event
from marketofone.importers import camt, ofx
from marketofone.importers.rows import BadRow, Origin, Row, events_of

_FIRST = date(2026, 1, 1)
_A_DAY = 30
_Read = Callable[[Path], Iterator[Row | BadRow]]


def measure(*, folder: Path, rows: int) -> Iterator[Figure]:
    """Write a statement of so many rows in each format, and read it."""
    formats: tuple[tuple[str, Callable[[int], str], _Read], ...] = (("OFX", _ofx, ofx.read), ("camt", _camt, camt.read))
    for name, written, read in formats:
        path = folder / name
        path.write_text(written(rows), encoding="utf-8")
        began = process_time()
        good = sum(event.kind == "transaction.booked" for event in _events(path, read=read))
        seconds = process_time() - began
        own = rate(f"import {name}: rows become events", "rows/CPU s", count=good, seconds=seconds)
        yield Figure(own=own, aim=Aim(of="rate", bound=10_000.0, must=5_000.0, above=True))


def _events(path: Path, *, read: _Read) -> Iterator[Event]:
    for event in events_of(read(path), origin=Origin(customer="c-1", producer="bench")):
        if isinstance(event, BadRow):
            raise event
        yield event


def _dates(rows: int) -> Iterator[tuple[int, date]]:
    return ((row, _FIRST + timedelta(days=row // _A_DAY)) for row in range(rows))


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

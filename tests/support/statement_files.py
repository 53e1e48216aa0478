"""Statements of an invented bank, written in each format after its published description."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape

IBAN = "DE89370400440532013000"
OTHER_IBAN = "DE02120300000000202051"
OPENING = Decimal("1000.00")


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One movement, as every format can tell it."""

    amount: Decimal
    booked: date
    party: str
    text: str


COFFEE = Moved(amount=Decimal("-3.50"), booked=date(2026, 6, 1), party="Café Rio", text="Card 1234 Lisbon")
SALARY = Moved(amount=Decimal("2500.00"), booked=date(2026, 6, 30), party="Oak & Sons Ltd", text="Salary June")
USUAL = (COFFEE, SALARY)


def closing(moved: Iterable[Moved]) -> Decimal:
    return OPENING + sum((one.amount for one in moved), Decimal(0))


OFX_HEADER = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

"""
OFX_2_HEADER = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
"""
_SIGNED_ON = (
    "<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
    "<DTSERVER>20260701120000</DTSERVER><LANGUAGE>ENG</LANGUAGE></SONRS></SIGNONMSGSRSV1>"
)


def ofx_transaction(name: str, moved: Moved, *, more: str = "") -> str:
    return f"""<STMTTRN>
<TRNTYPE>{"CREDIT" if moved.amount > 0 else "POS"}
<DTPOSTED>{moved.booked:%Y%m%d}120000[-5:EST]
<TRNAMT>{moved.amount}
<FITID>{name}
<NAME>{escape(moved.party, quote=False)}
<MEMO>{escape(moved.text, quote=False)}
{more}</STMTTRN>
"""


def ofx_statement(transactions: str, *, account: str = "123456789", balance: str = "10.00") -> str:
    return f"""<STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>011000015<ACCTID>{account}<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260601<DTEND>20260630
{transactions}</BANKTRANLIST>
<LEDGERBAL><BALAMT>{balance}<DTASOF>20260630</LEDGERBAL></STMTRS></STMTTRNRS>
"""


def ofx(moved: Sequence[Moved] = USUAL) -> str:
    """Write OFX 1, each movement with a number as its name."""
    rows = "".join(ofx_transaction(f"f{place}", one) for place, one in enumerate(moved, start=1))
    return ofx_around(ofx_statement(rows, balance=str(closing(moved))))


def ofx_around(*statements: str) -> str:
    return f"{OFX_HEADER}<OFX>{_SIGNED_ON}<BANKMSGSRSV1>{''.join(statements)}</BANKMSGSRSV1></OFX>\n"


def ofx_2(moved: Sequence[Moved] = USUAL) -> str:
    """Write OFX 2: the same with every tag closed."""
    body = ofx(moved).removeprefix(OFX_HEADER)
    closed = []
    for line in body.replace("<", "\n<").splitlines():
        tag, _, value = line.removeprefix("<").partition(">")
        ends = value.strip() and not tag.startswith("/")
        closed.append(f"{line.strip()}</{tag}>" if ends else line.strip())
    return OFX_2_HEADER + "\n".join(_once_closed(closed)) + "\n"


def _once_closed(lines: Sequence[str]) -> Iterable[str]:
    """Leave out end tags that stood in the file already."""
    for before, line in zip(("", *lines), lines, strict=False):
        if not (line.startswith("</") and before.endswith(line)):
            yield line


def qif(moved: Sequence[Moved] = USUAL) -> str:
    records = (
        f"D{one.booked.month}/{one.booked.day:2}'{one.booked:%y}\nT{one.amount:,}\nP{one.party}\nM{one.text}\n^\n"
        for one in moved
    )
    return "!Type:Bank\n" + "".join(records)


def mt940_entry(moved: Moved, *, mark: str | None = None, details: str | None = None) -> str:
    mark = mark or ("C" if moved.amount > 0 else "D")
    amount = f"{abs(moved.amount):.2f}".replace(".", ",")
    said = details if details is not None else mt940_details(moved)
    return f":61:{moved.booked:%y%m%d}{moved.booked:%m%d}{mark}{amount}NMSCNONREF\n:86:{said}\n"


def mt940_details(moved: Moved) -> str:
    """Write sub-fields of 27 characters, folded after 65 as SWIFT has it."""
    purpose = "SVWZ+" + moved.text
    pieces = [purpose[start : start + 27] for start in range(0, len(purpose), 27)]
    told = "".join(f"?{20 + place}{piece}" for place, piece in enumerate(pieces))
    said = f"166?00BOOKING{told}?30COBADEFF?31{OTHER_IBAN}?32{moved.party[:27]}?33{moved.party[27:54]}"
    return "\n".join(said[start : start + 65] for start in range(0, len(said), 65))


def mt940_statement(entries: str, *, opened: Decimal = OPENING, closed: Decimal, account: str = IBAN) -> str:
    return (
        f":20:STARTUMS\n:25:{account}\n:28C:00006/001\n:60F:{_mt940_balance(opened, date(2026, 5, 31))}\n"
        f"{entries}:62F:{_mt940_balance(closed, date(2026, 6, 30))}\n-\n"
    )


def _mt940_balance(amount: Decimal, on: date) -> str:
    return f"{'D' if amount < 0 else 'C'}{on:%y%m%d}EUR{abs(amount):.2f}".replace(".", ",")


def mt940(moved: Sequence[Moved] = USUAL) -> str:
    return mt940_statement("".join(mt940_entry(one) for one in moved), closed=closing(moved))


CAMT = "camt.053.001.08"
_CAMT_MESSAGES = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def camt_amount(amount: Decimal | str, *, currency: str = "EUR") -> str:
    sign = "DBIT" if Decimal(amount) < 0 else "CRDT"
    return f'<Amt Ccy="{currency}">{abs(Decimal(amount))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def camt_balance(code: str, amount: Decimal | str, *, on: str, more: str = "") -> str:
    told = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{more}{camt_amount(amount)}"
    return f"<Bal>{told}<Dt><Dt>{on}</Dt></Dt></Bal>\n"


def camt_entry(moved: Moved, *, details: str | None = None, status: str = "<Cd>BOOK</Cd>", more: str = "") -> str:
    """Write an entry of version 8 with one transaction, or other details."""
    return f"""<Ntry>{camt_amount(moved.amount)}<Sts>{status}</Sts><BookgDt><Dt>{moved.booked}</Dt></BookgDt>{more}
<NtryDtls>{camt_details(moved) if details is None else details}</NtryDtls></Ntry>
"""


def camt_details(moved: Moved) -> str:
    side = "Dbtr" if moved.amount > 0 else "Cdtr"
    name, text = escape(moved.party), escape(moved.text)
    return (
        f"<TxDtls><RltdPties><{side}><Pty><Nm>{name}</Nm></Pty></{side}>"
        f"<{side}Acct><Id><IBAN>{OTHER_IBAN}</IBAN></Id></{side}Acct></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    )


def camt_statement(body: str, *, version: str = CAMT, account: str = f"<IBAN>{IBAN}</IBAN>", more: str = "") -> str:
    name = _CAMT_MESSAGES[version[:8]][1]
    acct = f"<Acct><Id>{account}</Id><Ccy>EUR</Ccy><Ownr><Nm>Ann Roe</Nm></Ownr>{more}</Acct>"
    return f"<{name}><Id>1</Id><CreDtTm>2026-07-01T08:00:00+02:00</CreDtTm>{acct}\n{body}</{name}>\n"


def camt_around(*statements: str, version: str = CAMT) -> str:
    message = _CAMT_MESSAGES[version[:8]][0]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}">\n'
        f"<{message}><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-07-01T08:00:00+02:00</CreDtTm></GrpHdr>\n"
        f"{''.join(statements)}</{message}>\n</Document>\n"
    )


def camt(moved: Sequence[Moved] = USUAL) -> str:
    balances = camt_balance("OPBD", OPENING, on="2026-06-01") + camt_balance("CLBD", closing(moved), on="2026-06-30")
    return camt_around(camt_statement(balances + "".join(camt_entry(one) for one in moved)))

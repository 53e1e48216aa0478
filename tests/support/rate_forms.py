"""Tables of daily rates in the layouts that are read, and the law that each of their lines is told."""

from __future__ import annotations

from pathlib import Path

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rates import RatesFile
from marketofone.importers.rows import BadRow
from marketofone.importers.tables.cells import is_empty
from marketofone.importers.tables.delimited import lines_of

WIDE = b"""Date,USD,JPY,GBP,CYP,
2026-06-30,1.1702,169.12,0.8546,N/A,
2026-06-29,1.1650,168.9,0.8550,N/A,
"""
DAILY = b"Date, USD, JPY, GBP, \r\n30 June 2026, 1.1702, 169.12, 0.8546, \r\n"
LONG = b"""\xef\xbb\xbfdate;base;quote;rate
30.06.2026;EUR;USD;1,1702
30.06.2026;EUR;JPY;169,12
30.06.2026;EUR;GBP;0,8546
"""
SERIES = b"""KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS
EXR.D.USD.EUR.SP00.A,D,USD,EUR,SP00,A,2026-06-30,1.1702,A
EXR.D.JPY.EUR.SP00.A,D,JPY,EUR,SP00,A,2026-06-30,169.12,A
EXR.D.GBP.EUR.SP00.A,D,GBP,EUR,SP00,A,2026-06-30,0.8546,A
EXR.D.GBP.EUR.SP00.A,D,GBP,EUR,SP00,A,2026-06-28,NaN,H
"""


def check_rates(path: Path) -> bool:
    """Assert that no line of a table of rates is lost; say whether the file was not refused."""
    try:
        file = RatesFile(path)
        rows = list(file)
        below = [line for line in lines_of(path) if line.line > file.header_line]
    except MalformedDocument:
        return False
    assert len(rows) + file.notes == sum(isinstance(line, BadRow) or not is_empty(line.cells) for line in below)
    for _, row in rows:
        if not isinstance(row, BadRow):
            assert row
            assert all(rate.digits > 0 and rate.base != rate.quote for rate in row)
    return True

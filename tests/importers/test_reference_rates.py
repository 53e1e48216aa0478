"""Tables of rates come in as their publishers lay them out; what cannot be read is told, and no row is lost."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import day_number
from marketofone.domain.rates import DailyRate
from marketofone.importers.rates import ECB, OTHERWISE, RatesFile
from marketofone.importers.rows import BadRow
from rate_forms import DAILY, LONG, SERIES, WIDE


def read(folder: Path, content: bytes, *, base: str = "EUR") -> tuple[RatesFile, list[DailyRate], list[BadRow]]:
    path = folder / "rates.csv"
    path.write_bytes(content)
    file = RatesFile(path, base=base)
    rows = [row for _, row in file]
    good = [rate for row in rows if not isinstance(row, BadRow) for rate in row]
    return file, good, [row for row in rows if isinstance(row, BadRow)]


def worth(rates: Sequence[DailyRate], *, on: date = date(2026, 6, 30)) -> dict[str, Fraction]:
    return {f"{rate.base}/{rate.quote}": Fraction(rate.digits, 10**rate.decimals) for rate in rates
            if rate.day == day_number(on)}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "table", "notes"),
    [(WIDE, ECB, 0), (DAILY, ECB, 0), (LONG, OTHERWISE, 0), (SERIES, ECB, 1), (gzip.compress(WIDE, mtime=0), ECB, 0)],
)
def test_a_table_is_read_in_the_layout_it_has(tmp_path: Path, content: bytes, table: str, notes: int) -> None:
    file, good, bad = read(tmp_path, content)

    assert worth(good) == {
        "EUR/USD": Fraction("1.1702"),
        "EUR/JPY": Fraction("169.12"),
        "EUR/GBP": Fraction("0.8546"),
    }
    assert (bad, file.publisher, file.notes, file.unsure) == ([], table, notes, ())


def test_the_base_of_a_wide_table_can_be_named(tmp_path: Path) -> None:
    file, good, _ = read(tmp_path, b"Date,EUR,CHF\n2026-06-30,0.0408,0.0382\n", base="CZK")

    assert worth(good) == {"CZK/EUR": Fraction("0.0408"), "CZK/CHF": Fraction("0.0382")}
    assert file.publisher == OTHERWISE


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (b"2026-06-31,EUR,USD,1.17", "date"),
        (b"2026-06-30,EUR,XXQ,1.17", "quote"),
        (b"2026-06-30,eur,USD,1.17", "base"),
        (b"2026-06-30,EUR,EUR,1", "quote"),
        (b"2026-06-30,EUR,USD,0", "rate"),
        (b"2026-06-30,EUR,USD,-1.17", "rate"),
        (b"2026-06-30,EUR,USD,about 1", "rate"),
        (b"2026-06-30,EUR,USD,1.17,7", "row"),
        (b"2026-06-29,EUR,USD,1.18", "rate"),
    ],
)
def test_a_row_that_is_no_rate_is_told_with_its_line_and_stops_no_other(tmp_path: Path, row: bytes, field: str) -> None:
    rows = b"2026-06-29,EUR,USD,1.16\n" + row + b"\n2026-06-28,EUR,USD,1.15\n2026-06-29,EUR,USD,1.160\n"
    _, good, bad = read(tmp_path, b"date,base,quote,rate\n" + rows)

    assert [(one.field, one.line, one.raw) for one in bad] == [(field, 3, row)]
    assert len(good) == 3


def test_a_row_of_a_wide_table_gives_all_its_rates_or_none(tmp_path: Path) -> None:
    _, good, bad = read(tmp_path, WIDE.replace(b"169.12", b"?"))

    assert [one.line for one in bad] == [2]
    assert not worth(good)


def test_what_can_be_read_in_two_ways_is_said(tmp_path: Path) -> None:
    file, _, _ = read(tmp_path, b"date,base,quote,rate\n03/04/2026,EUR,USD,1.170\n")

    assert [one.partition(":")[0] for one in file.unsure] == ["date", "decimal"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Date,Amount\n2026-06-30,5\n",
        b"Date,USD,XXQ,GBP\n2026-06-30,1,1,1\n",
        b"Date,EUR,USD,JPY\n",
        b"Date,USD,GBP,USD\n",
    ],
)
def test_a_file_that_is_no_table_of_rates_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MalformedDocument):
        read(tmp_path, content)

"""On PostgreSQL as well no quiet change stays quiet: every column of every table is covered by verify."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from test_every_change_is_found import START, allow, fill

import marketofone
import postgres_server
from bank_projects import name_engine
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.domain.moment import DAY, Instant
from marketofone.store.postgres.schema import COLUMNS

pytestmark = pytest.mark.server

ARRIVAL = "row"  # the order of arrival, which the server numbers and lets nobody set; no answer rests on it
TESTED = [
    (table, column.strip('"'))
    for table, columns in COLUMNS.items()
    for column in columns.split(", ")
    if column != ARRIVAL
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bank, str]]:
    address = postgres_server.server().create(stays=True)
    folder = tmp_path_factory.mktemp("served") / "bank"
    wiring.lay_out(folder)
    name_engine(folder, address)
    with marketofone.open(folder, now=START) as bank:
        fill(bank)
    with marketofone.open(folder, now=START) as bank:
        bank.profile("c-1", now=Instant(START + 20 * DAY))
    with marketofone.open(folder, now=START) as bank:
        allow(bank, "c-4", now=START)  # it is not sealed yet
        yield bank, address


def other(value: object) -> object:
    if value is None:
        return b"\0"
    if isinstance(value, bytes):
        return bytes((value[0] ^ 1,)) + value[1:]
    return f"{value}x" if isinstance(value, str) else value + 1_000  # type: ignore[operator]  # else a number


def test_an_untouched_bank_verifies(served: tuple[Bank, str]) -> None:
    assert served[0].verify().problems == ()


@pytest.mark.parametrize(("table", "column"), TESTED)
def test_every_column_of_every_table_is_covered(served: tuple[Bank, str], table: str, column: str) -> None:
    bank, address = served
    place, name = sql.Identifier("marketofone", table), sql.Identifier(column)
    change = sql.SQL("UPDATE {} SET {} = %s WHERE ctid = %s::tid RETURNING ctid::text").format(place, name)
    with psycopg.connect(address, autocommit=True) as outside:
        customers = sql.SQL("WHERE subject > 0" if table == "heads" else "")
        row = outside.execute(
            sql.SQL("SELECT ctid::text, {} FROM {} {} ORDER BY 2 LIMIT 1").format(name, place, customers)
        ).fetchone()
        assert row is not None
        at, value = row
        moved = outside.execute(change, (other(value), at)).fetchone()
        assert moved is not None
        try:
            problems = bank.verify().problems
        finally:
            outside.execute(change, (value, moved[0]))

    assert problems
    assert bank.verify().problems == ()

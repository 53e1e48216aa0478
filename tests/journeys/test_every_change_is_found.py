# ruff: noqa: S608 - statements with names of tables, to alter a copy from outside
"""No quiet change stays quiet: whatever is altered, added, taken out or moved in the bank's database is found."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from people import happened, ordinary_months, paid, searched

import marketofone
from marketofone import wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange
from marketofone.domain.event import IdentityLinked
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.governance.board import Ruling
from marketofone.store.sqlite.schema import TABLES

START = Instant(1_767_600_000_000_000)
FILE = Path(wiring.DATA) / "bank.sqlite"


def layout() -> dict[str, list[tuple[str, bool]]]:
    """Give every table of the database with its columns, and whether a column is part of the key."""
    with closing(sqlite3.connect(":memory:")) as empty:
        for statement in TABLES:
            empty.execute(statement)
        names = [row[0] for row in empty.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {
            name: [(row[1], row[5] > 0) for row in empty.execute(f"PRAGMA table_info({name})")]
            for name in names
            if name != "sqlite_sequence"  # the engine's own counter of rows in the queue: it only has to grow
        }


LAYOUT = layout()
COLUMNS = [(table, column) for table, columns in LAYOUT.items() for column, _ in columns if table != "seal"]


def allow(bank: Bank, customer: str, *, now: Instant) -> None:
    change = ConsentChange(
        customer=customer, change="grant", purposes=("*",), sources=("*",), channels=("*",), since=now
    )
    bank.consent(change, now=now)


def fill(bank: Bank) -> None:
    """Do a little of everything, so that no table is empty."""
    for customer in ("c-1", "c-2", "c-3"):
        allow(bank, customer, now=START)
        bank.ingest(ordinary_months(customer, until=START, days=60), now=START)
    for number in range(70):
        at = Instant(START + number * MINUTE)
        bank.ingest([paid("c-1", -100 - number, "groceries", at=at)], now=at)
    links = [IdentityLinked(key_kind="email_hash", key=name) for name in ("one", "two")]
    later = Instant(START + 2 * HOUR)
    bank.ingest([happened(who, link, at=later) for who in ("c-2", "c-3") for link in links], now=later)
    bank.ingest([b"{", b'{"a": 1}', b"[]"], now=later)
    bank.rule(Ruling(ruling="stop", scope="credit_card", by="the board", at=later))
    bank.train(now=later)
    for step in range(8):
        if step == 5:
            bank.learning.by_itself = False
        at = Instant(later + (step + 1) * DAY)
        for customer in ("c-1", "c-2"):
            decision = bank.decide(customer, occasion="app.opened", now=at)
            if decision.action != "nothing":
                bank.outcome(decision.id, "accepted", now=Instant(at + HOUR))
                bank.outcome(decision.id, "valued", value_minor=500, now=Instant(at + 2 * HOUR))
        bank.ingest([searched("c-3", "baby crib", at=at)], now=at)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    folder = tmp_path_factory.mktemp("full") / "bank"
    wiring.lay_out(folder)
    shutil.copytree(fitted, folder / wiring.DATA, ignore=lambda _, names: [n for n in names if "language" not in n])
    with marketofone.open(folder, now=START) as bank:
        fill(bank)
    with marketofone.open(
        folder, now=START
    ) as bank:  # a process that remembers nothing folds, and keeps what it folded
        bank.profile("c-1", now=Instant(START + 20 * DAY))
    with marketofone.open(folder, now=START) as bank:
        bank.context.store.seal()
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        # What settles beside the way in a large bank.
        least = connection.execute("SELECT min(subject) FROM fresh_keys").fetchone()[0]
        for name in ("places", "keys"):
            connection.execute(f"INSERT INTO {name} SELECT * FROM fresh_{name} WHERE subject = ?", (least,))
            connection.execute(f"DELETE FROM fresh_{name} WHERE subject = ?", (least,))
        empty = [name for name in LAYOUT if not connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
    assert not empty
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@pytest.fixture
def altered(full: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    folder = tmp_path / "altered"
    shutil.copytree(full, folder)
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as connection:
        yield connection


class Altered:
    """A copy of the bank, to be altered from outside and then verified as an auditor does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def change(self, statement: str, *values: object) -> int:
        with closing(sqlite3.connect(self.folder / FILE)) as connection, connection:
            return connection.execute(statement, values).rowcount

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / FILE)) as connection:
            return connection.execute(statement, values).fetchall()

    def problems(self) -> tuple[str, ...]:
        with marketofone.open(self.folder, read_only=True) as bank:
            found = bank.verify()
        assert found.ok == (not found.problems)
        return found.problems


@pytest.fixture
def copy(full: Path, tmp_path: Path) -> Altered:
    shutil.copytree(full, tmp_path / "copy")
    return Altered(tmp_path / "copy")


def other(value: object) -> object:
    """Give another value of the same type."""
    if isinstance(value, int):
        return value + 1_000
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bytes):
        return bytes((value[0] ^ 1,)) + value[1:]
    return b"\0"


def keyed(table: str) -> tuple[str, list[str]]:
    names = [name for name, is_key in LAYOUT[table] if is_key]
    return " AND ".join(f"{name} = ?" for name in names), names


def test_an_untouched_bank_verifies(copy: Altered) -> None:
    assert copy.problems() == ()


@pytest.mark.parametrize(("table", "column"), COLUMNS)
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.slow
def test_every_column_of_every_table_is_covered(copy: Altered, table: str, column: str, place: str) -> None:
    where, names = keyed(table)
    rows = copy.ask(f"SELECT {', '.join(names)}, {column} FROM {table} ORDER BY {', '.join(names)}")
    *key, value = rows[0] if place == "first" else rows[-1]
    if column == "row" and "row" in names:  # the order of rows is what their numbers say: move one to the end
        key, value = list(rows[0][:-1]), rows[-1][-1]
    assert copy.change(f"UPDATE {table} SET {column} = ? WHERE {where}", other(value), *key) == 1

    assert copy.problems()


@pytest.mark.parametrize("table", [name for name in LAYOUT if name not in ("seal", "snapshots")])
def test_a_row_taken_out_is_found(copy: Altered, table: str) -> None:
    where, names = keyed(table)
    rows = copy.ask(f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(names)}")
    assert copy.change(f"DELETE FROM {table} WHERE {where}", *rows[len(rows) // 2]) == 1

    assert copy.problems()


def test_a_snapshot_may_go_for_nothing_rests_on_it(copy: Altered) -> None:
    assert copy.change("DELETE FROM snapshots") > 1

    assert copy.problems() == ()


@pytest.mark.parametrize("table", [name for name in LAYOUT if name != "seal"])
def test_a_row_put_in_is_found(copy: Altered, table: str) -> None:
    columns = [name for name, _ in LAYOUT[table]]
    _, names = keyed(table)
    row = list(copy.ask(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(names)}")[-1])
    for place in (columns.index(name) for name in names):
        row[place] = other(row[place])
    assert copy.change(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row) == 1

    assert copy.problems()


@pytest.mark.parametrize("table", [name for name in LAYOUT if any(not key for _, key in LAYOUT[name])])
def test_two_rows_that_change_places_are_found(copy: Altered, table: str) -> None:
    where, names = keyed(table)
    columns = [name for name, is_key in LAYOUT[table] if not is_key]
    rows = copy.ask(f"SELECT {', '.join((*names, *columns))} FROM {table} ORDER BY {', '.join(names)}")
    one = rows[0]
    two = next((row for row in reversed(rows) if row[len(names) :] != one[len(names) :]), None)
    if two is None:
        pytest.skip("one row")
    change = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {where}"
    copy.change(change, *two[len(names) :], *one[: len(names)])
    copy.change(change, *one[len(names) :], *two[: len(names)])

    assert copy.problems()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE letters SET row = row + 1 WHERE row = (SELECT max(row) FROM letters)",
        "UPDATE letters SET row = 9223372036854775807 WHERE row = (SELECT max(row) FROM letters)",
        "UPDATE lessons SET row = 9223372036854775807 WHERE row = (SELECT max(row) FROM lessons)",
        "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    ],
)
def test_numbers_that_leave_no_room_for_what_comes_are_found(copy: Altered, statement: str) -> None:
    assert copy.change(statement) == 1

    assert copy.problems()


def test_the_seal_is_covered(copy: Altered) -> None:
    (frontier,) = copy.ask("SELECT frontier FROM seal")[0]
    assert isinstance(frontier, bytes)
    copy.change("UPDATE seal SET frontier = ?", frontier[:-1] + bytes((frontier[-1] ^ 1,)))
    assert copy.problems()

    copy.change("DELETE FROM seal")
    assert copy.problems()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER quiet AFTER INSERT ON entries BEGIN DELETE FROM lessons; END",
        "CREATE TABLE more (x)",
        "CREATE VIEW seen AS SELECT * FROM heads",
        "DROP INDEX recents",
    ],
)
def test_a_changed_layout_is_found(copy: Altered, statement: str) -> None:
    copy.change(statement)

    assert copy.problems()


def test_an_entry_cut_off_at_the_end_is_found_with_its_head(copy: Altered) -> None:
    ((subject, n),) = copy.ask("SELECT subject, n FROM heads WHERE subject > 0 ORDER BY n LIMIT 1")
    row = copy.ask("SELECT row FROM entries WHERE subject = ? AND n = ?", subject, n)[0][0]
    before = copy.ask(
        "SELECT n, hash, stamp, recorded FROM entries WHERE subject = ? AND n < ? ORDER BY n DESC", subject, n
    )
    copy.change("DELETE FROM entries WHERE row = ?", row)
    for table in ("places", "fresh_places"):
        copy.change(f"DELETE FROM {table} WHERE row = ?", row)
    copy.change("UPDATE heads SET n = ?, hash = ?, stamp = ?, recorded = ? WHERE subject = ?", *before[0], subject)

    assert copy.problems()
